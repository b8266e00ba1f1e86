"""Find an amount that the text states in a different form from the one in the model's answer. The
text must contain the amount's number, with the words for its unit nearby: "135 ug/week" supports
135 ug, "two pills" supports two tablets, and "starts at 5 and rises to 10 mg" supports 5 mg. The
support is always ``inferred``.
"""

import re
from collections.abc import Sequence

from extractor.concepts.places import Derived
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.language.units import find_unit
from extractor.schemas import Amount, Support

_REACH = 25
"""Maximum number of tokens between a number and a unit that it shares with another number."""
_BESIDE = 10
"""Maximum number of tokens in a unit directly after a number: "mg/(kg fat-free mass•h)"."""
_SYNONYMS = {
    "pill": "tablet",
    "t": "tablet",
    "m²": "m2",
    "hr": "h",
    "hour": "h",
    "minute": "min",
}
_TIMES = frozenset({"day", "week", "month", "year", "dose"})
_PART = re.compile(r"[^\W\d_]\w*|%")


def find_loosely(
    tokens: Tokens, amount: Amount, places: Sequence[Range]
) -> Derived | None:
    """Return the tokens that state an amount in another form; None if the text does not state it.
    ``places`` contains the tokens of each number in the amount, in reading order.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("two pills daily")
    >>> find_loosely(tokens, Amount(low=2, high=2, unit="tablet"), [(0, 1)])
    Derived(first=0, end=1, support=<Support.INFERRED: 'inferred'>)
    """
    wanted = _fold(amount.unit)
    for first, end in places:
        next_unit = find_unit(tokens, end, loose=True)
        dose: set[str] = set()
        if next_unit:
            dose = _fold(next_unit.dose or "")
        # "5 mg/kg" does not state 5 mg
        if wanted < dose.difference(_TIMES):
            continue
        # "day 14", "IL-6"
        is_place = rule("counts_a_place").ends(tokens, first, first - 1)
        is_bare = end == len(tokens) or rule("after_bare_dose").starts(tokens, end)
        before = after = _REACH
        if is_place or tokens.in_name(first) or not is_bare:
            before = 1
            after = 2
            if next_unit:
                after = _BESIDE
        near: set[str] = set()
        for at in range(max(0, first - before), min(end + after, len(tokens))):
            unit = find_unit(tokens, at, loose=True)
            near |= _fold(tokens.words[at])
            if unit:
                near |= _fold(unit.dose or "")
        if wanted and wanted <= near:
            return Derived(first, end, Support.INFERRED)
    return None


def _fold(unit: str) -> set[str]:
    """Return the words of a unit, each in its normalised spelling."""
    words = (word.lower() for word in _PART.findall(unit))
    singular = {word if len(word) < 3 else word.removesuffix("s") for word in words}
    return {_SYNONYMS.get(word, word) for word in singular}

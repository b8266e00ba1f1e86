"""Whether the words of a limit bear out the quantity that they were given.

The reading of a limit may use a kind of quantity that its unit alone tells: ``concentration`` for
ng/mL. A table is grouped by its names, so there a name needs words.
"""

import re
from difflib import SequenceMatcher

from extractor.concepts.limits.lists import read_list, split_list
from extractor.concepts.limits.quantity_names import (
    KnownQuantity,
    fold_words,
    get_quantity,
    list_named_words,
    spell_words,
)
from extractor.language.book import word_list

_COUNT = "1"
_PLURAL_COUNT = "count"
"""The kind of what is counted without a name: "affected limbs". The plural bears it out."""
_SHORTEST_AGE_UNITS = frozenset({"s", "min", "ms"})
_BEHIND_HEAD = re.compile(
    r"\s(?:of|for|in|with|per|during|from|since|prior\sto|within|at|after|before)\s",
    re.IGNORECASE,
)
"""What ends the head of a name: "trials" in "trials of adequate dose"."""
_COUNT_WORDS = frozenset({"number", "no", "count", "time", "total", "history", "use"})
"""Heads that say only that something is counted."""
_LONG_FORM = re.compile(
    r"(?P<words>[^()]{4,90}?)\s{0,2}\((?P<short>[A-Z][A-Za-z]{1,5})\)"
)
_MULTIPLES = ("ULN", "LLN", "baseline")
_OTHER_HEADS = frozenset({"tki", "inhibitor", "mutation", "amplification", "fusion"})
"""Heads that make a name one of a gene or a drug: "EGFR-TKI"."""
_BRACKETS = re.compile(r"\([^()]{0,60}\)")
_WORD = re.compile(r"[A-Za-z]+")
_LIKE = 0.72
"""How alike a long form must be to a name of the quantity: "Eastern Cooperative Gruop"."""
_WEIGHED = "body_weight"


def bears_out(quantity: KnownQuantity, text: str, unit: str | None) -> bool:
    """Return whether ``text`` and the UCUM unit of a limit can mean the quantity.

    >>> from extractor.concepts.limits.quantity_names import name_quantity
    >>> texts = (
    ...     ("Cut-off", "ng/mL"),
    ...     ("tumour diameter", "mm"),
    ...     ("trials of adequate dose", None),
    ...     ("doses of vaccine", None),
    ... )
    >>> [
    ...     bears_out(name_quantity(text, unit, value=2), text, unit)
    ...     for text, unit in texts
    ... ]
    [False, True, False, True]
    """
    named = list_named_words(text, quantity)
    if quantity.general and not named and quantity.name not in spell_words(text):
        # the unit alone says it; a plural without a unit is a count
        return quantity.name == _PLURAL_COUNT and unit is None
    if quantity.name == "age":
        return unit not in _SHORTEST_AGE_UNITS
    if quantity.name == _WEIGHED and not named:
        return _names_people(text)
    words = spell_words(text)
    if words and words[-1] in _OTHER_HEADS:
        return False
    if named and quantity.unit == _COUNT and unit is None and not quantity.general:
        return _is_counted(text, quantity)
    return not (named and _has_other_long_form(text, quantity))


def list_joined(
    text: str, quantity: KnownQuantity, unit: str | None
) -> tuple[str, ...]:
    """Return the quantities that a text joins, each by its whole name, if no name of the vocabulary
    stands for them together; otherwise nothing. ``quantity`` is the one that was read.

    >>> from extractor.concepts.limits.quantity_names import get_quantity
    >>> list_joined("bilirubin or ASAT", get_quantity("ast"), "{ULN}")
    ('total_bilirubin', 'ast')
    >>> list_joined("FEV1/FVC", get_quantity("fev1_fvc_ratio"), "%")
    ()
    """
    if len(split_list(text)) == 1:
        return ()
    parts = [part for one in read_list(text) for part in _list_parts(one)]
    names = tuple(dict.fromkeys(part.name for part in parts))
    has_own_name = quantity.both == {*names}
    if len(names) < 2 or has_own_name or not all(part.fits(unit) for part in parts):
        return ()
    # "FEV1/FVC" is a ratio, "ALT/AST > 3 x ULN" is both
    is_multiple = unit is not None and unit.strip("{}") in _MULTIPLES
    return () if "/" in _BRACKETS.sub(" ", text) and not is_multiple else names


def _list_parts(quantity: KnownQuantity) -> list[KnownQuantity]:
    """Return what a quantity stands for: ALT and AST for transaminases."""
    return [get_quantity(part) for part in sorted(quantity.both)] or [quantity]


def _names_people(text: str) -> bool:
    idle = word_list("people") | word_list("idle_words") | word_list("scale_words")
    return idle.issuperset(fold_words(text))


def _is_counted(text: str, quantity: KnownQuantity) -> bool:
    """Return whether the head of the text is what the quantity counts, or "number" and the like."""
    head = _BEHIND_HEAD.split(text.strip(), maxsplit=1)[0]
    words = fold_words(head)
    if not words or words[-1] in _COUNT_WORDS:
        return True
    return any(start < len(words) for start in list_named_words(text, quantity))


def _has_other_long_form(text: str, quantity: KnownQuantity) -> bool:
    """Return whether a short form alone names the quantity, and stands for other words: "American
    College of Rheumatology (ACR)".
    """
    found = _LONG_FORM.search(text)
    if found is None:
        return False
    words = _WORD.findall(found["words"])[-len(found["short"]) - 2 :]
    initials = "".join(word[0] for word in words if word[0].isupper())
    if not initials.endswith(found["short"].upper()):
        return False
    rest = text[: found.start("short")] + text[found.end("short") :]
    if list_named_words(rest, quantity):
        return False
    long_form = " ".join(words).casefold()
    likeness = (
        SequenceMatcher(None, long_form, name.casefold()).ratio()
        for name in quantity.names
    )
    return max(likeness, default=0.0) < _LIKE

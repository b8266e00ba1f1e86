r"""Normalise texts and quantities for comparison: ignore white space, case and the registry's
backslashes.

>>> fold_text("Platelets  \\> 50 x 10^9/L;")
'platelets > 50 x 10^9/l'
>>> measure_overlap("active infection", "any active infection")
0.8
"""

import re
from functools import lru_cache

from extractor.concepts.aliases import trim_event, unify
from extractor.language.book import word_set
from extractor.language.units import find_dimension, read_unit

ESCAPE = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
"""A backslash that the registry put before punctuation."""
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+|[<>=≤≥%+]")
_MONTHS = {"mo": 1.0, "a": 12.0}
"""Months by UCUM code: a month has no fixed number of days."""
_OF_AGE = re.compile(r"(?<![\s-])[\s-]*(?:of\s+age|old)$")
_MARK = re.compile(r"\{[^{}]*\}")
_TRADE_MARKS = dict.fromkeys(map(ord, "®™©"))
_LITTLE = word_set(
    "a an the of in on at to for from by with within into during since until before after prior"
)
"""Articles and prepositions."""
_JOINTS = frozenset({"and", "or", "any", "other"})
_MEMBERS = re.compile(r"[,;/]|\b(?:and|or)\b")
"""What parts the members of a list."""
_ABBREVIATION = re.compile(r"(?<=\w) ?\([A-Z][A-Za-z]{0,5}[A-Z]s?\)$")


def fold_quote(text: str) -> str:
    r"""Normalise a text as the guideline does to compare quotes.

    >>> fold_quote("ECOG\n  \\<= 2")
    'ecog <= 2'
    """
    return " ".join(ESCAPE.sub("", text).split()).casefold()


@lru_cache(maxsize=2048)
def fold_text(text: str) -> str:
    """Normalise a text for scores: as ``fold_quote``, without trade marks and a final full stop,
    comma or semicolon.
    """
    return fold_quote(text.translate(_TRADE_MARKS)).rstrip(".,; ")


@lru_cache(maxsize=2048)
def fold_name(text: str) -> str:
    """Normalise a text for scores. A name of an agent or a measure becomes its usual name, "the
    date of" an event that event; an abbreviation in brackets behind a name adds nothing to it.

    >>> (
    ...     fold_name("MTX"),
    ...     fold_name("The date of death from any cause."),
    ...     fold_name("cerebrospinal fluid (CSF)"),
    ... )
    ('methotrexate', 'death from any cause', 'cerebrospinal fluid')
    """
    folded = fold_text(_ABBREVIATION.sub("", text))
    start, end = trim_event(folded)
    return fold_text(unify(folded[start:end]))


@lru_cache(maxsize=2048)
def _list_tokens(text: str) -> frozenset[str]:
    return frozenset(_TOKEN.findall(fold_text(text)))


def measure_overlap(one: str, other: str) -> float:
    """Return the Dice coefficient of the tokens, 0 to 1. Two texts without tokens overlap if
    they are equal.
    """
    first = _list_tokens(one)
    second = _list_tokens(other)
    if one == other or not first or not second:
        return float(fold_text(one) == fold_text(other))
    return 2 * len(first & second) / (len(first) + len(second))


def share_words(one: str, other: str) -> bool:
    """Return whether two texts have at least half of the words of the shorter one in common,
    without little words.

    >>> (
    ...     share_words("before the first dose", "the first dose of it"),
    ...     share_words("liver metastases", "men"),
    ... )
    (True, False)
    """
    # A text of little words alone keeps them.
    first = _list_tokens(one) - _LITTLE or _list_tokens(one)
    second = _list_tokens(other) - _LITTLE or _list_tokens(other)
    shared = len(first & second)
    return 2 * shared >= min(len(first), len(second))


def share_whole(one: str, other: str) -> bool:
    """Return whether two texts name the same thing as a whole: neither is a fragment of the other.

    They share half of the words of the longer one, and a word of each member of a list. Little
    words do not count, nor do brackets at the end, which only explain.

    >>> share_whole("severe asthma", "asthma"), share_whole("asthma or gout", "asthma")
    (True, False)
    >>> (
    ...     share_whole("drugs (such as aspirin)", "drugs"),
    ...     share_whole("participation in another trial", "trial"),
    ... )
    (True, False)
    """
    # "Drugs (such as aspirin)" are drugs.
    short = _drop_last_bracket(one) or one
    other_short = _drop_last_bracket(other) or other
    words = _list_content(short)
    other_words = _list_content(other_short)
    shared = len(words & other_words)
    # "Trial" is only a fragment of "participation in another trial".
    if 2 * shared < max(len(words), len(other_words)):
        return False
    # "Asthma" leaves out a member of "asthma or gout".
    return _touches_all(short, other_words) and _touches_all(other_short, words)


def _drop_last_bracket(text: str) -> str:
    """Return a text without the last bracket, if the text ends with it."""
    whole = text.rstrip()
    if not whole.endswith(")") or "(" not in whole:
        return whole
    return whole[: whole.rfind("(")].rstrip()


def _list_content(text: str) -> frozenset[str]:
    """Return the words with content; all words if none has."""
    words = _list_tokens(text)
    return words - _LITTLE - _JOINTS or words


def _touches_all(text: str, words: frozenset[str]) -> bool:
    """Return whether each member of the list in a text has one of ``words``; members without words
    do not count.
    """
    for part in _MEMBERS.split(fold_text(text)):
        member = _list_content(part)
        if member and member.isdisjoint(words):
            return False
    return True


def is_inside(part: str, whole: str) -> bool:
    """Return whether a text is a proper part of another one, at word boundaries.

    >>> (
    ...     is_inside("no infection", "No infection, no fever"),
    ...     is_inside("no fever", "no fever"),
    ... )
    (True, False)
    """
    short = fold_text(part)
    long = fold_text(whole)
    if not short or len(short) >= len(long) or short not in long:
        return False
    return re.search(rf"(?<!\w){re.escape(short)}(?!\w)", long) is not None


def is_inside_either(one: str, other: str) -> bool:
    """Return whether one of two texts is a proper part of the other."""
    return is_inside(one, other) or is_inside(other, one)


def compare_extents(one: str | None, other: str | None) -> float:
    """Return the overlap of two texts, 0 to 1, and at least 0.5 if one is a part of the other.

    >>> (
    ...     compare_extents("fever", "no fever, no infection of the lung, no asthma"),
    ...     compare_extents("fever", "cough"),
    ... )
    (0.5, 0.0)
    """
    first = one or ""
    second = other or ""
    overlap = measure_overlap(first, second)
    if overlap < 0.5 and is_inside_either(first, second):
        return 0.5
    return overlap


def scale_quantity(value: float | None, unit: str | None) -> tuple[str | None, str]:
    """Return a number and its dimension as comparable text, in base units.

    >>> scale_quantity(24, "hours") == scale_quantity(1, "day")
    True
    >>> scale_quantity(30, "day") == scale_quantity(1, "month")
    False
    >>> scale_quantity(1, "x 1000/mm3") == scale_quantity(1, "x 10^9/L")
    True
    """
    dimension, factor = read_dimension(unit)
    if value is None:
        return None, dimension
    # Twelve digits, so that rounding makes no difference.
    return f"{value * factor:.12g}", dimension


@lru_cache(maxsize=1024)
def read_dimension(unit: str | None) -> tuple[str, float]:
    """Return a unit's dimension and its factor to base units. An unknown unit is its own dimension,
    without signs and case. Months and years have a dimension of their own, since a month is no
    fixed number of days.
    """
    code = None
    if unit:
        code = read_unit(_OF_AGE.sub("", unit))
    if code is None:
        unknown = re.sub(r"[\s^*·.\\]", "", unit or "").casefold()
        return unknown, 1.0
    if code in _MONTHS:
        return "month", _MONTHS[code]
    factor, dimension = find_dimension(code)
    parts = [f"{base}{power}" for base, power in dimension] + _MARK.findall(code)
    return " ".join(parts) or code, factor

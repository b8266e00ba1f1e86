"""Where a quote may not be cut out of a text: not inside a word, a number, a sign, a comparator or a unit."""

import re

from extractor.parse.dosing.units import UNIT
from extractor.parse.vocabulary import load_vocabulary

__all__ = ["find_cut", "find_negation_before", "follows_minus", "is_clean_cut"]

_SEEN = 16
"""How many characters beside a quote decide; they bound what a place costs."""
_UNIT_LENGTH = 40

# "x = 5" may stand behind "<" in "x <= 5", "x < = 5", "x </= 5" and "x < or = 5".
_COMPARATOR_BEFORE = re.compile(r"[<>=≤≥!]\s?(?:(?:/|or)\s?)?\Z", re.IGNORECASE)
_COMPARATOR_AFTER = re.compile(r"\s?(?:(?:/|or)\s?)?[<>=≤≥]", re.IGNORECASE)
# A hyphen behind a word, a bracket or a number is a range or part of a name: "18-65", "18 -65", "IL-6", "(low)-5".
_JOINED = re.compile(r"(?:[\w)\]%/]|\d\s)-\Z")
_BULLET = re.compile(r"(?:\A|\n)\s*-\Z")
_INSIDE_NUMBER_BEFORE = re.compile(r"(?:\d[.,]|\^|(?:[^\w.]|\A)\.)\Z")
_INSIDE_NUMBER_AFTER = re.compile(r"[.,]\d|\s?\^")
_POWER_BEFORE = re.compile(r"\d\s?[x*·]\s?\Z", re.IGNORECASE)
_POWER_AFTER = re.compile(r"\s?[x*·]\s?10\s?(?:\^|\*\*|e|\()", re.IGNORECASE)
_RATED = {t.partition("/")[0] for entry in load_vocabulary("limit_units").entries for t in entry.terms if "/" in t}
_ANY_UNIT = "|".join((UNIT, *map(re.escape, sorted(filter(None, _RATED)))))
_MEASURED = re.compile(rf"\d[\s-]?(?:{_ANY_UNIT})\Z", re.IGNORECASE)
_PER = re.compile(r"\s?/\s?[^\W_]")
# Behind a word, these make a unit of it whatever it is: "cells/kg", "kUA/L".
_PER_MEASURE = re.compile(
    r"\s?/\s?(?:kg|m\^?2|[dmunμ]?[lL]|mm\^?3|cm\^?[23]|day|d|hour|hr|h|min|minute|week|wk|month|year|yr)(?!\w)"
)

_CUT_BEHIND = re.compile(r"\s?[/x*·^<>=≤≥]?\s?[^\s,;)]{0,16}", re.IGNORECASE)
_CUT_BEFORE = re.compile(r"[^\s,;(]{0,16}\s?\Z")
# "with or without" denies nothing.
_NEGATION = re.compile(
    r"(?:(?<!\w)(?<!or )(?:no|not|never|without|nor|neither|cannot)\s+|(?<!\w)non[\s-]*|n't\s+)\Z", re.IGNORECASE
)


def is_clean_cut(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` says in ``text`` what it says alone, as far as its two ends show.

    >>> text = "platelets >= 5 mg/kg at -5 degrees"
    >>> [is_clean_cut(text, text.index(q), text.index(q) + len(q)) for q in (">= 5", "= 5", "5 mg", "5 degrees")]
    [True, False, False, False]
    """
    return _begins_clean(text, start, end) and _ends_clean(text, start, end)


def follows_minus(text: str, start: int) -> bool:
    """Whether the number at ``start`` has a hyphen directly before it that makes no range and no name.

    >>> [follows_minus(text, text.index("5")) for text in ("T-score -5", "18-65", "IL-5", "- 5", "at 1-5")]
    [True, False, False, False, False]
    """
    before = text[max(0, start - _SEEN) : start]
    return before.endswith("-") and not _JOINED.search(before)


def find_cut(text: str, start: int, end: int) -> str:
    """What ``text[start:end]`` cuts off from its first or last token, without white space; "" if its ends are clean.

    >>> text = "up to 5 mg / kg, at -5 degrees"
    >>> find_cut(text, 6, 10), find_cut(text, 21, 30), find_cut(text, 0, 10)
    ('/ kg', '-', '/ kg')
    """
    if not _ends_clean(text, start, end):
        return _CUT_BEHIND.match(text, end)[0].strip()  # type: ignore[index]  # the expression matches anywhere
    if not _begins_clean(text, start, end):
        return _CUT_BEFORE.search(text[max(0, start - _SEEN) : start])[0].strip()  # type: ignore[index]
    return ""


def find_negation_before(text: str, start: int) -> tuple[int, int] | None:
    """Where a negation stands directly before ``start``, as a half-open span without white space, or None.

    >>> [find_negation_before(t, t.index("stable")) for t in ("is not stable", "non-stable", "no more stable")]
    [(3, 6), (0, 3), None]
    """
    low = max(0, start - _SEEN)
    found = _NEGATION.search(text[low:start])
    return (low + found.start(), low + found.start() + len(found[0].rstrip(" \n\t-"))) if found else None


def _is_bullet(text: str, start: int) -> bool:
    before = text[max(0, start - _SEEN) : start]
    return _BULLET.search(before) is not None and (start <= _SEEN or "\n" in before)


def _begins_clean(text: str, start: int, end: int) -> bool:
    first, before = text[start], text[max(0, start - _SEEN) : start]
    if first.isdigit():
        is_power = text.startswith("10^", start, end)
        cut = _INSIDE_NUMBER_BEFORE.search(before) or (is_power and _POWER_BEFORE.search(before))
        signed = follows_minus(text, start) and not _is_bullet(text, start)
        return not cut and not signed and not _is_word_character(before[-1:])
    if first in ".,^" and text[start + 1 : start + 2].isdigit():
        return not _is_word_character(before[-1:])
    if first == "-" and text[start + 1 : start + 2].isdigit():
        return not _JOINED.search(before + "-") and not before.endswith("^")
    if first in "<>=≤≥":
        return not _COMPARATOR_BEFORE.search(before)
    return not first.isalnum() or not _is_word_character(before[-1:])


def _ends_clean(text: str, start: int, end: int) -> bool:
    last, after = text[end - 1], text[end : end + _SEEN]
    if last in ".,^" and text[max(start, end - 2)].isdigit():
        return not after[:1].isdigit()
    if last in "<>=≤≥!":
        return not _COMPARATOR_AFTER.match(after)
    if last.isalnum() and _continues(last, after):
        return False
    return not (_PER.match(after) and _MEASURED.search(text[max(start, end - _UNIT_LENGTH) : end]))


def _continues(last: str, after: str) -> bool:
    """Whether a word, a number or a unit that ends with a letter or digit goes on behind it."""
    if _is_word_character(after[:1]) or _PER_MEASURE.match(after):
        return True
    if last.isdigit():
        return bool(_INSIDE_NUMBER_AFTER.match(after) or _POWER_AFTER.match(after))
    return after.startswith("^")


def _is_word_character(character: str) -> bool:
    return character.isalnum() or character == "_"

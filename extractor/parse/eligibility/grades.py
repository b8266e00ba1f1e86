"""Limits on scales, classes and grades: "ECOG 0-2", "NYHA class III or IV", "grade 3 or higher"."""

import re
from collections.abc import Iterator

from extractor.parse.words import find_at, find_starts
from extractor.schemas import Comparator

from .limit import LOWER, UPPER, Limit
from .limit_grammar import GRADED, read_comparator, read_grade, read_suffix
from .quantities import find_quantity

__all__ = ["find_graded"]

_MEASURED = re.compile(r"\s?[A-Za-zμ]{1,6}\s?/\s?[A-Za-z]")
"""A unit: the number in front of it is a measurement, such as a body mass index."""

_LISTED = re.compile(r"\(\d\)\.?(?:\s|$)")
"""The number of an item in a sentence: "(2) two exacerbations"."""

_SCALE_NAMES = re.compile(
    r"\b(?:performance|status|score|scale|scores|grade|class|stage|is|of|was|must|be|the|ECOG|WHO|PS|NYHA|system)\b",
    re.IGNORECASE,
)
_FURTHEST = 4
"""How many words may stand between a scale and a bare value."""


def find_graded(text: str) -> Iterator[Limit]:
    """The graded limits in cleaned text; a bare value is ``=``, several are a range.

    >>> [(l.comparator.value, l.value, l.value_high) for l in find_graded("NYHA class III-IV; grade 2 or higher rash")]
    [('between', 3, 4), ('>=', 2, None)]
    """
    for found in find_at(GRADED, text, find_starts(text, 0, len(text))):
        stated = read_comparator(found["comparator"]) or read_comparator(found["before"])
        comparator = read_suffix(found["suffix"]) or stated
        if _MEASURED.match(text, found.end()):
            continue
        if _LISTED.match(text, found.start("first") - 1):
            continue
        if comparator or len(_SCALE_NAMES.sub("", found["fill"]).split()) <= _FURTHEST:
            yield _graded(text, found, comparator)


def _word_start(text: str, place: int) -> int:
    """The first place from here on that is not within a word."""
    place = max(0, place)
    while place and text[place].isalnum() and text[place - 1].isalnum():
        place += 1
        if place == len(text):
            break
    return place


def _graded(text: str, found: re.Match[str], comparator: Comparator | None) -> Limit:
    values = [read_grade(word) for word in re.findall(r"\d+|[IV]+", found["first"] + found["more"], re.IGNORECASE)]
    low, high = min(values), max(values)
    start, end = found.span("scale")
    quantity = find_quantity(text, _word_start(text, start - 40), end) or (start, end)
    unit = (found.end("unit") - len(found["unit"].strip()), found.end("unit")) if found["unit"] else None
    if low != high and comparator not in (*LOWER, *UPPER):
        return Limit(Comparator.BETWEEN, low, high, found.start(), found.end(), quantity, unit)
    value = low if comparator in LOWER else values[0]
    return Limit(comparator or Comparator.EQUAL, value, None, found.start(), found.end(), quantity, unit)

"""Limits at a bound of what is normal, without a number: "ALT <= ULN" is at most 1 x ULN."""

from extractor.concepts.limits.bounds import read_comparator
from extractor.concepts.limits.measures import Measure
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.patterns import Found
from extractor.schemas import Comparator


def list_bounds(tokens: Tokens) -> list[Measure]:
    """Return the bounds of normal with a comparator in front and without a number, from left to
    right: each is the number 1 with the bound as its unit.

    >>> from extractor.language.book import read_text
    >>> lines = ("ALT <= ULN", "ALT <= 3 x ULN", "creatinine within normal limits")
    >>> [len(list_bounds(read_text(line))) for line in lines]
    [1, 0, 0]
    """
    return [_measure(match) for match in rule("at_normal_bound").find(tokens)]


def _measure(match: Found) -> Measure:
    comparator = read_comparator("comparators", match, "comparator")
    # "creatinine within the ULN"
    if match.has("within"):
        comparator = Comparator.AT_MOST
    return Measure(
        match=match,
        compared=match,
        first=match.first,
        low=1,
        high=None,
        comparator=comparator,
        unit=match.part("unit"),
        time_unit=None,
    )

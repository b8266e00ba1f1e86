"""Limits at a bound of what is normal, without a number in front: "ALT <= ULN" is at most 1 x ULN,
"ALT <= ULN x 2.5" at most 2.5 x ULN.
"""

from extractor.concepts.limits.bounds import read_comparator, read_pair
from extractor.concepts.limits.measures import Measure
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.patterns import Found
from extractor.schemas import Comparator


def list_bounds(tokens: Tokens) -> list[Measure]:
    """Return the bounds of normal with a comparator and no number in front, from left to right:
    each is the number 1, or the factor behind it ("<= ULN x 2.5"), with the bound as its unit.

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
    # the factor of a bound such as "ULN x 2.5"
    factor, _ = read_pair(match)
    return Measure(
        match=match,
        compared=match,
        first=match.first,
        low=1 if factor is None else factor,
        high=None,
        comparator=comparator,
        unit=match.part("unit"),
        time_unit=None,
    )

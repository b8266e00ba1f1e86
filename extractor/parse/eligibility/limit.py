"""A limit of a criterion, and its comparator."""

from dataclasses import dataclass

from extractor.schemas import Comparator
from extractor.text.book import read_term
from extractor.text.lexer import Range
from extractor.text.patterns import Found
from extractor.text.quantity_names import find_worse_side

LOWER = (Comparator.AT_LEAST, Comparator.MORE)
UPPER = (Comparator.AT_MOST, Comparator.LESS)


@dataclass(frozen=True, slots=True)
class Limit:
    """``first:end`` limits ``quantity``, all in tokens of the criterion. ``unit`` is None for counts and grades.

    ``rate`` is the part of the unit after the substance ("10 mg prednisone per day"). ``time_unit`` is set if the
    limit is a length of time or an age. ``sure`` is false if the comparator follows from the kind of the list, and
    ``settled`` if its number has another reading ("1.500") that is as likely.
    """

    comparator: Comparator
    value: int | float
    value_high: int | float | None
    first: int
    end: int
    quantity: Range | None = None
    unit: Range | None = None
    time_unit: str | None = None
    sure: bool = True
    rate: Range | None = None
    settled: bool = True


def read_comparator(vocabulary: str, found: Found, name: str) -> Comparator | None:
    """The comparator in a named part of a match; None if the part did not match."""
    part = found.part(name)
    entry = read_term(vocabulary, found.tokens, *part) if part else None
    return Comparator(entry.value) if entry else None


def turn_comparator(turned: str, quantity: str, unit: str | None = None) -> Comparator | None:
    """The comparator of "or better" and "worse than": the direction of the quantity's scale decides, if it is known.

    >>> turn_comparator("or better", "ECOG").value, turn_comparator("or better", "BCVA", "letters").value
    ('<=', '>=')
    >>> turn_comparator("no worse than", "ECOG").value, turn_comparator("worse than", "ECOG").value
    ('<=', '>')
    """
    worse = find_worse_side(quantity, unit)
    if worse is None:
        return None
    words = turned.lower().split()
    denied = words[0] in ("no", "not")
    upwards = ((worse == "higher") is ("worse" in words)) is not denied
    if "than" in words and not denied:
        return Comparator.MORE if upwards else Comparator.LESS
    return Comparator.AT_LEAST if upwards else Comparator.AT_MOST

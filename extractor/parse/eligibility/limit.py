"""What a limit is, as spans of the text it was found in."""

from extractor.parse.values import value
from extractor.schemas import Comparator

__all__ = ["LOWER", "UPPER", "Limit"]

LOWER = (Comparator.AT_LEAST, Comparator.MORE)
UPPER = (Comparator.AT_MOST, Comparator.LESS)


@value(frozen=True, slots=True)
class Limit:
    """``text[start:end]`` limits ``quantity``; ``unit`` is None for counts and grades.

    ``rate`` is what belongs to the unit but stands behind the substance ("10 mg prednisone per day").
    ``time_unit`` is the unit of time where the limit is a length of time or an age. ``sure`` is false
    where the comparator was taken from the sense of the list.
    """

    comparator: Comparator
    value: int | float
    value_high: int | float | None
    start: int
    end: int
    quantity: tuple[int, int] | None = None
    unit: tuple[int, int] | None = None
    time_unit: str | None = None
    sure: bool = True
    rate: tuple[int, int] | None = None

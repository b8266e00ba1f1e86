"""How the time to parse a record grows with each of its parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from extractor.parse import parse_record

from .counting import Cost, measure_cost
from .synthetic import PARTS, build_record

__all__ = ["ITEMS", "Growth", "measure_growth"]

ITEMS = 8
"""Items in a part of the shortest record, about as many as registered ones have."""

_TRIES = 5
_APART = 10_000
"""Numbers between the items of one try and the next."""


@dataclass(frozen=True)
class Growth:
    """The costs of a record with one part ``times`` as long, in the same order."""

    part: str
    times: tuple[int, ...]
    costs: tuple[Cost, ...]

    def ratios(self) -> list[tuple[float, float]]:
        """How much more time, and calls, each record takes than the one before, over how much longer it is."""
        steps = pairwise(zip(self.times, self.costs, strict=True))
        return [
            (long.seconds / short.seconds * before / after, long.calls / short.calls * before / after)
            for (before, short), (after, long) in steps
        ]


def measure_growth(times: Sequence[int]) -> list[Growth]:
    """The growth of every part."""
    return [Growth(part, tuple(times), tuple(_measure(part, ITEMS * factor) for factor in times)) for part in PARTS]


def _measure(part: str, count: int) -> Cost:
    starts = range(0, _TRIES * _APART, _APART)
    return measure_cost([partial(parse_record, build_record(part, count, start)) for start in starts])

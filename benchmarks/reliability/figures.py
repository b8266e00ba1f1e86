"""How true confidences are: mean claim and share right, over all values and over the certain ones."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.scores import wilson
from extractor.parse.parsed import CERTAIN

__all__ = ["Reliability", "format_head", "format_row", "measure_reliability"]

_EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, CERTAIN, 0.98, math.inf)


@dataclass(frozen=True, slots=True)
class Reliability:
    """Figures of at least one value. ``error`` is the expected calibration error; claims are mean confidences."""

    count: int
    right: int
    claimed: float
    error: float
    certain: int
    certain_right: int
    certain_claimed: float

    @property
    def certain_interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of the share of certain values that are right; None without any."""
        return wilson(self.certain_right, self.certain) if self.certain else None


def measure_reliability(values: Iterable[tuple[float, bool]]) -> Reliability:
    """The figures of values, each a confidence and whether it was right."""
    known = list(values)
    certain = [one for one in known if one[0] >= CERTAIN]
    bins = ([one for one in known if low <= one[0] < high] for low, high in pairwise(_EDGES))
    gaps = (abs(sum(confidence - right for confidence, right in inside)) for inside in bins)
    return Reliability(
        count=len(known),
        right=sum(right for _, right in known),
        claimed=sum(confidence for confidence, _ in known) / len(known),
        error=sum(gaps) / len(known),
        certain=len(certain),
        certain_right=sum(right for _, right in certain),
        certain_claimed=sum(confidence for confidence, _ in certain) / max(1, len(certain)),
    )


_WIDTH = 38
_COLUMNS = f"{'claimed':>9}{'ECE':>7}{'certain':>9}{'claimed':>9}{'right':>7}{'95 %':>16}"


def format_head(name: str) -> str:
    """The heading of a part of the table, named by its first column."""
    whole = f"{'':{_WIDTH + 14}}  | {'unseen':{len(_COLUMNS)}} | shipped"
    return f"{whole}\n{name:{_WIDTH}}{'values':>7}{'right':>7}  |{_COLUMNS}  |{_COLUMNS}"


def format_row(name: str, unseen: Reliability, shipped: Reliability) -> str:
    """One line of the table."""
    shown = f"{name:{_WIDTH}}{unseen.count:>7}{unseen.right / unseen.count:>7.3f}"
    return f"{shown}  |{_format(unseen)}  |{_format(shipped)}"


def _format(row: Reliability) -> str:
    shown = f"{row.claimed:>9.3f}{row.error:>7.3f}{row.certain / row.count:>9.3f}"
    if row.certain_interval is None:
        return f"{shown}{'-':>9}{'-':>7}{'-':>16}"
    interval = "{:.3f} to {:.3f}".format(*row.certain_interval)
    return f"{shown}{row.certain_claimed:>9.3f}{row.certain_right / row.certain:>7.3f}{interval:>16}"

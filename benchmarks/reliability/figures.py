"""Reliability of stated confidences: right answers by bin, among certain values, and the calibration error."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, pairwise
from typing import Any

from benchmarks.judging import Judged
from benchmarks.scores import wilson
from extractor.parse.parsed import CERTAIN

__all__ = ["Bin", "Reliability", "format_bins", "format_summary", "measure_reliability", "to_json"]

_EDGES = (0.0, 1e-9, 0.5, 0.7, 0.8, 0.9, CERTAIN, 0.98, math.inf)
_NAMES = ("open", "<.5", ".5-.7", ".7-.8", ".8-.9", ".9-.95", ".95-.98", ">=.98")


@dataclass(frozen=True, slots=True)
class Bin:
    """The values whose confidence lies between two edges. ``confidence`` is their mean."""

    name: str
    count: int
    right: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """One field over all its values. The first bin holds open readings, which claim nothing."""

    field: str
    bins: tuple[Bin, ...]
    certain: int
    certain_right: int

    @property
    def count(self) -> int:
        return sum(one.count for one in self.bins)

    @property
    def right(self) -> int:
        return sum(one.right for one in self.bins)

    @property
    def confidence(self) -> float:
        """Mean of what is claimed."""
        return sum(one.count * one.confidence for one in self.bins) / self.count

    @property
    def certain_interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of the share of certain values that are right."""
        return wilson(self.certain_right, self.certain) if self.certain else None

    @property
    def calibration_error(self) -> float | None:
        """Mean gap between confidence and share right, by bin, of the values that claim something."""
        claimed = [one for one in self.bins[1:] if one.count]
        gaps = sum(abs(one.count * one.confidence - one.right) for one in claimed)
        return gaps / sum(one.count for one in claimed) if claimed else None


def measure_reliability(judged: Iterable[Judged]) -> list[Reliability]:
    """One field after another, as they come, and "all values" at the end if there are several."""
    fields: dict[str, list[Judged]] = {}
    for one in judged:
        if not one.is_detail:
            fields.setdefault(one.field, []).append(one)
    rows = [_measure(name, values) for name, values in fields.items()]
    return [*rows, _measure("all values", [*chain(*fields.values())])] if len(rows) > 1 else rows


def _measure(field: str, judged: Sequence[Judged]) -> Reliability:
    certain = [one.agreement.right for one in judged if one.confidence >= CERTAIN]
    return Reliability(field, tuple(_list_bins(judged)), len(certain), sum(certain))


def _list_bins(judged: Sequence[Judged]) -> Iterator[Bin]:
    for name, (low, high) in zip(_NAMES, pairwise(_EDGES), strict=True):
        inside = [one for one in judged if low <= one.confidence < high]
        mean = sum(one.confidence for one in inside) / len(inside) if inside else 0.0
        yield Bin(name, len(inside), sum(one.agreement.right for one in inside), mean)


def format_summary(rows: Iterable[Reliability]) -> str:
    """A line a field: values, mean confidence, share right, calibration error, and the certain ones."""
    lines = [f"{'field':38}{'values':>7}{'conf':>7}{'right':>7}{'ECE':>7}{'certain':>9}{'right':>7}   95 %"]
    for row in rows:
        shares = row.confidence, row.right / row.count, row.calibration_error
        certain = row.certain / row.count, row.certain_right / row.certain if row.certain else None
        interval = "{:.3f} to {:.3f}".format(*row.certain_interval) if row.certain_interval else ""
        figures = "".join(f"{_show(share):>7}" for share in shares)
        shown = f"{figures}{_show(certain[0]):>9}{_show(certain[1]):>7}"
        lines.append(f"{row.field:38}{row.count:>7}{shown}   {interval}".rstrip())
    return "\n".join(lines)


def format_bins(rows: Iterable[Reliability]) -> str:
    """A line a field: in each bin of confidence how many values, their mean confidence and the share right."""
    lines = [f"{'field':38}" + "".join(f"{name:>16}" for name in _NAMES)]
    for row in rows:
        cells = (
            f"{one.count} {one.confidence:.2f} {one.right / one.count:.2f}" if one.count else "-" for one in row.bins
        )
        lines.append(f"{row.field:38}" + "".join(f"{cell:>16}" for cell in cells))
    return "\n".join(lines)


def to_json(row: Reliability) -> dict[str, Any]:
    """All figures of a field."""
    derived = ("count", "right", "confidence", "certain_interval", "calibration_error")
    return asdict(row) | {name: getattr(row, name) for name in derived}


def _show(share: float | None) -> str:
    return "-" if share is None else f"{share:.3f}"

"""A few records that stand for many: drawn from each class of size, and summed up with the error of drawing."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from extractor.schemas import TrialRecord

__all__ = ["SizeSample", "Stratum", "Total", "sum_up"]

SEED = 0
_LEAST = 5
"""Records of a class, if it has so many: from fewer its spread cannot be told."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """Records that were drawn from a class of so many."""

    members: int
    drawn: tuple[TrialRecord, ...]


@dataclass(frozen=True, slots=True)
class Total:
    """Sums over all records, one for each quantity, and their standard errors; 0 where all records were looked at."""

    sums: NDArray[np.float64]
    errors: NDArray[np.float64]


class SizeSample:
    """Draws about ``wanted`` records from a stream, or takes all if there are no more.

    Records are classed by powers of two of their characters. Classes get their part of the sample by what their
    records hold together, since large records differ most; memory grows with the sample, not with the stream.
    """

    def __init__(self, wanted: int | None, seed: int = SEED) -> None:
        self._wanted, self._lots = wanted, random.Random(seed)  # noqa: S311 - a sample, no secret
        self._members: Counter[int] = Counter()
        self._kept: dict[int, list[TrialRecord]] = defaultdict(list)

    def add(self, record: TrialRecord) -> None:
        """Take note of one more record."""
        size_class = sum(len(section.text) for section in record.sections).bit_length()
        kept = self._kept[size_class]
        self._members[size_class] += 1
        if self._wanted is None or len(kept) < self._wanted:
            kept.append(record)
        elif (place := self._lots.randrange(self._members[size_class])) < self._wanted:
            kept[place] = record

    @property
    def records(self) -> int:
        """How many records came by."""
        return self._members.total()

    def strata(self) -> Iterator[Stratum]:
        """What was drawn, class by class. To be asked for once."""
        weights = {size_class: members * 2.0**size_class for size_class, members in self._members.items()}
        for size_class, members in sorted(self._members.items()):
            kept = self._kept.pop(size_class)
            if self._wanted is not None and self.records > self._wanted:
                share = round(self._wanted * weights[size_class] / sum(weights.values()))
                kept = self._lots.sample(kept, min(len(kept), max(share, _LEAST)))
            yield Stratum(members, tuple(kept))


def sum_up(measured: Mapping[Stratum, Sequence[Sequence[float]]]) -> Total:
    """The sums over all records of what was measured of those that were drawn, a row for each.

    >>> drawn = Stratum(10, ())
    >>> sum_up({drawn: [(1.0, 2.0), (3.0, 2.0)]}).sums
    array([20., 20.])
    """
    sums: list[NDArray[np.float64]] = []
    variances: list[NDArray[np.float64]] = []
    for stratum, rows in measured.items():
        table = np.array(rows, dtype=np.float64)
        drawn = len(table)
        sums.append(stratum.members * table.mean(axis=0))
        spread = table.var(axis=0, ddof=1) if drawn > 1 else np.zeros(table.shape[1])
        variances.append(stratum.members**2 * (1 - drawn / stratum.members) * spread / drawn)
    return Total(np.sum(sums, axis=0), np.sqrt(np.sum(variances, axis=0)))

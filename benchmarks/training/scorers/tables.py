"""Figures of items, held out and seen, by group of areas and by area, with intervals over trials."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from extractor.parse.parsed import CERTAIN
from extractor.parse.scoring import Array

__all__ = ["Judgement", "format_groups"]

_DRAWS = 400
_LEAST = 50
"""How many items an area must have to be shown."""


@dataclass(frozen=True)
class Judgement:
    """Which items were answered rightly and how surely by scorers that had not seen them (``right``,
    ``confidence``), which rightly by one that had (``seen``), and of which trial, group and area each is.
    """

    right: Array
    confidence: Array
    seen: Array
    trials: Sequence[str]
    groups: Sequence[str]
    areas: Sequence[str]

    def parts(self) -> Iterator[tuple[str, Array]]:
        """All items, then those of each group, then of each area that has enough."""
        yield "all", np.ones(len(self.right), bool)
        for group in sorted(set(self.groups)):
            yield group, np.array(self.groups) == group
        for area, items in sorted(Counter(self.areas).items()):
            if items >= _LEAST and area not in self.groups:
                yield area, np.array(self.areas) == area


def format_groups(name: str, judged: Judgement) -> str:
    """A table: share of right answers, its 95 % interval when trials are drawn anew, how the certain ones do, and the
    share of right answers on seen items.
    """
    lines = [f"{name:37}{'items':>7}{'right':>8}{'95 % interval':>16}{'certain':>9}{'right':>8}{'seen':>8}"]
    for part, rows in judged.parts():
        right, sure = judged.right[rows], judged.confidence[rows] >= CERTAIN
        low, high = _interval(right, [trial for trial, kept in zip(judged.trials, rows, strict=True) if kept])
        among = f"{right[sure].mean():.3f}" if sure.any() else "-"
        lines.append(
            f"  {part:35}{len(right):>7}{right.mean():>8.3f}{f'{low:.3f}-{high:.3f}':>16}"
            f"{sure.mean():>9.3f}{among:>8}{judged.seen[rows].mean():>8.3f}"
        )
    return "\n".join(lines)


def _interval(right: Array, trials: Sequence[str]) -> tuple[float, float]:
    """The middle 95 % of the share when as many trials are drawn with replacement."""
    names, places = np.unique(np.array(trials), return_inverse=True)
    items = np.bincount(places)
    hits = np.bincount(places, weights=right)
    drawn = np.random.default_rng(0).integers(0, len(names), (_DRAWS, len(names)))
    shares = hits[drawn].sum(axis=1) / items[drawn].sum(axis=1)
    low, high = np.quantile(shares, (0.025, 0.975))
    return float(low), float(high)

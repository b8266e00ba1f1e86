"""Figures of held-out items by group of trials, with intervals over trials."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from extractor.parse.parsed import CERTAIN

from .arrays import Array

__all__ = ["Judgement", "format_groups"]

_DRAWS = 400


@dataclass(frozen=True)
class Judgement:
    """Which items were answered rightly, how surely, and of which trial and group each is."""

    right: Array
    confidence: Array
    trials: Sequence[str]
    groups: Sequence[str]

    def rows(self, group: str | None) -> Array:
        return np.array([group is None or one == group for one in self.groups])


def format_groups(name: str, judged: Judgement) -> str:
    """A table: share of right answers, its 95 % interval when trials are drawn anew, and how the certain ones do."""
    lines = [f"{name:22}{'items':>7}{'right':>8}{'95 % interval':>16}{'certain':>9}{'right':>8}"]
    for group in (None, *sorted(set(judged.groups))):
        rows = judged.rows(group)
        right, sure = judged.right[rows], judged.confidence[rows] >= CERTAIN
        low, high = _interval(right, [trial for trial, kept in zip(judged.trials, rows, strict=True) if kept])
        among = f"{right[sure].mean():.3f}" if sure.any() else "-"
        lines.append(
            f"  {group or 'all':20}{len(right):>7}{right.mean():>8.3f}{f'{low:.3f}-{high:.3f}':>16}"
            f"{sure.mean():>9.3f}{among:>8}"
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

"""Confidences beside what was right: whether they mean what they say, and whether they rank."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from benchmarks.data import format_table

_BINS = 5
_LEAST = 25
"""The most bins, and the fewest values of each."""
_DRAWS = 400
_SEED = 7
"""How often right and wrong are drawn to see what chance does."""
_SURE = 0.85
_FIGURES = "values confidence right off chance excess ranks steps"


class Claim(NamedTuple):
    """A value with its confidence, and whether it is right. ``group`` is its trial."""

    source: str
    field: str
    group: str
    confidence: float
    right: bool


def format_claims(claims: Iterable[Claim], *, markdown: bool = False) -> str:
    """Format a row for each source and field."""
    found: dict[str, list[Claim]] = defaultdict(list)
    for claim in sorted(claims, key=lambda claim: (claim.source, claim.field)):
        found[f"{claim.source}: {claim.field}"].append(claim)
    head = ["source, field", *_FIGURES.split(), f"right from {_SURE}"]
    rows = [[name, *describe(values)] for name, values in found.items()]
    return format_table(head, rows, markdown=markdown)


def describe(claims: Sequence[Claim]) -> list[object]:
    """Return the figures of one row."""
    confidence = np.array([claim.confidence for claim in claims])
    right = np.array([claim.right for claim in claims], float)
    off = measure_distance(confidence, right)
    draws = np.random.default_rng(_SEED).random((_DRAWS, len(claims))) < confidence
    by_chance = [measure_distance(confidence, one.astype(float)) for one in draws]
    chance = float(np.mean(by_chance))
    sure = [claim.right for claim in claims if claim.confidence >= _SURE]
    return [
        len(claims),
        float(confidence.mean()),
        float(right.mean()),
        off,
        chance,
        max(0.0, off - chance),
        measure_ranking(confidence, right),
        len({round(claim.confidence, 2) for claim in claims}),
        f"{sum(sure)} of {len(sure)}",
    ]


def measure_distance(confidence: np.ndarray, right: np.ndarray) -> float:
    """Return the mean distance between confidence and share right over bins of equal counts.

    >>> measure_distance(np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    0.0
    """
    order = np.argsort(confidence, kind="stable")
    number = max(1, min(_BINS, len(order) // _LEAST))
    total = 0.0
    for part in np.array_split(order, number):
        gap = float(confidence[part].mean() - right[part].mean())
        total += len(part) * abs(gap)
    return total / len(order)


def measure_ranking(confidence: np.ndarray, right: np.ndarray) -> float | None:
    """Return the share of pairs of a right and a wrong value whose right one is surer; equal ones
    count half. None without such a pair.

    >>> measure_ranking(np.array([0.9, 0.6, 0.7]), np.array([1.0, 0.0, 1.0]))
    1.0
    """
    hits = int(right.sum())
    wrong = len(right) - hits
    if not hits or not wrong:
        return None
    ranks = rankdata(confidence)
    above = ranks[right == 1].sum() - hits * (hits + 1) / 2
    return float(above / (hits * wrong))

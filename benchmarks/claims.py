"""Confidences beside what was right."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import mean
from typing import NamedTuple

from sklearn.metrics import roc_auc_score

from benchmarks.data import format_table

_SURE = 0.85


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
    head = ["source, field", "values", "confidence", "right", "ranks"]
    rows = [[name, *describe(values)] for name, values in found.items()]
    return format_table([*head, f"right from {_SURE}"], rows, markdown=markdown)


def describe(claims: Sequence[Claim]) -> list[object]:
    """Return the figures of one row: the values, their mean confidence, the share right, the share
    of pairs of a right and a wrong value in which the right one is surer, and the sure ones.

    >>> claims = [
    ...     Claim("gold", "route", "x", sure, sure > 0.65) for sure in (0.9, 0.6, 0.7)
    ... ]
    >>> [round(float(one), 2) for one in describe(claims)[:4]]
    [3.0, 0.73, 0.67, 1.0]
    """
    confidences = [claim.confidence for claim in claims]
    right = [claim.right for claim in claims]
    ranks = float(roc_auc_score(right, confidences)) if len(set(right)) > 1 else None
    sure = [claim.right for claim in claims if claim.confidence >= _SURE]
    counted = f"{sum(sure)} of {len(sure)}"
    return [len(claims), mean(confidences), mean(map(float, right)), ranks, counted]

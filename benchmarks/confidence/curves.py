"""Fit curves: the share of right values at each probability that is stated for a value."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from sklearn.isotonic import IsotonicRegression

from extractor.confidence.table import Curve

_LEAST = 20
"""Minimum number of values for a point on a curve."""
_OF_PEOPLE = frozenset({"minimum_age", "maximum_age", "healthy_volunteers"})
"""Fields whose doubtful cases are too rare in gold for a point: below the first point, the stated
probability is kept.
"""
_PRIOR = 2.0
"""Weight of the prior, in trials. Trials are counted instead of values, because mistakes are
repeated within a trial.
"""


class Stated(NamedTuple):
    """A value: the probability that is stated for it, whether it is right, and its trial."""

    probability: float
    right: bool
    group: str


def fit_curve(stated: Sequence[Stated], name: str) -> Curve:
    """Fit the share of right values by stated probability, as a rising curve.

    Values with the same probability form a point; a few values are combined with their neighbours.
    The share of a point is shrunk towards the stated probability or, if lower, towards the share of
    the whole field, because few trials prove little and stated probabilities are too high. No point
    exceeds the share that its number of values can prove.
    """
    overall = _share_right(stated)
    bins = _list_bins(stated)
    means = []
    shares = []
    for values in bins:
        mean = sum(value.probability for value in values) / len(values)
        means.append(mean)
        shares.append(_shrink(values, min(overall, mean)))
    sizes = [len(values) for values in bins]
    rising = IsotonicRegression().fit_transform(means, shares, sample_weight=sizes)
    points = zip(means, map(float, rising), bins, strict=True)
    curve: dict[float, float] = {}  # merges points that are equal when rounded
    reached = 0.0
    for level, group in groupby(points, key=lambda point: point[1]):
        flat = list(group)
        inside = [value for _, _, values in flat for value in values]
        share = max(min(level, _share_right(inside)), reached)
        for mean in sorted({flat[0][0], flat[-1][0]}):
            curve[round(mean, 4)] = round(share, 4)
        reached = round(share, 4)
    known = tuple(curve.items())
    if name in _OF_PEOPLE:
        below = round(known[0][0] - 0.0001, 4)
        return ((0.0, 0.0), (below, below), *known)
    return known if len(known) > 1 else ((0.0, 0.0), *known)


def _share_right(values: Sequence[Stated]) -> float:
    """Return the share of right values, as if there were one more right and one more wrong value."""
    return (sum(value.right for value in values) + 1) / (len(values) + 2)


def _list_bins(stated: Sequence[Stated]) -> list[list[Stated]]:
    """Group the values by rising probability, and combine small groups with the next group."""
    bins: list[list[Stated]] = []
    ordered = sorted(stated)
    for _, equal in groupby(ordered, key=lambda value: value.probability):
        if bins and len(bins[-1]) < _LEAST:
            bins[-1] += equal
        else:
            bins.append(list(equal))
    if len(bins) > 1 and len(bins[-1]) < _LEAST:
        last = bins.pop()
        bins[-1] += last
    return bins


def _shrink(values: Sequence[Stated], prior: float) -> float:
    trials = len({value.group for value in values})
    share = sum(value.right for value in values) / len(values)
    return (share * trials + prior * _PRIOR) / (trials + _PRIOR)

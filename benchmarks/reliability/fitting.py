"""Curves from stated confidence to the share that was right, fitted on some trials and applied to others."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from sklearn.isotonic import IsotonicRegression

from extractor.parse.scoring import CURVES, Curve, apply_curve

from .sources import Stated

__all__ = ["Curves", "calibrate", "cross_validate", "fit_curve", "fit_curves", "format_curves", "read_curves"]

Curves = Mapping[tuple[str, str], Curve]
"""A curve for each field, and for values that were found and those that were not."""

_LEAST = 20
"""Values that a knot rests on at least."""
_PRIOR = 2.0
"""How many trials the prior weighs. A trial repeats its mistakes, so trials count here, not values."""


def fit_curves(stated: Iterable[Stated]) -> dict[tuple[str, str], Curve]:
    """The curves of all fields."""
    found: dict[tuple[str, str], list[Stated]] = defaultdict(list)
    for one in stated:
        found[one.curve].append(one)
    return {name: fit_curve(values) for name, values in sorted(found.items())}


def fit_curve(stated: Sequence[Stated]) -> Curve:
    """The share right by stated confidence, rising.

    Values that state the same are one knot, together with their neighbours if they are few. The share of a knot is
    drawn to what was stated, or to the share of the whole field where that is lower: few trials prove little, and
    stated confidences flatter. No knot claims more than its count can show.
    """
    overall = (sum(one.right for one in stated) + 1) / (len(stated) + 2)
    bins = _list_bins(stated)
    means = [sum(one.confidence for one in values) / len(values) for values in bins]
    shares = [_shrink(values, min(overall, mean)) for values, mean in zip(bins, means, strict=True)]
    rising = IsotonicRegression().fit_transform(means, shares, sample_weight=[len(values) for values in bins])
    curve: list[tuple[float, float]] = []
    for level, knots in groupby(zip(means, rising, bins, strict=True), key=lambda knot: float(knot[1])):
        flat = list(knots)
        count = sum(len(values) for _, _, values in flat)
        right = sum(one.right for _, _, values in flat for one in values)
        share = max(min(level, (right + 1) / (count + 2)), curve[-1][1] if curve else 0.0)
        ends = {flat[0][0], flat[-1][0]}
        curve += [(round(mean, 4), round(share, 4)) for mean in sorted(ends)]
    return tuple(dict(curve).items())  # knots that are one when rounded


def _list_bins(stated: Sequence[Stated]) -> list[list[Stated]]:
    bins: list[list[Stated]] = []
    for _, equal in groupby(sorted(stated, key=lambda one: one.confidence), key=lambda one: one.confidence):
        if bins and len(bins[-1]) < _LEAST:
            bins[-1] += equal
        else:
            bins.append(list(equal))
    if len(bins) > 1 and len(bins[-1]) < _LEAST:
        few = bins.pop()
        bins[-1] += few
    return bins


def _shrink(values: Sequence[Stated], prior: float) -> float:
    trials = len({one.trial for one in values})
    share = sum(one.right for one in values) / len(values)
    return (share * trials + prior * _PRIOR) / (trials + _PRIOR)


def calibrate(stated: Iterable[Stated], curves: Curves) -> list[float]:
    """The confidence of each value by these curves; without a curve, as stated."""
    return [apply_curve(curves[one.curve], one.confidence) if one.curve in curves else one.confidence for one in stated]


def cross_validate(stated: Sequence[Stated]) -> list[float]:
    """The confidence of each value by curves that were fitted on the trials of the other folds."""
    folds = {one.fold for one in stated}
    curves = {fold: fit_curves(one for one in stated if one.fold != fold) for fold in folds}
    return [calibrate([one], curves[one.fold])[0] for one in stated]


def read_curves() -> dict[tuple[str, str], Curve]:
    """The curves of the package."""
    fields = tomllib.loads(CURVES.read_text("utf-8"))
    return {(field, found): curve for field, curves in fields.items() for found, curve in curves.items()}


def format_curves(curves: Curves) -> str:
    """The curves as the file of the package, sorted by field."""
    lines = ["# By field: confidence as stated, and the share right; `python -m benchmarks.reliability` fits it."]
    for field, of_field in groupby(sorted(curves.items()), key=lambda curve: curve[0][0]):
        lines.append(f'\n["{field}"]')
        lines += [f"{found} = [{', '.join(f'[{x}, {y}]' for x, y in curve)}]" for (_, found), curve in of_field]
    return "\n".join(lines) + "\n"

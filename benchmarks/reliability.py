"""Fit the calibration curves of the rules' confidences on gold of whole records.

    python -m benchmarks.reliability GOLD --records INPUT... [--write [--fields START]]

GOLD is a standoff file with folds, such as ``benchmarks/gold/gold.jsonl``. Prints the curves: by
field, for values and for empty values, the share of right values at each estimated confidence. An
empty value is right if nothing is annotated. Open readings (confidence 0) and values that are
weighed by their signs are omitted. ``--write`` replaces the curves of the package; with
``--fields``, only the curves of fields whose names begin with START are replaced.
``benchmarks.ranking`` measures unseen trials.
"""

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from sklearn.isotonic import IsotonicRegression

from benchmarks.data import Row, parse_options
from benchmarks.gold import read_annotated, read_gold
from benchmarks.matching import Judged, judge_record
from extractor.concepts.parse import ParsedRecord, parse_uncalibrated
from extractor.evidence.calibration import (
    CURVES,
    FOUND,
    OF_MEMBERS,
    Curve,
    apply_curve,
    is_weighed,
)
from extractor.formats import read_records
from extractor.schemas import TrialExtraction, TrialRecord

Curves = Mapping[tuple[str, str], Curve]
"""A curve for the values, and a curve for the empty values, of each field."""
_HEAD = (
    "# By field: confidence as stated, and the share right; `python -m "
    "benchmarks.reliability` fits it."
)
_LEAST = 20
"""Minimum number of values for a point on a curve."""
_OF_PEOPLE = frozenset(
    {
        "eligibility.minimum_age",
        "eligibility.maximum_age",
        "eligibility.healthy_volunteers",
    }
)
"""Fields whose doubtful cases are too rare in gold for a knot: below the first knot, the confidence
is unchanged.
"""
_PRIOR = 2.0
"""Weight of the prior, in trials. Trials are counted instead of values, because mistakes are
repeated within a trial.
"""


def main() -> None:
    """Print the curves, and write them with ``--write``."""
    chosen = parse_options(__doc__, "gold", records=[...], write=False, fields="")
    records = read_records(*chosen.records, on_error=lambda _: None)
    judged = judge_gold(read_gold(chosen.gold), records)
    stated = [
        value for value in judged if value.confidence and not is_weighed_value(value)
    ]
    if not stated:
        raise SystemExit(
            f"{chosen.gold}: none of its trials is in the records; name the inputs that contain them"
        )
    curves = read_curves() if chosen.fields else {}
    for name, curve in fit_curves(stated).items():
        if name[0].startswith(chosen.fields):
            curves[name] = curve
    text = format_curves(curves)
    print(text)
    if chosen.write:
        Path(str(CURVES)).write_text(text, "utf-8")


def is_weighed_value(value: Judged) -> bool:
    """Return whether the confidence of a value comes from its signs rather than from a curve: the
    value is not a list, or it is a list with the confidence of its least certain member.
    """
    if not is_weighed(value.field) or not value.read:
        return False
    return value.field in OF_MEMBERS or not isinstance(value.read, tuple)


def judge_gold(
    gold: Mapping[str, Row],
    records: Iterable[TrialRecord],
    parse: Callable[[TrialRecord], ParsedRecord] = parse_uncalibrated,
) -> Iterator[Judged]:
    """Yield every reading of the records whose text is the annotated text, each trial once."""
    for record, line, annotation in read_annotated(gold, records):
        extraction = TrialExtraction.model_validate(annotation)
        for judged in judge_record(parse(record), extraction):
            yield replace(judged, area=line["area"], fold=line["fold"])


def fit_curves(stated: Iterable[Judged]) -> dict[tuple[str, str], Curve]:
    """Fit the curves of all fields."""
    by_curve: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for judged in stated:
        by_curve[judged.curve].append(judged)
    curves = {name: fit_curve(values) for name, values in sorted(by_curve.items())}
    for (field, kind), curve in curves.items():
        if field in _OF_PEOPLE and kind == FOUND:
            below = round(curve[0][0] - 0.0001, 4)
            curves[field, kind] = ((0.0, 0.0), (below, below), *curve)
        elif len(curve) == 1:
            curves[field, kind] = ((0.0, 0.0), *curve)
    return curves


def fit_curve(stated: Sequence[Judged]) -> Curve:
    """Fit the share of right values by stated confidence, as a rising curve.

    Values with the same stated confidence form a knot; a few values are combined with their
    neighbours. The share of a knot is shrunk towards the stated confidence or, if lower, towards
    the share of the whole field, because few trials prove little and stated confidences are too
    high. No knot exceeds the share that its number of values can prove.
    """
    overall = _share_right(stated)
    bins = _list_bins(stated)
    means = []
    shares = []
    for values in bins:
        mean = sum(value.confidence for value in values) / len(values)
        means.append(mean)
        shares.append(_shrink(values, min(overall, mean)))
    sizes = [len(values) for values in bins]
    rising = IsotonicRegression().fit_transform(means, shares, sample_weight=sizes)
    knots = zip(means, map(float, rising), bins, strict=True)
    curve: dict[float, float] = {}  # merges knots that are equal when rounded
    reached = 0.0
    for level, group in groupby(knots, key=lambda knot: knot[1]):
        flat = list(group)
        values = [value for _, _, inside in flat for value in inside]
        share = max(min(level, _share_right(values)), reached)
        for mean in sorted({flat[0][0], flat[-1][0]}):
            curve[round(mean, 4)] = round(share, 4)
        reached = round(share, 4)
    return tuple(curve.items())


def _share_right(values: Sequence[Judged]) -> float:
    """Return the share of right values, as if there were one more right and one more wrong value."""
    return (sum(value.right for value in values) + 1) / (len(values) + 2)


def _list_bins(stated: Sequence[Judged]) -> list[list[Judged]]:
    """Group the values by rising confidence, and combine small groups with the next group."""
    bins: list[list[Judged]] = []
    ordered = sorted(stated, key=lambda judged: judged.confidence)
    for _, equal in groupby(ordered, key=lambda judged: judged.confidence):
        if bins and len(bins[-1]) < _LEAST:
            bins[-1] += equal
        else:
            bins.append(list(equal))
    if len(bins) > 1 and len(bins[-1]) < _LEAST:
        last = bins.pop()
        bins[-1] += last
    return bins


def _shrink(values: Sequence[Judged], prior: float) -> float:
    trials = len({value.trial for value in values})
    share = sum(value.right for value in values) / len(values)
    return (share * trials + prior * _PRIOR) / (trials + _PRIOR)


def cross_validate(stated: Sequence[Judged]) -> list[float]:
    """Return the confidence of each value, according to curves fitted on the trials in the other
    folds. Without a curve, the confidence is unchanged.
    """
    curves: dict[int, Curves] = {}
    for fold in {judged.fold for judged in stated}:
        curves[fold] = fit_curves(value for value in stated if value.fold != fold)
    confidences = []
    for judged in stated:
        curve = curves[judged.fold].get(judged.curve)
        known = judged.confidence
        confidences.append(apply_curve(curve, known) if curve else known)
    return confidences


def read_curves() -> dict[tuple[str, str], Curve]:
    """Read the curves of the package."""
    curves = {}
    for field, of_field in tomllib.loads(CURVES.read_text("utf-8")).items():
        for found, curve in of_field.items():
            curves[field, found] = curve
    return curves


def format_curves(curves: Curves) -> str:
    """Format the file of curves, sorted by field."""
    lines = [_HEAD]
    shown = ""
    for (field, found), curve in sorted(curves.items()):
        if field != shown:
            lines.append(f'\n["{field}"]')
            shown = field
        lines.append(f"{found} = [{', '.join(f'[{x}, {y}]' for x, y in curve)}]")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

"""Fit the calibration of the rules' confidences on gold of whole records, and judge it.

    python -m benchmarks.reliability GOLD --records INPUT... [--write [--fields START]]

GOLD is a standoff file with folds, such as ``benchmarks/gold/gold.jsonl``. ``unseen`` judges each
fold by curves fitted on the other folds, ``shipped`` judges all folds by the curves of the package.
The table shows for each field and each area: values and the share right; then the mean confidence,
the expected calibration error, the share that is certain (0.95 or more), the mean confidence of
these and how many of them are right, with Wilson's 95 % interval. An empty value counts too: it is
right if nothing is annotated. Open readings (confidence 0) are left out, and values that are
weighed by their signs (``benchmarks.ranking``).

``--write`` first fits on all folds and replaces the curves of the package, or only those of fields
whose names begin with ``--fields``: "dosing".
"""

import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from sklearn.isotonic import IsotonicRegression

from benchmarks.data import Row, format_table, parse_options
from benchmarks.gold import GROUPS, name_group, read_annotated, read_gold
from benchmarks.matching import Judged, judge_record, wilson
from extractor.concepts.parse import ParsedRecord, parse_uncalibrated
from extractor.evidence.calibration import (
    CURVES,
    FOUND,
    OF_MEMBERS,
    Curve,
    apply_curve,
)
from extractor.evidence.drafts import CERTAIN
from extractor.evidence.signs import is_weighed
from extractor.formats import read_records
from extractor.schemas import TrialExtraction, TrialRecord

Curves = Mapping[tuple[str, str], Curve]
"""A curve for each field, and for found and empty values."""
JudgedRow = tuple[Judged, float, float]
"""A value with its unseen and its shipped confidence."""

_LEAST = 20
"""Fewest values for a point of a curve."""
_OF_PEOPLE = frozenset(
    {
        "eligibility.minimum_age",
        "eligibility.maximum_age",
        "eligibility.healthy_volunteers",
    }
)
"""Fields whose doubtful cases are too rare in gold for a knot: below the first one a confidence
stays as stated.
"""
_PRIOR = 2.0
"""Weight of the prior, in trials. A trial repeats its mistakes, so trials count here, not
values.
"""
_EDGES = (0.5, 0.7, 0.8, 0.9, CERTAIN, 0.98)
_COLUMNS = ("claimed", "ECE", "certain", "claimed", "right", "95 %")


def main() -> None:
    """Print the tables."""
    chosen = parse_options(__doc__, "gold", records=[...], write=False, fields="")
    records = read_records(*chosen.records, on_error=lambda _: None)
    stated = [
        one
        for one in judge_gold(read_gold(chosen.gold), records)
        if one.confidence and not is_weighed_value(one)
    ]
    if not stated:
        raise SystemExit(
            f"{chosen.gold}: none of its trials is in the records; name the inputs that hold them"
        )
    if chosen.write:
        kept = read_curves() if chosen.fields else {}
        fitted = {
            name: curve
            for name, curve in fit_curves(stated).items()
            if name[0].startswith(chosen.fields)
        }
        Path(str(CURVES)).write_text(format_curves(kept | fitted), "utf-8")
    judged = list(
        zip(
            stated,
            cross_validate(stated),
            calibrate(stated, read_curves()),
            strict=True,
        )
    )
    print(f"{len({one.trial for one in stated})} trials")
    for group in GROUPS:
        inside = [row for row in judged if name_group(row[0].area) == group]
        print(
            format_rows(
                group, _group(inside, lambda one: one.field) | {"all fields": inside}
            )
        )
    print(format_rows("by area, all fields", _group(judged, lambda one: one.area)))


def is_weighed_value(one: Judged) -> bool:
    """Return whether the signs of a value say how sure it is, and no curve: it is no list, or one
    that is as sure as its least sure member.
    """
    if not is_weighed(one.field) or not one.read:
        return False
    return one.field in OF_MEMBERS or not isinstance(one.read, tuple)


def _group(
    rows: Sequence[JudgedRow], key: Callable[[Judged], str]
) -> dict[str, list[JudgedRow]]:
    """Return the values by a name that ``key`` gives, sorted by name."""
    groups: dict[str, list[JudgedRow]] = defaultdict(list)
    for row in rows:
        groups[key(row[0])].append(row)
    return dict(sorted(groups.items()))


def judge_gold(
    gold: Mapping[str, Row],
    records: Iterable[TrialRecord],
    parse: Callable[[TrialRecord], ParsedRecord] = parse_uncalibrated,
) -> Iterator[Judged]:
    """Yield every reading of the records whose text is the annotated one, each trial once."""
    for record, line, annotation in read_annotated(gold, records):
        extraction = TrialExtraction.model_validate(annotation)
        for judged in judge_record(parse(record), extraction):
            yield replace(judged, area=line["area"], fold=line["fold"])


def format_rows(title: str, tables: Mapping[str, Sequence[JudgedRow]]) -> str:
    """Format a table with a line for each name, from values with their unseen and shipped
    confidences.
    """
    rows: list[list[object]] = []
    for name, judged in tables.items():
        if not judged:
            continue
        unseen = measure_reliability((unseen, one.right) for one, unseen, _ in judged)
        shipped = measure_reliability(
            (shipped, one.right) for one, _, shipped in judged
        )
        share = unseen.right / unseen.count
        rows.append([name, unseen.count, share, *_show(unseen), *_show(shipped)])
    columns = ["values", "right", "unseen:", *_COLUMNS, "shipped:", *_COLUMNS]
    return f"\n{format_table([title, *columns], rows)}"


def _show(row: "Reliability") -> list[object]:
    """Return the columns of a table that show the figures."""
    shown: list[object] = ["", row.claimed, row.error, row.certain / row.count]
    interval = row.certain_interval
    if interval is None:
        return [*shown, None, None, None]
    low, high = interval
    right = row.certain_right / row.certain
    return [*shown, row.certain_claimed, right, f"{low:.3f} to {high:.3f}"]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Figures of one or more values. ``error`` is the expected calibration error; claims are
    mean confidences.
    """

    count: int
    right: int
    claimed: float
    error: float
    certain: int
    certain_right: int
    certain_claimed: float

    @property
    def certain_interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % interval of the share of certain values that are right; None without
        certain values.
        """
        return wilson(self.certain_right, self.certain) if self.certain else None


def measure_reliability(values: Iterable[tuple[float, bool]]) -> Reliability:
    """Compute the figures of values, each a confidence and whether it was right."""
    confidence, right = np.array(list(values), float).T
    gaps = np.bincount(np.digitize(confidence, _EDGES), confidence - right)
    certain = confidence >= CERTAIN
    return Reliability(
        count=len(right),
        right=int(right.sum()),
        claimed=float(confidence.mean()),
        error=float(np.abs(gaps).sum() / len(right)),
        certain=int(certain.sum()),
        certain_right=int(right[certain].sum()),
        certain_claimed=float(confidence[certain].sum() / max(1, certain.sum())),
    )


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
    """Fit the share right by stated confidence, as a rising curve.

    Values with the same stated confidence are one knot, together with their neighbours if they are
    few. The share of a knot is shrunk towards the stated confidence, or towards the share of the
    whole field if that is lower, since few trials prove little and stated confidences are too high.
    No knot exceeds the confidence that its count can show.
    """
    overall = _share_right(stated)
    bins = _list_bins(stated)
    means = []
    shares = []
    for values in bins:
        mean = sum(value.confidence for value in values) / len(values)
        means.append(mean)
        shares.append(_shrink(values, min(overall, mean)))
    rising = IsotonicRegression().fit_transform(
        means, shares, sample_weight=[len(values) for values in bins]
    )
    curve: list[tuple[float, float]] = []
    reached = 0.0
    for level, knots in groupby(
        zip(means, rising, bins, strict=True), key=lambda knot: float(knot[1])
    ):
        flat = list(knots)
        values = [value for _, _, inside in flat for value in inside]
        share = max(min(level, _share_right(values)), reached)
        ends = {flat[0][0], flat[-1][0]}
        curve += [(round(mean, 4), round(share, 4)) for mean in sorted(ends)]
        reached = curve[-1][1]
    return tuple(dict(curve).items())  # merges knots that are equal when rounded


def _share_right(values: Sequence[Judged]) -> float:
    """Return the share of right values, with one right and one wrong value more."""
    return (sum(value.right for value in values) + 1) / (len(values) + 2)


def _list_bins(stated: Sequence[Judged]) -> list[list[Judged]]:
    """Return the values by confidence, the few of one confidence together with the next ones."""
    bins: list[list[Judged]] = []
    ordered = sorted(stated, key=lambda judged: judged.confidence)
    for _, equal in groupby(ordered, key=lambda judged: judged.confidence):
        if bins and len(bins[-1]) < _LEAST:
            bins[-1] += equal
        else:
            bins.append(list(equal))
    if len(bins) > 1 and len(bins[-1]) < _LEAST:
        last = bins.pop()
        bins[-1] = bins[-1] + last
    return bins


def _shrink(values: Sequence[Judged], prior: float) -> float:
    trials = len({one.trial for one in values})
    share = sum(one.right for one in values) / len(values)
    return (share * trials + prior * _PRIOR) / (trials + _PRIOR)


def calibrate(stated: Iterable[Judged], curves: Curves) -> list[float]:
    """Return the confidence of each value by these curves; without a curve, as stated."""
    confidences = []
    for judged in stated:
        confidence = judged.confidence
        if judged.curve in curves:
            confidence = apply_curve(curves[judged.curve], confidence)
        confidences.append(confidence)
    return confidences


def cross_validate(stated: Sequence[Judged]) -> list[float]:
    """Return the confidence of each value by curves fitted on the trials of the other folds."""
    curves = {}
    for fold in {judged.fold for judged in stated}:
        others = [judged for judged in stated if judged.fold != fold]
        curves[fold] = fit_curves(others)
    return [calibrate([judged], curves[judged.fold])[0] for judged in stated]


def read_curves() -> dict[tuple[str, str], Curve]:
    """Read the curves of the package."""
    curves = {}
    for field, of_field in tomllib.loads(CURVES.read_text("utf-8")).items():
        for found, curve in of_field.items():
            curves[field, found] = curve
    return curves


def format_curves(curves: Curves) -> str:
    """Format the curves as the file of the package, sorted by field."""
    lines = [
        "# By field: confidence as stated, and the share right; `python -m "
        "benchmarks.reliability` fits it."
    ]
    for field, of_field in groupby(
        sorted(curves.items()), key=lambda curve: curve[0][0]
    ):
        lines.append(f'\n["{field}"]')
        lines += [
            f"{found} = [{', '.join(f'[{x}, {y}]' for x, y in curve)}]"
            for (_, found), curve in of_field
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

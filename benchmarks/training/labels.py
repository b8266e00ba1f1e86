"""Labels of doses, criteria, outcomes and time frames, with the records that they come from.

Rows of criteria, outcomes and time frames have a trial (``record``), its ``area`` and its ``fold``.
Trials in the gold are omitted, because they are used for measuring.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.data import Row, fold_of, read_areas, read_labels
from benchmarks.gold import GOLD, HOME_AREAS, LABELS, read_annotated, read_gold
from extractor.formats import read_records
from extractor.schemas import TrialRecord

HOME = "home areas"
OTHERS = "other areas"
_RECORDS = (
    "ctgov_v2.jsonl.gz",
    "ctgov_xml",
    "all_areas.jsonl.gz",
    "all_areas_more.jsonl.gz",
)
_WITHOUT_DOSES = ("eligibility_general.jsonl.gz", "ctgov_leukaemia.csv")
_GENERAL = frozenset("gh")
"""First letters of the IDs of labels from all areas in ``criteria.jsonl``. Other labels without an
area come from the home areas.
"""
_OUTCOME = {"description": None, "time_frame": None, "instrument": None}
_SEEN = ("title", "official_title", "arms[", "interventions[")
"""The sections that the annotators of doses saw."""
_SEEN_FOLDS = frozenset({0, 1, 2})
"""Folds of the gold on which the weights for doses may be fitted."""


class TrainingRows(NamedTuple):
    """``criteria`` have ``list``, ``text``, ``lead_in`` and ``category``; ``outcomes`` have
    ``rank``, ``measure``, ``description``, ``time_frame``, ``concept`` and ``category``;
    ``time_frames`` have ``time_frame`` and ``time_kind``.
    """

    criteria: list[Row]
    outcomes: list[Row]
    time_frames: list[Row]


class DoseLabels(NamedTuple):
    """A trial with the sections that annotators saw, and its labelled regimens."""

    record: TrialRecord
    doses: list[Row]


def group_of(row: Row) -> str:
    """Return a row's group: the home areas, for which the rules were developed, or the other areas.

    >>> group_of({"area": "Oncology"}), group_of({"area": "Cardiology"})
    ('home areas', 'other areas')
    """
    return HOME if row["area"] in HOME_AREAS or row["area"] == HOME else OTHERS


def _read_files(data: Path, *names: str) -> Iterator[TrialRecord]:
    for path in (data / "records" / name for name in names):
        if path.exists():
            yield from read_records(path)


def read_training_records(data: Path) -> dict[str, TrialRecord]:
    """Return the records by trial, except for trials in the gold. If a trial has several records,
    the first record with criteria is used or, failing that, the last record.
    """
    records: dict[str, TrialRecord] = {}
    held_back = read_gold(GOLD)
    first, second, *rest = _RECORDS
    for record in _read_files(data, first, second, *_WITHOUT_DOSES, *rest):
        known = records.get(record.record_id)
        has_criteria = known is not None and known.section("eligibility")
        if record.record_id not in held_back and not has_criteria:
            records[record.record_id] = record
    return records


def read_training_rows(data: Path, records: Mapping[str, TrialRecord]) -> TrainingRows:
    """Read the labels in ``data``, and the repository's labels of the trials in ``records``."""
    lines = read_gold(LABELS)
    held_back = read_gold(GOLD)
    areas = read_areas(data) | {trial: line["area"] for trial, line in lines.items()}

    def complete(rows: Iterable[Row]) -> list[Row]:
        """Return the rows with their area and fold, omitting rows of gold trials."""
        completed = []
        for row in rows:
            trial = row["record"]
            if trial in held_back:
                continue
            fallback = "all areas" if row.get("id", "")[:1] in _GENERAL else HOME
            fold = lines[trial]["fold"] if trial in lines else fold_of(trial)
            completed.append(row | {"area": areas.get(trial, fallback), "fold": fold})
        return completed

    criteria = read_labels(data, "criteria") + read_labels(data, "all_areas_criteria")
    outcomes = read_labels(data, "all_areas_outcomes")
    at_hand = (records[trial] for trial in lines if trial in records)
    for _, _, annotation in read_annotated(lines, at_hand):
        base = {"record": annotation["record_id"]}
        for item in annotation["eligibility"].get("criteria", ()):
            known = {"list": item["kind"], "text": item["quote"]}
            known |= {name: item.get(name) for name in ("category", "lead_in")}
            criteria.append(base | known)
        outcomes += [base | _OUTCOME | item for item in annotation["endpoints"]]
    general = complete(outcomes)
    frames = []
    for row in read_labels(data, "time_frames"):
        fold = fold_of(row["time_frame"].lower())
        frames.append(row | {"area": HOME, "fold": fold})
    return TrainingRows(
        complete(criteria),
        [*complete(read_labels(data, "outcomes")), *general],
        [*frames, *(row for row in general if row["time_frame"])],
    )


def read_dose_labels(data: Path) -> list[DoseLabels]:
    """Return all trials with labelled doses, with their records from ``data``.

    Of the gold, only the folds whose errors the authors of rules may see are included; the other
    folds measure the result of training.
    """
    gold = read_gold(GOLD)
    lines = read_gold(LABELS).items()
    usable = {
        name: line for name, line in lines if "dosing" in line.get("labelled", ())
    }
    seen = {name: line for name, line in gold.items() if line["fold"] in _SEEN_FOLDS}
    labelled = list(_read_quoting_labels(data))
    for record, doses in _read_standoff(data, usable):
        labelled.append(DoseLabels(_show(record), doses))
    others = [label for label in labelled if label.record.record_id not in gold]
    return [*others, *_read_standoff(data, seen)]


def _read_quoting_labels(data: Path) -> Iterator[DoseLabels]:
    """Yield the labels that contain quotes instead of spans."""
    rows = {row["record"]: row for row in read_labels(data, "dosing")}
    if (data / "labels" / "all_areas_dosing.jsonl").exists():
        for row in read_labels(data, "all_areas_dosing"):
            rows.setdefault(row["record"], row)
    for record in _read_files(data, *_RECORDS):
        if record.record_id in rows:
            row = rows.pop(record.record_id)
            yield DoseLabels(_show(record), row["dosing"])


def _show(record: TrialRecord) -> TrialRecord:
    """Return a record with the sections that the annotators of doses saw."""
    seen = tuple(
        section for section in record.sections if section.name.startswith(_SEEN)
    )
    return record.model_copy(update={"sections": seen})


def _read_standoff(data: Path, lines: Mapping[str, Row]) -> Iterator[DoseLabels]:
    """Yield the annotated trials whose text is in ``data``."""
    for record, _, annotation in read_annotated(lines, _read_files(data, *_RECORDS)):
        yield DoseLabels(record, annotation["dosing"])

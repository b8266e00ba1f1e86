"""All labelled criteria, outcomes and time frames, as rows for training.

Each row has its trial (``record``), the trial's ``area`` and its ``fold``. Trials of the gold are
left out: they are for measuring.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.data import Row, fold_of, read_areas, read_labels
from benchmarks.gold import GOLD, HOME_AREAS, LABELS, read_annotated, read_gold
from extractor.formats import read_records
from extractor.schemas import TrialRecord

HOME = "home areas"
OTHERS = "other areas"
_RECORDS = (
    *(
        "ctgov_v2.jsonl.gz",
        "ctgov_xml",
        "eligibility_general.jsonl.gz",
        "ctgov_leukaemia.csv",
    ),
    *("all_areas.jsonl.gz", "all_areas_more.jsonl.gz"),
)
_GENERAL = frozenset("gh")
"""Prefix of ids of labels of all areas in ``criteria.jsonl``; other labels without an area are
of home areas.
"""
_OUTCOME = {"description": None, "time_frame": None, "instrument": None}


class TrainingRows(NamedTuple):
    """``criteria`` have ``list``, ``text``, ``lead_in`` and ``category``; ``outcomes`` have
    ``rank``, ``measure``, ``description``, ``time_frame``, ``concept`` and ``category``;
    ``time_frames`` have ``time_frame`` and ``time_kind``.
    """

    criteria: list[Row]
    outcomes: list[Row]
    time_frames: list[Row]


def group_of(row: Row) -> str:
    """Return a row's group: the areas on which the rules were built, or others.

    >>> group_of({"area": "Oncology"}), group_of({"area": "Cardiology"})
    ('home areas', 'other areas')
    """
    return HOME if row["area"] in HOME_AREAS or row["area"] == HOME else OTHERS


def read_training_records(data: Path) -> dict[str, TrialRecord]:
    """Read the records by trial, without those of the gold; of several with one id, the first
    with criteria.
    """
    records: dict[str, TrialRecord] = {}
    held_back = read_gold(GOLD)
    for path in (data / "records" / name for name in _RECORDS):
        for record in read_records(path) if path.exists() else ():
            known = records.get(record.record_id)
            if record.record_id not in held_back and not (
                known and known.section("eligibility")
            ):
                records[record.record_id] = record
    return records


def read_training_rows(data: Path, records: Mapping[str, TrialRecord]) -> TrainingRows:
    """Read the labels in ``data``, and those of the repository whose ``records`` are given."""
    lines = read_gold(LABELS)
    held_back = read_gold(GOLD)
    areas = read_areas(data) | {trial: line["area"] for trial, line in lines.items()}

    def complete(rows: Iterable[Row]) -> list[Row]:
        """Add area and fold to rows, and drop rows of gold trials."""
        completed = []
        for row in rows:
            trial = row["record"]
            if trial in held_back:
                continue
            fallback = "all areas" if row.get("id", "")[:1] in _GENERAL else HOME
            fold = lines[trial]["fold"] if trial in lines else fold_of(trial)
            completed.append(row | {"area": areas.get(trial, fallback), "fold": fold})
        return completed

    at_hand = (records[trial] for trial in lines if trial in records)
    criteria: list[Row] = [
        *read_labels(data, "criteria"),
        *read_labels(data, "all_areas_criteria"),
    ]
    general_outcomes: list[Row] = list(read_labels(data, "all_areas_outcomes"))
    for _, _, annotation in read_annotated(lines, at_hand):
        trial = annotation["record_id"]
        labelled = annotation["eligibility"].get("criteria", ())
        criteria += [_describe_criterion(trial, item) for item in labelled]
        base = {"record": trial} | _OUTCOME
        general_outcomes += [base | item for item in annotation["endpoints"]]
    completed = complete(general_outcomes)
    frames = []
    for row in read_labels(data, "time_frames"):
        fold = fold_of(row["time_frame"].lower())
        frames.append(row | {"area": HOME, "fold": fold})
    return TrainingRows(
        complete(criteria),
        [*complete(read_labels(data, "outcomes")), *completed],
        [*frames, *(row for row in completed if row["time_frame"])],
    )


def _describe_criterion(trial: str, item: Row) -> Row:
    """Return a criterion of standoff labels in the form of the other files."""
    return {
        "record": trial,
        "list": item["kind"],
        "text": item["quote"],
        "category": item["category"],
        "lead_in": item.get("lead_in"),
    }

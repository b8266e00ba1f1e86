"""All labelled criteria, outcomes and time frames, old and new, as rows to learn from.

Each row has its trial (``record``), the trial's ``area`` and its ``fold``. Trials of the gold are left out: they
measure.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import Row, fold_of, read_areas, read_labels
from benchmarks.gold import GOLD, HOME_AREAS, INDEPENDENT, LABELS, read_gold
from extractor.evaluation.standoff import find_changed_sections, from_standoff
from extractor.read import read_records
from extractor.schemas import TrialRecord

HOME, OTHERS = "home areas", "other areas"
_RECORDS = (
    "ctgov_v2.jsonl.gz",
    "ctgov_xml",
    "eligibility_general.jsonl.gz",
    "ctgov_leukaemia.csv",
    "all_areas.jsonl.gz",
    "all_areas_more.jsonl.gz",
)
_GENERAL = frozenset("gh")
"""How ids of labels of all areas begin in ``criteria.jsonl``; all other labels without an area are of home areas."""


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """``criteria`` have ``list``, ``text``, ``lead_in`` and ``category``; ``outcomes`` have ``rank``, ``measure``,
    ``description``, ``time_frame``, ``concept`` and ``category``; ``time_frames`` have ``time_frame`` and
    ``time_kind``.
    """

    criteria: list[Row]
    outcomes: list[Row]
    time_frames: list[Row]


def group_of(row: Row) -> str:
    """Whether a row is of the areas on which the rules were built, or of others.

    >>> group_of({"area": "Oncology"}), group_of({"area": "Cardiology"})
    ('home areas', 'other areas')
    """
    return HOME if row["area"] in HOME_AREAS or row["area"] == HOME else OTHERS


def read_training_records(data: Path) -> dict[str, TrialRecord]:
    """The records by trial, without those of the gold; of several with one number, the first that has criteria."""
    records: dict[str, TrialRecord] = {}
    held_back = _gold_trials()
    for name in _RECORDS:
        if (data / "records" / name).exists():
            for record in read_records(str(data / "records" / name)):
                known = records.get(record.record_id)
                if record.record_id not in held_back and not (known and known.section("eligibility")):
                    records[record.record_id] = record
    return records


def read_training_rows(data: Path, records: Mapping[str, TrialRecord]) -> TrainingRows:
    """The labels in ``data`` and those of the repository whose ``records`` are at hand."""
    lines = read_gold(LABELS)
    areas = read_areas(data) | {trial: line["area"] for trial, line in lines.items()}
    held_back = _gold_trials()

    def complete(rows: Iterable[Row]) -> list[Row]:
        """Rows with area and fold, without those of gold trials."""
        found = []
        for row in rows:
            if (trial := row["record"]) not in held_back:
                fallback = "all areas" if row.get("id", "")[:1] in _GENERAL else HOME
                fold = lines[trial]["fold"] if trial in lines else fold_of(trial)
                found.append(row | {"area": areas.get(trial, fallback), "fold": fold})
        return found

    decoded = [
        from_standoff(line, records[trial])
        for trial, line in lines.items()
        if trial in records and not find_changed_sections(line, records[trial])
    ]
    frames = read_labels(data, "time_frames")
    outcomes = complete((*read_labels(data, "all_areas_outcomes"), *_outcomes(decoded)))
    return TrainingRows(
        complete((*read_labels(data, "criteria"), *read_labels(data, "all_areas_criteria"), *_criteria(decoded))),
        [*complete(read_labels(data, "outcomes")), *outcomes],
        [
            *(row | {"area": HOME, "fold": fold_of(row["time_frame"].lower())} for row in frames),
            *(row for row in outcomes if row["time_frame"]),
        ],
    )


def _gold_trials() -> frozenset[str]:
    return frozenset(read_gold(GOLD)) | frozenset(read_gold(INDEPENDENT))


def _criteria(decoded: Iterable[Row]) -> Iterator[Row]:
    for line in decoded:
        for item in line["eligibility"].get("criteria", ()):
            yield {
                "record": line["record_id"],
                "list": item["kind"],
                "text": item["quote"],
                "lead_in": item.get("lead_in"),
                "category": item["category"],
            }


def _outcomes(decoded: Iterable[Row]) -> Iterator[Row]:
    for line in decoded:
        for item in line["endpoints"]:
            yield {"record": line["record_id"], "description": None, "time_frame": None, "instrument": None} | item

"""Where judged readings come from: files of labels, and records with gold."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.judging import Judged
from benchmarks.label_files import read_labels
from benchmarks.labels.dosing import build_record, is_held_out
from benchmarks.labels.sources import judge_labels
from extractor.evaluation.load import open_extractions
from extractor.parse import parse_record
from extractor.read import read_records
from extractor.schemas import Task, TrialExtraction

from .records import judge_record

__all__ = ["judge_all_labels", "judge_gold", "split_held_out"]


def judge_all_labels(data: Path, field: str | None = None) -> Iterator[Judged]:
    """Every labelled value. With ``field``, files that do not judge it are not read."""
    yield from judge_labels(data, field)
    if field is None or "." not in field or field.startswith("dosing"):
        for row in read_labels(data, "dosing"):
            gold = TrialExtraction.model_validate({"record_id": row["id"], "eligibility": {}, "dosing": row["dosing"]})
            yield from judge_record(parse_record(build_record(row)), gold, row["record"], {Task.DOSING})


def judge_gold(gold: Path, records: Path) -> Iterator[Judged]:
    """Every reading of the records that gold annotates."""
    annotated = open_extractions(gold, "gold")
    for record in read_records(records):
        if extraction := annotated.get(record.record_id):
            yield from judge_record(parse_record(record), extraction, record.record_id)


def split_held_out(judged: Iterable[Judged]) -> tuple[list[Judged], list[Judged]]:
    """The values of held-out trials, and those of all others."""
    sides: tuple[list[Judged], list[Judged]] = ([], [])
    for one in judged:
        sides[not is_held_out(one.trial)].append(one)
    return sides

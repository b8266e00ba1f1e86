"""Read gold from sheets and Label Studio, and write it for them."""

import json
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from extractor.apps.evaluation.gold_files import open_extractions
from extractor.apps.gold.label_studio import make_task, read_tasks, write_config
from extractor.apps.gold.rows import PlacedRow, Problem, build_gold, list_gold_rows
from extractor.apps.gold.sheets import SHEETS, read_sheet, write_gold_sheet
from extractor.apps.review.gold import name_gold, write_gold
from extractor.concepts.own.declaration import CustomField
from extractor.errors import ArgumentError, GoldError
from extractor.formats import read_records
from extractor.run.finished import find_run
from extractor.schemas import TrialExtraction, TrialRecord

_TASKS = ".json"

Inputs = Sequence[str | PathLike[str]]


class ImportedGold(NamedTuple):
    """Gold by record, without the records that have an error, and all problems."""

    gold: Mapping[str, dict[str, Any]]
    problems: Sequence[Problem]

    def write(self, folder: Path, *, force: bool = False) -> None:
        """Write a file for each record. Raises ``ArgumentError`` if one exists, without
        ``force``.
        """
        paths = {folder / name_gold(name): gold for name, gold in self.gold.items()}
        for path in paths:
            _refuse_existing(path, force=force)
        folder.mkdir(parents=True, exist_ok=True)
        for path, gold in paths.items():
            write_gold(path, gold)


def import_gold(
    path: Path,
    inputs: Inputs = (),
    fields: Sequence[CustomField] = (),
    annotator: str = "",
) -> ImportedGold:
    """Read gold from a sheet or an export of Label Studio.

    Args:
        path: The file.
        inputs: The records, against which quotes are checked; none for no check.
        fields: Fields of your own, for the check of their values.
        annotator: Whose annotations of Label Studio count, by email or id.

    Raises:
        GoldError: The file as a whole cannot be read.
    """
    is_sheet = _is_sheet(path)
    rows = defaultdict[str, list[PlacedRow]](list)
    for row in read_sheet(path) if is_sheet else read_tasks(path, annotator):
        rows[row.record_id].append(row)
    if is_sheet and not rows:
        raise GoldError(f"{path}: contains no values; add a row for each")
    records = _find_records(inputs, rows)
    problems: list[Problem] = []
    gold: dict[str, dict[str, Any]] = {}
    for record_id, of_record in rows.items():
        record = records.get(record_id)
        if inputs and record is None:
            text = f"there is no record {record_id!r}; name its file with --records"
            problems.append(Problem(f"{of_record[0].place}, record", text))
            continue
        built, found = build_gold(of_record, record, fields)
        problems += found
        if built:
            gold[record_id] = built
    return ImportedGold(gold, list(dict.fromkeys(problems)))


def _is_sheet(path: Path) -> bool:
    """Return whether a file is a sheet, and not tasks of Label Studio, by its ending."""
    suffix = path.suffix.casefold()
    if suffix not in (*SHEETS, _TASKS):
        raise GoldError(
            f"{path}: is not a gold file; name a sheet (.csv, .xlsx) or tasks of Label Studio "
            "(.json)"
        )
    return suffix != _TASKS


def _find_records(inputs: Inputs, ids: Container[str]) -> dict[str, TrialRecord]:
    """Return the records with these ids. One that cannot be read is missed later, by its id."""
    records = read_records(*inputs, on_error=lambda _: None) if inputs else ()
    return {record.record_id: record for record in records if record.record_id in ids}


def export_gold(
    gold: Path, to: Path, inputs: Inputs = (), *, force: bool = False
) -> int:
    """Write gold, or the extractions of a run, by the ending of the name, and return how many.

    Args:
        gold: A folder or file of gold, or a run's folder.
        to: A sheet, or the tasks of Label Studio, beside which the labelling interface of the
            project is written as .xml.
        inputs: The records, whose texts the tasks show; by default those of the run.
        force: Whether to replace a file.

    Raises:
        ArgumentError: ``to`` already exists.
        GoldError: The gold cannot be read, a record is missing, or ``to`` has another ending.
    """
    is_sheet = _is_sheet(to)
    _refuse_existing(to, force=force)
    run = find_run(gold)
    results = run and [
        run.read_result(name, TrialExtraction) for name in run.record_ids
    ]
    source = open_extractions(results or gold, str(gold))
    if is_sheet:
        rows = (row for each in source.values() for row in list_gold_rows(each))
        write_gold_sheet(to, rows)
        return len(source)
    records = _find_records(inputs or (run.find_inputs() if run else ()), source)
    for name in source:
        if name not in records:
            raise GoldError(
                f"{gold}: the text of {name} is missing; name its file with --records"
            )
    tasks = [
        make_task(record, list_gold_rows(source[name]))
        for name, record in records.items()
    ]
    to.write_text(json.dumps(tasks, ensure_ascii=False, indent=1) + "\n", "utf-8")
    to.with_suffix(".xml").write_text(write_config(), "utf-8")
    return len(tasks)


def _refuse_existing(path: Path, *, force: bool) -> None:
    if path.exists() and not force:
        raise ArgumentError(
            f"{path}: already exists; add --force, or name another path"
        )

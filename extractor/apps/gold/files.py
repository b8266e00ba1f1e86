"""Read gold from sheets, and write it as sheets."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from extractor.apps.evaluation.gold_files import open_extractions
from extractor.apps.gold.rows import RowProblem, build_gold, list_gold_rows
from extractor.apps.gold.sheets import SHEETS, read_sheet, write_gold_sheet
from extractor.apps.review.gold import name_gold, write_gold
from extractor.errors import ArgumentError, GoldError
from extractor.face import CustomField, group_pairs, read_records
from extractor.schemas.base import Inputs


class ImportedGold(NamedTuple):
    """The imported gold, keyed by record, and all problems. Records with errors are omitted."""

    gold: Mapping[str, dict[str, object]]
    problems: Sequence[RowProblem]

    def write(self, folder: Path, *, force: bool = False) -> None:
        """Write one file per record. Raises ``ArgumentError`` if a file exists, unless ``force`` is
        set.
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
) -> ImportedGold:
    """Read gold from a sheet.

    Args:
        path: The file.
        inputs: The records against which quotes are checked. If it is empty, quotes are not
            checked.
        fields: The custom fields whose values are to be checked.

    Raises:
        GoldError: The file as a whole cannot be read.
    """
    _check_ending(path)
    rows = group_pairs((row.record_id, row) for row in read_sheet(path))
    if not rows:
        raise GoldError(f"{path}: contains no values; add a row for each value")
    # an unreadable record is reported below, as a missing id
    known = read_records(*inputs, on_error=lambda _: None)
    records = {record.record_id: record for record in known if record.record_id in rows}
    problems: list[RowProblem] = []
    gold: dict[str, dict[str, object]] = {}
    for record_id, of_record in rows.items():
        record = records.get(record_id)
        # without records, the quotes are not checked
        if inputs and record is None:
            text = f"there is no record {record_id!r}; specify its file with --records"
            problems.append(RowProblem(f"{of_record[0].section}, record", text))
            continue
        built, record_problems = build_gold(of_record, record, fields)
        problems += record_problems
        if built:
            gold[record_id] = built
    # the same problem may be reported for several parts of a row
    return ImportedGold(gold, list(dict.fromkeys(problems)))


def _check_ending(path: Path) -> None:
    """Raise ``GoldError`` if the suffix of a file is not .csv or .xlsx."""
    if path.suffix.casefold() not in SHEETS:
        raise GoldError(f"{path}: is not a gold sheet; specify a .csv or .xlsx file")


def export_gold(gold: Path, to: Path, *, force: bool = False) -> int:
    """Write gold, or a run's extractions, as a sheet, and return the number of records.

    Args:
        gold: A folder or file of gold, or a run's folder.
        to: A .csv or .xlsx file.
        force: Whether to overwrite an existing file.

    Raises:
        ArgumentError: ``to`` already exists.
        GoldError: The gold cannot be read, or ``to`` has an unsupported suffix.
    """
    _check_ending(to)
    _refuse_existing(to, force=force)
    source = open_extractions(gold, "gold")
    rows = chain.from_iterable(map(list_gold_rows, source.values()))
    write_gold_sheet(to, rows)
    return len(source)


def _refuse_existing(path: Path, *, force: bool) -> None:
    """Raise ``ArgumentError`` if a file exists, unless ``force`` is set."""
    if path.exists() and not force:
        raise ArgumentError(
            f"{path}: already exists; add --force, or choose another path"
        )

"""Export a run's results, or the gold from a review, to tables, one record at a time."""

import json
from codecs import BOM_UTF8
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from extractor.apps.export.columns import (
    Column,
    Row,
    Table,
    describe_tables,
    list_tables,
)
from extractor.apps.export.excel import write_workbook
from extractor.apps.export.files import (
    COLUMNS_FILE,
    Destination,
    Format,
    load_tables,
    open_tables,
)
from extractor.apps.export.registered import RegisteredByRecord
from extractor.apps.export.rows import Whole, complete_gold, find_rows
from extractor.concepts.own.declaration import CustomField
from extractor.errors import ArgumentError, MissingExtra, StoreError
from extractor.run.finished import FinishedRun
from extractor.schemas import TrialExtraction, TrialRecord
from extractor.schemas.values import list_all_values

_RESULTS = "extractions.jsonl"
_EXTRAS = {
    Format.PARQUET: ("duckdb", "export"),
    Format.DUCKDB: ("duckdb", "export"),
    Format.XLSX: ("xlsxwriter", "excel"),
}
"""For each format that is converted from JSON lines: the required library, and the extra that
installs it. JSON lines and CSV need no library.
"""


@dataclass(slots=True)
class Threshold:
    """Removes values whose confidence is below ``minimum``, and counts the values that it has
    ``seen`` and ``kept``.

    If a required value is removed, the whole item is dropped.
    """

    minimum: float = 0.0
    seen: int = 0
    kept: int = 0

    def sift(self, extraction: TrialExtraction) -> tuple[TrialExtraction, Whole | None]:
        """Return an extraction without its doubtful values and, if any were removed, the original
        extraction (otherwise None).
        """
        if not self.minimum:
            return extraction, None
        from extractor.assembly.doubtful import sift_doubtful  # noqa: PLC0415 - it loads the rules, and few need it

        kept, places = sift_doubtful(extraction, self.minimum)
        self.seen += sum(1 for _ in list_all_values(extraction))
        self.kept += sum(1 for _ in list_all_values(kept))
        return kept, None if kept is extraction else Whole(extraction, places)


def export_run(
    run: Path,
    destination: Destination,
    tables: Collection[Table] = (),
    lines: Iterable[bytes] | None = None,
    registry: RegisteredByRecord = MappingProxyType({}),
    threshold: Threshold | None = None,
    fields: tuple[CustomField, ...] = (),
) -> Mapping[str, int]:
    """Write the tables of a run, and return the number of rows in each table.

    Args:
        run: A run's folder, a file of extractions, or a folder of gold files.
        destination: The file or folder to write to.
        tables: The tables to write; by default, all tables are written.
        lines: The extractions as JSON; by default, the extractions in ``run`` are used.
        registry: The register's data by record. Without it, the columns for register data are
            empty.
        threshold: Removes doubtful values.
        fields: The run's custom fields, each of which has a table.

    Raises:
        ValueError: A single file cannot contain several tables.
        MissingExtra: The library for the format is not installed.
        StoreError: The run cannot be read, or the destination must not be replaced.
    """
    sieve = threshold or Threshold()
    results = find_results(run)

    def list_rows() -> Iterator[tuple[str, Row]]:
        for extraction in read_results(results, lines):
            kept, whole = sieve.sift(extraction)
            yield from find_rows(kept, registry, fields, whole)

    chosen = tuple(tables) or list_tables(fields)
    return write_tables(destination, chosen, list_rows())


def write_tables(
    destination: Destination, tables: Sequence[Table], rows: Iterable[tuple[str, Row]]
) -> dict[str, int]:
    """Write rows, given as (table name, row) pairs, and return the number of rows per table. Rows
    of other tables are skipped.

    The destination appears only when it is complete, and rows are not kept in memory. Raises the
    same errors as ``export_run``.
    """
    kind = destination.format
    names = [table.name for table in tables]
    has_many_tables = kind in (Format.DUCKDB, Format.XLSX)
    if destination.is_single_file and not has_many_tables and len(names) > 1:
        raise ValueError(
            f"{destination.path} can hold only one table; select it with --tables, or specify a "
            "folder with --format"
        )
    if kind in _EXTRAS:
        library, extra = _EXTRAS[kind]
        if find_spec(library) is None:
            raise MissingExtra(f"the format {kind} needs {library}", extra)
    counts = dict.fromkeys(names, 0)
    with destination.staged() as (scratch, path):
        files = dict.fromkeys(names, path)
        if not destination.is_single_file:
            files = {name: path / f"{name}.{kind}" for name in names}
            described = json.dumps(describe_tables(tables), indent=2)
            (path / COLUMNS_FILE).write_text(f"{described}\n", "utf-8")
        row_files = files
        # These formats are converted from JSON lines in the scratch folder.
        if kind in _EXTRAS:
            row_files = {name: scratch / f"{name}.rows" for name in names}
        with open_tables(tables, row_files, as_csv=kind is Format.CSV) as append:
            for name, row in rows:
                if name in counts:
                    append[name](row)
                    counts[name] += 1
        if kind is Format.XLSX:
            write_workbook(path, tables, row_files)
        elif kind is Format.DUCKDB:
            load_tables(path, tables, row_files, None)
        elif kind is Format.PARQUET:
            load_tables(scratch / "rows.duckdb", tables, row_files, files)
    return counts


def write_sheet(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Row],
    *,
    force: bool = False,
) -> None:
    """Write rows with the given ``columns`` to a file, in the format given by its suffix.

    Raises ``ValueError`` for an unknown suffix, ``ArgumentError`` if the file exists and ``force``
    is not set, and ``MissingExtra`` if the format's library is not installed.
    """
    table = Table("rows", None, (), tuple(Column(name, "") for name in columns))
    destination = Destination.choose(path, None, force=force)
    write_tables(destination, [table], (("rows", row) for row in rows))


def find_results(run: Path) -> Path:
    """Return the path of the results of ``run``: the results file in a run's folder, or else
    ``run`` itself if it is a file or a folder of gold files. Raises ``ArgumentError`` if it does
    not exist, and ``StoreError`` if it contains no results.
    """
    if not run.exists():
        raise ArgumentError(f"{run}: there is no such file or folder; check the path")
    of_run = run / _RESULTS
    if of_run.is_file():
        return of_run
    if run.is_file() or any(run.glob("*.json")):
        return run
    raise StoreError(
        f"{run}: contains no results; specify a folder written by extractor run --out, its "
        f"{_RESULTS}, or a folder of finished gold files"
    )


def pair_results(
    run: Path, finished: FinishedRun | None, threshold: Threshold
) -> Iterator[tuple[TrialExtraction, TrialRecord | None]]:
    """Yield (result, record) pairs, one at a time, without doubtful values. ``run`` is the path of
    the results, and ``finished`` is the run at this path; if ``finished`` is None because the path
    contains only extractions, the records are None.
    """
    if finished is None:
        for extraction in read_results(find_results(run)):
            yield threshold.sift(extraction)[0], None
        return
    for reread in finished.reread():
        result = finished.read_result(reread.record_id, TrialExtraction)
        yield threshold.sift(complete_gold(result))[0], reread.record


def read_results(
    path: Path, lines: Iterable[bytes] | None = None
) -> Iterator[TrialExtraction]:
    """Yield the extractions in ``lines`` or, if ``lines`` is None, those in a file or a folder of
    gold files. Raises ``StoreError`` for a line that is not an extraction.
    """
    for place, content in _list_documents(path, lines):
        try:
            extraction = TrialExtraction.model_validate_json(content)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "the whole"
            raise StoreError(
                f"{place}: is not a valid extraction in this version's format ({field}: "
                f"{first['msg']}); run its command again, or correct it"
            ) from None
        yield complete_gold(extraction)


def _list_documents(
    path: Path, lines: Iterable[bytes] | None
) -> Iterator[tuple[str, bytes]]:
    """Yield (location, JSON) pairs, one for each extraction in ``lines`` or, if ``lines`` is None,
    in a file or a folder of gold files.
    """
    if lines is None and (path.is_dir() or path.suffix == ".json"):
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        for file in files:
            yield str(file), file.read_bytes()
        return
    with ExitStack() as stack:
        if lines is None:
            lines = stack.enter_context(path.open("rb"))
        for number, line in enumerate(lines, start=1):
            content = line.removeprefix(BOM_UTF8)
            if content.strip():
                yield f"{path}, line {number}", content

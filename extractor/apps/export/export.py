"""Export a run's results, or the gold of a review, record by record to tables."""

import json
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from extractor.apps.export.columns import Row
from extractor.apps.export.excel import write_workbook
from extractor.apps.export.files import (
    COLUMNS_FILE,
    Destination,
    Format,
    load_tables,
    open_tables,
)
from extractor.apps.export.tables import (
    Registry,
    Table,
    Whole,
    complete_gold,
    find_rows,
    list_tables,
)
from extractor.concepts.own.declaration import CustomField
from extractor.errors import MissingExtra, StoreError
from extractor.schemas import Task, TrialExtraction
from extractor.schemas.arguments import refuse_unknown

_RESULTS = "extractions.jsonl"
_EXTRAS = {
    Format.PARQUET: ("duckdb", "export"),
    Format.DUCKDB: ("duckdb", "export"),
    Format.XLSX: ("xlsxwriter", "excel"),
}
"""The library, and its extra, of each format that is made of complete JSON lines."""
_OF_MANY = frozenset({Format.DUCKDB, Format.XLSX})
"""Formats whose one file holds many tables."""


@dataclass(slots=True)
class Threshold:
    """Leaves out values whose confidence is below ``minimum``, a probability from 0 to 1, and
    counts their items.

    An item whose required value is left out goes as a whole. ``seen`` counts values and items,
    ``kept`` those left.
    """

    minimum: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        return ", ".join(
            f"{count - self.kept[name]:,} of {count:,} {name}"
            for name, count in self.seen.items()
        )

    def apply(self, extraction: TrialExtraction) -> TrialExtraction:
        """Return an extraction without its doubtful values."""
        kept, _ = self.sift(extraction)
        return kept

    def sift(self, extraction: TrialExtraction) -> tuple[TrialExtraction, Whole | None]:
        """Return an extraction without its doubtful values, and what it was before; None if
        nothing was left out.
        """
        if not self.minimum:
            return extraction, None
        from extractor.assembly.doubtful import sift_doubtful  # noqa: PLC0415 - it loads the rules, and few need it

        kept, places = sift_doubtful(extraction, self.minimum)
        self.seen.update(_count_items(extraction))
        self.kept.update(_count_items(kept))
        if kept is extraction:
            return kept, None
        return kept, Whole(extraction, places)


def _count_items(extraction: TrialExtraction) -> dict[str, int]:
    """Count the values and items of an extraction. A value is a field with evidence."""
    values = 0
    for _, item in extraction.list_items():
        values += len({piece.field for piece in item.evidence})
    return {
        "values": values,
        "criteria": len(extraction.eligibility.criteria),
        "regimens": len(extraction.dosing),
        "endpoints": len(extraction.endpoints),
    }


def export_run(
    run: Path,
    destination: Destination,
    tables: Collection[Table] = (),
    lines: Iterable[bytes] | None = None,
    registry: Registry = MappingProxyType({}),
    threshold: Threshold | None = None,
    fields: tuple[CustomField, ...] = (),
) -> Mapping[str, int]:
    """Write the tables of a run, all by default, and return the number of rows of each.

    ``run`` is a run's folder, a file of extractions, or a folder of gold files, which have no
    evidence and no confidence. ``lines`` are the extractions as JSON, read from there if None.
    ``registry`` holds the result of ``read_registry`` for each record; without it the registered
    columns are empty. ``threshold`` leaves out doubtful values. ``fields`` are the user's own of
    the run; each has a table. Raises ``ValueError`` if one file would have to hold several tables,
    ``MissingExtra`` without the format's extra, and ``StoreError`` if the run cannot be read or the
    destination may not be replaced.
    """
    chosen = tuple(tables) or list_tables(fields)
    results = find_results(run)
    rows = _list_rows(results, lines, threshold, registry, fields)
    return write_tables(destination, chosen, rows)


def write_tables(
    destination: Destination, tables: Sequence[Table], rows: Iterable[tuple[str, Row]]
) -> dict[str, int]:
    """Write rows to their tables, and return the number of rows of each. Each row comes with the
    name of its table; those of other tables are skipped.

    The destination appears only when it is complete, and rows are not held in memory. Raises
    ``ValueError`` if one file would have to hold several tables, ``MissingExtra`` without the
    format's extra, and ``StoreError`` if the destination may not be replaced.
    """
    format_ = destination.format
    _refuse_unwritable(destination, tables)
    with destination.staged() as (scratch, made):
        # A destination that is a file holds all tables; a folder has a file for each.
        names = [table.name for table in tables]
        final = dict.fromkeys(names, made)
        if not destination.is_single_file:
            final = {name: made / f"{name}.{format_}" for name in names}
        written = final
        if format_ in _EXTRAS:
            # Libraries load complete lines.
            written = {name: scratch / f"{name}.rows" for name in names}
        as_csv = format_ is Format.CSV
        counts = _write_rows(tables, written, rows, as_csv=as_csv)
        if format_ is Format.XLSX:
            write_workbook(made, tables, written)
        elif format_ is Format.DUCKDB:
            load_tables(made, tables, written, None)
        elif format_ is Format.PARQUET:
            load_tables(scratch / "rows.duckdb", tables, written, final)
        if not destination.is_single_file:
            described = json.dumps(describe_tables(tables), indent=2)
            (made / COLUMNS_FILE).write_text(f"{described}\n", encoding="utf-8")
    return counts


def _refuse_unwritable(destination: Destination, tables: Sequence[Table]) -> None:
    """Raise ``ValueError`` if one file would have to hold several tables, and ``MissingExtra`` if
    the library that writes the format is not installed.
    """
    is_of_one_table = destination.is_single_file and destination.format not in _OF_MANY
    if is_of_one_table and len(tables) > 1:
        raise ValueError(
            f"{destination.path} holds one table; name it with --tables, or a folder with --format"
        )
    if destination.format not in _EXTRAS:
        return
    library, extra = _EXTRAS[destination.format]
    if find_spec(library) is None:
        raise MissingExtra(f"the format {destination.format} needs {library}", extra)


def _list_rows(
    results: Path,
    lines: Iterable[bytes] | None,
    threshold: Threshold | None,
    registry: Registry,
    fields: tuple[CustomField, ...],
) -> Iterator[tuple[str, Row]]:
    """Yield the rows of extractions without their doubtful values, each with the name of its
    table. The arguments are those of ``export_run``.
    """
    threshold = threshold or Threshold()
    for extraction in _read_whole(results, lines, threshold):
        kept, whole = threshold.sift(extraction)
        yield from find_rows(kept, registry, fields, whole)


def _write_rows(
    tables: Sequence[Table],
    paths: Mapping[str, Path],
    rows: Iterable[tuple[str, Row]],
    *,
    as_csv: bool,
) -> dict[str, int]:
    """Write the rows of some tables to their files, and return the number of rows of each. Rows
    of other tables are skipped. Without ``as_csv`` the files are JSON lines.
    """
    counts = {table.name: 0 for table in tables}
    with open_tables(tables, paths, as_csv=as_csv) as append:
        for name, row in rows:
            if name not in counts:
                continue
            append[name](row)
            counts[name] += 1
    return counts


def choose_tables(
    tasks: Collection[str], names: Collection[str], fields: tuple[CustomField, ...] = ()
) -> tuple[Table, ...]:
    """Return the tables of some tasks together with those of whole records, or the tables with
    these names.

    ``fields`` are the user's own. Raises ``ValueError`` for an unknown name.

    >>> [
    ...     table.name for table in choose_tables(["dosing"], [])
    ... ]  # doctest: +NORMALIZE_WHITESPACE
    ['records', 'regimens', 'amounts', 'interventions', 'arms', 'regimen_arms', 'notes',
     'absences', 'findings', 'citations', 'coverage_sections', 'condition_terms',
     'intervention_terms', 'custom_values', 'evidence']
    """
    tables = {table.name: table for table in list_tables(fields)}
    refuse_unknown("table", names, tables)
    if names:
        return tuple(tables[name] for name in dict.fromkeys(names))
    # Tables of whole records have no task.
    wanted = {None, *map(Task, tasks)}
    return tuple(table for table in tables.values() if table.task in wanted)


def describe_tables(tables: Collection[Table]) -> dict[str, Any]:
    """Return the keys of tables, and the type and meaning of their columns, as JSON-compatible
    data.
    """
    described = {}
    for table in tables:
        columns = {
            column.name: {"type": column.kind, "meaning": column.meaning}
            for column in table.columns
        }
        keys = [column.name for column in table.keys]
        described[table.name] = {"keys": keys, "columns": columns}
    return described


def find_results(run: Path) -> Path:
    """Return where the results of ``run`` are: the file of results in a run's folder, or itself
    if it is a file or a folder with gold files. Raises ``StoreError`` if it holds none.
    """
    if not run.exists():
        raise StoreError(f"{run}: there is no such file or folder; check the path")
    of_run = run / _RESULTS
    if of_run.is_file():
        return of_run
    if run.is_file() or any(run.glob("*.json")):
        return run
    remedy = (
        f"name a folder that extractor run --out wrote, its {_RESULTS}, or a folder of "
        "finished gold files"
    )
    raise StoreError(f"{run}: holds no results; {remedy}")


def read_results(
    path: Path, lines: Iterable[bytes] | None = None, threshold: Threshold | None = None
) -> Iterator[TrialExtraction]:
    """Yield the extractions in ``lines``, else in the lines of a file, or in a folder of gold
    files.

    ``threshold`` leaves out doubtful values. Raises ``StoreError`` for a line that is no
    extraction.
    """
    threshold = threshold or Threshold()
    for extraction in _read_whole(path, lines, threshold):
        yield threshold.apply(extraction)


def _read_whole(
    path: Path, lines: Iterable[bytes] | None, threshold: Threshold
) -> Iterator[TrialExtraction]:
    """Yield what ``read_results`` yields, with the doubtful values. ``threshold`` only tells
    whether confidences are needed.
    """
    if lines is not None:
        yield from _parse_lines(lines, path, "run its command again", threshold)
        return
    if path.is_dir() or path.suffix == ".json":
        # A person wrote gold: no run makes it again.
        remedy = "correct it, or finish its record again"
        files = [path]
        if path.is_dir():
            files = sorted(path.glob("*.json"))
        for file in files:
            yield _parse(file.read_bytes(), str(file), remedy, remedy, threshold)
        return
    with path.open("rb") as written:
        remedy = "copy the file again from the folder of its run"
        yield from _parse_lines(written, path, remedy, threshold)


def _parse_lines(
    lines: Iterable[bytes], path: Path, remedy: str, threshold: Threshold
) -> Iterator[TrialExtraction]:
    """Yield the extractions in lines, but empty ones. Raises ``StoreError``, with ``remedy`` for a
    line that is no JSON. ``path`` names the file in the message.
    """
    again = "recreate it with `extractor run --replay`"
    for number, line in enumerate(lines, start=1):
        data = line.removeprefix(BOM_UTF8)
        if data.strip():
            yield _parse(data, f"{path}, line {number}", remedy, again, threshold)


def _parse(
    data: bytes, place: str, remedy: str, again: str, threshold: Threshold
) -> TrialExtraction:
    """Parse an extraction, of which no value is left out.

    Raises ``StoreError``, which names ``place``: with ``remedy`` for what is no JSON; with
    ``again`` for what is no extraction, or if the threshold needs confidences and some are missing.
    """
    try:
        extraction = TrialExtraction.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise StoreError(f"{place}: is broken; {remedy}") from None
        field_path = ".".join(map(str, first["loc"])) or "the whole"
        problem = f"{field_path}: {first['msg']}"
        raise StoreError(
            f"{place}: is not an extraction of this version ({problem}); {again}"
        ) from None
    if threshold.minimum and not _has_confidences(extraction):
        raise StoreError(
            f"{place}: has values without a confidence; {again}, or drop --min-confidence"
        )
    return complete_gold(extraction)


def _has_confidences(extraction: TrialExtraction) -> bool:
    """Return whether all evidence has a confidence; that of old runs has none."""
    for _, item in extraction.list_items():
        for piece in item.evidence:
            if piece.confidence is None:
                return False
    return True

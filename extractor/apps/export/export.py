"""Export a run's results, or the gold from a review, to tables, one record at a time; or convert a
table to a pandas, polars or Arrow data frame.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from extractor.apps.export.columns import (
    Column,
    Row,
    Table,
    choose_tables,
    describe_tables,
    list_tables,
)
from extractor.apps.export.files import (
    COLUMNS_FILE,
    Destination,
    Format,
    load_tables,
    open_tables,
    write_workbook,
)
from extractor.apps.export.libraries import import_library, open_library
from extractor.apps.export.registered import RegisteredByRecord, read_registry
from extractor.apps.export.rows import Unsifted, find_rows
from extractor.apps.values import list_values
from extractor.face import (
    CustomField,
    Declarations,
    JoinedRuns,
    complete_gold,
    drop_doubtful,
    find_doubtful,
    read_fields,
    read_table,
)
from extractor.schemas import TrialExtraction, TrialRecord

_LIBRARIES = {
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

    def sift(
        self, extraction: TrialExtraction
    ) -> tuple[TrialExtraction, Unsifted | None]:
        """Return an extraction without its doubtful values, and the original extraction with their
        paths. The values are added to the numbers ``seen`` and ``kept``, but without a minimum,
        nothing is removed or counted, and the original is None.
        """
        if not self.minimum:
            return extraction, None
        sifted = drop_doubtful(extraction, self.minimum)
        self.seen += len([*list_values(extraction)])
        self.kept += len([*list_values(sifted)])
        return sifted, Unsifted(extraction, find_doubtful(extraction, self.minimum))


def export_run(
    runs: JoinedRuns,
    destination: Destination,
    tables: Collection[Table] = (),
    registry: RegisteredByRecord = MappingProxyType({}),
    threshold: Threshold | None = None,
) -> Mapping[str, int]:
    """Write the tables of runs, and return the number of rows in each table.

    Args:
        runs: The runs, each of whose custom fields has a table.
        destination: The file or folder to write to.
        tables: The tables to write; by default, all tables are written.
        registry: The register's data by record. Without it, the columns for register data are
            empty.
        threshold: Removes doubtful values.

    Raises:
        ValueError: A single file cannot contain several tables.
        MissingExtra: The library for the format is not installed.
        StoreError: A result cannot be read.
    """
    sieve = threshold or Threshold()

    def list_rows() -> Iterator[tuple[str, Row]]:
        for extraction in runs:
            sifted, unsifted = sieve.sift(extraction)
            yield from find_rows(sifted, registry, runs.fields, unsifted)

    chosen = tuple(tables) or list_tables(runs.fields)
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
    holds_several = kind in (Format.DUCKDB, Format.XLSX)
    if destination.is_single_file and len(names) > 1 and not holds_several:
        raise ValueError(
            f"{destination.path} can hold only one table; select it with --tables, or specify a "
            "folder with --format"
        )
    if kind in _LIBRARIES:
        library, extra = _LIBRARIES[kind]
        import_library(library, kind, extra)
    counts = dict.fromkeys(names, 0)
    with destination.staged() as (scratch, path):
        files = dict.fromkeys(names, path)
        if not destination.is_single_file:
            files = {name: path / f"{name}.{kind}" for name in names}
            described = json.dumps(describe_tables(tables), indent=2)
            (path / COLUMNS_FILE).write_text(f"{described}\n", "utf-8")
        row_files = files
        # These formats are converted from JSON lines in the scratch folder.
        if kind in _LIBRARIES:
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
    destination = Destination.choose(path, None, force=force, or_else="")
    write_tables(destination, [table], (("rows", row) for row in rows))


def pair_results(
    runs: JoinedRuns, threshold: Threshold
) -> Iterator[tuple[TrialExtraction, TrialRecord | None]]:
    """Yield (result, record) pairs, one at a time, without doubtful values. A record is None if it
    is missing or has changed.
    """
    for reread in runs.reread():
        result = complete_gold(runs.read(reread.record_id))
        sifted, _ = threshold.sift(result)
        yield sifted, reread.record


def make_frame(library: Any, to: str, table: Table, rows: Sequence[Row]) -> Any:
    """Return a table's rows as a data frame of the library ``to``: pandas, polars or arrow, which
    has been imported as ``library``. Each column has the type of its kind in ``column_types.toml``,
    even if there are no rows.
    """
    types_of_kinds = read_table("column_types")[to]
    type_names = {column.name: types_of_kinds[column.kind] for column in table.columns}
    if to == "pandas":
        # without dtype=object, pandas makes numbers with decimals of whole numbers and gaps
        untyped = library.DataFrame(list(rows), columns=[*type_names], dtype=object)
        return untyped.astype(type_names)
    types = {name: getattr(library, type_) for name, type_ in type_names.items()}
    if to == "polars":
        return library.DataFrame(rows, types, orient="row", strict=False)
    # Arrow's types are functions
    schema = library.schema([(name, make_type()) for name, make_type in types.items()])
    cells = [dict(zip(types, row, strict=True)) for row in rows]
    return library.Table.from_pylist(cells, schema)


def frame_table(
    extractions: Iterable[TrialExtraction],
    name: str,
    to: str = "pandas",
    registry: RegisteredByRecord = MappingProxyType({}),
    fields: Declarations = (),
) -> object:
    """Return a table of extractions as a data frame.

    ``registry`` contains the register's data. Without it, the columns for register data are empty.
    ``fields`` are custom fields, each of which has a table. Raises ``ValueError`` for an unknown
    table, and ``MissingExtra`` if the library is not installed.
    """
    library = open_library(to)
    custom_fields = read_fields(fields)
    (table,) = choose_tables((), [name], custom_fields)
    rows: list[tuple[object, ...]] = []
    for extraction in extractions:
        found = find_rows(extraction, registry, custom_fields)
        rows += [row for of, row in found if of == name]
    return make_frame(library, to, table, rows)


def frame_extraction(
    extraction: TrialExtraction,
    name: str,
    to: str,
    fields: Declarations,
) -> object:
    """Return a table of an extraction as a data frame, by default with the custom fields with which
    it was extracted.
    """
    declared = map(CustomField.model_validate, extraction.declared)
    return frame_table([extraction], name, to, fields=fields or tuple(declared))


def tabulate(
    extractions: Iterable[TrialExtraction],
    records: Iterable[TrialRecord] = (),
    fields: Declarations = (),
) -> dict[str, list[dict[str, object]]]:
    """Return the rows of all tables, keyed by table. Each row is a dictionary of cells, keyed by
    column.

    ``records`` provide the register's data. ``fields`` are custom fields, as for ``Extractor``.
    Each custom field has its own table.

    >>> extraction = TrialExtraction.model_validate(
    ...     {"record_id": "A", "eligibility": {"sex": "male"}}
    ... )
    >>> tabulate([extraction])["eligibility"][0]["sex"]
    'male'
    """
    registry = {record.record_id: read_registry(record) for record in records}
    custom_fields = read_fields(fields)
    names = {table.name: table.names for table in list_tables(custom_fields)}
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in names}
    for extraction in extractions:
        for name, row in find_rows(extraction, registry, custom_fields):
            rows[name].append(dict(zip(names[name], row, strict=True)))
    return rows

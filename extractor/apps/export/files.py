"""Write the files of an export as JSON lines, safe CSV, Parquet, DuckDB or Excel. A file appears
only when it is complete.
"""

import csv
import glob
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from pydantic_core import to_json

from extractor.apps.export.columns import VIEWS, Row, Table
from extractor.errors import ArgumentError, StoreError, naming_file
from extractor.face import read_table

COLUMNS_FILE = "tables.json"
"""The name of the file that describes the tables in a folder."""
_MARKERS = {COLUMNS_FILE, "unmapped.jsonl"}
"""Files that identify a folder as an earlier export of tables or FHIR resources."""
_LONGEST_LINE = 2**24
"""Maximum length, in bytes, of a line that DuckDB may read."""
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    # enough for any run, because DuckDB spills to disk; the threads share this memory
    "memory_limit": "256MB",
    "threads": 2,
}
_FORMULA = re.compile(
    r"""(^|[;\t\r\n])(?=[\s"']{0,99}[=+\-@＝＋－＠].|[\t\r])""", re.DOTALL
)
"""The start of a cell that a spreadsheet would read as a formula; a separator in the text may also
start a cell. A sign on its own, such as the comparator "=", is not a formula.
"""
_BEGINS_AGAIN = re.compile(r"[;\t\r\n]")
"""Matches a separator in a text, after which a spreadsheet may start another cell."""
_MOST_SHEET_ROWS = 1_048_576
_LONGEST_SHEET_NAME = 31
"""Excel's limits: rows per sheet including the header, and characters per sheet name."""
_TOO_LONG = -2
"""What xlsxwriter returns for a text with more characters than a cell allows, in UTF-16."""
_SHEET_COLUMN_WIDTH = 24
"""Column width in characters. Longer text is wrapped."""

Append = Callable[[Row], None]


class Format(StrEnum):
    """A file format for tables. The value is also the file suffix."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    DUCKDB = "duckdb"
    XLSX = "xlsx"


_STARTS_WITHIN = 32
"""Number of bytes that show a file's format."""
_STARTS = {
    Format.DUCKDB: re.compile(rb".{8}DUCK", re.DOTALL),
    Format.XLSX: re.compile(rb"PK\x03\x04"),
    Format.PARQUET: re.compile(rb"PAR1"),
    Format.JSONL: re.compile(rb"\{\""),
    # a header with several columns
    Format.CSV: re.compile(rb"\"?[\w ]+\"?,"),
}


@dataclass(frozen=True)
class Destination:
    """A file whose suffix is the format's suffix, or a folder.

    ``force`` replaces an existing file, or a folder that contains only an earlier export.
    """

    path: Path
    format: Format = Format.DUCKDB
    _: KW_ONLY
    force: bool = False

    @classmethod
    def choose(
        cls,
        path: Path,
        wanted: Format | None,
        *,
        force: bool = False,
        or_else: str = "; a folder needs --format",
    ) -> "Destination":
        """Return the destination for a path. If no format is ``wanted``, the suffix determines the
        format. Raises ``ValueError`` if the format and the suffix do not match, or if both are
        missing; ``or_else`` is the remedy beside another suffix.
        """
        suffix = path.suffix.removeprefix(".").lower()
        # the name of an existing folder may end in any suffix
        is_file = suffix in set(Format) and not path.is_dir()
        if is_file:
            if wanted not in (None, suffix):
                raise ValueError(
                    f"{path} ends with {suffix}, but the format is {wanted}; choose another name"
                )
            return cls(path, Format(suffix), force=force)
        if wanted is None:
            raise ValueError(
                f"{path}: specify a file name that ends with .{', .'.join(Format)}{or_else}"
            )
        if wanted in (Format.DUCKDB, Format.XLSX):
            raise ValueError(
                f"{path}: {wanted} is a single file; its name must end with .{wanted}"
            )
        return cls(path, wanted, force=force)

    @property
    def is_single_file(self) -> bool:
        """Whether the export is a single file rather than a folder."""
        is_named = self.path.suffix.lower() == f".{self.format}"
        return is_named and not self.path.is_dir()

    def _is_export(self) -> bool:
        """Whether the existing file begins as an export in its format does."""
        with self.path.open("rb") as file:
            start = file.read(_STARTS_WITHIN)
        # an empty file contains nothing that could be lost
        return not start or bool(_STARTS[self.format].match(start))

    @contextmanager
    def staged(self) -> Iterator[tuple[Path, Path]]:
        """Yield a scratch folder next to the destination and, inside the scratch folder, the path
        of the file or folder that replaces the destination when the block ends. If the block
        fails, the destination is unchanged.

        Raises ``ArgumentError`` if the destination exists and must not be replaced or ``force`` is
        not set, ``FolderNotWritable`` if it cannot be written, and ``DiskFull`` if its disk is
        full.
        """
        files: list[Path] = []
        if self.path.is_dir():
            files = list(self.path.iterdir())
        if files:
            suffixes = {".json", ".ndjson", *(f".{suffix}" for suffix in Format)}
            # an earlier export is recognised by its marker files, and contains no other files
            lacks_marker = _MARKERS.isdisjoint(file.name for file in files)
            if lacks_marker or not suffixes.issuperset(file.suffix for file in files):
                raise ArgumentError(
                    f"{self.path}: contains other files; choose another name"
                )
        is_file = self.path.is_file()
        exists = is_file or bool(files)
        if exists and not self.force:
            raise ArgumentError(
                f"{self.path}: already exists; choose another name, or replace it with --force"
            )
        if is_file and not self._is_export():
            raise ArgumentError(
                f"{self.path}: is not a {self.format} file of an export; choose another name"
            )
        with naming_file(self.path), ExitStack() as stack:
            folder = self.path.parent
            folder.mkdir(parents=True, exist_ok=True)
            scratch = TemporaryDirectory(dir=folder, prefix=f".{self.path.name}.")
            path = Path(stack.enter_context(scratch), "new")
            if not self.is_single_file:
                path.mkdir()
            yield path.parent, path
            # a folder cannot take the place of a folder with files
            if self.path.is_dir():
                self.path.replace(path.with_name("old"))
            path.replace(self.path)


@lru_cache(maxsize=4096)
def neutralise(text: str) -> str:
    r"""Insert an apostrophe before any text that a spreadsheet would read as a formula.

    >>> (
    ...     neutralise("=1+1"),
    ...     neutralise("; @SUM(A1)"),
    ...     neutralise("ECOG 0-2"),
    ...     neutralise("="),
    ... )
    ("'=1+1", ";' @SUM(A1)", 'ECOG 0-2', '=')
    """
    # most texts start with a word and have no other cell start, and searching them would be slower
    if text[:1].isalnum() and _BEGINS_AGAIN.search(text) is None:
        return text
    return _FORMULA.sub(r"\1'", text)


@contextmanager
def open_tables(
    tables: Sequence[Table], places: Mapping[str, Path], *, as_csv: bool = False
) -> Iterator[Mapping[str, Append]]:
    """Open a file for each table, and return functions that each append a row to one of the files:
    either as a line of CSV with safe text, below a header, or as a line of JSON.
    """
    with ExitStack() as stack:
        appending = {}
        for table in tables:
            path = places[table.name]
            # The csv module ends lines itself; translated line ends would add blank rows.
            file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            write = partial(_write_json, file, table.names)
            if as_csv:
                writer = csv.writer(file)
                writer.writerow(table.names)
                write = partial(_write_csv, writer)
            appending[table.name] = write
        yield appending


def _write_csv(writer: Any, row: Row) -> None:
    cells = list(row)
    for place, cell in enumerate(row):
        if isinstance(cell, str):
            cells[place] = neutralise(cell)
        # as in JSON, and as databases and R read booleans
        elif isinstance(cell, bool):
            cells[place] = str(cell).lower()
    writer.writerow(cells)


def _write_json(file: TextIO, names: Sequence[str], row: Row) -> None:
    file.write(to_json(dict(zip(names, row, strict=True))).decode() + "\n")


def load_tables(
    database: Path,
    tables: Sequence[Table],
    rows: Mapping[str, Path],
    parquet: Mapping[str, Path] | None,
) -> None:
    """Load JSON lines into a DuckDB database with views or, if ``parquet`` contains the
    path of a file for each table, convert them to Parquet files. Requires the extra ``export``. In
    a database, the meanings of the columns are stored as column comments.

    Raises ``StoreError`` if DuckDB fails.
    """
    import duckdb  # noqa: PLC0415 - belongs to an extra

    types = read_table("column_types")["duckdb"]
    try:
        with duckdb.connect(str(database), config=_CONFIG) as connection:
            for table in tables:
                content = connection.read_json(
                    # DuckDB interprets the name as a pattern.
                    glob.escape(str(rows[table.name])),
                    columns={
                        column.name: types[column.kind] for column in table.columns
                    },
                    format="newline_delimited",
                    maximum_object_size=_LONGEST_LINE,
                )
                if parquet:
                    content.write_parquet(str(parquet[table.name]), compression="zstd")
                else:
                    content.create(table.name)
                    connection.execute(_comment(table))
            if not parquet:
                for part in VIEWS.read_text("utf-8").split("\n\n"):
                    # A table of this view may not be part of the export.
                    with suppress(duckdb.CatalogException):
                        connection.execute(part)
    except duckdb.Error as error:
        raise StoreError(" ".join(str(error).split())) from error


def _comment(table: Table) -> str:
    """Return the statements that add the meanings of the columns as comments."""
    return "\n".join(
        f'COMMENT ON COLUMN "{table.name}"."{column.name}" IS $${column.meaning}$$;'
        for column in table.columns
    )


def write_workbook(
    path: Path, tables: Sequence[Table], rows: Mapping[str, Path]
) -> None:
    """Convert the JSON lines of all tables to a workbook. This requires the extra ``excel``. Text
    is never written as a formula. Raises ``StoreError`` if a table does not fit on a sheet.
    """
    import xlsxwriter  # noqa: PLC0415 - belongs to an extra

    remedy = "choose a file name that ends with .csv"
    if len(tables) > 1:
        remedy = (
            "choose --format csv or parquet for this table, or export only the other tables with "
            "--tables"
        )
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        # a fixed date, so that the same run always produces the same file
        book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC)})
        header = book.add_format({"bold": True, "valign": "top"})
        wrapped = book.add_format({"valign": "top", "text_wrap": True})
        for number, table in enumerate(tables):
            name = table.name
            # A custom field can have a long name; the number keeps cut names distinct.
            if len(name) > _LONGEST_SHEET_NAME:
                name = f"{name[: _LONGEST_SHEET_NAME - 4]}~{number}"
            # Excel refuses a workbook in which two sheets have the same name.
            sheet = book.add_worksheet(name)
            last = len(table.columns) - 1
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, last, _SHEET_COLUMN_WIDTH, wrapped)
            sheet.write_row(0, 0, table.names, header)
            problem = _write_rows(sheet, rows[table.name])
            sheet.autofilter(0, 0, sheet.dim_rowmax, last)
            if problem:
                raise StoreError(
                    f"{table.name}: {problem}, more than an Excel sheet allows; {remedy}"
                )


def _write_rows(sheet: Any, path: Path) -> str | None:
    """Write the rows of a table. Return a message if they exceed Excel's limits."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if number >= _MOST_SHEET_ROWS:
                return f"has more than {_MOST_SHEET_ROWS - 1:,} rows"
            for place, (name, cell) in enumerate(json.loads(line).items()):
                # `write` would interpret some texts as formulas or addresses.
                write = sheet.write
                if isinstance(cell, str):
                    write = sheet.write_string
                if write(number, place, cell) == _TOO_LONG:
                    return f"row {number}, {name}: has more than 32,767 characters"
    return None

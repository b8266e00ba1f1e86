"""Destinations and formats of an export: JSON lines, safe CSV, DuckDB, Parquet, Excel."""

import csv
import glob
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from errno import EDQUOT, ENOSPC
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from extractor.apps.export.columns import Row
from extractor.apps.export.macros import write_macros
from extractor.apps.export.tables import Table
from extractor.errors import ArgumentError, DiskFull, StoreError

COLUMNS_FILE = "tables.json"
UNMAPPED_FILE = "unmapped.jsonl"
"""Lists what a standard has no place for."""
_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
}
_READ_AT_ONCE = 2**21
"""The longest line in bytes. DuckDB reserves several buffers of this size."""
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    # Enough for any run: DuckDB spills the rest to disk, and each thread takes its own share.
    "memory_limit": "256MB",
    "threads": 2,
}


class Format(StrEnum):
    """The file format of tables. The value is also the file's suffix."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    DUCKDB = "duckdb"
    XLSX = "xlsx"


@dataclass(frozen=True)
class Destination:
    """A file with a format's suffix, or a folder, which needs an explicit format.

    ``force`` replaces an existing file, or a folder that holds only an earlier export, known by the
    file ``marker``.
    """

    path: Path
    format: Format = field(default=Format.DUCKDB)
    force: bool = field(default=False, kw_only=True)
    marker: str = field(default=COLUMNS_FILE, kw_only=True)

    @classmethod
    def choose(
        cls, path: Path, wanted: Format | None, *, force: bool = False
    ) -> "Destination":
        """Return the destination for a path and an optional format, which else is that of the
        path's suffix. Raises ``ValueError`` if the two do not match, if neither says the format,
        and for a folder of a format that is one file.
        """
        suffix = path.suffix.removeprefix(".").lower()
        by_suffix = None
        # A folder may have any name.
        if suffix in set(Format) and not path.is_dir():
            by_suffix = Format(suffix)
        if wanted and by_suffix and wanted is not by_suffix:
            raise ValueError(
                f"{path} is named as {by_suffix}, and the format is {wanted}; name it otherwise"
            )
        chosen = wanted or by_suffix
        if chosen is None:
            raise ValueError(
                f"{path}: say --format, or name a file that ends with .{', .'.join(Format)}"
            )
        if chosen in (Format.DUCKDB, Format.XLSX) and not by_suffix:
            raise ValueError(f"{path}: {chosen} is one file; name it with .{chosen}")
        return cls(path, chosen, force=force)

    @classmethod
    def of_folder(
        cls, path: Path, marker: str, *, force: bool = False
    ) -> "Destination":
        """Return the destination of an export that is always a folder, and of which ``marker`` is
        a file. Raises ``ValueError`` for a file, or a name with the suffix of a format.
        """
        suffix = path.suffix.removeprefix(".").lower()
        if path.is_file() or suffix in set(Format):
            raise ValueError(f"{path}: this format needs several files; name a folder")
        return cls(path, Format.JSONL, force=force, marker=marker)

    @property
    def is_single_file(self) -> bool:
        """Whether the export is a single file: its name ends as its format does, and there is no
        folder with this name.
        """
        if self.path.is_dir():
            return False
        return self.path.suffix.lower() == f".{self.format}"

    def _is_export(self, files: Sequence[Path]) -> bool:
        """Return whether these files are those of an earlier export, and nothing else."""
        suffixes = {".json", ".ndjson", *(f".{suffix}" for suffix in Format)}
        for file in files:
            if not file.is_file() or file.suffix not in suffixes:
                return False
        return any(file.name == self.marker for file in files)

    @contextmanager
    def staged(self) -> Iterator[tuple[Path, Path]]:
        """Yield a scratch folder beside the destination, and the path in it that replaces the
        destination at the end.

        If the body fails, the destination stays as it was. Raises ``ArgumentError`` if
        it exists and ``force`` is not set, ``StoreError`` if it may not be replaced at all.
        """
        files: list[Path] = []
        if self.path.is_dir():
            files = list(self.path.iterdir())
        if files and not self._is_export(files):
            raise StoreError(f"{self.path}: holds other files; choose another name")
        if (files or self.path.is_file()) and not self.force:
            raise ArgumentError(
                f"{self.path}: already exists; choose another name, or replace it with --force"
            )
        # Made beside the destination, so that it can be moved into its place at once.
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = TemporaryDirectory(
            dir=self.path.parent, prefix=f".{self.path.name}."
        )
        with _naming_full_disk(self.path), temporary as scratch:
            made = Path(scratch, "made")
            if not self.is_single_file:
                made.mkdir()
            yield Path(scratch), made
            if self.path.is_dir():
                self.path.replace(Path(scratch, "old"))
            made.replace(self.path)


@contextmanager
def _naming_full_disk(path: Path) -> Iterator[None]:
    """Say which destination a disk has no room for: not every error of writing names a file."""
    try:
        yield
    except OSError as error:
        if error.errno not in (ENOSPC, EDQUOT):
            raise
        raise DiskFull(
            f"{path}: {error.strerror}; free some space on its disk, and run the same command again"
        ) from error


_FORMULA = re.compile(
    r"""(^|[;\t\r\n])(?=[\s"']{0,99}[=+\-@＝＋－＠].|[\t\r])""", re.DOTALL
)
"""The start of a cell, also for programs that use another separator, and the characters that make
it a formula; a sign alone, such as the comparator "=", makes none.
"""
_BEGINS_AGAIN = re.compile(r"[;\t\r\n]")


def neutralise(text: str) -> str:
    r"""Put an apostrophe before any text that a spreadsheet would read as a formula.

    >>> (
    ...     neutralise("=1+1"),
    ...     neutralise("; @SUM(A1)"),
    ...     neutralise("18-65 years, ECOG 0"),
    ...     neutralise("="),
    ... )
    ("'=1+1", ";' @SUM(A1)", '18-65 years, ECOG 0', '=')
    """
    # Most texts begin with a word and have no second beginning: a search would take longer.
    if text[:1].isalnum() and _BEGINS_AGAIN.search(text) is None:
        return text
    return _FORMULA.sub(r"\1'", text)


@contextmanager
def open_tables(
    tables: Sequence[Table], places: Mapping[str, Path], *, as_csv: bool = False
) -> Iterator[Mapping[str, Callable[[Row], None]]]:
    """Open a file for each table, and return a function for each that appends a row.

    CSV is UTF-8 with a header, quotes where needed, neutralised texts, and an empty cell for None.
    Otherwise a row is a line with one JSON object that holds every column.
    """
    with ExitStack() as stack:
        appending: dict[str, Callable[[Row], None]] = {}
        for table in tables:
            path = places[table.name]
            file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            names = [column.name for column in table.columns]
            if as_csv:
                appending[table.name] = _append_csv(file, names)
            else:
                appending[table.name] = _append_json(file, names)
        yield appending


def _append_csv(file: TextIO, names: Sequence[str]) -> Callable[[Row], None]:
    """Write the header, and return the function that appends a row."""
    writer = csv.writer(file)
    writer.writerow(names)

    def append(row: Row) -> None:
        writer.writerow(map(_to_cell, row))

    return append


def _to_cell(value: Any) -> Any:
    """Return what stands in a cell of CSV. A spreadsheet must not take a text for a formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return neutralise(value)
    return value


def _append_json(file: TextIO, names: Sequence[str]) -> Callable[[Row], None]:
    def append(row: Row) -> None:
        cells = dict(zip(names, row, strict=True))
        print(json.dumps(cells, ensure_ascii=False), file=file)

    return append


@contextmanager
def open_json_lines(path: Path) -> Iterator[Callable[[Any], None]]:
    """Open a file, and return a function that appends a value as a line of JSON."""
    with path.open("w", encoding="utf-8", newline="") as file:
        yield lambda value: print(json.dumps(value, ensure_ascii=False), file=file)


def load_tables(
    database: Path,
    tables: Sequence[Table],
    rows: Mapping[str, Path],
    parquet: Mapping[str, Path] | None,
) -> None:
    """Load JSON lines into a DuckDB database, or copy them to Parquet files; needs the extra
    ``export``.

    In a database, each column's comment is its meaning. The rows are not held in memory, and no
    network is used. Raises ``StoreError`` if DuckDB fails.
    """
    import duckdb  # noqa: PLC0415 - belongs to an extra

    try:
        with duckdb.connect(str(database), config=_CONFIG) as connection:
            for table in tables:
                path = rows[table.name]
                types = {column.name: _TYPES[column.kind] for column in table.columns}
                with path.open("rb") as file:
                    longest = max(_READ_AT_ONCE, *map(len, file), 0)
                content = connection.read_json(
                    # DuckDB takes the name for a pattern.
                    glob.escape(str(path)),
                    columns=types,
                    format="newline_delimited",
                    maximum_object_size=longest,
                )
                if parquet:
                    content.write_parquet(str(parquet[table.name]), compression="zstd")
                    continue
                content.create(table.name)
                for column in table.columns:
                    if not column.meaning:
                        continue
                    meaning = column.meaning.replace("'", "''")
                    connection.execute(
                        f"COMMENT ON COLUMN {table.name}.\"{column.name}\" IS '{meaning}'"
                    )
            if not parquet:
                for macro in write_macros(tables):
                    connection.execute(macro)
    except duckdb.Error as error:
        raise StoreError(" ".join(str(error).split())) from error

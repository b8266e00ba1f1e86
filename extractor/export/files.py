"""Where an export goes, and how its tables are written: JSON lines, safe CSV, DuckDB, Parquet."""

import csv
import glob
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from extractor.errors import StoreError

from .rows import Row
from .tables import Kind, Table

COLUMNS_FILE = "tables.json"
_TYPES = {Kind.TEXT: "VARCHAR", Kind.INTEGER: "BIGINT", Kind.NUMBER: "DOUBLE", Kind.BOOLEAN: "BOOLEAN"}
_READ_AT_ONCE = 2**21
"""Bytes of the longest line that DuckDB reserves memory for. It reserves several such buffers."""


class Format(StrEnum):
    """How tables are written. The word is a file's suffix, too."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    DUCKDB = "duckdb"


@dataclass(frozen=True)
class Destination:
    """A file with a format's suffix, or else a folder, for which the format must be said.

    ``force`` replaces what is there: a file, or a folder that holds nothing but an earlier export. ``bom`` marks CSV as
    UTF-8 for spreadsheets. Raises ``ValueError`` where path and format do not fit.
    """

    path: Path
    format: Format = field(default=Format.DUCKDB)
    force: bool = field(default=False, kw_only=True)
    bom: bool = field(default=False, kw_only=True)

    @classmethod
    def choose(cls, path: Path, wanted: Format | None, *, force: bool = False, bom: bool = False) -> "Destination":
        """The destination that a path and perhaps a format name."""
        suffix = path.suffix.removeprefix(".").lower()
        by_suffix = Format(suffix) if suffix in set(Format) and not path.is_dir() else None
        if wanted and by_suffix and wanted is not by_suffix:
            raise ValueError(f"{path} is named as {by_suffix}, and the format is {wanted}; name it otherwise")
        chosen = wanted or by_suffix
        if chosen is None:
            raise ValueError(f"{path}: say --format, or name a file that ends with .{', .'.join(Format)}")
        if chosen is Format.DUCKDB and not by_suffix:
            raise ValueError(f"{path}: a database is one file; name it with .duckdb")
        return cls(path, chosen, force=force, bom=bom)

    @property
    def is_file(self) -> bool:
        """Whether all goes into one file."""
        return self.path.suffix.lower() == f".{self.format}" and not self.path.is_dir()

    @contextmanager
    def staged(self) -> Iterator[tuple[Path, Path]]:
        """A scratch folder beside the destination, and the place in it whose content the destination becomes.

        What is there stays until then, and for good if the body fails. Raises ``StoreError`` if it may not be replaced.
        """
        self._check_free()
        scratch = self.path.with_name(f".{self.path.name}.new")
        shutil.rmtree(scratch, ignore_errors=True)  # of an export that was killed
        scratch.mkdir(parents=True)
        made = scratch / "made"
        try:
            if not self.is_file:
                made.mkdir()
            yield scratch, made
            self._put(made, scratch / "old")
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _put(self, made: Path, old: Path) -> None:
        if self.path.is_dir():
            self.path.replace(old)
            try:
                made.replace(self.path)
            except OSError:
                old.replace(self.path)
                raise
        else:
            made.replace(self.path)

    def _check_free(self) -> None:
        path = self.path
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            return
        if path.is_dir() and not self._holds_export():
            raise StoreError(f"{path}: holds other files; choose another --to")
        if not self.force:
            raise StoreError(f"{path}: is there already; choose another --to, or replace it with --force")

    def _holds_export(self) -> bool:
        suffixes = {f".{format_}" for format_ in Format}
        files = list(self.path.iterdir())
        marked = any(file.name == COLUMNS_FILE for file in files)
        return marked and all(file.is_file() and file.suffix in suffixes | {".json"} for file in files)


_FORMULA = re.compile(r"""(^|[;\t\r\n])(?=[\s"']*[=+\-@＝＋－＠]|[\t\r])""")
"""Where a cell may begin, also for a program that takes another separator, and what makes it a formula."""


def neutralise(text: str) -> str:
    r"""The text with an apostrophe before whatever a spreadsheet would take for a formula.

    >>> neutralise("=1+1"), neutralise("; @SUM(A1)"), neutralise("18-65 years, ECOG 0")
    ("'=1+1", ";' @SUM(A1)", '18-65 years, ECOG 0')
    """
    return _FORMULA.sub(r"\1'", text)


class _Files:
    """One open file a table, closed at the end of the block. ``places`` says where each table goes."""

    def __init__(self, tables: Sequence[Table], places: dict[str, Path], *, encoding: str = "utf-8") -> None:
        self.places = places
        with ExitStack() as opening:
            self._files = {
                table.name: opening.enter_context(places[table.name].open("w", encoding=encoding, newline=""))
                for table in tables
            }
            self._closing = opening.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()


class JsonLinesFiles(_Files):
    """One object a row, with every column in each."""

    def __init__(self, tables: Sequence[Table], places: dict[str, Path]) -> None:
        super().__init__(tables, places)
        self.longest = 0
        """Characters of the longest line so far, times four: more than its bytes."""
        self._names = {table.name: [column.name for column in table.columns] for table in tables}

    def write(self, table: str, row: Row) -> None:
        """Append a row."""
        line = json.dumps(dict(zip(self._names[table], row, strict=True)), ensure_ascii=False) + "\n"
        self.longest = max(self.longest, 4 * len(line))
        self._files[table].write(line)


class CsvFiles(_Files):
    """One file a table: UTF-8, a head, quotes where needed, texts neutralised; nothing for None."""

    def __init__(self, tables: Sequence[Table], places: dict[str, Path], *, bom: bool) -> None:
        super().__init__(tables, places, encoding="utf-8-sig" if bom else "utf-8")
        self._writers = {name: csv.writer(file) for name, file in self._files.items()}
        for table in tables:
            self._writers[table.name].writerow([column.name for column in table.columns])

    def write(self, table: str, row: Row) -> None:
        """Append a row."""
        self._writers[table].writerow([_to_cell(value) for value in row])


def _to_cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return neutralise(value) if isinstance(value, str) else value


def load_tables(database: Path, tables: Sequence[Table], rows: JsonLinesFiles, parquet: dict[str, Path] | None) -> None:
    """Load JSON lines into a DuckDB database, or copy them to Parquet files; needs the extra ``export``.

    Each column of a database has its meaning as comment. Nothing is held in memory, and nothing comes from the network.
    """
    import duckdb  # noqa: PLC0415 - belongs to an extra

    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # Enough for any run: what does not fit is put on disk, and each thread takes its own share.
        "memory_limit": "256MB",
        "threads": 2,
    }
    with duckdb.connect(str(database), config=config) as connection:
        for table in tables:
            select = _select(table, rows)
            if parquet:
                to = _quote(parquet[table.name])
                connection.execute(f"COPY ({select}) TO {to} (FORMAT parquet, COMPRESSION zstd)")
                continue
            connection.execute(f"CREATE TABLE {table.name} AS {select}")
            for column in table.columns:
                if column.meaning:
                    comment = _quote(column.meaning)
                    connection.execute(f'COMMENT ON COLUMN {table.name}."{column.name}" IS {comment}')


def _select(table: Table, rows: JsonLinesFiles) -> str:
    columns = ", ".join(f"\"{column.name}\": '{_TYPES[column.kind]}'" for column in table.columns)
    place = _quote(glob.escape(str(rows.places[table.name])))
    longest = max(rows.longest, _READ_AT_ONCE)
    options = f"format = 'newline_delimited', maximum_object_size = {longest}, columns = {{{columns}}}"
    return f"SELECT * FROM read_json({place}, {options})"  # noqa: S608 - names are the schema's


def _quote(value: object) -> str:
    text = str(value).replace("'", "''")
    return f"'{text}'"

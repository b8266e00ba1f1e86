"""Where an export goes, and how its tables are written: JSON lines, safe CSV, DuckDB, Parquet."""

import csv
import glob
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from extractor.errors import StoreError

from .columns import Row
from .tables import Table

COLUMNS_FILE = "tables.json"
_TYPES = {"text": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}
_READ_AT_ONCE = 2**21
"""Bytes of the longest line that DuckDB reserves memory for. It reserves several such buffers."""
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    # Enough for any run: what does not fit is put on disk, and each thread takes its own share.
    "memory_limit": "256MB",
    "threads": 2,
}


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
    UTF-8 for spreadsheets.
    """

    path: Path
    format: Format = field(default=Format.DUCKDB)
    force: bool = field(default=False, kw_only=True)
    bom: bool = field(default=False, kw_only=True)

    @classmethod
    def choose(cls, path: Path, wanted: Format | None, *, force: bool = False, bom: bool = False) -> "Destination":
        """The destination that a path and perhaps a format name. Raises ``ValueError`` where they do not fit."""
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
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.path.parent, prefix=f".{self.path.name}.") as scratch:
            made = Path(scratch, "made")
            if not self.is_file:
                made.mkdir()
            yield Path(scratch), made
            if self.path.is_dir():
                self.path.replace(Path(scratch, "old"))
            made.replace(self.path)

    def _check_free(self) -> None:
        files = list(self.path.iterdir()) if self.path.is_dir() else []
        if files:
            known = {".json", *(f".{each}" for each in Format)}
            is_export = any(file.name == COLUMNS_FILE for file in files)
            if not is_export or not all(file.is_file() and file.suffix in known for file in files):
                raise StoreError(f"{self.path}: holds other files; choose another --to")
        if (files or self.path.is_file()) and not self.force:
            raise StoreError(f"{self.path}: is there already; choose another --to, or replace it with --force")


_FORMULA = re.compile(r"""(^|[;\t\r\n])(?=[\s"']*[=+\-@＝＋－＠]|[\t\r])""")
"""Where a cell may begin, also for a program that takes another separator, and what makes it a formula."""


def neutralise(text: str) -> str:
    r"""The text with an apostrophe before whatever a spreadsheet would take for a formula.

    >>> neutralise("=1+1"), neutralise("; @SUM(A1)"), neutralise("18-65 years, ECOG 0")
    ("'=1+1", ";' @SUM(A1)", '18-65 years, ECOG 0')
    """
    return _FORMULA.sub(r"\1'", text)


@contextmanager
def open_tables(
    tables: Sequence[Table], places: Mapping[str, Path], *, as_csv: bool = False, bom: bool = False
) -> Iterator[Mapping[str, Callable[[Row], None]]]:
    """Open a file for each table, and return a function for each that appends a row.

    CSV is UTF-8 with a head, quotes where needed, texts neutralised, and nothing for None. Otherwise a row is one JSON
    object a line, with every column in it.
    """
    encoding = "utf-8-sig" if bom else "utf-8"
    with ExitStack() as stack:
        write = _write_csv if as_csv else _write_json_lines
        yield {
            table.name: write(
                stack.enter_context(places[table.name].open("w", encoding=encoding, newline="")),
                [column.name for column in table.columns],
            )
            for table in tables
        }


def _write_csv(file: IO[str], names: list[str]) -> Callable[[Row], None]:
    writer = csv.writer(file)
    writer.writerow(names)
    return lambda row: writer.writerow(map(_to_cell, row))


def _write_json_lines(file: IO[str], names: list[str]) -> Callable[[Row], None]:
    return lambda row: print(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False), file=file)


def _to_cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return neutralise(value) if isinstance(value, str) else value


def load_tables(
    database: Path, tables: Sequence[Table], rows: Mapping[str, Path], parquet: Mapping[str, Path] | None
) -> None:
    """Load JSON lines into a DuckDB database, or copy them to Parquet files; needs the extra ``export``.

    Each column of a database has its meaning as comment. Nothing is held in memory, and nothing comes from the network.
    """
    import duckdb  # noqa: PLC0415 - belongs to an extra

    with duckdb.connect(str(database), config=_CONFIG) as connection:
        for table in tables:
            with rows[table.name].open("rb") as file:
                longest = max(_READ_AT_ONCE, *map(len, file), 0)
            content = connection.read_json(
                glob.escape(str(rows[table.name])),
                columns={column.name: _TYPES[column.kind] for column in table.columns},
                format="newline_delimited",
                maximum_object_size=longest,
            )
            if parquet:
                content.write_parquet(str(parquet[table.name]), compression="zstd")
                continue
            content.create(table.name)
            for column in filter(lambda each: each.meaning, table.columns):
                meaning = column.meaning.replace("'", "''")
                connection.execute(f"COMMENT ON COLUMN {table.name}.\"{column.name}\" IS '{meaning}'")

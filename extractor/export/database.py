"""Tables as a DuckDB database or Parquet files, made of their JSON lines without holding them in memory."""

import glob
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from extractor.errors import StoreError

from .columns import Column, Kind
from .tables import Table

__all__ = ["Staged", "make_database", "make_parquet"]

_TYPES = {Kind.TEXT: "VARCHAR", Kind.INTEGER: "BIGINT", Kind.NUMBER: "DOUBLE", Kind.BOOLEAN: "BOOLEAN"}
_READ_AT_ONCE = 2**21
"""Bytes of a line that DuckDB makes room for, many times over, where no line is longer."""


@dataclass(frozen=True, slots=True)
class Staged:
    """Files of JSON lines, one for each table by name, and the bytes of the longest line."""

    places: dict[str, Path]
    longest: int


def make_database(path: Path, tables: Iterable[Table], staged: Staged) -> None:
    """A database with all tables; each column's meaning is its comment. Raises ``StoreError`` for a value that does not
    fit its column.
    """
    with _connect(path) as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE {table.name} AS {_select(table, staged)}")
            for column in table.columns:
                if column.meaning:
                    said = column.meaning.replace("'", "''")
                    connection.execute(f"COMMENT ON COLUMN {table.name}.{_quoted(column)} IS '{said}'")


def make_parquet(places: dict[str, Path], tables: Iterable[Table], staged: Staged) -> None:
    """A file for each table. Raises ``StoreError`` for a value that does not fit its column."""
    with _connect(next(iter(staged.places.values())).with_name("parquet.duckdb")) as connection:
        for table in tables:
            to = str(places[table.name]).replace("'", "''")
            select = _select(table, staged)
            connection.execute(f"COPY ({select}) TO '{to}' (FORMAT parquet, COMPRESSION zstd)")


class _connect:  # noqa: N801 - a context manager that reads as a verb
    """A connection that loads nothing from the network; its errors are told as the store's."""

    def __init__(self, path: Path) -> None:
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            # Enough for any run: what does not fit is put on disk, and each thread takes its own share.
            "memory_limit": "256MB",
            "threads": 2,
        }
        self._connection = duckdb.connect(str(path), config=config)

    def __enter__(self) -> duckdb.DuckDBPyConnection:
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        self._connection.close()
        if isinstance(error, duckdb.Error):
            raise StoreError(f"cannot be made a table: {str(error).splitlines()[0]}") from error


def _select(table: Table, staged: Staged) -> str:
    columns = ", ".join(f"{_quoted(column)}: '{_TYPES[column.kind]}'" for column in table.columns)
    place = glob.escape(str(staged.places[table.name])).replace("'", "''")
    longest = max(staged.longest, _READ_AT_ONCE)
    told = f"format = 'newline_delimited', maximum_object_size = {longest}, columns = {{{columns}}}"
    return f"SELECT * FROM read_json('{place}', {told})"  # noqa: S608 - names are the schema's


def _quoted(column: Column) -> str:
    return f'"{column.name}"'

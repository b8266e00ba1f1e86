"""The tables of an export and their columns: the tables declared in ``tables.toml``, and one table
for each custom field.
"""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from extractor.concepts.own.declaration import CustomField
from extractor.schemas import Task
from extractor.schemas.arguments import refuse_unknown
from extractor.schemas.fields import FieldInfo, ValueKind

Cells = Mapping[str, Any]
"""The cells of a row, keyed by column. Missing cells are empty."""
Row = tuple[Any, ...]
"""The cells of a row, in column order."""

_POSITION = "integer: Position, from 0."
"""The meaning of key columns that number rows."""
_TYPES = frozenset({"integer", "number", "boolean"})
"""The types with which a declaration in ``tables.toml`` may begin."""
_KINDS = {ValueKind.NUMBER: "number", ValueKind.YES_NO: "boolean"}
_NUMBERS = frozenset({"value", "value_high", "low", "high"})
"""The attributes of limits, amounts and times that contain numbers."""
_CUSTOM_KEYS = {
    "record_id": "The record.",
    "item_index": _POSITION,
    "of": "Path of the criterion, regimen or endpoint to which the value belongs; empty if the "
    "value belongs to the whole record.",
}
_CUSTOM_PROVENANCE = {
    "origin": "rule, model or both.",
    "confidence": "number: The probability that the value is correct.",
    "calibrated": "boolean: Whether the confidence was calibrated with your own gold.",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: The name of the column.
        meaning: A description of its cells.
        kind: text, integer, number (possibly with a fraction) or boolean.
        path: For a custom field, the keys that lead from its value to the cell.
    """

    name: str
    meaning: str
    kind: str = "text"
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        name: The table's name.
        task: The task whose values it contains, or None for data about whole records.
        keys: The columns that identify a row and its parent rows.
        values: All other columns.
        row: A description of a row.
        registered: The columns that are empty or incomplete without the register's data.
    """

    name: str
    task: Task | None
    keys: tuple[Column, ...]
    values: tuple[Column, ...]
    row: str = ""
    registered: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, keys first."""
        return self.keys + self.values


@lru_cache(256)
def list_tables(fields: tuple[CustomField, ...] = ()) -> tuple[Table, ...]:
    """Return all tables, including those of the custom ``fields``.

    >>> [table.name for table in list_tables()][:4]
    ['records', 'eligibility', 'groups', 'criteria']
    """
    return (*_read_tables(), *map(_plan_custom_table, fields))


def choose_tables(
    tasks: Collection[str], names: Collection[str], fields: tuple[CustomField, ...] = ()
) -> tuple[Table, ...]:
    """Return the tables with these names or, if there are no names, all tables of the tasks and of
    whole records. Raises ``ValueError`` for an unknown name.

    >>> [table.name for table in choose_tables(["dosing"], [])][:4]
    ['records', 'regimens', 'amounts', 'interventions']
    """
    tables = {table.name: table for table in list_tables(fields)}
    refuse_unknown("table", names, tables)
    if names:
        return tuple(tables[name] for name in dict.fromkeys(names))
    wanted = {None, *map(Task, tasks)}
    return tuple(table for table in tables.values() if table.task in wanted)


def describe_tables(tables: Collection[Table]) -> dict[str, Any]:
    """Return the key columns of the tables, and the types and meanings of all columns, as JSON."""
    return {
        table.name: {
            "row": table.row,
            "keys": [key.name for key in table.keys],
            "columns": {
                column.name: {"type": column.kind, "meaning": column.meaning}
                for column in table.columns
            },
        }
        for table in tables
    }


@cache
def _read_tables() -> tuple[Table, ...]:
    declared = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))
    meanings = declared.pop("shared")
    tables = []
    for name, parts in declared.items():
        shared = {column: meanings[column] for column in parts.get("shared", ())}
        columns = parts["columns"] | shared
        table = Table(
            name,
            Task(parts["task"]) if "task" in parts else None,
            tuple(
                _read_column(key, meanings.get(key, _POSITION)) for key in parts["keys"]
            ),
            tuple(_read_column(*column) for column in columns.items()),
            parts["row"],
            tuple(parts.get("registered", ())),
        )
        tables.append(table)
    return tuple(tables)


def _read_column(name: str, declaration: str) -> Column:
    """Return a column, given its meaning as in ``tables.toml``; the meaning may begin with a type,
    such as "integer: Number of participants".
    """
    kind, colon, meaning = declaration.partition(": ")
    if colon and kind in _TYPES:
        return Column(name, meaning, kind)
    return Column(name, declaration)


def _plan_custom_table(field: CustomField) -> Table:
    """Return the table for a custom field, with a column for each part of its attributes. If a
    column name is already in use (ignoring case), an underscore is appended.
    """
    keys, provenance = (
        tuple(_read_column(*column) for column in columns.items())
        for columns in (_CUSTOM_KEYS, _CUSTOM_PROVENANCE)
    )
    taken = {*_CUSTOM_KEYS, *_CUSTOM_PROVENANCE}
    values = []
    for info in field.group.fields:
        for path, kind in _list_parts(info):
            name = "_".join(path)
            while name.casefold() in taken:
                name += "_"
            taken.add(name.casefold())
            values.append(Column(name, "", kind, path))
    task = field.of.task if field.group.of else None
    name = f"custom_{field.name}"
    return Table(name, task, keys, (*values, *provenance), field.definition)


def _list_parts(info: FieldInfo) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield a (path, kind) pair for each cell of an attribute. A list is written as a single
    string.
    """
    if info.many or not issubclass(info.type, BaseModel):
        yield (info.name,), "text" if info.many else _KINDS.get(info.kind, "text")
        return
    for part in info.type.model_fields:
        yield (info.name, part), "number" if part in _NUMBERS else "text"

"""The tables of an export and their columns: the tables declared in ``tables.toml``, and one table
for each custom field.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from itertools import chain
from pathlib import Path

from pydantic import BaseModel

from extractor.errors import ArgumentError
from extractor.face import Attribute, AttributeSet, CustomField, CustomFields, read_toml
from extractor.schemas import Task
from extractor.schemas.arguments import refuse_unknown
from extractor.schemas.base import JsonObject

Cells = Mapping[str, object]
"""The cells of a row, keyed by column. Missing cells are empty."""
Row = tuple[object, ...]
"""The cells of a row, in column order."""

VIEWS = Path(__file__).with_name("views.sql")
"""The views of an exported DuckDB database."""
_POSITION = "Position, from 0."
"""The meaning of key columns that number rows."""
_TYPES = ("integer", "number", "boolean")
"""The types of columns that are not text."""
_KINDS = {int: "number", float: "number", bool: "boolean"}
_NUMBERS = frozenset({"value", "value_high", "low", "high"})
"""The attributes of limits, amounts and times that contain numbers."""


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


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: The table's name.
        task: The task whose values it contains, or None for data about whole records.
        keys: The columns that identify a row and its parent rows.
        values: All other columns.
        row: A description of a row.
        path: For a list of nested objects in a custom field, the attributes that lead to it.
        registered: The columns that are empty or incomplete without the register's data.
    """

    name: str
    task: Task | None
    keys: tuple[Column, ...]
    values: tuple[Column, ...]
    row: str = ""
    path: tuple[str, ...] = ()
    registered: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, keys first."""
        return self.keys + self.values

    @cached_property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    @cached_property
    def texts(self) -> list[int]:
        """The positions of the columns that contain text."""
        kinds = [column.kind for column in self.columns]
        return [place for place, kind in enumerate(kinds) if kind == "text"]


_ITEM_KEYS = (
    Column("record_id", "The record."),
    Column("item_index", _POSITION, "integer"),
)
"""The keys of the values of a custom field, also in the tables of their nested lists."""
_OF = Column(
    "of",
    "Path of the criterion, regimen or endpoint to which the value belongs; empty if the value "
    "belongs to the whole record.",
)
_CONFIDENCE = Column(
    "confidence", "The probability that the value is correct.", "number"
)
_CUSTOM_PROVENANCE = (
    Column("origin", "rule, model or both."),
    _CONFIDENCE,
    Column(
        "calibrated",
        "Whether the confidence was calibrated with your own gold.",
        "boolean",
    ),
)


@lru_cache(256)
def list_tables(fields: CustomFields = ()) -> tuple[Table, ...]:
    """Return all tables, including those of the custom ``fields``.

    >>> [table.name for table in list_tables()][:4]
    ['records', 'eligibility', 'groups', 'criteria']
    """
    return (*_read_tables(), *chain(*map(plan_custom_tables, fields)))


def choose_tables(
    tasks: Collection[str], names: Collection[str], fields: CustomFields = ()
) -> tuple[Table, ...]:
    """Return the tables with these names or, if there are no names, all tables of the tasks and of
    whole records. Raises ``ValueError`` for an unknown name, and for the name of a view.

    >>> [table.name for table in choose_tables(["dosing"], [])][:4]
    ['records', 'doses', 'regimens', 'amounts']
    """
    tables = {table.name: table for table in list_tables(fields)}
    for name in names:
        if f"CREATE VIEW {name} AS" in VIEWS.read_text("utf-8"):
            raise ArgumentError(
                f"{name}: is a view of a DuckDB database; export all tables to a .duckdb file, and "
                "query the view there"
            )
    refuse_unknown("table", names, tables)
    if names:
        return tuple(tables[name] for name in dict.fromkeys(names))
    # a table of whole records has no task
    wanted = {None, *map(Task, tasks)}
    return tuple(table for table in tables.values() if table.task in wanted)


def describe_tables(tables: Collection[Table]) -> dict[str, object]:
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
    declared = read_toml(__package__, "tables.toml")
    shared = _read_columns(declared.pop("shared"))
    tables = []
    for name, parts in declared.items():
        first, *positions = parts["keys"]
        keys = [Column(key, _POSITION, "integer") for key in positions]
        of_all = {column: shared[column] for column in parts.get("shared", ())}
        columns = _read_columns(parts) | of_all
        task = None
        if "task" in parts:
            task = Task(parts["task"])
        table = Table(
            name,
            task,
            (shared[first], *keys),
            tuple(columns.values()),
            parts["row"],
            registered=tuple(parts.get("registered", ())),
        )
        tables.append(table)
    return tuple(tables)


def _read_columns(parts: JsonObject) -> dict[str, Column]:
    """Return the columns of a table in ``tables.toml``."""
    kinds = {column: kind for kind in _TYPES for column in parts.get(kind, ())}
    return {
        name: Column(name, meaning, kinds.get(name, "text"))
        for name, meaning in parts["columns"].items()
    }


@lru_cache(256)
def plan_custom_tables(field: CustomField) -> tuple[Table, ...]:
    """Return the table for a custom field, followed by a table for each of its lists of nested
    objects.
    """
    task = None
    if field.group.of:
        task = field.of.task
    main = Table(
        f"custom_{field.name}",
        task,
        (*_ITEM_KEYS, _OF),
        _CUSTOM_PROVENANCE,
        field.definition,
    )
    return tuple(_add_columns(main, field))


def _add_columns(table: Table, declared: AttributeSet) -> Iterator[Table]:
    """Yield a table with a column for each part of the attributes, before its provenance, followed
    by the tables of nested lists. If a column name is already in use (ignoring case), an underscore
    is appended.
    """
    taken = {column.name for column in table.columns}
    values = []
    nested: list[Table] = []
    for path, content in _list_contents(declared):
        name = "_".join(path)
        # a list of nested objects; other contents are the kind of a single cell
        if isinstance(content, Attribute):
            position = Column(f"{name}_index", _POSITION, "integer")
            # a list in a list of the same name
            while position.name in {key.name for key in table.keys}:
                position = replace(position, name=f"{position.name}_")
            # the row of the custom value states its host, so the rows of its lists need not
            keys = [key for key in table.keys if key is not _OF]
            of_list = Table(
                f"{table.name}_{name}",
                table.task,
                (*keys, position),
                (_CONFIDENCE,),
                content.definition,
                path=(*table.path, *path),
            )
            nested += _add_columns(of_list, content)
            continue
        # DuckDB ignores the case of column names
        while name.casefold() in taken:
            name += "_"
        taken.add(name.casefold())
        values.append(Column(name, "", content, path))
    yield replace(table, values=(*values, *table.values))
    yield from nested


def _list_contents(
    declared: AttributeSet, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str | Attribute]]:
    """Yield the path and the kind of each cell of the attributes and, for a list of nested objects,
    its path and the attribute itself. A single nested object is replaced by its attributes, and a
    limit, an amount or a time by its parts; any other list is a single cell.
    """
    for attribute in declared.attributes:
        place = (*path, attribute.name)
        value_class = attribute.kind.value_class
        # each object of a list has a row of its own
        if attribute.attributes and attribute.many:
            yield place, attribute
        elif attribute.attributes:
            yield from _list_contents(attribute, place)
        elif attribute.many:
            yield place, "text"
        elif issubclass(value_class, BaseModel):
            for part in value_class.model_fields:
                yield (*place, part), "number" if part in _NUMBERS else "text"
        else:
            yield place, _KINDS.get(value_class, "text")

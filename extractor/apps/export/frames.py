"""Make data frames of tables: pandas, polars, or Arrow."""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any

from extractor.apps.export.columns import Row, Table, choose_tables
from extractor.apps.export.registered import Registry
from extractor.apps.export.rows import collect_rows
from extractor.concepts.own.declaration import Declared
from extractor.concepts.own.models import read_fields
from extractor.errors import MissingExtra
from extractor.schemas import Task, TrialExtraction
from extractor.schemas.arguments import refuse_unknown

_MODULES = {"pandas": "pandas", "polars": "polars", "arrow": "pyarrow"}
_TYPES = {
    # Of pandas, those with a missing value: an integer or a truth that is not stated stays none.
    "pandas": {
        "text": "str",
        "integer": "Int64",
        "number": "float64",
        "boolean": "boolean",
    },
    "polars": {
        "text": "String",
        "integer": "Int64",
        "number": "Float64",
        "boolean": "Boolean",
    },
    "arrow": {
        "text": "string",
        "integer": "int64",
        "number": "float64",
        "boolean": "bool_",
    },
}


def open_library(to: str) -> Any:
    """Import the library of data frames. Raises ``ValueError`` for an unknown one,
    ``MissingExtra`` without it.
    """
    refuse_unknown("kind of data frame", [to], tuple(_MODULES))
    try:
        return import_module(_MODULES[to])
    except ImportError as error:
        raise MissingExtra(f"a table of {to} needs {_MODULES[to]}", to) from error


def make_frame(library: Any, to: str, table: Table, rows: Sequence[Row]) -> Any:
    """Return the rows of a table with typed columns, even if it has no rows."""
    types = {column.name: _TYPES[to][column.kind] for column in table.columns}
    cells = list(map(list, zip(*rows, strict=True))) or [[] for _ in types]
    columns: Mapping[str, Any] = dict(zip(types, cells, strict=True))
    if to == "polars":
        schema = {name: getattr(library, kind) for name, kind in types.items()}
        return library.DataFrame(columns, schema=schema, strict=False)
    if to == "arrow":
        return library.table(
            {
                name: library.array(columns[name], getattr(library, kind)())
                for name, kind in types.items()
            }
        )
    return library.DataFrame(
        {
            name: library.Series(columns[name], dtype=kind)
            for name, kind in types.items()
        }
    )


def frame_tables(
    extractions: Iterable[TrialExtraction],
    names: Sequence[str] = (),
    to: str = "pandas",
    registry: Registry = MappingProxyType({}),
    fields: Iterable[Declared] | Declared = (),
) -> dict[str, Any]:
    """Return tables of extractions as data frames by name, all by default.

    ``registry`` has what the register states; without it, registered columns are empty. ``fields``
    are the user's own; each has a table. Raises ``ValueError`` for an unknown name,
    ``MissingExtra`` without the library.
    """
    library = open_library(to)
    own = read_fields(fields)
    chosen = choose_tables(tuple(Task), names, own)
    rows = collect_rows(extractions, registry, own)
    return {
        table.name: make_frame(library, to, table, rows[table.name]) for table in chosen
    }


def frame_values(extractions: Iterable[TrialExtraction], to: str = "pandas") -> Any:
    """Return all values of extractions as one data frame, a row a value."""
    return frame_tables(extractions, ["values"], to)["values"]

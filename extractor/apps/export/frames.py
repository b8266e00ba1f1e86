"""Make data frames of tables: pandas, polars, or Arrow."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from extractor.apps.export.columns import Row
from extractor.apps.export.tables import Table
from extractor.errors import MissingExtra
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
    cells = list(zip(*rows, strict=True)) or [()] * len(types)
    columns = dict(zip(types, map(list, cells), strict=True))
    if to == "pandas":
        return library.DataFrame(
            {
                name: library.Series(columns[name], dtype=kind)
                for name, kind in types.items()
            }
        )
    if to == "polars":
        schema = {name: getattr(library, kind) for name, kind in types.items()}
        return library.DataFrame(columns, schema=schema, strict=False)
    return library.table(
        {
            name: library.array(columns[name], getattr(library, kind)())
            for name, kind in types.items()
        }
    )

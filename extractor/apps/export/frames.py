"""Convert a table to a pandas, polars or Arrow data frame."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Any

from extractor.apps.export.columns import Row, Table, choose_tables
from extractor.apps.export.registered import RegisteredByRecord
from extractor.apps.export.rows import complete_gold, find_rows
from extractor.concepts.own.declaration import Declared
from extractor.concepts.own.models import read_fields
from extractor.errors import MissingExtra
from extractor.schemas import TrialExtraction
from extractor.schemas.arguments import refuse_unknown

_MODULES = {"pandas": "pandas", "polars": "polars", "arrow": "pyarrow"}
_KINDS = ("text", "integer", "number", "boolean")
_TYPES = {
    # pandas types that allow missing values, so that a missing integer or boolean remains missing
    "pandas": ("str", "Int64", "float64", "boolean"),
    "polars": ("String", "Int64", "Float64", "Boolean"),
    "arrow": ("string", "int64", "float64", "bool_"),
}
"""The data types of each library for the kinds of columns, in the order of ``_KINDS``."""


def open_library(to: str) -> Any:
    """Import the library ``to``: pandas, polars or arrow. Raises ``ValueError`` for an unknown
    library, and ``MissingExtra`` if the library is not installed.
    """
    refuse_unknown("kind of data frame", [to], tuple(_MODULES))
    try:
        return import_module(_MODULES[to])
    except ImportError as error:
        raise MissingExtra(f"a table of {to} needs {_MODULES[to]}", to) from error


def make_frame(library: Any, to: str, table: Table, rows: Sequence[Row]) -> Any:
    """Return a table's rows as a data frame from the library ``to``, which has been imported as
    ``library``. Columns have types even if there are no rows.
    """
    kinds = dict(zip(_KINDS, _TYPES[to], strict=True))
    types = {column.name: kinds[column.kind] for column in table.columns}
    if to == "pandas":
        return library.DataFrame(list(rows), columns=[*types], dtype=object).astype(
            types
        )
    schema = {name: getattr(library, kind) for name, kind in types.items()}
    if to == "polars":
        return library.DataFrame(rows, schema, orient="row", strict=False)
    typed = library.schema([(name, kind()) for name, kind in schema.items()])
    cells: list[Any] = list(zip(*rows, strict=True)) or [()] * len(types)
    return library.table(cells, schema=typed)


def frame_table(
    extractions: Iterable[TrialExtraction],
    name: str,
    to: str = "pandas",
    registry: RegisteredByRecord = MappingProxyType({}),
    fields: Iterable[Declared] | Declared = (),
) -> object:
    """Return a table of extractions as a data frame.

    ``registry`` contains the register's data. Without it, the columns for register data are empty.
    ``fields`` are custom fields, each of which has a table. Raises ``ValueError`` for an unknown
    table, and ``MissingExtra`` if the library is not installed.
    """
    library = open_library(to)
    custom_fields = read_fields(fields)
    (table,) = choose_tables((), [name], custom_fields)
    rows = [
        row
        for extraction in extractions
        for of, row in find_rows(complete_gold(extraction), registry, custom_fields)
        if of == name
    ]
    return make_frame(library, to, table, rows)

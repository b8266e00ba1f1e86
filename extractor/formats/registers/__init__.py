"""The table of each register, which maps its fields to sections and registered fields.

A table is a TOML file in this folder; adding one adds a register, without Python. Its keys:

``formats``
    The name of the format (``Source.format``) by container: ``json``, ``xml``, ``table``.
``id``, ``id_pattern``, ``id_prefix``
    Path of the trial's number, its form if it is not an NCT, ISRCTN or EU CT number, and
    letters that it lacks.
``keys``, ``wrappers``, ``pages``
    Of JSON: a record has one of these keys; objects whose keys count as those of the record; the
    list of records in a page of results.
``element``
    Of XML: the element of a record. With ``[columns]``, elements are read by name, also those in
    groups.
``columns``
    Of a table: the columns, each with its other names. Case, blanks and signs do not matter.
``breaks``
    Whether line breaks are codes of HTML.
``labels``
    Labels in the text of a column, each with the column of what follows it.
``settings``
    Further settings for the reader of one container.
``like``
    The register whose table holds what this one leaves out.

``[sections]`` are in the order of the record's sections. Each is a path, or

* ``{ join = [PATH, ...] }``: the texts of several paths, on lines of their own;
* ``{ inclusion = PATH, exclusion = PATH }``;
* ``{ items = PATH, measure = PATH, time_frame = PATH }``: numbered sections, with the paths of
  their parts within an item; ``arms`` and ``interventions`` are the names that link the two;
* ``{ list = PATH }``: numbered sections of a text that is a list, divided ``by`` marks, types or
  products, each with the text at ``time_frame``;
* a list of these: the first that has a text counts, numbered sections follow each other.

``[registry]`` has paths, ``{ path = PATH, label = "Masking" }`` for a part of a cell,
``{ path = PATH, unit = PATH, units = [...] }`` for an age, or
``{ yes = { PATH = WORD }, all = WORD }`` for the word of the first field that is answered by yes,
or that of all of them; ``[terms]`` has items with ``name`` and ``id``.

``extractor/formats/fields.py`` explains paths.
"""

import re
import tomllib
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ValidationError

from extractor.errors import ArgumentError
from extractor.schemas.arguments import refuse_unknown
from extractor.schemas.record import RegistryFields

_Rows = dict[str, Any]


class Register(BaseModel, frozen=True, extra="forbid"):
    """A register's table; the keys are explained above."""

    id: str
    formats: _Rows
    sections: _Rows
    registry: _Rows = {}
    id_pattern: str = ""
    id_prefix: str = ""
    keys: list[str] = []
    wrappers: list[str] = []
    pages: str = ""
    element: str = ""
    columns: _Rows = {}
    breaks: bool = False
    labels: _Rows = {}
    terms: _Rows = {}
    settings: _Rows = {}

    @cached_property
    def columns_by_name(self) -> dict[str, str]:
        """The columns by each of their names, in letters and digits alone."""
        return {
            fold_name(name): column
            for column, names in self.columns.items()
            for name in (column, *names)
        }


def fold_name(written: str) -> str:
    """Return the letters and digits of a name in lower case; blanks, case and signs do not matter.

    >>> fold_name("#NCT.Number"), fold_name("nct_number")
    ('nctnumber', 'nctnumber')
    """
    return re.sub("[^a-z0-9]+", "", written.lower())


@cache
def load_table(name: str) -> _Rows:
    """Load a table; what it omits comes from the table that it is ``like``."""
    written = files(__package__).joinpath(f"{name}.toml").read_text("utf-8")
    table = tomllib.loads(written)
    like = load_table(table.pop("like")) if "like" in table else {}
    columns = like.get("columns", {}) | table.get("columns", {})
    return {**like, **table, "columns": columns}


@cache
def list_registers(container: str) -> tuple[Register, ...]:
    """Return the registers of a container: ``json``, ``xml``, ``table``, ``zip``, ``text``.

    >>> [register.formats["zip"] for register in list_registers("zip")]
    ['aact']
    """
    names = sorted(file.name for file in files(__package__).iterdir())
    stems = [name.removesuffix(".toml") for name in names if name.endswith(".toml")]
    registers = [make_register(stem, load_table(stem)) for stem in stems]
    return tuple(one for one in registers if container in one.formats)


def make_register(name: str, table: _Rows) -> Register:
    """Return a register. Raises ``ArgumentError`` for a key that its table may not have."""
    file = f"extractor/formats/registers/{name}.toml"
    refuse_unknown(
        f"field of [registry] in {file}",
        table.get("registry", {}),
        RegistryFields.model_fields,
    )
    try:
        return Register(**table)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
    place = ".".join(map(str, fault["loc"]))
    raise ArgumentError(f"{file}: {place}: {fault['msg']}")

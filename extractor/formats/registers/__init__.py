"""A table for each register, which maps the register's fields to sections and registered fields.

A table is a TOML file in this folder. To add a register, add a table; no Python is needed. The keys
of a table are:

``formats``
    The name of the format (``Source.format``) for each container: ``json``, ``xml``, ``table``,
    ``zip`` or ``text``.
``id``, ``id_pattern``, ``id_prefix``
    The path of the trial number, the pattern of the number if it is not an NCT, ISRCTN or EU CT
    number, and letters to put before the number.
``keys``, ``wrappers``, ``pages``
    For JSON: keys of which every record has at least one; the keys of objects whose fields are
    merged into the record; and the key of the list of records in a page of results.
``element``
    For XML: the element of a record. If the table has ``[columns]``, elements are read by name,
    including nested elements.
``columns``
    For tables: the columns, each with its alternative names. Case, spaces and punctuation are
    ignored.
``skipped_columns``
    For tables: further columns of the register's downloads, which are not read and not reported.
``breaks``
    Whether line breaks are written as HTML tags.
``labels``
    For each column, the labels in its text, each with the column that the text after the label
    belongs to.
``parts``
    For outcomes that are lists: the patterns of what precedes each part (``description``,
    ``time_frame``) within the text of one outcome.
``settings``
    Further settings for the reader of a container.
``like``
    The name of another table whose values are used for all keys that this table omits.

The entries in ``[sections]`` are in the order of the record's sections. Each is a path or one of
these forms:

* ``{ join = [PATH, ...] }``: the texts at several paths, on separate lines;
* ``{ inclusion = PATH, exclusion = PATH }``: the two lists of criteria;
* ``{ items = PATH, measure = PATH, time_frame = PATH }``: numbered sections, with the paths of
  their parts within an item; in ``arms`` and ``interventions``, the parts ``interventions`` and
  ``arms`` contain the names of linked items;
* ``{ list = PATH }``: numbered sections from a text that is a list, split ``by`` marks, lines,
  types or products, each with the text at ``time_frame``;
* a list of these forms: the first form with a text is used; numbered sections are concatenated.

Each field in ``[registry]`` is a path, a list of paths, of which the first with a text is used, or
one of these forms:

* ``{ path = PATH, label = "Masking" }``: the part of a cell after a label;
* ``{ path = PATH, unit = PATH, units = [...] }``: an age;
* ``{ yes = { PATH = WORD }, all = WORD }``: the words for the fields that are answered "yes", or
  the word in ``all`` if every field is answered "yes".

A part of an item may have a list of paths, too. ``[terms]`` has items with a ``name`` and an
``id``.
``extractor/schemas/paths.py`` explains paths.
"""

import re
from functools import cache, cached_property
from importlib.resources import files

from pydantic import BaseModel, ValidationError

from extractor.errors import ArgumentError
from extractor.resources import read_toml
from extractor.schemas.arguments import refuse_unknown
from extractor.schemas.base import JsonObject, find_fault
from extractor.schemas.record import RegistryFields

_Rows = JsonObject


class Register(BaseModel, frozen=True, extra="forbid"):
    """The table of a register. The keys are explained at the top of this file."""

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
    skipped_columns: list[str] = []
    breaks: bool = False
    labels: _Rows = {}
    parts: dict[str, list[str]] = {}
    terms: _Rows = {}
    settings: _Rows = {}

    @cached_property
    def openings(self) -> str:
        """The pattern of what precedes the parts of an outcome; "" if its text has no parts."""
        return "|".join(
            f"(?P<{part}>{'|'.join(row)})" for part, row in self.parts.items()
        )

    @cached_property
    def columns_by_name(self) -> dict[str, str]:
        """The columns, keyed by each of their names (folded with ``fold_column``)."""
        return {
            fold_column(name): column
            for column, names in self.columns.items()
            for name in (column, *names)
        }


def fold_column(written: str) -> str:
    """Return the letters and digits of a name in lower case, so that spaces, case and punctuation
    are ignored.

    >>> fold_column("#NCT.Number"), fold_column("nct_number")
    ('nctnumber', 'nctnumber')
    """
    return re.sub(r"[\W_]+", "", written.lower())


@cache
def load_table(name: str) -> _Rows:
    """Load a table. Keys that the table omits are taken from the table named by its ``like``
    key.
    """
    table = read_toml(__package__, f"{name}.toml")
    like = load_table(table.pop("like")) if "like" in table else {}
    return {
        **like,
        **table,
        "columns": like.get("columns", {}) | table.get("columns", {}),
    }


@cache
def list_registers(container: str) -> tuple[Register, ...]:
    """Return the registers that have a format for a container, such as ``json``.

    >>> [register.formats["zip"] for register in list_registers("zip")]
    ['aact']
    """
    stems = sorted(
        file.name.removesuffix(".toml")
        for file in files(__package__).iterdir()
        if file.name.endswith(".toml")
    )
    registers = [make_register(stem, load_table(stem)) for stem in stems]
    return tuple(register for register in registers if container in register.formats)


def make_register(name: str, table: _Rows) -> Register:
    """Return the register that a table defines. Raises ``ArgumentError`` if the table has an
    unknown key or a value of the wrong type.
    """
    file = f"extractor/formats/registers/{name}.toml"
    refuse_unknown(
        f"field of [registry] in {file}",
        table.get("registry", {}),
        RegistryFields.model_fields,
    )
    try:
        return Register(**table)
    except ValidationError as error:
        fault = ": ".join(find_fault(error))
    raise ArgumentError(f"{file}: {fault}")

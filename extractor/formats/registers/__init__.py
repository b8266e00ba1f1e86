"""The table of each register: which of its fields is which section or registered field.

A table is a TOML file in this folder; adding one adds a register, without Python. Its keys:

``formats``
    The name of the format (``Source.format``) by container: ``json``, ``xml``, ``table``.
``id``, ``id_pattern``, ``id_prefix``
    Path of the trial's number, its form if it is none of NCT, ISRCTN or EU CT, and letters that it
    lacks.
``keys``, ``wrappers``, ``pages``
    Of JSON: a record has one of these keys; objects whose keys count as those of the record; the
    list of records in a page of results.
``element``, ``inside``, ``keys``
    Of XML: the element of a record, elements within it that other registers use for records, and
    elements that hold its fields in groups. With ``[columns]``, elements are read by name, wherever
    they are.
``columns``, ``needs_id``
    Of a table: the columns, each with its other names; whether one must have the numbers.
``breaks``
    What line breaks are written as: ``html``.
``like``
    The register whose table holds what this one leaves out.

``[sections]`` are in the order of the record's sections. Each is a path, or

* ``{ inclusion = PATH, exclusion = PATH }``;
* ``{ items = PATH, measure = PATH, time_frame = PATH }``: numbered sections, with the paths of
  their parts within an item; ``arms`` and ``interventions`` are the names that link the two, and
  items with the same value at ``group`` are one, with a list of ``translations``;
* ``{ list = PATH }``: numbered sections of a text that is a list, divided ``by`` marks, types or
  products, each with the text at ``time_frame``;
* a list of these: the first that has a text counts, numbered sections follow each other.

``[registry]`` has paths, ``{ path = PATH, label = "Masking" }`` for a part of a cell, or
``{ path = PATH, unit = PATH, units = [...] }`` for an age; ``[terms]`` has items with ``name`` and
``id``.

A path is ``a.b`` in JSON, ``a[].b`` through a list, ``a[KEY=en].b`` through a list of translations;
``a/b/@c`` in XML; the name of a column in a table. ``a|b`` is the first of them that has a text.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

_LINKS = {"arms": "interventions", "interventions": "arms"}
"""The key of the links of an item: an arm names interventions, and an intervention arms."""


@dataclass(frozen=True)
class SectionRow:
    """A row of ``[sections]``; ``parts`` are the parts of an item, each with its path."""

    name: str
    path: str = ""
    inclusion: str = ""
    exclusion: str = ""
    items: str = ""
    group: str = ""
    links: str = ""
    list: str = ""
    by: str = "marks"
    time_frame: str = ""
    parts: tuple[tuple[str, str], ...] = ()

    @property
    def paths(self) -> Iterator[str]:
        """The paths of texts, from the record on."""
        yield from (self.path, self.inclusion, self.exclusion, self.list)
        for _, path in self.parts:
            yield f"{self.items}/{path}"


@dataclass(frozen=True)
class Register:
    """A register's table; the keys are explained above."""

    id: str
    formats: Mapping[str, str]
    sections: Mapping[str, Any]
    registry: Mapping[str, Any]
    id_pattern: str = ""
    id_prefix: str = ""
    keys: Sequence[str] = ()
    wrappers: Sequence[str] = ()
    pages: str = ""
    element: str = ""
    inside: Sequence[str] = ()
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    needs_id: bool = False
    breaks: str = ""
    prepare: str = ""
    terms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tables: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def rows(self) -> tuple[SectionRow, ...]:
        """The rows of ``[sections]``, in order."""
        rows: list[SectionRow] = []
        for name, written in self.sections.items():
            forms = written if isinstance(written, list) else [written]
            rows += [_read_row(name, form) for form in forms]
        return tuple(rows)

    @cached_property
    def columns_by_name(self) -> dict[str, str]:
        """The columns by each of their names, in letters and digits alone."""
        by_name: dict[str, str] = {}
        for column, names in self.columns.items():
            for name in (column, *names):
                by_name[fold_name(name)] = column
        return by_name

    @cached_property
    def groups(self) -> frozenset[str]:
        """The paths of elements of XML that hold elements, and no text of their own."""
        paths = [self.id, *(path for row in self.rows for path in row.paths)]
        paths += [path for path in self.registry.values() if isinstance(path, str)]
        groups: set[str] = set()
        for path in paths:
            steps = [] if "@" in path else path.split("/")
            groups |= {"/".join(steps[:depth]) for depth in range(1, len(steps))}
        return frozenset(groups)


def _read_row(name: str, form: str | Mapping[str, Any]) -> SectionRow:
    if isinstance(form, str):
        return SectionRow(name, form)
    if "items" not in form:
        return SectionRow(name, **form)
    parts = dict(form)
    items = parts.pop("items")
    group = parts.pop("group", "")
    links = parts.pop(_LINKS.get(name, ""), "")
    return SectionRow(
        name, items=items, group=group, links=links, parts=tuple(parts.items())
    )


_NO_LETTER = re.compile(r"[^a-z0-9]+")


def fold_name(written: str) -> str:
    """Return the letters and digits of a name in lower case; blanks, case and signs do not matter.

    >>> fold_name("#NCT.Number"), fold_name("nct_number")
    ('nctnumber', 'nctnumber')
    """
    return _NO_LETTER.sub("", written.lower())


@cache
def load_tables() -> Mapping[str, Mapping[str, Any]]:
    """Load all tables, by the names of their files."""
    tables = {}
    for file in sorted(files(__package__).iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            name = file.name.removesuffix(".toml")
            tables[name] = tomllib.loads(file.read_text("utf-8"))
    return tables


@cache
def list_registers(container: str) -> tuple[Register, ...]:
    """Return the registers of a container: ``json``, ``xml``, ``table``, ``zip``.

    >>> [register.formats["zip"] for register in list_registers("zip")]
    ['aact']
    """
    registers: list[Register] = []
    for written in load_tables().values():
        if container not in written["formats"]:
            continue
        like = load_tables().get(written.get("like", ""), {})
        columns = {**like.get("columns", {}), **written.get("columns", {})}
        table = {**like, **written, "columns": columns}
        table.pop("like", None)
        registers.append(Register(**table))
    return tuple(registers)


def name_language(code: str | None) -> str:
    """Return the name of a language by its code; a code that is not known in quotation marks.

    >>> name_language("de"), name_language("xx")
    ('German', '"xx"')
    """
    names: Mapping[str, str] = load_tables()["eu_register"]["languages"]
    return names.get(code or "", f'"{code}"')

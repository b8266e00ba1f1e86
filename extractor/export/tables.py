"""The tables of an export and their columns, derived from the models: a new field is a new column by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from extractor.schemas import Evidence, Item, Task, TrialExtraction

_RENAMED = {"start": "char_start", "end": "char_end"}
"""``end`` is a word of SQL."""
_OWN_TABLES = frozenset({"evidence", "eligibility"})
"""Fields that have a table, though they are no lists, or lists of every item."""
_LONGEST_LIST = 12
"""Closed sets with more words are not listed in a column's meaning."""
_TABLES = {"dosing": "regimens", "sections": "coverage_sections"}
_SINGULAR = {"criteria": "criterion", "analyses": "analysis"}


class Kind(StrEnum):
    """What a column holds. A ``number`` may have a fraction."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``path`` leads to its value in the model; it is empty for keys and derived columns."""

    name: str
    kind: Kind
    meaning: str
    path: tuple[str, ...] = ()


def _columns(meaning: str, **kinds: Kind) -> tuple[Column, ...]:
    return tuple(Column(name, kind, meaning) for name, kind in kinds.items())


_TEXT, _NUMBER = Kind.TEXT, Kind.NUMBER
_DAYS = "In days; a month is 30.4375 days, a year 365.25."
_NO_INPUT = "Empty where the run's input is not at hand."
_DERIVED = {
    "records": (
        Column(
            "title", _TEXT, "Registered: brief title, or the official one. Empty where the run's input is not at hand."
        ),
        Column("conditions", _TEXT, "Registered. Joined by |."),
        Column("study_type", _TEXT, "Registered."),
        Column("phases", _TEXT, "Registered. Joined by |."),
        Column("enrolment", Kind.INTEGER, "Registered number of participants."),
        Column("enrolment_type", _TEXT, "Registered: whether the number is actual or estimated."),
        Column("registered_minimum_age", _TEXT, "Registered, such as '18 Years'."),
        Column("registered_maximum_age", _TEXT, "Registered, such as '65 Years'."),
        Column("registered_sex", _TEXT, "Registered."),
    ),
    "eligibility": _columns(_DAYS, minimum_age_days=_NUMBER, maximum_age_days=_NUMBER),
    "criteria": _columns(_DAYS, time_window_days=_NUMBER),
    "constraints": (
        Column("quantity_canonical", _TEXT, "Name in the vocabulary of quantities; empty where the text names none."),
        Column("loinc", _TEXT, "LOINC code, where one is certain."),
        Column("unit_ucum", _TEXT, "UCUM code of the unit, or of the one that goes without saying."),
        Column("unit_canonical", _TEXT, "UCUM code of the quantity's canonical unit, where the value is in it."),
        Column("value_canonical", _NUMBER, "The value in unit_canonical."),
        Column("value_high_canonical", _NUMBER, "The upper bound in unit_canonical."),
    ),
    "amounts": (
        Column("unit_ucum", _TEXT, "UCUM code of the unit."),
        Column("unit_canonical", _TEXT, "UCUM code: masses in mg, volumes in mL, other units as they are."),
        *_columns("In unit_canonical.", low_canonical=_NUMBER, high_canonical=_NUMBER),
    ),
}
_RECORD_KEY = Column("record_id", Kind.TEXT, "The record: NCT number, or the file's stem.")
_EVIDENCE_KEYS = (
    _RECORD_KEY,
    Column("item", Kind.TEXT, "What it supports: eligibility, criterion, regimen or endpoint."),
    Column("item_index", Kind.INTEGER, "Its criterion_index, regimen_index or endpoint_index; empty for eligibility."),
    Column("evidence_index", Kind.INTEGER, "Position, from 0."),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table. ``keys`` name a row and those that hold it; ``task`` is None for tables of whole records."""

    name: str
    task: Task | None
    keys: tuple[Column, ...]
    values: tuple[Column, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Keys first, derived columns last."""
        return self.keys + self.values + _DERIVED.get(self.name, ())


@dataclass(frozen=True, slots=True)
class Branch:
    """Where a table's rows are: ``path`` leads there from the branch above, ``item`` names it in its evidence.

    ``listed`` if there is a list of rows, ``plain`` if its members are texts.
    """

    table: Table
    path: tuple[str, ...]
    branches: tuple["Branch", ...] = ()
    item: str | None = None
    listed: bool = False
    plain: bool = False


@cache
def plan_tables() -> Branch:
    """The tree of tables below a record's."""
    values = tuple(column for column in find_columns(TrialExtraction) if column.name != _RECORD_KEY.name)
    branches = tuple(_list_branches(TrialExtraction, (_RECORD_KEY,), None))
    return Branch(Table("records", None, (_RECORD_KEY,), values), (), branches)


@cache
def list_tables() -> tuple[Table, ...]:
    """All tables, those of records first.

    >>> [table.name for table in list_tables()][:6]
    ['records', 'eligibility', 'criteria', 'constraints', 'regimens', 'amounts']
    """

    def walk(branch: Branch) -> Iterator[Table]:
        yield branch.table
        for below in branch.branches:
            yield from walk(below)

    return (*walk(plan_tables()), Table("evidence", None, _EVIDENCE_KEYS, find_columns(Evidence)))


def find_columns(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """The columns of a model's fields, without lists; the fields of a nested value have its name before theirs.

    >>> from extractor.schemas import TimeWindow
    >>> [(column.name, column.kind.value) for column in find_columns(TimeWindow)]
    [('quote', 'text'), ('comparator', 'text'), ('value', 'number'), ('unit', 'text')]
    """
    found: list[Column] = []
    # Fields of provenance come last.
    fields = sorted(model.model_fields.items(), key=lambda pair: pair[0] in Item.model_fields and model is not Item)
    for name, field in fields:
        inner, listed = _unwrap(field.annotation)
        path = (*prefix, name)
        if name in _OWN_TABLES or (listed and not _is_joined(name, inner)):
            continue
        if issubclass(inner, BaseModel):
            found += find_columns(inner, path)
        else:
            meaning = f"{field.description or ''}{' Joined by |.' if listed else ''}".strip()
            column = "_".join((*prefix, _RENAMED.get(name, name)))
            found.append(Column(column, _kind_of(inner), meaning or _list_words(inner), path))
    return tuple(found)


def _list_branches(
    model: type[BaseModel], keys: tuple[Column, ...], task: Task | None, prefix: tuple[str, ...] = ()
) -> Iterator[Branch]:
    """The tables of a model's lists, also of those in nested values."""
    for name, field in sorted(model.model_fields.items(), key=lambda pair: pair[0] not in _OWN_TABLES):
        inner, listed = _unwrap(field.annotation)
        path, is_model = (*prefix, name), issubclass(inner, BaseModel)
        if name == "evidence" or (listed and _is_joined(name, inner)):
            continue
        of_task = task or (Task(name) if name in set(Task) else None)
        if listed:
            title = _TABLES.get(name, name)
            singular = _SINGULAR.get(title) or title.removesuffix("s")
            own = (*keys, Column(f"{singular}_index", Kind.INTEGER, "Position, from 0."))
            values = find_columns(inner) if is_model else (Column(singular, Kind.TEXT, field.description or ""),)
            table = Table(title, of_task, own, values)
            below = tuple(_list_branches(inner, own, of_task)) if is_model else ()
            item = singular if issubclass(inner, Item) else None
            yield Branch(table, path, below, item, listed=True, plain=not is_model)
        elif name in _OWN_TABLES:
            below = tuple(_list_branches(inner, keys, of_task))
            yield Branch(Table(name, of_task, keys, find_columns(inner)), path, below, name)
        elif is_model:
            yield from _list_branches(inner, keys, of_task, path)


def _is_joined(name: str, inner: type) -> bool:
    """Whether a list becomes one cell: names of sections, which never hold a bar."""
    return name == "sections" and inner is str


def _unwrap(annotation: Any) -> tuple[type, bool]:
    """The type without None and annotations, and whether there is a list of it."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return _unwrap(parts[0])[0], True
    if origin in {Union, UnionType}:
        held = [part for part in parts if part is not type(None)]
        return _unwrap(held[0]) if len(held) == 1 else (float, False)  # the only union of the schemas is a number
    if hasattr(annotation, "__metadata__"):
        return _unwrap(annotation.__origin__)
    return annotation, False


def _kind_of(inner: type) -> Kind:
    kinds = ((bool, Kind.BOOLEAN), (int, Kind.INTEGER), (float, Kind.NUMBER))
    return next((kind for each, kind in kinds if issubclass(inner, each)), Kind.TEXT)


def _list_words(inner: type) -> str:
    if not issubclass(inner, StrEnum):
        return ""
    words = [member.value for member in inner]
    return f"{inner.__name__}: {', '.join(words) if len(words) <= _LONGEST_LIST else 'see `extractor schema`'}."

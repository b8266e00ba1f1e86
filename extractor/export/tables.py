"""The tables of an export and their keys, derived from the models: a new field is a new column by itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from pydantic import BaseModel

from extractor.schemas import Eligibility, Evidence, Item, Task, TrialExtraction

from .columns import Column, Kind, Listed, find_columns, find_lists
from .derived import list_derived

__all__ = ["Branch", "Table", "list_branches", "list_tables", "plan_tables"]

_NAMES = {"dosing": "regimens", ("coverage", "sections"): "coverage_sections"}
_SINGULAR = {"criteria": "criterion", "analyses": "analysis"}
_TASKS = {"regimens": Task.DOSING, "endpoints": Task.ENDPOINTS}
_Known = tuple[tuple[tuple[str, ...], frozenset[str]], ...]
_RECORD_KEY = Column("record_id", Kind.TEXT, "The record: NCT number, or the file's stem.")
_EVIDENCE_KEYS = (
    _RECORD_KEY,
    Column("item", Kind.TEXT, "What it supports: eligibility, criterion, regimen or endpoint."),
    Column("item_index", Kind.INTEGER, "Its criterion_index, regimen_index or endpoint_index; empty for eligibility."),
    Column("evidence_index", Kind.INTEGER, "Position, from 0."),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: ``keys`` name a row and those that it belongs to; ``task`` is None where it tells of whole records."""

    name: str
    task: Task | None
    keys: tuple[Column, ...]
    values: tuple[Column, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Keys first, derived ones last."""
        return self.keys + self.values + list_derived(self.name)


@dataclass(frozen=True, slots=True)
class Branch:
    """Where a table's rows stand: ``path`` leads there from the branch above; ``item`` names it in its evidence.

    ``known`` are the keys that may stand there, and in each nested value.
    """

    table: Table
    path: tuple[str, ...]
    known: _Known = ()
    branches: tuple["Branch", ...] = ()
    item: str | None = None
    listed: bool = field(default=False, kw_only=True)


@cache
def plan_tables() -> Branch:
    """The tree of tables below a record's."""
    lists = [_grow(path, listed, (_RECORD_KEY,), None) for path, listed in find_lists(TrialExtraction)]
    eligibility = _make_branch(Eligibility, "eligibility", (_RECORD_KEY,), Task.ELIGIBILITY)
    values = tuple(column for column in find_columns(TrialExtraction) if column.name != _RECORD_KEY.name)
    table = Table("records", None, (_RECORD_KEY,), values)
    return Branch(table, (), _list_known(TrialExtraction), (eligibility, *lists))


@cache
def list_tables() -> tuple[Table, ...]:
    """All tables, those of records first.

    >>> [table.name for table in list_tables()][:6]
    ['records', 'eligibility', 'criteria', 'constraints', 'regimens', 'amounts']
    """
    tables = [branch.table for branch in list_branches(plan_tables())]
    return (*tables, Table("evidence", None, _EVIDENCE_KEYS, find_columns(Evidence)))


def list_branches(branch: Branch) -> Iterator[Branch]:
    """A branch and all that grow from it."""
    yield branch
    for grown in branch.branches:
        yield from list_branches(grown)


def _make_branch(model: type[BaseModel], name: str, keys: tuple[Column, ...], task: Task | None) -> Branch:
    branches = tuple(_grow(path, listed, keys, task) for path, listed in find_lists(model))
    item = name if issubclass(model, Item) else None
    return Branch(Table(name, task, keys, find_columns(model)), (name,), _list_known(model), branches, item)


def _grow(path: tuple[str, ...], listed: Listed, above: tuple[Column, ...], task: Task | None) -> Branch:
    name = _NAMES.get(path) or _NAMES.get(listed.field) or listed.field
    task = task or _TASKS.get(name)
    singular = _SINGULAR.get(name) or name.removesuffix("s")
    keys = (*above, Column(f"{singular}_index", Kind.INTEGER, "Position, from 0."))
    if listed.model is None:
        values: tuple[Column, ...] = (Column(singular, Kind.TEXT, listed.meaning),)
        return Branch(Table(name, task, keys, values), path, listed=True)
    branches = tuple(_grow(deeper, found, keys, task) for deeper, found in find_lists(listed.model))
    item = singular if issubclass(listed.model, Item) else None
    table = Table(name, task, keys, find_columns(listed.model))
    return Branch(table, path, _list_known(listed.model), branches, item, listed=True)


def _list_known(
    model: type[BaseModel], prefix: tuple[str, ...] = ()
) -> tuple[tuple[tuple[str, ...], frozenset[str]], ...]:
    """Which keys may stand in a model's value, and in those nested in it that are no tables."""
    nested = {column.path[0] for column in find_columns(model) if len(column.path) > 1}
    known = [(prefix, frozenset(model.model_fields))]
    for name in sorted(nested):
        annotation = model.model_fields[name].annotation
        inner = next(part for part in (annotation, *getattr(annotation, "__args__", ())) if _is_model(part))
        known += _list_known(inner, (*prefix, name))
    return tuple(known)


def _is_model(part: object) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)

"""The tables of an export, derived from the models, and the rows of an extraction in each.

A new field of a model becomes a column, and a new list becomes a table.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from extractor.schemas import Evidence, ExtractedItem, Task, TrialExtraction, TrialRecord

from .columns import COMPUTED, REGISTERED, Column, Computed, Json, Row, read_registry
from .custom_values import COLUMNS, list_custom_rows

Registry = Mapping[str, Row]
"""Results of ``read_registry`` by record."""

CUSTOM = "custom_values"
"""The table of the user's own fields."""
_RENAMED = {"start": "char_start", "end": "char_end"}
"""``end`` is a keyword of SQL."""
_LONGEST_LIST = 12
"""A column's meaning does not list the words of larger closed sets."""
_TABLES = {"dosing": "regimens", "sections": "coverage_sections"}
_SINGULAR = {"criteria": "criterion", "analyses": "analysis"}
_RECORD_KEY = Column("record_id", "The record: NCT number, or the file's stem.")
_EVIDENCE_KEYS = (
    _RECORD_KEY,
    Column("item", "What it supports: eligibility, criterion, regimen or endpoint."),
    Column("item_index", "Its criterion_index, regimen_index or endpoint_index; empty for eligibility.", "integer"),
    Column("evidence_index", "Position, from 0.", "integer"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and the path to its rows in an extraction.

    Attributes:
        name: The table's name.
        task: The task whose values it holds; None for tables of whole records.
        keys: Columns that identify a row and its parent rows.
        values: Columns with the fields of a row's model, or with one text of a list of texts.
        path: Path from the parent row to this table's rows; ``listed`` if they are a list.
        item: Name of its rows in the evidence table; None if they have no evidence.
        below: Child tables, whose rows belong to rows of this one.
    """

    name: str
    task: Task | None
    keys: tuple[Column, ...]
    values: tuple[Column, ...]
    path: tuple[str, ...] = ()
    listed: bool = False
    item: str | None = None
    below: tuple["Table", ...] = ()

    @property
    def computed(self) -> Computed:
        """Columns that are not fields of the model."""
        return COMPUTED.get(self.name, Computed())

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns: keys first, computed columns last."""
        return self.keys + self.values + self.computed.columns


@cache
def list_tables() -> tuple[Table, ...]:
    """Return all tables, those of records first and that of evidence last.

    >>> [table.name for table in list_tables()][:6]
    ['records', 'eligibility', 'criteria', 'constraints', 'regimens', 'amounts']
    """

    def walk(table: Table) -> Iterator[Table]:
        yield table
        for below in table.below:
            yield from walk(below)

    values, below = _plan(TrialExtraction, (_RECORD_KEY,), None)
    records = Table("records", None, (_RECORD_KEY,), values[1:], below=below)  # the first one is the key
    evidence = Table("evidence", None, _EVIDENCE_KEYS, _plan(Evidence, (), None)[0])
    return (*walk(records), Table(CUSTOM, None, (), COLUMNS), evidence)


def find_rows(extraction: Json, registry: Registry = MappingProxyType({})) -> Iterator[tuple[str, Row]]:
    """Yield each row with the name of its table; a field that is not stated is None.

    ``extraction`` is the JSON of a ``TrialExtraction``; ``registry`` holds the registered fields of each record.

    >>> extraction = {"record_id": "A", "eligibility": {"sex": "male", "criteria": []}, "dosing": [], "endpoints": []}
    >>> [(table, row[:6]) for table, row in find_rows(extraction)]
    [('records', ('A', None, None, None, None, None)), ('eligibility', ('A', None, None, None, None, 'male'))]
    """
    record_id = extraction["record_id"]
    whole = {**extraction, REGISTERED: registry.get(record_id)}
    yield from _walk(list_tables()[0], whole, (record_id,), {})
    yield from ((CUSTOM, row) for row in list_custom_rows(extraction))


def tabulate(
    extractions: Iterable[TrialExtraction], records: Iterable[TrialRecord] = ()
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of all tables in memory, by table and each by column: what ``pandas.DataFrame`` takes.

    ``records`` give the registered columns, such as ``phases``; without them these are None.

    >>> from extractor.schemas import Eligibility
    >>> tabulate([TrialExtraction(record_id="A", eligibility=Eligibility(sex="male"))])["eligibility"][0]["sex"]
    'male'
    """
    registry = {record.record_id: read_registry(record) for record in records}
    columns = {table.name: [column.name for column in table.columns] for table in list_tables()}
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in columns}
    for extraction in extractions:
        for name, row in find_rows(extraction.model_dump(mode="json"), registry):
            tables[name].append(dict(zip(columns[name], row, strict=True)))
    return tables


def _walk(table: Table, value: Any, keys: Row, parent: Json) -> Iterator[tuple[str, Row]]:
    cells = (_pick(value, column.path) for column in table.values)
    joined = tuple("|".join(cell) if isinstance(cell, list) else cell for cell in cells)
    yield table.name, keys + joined + table.computed.compute(value, parent)
    if table.item:
        names = [column.path[0] for column in list_tables()[-1].values]
        for index, one in enumerate(value.get("evidence") or ()):
            item_index = keys[1] if len(keys) > 1 else None
            yield "evidence", (keys[0], table.item, item_index, index, *map(one.get, names))
    for below in table.below:
        found = _pick(value, below.path)
        if below.listed:
            for index, one in enumerate(found or ()):
                yield from _walk(below, one, (*keys, index), value)
        elif found is not None:
            yield from _walk(below, found, keys, value)


def _pick(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if value else None
    return value


def _plan(
    model: type[BaseModel], keys: tuple[Column, ...], task: Task | None, prefix: tuple[str, ...] = ()
) -> tuple[tuple[Column, ...], tuple[Table, ...]]:
    """Return the columns of a model's fields, and the tables of its lists. Columns of nested models get a prefix."""
    columns, tables = list[Column](), list[Table]()
    # Fields of provenance come last.
    provenance = ExtractedItem.model_fields if model is not ExtractedItem else ()
    fields = sorted(model.model_fields.items(), key=lambda pair: pair[0] in provenance)
    for name, field in fields:
        inner, listed = _unwrap(field.annotation)
        path, is_model = (*prefix, name), issubclass(inner, BaseModel)
        of_task = task or (Task(name) if name in set(Task) else None)
        is_joined = name == "sections" and inner is str  # names of sections never hold a bar
        if name in ("evidence", "custom"):  # these have tables of their own
            continue
        if name == "eligibility" or (listed and not is_joined):
            title = _TABLES.get(name, name)
            singular = _SINGULAR.get(title) or (title.removesuffix("s") if listed else title)
            own = (*keys, Column(f"{singular}_index", "Position, from 0.", "integer")) if listed else keys
            text = (Column(singular, field.description or ""),)
            values, below = _plan(inner, own, of_task) if is_model else (text, ())
            item = singular if issubclass(inner, ExtractedItem) else None
            tables.append(Table(title, of_task, own, values, path, listed, item, below))
        elif is_model:
            nested = _plan(inner, keys, of_task, path)
            columns += nested[0]
            tables += nested[1]
        else:
            meaning = f"{field.description or ''}{' Joined by |.' if listed else ''}".strip()
            column = "_".join((*prefix, _RENAMED.get(name, name)))
            columns.append(Column(column, meaning or _list_words(inner), _name_kind(inner), path))
    return tuple(columns), tuple(tables)


def _unwrap(annotation: Any) -> tuple[type, bool]:
    """Return the type without None and annotations, and whether it is the item type of a list."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return _unwrap(parts[0])[0], True
    if origin in {Union, UnionType}:
        held = [part for part in parts if part is not type(None)]
        return _unwrap(held[0]) if len(held) == 1 else (float, False)  # the only union of the schemas is a number
    return _unwrap(annotation.__origin__) if hasattr(annotation, "__metadata__") else (annotation, False)


def _name_kind(inner: type) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number"}
    return next((kind for each, kind in kinds.items() if issubclass(inner, each)), "text")


def _list_words(inner: type) -> str:
    if not issubclass(inner, StrEnum):
        return ""
    words = [member.value for member in inner]
    return f"{inner.__name__}: {', '.join(words) if len(words) <= _LONGEST_LIST else 'see `extractor schema`'}."

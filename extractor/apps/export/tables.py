"""The tables of an export, derived from the models, and the rows of an extraction in each.

A new field of a model becomes a column, and a new list becomes a table. A user's own field is a
table.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from extractor.apps.export.agent_names import AgentNamer
from extractor.apps.export.alternatives import find_alternatives
from extractor.apps.export.arms import link_arms, list_arms
from extractor.apps.export.bounds import list_bounds
from extractor.apps.export.cells import RAW_QUOTE, TextPlaces, clean_rows, find_texts
from extractor.apps.export.columns import (
    ADDED,
    COMPUTED,
    CUSTOM,
    Column,
    Json,
    Row,
    find_instrument,
    list_columns,
    list_custom_rows,
    read_registry,
)
from extractor.apps.export.interventions import describe_agent, list_names
from extractor.apps.export.limits import describe_limits
from extractor.apps.export.mesh_terms import CONDITIONS, INTERVENTIONS, list_mesh_terms
from extractor.apps.export.parts import find_part
from extractor.apps.export.people import read_comparator, read_registered
from extractor.apps.export.regimens import describe_interventions, name_regimen
from extractor.apps.export.times import (
    describe_regimen_times,
    describe_times,
    find_cycle_days,
)
from extractor.apps.export.trial_view import view_trial
from extractor.apps.export.windows import (
    THINGS,
    describe_windows,
    find_anchor_class,
    find_parts,
)
from extractor.concepts.own.declaration import CustomField, Declared, make_model
from extractor.concepts.own.models import read_fields
from extractor.concepts.people.registered_ages import AGES
from extractor.language.shown import show_line
from extractor.schemas import (
    Absence,
    Amount,
    Citation,
    Criterion,
    CriterionGroup,
    CustomItem,
    Eligibility,
    Evidence,
    ExtractedItem,
    Finding,
    Regimen,
    Sex,
    Task,
    TermKind,
    TimeWindow,
    TrialExtraction,
    TrialRecord,
)

Registry = Mapping[str, Json]
"""Results of ``read_registry`` by record."""

_LONGEST_LIST = 12
"""A column's meaning does not list the words of larger closed sets."""
_TABLES = {
    "dosing": "regimens",
    "sections": "coverage_sections",
    "time_windows": "windows",
}
_COLUMNS = {(CriterionGroup, "id"): "group_id", (Criterion, "group"): "group_id"}
"""Names of columns where a field's own name is a word of SQL, or too short for a join."""
_IN_NO_TABLE = frozenset(
    {(TrialExtraction, "scored"), (TrialExtraction, "registered_terms")}
)
"""Fields that have no table: what gold was read for, and registered terms, which have columns and
the tables of their kinds.
"""
_LINKED = frozenset({(Regimen, "arms"), (Amount, "arms")})
"""Lists of labels; the table ``regimen_arms`` has them."""
_QUOTED = (Criterion, Regimen, TimeWindow, Citation, Evidence)
"""What has a quote of its own."""
_PLURAL = re.compile(r"(?<![isu])s$")
"""The end of a plural, and not of "status"."""
_RECORD_KEY = Column("record_id", "The record: NCT number, or the file's stem.")


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
    def computed(self) -> tuple[Column, ...]:
        """The columns that no field of a model is."""
        return list_columns(self.name) if self.name in COMPUTED else ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns: keys first, computed columns last."""
        return self.keys + self.values + self.computed


@lru_cache(256)  # fields of the user's own have no end
def list_tables(fields: tuple[CustomField, ...] = ()) -> tuple[Table, ...]:
    """Return all tables, those of records first and that of evidence last; ``fields`` are the
    user's own.

    >>> [table.name for table in list_tables()][1:10]  # doctest: +NORMALIZE_WHITESPACE
    ['eligibility', 'groups', 'criteria', 'constraints', 'windows', 'window_things', 'bounds',
     'regimens', 'amounts']
    >>> [
    ...     table.name
    ...     for table in list_tables(read_fields("extractor.catalogue:Blinding"))
    ... ][-3:]
    ['custom_blinding', 'custom_values', 'evidence']
    """

    def walk(table: Table) -> Iterator[Table]:
        yield table
        for below in table.below:
            yield from walk(below)

    values, below = _plan(TrialExtraction, (_RECORD_KEY,), None)
    names = {CUSTOM}
    named = [(field, _find_free(f"custom_{field.name}", names)) for field in fields]
    own = tuple(_plan_own(field, name, names) for field, name in named)
    label = Column("label", "The arm's name, as the record writes it.", path=("label",))
    listed = {"interventions": (), "arms": (label,), "regimen_arms": ()}
    arms = tuple(_list_added(name, Task.DOSING, held) for name, held in listed.items())
    bounds = _list_added("bounds", Task.ELIGIBILITY, ())
    terms = tuple(_list_added(name, None, ()) for name in (CONDITIONS, INTERVENTIONS))
    names_below = [table.name for table in below]
    people = names_below.index("eligibility") + 1
    dosed = names_below.index("regimens") + 1
    of_people = (*below[:people], bounds, *below[people:dosed])
    whole = (*of_people, *arms, *below[dosed:], *terms, *own)
    # the first value is the key
    records = Table("records", None, (_RECORD_KEY,), values[1:], below=whole)
    evidence = Table(
        "evidence", None, list_columns("evidence"), _plan(Evidence, (), None)[0]
    )
    return (*walk(records), Table(CUSTOM, None, (), list_columns(CUSTOM)), evidence)


def _list_added(name: str, task: Task | None, values: tuple[Column, ...]) -> Table:
    """Return a table of rows that ``find_rows`` adds to an extraction."""
    keys = (_RECORD_KEY, _make_position(name[:-1]))
    return Table(name, task, keys, values, (name,), listed=True)


def find_rows(
    extraction: TrialExtraction,
    registry: Registry = MappingProxyType({}),
    fields: tuple[CustomField, ...] = (),
) -> Iterator[tuple[str, Row]]:
    """Yield each row with the name of its table; a field that is not stated is None.

    Texts are one line of clean words. ``registry`` holds the registered fields of each record;
    ``fields`` are the user's own that have tables.

    >>> extraction = TrialExtraction.model_validate(
    ...     {"record_id": "A", "eligibility": {"sex": "male"}}
    ... )
    >>> [
    ...     (table, row[:6]) for table, row in find_rows(extraction)
    ... ]  # doctest: +NORMALIZE_WHITESPACE
    [('records', ('A', None, None, None, None, None)), ('eligibility', ('A', None, None, None,
     None, 'male'))]
    """
    yield from clean_rows(
        _find_raw_rows(extraction, registry, fields), _place_texts(fields)
    )


@lru_cache(256)
def _place_texts(fields: tuple[CustomField, ...]) -> dict[str, TextPlaces]:
    return {table.name: find_texts(table.columns) for table in list_tables(fields)}


def _find_raw_rows(
    extraction: TrialExtraction, registry: Registry, fields: tuple[CustomField, ...]
) -> Iterator[tuple[str, Row]]:
    """Yield each row with its texts as the record writes them."""
    people = extraction.eligibility
    registered = registry.get(extraction.record_id, {})
    stated = (name for name in AGES if getattr(people, name))
    comparators = {
        f"{name}_comparator": read_comparator(name, people).value for name in stated
    }
    arms = list_arms(extraction, registered.get("arms", ()))
    whole = extraction.model_dump(mode="json")
    terms = extraction.registered_terms or registered.get("terms", ())
    interventions = registered.get("interventions", ())
    explained = registered.get("explained", {})
    namer = AgentNamer(interventions, explained, terms, arms)
    sex = people.sex or read_registered("sex", registered.get("registered_sex") or "")
    _add_criteria(whole, people, sex, namer)
    mesh = {
        "condition_mesh": list_names(terms, TermKind.CONDITION),
        "intervention_mesh": list_names(terms, TermKind.INTERVENTION),
        "keywords": list_names(terms, TermKind.KEYWORD),
    }
    for regimen in whole["dosing"]:
        cells = describe_agent(regimen["agent"], interventions, terms)
        named = name_regimen(regimen | {ADDED: cells}, namer, interventions, arms)
        regimen[ADDED] = cells | named | describe_regimen_times(regimen)
    _add_times(whole)
    added = {
        **registered,
        **mesh,
        **comparators,
        **view_trial(whole["eligibility"], registered),
    }
    links = (
        {"regimen_index": index, **link._asdict()}
        for index, regimen in enumerate(extraction.dosing)
        for link in link_arms(regimen, arms)
    )
    whole |= {
        ADDED: added,
        "bounds": list(list_bounds(whole["eligibility"]["criteria"])),
        "interventions": list(describe_interventions(interventions, namer)),
        "arms": [arm._asdict() for arm in arms],
        "regimen_arms": list(links),
        **list_mesh_terms(terms, interventions),
    }
    yield from _walk(list_tables(fields)[0], whole, (extraction.record_id,), {})
    yield from ((CUSTOM, row) for row in list_custom_rows(extraction))


def _add_criteria(
    whole: Json, people: Eligibility, sex: Sex | None, namer: AgentNamer
) -> None:
    """Add the computed cells of criteria, their limits and their windows."""
    keys = map(find_instrument, whole["endpoints"])
    measured = {key for key in keys if key}
    for criterion, around in zip(
        whole["eligibility"]["criteria"], find_alternatives(people), strict=True
    ):
        criterion[ADDED] = {
            "decides": not around,
            "time_window_anchor_class": find_anchor_class(criterion),
            "part": find_part(criterion),
        }
        described = describe_limits(
            criterion, decides=not around, sex=sex, measured=measured
        )
        for limit, cells in zip(criterion["constraints"], described, strict=True):
            limit[ADDED] = cells
        _add_windows(criterion, namer)


def _add_windows(criterion: Json, namer: AgentNamer) -> None:
    """Add the computed cells of the time windows of a criterion, and the things that they limit."""
    chosen = criterion.get("time_window")
    if chosen:
        chosen |= find_parts(criterion)
    # evidence is found by a window as it was, so all cells are computed first
    described = list(describe_windows(criterion, namer))
    for window, cells in zip(criterion["time_windows"], described, strict=True):
        window |= {ADDED: cells, THINGS: cells[THINGS]}


def _add_times(whole: Json) -> None:
    """Add the computed cells of the time points of an extraction."""
    cycle = find_cycle_days(whole["dosing"])
    for endpoint in whole["endpoints"]:
        times = describe_times(endpoint, cycle)
        for point, cells in zip(endpoint["time_points"], times, strict=True):
            point[ADDED] = cells


def tabulate(
    extractions: Iterable[TrialExtraction],
    records: Iterable[TrialRecord] = (),
    fields: Iterable[Declared] | Declared = (),
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of all tables in memory, by table and each by column: what
    ``pandas.DataFrame`` takes.

    ``records`` give the registered columns, such as ``phases``; without them these are None.
    ``fields`` are your own, as ``Extractor`` takes them; each has a table.

    >>> from extractor.schemas import Eligibility
    >>> tabulate([TrialExtraction(record_id="A", eligibility=Eligibility(sex="male"))])[
    ...     "eligibility"
    ... ][0]["sex"]
    'male'
    """
    registry = {record.record_id: read_registry(record) for record in records}
    own = read_fields(fields)
    names = {
        table.name: [column.name for column in table.columns]
        for table in list_tables(own)
    }
    found = collect_rows(extractions, registry, own)
    return {
        table: [dict(zip(names[table], row, strict=True)) for row in rows]
        for table, rows in found.items()
    }


def collect_rows(
    extractions: Iterable[TrialExtraction],
    registry: Registry,
    fields: tuple[CustomField, ...],
) -> dict[str, list[Row]]:
    """Return the rows of all tables in memory, by table."""
    tables: dict[str, list[Row]] = {table.name: [] for table in list_tables(fields)}
    for extraction in map(complete_gold, extractions):
        for name, row in find_rows(extraction, registry, fields):
            tables[name].append(row)
    return tables


def complete_gold(extraction: TrialExtraction) -> TrialExtraction:
    """Return gold with what its criteria say of whom they admit, as an extraction has it; any
    other unchanged.
    """
    if all(criterion.evidence for criterion in extraction.eligibility.criteria):
        return extraction
    from extractor.concepts.limits.admission import describe_gold  # noqa: PLC0415 - it loads the rules

    return describe_gold(extraction)


def _walk(
    table: Table, item: Any, keys: Row, parent: Json
) -> Iterator[tuple[str, Row]]:
    """Yield the row of an item, its evidence, and the rows below it."""
    cells = [_read_cell(item, column) for column in table.values]
    if table.computed:
        computed = COMPUTED[table.name](item, parent)
        cells += [computed.get(column.name) for column in table.computed]
    yield table.name, (*keys, *cells)
    if table.item:
        item_index = keys[1] if len(keys) > 1 else None
        for index, cells in enumerate(_list_evidence(item)):
            yield "evidence", (keys[0], table.item, item_index, index, *cells)
    for below in table.below:
        found = _pick(item, below.path)
        if not below.listed:
            if found is not None:
                yield from _walk(below, found, keys, item)
            continue
        for index, one in enumerate(found if isinstance(found, list) else ()):
            # A user's value has the path of its item as a key, too.
            more = [_pick(one, key.path) for key in below.keys[len(keys) + 1 :]]
            yield from _walk(below, one, (*keys, index, *more), item)


def _read_cell(item: Any, column: Column) -> Any:
    cell = _pick(item, column.path)
    if cell is None:
        return column.default
    return (
        "|".join(show_line(str(part)) for part in cell)
        if isinstance(cell, list)
        else cell
    )


def _list_evidence(item: Json) -> Iterator[list[Any]]:
    names = [column.path[0] for column in list_tables()[-1].values]
    for piece in item.get("evidence") or ():
        # gold stands in no section
        if piece["section"]:
            yield [piece.get(name) for name in names]


def _pick(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        # gold of an own field may be as a person writes
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _plan_own(field: CustomField, name: str, names: set[str]) -> Table:
    """Return the table of a user's own field, whose attributes may have any names; ``names`` are
    those of tables.
    """
    task = field.of.task if field.group.of else None
    known = CustomItem.model_fields
    keys = (
        _RECORD_KEY,
        Column(
            "item_index",
            "Position among the field's values in the record, from 0.",
            "integer",
        ),
        Column("of", known["of"].description or "", path=("of",)),
    )
    calibrated = Column(
        "calibrated", known["calibrated"].description or "", "boolean", ("calibrated",)
    )
    provenance = (*_plan(ExtractedItem, (), None)[0], calibrated)
    planned, lists = _plan(make_model(field), keys, task)
    values = _adapt(
        planned, {column.name for column in (*keys, *provenance)}, ("values",)
    )
    below = []
    for listed in lists:
        taken = {key.name for key in keys}
        index = replace(listed.keys[-1], name=_find_free(listed.keys[-1].name, taken))
        title = _find_free(f"{name}_{listed.path[0]}", names)
        path = ("values", *listed.path)
        inner = _adapt(listed.values, taken)
        below.append(
            replace(
                listed,
                name=title,
                task=task,
                keys=(*keys, index),
                values=inner,
                path=path,
            )
        )
    whole = (*values, *provenance)
    return Table(
        name,
        task,
        keys,
        whole,
        ("custom", field.name),
        listed=True,
        item=name,
        below=tuple(below),
    )


def _adapt(
    columns: Iterable[Column], taken: set[str], within: tuple[str, ...] = ()
) -> tuple[Column, ...]:
    """Return columns of attributes under free names. Integers become numbers, since a text may
    state any length.
    """
    kinds = {"integer": "number"}
    return tuple(
        replace(
            one,
            name=_find_free(one.name, taken),
            kind=kinds.get(one.kind, one.kind),
            path=within + one.path,
        )
        for one in columns
    )


def _find_free(name: str, taken: set[str]) -> str:
    """Return the name with underscores until it is free, ignoring case as a database does, and
    take it.
    """
    while name.casefold() in taken:
        name += "_"
    taken.add(name.casefold())
    return name


def _plan(
    model: type[BaseModel],
    keys: tuple[Column, ...],
    task: Task | None,
    prefix: tuple[str, ...] = (),
) -> tuple[tuple[Column, ...], tuple[Table, ...]]:
    """Return the columns of a model's fields, and the tables of its lists. Columns of nested
    models get a prefix.
    """
    columns = list[Column]()
    tables = list[Table]()
    # Fields of provenance come last.
    provenance = ExtractedItem.model_fields if model is not ExtractedItem else ()
    for name, field in sorted(
        model.model_fields.items(), key=lambda pair: pair[0] in provenance
    ):
        inner, listed = _unwrap(field.annotation)
        has_own_table = inner is Evidence or (model, name) in _LINKED
        if has_own_table or get_origin(inner) is dict or (model, name) in _IN_NO_TABLE:
            continue
        # names of sections never hold a bar
        is_joined = issubclass(model, Absence | Finding) and inner is str
        of_task = task or (Task(name) if name in set(Task) else None)
        path = (*prefix, name)
        if issubclass(inner, ExtractedItem) or (listed and not is_joined):
            tables.append(_plan_table(field, inner, path, keys, of_task, listed=listed))
        elif issubclass(inner, BaseModel):
            inner_columns, inner_tables = _plan(inner, keys, of_task, path)
            columns += inner_columns
            tables += inner_tables
        else:
            columns.append(
                Column(
                    "_".join((*prefix, _name_column(model, name))),
                    _describe(field, inner, listed=listed),
                    _name_kind(inner),
                    path,
                    field.default if field.exclude_if else None,
                )
            )
    return tuple(_insert_raw_quote(columns, model, prefix)), tuple(tables)


def _insert_raw_quote(
    columns: Iterable[Column], model: type[BaseModel], prefix: tuple[str, ...]
) -> Iterator[Column]:
    """Yield columns, with the raw form of a model's own quote behind it."""
    has_own_quote = issubclass(model, _QUOTED) and not prefix
    for column in columns:
        yield column
        if has_own_quote and column.name == "quote":
            yield RAW_QUOTE


def _plan_table(
    field: FieldInfo,
    inner: type,
    path: tuple[str, ...],
    keys: tuple[Column, ...],
    task: Task | None,
    *,
    listed: bool,
) -> Table:
    """Return the table of an item, or of a list of items or texts."""
    title = _TABLES.get(path[-1], path[-1])
    singular = title
    if listed:
        singular = "criterion" if title == "criteria" else _PLURAL.sub("", title)
        keys = (*keys, _make_position(singular))
    values: tuple[Column, ...] = (
        Column(singular, field.description or "", _name_kind(inner)),
    )
    below: tuple[Table, ...] = ()
    if issubclass(inner, BaseModel):
        values, below = _plan(inner, keys, task)
    item = singular if issubclass(inner, ExtractedItem) else None
    if title == "windows":
        things = (*keys, _make_position("thing"))
        below = (Table(THINGS, task, things, (), (THINGS,), listed=True),)
    return Table(title, task, keys, values, path, listed, item, below)


def _name_column(model: type[BaseModel], name: str) -> str:
    """Return the column of a field. "end" is a word of SQL."""
    if issubclass(model, Evidence | Citation) and name in ("start", "end"):
        return f"char_{name}"
    return _COLUMNS.get((model, name), name)


def _describe(field: FieldInfo, inner: type, *, listed: bool) -> str:
    meaning = field.description or ""
    if listed:
        meaning = f"{meaning} Joined by |.".strip()
    if meaning or not issubclass(inner, StrEnum):
        return meaning
    words = list(inner) if len(inner) <= _LONGEST_LIST else ["see `extractor schema`"]
    return f"{inner.__name__}: {', '.join(words)}."


def _make_position(name: str) -> Column:
    return Column(f"{name}_index", "Position, from 0.", "integer")


def _unwrap(annotation: Any) -> tuple[type, bool]:
    """Return the type without None and annotations, and whether it is the item type of a list."""
    origin = get_origin(annotation)
    parts = get_args(annotation)
    if origin is tuple:
        return _unwrap(parts[0])[0], True
    if origin in {Union, UnionType}:
        held = [part for part in parts if part is not type(None)]
        # the only union of the schemas is a number
        return _unwrap(held[0]) if len(held) == 1 else (float, False)
    if hasattr(annotation, "__metadata__"):
        return _unwrap(annotation.__origin__)
    return (annotation, False)


def _name_kind(inner: type) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number"}
    return next(
        (kind for each, kind in kinds.items() if issubclass(inner, each)), "text"
    )

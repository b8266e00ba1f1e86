"""The tables of an export, derived from the models, and the rows of an extraction in each.

A new field of a model becomes a column, and a new list becomes a table. A user's own field is a
table.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from extractor.apps.export.agent_names import AgentNamer
from extractor.apps.export.alternatives import find_alternatives
from extractor.apps.export.arms import Arm, link_arms, list_arms
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


class Whole(NamedTuple):
    """An extraction before doubtful values were left out of it.

    Attributes:
        extraction: The extraction with all of its values.
        places: For each list that lost members, by its path, the positions of those that stay.
    """

    extraction: TrialExtraction
    places: Mapping[str, tuple[int, ...]]


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
        if self.name not in COMPUTED:
            return ()
        return list_columns(self.name)

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
    columns, planned = _plan(TrialExtraction, (_RECORD_KEY,), None)
    label = Column("label", "The arm's name, as the record writes it.", path=("label",))
    below: list[Table] = []
    for table in planned:
        below.append(table)
        if table.name == "eligibility":
            below.append(_list_added("bounds", Task.ELIGIBILITY))
        elif table.name == "regimens":
            below.append(_list_added("interventions", Task.DOSING))
            below.append(_list_added("arms", Task.DOSING, (label,)))
            below.append(_list_added("regimen_arms", Task.DOSING))
    below += [_list_added(name, None) for name in (CONDITIONS, INTERVENTIONS)]
    # All tables of the user's fields get their names before any of their lists does.
    names = {CUSTOM}
    named = [(field, _find_free(f"custom_{field.name}", names)) for field in fields]
    below += [_plan_own(field, name, names) for field, name in named]
    # the first value is the key
    records = Table("records", None, (_RECORD_KEY,), columns[1:], below=tuple(below))
    evidence_columns, _ = _plan(Evidence, (), None)
    return (
        *_list_with_below(records),
        Table(CUSTOM, None, (), list_columns(CUSTOM)),
        Table("evidence", None, list_columns("evidence"), evidence_columns),
    )


def _list_with_below(table: Table) -> Iterator[Table]:
    """Yield a table and all tables below it."""
    yield table
    for below in table.below:
        yield from _list_with_below(below)


def _list_added(name: str, task: Task | None, values: tuple[Column, ...] = ()) -> Table:
    """Return a table of rows that ``find_rows`` adds to an extraction."""
    keys = (_RECORD_KEY, _make_position(name[:-1]))
    return Table(name, task, keys, values, (name,), listed=True)


def find_rows(
    extraction: TrialExtraction,
    registry: Registry = MappingProxyType({}),
    fields: tuple[CustomField, ...] = (),
    whole: Whole | None = None,
) -> Iterator[tuple[str, Row]]:
    """Yield each row with the name of its table; a field that is not stated is None.

    Texts are one line of clean words. ``registry`` holds the registered fields of each record;
    ``fields`` are the user's own that have tables. ``whole`` is the extraction before doubtful
    values were left out, if any were: it says which values a limit admits.

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
        _find_raw_rows(extraction, registry, fields, whole), _place_texts(fields)
    )


@lru_cache(256)
def _place_texts(fields: tuple[CustomField, ...]) -> dict[str, TextPlaces]:
    return {table.name: find_texts(table.columns) for table in list_tables(fields)}


def _find_raw_rows(
    extraction: TrialExtraction,
    registry: Registry,
    fields: tuple[CustomField, ...],
    before: Whole | None,
) -> Iterator[tuple[str, Row]]:
    """Yield each row with its texts as the record writes them. The extraction as JSON gets its
    computed cells first, under ``ADDED``, and lists of the rows that no field of it has.
    """
    people = extraction.eligibility
    registered = registry.get(extraction.record_id, {})
    arms = list_arms(extraction, registered.get("arms", ()))
    terms = extraction.registered_terms or registered.get("terms", ())
    interventions = registered.get("interventions", ())
    namer = AgentNamer(interventions, registered.get("explained", {}), terms, arms)
    whole = extraction.model_dump(mode="json")
    _add_criteria(whole, people, registered, namer)
    if before is not None:
        complete = before.extraction.model_dump(mode="json")
        _add_criteria(complete, before.extraction.eligibility, registered, namer)
        _keep_admission(whole, complete, before.places)
    for regimen in whole["dosing"]:
        cells = describe_agent(regimen["agent"], interventions, terms)
        named = name_regimen(regimen | {ADDED: cells}, namer, interventions, arms)
        regimen[ADDED] = cells | named | describe_regimen_times(regimen)
    _add_times(whole)
    whole[ADDED] = {
        **registered,
        "condition_mesh": list_names(terms, TermKind.CONDITION),
        "intervention_mesh": list_names(terms, TermKind.INTERVENTION),
        "keywords": list_names(terms, TermKind.KEYWORD),
        **_compare_ages(people),
        **view_trial(whole["eligibility"], registered),
    }
    whole["bounds"] = list(list_bounds(whole["eligibility"]["criteria"]))
    whole["interventions"] = list(describe_interventions(interventions, namer))
    whole["arms"] = [arm._asdict() for arm in arms]
    whole["regimen_arms"] = list(_link_regimens(extraction, arms))
    whole |= list_mesh_terms(terms, interventions)
    records = list_tables(fields)[0]
    yield from _walk(records, whole, (extraction.record_id,), {})
    for row in list_custom_rows(extraction):
        yield CUSTOM, row


def _compare_ages(people: Eligibility) -> dict[str, str]:
    """Return whether each age is itself admitted, as a comparator, by column."""
    comparators = {}
    for name in AGES:
        if getattr(people, name):
            comparator = read_comparator(name, people)
            comparators[f"{name}_comparator"] = comparator.value
    return comparators


def _link_regimens(
    extraction: TrialExtraction, arms: Sequence[Arm]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table ``regimen_arms``."""
    for index, regimen in enumerate(extraction.dosing):
        for link in link_arms(regimen, arms):
            yield {"regimen_index": index, **link._asdict()}


def _add_criteria(
    whole: Json, people: Eligibility, registered: Json, namer: AgentNamer
) -> None:
    """Add the computed cells of criteria, their limits and their windows."""
    # What the text does not state is as registered.
    sex = people.sex or read_registered("sex", registered.get("registered_sex") or "")
    measured = set(filter(None, map(find_instrument, whole["endpoints"])))
    criteria = whole["eligibility"]["criteria"]
    for criterion, around in zip(criteria, find_alternatives(people), strict=True):
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


def _keep_admission(kept: Json, complete: Json, places: Mapping[str, Any]) -> None:
    """Give the criteria and limits that stay the cells that say whom they admit, as they were
    before doubtful values were left out.

    A limit of women that is left out leaves that of the others, which is no limit of all.
    """
    path = "eligibility.criteria"
    criteria = complete["eligibility"]["criteria"]
    positions = places.get(path, range(len(criteria)))
    staying = kept["eligibility"]["criteria"]
    for criterion, position in zip(staying, positions, strict=True):
        before = criteria[position]
        criterion[ADDED]["decides"] = before[ADDED]["decides"]
        limits = before["constraints"]
        stay = places.get(f"{path}[{position}].constraints", range(len(limits)))
        for limit, place in zip(criterion["constraints"], stay, strict=True):
            cells = limits[place][ADDED]
            for name in ("admits", "admits_some"):
                limit[ADDED][name] = cells.get(name)


def _add_windows(criterion: Json, namer: AgentNamer) -> None:
    """Add the computed cells of the time windows of a criterion, and the things that they limit."""
    first = criterion.get("time_window")
    if first:
        first |= find_parts(criterion)
    # Evidence is found by the window as it was: all cells are computed before any is added.
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
    collected = collect_rows(extractions, registry, own)
    return {
        table: [dict(zip(names[table], row, strict=True)) for row in rows]
        for table, rows in collected.items()
    }


def collect_rows(
    extractions: Iterable[TrialExtraction],
    registry: Registry,
    fields: tuple[CustomField, ...],
) -> dict[str, list[Row]]:
    """Return the rows of all tables in memory, by table."""
    tables: dict[str, list[Row]] = {}
    for table in list_tables(fields):
        tables[table.name] = []
    for extraction in map(complete_gold, extractions):
        for name, row in find_rows(extraction, registry, fields):
            tables[name].append(row)
    return tables


def complete_gold(extraction: TrialExtraction) -> TrialExtraction:
    """Return gold, whose criteria have no evidence, with what an extraction has there: whom each
    of them admits. An extraction whose criteria all have evidence is returned unchanged.
    """
    if all(criterion.evidence for criterion in extraction.eligibility.criteria):
        return extraction
    from extractor.concepts.limits.admission import describe_gold  # noqa: PLC0415 - it loads the rules

    return describe_gold(extraction)


def _walk(
    table: Table, item: Any, keys: Row, parent: Json
) -> Iterator[tuple[str, Row]]:
    """Yield the row of an item with the name of its table, then its evidence, then the rows of
    the tables below it. ``keys`` are the cells of the table's key columns, the record's id first;
    ``parent`` is the item above, which some computed cells need.
    """
    cells = [_read_cell(item, column) for column in table.values]
    if table.computed:
        computed = COMPUTED[table.name](item, parent)
        cells += [computed.get(column.name) for column in table.computed]
    yield table.name, (*keys, *cells)
    # The evidence of all tables is in one, by the name of the item.
    if table.item:
        record_id = keys[0]
        # Items stand directly below the record, so their position is the second key.
        item_index = keys[1] if len(keys) > 1 else None
        for index, proof in enumerate(_list_evidence(item)):
            yield "evidence", (record_id, table.item, item_index, index, *proof)
    for below in table.below:
        held = _pick(item, below.path)
        # A single item, such as who may take part, has no position.
        if not below.listed:
            if held is not None:
                yield from _walk(below, held, keys, item)
        # Gold of a user's field may have anything in the place of a list.
        elif isinstance(held, list):
            yield from _walk_list(below, held, keys, item)


def _walk_list(
    table: Table, members: list[Any], keys: Row, parent: Json
) -> Iterator[tuple[str, Row]]:
    """Yield the rows of the members of a list. Their keys are the ``keys`` of the item that holds
    the list, their position, and, of a user's values, the path of the item to which each belongs.
    """
    # The keys of a table are those of its parent, the position, and perhaps "of".
    behind_position = table.keys[len(keys) + 1 :]
    for index, member in enumerate(members):
        further = [_pick(member, key.path) for key in behind_position]
        own_keys = (*keys, index, *further)
        yield from _walk(table, member, own_keys, parent)


def _read_cell(item: Any, column: Column) -> Any:
    """Return the cell of an item in a column: a list of texts as one text, and the column's
    default where the item has none.
    """
    cell = _pick(item, column.path)
    if cell is None:
        return column.default
    if not isinstance(cell, list):
        return cell
    return "|".join(show_line(str(part)) for part in cell)


def _list_evidence(item: Json) -> Iterator[list[Any]]:
    """Yield the cells of each piece of an item's evidence, but those of gold."""
    names = [column.path[0] for column in list_tables()[-1].values]
    for piece in item.get("evidence") or ():
        # The evidence of gold stands in no section.
        if piece["section"]:
            yield [piece.get(name) for name in names]


def _pick(value: Any, path: tuple[str, ...]) -> Any:
    """Return the value at a path; None if there is none."""
    for name in path:
        # gold of an own field may be as a person writes
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _plan_own(field: CustomField, name: str, names: set[str]) -> Table:
    """Return the table of a user's own field, with the tables of its lists below it. Attributes
    may have any names: a name that another column or table has already gets underscores.
    ``names`` are those of the tables so far, in small letters; the new ones are added.
    """
    task = field.of.task if field.group.of else None
    model_fields = CustomItem.model_fields
    of_meaning = model_fields["of"].description or ""
    calibrated_meaning = model_fields["calibrated"].description or ""
    index_meaning = "Position among the field's values in the record, from 0."
    keys = (
        _RECORD_KEY,
        Column("item_index", index_meaning, "integer"),
        Column("of", of_meaning, path=("of",)),
    )
    of_items, _ = _plan(ExtractedItem, (), None)
    calibrated = Column("calibrated", calibrated_meaning, "boolean", ("calibrated",))
    provenance = (*of_items, calibrated)
    planned, lists = _plan(make_model(field), keys, task)
    taken = {column.name for column in (*keys, *provenance)}
    values = _adapt(planned, taken, ("values",))
    below = []
    for listed in lists:
        taken = {key.name for key in keys}
        position = listed.keys[-1]
        index = replace(position, name=_find_free(position.name, taken))
        table = replace(
            listed,
            name=_find_free(f"{name}_{listed.path[0]}", names),
            task=task,
            keys=(*keys, index),
            values=_adapt(listed.values, taken),
            path=("values", *listed.path),
        )
        below.append(table)
    return Table(
        name,
        task,
        keys,
        (*values, *provenance),
        ("custom", field.name),
        listed=True,
        item=name,
        below=tuple(below),
    )


def _adapt(
    columns: Iterable[Column], taken: set[str], within: tuple[str, ...] = ()
) -> tuple[Column, ...]:
    """Return columns of attributes under free names, with the path ``within`` before theirs.
    Integers become numbers, since a text may state more digits than an integer of a database has.
    ``taken`` are the names of the other columns; the new ones are added.
    """
    adapted = []
    for column in columns:
        name = _find_free(column.name, taken)
        kind = column.kind
        if kind == "integer":
            kind = "number"
        path = within + column.path
        adapted.append(replace(column, name=name, kind=kind, path=path))
    return tuple(adapted)


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
    """Return the columns of a model's fields, and the tables of its lists and of its single items.

    Columns of nested models get a prefix. ``keys`` are the columns of the tables' own keys,
    ``task`` is that of the tables; None for the whole extraction, whose fields name their tasks.
    Evidence, values of the user's own fields, and what other tables have, is left out.
    """
    columns = list[Column]()
    tables = list[Table]()
    for name, field in _list_fields(model):
        inner, listed = _unwrap(field.annotation)
        # All evidence is in one table, and values of the user's own fields have theirs.
        if inner is Evidence or get_origin(inner) is dict:
            continue
        if (model, name) in _LINKED or (model, name) in _IN_NO_TABLE:
            continue
        task_of_field = task
        if task is None and name in set(Task):
            task_of_field = Task(name)
        path = (*prefix, name)
        # Names of sections never hold a bar, so a list of them can be one text.
        is_joined = issubclass(model, Absence | Finding) and inner is str
        if issubclass(inner, ExtractedItem) or (listed and not is_joined):
            tables.append(
                _plan_table(field, inner, path, keys, task_of_field, listed=listed)
            )
        elif issubclass(inner, BaseModel):
            inner_columns, inner_tables = _plan(inner, keys, task_of_field, path)
            columns += inner_columns
            tables += inner_tables
        else:
            column = Column(
                "_".join((*prefix, _name_column(model, name))),
                _describe(field, inner, listed=listed),
                _name_kind(inner),
                path,
                field.default if field.exclude_if else None,
            )
            columns.append(column)
    return tuple(_insert_raw_quote(columns, model, prefix)), tuple(tables)


def _list_fields(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """Return the fields of a model in order; those of provenance, which all items have, last."""
    fields = list(model.model_fields.items())
    if model is not ExtractedItem:
        fields.sort(key=lambda pair: pair[0] in ExtractedItem.model_fields)
    return fields


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
    """Return the table of an item, or of a list of items or texts (``listed``). ``inner`` is the
    type of a row, ``path`` leads to the rows, and ``keys`` are those of the row above. A table of
    items that have evidence has their name there in ``item``.
    """
    title = _TABLES.get(path[-1], path[-1])
    singular = title
    if listed:
        singular = _PLURAL.sub("", title)
        if title == "criteria":
            singular = "criterion"
        keys = (*keys, _make_position(singular))
    values: tuple[Column, ...]
    below: tuple[Table, ...] = ()
    if issubclass(inner, BaseModel):
        values, below = _plan(inner, keys, task)
    else:
        values = (Column(singular, field.description or "", _name_kind(inner)),)
    item = None
    if issubclass(inner, ExtractedItem):
        item = singular
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
    """Return the meaning of a field's column; without one, the words of a closed set, or where to
    find them if they are many. A list stands in one cell.
    """
    meaning = field.description or ""
    if listed:
        return f"{meaning} Joined by |.".strip()
    if meaning or not issubclass(inner, StrEnum):
        return meaning
    words = "see `extractor schema`"
    if len(inner) <= _LONGEST_LIST:
        words = ", ".join(inner)
    return f"{inner.__name__}: {words}."


def _make_position(name: str) -> Column:
    return Column(f"{name}_index", "Position, from 0.", "integer")


def _unwrap(annotation: Any) -> tuple[type, bool]:
    """Return the type without None and annotations, and whether it is the item type of a list."""
    origin = get_origin(annotation)
    if origin is tuple:
        member, *_ = get_args(annotation)
        member_type, _ = _unwrap(member)
        return member_type, True
    if origin in {Union, UnionType}:
        held = [part for part in get_args(annotation) if part is not type(None)]
        if len(held) == 1:
            return _unwrap(held[0])
        # the only union of the schemas is a number
        return float, False
    if hasattr(annotation, "__metadata__"):
        return _unwrap(annotation.__origin__)
    return annotation, False


def _name_kind(inner: type) -> str:
    """Return the kind of a column that has values of a type."""
    # A truth value is an integer in Python, so it comes first.
    for held, kind in ((bool, "boolean"), (int, "integer"), (float, "number")):
        if issubclass(inner, held):
            return kind
    return "text"

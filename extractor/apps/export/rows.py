"""Convert an extraction to the rows of an export's tables."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, NamedTuple

from extractor.apps.export.agents import (
    AgentNamer,
    find_form,
    find_intervention,
    list_mesh_terms,
)
from extractor.apps.export.arms import link_arms, list_arms
from extractor.apps.export.columns import Cells, Row, list_tables
from extractor.apps.export.instruments import name_instrument
from extractor.apps.export.limits import DescribedCriterion, describe_criteria
from extractor.apps.export.people import describe_people
from extractor.apps.export.registered import (
    Registered,
    RegisteredByRecord,
    read_registry,
)
from extractor.apps.export.times import (
    describe_regimen_times,
    describe_times,
    find_cycle_days,
    to_days,
)
from extractor.apps.values import RowKind, ValueRow, find_least, list_values
from extractor.concepts.own.declaration import CustomField, Declared
from extractor.concepts.own.models import read_fields
from extractor.concepts.windows.anchors import classify_anchor
from extractor.concepts.windows.things import list_things
from extractor.language.shown import is_plain, show_line
from extractor.language.units import convert, find_dimension, read_unit
from extractor.schemas import (
    Amount,
    Criterion,
    Endpoint,
    Evidence,
    ExtractedItem,
    Regimen,
    TermKind,
    TimeWindow,
    TrialExtraction,
    TrialRecord,
)

Named = tuple[str, Cells]
"""A table's name with the cells of a row."""
Proofs = Mapping[str, Sequence[Evidence]]
"""The evidence of an item by field."""

_DOSE_UNITS = ("mg", "mL", "Gy", "MBq")
_DAILY = {
    "QD": 1,
    "BID": 2,
    "TID": 3,
    "QID": 4,
    "Q4H": 6,
    "Q6H": 4,
    "Q8H": 3,
    "Q12H": 2,
}
"""How often a dose is given per day."""
_BODY = frozenset({"kg", "m2"})
"""The units that a daily dose may be relative to."""
_OF_VALUES = {
    "field": "path",
    "value": "text",
    "message": "text",
    "kind": "reason",
    "char_start": "start",
    "char_end": "end",
}
"""Columns of values, absences and findings whose name in ``ValueRow`` is different."""
_TERMS = {
    TermKind.CONDITION: "condition_terms",
    TermKind.INTERVENTION: "intervention_terms",
}


class Whole(NamedTuple):
    """An extraction before doubtful values were removed and, for each list that became shorter, the
    positions of the remaining members, by path.
    """

    extraction: TrialExtraction
    places: Mapping[str, tuple[int, ...]]


def find_rows(
    extraction: TrialExtraction,
    registry: RegisteredByRecord = MappingProxyType({}),
    fields: tuple[CustomField, ...] = (),
    whole: Whole | None = None,
) -> Iterator[tuple[str, Row]]:
    """Yield (table name, row) pairs. An empty cell is None, and texts are normalised to one line.

    Args:
        extraction: The extraction.
        registry: The register's data by record.
        fields: The custom fields that have tables.
        whole: The extraction before doubtful values were removed, used to decide which values a
            limit admits: a limit for men must not seem to apply to everybody if the one for women
            was removed.

    >>> extraction = TrialExtraction.model_validate(
    ...     {"record_id": "A", "eligibility": {"sex": "male"}}
    ... )
    >>> [(table, row[:6]) for table, row in find_rows(extraction)][1]
    ('eligibility', ('A', None, None, None, None, 'male'))
    """
    layouts = _lay_out(fields)
    registered = registry.get(extraction.record_id, Registered())
    for name, cells in _list_all(extraction, registered, fields, whole):
        names, texts = layouts[name]
        row = [extraction.record_id, *map(cells.get, names)]
        for place in texts:
            cell = row[place]
            if cell is not None and (type(cell) is not str or not is_plain(cell)):
                row[place] = _clean(cell)
        yield name, tuple(row)
    yield from _list_values(extraction)


def _list_values(extraction: TrialExtraction) -> Iterator[tuple[str, Row]]:
    """Yield the rows of values, absences and findings, which make up half of all rows."""
    record_id = _clean(extraction.record_id)
    counts = dict.fromkeys(RowKind, 0)
    for row in list_values(extraction):
        # The words of values and of choices are already normalised.
        odd = row.section and not is_plain(row.section)
        shown = row._replace(section=_clean(row.section)) if odd else row
        table, read_cells = _choose_reader(row.kind)
        yield table, (record_id, counts[row.kind], *read_cells(shown))
        counts[row.kind] += 1


@cache
def _choose_reader(kind: RowKind) -> tuple[str, Callable[[ValueRow], Row]]:
    """Return the table for a kind of row, and a function that reads the cells after the keys."""
    name = f"{kind}s"
    names = _lay_out(())[name][0][1:]
    return name, attrgetter(*(_OF_VALUES.get(one, one) for one in names))


def _clean(cell: Any) -> str | None:
    if isinstance(cell, str):
        return show_line(str(cell)) or None
    parts = cell if isinstance(cell, tuple) else (cell,)
    return "|".join(show_line(str(part)) for part in parts) or None


@lru_cache(256)
def _lay_out(
    fields: tuple[CustomField, ...],
) -> Mapping[str, tuple[list[str], list[int]]]:
    """Return the columns of each table after the record's, and the indexes of those with text."""
    layouts = {}
    for table in list_tables(fields):
        names = [column.name for column in table.columns]
        kinds = [one.kind for one in table.columns]
        texts = [place for place, kind in enumerate(kinds) if kind == "text"]
        layouts[table.name] = (names[1:], texts)
    return layouts


def tabulate(
    extractions: Iterable[TrialExtraction],
    records: Iterable[TrialRecord] = (),
    fields: Iterable[Declared] | Declared = (),
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of all tables in memory: by table, a list of rows by column.

    ``records`` provide the registered columns. ``fields`` are custom fields, as for ``Extractor``;
    each has a table.

    >>> extraction = TrialExtraction.model_validate(
    ...     {"record_id": "A", "eligibility": {"sex": "male"}}
    ... )
    >>> tabulate([extraction])["eligibility"][0]["sex"]
    'male'
    """
    registry = {record.record_id: read_registry(record) for record in records}
    own = read_fields(fields)
    rows = collect_rows(extractions, registry, own)
    tables = {}
    for table in list_tables(own):
        names = [column.name for column in table.columns]
        cells = rows[table.name]
        tables[table.name] = [dict(zip(names, row, strict=True)) for row in cells]
    return tables


def collect_rows(
    extractions: Iterable[TrialExtraction],
    registry: RegisteredByRecord,
    fields: tuple[CustomField, ...],
) -> dict[str, list[Row]]:
    """Return the rows of all tables in memory, by table."""
    tables: dict[str, list[Row]] = {table.name: [] for table in list_tables(fields)}
    for extraction in extractions:
        for name, row in find_rows(complete_gold(extraction), registry, fields):
            tables[name].append(row)
    return tables


def complete_gold(extraction: TrialExtraction) -> TrialExtraction:
    """Return gold, whose criteria have no evidence, completed with evidence for its limits."""
    if all(criterion.evidence for criterion in extraction.eligibility.criteria):
        return extraction
    from extractor.concepts.limits.admission import describe_gold  # noqa: PLC0415 - it loads the rules

    return describe_gold(extraction)


def _list_all(
    extraction: TrialExtraction,
    registered: Registered,
    fields: tuple[CustomField, ...],
    whole: Whole | None,
) -> Iterator[Named]:
    source = extraction.source.path if extraction.source else None
    yield "records", {**registered.columns, "source_path": source}
    yield from _list_eligibility(extraction, registered, whole)
    yield from _list_dosing(extraction, registered)
    cycle = find_cycle_days(extraction.dosing)
    for index, endpoint in enumerate(extraction.endpoints):
        yield from _list_endpoint({"endpoint_index": index}, endpoint, cycle)
    for own in fields:
        yield from _list_own(extraction, own)


@cache
def _find_key(table: str) -> str:
    """Return a table's last key."""
    return next(one.keys[-1].name for one in list_tables() if one.name == table)


def _number(
    table: str, rows: Iterable[Cells], keys: Cells = MappingProxyType({})
) -> Iterator[Named]:
    """Yield the rows of a table with their parent's keys and their own positions."""
    key = _find_key(table)
    for position, cells in enumerate(rows):
        yield table, {**cells, **keys, key: position}


def _list_eligibility(
    extraction: TrialExtraction, registered: Registered, whole: Whole | None
) -> Iterator[Named]:
    people = extraction.eligibility
    before = whole.extraction.eligibility if whole else people
    sex = people.sex or (registered.columns.get("registered_sex") or "").lower() or None
    described = describe_criteria(before, sex)
    if whole:
        described = list(_pick_kept(described, people.criteria, whole.places))
    yield "eligibility", describe_people(people, registered.columns, described)
    groups = ({**group.__dict__, "group_id": group.id} for group in people.groups)
    yield from _number("groups", groups)
    criteria = zip(people.criteria, described, strict=True)
    for index, (criterion, derived) in enumerate(criteria):
        keys = {"criterion_index": index}
        proofs = _index_evidence(criterion)
        exceptions = tuple(piece.quote for piece in proofs["has_exception"])
        yield (
            "criteria",
            {
                **criterion.__dict__,
                **_place(proofs["quote"]),
                **keys,
                "group_id": criterion.group,
                "exception": exceptions or None,
                "decides": derived.decides,
            },
        )
        limits = [
            {**limit.__dict__, **cells, **_locate(proofs[f"constraints[{at}]"])}
            for at, (limit, cells) in enumerate(
                zip(criterion.constraints, derived.limits, strict=True)
            )
        ]
        yield from _number("constraints", limits, keys)
        for at, window in enumerate(criterion.time_windows):
            of_window = {**keys, "window_index": at}
            pieces = proofs[f"time_windows[{at}]"]
            yield "windows", {**_describe_window(window, pieces), **of_window}
            things = ({"thing": thing} for thing in list_things(window.of or ""))
            yield from _number("window_things", things, of_window)


def _pick_kept(
    described: Sequence[DescribedCriterion],
    kept: Sequence[Criterion],
    places: Mapping[str, tuple[int, ...]],
) -> Iterator[DescribedCriterion]:
    """Yield the derived cells of the criteria and limits that remain."""
    path = "eligibility.criteria"
    for position in places.get(path, range(len(kept))):
        decides, limits = described[position]
        stay = places.get(f"{path}[{position}].constraints", range(len(limits)))
        yield DescribedCriterion(decides, tuple(limits[place] for place in stay))


def _describe_window(window: TimeWindow, pieces: Sequence[Evidence]) -> Cells:
    high = window.model_copy(update={"value": window.value_high})
    anchor = window.anchor
    return {
        **window.__dict__,
        **_locate(pieces),
        "days": to_days(window),
        "days_high": to_days(high) if high.value is not None else None,
        "anchor_class": classify_anchor(anchor) if anchor else None,
        "time_confidence": find_least(
            piece for piece in pieces if piece.field.endswith("]")
        ),
    }


def _list_dosing(
    extraction: TrialExtraction, registered: Registered
) -> Iterator[Named]:
    arms = list_arms(extraction, registered.arms)
    terms = extraction.registered_terms
    interventions = registered.interventions
    namer = AgentNamer(interventions, terms)
    links: list[Cells] = []
    for index, regimen in enumerate(extraction.dosing):
        keys = {"regimen_index": index}
        proofs = _index_evidence(regimen)
        cells = _describe_regimen(regimen, registered)
        name = namer.name(regimen.agent)
        cells = {**cells, **_place(proofs["quote"]), "agent_canonical": name}
        yield "regimens", {**regimen.__dict__, **cells, **keys}
        amounts = []
        for at, amount in enumerate(regimen.amounts):
            pieces = proofs[f"amounts[{at}]"]
            # The arms are in the table of links.
            pieces = [piece for piece in pieces if ".arms" not in piece.field]
            described = _describe_amount(amount, regimen.frequency)
            amounts.append({**described, **_locate(pieces)})
        yield from _number("amounts", amounts, keys)
        links += [{**link._asdict(), **keys} for link in link_arms(regimen, arms)]
    yield from _number("regimen_arms", links)
    yield from _number("arms", (arm._asdict() for arm in arms))
    named = [
        {**one._asdict(), "agent_canonical": namer.name(one.name) if one.name else None}
        for one in interventions
    ]
    yield from _number("interventions", named)
    for kind, table in _TERMS.items():
        rows = list_mesh_terms(terms, kind, interventions)
        yield from _number(table, rows)


def _describe_regimen(regimen: Regimen, registered: Registered) -> Cells:
    """Return a regimen's times, its registered intervention, and its form, which is taken from its
    own words, the intervention's names, or the intervention's description.
    """
    index = find_intervention(regimen.agent, registered.interventions)
    quotes = [regimen.agent, regimen.quote]
    names: Sequence[str] = ()
    descriptions = []
    if index is not None:
        names = registered.interventions[index].names
        descriptions.append(registered.interventions[index].description or "")
    return {
        **describe_regimen_times(regimen),
        **_spread("duration", regimen.duration),
        "intervention_index": index,
        "dosage_form": find_form(quotes, names, descriptions),
    }


def _describe_amount(amount: Amount, frequency: str | None) -> dict[str, Any]:
    """Return the cells of an amount, in its canonical unit and, if it is given daily, per day."""
    cells: dict[str, Any] = {**amount.__dict__}
    unit = read_unit(amount.unit)
    if unit is None:
        return cells
    canonical = _choose_dose_unit(unit)
    cells |= {"unit_ucum": unit, "unit_canonical": canonical}
    # "5 mg/d" is already an amount per day, whatever the frequency.
    of_dose = canonical.removesuffix("/d")
    times = 1 if of_dose != canonical else _DAILY.get(frequency or "", 0)
    whole, *per = of_dose.split("/")
    if whole == "%" or not _BODY.issuperset(per):
        times = 0
    if times:
        cells["daily_unit"] = f"{of_dose}/d"
    for name in ("low", "high"):
        value = cells[name]
        number = None if value is None else convert(value, unit, canonical)
        cells[f"{name}_canonical"] = number
        if times and number:
            cells[f"daily_{name}"] = number * times
    return cells


def _choose_dose_unit(unit: str) -> str:
    """Return the unit for comparing doses of this kind: mg for ug, mg/kg for g/kg."""
    first, *per = unit.split("/")
    dimension = find_dimension(first)[1] if first else None
    for base in _DOSE_UNITS:
        if find_dimension(base)[1] == dimension:
            return "/".join([base, *per])
    return unit


def _list_endpoint(
    keys: Cells, endpoint: Endpoint, cycle: float | None
) -> Iterator[Named]:
    instrument = endpoint.instrument
    key = name_instrument(instrument.name) if instrument else None
    cells = {**_spread("instrument", instrument), "instrument_canonical": key}
    yield "endpoints", {**endpoint.__dict__, **cells, **keys}
    if endpoint.time_points:
        proofs = _index_evidence(endpoint)
        times = describe_times(endpoint, cycle)
        points = enumerate(zip(endpoint.time_points, times, strict=True))
        rows = [
            {**point.__dict__, **time, **_locate(proofs[f"time_points[{at}]"])}
            for at, (point, time) in points
        ]
        yield from _number("time_points", rows, keys)


def _list_own(extraction: TrialExtraction, own: CustomField) -> Iterator[Named]:
    """Yield the rows of a custom field."""
    table = list_tables((own,))[-1]
    for index, item in enumerate(extraction.custom.get(own.name, ())):
        parts: dict[tuple[str, ...], Any] = {}
        for name, value in item.values.items():
            # Limits and times have parts; gold may contain any value instead.
            for part, cell in getattr(value, "__dict__", {None: value}).items():
                parts[(name, part) if part else (name,)] = cell
        own_cells = {one.name: parts.get(one.path) for one in table.values if one.path}
        yield table.name, {**item.__dict__, "item_index": index, **own_cells}


def _spread(name: str, parts: Any) -> Cells:
    """Return the parts of a value as cells, such as ``duration_value`` and ``duration_unit``."""
    members = parts.__dict__ if parts else {}
    return {f"{name}_{part}": value for part, value in members.items()}


def _index_evidence(item: ExtractedItem) -> Proofs:
    """Return an item's evidence by field. Evidence for a part, such as ``constraints[0].value``,
    follows the evidence for the whole.
    """
    proofs = defaultdict[str, list[Evidence]](list)
    # Gold evidence has no section.
    for piece in sorted(item.evidence, key=lambda one: "." in one.field):
        if piece.section:
            proofs[piece.field.partition(".")[0]].append(piece)
    return proofs


def _place(pieces: Sequence[Evidence]) -> Cells:
    """Return the location of the first of several pieces of evidence."""
    names = ("section", "char_start", "char_end", "words")
    for piece in pieces[:1]:
        cells = (piece.section, piece.start, piece.end, piece.quote)
        return dict(zip(names, cells, strict=True))
    return {}


def _locate(pieces: Sequence[Evidence]) -> Cells:
    """Return the location of several pieces of evidence, and their lowest confidence."""
    return {**_place(pieces), "confidence": find_least(pieces)}

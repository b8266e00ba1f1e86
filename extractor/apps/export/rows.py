"""Convert an extraction into rows for the tables of an export."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from itertools import count
from types import MappingProxyType
from typing import NamedTuple

from pydantic import BaseModel

from extractor.apps.export.agents import (
    AgentNamer,
    ArmLink,
    InterventionIndex,
    find_form,
    link_arms,
    list_arms,
    list_mesh_terms,
)
from extractor.apps.export.columns import (
    Cells,
    Row,
    Table,
    list_tables,
    plan_custom_tables,
)
from extractor.apps.export.people import describe_people, find_sex
from extractor.apps.export.registered import (
    Intervention,
    Registered,
    RegisteredByRecord,
)
from extractor.apps.export.times import (
    describe_regimen_times,
    describe_times,
    find_cycle_days,
    list_step_starts,
    measure_step,
    to_days,
)
from extractor.apps.values import RowKind, find_least, list_all_rows
from extractor.face import (
    CustomField,
    CustomFields,
    DescribedCriterion,
    classify_anchor,
    complete_gold,
    convert,
    describe_criteria,
    find_dimension,
    find_instrument_key,
    find_strengths,
    find_substance,
    group_pairs,
    list_things,
    read_table,
    read_unit,
    show_line,
)
from extractor.schemas import (
    Amount,
    Comparator,
    Criterion,
    Endpoint,
    Evidence,
    ExtractedItem,
    Regimen,
    TermKind,
    TimeWindow,
    TrialExtraction,
)

TableRow = tuple[str, Cells]
"""The name of a table, and the cells of one of its rows."""
Proofs = Mapping[str, Sequence[Evidence]]
"""The evidence for an item, keyed by field."""
_DOSE_UNITS = ("mg", "mL", "Gy", "MBq")
"""The canonical units for doses, one for each dimension."""
_NO_MASS = ("%", "Gy")
"""Units that state no amount of substance; the total of a radiotherapy is no dose of a day."""
_BODY_UNITS = frozenset({"kg", "m2"})
"""Units of body measures (weight and surface area) to which a daily dose may refer."""


class Unsifted(NamedTuple):
    """An extraction before doubtful values were removed, and the paths of the removed values."""

    extraction: TrialExtraction
    removed: Set[str]


def find_rows(
    extraction: TrialExtraction,
    registry: RegisteredByRecord = MappingProxyType({}),
    fields: CustomFields = (),
    unsifted: Unsifted | None = None,
) -> Iterator[tuple[str, Row]]:
    """Yield (table name, row) pairs. An empty cell is None, and text is normalised to a single
    line.

    Args:
        extraction: The extraction.
        registry: The register's data by record.
        fields: The custom fields that have tables.
        unsifted: The extraction before doubtful values were removed. It determines which values a
            limit admits, so that a limit for men does not seem to apply to everybody after the
            limit for women has been removed.

    >>> extraction = TrialExtraction.model_validate(
    ...     {"record_id": "A", "eligibility": {"sex": "male"}}
    ... )
    >>> [(table, row[:6]) for table, row in find_rows(extraction)][1]
    ('eligibility', ('A', None, None, None, None, 'male'))
    """
    tables = {table.name: table for table in list_tables(fields)}
    extraction = complete_gold(extraction)
    registered = registry.get(extraction.record_id, Registered())
    numbers = defaultdict[tuple[object, ...], Iterator[int]](count)
    for name, cells in _list_all_rows(extraction, registered, fields, unsifted):
        table = tables[name]
        row = [*map(cells.get, table.names)]
        row[0] = extraction.record_id
        # Rows without a position are numbered within their parent row, such as a criterion.
        last_key = len(table.keys) - 1
        # The last key of a custom field's table is the path of its item.
        is_numbered = last_key not in table.texts
        if is_numbered and row[last_key] is None:
            row[last_key] = next(numbers[name, *row[1:last_key]])
        for place in table.texts:
            cell = row[place]
            if cell is not None:
                row[place] = _write_text(cell)
        yield name, tuple(row)


def _list_value_rows(extraction: TrialExtraction) -> Iterator[TableRow]:
    """Yield the rows of the tables ``values``, ``absences`` and ``findings``. Some of their
    columns have other names than in ``ValueRow``.
    """
    for row in list_all_rows(extraction):
        if row.kind is RowKind.ITEM:
            continue
        text = row.text
        cells = row._asdict() | {
            "field": row.path,
            "value": text,
            "message": text,
            "char_start": row.start,
            "char_end": row.end,
            "kind": row.reason,
        }
        yield f"{row.kind}s", cells


def _write_text(cell: object) -> str | None:
    """Return a cell as text on a single line, or None if it is empty. The members of a tuple are
    joined by |.
    """
    if isinstance(cell, tuple):
        return "|".join(show_line(str(part)) for part in cell) or None
    return show_line(str(cell)) or None


def _list_all_rows(
    extraction: TrialExtraction,
    registered: Registered,
    fields: CustomFields,
    unsifted: Unsifted | None,
) -> Iterator[TableRow]:
    source = None
    if extraction.source:
        source = extraction.source.path
    yield "records", {**registered.columns, "source_path": source}
    yield from _list_eligibility_rows(extraction, registered, unsifted)
    yield from _list_dosing_rows(extraction, registered)
    cycle_days = find_cycle_days(extraction.dosing)
    for index, endpoint in enumerate(extraction.endpoints):
        yield from _list_endpoint_rows(index, endpoint, cycle_days)
    for field in fields:
        yield from _list_custom_rows(extraction, field)
    yield from _list_value_rows(extraction)


def _list_eligibility_rows(
    extraction: TrialExtraction, registered: Registered, unsifted: Unsifted | None
) -> Iterator[TableRow]:
    """Yield the rows of the tables ``eligibility`` and ``groups``, and the rows of the criteria."""
    people = extraction.eligibility
    people_before = people
    if unsifted:
        people_before = unsifted.extraction.eligibility
    described = describe_criteria(people_before, find_sex(people, registered.columns))
    if unsifted:
        described = list(_pick_kept(described, unsifted.removed))
    yield "eligibility", describe_people(people, registered.columns, described)
    for group in people.groups:
        yield "groups", {**group.__dict__, "group_id": group.id}
    criteria = zip(people.criteria, described, strict=True)
    for index, (criterion, derived) in enumerate(criteria):
        yield from _list_criterion_rows(index, criterion, derived)


def _list_criterion_rows(
    index: int, criterion: Criterion, derived: DescribedCriterion
) -> Iterator[TableRow]:
    """Yield the rows of a criterion for the tables ``criteria``, ``constraints``, ``windows`` and
    ``window_things``. ``derived`` contains the derived cells of the criterion and of each limit.
    """
    keys = {"criterion_index": index}
    proofs = _index_evidence(criterion)
    exceptions = tuple(piece.quote for piece in proofs["has_exception"])
    cells = {
        **criterion.__dict__,
        **_locate_first_quote(proofs["quote"]),
        **keys,
        "group_id": criterion.group,
        "exception": exceptions or None,
        "decides": derived.decides,
    }
    yield "criteria", cells
    pairs = zip(criterion.constraints, derived.limits, strict=True)
    for position, (limit, canonical) in enumerate(pairs):
        located = _locate_quotes(proofs[f"constraints[{position}]"])
        yield "constraints", {**limit.__dict__, **canonical, **located, **keys}
    for position, window in enumerate(criterion.time_windows):
        window_keys = {**keys, "window_index": position}
        pieces = proofs[f"time_windows[{position}]"]
        yield "windows", {**_describe_window(window, pieces), **window_keys}
        for thing in list_things(window.of or ""):
            yield "window_things", {"thing": thing, **window_keys}


def _pick_kept(
    described: Iterable[DescribedCriterion], removed: Set[str]
) -> Iterator[DescribedCriterion]:
    """Yield the derived cells of the criteria and limits that remain after doubtful values have
    been removed, given the derived cells of all criteria, and the paths of the removed values.
    """
    for place, criterion in enumerate(described):
        path = f"eligibility.criteria[{place}]"
        if path in removed:
            continue
        whole = f"{path}.constraints"
        limits = tuple(
            limit
            for number, limit in enumerate(criterion.limits)
            if removed.isdisjoint((whole, f"{whole}[{number}]"))
        )
        yield DescribedCriterion(criterion.decides, limits)


def _describe_window(window: TimeWindow, pieces: Sequence[Evidence]) -> Cells:
    """Return the cells of a time window, given its evidence. The evidence for the time itself has
    the field ``time_windows[0]``; evidence for a part has a field such as ``time_windows[0].of``.
    """
    of_time = [piece for piece in pieces if piece.field.endswith("]")]
    cells = {
        **window.__dict__,
        **_locate_quotes(pieces),
        "days": to_days(window),
        "time_confidence": find_least(of_time),
    }
    if window.value_high is not None:
        high = window.model_copy(update={"value": window.value_high})
        cells["days_high"] = to_days(high)
    if window.anchor:
        cells["anchor_class"] = classify_anchor(window.anchor)
    return cells


def _list_intervention_rows(
    interventions: Iterable[Intervention], namer: AgentNamer
) -> Iterator[TableRow]:
    """Yield the rows of the table ``interventions``."""
    for intervention in interventions:
        canonical = intervention.name and namer.name(intervention.name)
        cells = {**intervention._asdict(), "agent_canonical": canonical}
        yield "interventions", cells


def _list_dosing_rows(
    extraction: TrialExtraction, registered: Registered
) -> Iterator[TableRow]:
    """Yield the rows of the tables ``doses``, ``regimens``, ``amounts``, ``regimen_arms``, ``arms``
    and ``interventions``, and of the tables of MeSH terms. ``registered`` contains the registered
    arms and interventions.
    """
    arms = list_arms(extraction, registered.arms)
    arms_by_key = group_pairs((arm.key, (place, arm)) for place, arm in enumerate(arms))
    kinds = (one.kind for one in extraction.findings if one.field.startswith("dosing"))
    findings = tuple(dict.fromkeys(kinds))
    terms = extraction.registered_terms
    positions = InterventionIndex(registered.interventions)
    namer = AgentNamer(registered.interventions, terms)
    receiving = set[object]()
    for regimen, common in _describe_regimens(extraction, registered, positions):
        cells = {
            **common,
            "findings": findings,
            "agent_canonical": namer.name(regimen.agent),
        }
        links = list(link_arms(regimen, arms_by_key))
        receiving.update(link.arm_index for link in links)
        yield "regimens", cells
        amounts = _describe_amounts(regimen)
        for amount in amounts:
            yield "amounts", {**amount, "regimen_index": cells["regimen_index"]}
        yield from _list_dose_rows(regimen, cells, amounts, links)
    for place, arm in enumerate(arms):
        yield "arms", arm._asdict()
        # an arm without a dose has a row, too
        if place not in receiving:
            yield "doses", {"arm_index": place, "arm": arm.label, "findings": findings}
    yield from _list_intervention_rows(registered.interventions, namer)
    for kind in (TermKind.CONDITION, TermKind.INTERVENTION):
        for term in list_mesh_terms(terms, kind, positions):
            yield f"{kind}_terms", term


def _describe_regimens(
    extraction: TrialExtraction, registered: Registered, positions: InterventionIndex
) -> Iterator[tuple[Regimen, Cells]]:
    """Yield each regimen with the cells that its rows in all tables share."""
    gaps = group_pairs(
        (item, f"{field}: {absence.reason}")
        for absence in extraction.absences
        for item, _, field in [absence.field.partition(".")]
    )
    from_days = list_step_starts(extraction.dosing)
    for index, regimen in enumerate(extraction.dosing):
        proofs = _group_by_field(regimen)
        cells = {
            **regimen.__dict__,
            **_describe_regimen(regimen, positions.find(regimen.agent), registered),
            **_locate_first_quote(proofs["quote"]),
            **{f"{name}_confidence": find_least(proofs[name]) for name in [*proofs]},
            **_describe_maxima(regimen),
            **_describe_span(regimen, from_days[index]),
            "regimen_index": index,
            "gaps": tuple(gaps[f"dosing[{index}]"]),
        }
        yield regimen, cells


def _describe_amounts(regimen: Regimen) -> list[Cells]:
    """Return the cells of each amount of a regimen."""
    proofs = _group_by_field(regimen)
    parts = _index_evidence(regimen)
    amounts: list[Cells] = []
    for position, amount in enumerate(regimen.amounts):
        path = f"amounts[{position}]"
        described = _describe_amount(amount, regimen)
        described |= _describe_content(amount, regimen.quote)
        described |= _describe_whom(amount, proofs[f"{path}.condition"])
        if "daily_unit" in described:
            daily = [*proofs[path], *proofs["frequency"]]
            described["daily_confidence"] = find_least(daily)
        # as in `values`, also of its arms
        amounts.append({**described, **_locate_quotes(parts[path])})
    return amounts


def _list_dose_rows(
    regimen: Regimen,
    cells: Cells,
    amounts: Sequence[Cells],
    links: Iterable[ArmLink],
) -> Iterator[TableRow]:
    """Yield what each arm receives of a regimen as a row of ``regimen_arms``, if the arm is known,
    and of ``doses``. A dose is as sure as the least sure of all that its row states.
    """
    proofs = _group_by_field(regimen)
    of_whole: list[Evidence] = []
    for field, pieces in proofs.items():
        is_of_whole = "[" not in field or field.startswith("maximum[")
        if is_of_whole:
            of_whole += pieces
    for link in links:
        amount: Cells = {}
        if link.amount_index is not None:
            amount = amounts[link.amount_index]
        path = f"amounts[{link.amount_index}]"
        of_link = [*proofs[path], *link.evidence]
        of_row = [*of_link, *proofs[f"{path}.condition"], *of_whole]
        dose = {
            **cells,
            **amount,
            **link._asdict(),
            "amount_confidence": find_least(proofs[path]),
            "arm_confidence": find_least(link.evidence),
        }
        if link.arm:
            yield "regimen_arms", {**dose, "confidence": find_least(of_link)}
        yield "doses", {**dose, "confidence": find_least(of_row)}


def _group_by_field(regimen: Regimen) -> defaultdict[str, list[Evidence]]:
    """Return the evidence for a regimen by field; for a part such as ``amounts[0].condition``, it
    is separate from that for the whole.
    """
    return group_pairs((piece.field, piece) for piece in regimen.evidence)


def _describe_regimen(
    regimen: Regimen, index: int | None, registered: Registered
) -> Cells:
    """Return the cells for a regimen's times, its registered intervention, and its dosage form,
    which is taken from the regimen's words, the intervention's names, or the intervention's
    description.
    """
    found = [] if index is None else [registered.interventions[index]]
    names = [name for each in found for name in each.names]
    descriptions = [each.description or "" for each in found]
    cells = {
        **describe_regimen_times(regimen),
        **_name_parts("duration", regimen.duration),
        "intervention_index": index,
        "dosage_form": find_form([regimen.agent, regimen.quote], names, descriptions),
    }
    substance = find_substance(regimen.agent)
    if substance:
        cells |= {"substance": substance.name, "drugbank": substance.number}
    return cells


def _describe_span(regimen: Regimen, from_day: float | None) -> Cells:
    """Return the cells for the days between which a step is given."""
    days = measure_step(regimen)
    to_day = None
    if days is not None and from_day is not None:
        to_day = from_day + days
    return {
        "from_day": from_day,
        "to_day": to_day,
        "total_days": to_days(regimen.total_duration),
    }


def _describe_maxima(regimen: Regimen) -> Cells:
    """Return the cells for the maxima of a regimen, those in the unit of the first as numbers."""
    if not regimen.maximum:
        return {"maximum": None}
    unit = regimen.maximum[0].unit
    cells: dict[str, object] = {
        f"maximum_{cap.per}": cap.value for cap in regimen.maximum if cap.unit == unit
    }
    of_maxima = [
        piece for piece in regimen.evidence if piece.field.startswith("maximum[")
    ]
    return cells | {
        "maximum": tuple(map(str, regimen.maximum)),
        "maximum_unit": unit,
        "maximum_confidence": find_least(of_maxima),
    }


_SIDES = {
    Comparator.AT_LEAST: ("at_least",),
    Comparator.MORE: ("more_than",),
    Comparator.AT_MOST: ("at_most",),
    Comparator.LESS: ("less_than",),
    Comparator.EQUAL: ("at_least", "at_most"),
}
"""The columns of a limit in a condition, by its comparator. A range has both ends."""


def _describe_whom(amount: Amount, pieces: Sequence[Evidence]) -> dict[str, object]:
    """Return the cells for those whom an amount is for: the numbers of all limits that have the
    unit of the first.
    """
    if not amount.condition:
        return {}
    cells: dict[str, object] = {"condition_confidence": find_least(pieces)}
    for limit in amount.limits:
        if limit.unit != amount.limits[0].unit:
            continue
        cells["condition_unit"] = limit.unit
        if limit.comparator is Comparator.BETWEEN:
            cells["condition_at_least"] = limit.value
            cells["condition_at_most"] = limit.value_high
            continue
        for side in _SIDES[limit.comparator]:
            cells[f"condition_{side}"] = limit.value
    return cells


def _describe_amount(amount: Amount, regimen: Regimen) -> dict[str, object]:
    """Return the cells for an amount, including the amount in its canonical unit and the amount per
    day, with a note that it is an average, that it may be given with pauses, or why there is none.
    """
    frequency = regimen.frequency
    cells: dict[str, object] = {**amount.__dict__, "daily_note": "unknown unit"}
    unit = read_unit(amount.unit)
    if unit is None:
        return cells
    canonical = _choose_dose_unit(unit)
    dose_unit = canonical.removesuffix("/d")
    doses, days = read_table("dose_rates").get(frequency or "none", (0, 0))
    # "5 mg/d" is already an amount per day, whatever the frequency.
    if dose_unit != canonical:
        doses = days = 1
    mass, *per = dose_unit.split("/")
    note: str | None = "no regular frequency" if frequency else "no frequency"
    # A concentration such as mg/mL or a percentage does not state an amount.
    if mass in _NO_MASS or not _BODY_UNITS.issuperset(per):
        doses = 0
        note = "no amount of substance"
    elif regimen.as_needed:
        doses = 0
    elif doses:
        cells["daily_unit"] = f"{dose_unit}/d"
        note = None
        if days > 1:
            note = "on average"
        if _may_pause(regimen, days):
            note = "while given"
    cells |= {"unit_ucum": unit, "unit_canonical": canonical, "daily_note": note}
    for name in ("low", "high"):
        value: float | None = getattr(amount, name)
        if value is None:
            continue
        number = convert(value, unit, canonical)
        cells[f"{name}_canonical"] = number
        if number and doses:
            cells[f"daily_{name}"] = round(number * doses / days, 6)
    return cells


def _may_pause(regimen: Regimen, days: int) -> bool:
    """Return whether a regimen may pause, so that its rhythm, with a dose in this number of days,
    holds only while it is given: "twice daily on days 1-14 of each 21-day cycle".
    """
    cycle_days = to_days(regimen.cycle) or 0
    names_days = "day" in (regimen.timing or "").lower()
    return cycle_days > days or (days == 1 and names_days)


def _describe_content(amount: Amount, quote: str | None) -> dict[str, object]:
    """Return the cells for the amount of substance in a volume, from the only strength in the words
    of the regimen, or a note why there is none.
    """
    if read_unit(amount.unit) != "mL":
        return {}
    strengths = find_strengths(quote or "")
    if len(strengths) != 1:
        return {"content_note": "several strengths" if strengths else "no strength"}
    ((strength, unit),) = strengths
    volumes = {"content_low": amount.low, "content_high": amount.high}
    contents = {
        name: round(volume * strength, 6)
        for name, volume in volumes.items()
        if volume is not None
    }
    return {"content_unit": unit, **contents}


@lru_cache(maxsize=4096)
def _choose_dose_unit(unit: str) -> str:
    """Return the unit in which doses with this unit are compared: mg for ug, or mg/kg for g/kg. A
    unit of another dimension, such as ``[IU]``, is returned unchanged.
    """
    first, *per = unit.split("/")
    dimension = None
    if first:
        dimension = find_dimension(first)[1]
    for base in _DOSE_UNITS:
        if find_dimension(base)[1] == dimension:
            return "/".join([base, *per])
    return unit


def _list_endpoint_rows(
    index: int, endpoint: Endpoint, cycle_days: float | None
) -> Iterator[TableRow]:
    """Yield the rows of an endpoint for the tables ``endpoints`` and ``time_points``.
    ``cycle_days`` is the length of the trial's cycles, which is needed to convert "up to 6 cycles"
    to days.
    """
    keys = {"endpoint_index": index}
    instrument = endpoint.instrument
    cells = {**endpoint.__dict__, **_name_parts("instrument", instrument), **keys}
    if instrument:
        cells["instrument_canonical"] = find_instrument_key(instrument.name)
    yield "endpoints", cells
    proofs = _index_evidence(endpoint)
    pairs = zip(endpoint.time_points, describe_times(endpoint, cycle_days), strict=True)
    for position, (point, days) in enumerate(pairs):
        located = _locate_quotes(proofs[f"time_points[{position}]"])
        yield "time_points", {**point.__dict__, **days, **located, **keys}


def _list_custom_rows(
    extraction: TrialExtraction, field: CustomField
) -> Iterator[TableRow]:
    """Yield the rows of a custom field, and those of its lists of nested objects. An attribute with
    several parts, such as the limit ``cutoff``, has a cell for each part (``cutoff_value``,
    ``cutoff_unit``).
    """
    main, *nested = plan_custom_tables(field)
    for index, item in enumerate(extraction.custom.get(field.name, ())):
        keys = {"item_index": index}
        cells = _read_cells(item.values, main)
        yield main.name, {**item.__dict__, **keys, **cells}
        for table in nested:
            names = [key.name for key in table.keys[2:]]
            for path, positions, member in _find_nested_objects(
                item.values, table.path
            ):
                place = dict(zip(names, positions, strict=True))
                cells = _read_cells(member, table)
                sure = find_least(item.evidence_for(path))
                yield table.name, {"confidence": sure, **cells, **keys, **place}


def _find_nested_objects(
    values: object, names: Sequence[str], path: str = "values"
) -> Iterator[tuple[str, tuple[int, ...], object]]:
    """Yield a (path, positions, member) triple for each nested object. ``names`` lead to the list,
    and ``positions`` contains the object's position in each list on the way.
    """
    if not names:
        yield path, (), values
        return
    name, *rest = names
    value = _read_part(values, name)
    path = f"{path}.{name}"
    if not isinstance(value, tuple):
        # a single object on the way to the list
        if rest:
            yield from _find_nested_objects(value, rest, path)
        return
    for position, member in enumerate(value):
        for place, inner, found in _find_nested_objects(
            member, rest, f"{path}[{position}]"
        ):
            yield place, (position, *inner), found


def _read_cells(values: object, table: Table) -> Cells:
    """Return the cells of a custom value or of a nested object."""
    cells = {}
    for column in table.values:
        if not column.path:
            continue
        cell = values
        for name in column.path:
            cell = _read_part(cell, name)
        has_parts = isinstance(cell, dict | BaseModel)
        # a limit has a column for each of its parts instead
        if not has_parts:
            cells[column.name] = cell
    return cells


def _read_part(value: object, name: str) -> object:
    """Return a part of a nested object or of a value; None for a value without parts."""
    if isinstance(value, dict):
        return value.get(name)
    return getattr(value, "__dict__", {}).get(name)


def _name_parts(name: str, parts: object) -> Cells:
    """Return the parts of a value as cells, such as ``duration_value`` and ``duration_unit``."""
    if not parts:
        return {}
    return {f"{name}_{part}": value for part, value in parts.__dict__.items()}


def _index_evidence(item: ExtractedItem) -> Proofs:
    """Return an item's evidence, keyed by field. Evidence for a part, such as
    ``constraints[0].condition``, is included, after the evidence for the whole field.
    """
    pieces = sorted(item.evidence, key=lambda evidence: "." in evidence.field)
    # evidence in gold does not have a section
    return group_pairs(
        (piece.field.partition(".")[0], piece) for piece in pieces if piece.section
    )


def _locate_first_quote(pieces: Sequence[Evidence]) -> Cells:
    """Return the location of the first of several pieces of evidence. Without evidence, no cells
    are returned.
    """
    if not pieces:
        return {}
    first = pieces[0]
    return {
        "section": first.section,
        "char_start": first.start,
        "char_end": first.end,
        "words": first.quote,
    }


def _locate_quotes(pieces: Sequence[Evidence]) -> Cells:
    """Return the location of several pieces of evidence, and their lowest confidence."""
    return {**_locate_first_quote(pieces), "confidence": find_least(pieces)}

"""Compute the columns of an export that no field is: canonical units, days, registered fields,
values of own fields.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from extractor.apps.export.arms import read_arms
from extractor.apps.export.instruments import name_instrument
from extractor.apps.export.interventions import read_interventions
from extractor.apps.export.people import read_registered
from extractor.assembly.assemble import list_terms
from extractor.concepts.criteria.exceptions import FIELD as EXCEPTION
from extractor.concepts.doses.explained import find_explained
from extractor.concepts.own.value_forms import show_value
from extractor.concepts.people.registered_ages import AGES
from extractor.language.book import read_table
from extractor.language.shown import show_line
from extractor.language.units import convert, find_dimension, read_unit
from extractor.schemas import (
    FieldRef,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.values import list_values

Row = tuple[Any, ...]
Json = Mapping[str, Any]

CUSTOM = "custom_values"
"""The table of all values of the user's own fields."""
ADDED = "added"
"""The key under which ``find_rows`` adds what an item alone does not tell: cells by column."""
_DOSE_UNITS = ("mg", "mL", "Gy", "MBq")
_NO_AGENTS = ("eligibility", "primary_outcomes", "secondary_outcomes", "other_outcomes")
"""Sections in which few agents of the trial are explained."""
_BODY = frozenset({"kg", "m2"})
"""What a dose may be counted by, beside days."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``kind`` is text, integer, number (which may have a fraction) or
    boolean.

    ``path`` leads to its value in the item of a row; it is empty for keys and computed columns.
    ``default`` is the value where the item's JSON leaves it out. A text ``is_link`` if it leads to
    another file.
    """

    name: str
    meaning: str
    kind: str = "text"
    path: tuple[str, ...] = ()
    default: bool | None = None
    is_link: bool = False


@cache
def list_columns(table: str) -> tuple[Column, ...]:
    """Return the columns of a table that are not fields of a model, as ``columns.toml`` describes
    them.

    >>> [column.kind for column in list_columns("amounts")]
    ['text', 'text', 'number', 'number', 'number', 'number', 'text', 'number']
    """
    tables = tomllib.loads(Path(__file__).with_name("columns.toml").read_text("utf-8"))
    columns = []
    for name, described in tables.get(table, {}).items():
        # A column of text has its meaning alone; others have their kind before it.
        if isinstance(described, str):
            columns.append(Column(name, described))
        else:
            columns.append(Column(name, *reversed(described)))
    return tuple(columns)


def read_registry(record: TrialRecord) -> Json:
    """Return the registered fields of a record by column, for ``records`` and ``eligibility``.

    With them come its ``arms``, its ``interventions``, its ``terms`` and the abbreviations that it
    explains.
    """
    fields = record.registry
    title = record.raw_text("title") or record.raw_text("official_title") or ""
    # A condition stands on a line of its own.
    conditions = filter(str.strip, (record.raw_text("conditions") or "").split("\n"))
    written = fields.enrollment or ""
    enrolment = None
    # More digits would not fit into an integer of a database.
    if written.isdecimal() and len(written) < 19:
        enrolment = int(written)
    ages = {}
    for name in AGES:
        age = read_registered(name, fields.text(name) or "")
        days = age and to_days(age.model_dump())
        ages[f"registered_{name}_days"] = days
    explained = find_explained(
        section.text
        for section in record.sections
        if not section.name.startswith(_NO_AGENTS)
    )
    return {
        "title": " ".join(title.split()) or None,
        "conditions": "|".join(conditions) or None,
        "study_type": fields.study_type,
        "phases": fields.text("phases"),
        "enrolment": enrolment,
        "enrolment_type": fields.enrollment_type,
        "registered_minimum_age": fields.minimum_age,
        "registered_maximum_age": fields.maximum_age,
        "registered_sex": fields.sex,
        "registered_healthy_volunteers": read_registered(
            "healthy_volunteers", fields.healthy_volunteers or ""
        ),
        **ages,
        "status": fields.status,
        "allocation": fields.allocation,
        "intervention_model": fields.assignment,
        "masking": fields.masking,
        "who_masked": fields.text("who_masked"),
        "primary_purpose": fields.primary_purpose,
        "start_date": fields.start_date,
        "primary_completion_date": fields.primary_completion_date,
        "completion_date": fields.completion_date,
        "sponsor": fields.sponsor,
        "arms": read_arms(record),
        "interventions": read_interventions(record),
        "terms": list_terms(record),
        "explained": explained,
    }


def list_evidence(item: Json, name: str, member: Json) -> list[Json]:
    """Return the evidence of ``member``, an object in the list ``name`` of an item, and then that
    of its parts: of ``constraints[0]``, then of ``constraints[0].value``.
    """
    index = 0
    # The same object: an equal member may stand before it.
    while item[name][index] is not member:
        index += 1
    field = f"{name}[{index}]"
    of_member: list[Json] = []
    of_parts: list[Json] = []
    for piece in item.get("evidence") or ():
        if piece["field"] == field:
            of_member.append(piece)
        elif piece["field"].startswith(f"{field}."):
            of_parts.append(piece)
    return of_member + of_parts


def find_least(pieces: Sequence[Json]) -> float | None:
    """Return the least confidence of pieces of evidence; None if none has one."""
    least: float | None = None
    for piece in pieces:
        confidence = piece["confidence"]
        if confidence is None:
            continue
        if least is None or confidence < least:
            least = confidence
    return least


def _compute_amount(amount: Json, regimen: Json) -> Json:
    """Return the cells of an amount: its confidence; with a unit that is known, also its numbers
    in the canonical unit, and those of a day if it is given daily.
    """
    pieces = list_evidence(regimen, "amounts", amount)
    # Arms are no part of the amount: the table ``regimen_arms`` has them.
    of_amount = [piece for piece in pieces if ".arms" not in piece["field"]]
    confidence = {"confidence": find_least(of_amount)}
    unit = read_unit(amount["unit"]) if amount.get("unit") else None
    if unit is None:
        return confidence
    target = _choose_dose_unit(unit)
    converted = {}
    for name in ("low", "high"):
        if amount.get(name) is not None:
            number = convert(amount[name], unit, target)
            converted[f"{name}_canonical"] = number
    return {
        **confidence,
        **converted,
        "unit_ucum": unit,
        "unit_canonical": target,
        **_compute_daily(converted, target, regimen),
    }


def _choose_dose_unit(unit: str) -> str:
    """Return the unit in which doses of this kind are compared: mg for ug, mg/kg for g/kg. A unit
    of another kind stays.
    """
    first, *per = unit.split("/")
    if not first:
        return unit
    dimension = find_dimension(first)[1]
    for base in _DOSE_UNITS:
        if find_dimension(base)[1] == dimension:
            return "/".join([base, *per])
    return unit


def _compute_daily(
    canonical: Mapping[str, float | None], unit: str, regimen: Json
) -> dict[str, Any]:
    """Return the amounts of a day on which it is given: times its daily frequency, or as it is
    in a unit per day; nothing for "%", for what is counted by anything but the body, and for
    what is not given daily.
    """
    whole, *per = unit.split("/")
    factor = _count_daily(regimen.get("frequency"))
    # "5 mg/d" is of a day already, however often it is given.
    if per[-1:] == ["d"]:
        per = per[:-1]
        factor = 1
    if not factor or whole == "%":
        return {}
    if not _BODY.issuperset(per):
        return {}
    cells: dict[str, Any] = {}
    for name, number in canonical.items():
        if number:
            cells[f"daily_{name.removesuffix('_canonical')}"] = number * factor
    cells["daily_unit"] = "/".join([whole, *per, "d"])
    return cells


def _count_daily(frequency: str | None) -> float:
    """Return how often a dose is given on a day; 0 for what is not daily, such as weekly."""
    repeat = read_table("fhir")["repeats"].get(frequency)
    if repeat is None:
        return 0
    number, period, unit = repeat
    times: float = number
    if unit == "h":
        return times * 24 / float(period)
    if unit == "d" and period == 1:
        return times
    return 0


def to_days(period: Json | None) -> float | None:
    """Return a value with a unit of time in days; None without one, and for half-lives and cycles.

    >>> to_days({"value": 2, "unit": "week"}), to_days({"value": 2, "unit": "cycle"})
    (14.0, None)
    """
    if not period or not period.get("unit"):
        return None
    unit = read_unit(period["unit"])
    if not unit:
        return None
    return convert(period["value"], unit, "d")


def list_custom_rows(extraction: TrialExtraction) -> Iterator[Row]:
    """Yield the rows of the table ``custom_values``: one for each value, with its canonical form
    and its proof.

    >>> from extractor.schemas import CustomItem, Eligibility, Quantity
    >>> item = CustomItem(
    ...     values={"value": Quantity(comparator="<", value=2, unit="week")}
    ... )
    >>> said = TrialExtraction(
    ...     record_id="A", eligibility=Eligibility(), custom={"washout": (item,)}
    ... )
    >>> row = dict(
    ...     zip(
    ...         (column.name for column in list_columns(CUSTOM)),
    ...         next(list_custom_rows(said)),
    ...         strict=True,
    ...     )
    ... )
    >>> row["text"], row["number_canonical"], row["unit_canonical"]
    ('< 2 week', 14.0, 'd')
    """
    names = [column.name for column in list_columns(CUSTOM)]
    for field, items in extraction.custom.items():
        for index, item in enumerate(items):
            is_calibrated = None if item.confidence is None else item.calibrated
            for value in list_values(field, item):
                # Origin, support and confidence are those of the first words, or of the item.
                proof = value.evidence[0] if value.evidence else item
                proven = proof.model_dump(mode="json")
                cells = {
                    "attribute": value.name,
                    "value_index": FieldRef(value.path).position,
                    "char_start": proven.get("start"),
                    "char_end": proven.get("end"),
                    "text": show_value(value.value),
                    **proven,
                    "record_id": extraction.record_id,
                    "field": field,
                    "item_index": index,
                    "of": item.of,
                    "calibrated": is_calibrated,
                    **_measure(value.value),
                }
                yield tuple(map(cells.get, names))


_HOUR = 0.04
"""The least part of a day that is shown in days. A QT interval stays in milliseconds."""


def _measure(value: Any) -> dict[str, Any]:
    """Return the cells of a value: its truth, its number, or its comparator, numbers and unit, as
    written and in the canonical unit; none for a text or a value without a unit.

    The canonical unit is days for hours and longer times, else the unit itself: which other unit
    is usual depends on what is measured, and that is not known here.
    """
    if isinstance(value, bool):
        return {"truth": value}
    if isinstance(value, int | float):
        return {"number": value}
    if not isinstance(value, BaseModel):
        return {}
    parts = value.model_dump(mode="json")
    if "unit" not in parts:
        return {}
    ends = {
        "number": parts.get("value", parts.get("low")),
        "number_high": parts.get("value_high", parts.get("high")),
    }
    measured = {
        **ends,
        "comparator": parts.get("comparator"),
        "unit": parts["unit"],
    }
    unit = read_unit(parts["unit"]) if parts["unit"] else None
    if unit is None:
        return measured
    # A QT interval stays in milliseconds.
    canonical = "d" if _is_long_time(unit) else unit
    for name, number in ends.items():
        if number is not None:
            measured[f"{name}_canonical"] = convert(number, unit, canonical)
    measured["unit_canonical"] = canonical
    return measured


def _is_long_time(unit: str) -> bool:
    """Return whether a unit is of time, an hour or longer."""
    if find_dimension(unit)[1] != find_dimension("d")[1]:
        return False
    return (convert(1, unit, "d") or 0) >= _HOUR


def _join_exceptions(criterion: Json) -> str | None:
    """Return the words of the exceptions of a criterion, joined by bars; None without any."""
    pieces = criterion.get("evidence") or ()
    quotes = [piece["quote"] for piece in pieces if piece["field"] == EXCEPTION]
    return "|".join(map(show_line, quotes)) or None


def find_instrument(endpoint: Json) -> str | None:
    """Return the key of the instrument that an endpoint names; None if it names none."""
    instrument = endpoint.get("instrument")
    if not instrument:
        return None
    texts = (endpoint.get("measure"), endpoint.get("description"))
    return name_instrument(instrument["name"], " ".join(filter(None, texts)))


COMPUTED: Mapping[str, Callable[[Json, Json], Json]] = {
    "records": lambda record, _: record[ADDED],
    "eligibility": lambda people, extraction: (
        extraction[ADDED] | {f"{name}_days": to_days(people.get(name)) for name in AGES}
    ),
    "criteria": lambda criterion, _: {
        **criterion[ADDED],
        "exception": _join_exceptions(criterion),
        "time_window_days": to_days(criterion.get("time_window")),
    },
    "endpoints": lambda endpoint, _: {
        "instrument_canonical": find_instrument(endpoint)
    },
    "constraints": lambda limit, _: limit[ADDED],
    "windows": lambda window, _: window[ADDED],
    "window_things": lambda thing, _: thing,
    "bounds": lambda bound, _: bound,
    "regimens": lambda regimen, _: regimen[ADDED],
    "amounts": _compute_amount,
    "time_points": lambda point, _: point[ADDED],
    "arms": lambda arm, _: arm,
    "interventions": lambda intervention, _: intervention,
    "regimen_arms": lambda link, _: link,
    "condition_terms": lambda term, _: term,
    "intervention_terms": lambda term, _: term,
}
"""Computes the last columns of a table, by name, from a row's item and the item above it."""

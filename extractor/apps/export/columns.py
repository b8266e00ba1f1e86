"""Compute the columns of an export that no field is: canonical units, days, registered fields,
values of own fields.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from extractor.apps.export.arms import read_arms
from extractor.apps.export.interventions import read_interventions
from extractor.apps.export.people import read_registered
from extractor.assembly.assemble import list_terms
from extractor.concepts.limits.quantity_names import (
    KnownQuantity,
    find_loinc,
    get_quantity,
    name_quantity,
)
from extractor.concepts.own.value_forms import show_value
from extractor.concepts.people.registered_ages import AGES
from extractor.language.book import read_table
from extractor.language.units import convert, find_dimension, read_unit
from extractor.schemas import (
    Comparator,
    CriterionKind,
    FieldRef,
    Sex,
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
_BODY = frozenset({"kg", "m2"})
"""What a dose may be counted by, beside days."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``kind`` is text, integer, number (which may have a fraction) or
    boolean.

    ``path`` leads to its value in the item of a row; it is empty for keys and computed columns.
    ``default`` is the value where the item's JSON leaves it out.
    """

    name: str
    meaning: str
    kind: str = "text"
    path: tuple[str, ...] = ()
    default: bool | None = None


@cache
def list_columns(table: str) -> tuple[Column, ...]:
    """Return the columns of a table that are not fields of a model, as ``columns.toml`` describes
    them.

    >>> [column.kind for column in list_columns("amounts")]
    ['text', 'text', 'number', 'number', 'number', 'number', 'text', 'number']
    """
    known = tomllib.loads(
        Path(__file__).with_name("columns.toml").read_text("utf-8")
    ).get(table, {})
    parts = (
        (name, [given] if isinstance(given, str) else given[::-1])
        for name, given in known.items()
    )
    return tuple(Column(name, *given) for name, given in parts)


def read_registry(record: TrialRecord) -> Json:
    """Return the registered fields of a record by column, for ``records`` and ``eligibility``.

    With them come its ``arms``, its ``interventions`` and its ``terms``.
    """
    fields = record.registry
    enrolment = fields.enrollment or ""
    title = record.raw_text("title") or record.raw_text("official_title") or ""
    conditions = filter(str.strip, (record.raw_text("conditions") or "").split("\n"))
    ages = {name: read_registered(name, fields.text(name) or "") for name in AGES}
    return {
        "title": " ".join(title.split()) or None,
        "conditions": "|".join(conditions) or None,
        "study_type": fields.study_type,
        "phases": fields.text("phases"),
        "enrolment": int(enrolment)
        if enrolment.isdecimal() and len(enrolment) < 19
        else None,
        "enrolment_type": fields.enrollment_type,
        "registered_minimum_age": fields.minimum_age,
        "registered_maximum_age": fields.maximum_age,
        "registered_sex": fields.sex,
        "registered_healthy_volunteers": read_registered(
            "healthy_volunteers", fields.healthy_volunteers or ""
        ),
        **{
            f"registered_{name}_days": age and _to_days(age.model_dump())
            for name, age in ages.items()
        },
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
    }


_SURFACE = "{1.73_m2}"
"""The body surface to which an estimated filtration rate refers, written or not."""


class CanonicalLimit(NamedTuple):
    """A limit in the vocabulary of quantities, by column. ``columns.toml`` says what each holds."""

    quantity_canonical: str | None = None
    laboratory: bool | None = None
    loinc: str | None = None
    unit_ucum: str | None = None
    unit_canonical: str | None = None
    value_canonical: float | None = None
    value_high_canonical: float | None = None
    canonical_note: str | None = None


def name_limit(limit: Json, known: str | None = None) -> CanonicalLimit:
    """Return the canonical form of a limit, or what is known of it and why there is none.

    ``known`` is its quantity where the words around it named that, and its own words do not.
    """
    written = limit.get("unit")
    value = limit["value"]
    unit = read_unit(written) if written else None
    if known:
        quantity = get_quantity(known)
    elif found := name_quantity(limit.get("quantity") or "", unit, value=value):
        quantity = found
    else:
        return CanonicalLimit(unit_ucum=unit, canonical_note="no quantity")
    named = CanonicalLimit(quantity.name, quantity.laboratory)
    if written and unit is None:
        return named._replace(canonical_note="unknown unit")
    ends = [one for one in (value, limit.get("value_high")) if one is not None]
    used = unit or next(filter(None, map(quantity.infer_unit, reversed(ends))), None)
    named = named._replace(
        loinc="|".join(find_loinc(quantity, used)) or None, unit_ucum=used
    )
    if used is None:
        return named._replace(canonical_note="no unit")
    return _convert_ends(named, quantity, ends, used)


def _convert_ends(
    named: CanonicalLimit, quantity: KnownQuantity, ends: Sequence[float], unit: str
) -> CanonicalLimit:
    """Add the ends of a limit in the quantity's own unit, or why there are none."""
    values = [
        one for end in ends if (one := quantity.to_canonical(end, unit)) is not None
    ]
    if len(values) < len(ends):
        return named._replace(canonical_note="no conversion")
    if not all(map(quantity.is_possible, values)):
        return named._replace(canonical_note="implausible")
    low, high = (*values, None)[:2]
    is_surface_assumed = (_SURFACE in unit) is not (_SURFACE in quantity.unit)
    return named._replace(
        unit_canonical=quantity.unit,
        value_canonical=low,
        value_high_canonical=high,
        canonical_note="usual body surface" if is_surface_assumed else None,
    )


def read_admitted(limit: Json, criterion: Json) -> str | None:
    """Return the comparator of the values that the criterion admits.

    Return None if the criterion is negated, has an exception, or is a demand among the exclusions.

    >>> [
    ...     read_admitted({"comparator": "<"}, {"kind": kind})
    ...     for kind in ("inclusion", "exclusion")
    ... ]
    ['<', '>=']
    """
    if any(criterion.get(name) for name in ("negated", "has_exception", "demanded")):
        return None
    comparator = Comparator(limit["comparator"])
    if criterion["kind"] == CriterionKind.INCLUSION:
        return comparator.value
    if comparator.opposite:
        return comparator.opposite.value
    return "outside" if comparator is Comparator.BETWEEN else "<>"


def _list_evidence(item: Json, name: str, member: Json) -> list[Json]:
    """Return the evidence of a member of the list ``name`` of an item, and then that of its
    parts.
    """
    index = next(place for place, one in enumerate(item[name]) if one is member)
    known = item.get("evidence") or ()
    field = f"{name}[{index}]"
    return [
        *(piece for piece in known if piece["field"] == field),
        *(piece for piece in known if piece["field"].startswith(f"{field}.")),
    ]


def _find_least(pieces: Sequence[Json]) -> float | None:
    return min(
        (piece["confidence"] for piece in pieces if piece["confidence"] is not None),
        default=None,
    )


def describe_limits(
    criterion: Json, *, decides: bool, sex: Sex | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the computed cells of each limit of a criterion. ``decides``: it is not one of several
    alternatives.

    A limit of some participants admits nobody else. One of the same quantity beside it holds for
    the others. A limit beside which another one does as well, and one of two ranges of a quantity,
    is of some, too. A limit of the ``sex`` of all participants is one of all.

    >>> general = {"quantity": "ALT", "comparator": "<=", "value": 3, "unit": "x ULN"}
    >>> limits = [general, general | {"value": 5, "condition": "if liver metastases"}]
    >>> found = describe_limits(
    ...     {"kind": "inclusion", "constraints": limits}, decides=True
    ... )
    >>> [(cells.get("admits"), cells.get("admits_some")) for cells in found]
    [(None, '<='), (None, '<=')]
    """
    found = list[dict[str, Any]]()
    divided = set[str]()
    alternatives = list[bool]()
    for limit in criterion["constraints"]:
        pieces = _list_evidence(criterion, "constraints", limit)
        seen = pieces[0] if pieces else {}
        cells = name_limit(limit, seen.get("quantity"))._asdict()
        found.append(
            cells | {"sex": seen.get("sex"), "confidence": _find_least(pieces)}
        )
        if limit.get("condition") or seen.get("sex") not in (None, sex):
            divided.add(limit["quantity"].casefold())
        alternatives.append(bool(seen.get("alternative")))
    ranges = [
        one["quantity"].casefold()
        for one in criterion["constraints"]
        if one.get("value_high") is not None
    ]
    # of two groups: nobody can have both
    divided |= {one for one in ranges if ranges.count(one) > 1}
    for limit, cells, alternative in zip(
        criterion["constraints"], found, alternatives, strict=True
    ):
        of_all = (
            decides and not alternative and limit["quantity"].casefold() not in divided
        )
        yield cells | {
            "admits" if of_all else "admits_some": read_admitted(limit, criterion)
        }


def _compute_window(window: Json, criterion: Json) -> Json:
    high = window.get("value_high")
    return {
        "days": _to_days(window),
        "days_high": None if high is None else _to_days({**window, "value": high}),
        "confidence": _find_least(_list_evidence(criterion, "time_windows", window)),
    }


def _compute_amount(amount: Json, regimen: Json) -> Json:
    pieces = (
        piece
        for piece in _list_evidence(regimen, "amounts", amount)
        if ".arms" not in piece["field"]
    )
    sure = {"confidence": _find_least(list(pieces))}
    unit = read_unit(amount["unit"]) if amount.get("unit") else None
    if unit is None:
        return sure
    first, *rest = unit.split("/")
    base = next(
        (
            one
            for one in _DOSE_UNITS
            if first and find_dimension(one)[1] == find_dimension(first)[1]
        ),
        first,
    )
    target = "/".join([base, *rest])
    ends = {
        name: amount[name] for name in ("low", "high") if amount.get(name) is not None
    }
    converted = {
        f"{name}_canonical": convert(number, unit, target)
        for name, number in ends.items()
    }
    daily = _compute_daily(converted, target, regimen)
    return {**sure, **converted, "unit_ucum": unit, "unit_canonical": target, **daily}


def _compute_daily(
    canonical: Mapping[str, float | None], unit: str, regimen: Json
) -> dict[str, Any]:
    """Return the amounts of a day on which it is given; nothing for a unit or frequency that
    makes no daily amount.
    """
    whole, *per = unit.split("/")
    times, period, every = read_table("fhir")["repeats"].get(
        regimen.get("frequency"), (0, 1, None)
    )
    if every == "h":
        factor = times * 24 / period
    elif (period, every) == (1, "d"):
        factor = times
    else:
        factor = 0
    if per[-1:] == ["d"]:
        per = per[:-1]
        factor = 1
    if not factor or whole == "%" or not _BODY.issuperset(per):
        return {}
    ends = {
        f"daily_{name.removesuffix('_canonical')}": number * factor
        for name, number in canonical.items()
        if number
    }
    return ends | {"daily_unit": "/".join([whole, *per, "d"])}


def _to_days(period: Json | None) -> float | None:
    unit = read_unit(period["unit"]) if period and period.get("unit") else None
    return convert(period["value"], unit, "d") if period and unit else None


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
            common = {
                "record_id": extraction.record_id,
                "field": field,
                "item_index": index,
                "of": item.of,
            }
            common["calibrated"] = (
                item.calibrated if item.confidence is not None else None
            )
            for one in list_values(field, item):
                proof = (one.evidence[0] if one.evidence else item).model_dump(
                    mode="json"
                )
                cells = {
                    "attribute": one.name,
                    "value_index": FieldRef(one.path).position,
                }
                cells |= {
                    "char_start": proof.get("start"),
                    "char_end": proof.get("end"),
                    "text": show_value(one.value),
                }
                cells |= proof | common | _measure(one.value)
                yield tuple(map(cells.get, names))


_HOUR = 0.04
"""The least part of a day that is shown in days. A QT interval stays in milliseconds."""


def _measure(value: Any) -> dict[str, Any]:
    """Return the truth, or comparator, numbers and unit of a value, as written and in the canonical
    unit.

    That is days for hours and longer, else the unit itself: what is measured decides on more, and
    is not known here.
    """
    if isinstance(value, bool | int | float):
        return {"truth" if isinstance(value, bool) else "number": value}
    parts = value.model_dump(mode="json") if isinstance(value, BaseModel) else {}
    if "unit" not in parts:
        return {}
    ends = {
        "number": parts.get("value", parts.get("low")),
        "number_high": parts.get("value_high", parts.get("high")),
    }
    measured = ends | {"comparator": parts.get("comparator"), "unit": parts["unit"]}
    unit = read_unit(parts["unit"]) if parts["unit"] else None
    if unit is None:
        return measured
    in_days = (
        convert(1, unit, "d")
        if find_dimension(unit)[1] == find_dimension("d")[1]
        else None
    )
    canonical = "d" if (in_days or 0) >= _HOUR else unit
    converted = {
        f"{name}_canonical": convert(one, unit, canonical)
        for name, one in ends.items()
        if one is not None
    }
    return measured | converted | {"unit_canonical": canonical}


COMPUTED: Mapping[str, Callable[[Json, Json], Json]] = {
    "records": lambda record, _: record[ADDED],
    "eligibility": lambda people, extraction: (
        extraction[ADDED]
        | {f"{name}_days": _to_days(people.get(name)) for name in AGES}
    ),
    "criteria": lambda criterion, _: {
        **criterion[ADDED],
        "time_window_days": _to_days(criterion.get("time_window")),
    },
    "constraints": lambda limit, _: limit[ADDED],
    "windows": _compute_window,
    "regimens": lambda regimen, _: regimen[ADDED],
    "amounts": _compute_amount,
    "arms": lambda arm, _: arm,
    "interventions": lambda intervention, _: intervention,
    "regimen_arms": lambda link, _: link,
}
"""Computes the last columns of a table, by name, from a row's item and the item above it."""

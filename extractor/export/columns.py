"""Columns of an export, including computed ones: canonical units, days, and registered fields."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from extractor.schemas import Comparator, CriterionKind, TrialRecord
from extractor.text.quantity_names import find_loinc, get_quantity, name_quantity
from extractor.text.registered_ages import AGES
from extractor.text.units import convert, find_dimension, read_unit

from .people import read_registered

Row = tuple[Any, ...]
Json = Mapping[str, Any]

REGISTERED = "registered"
"""The key under which ``find_rows`` adds the registered fields to an extraction."""
COMPARATORS = "comparators"
"""The key under which it adds those of the ages."""
_DOSE_UNITS = ("mg", "mL", "Gy", "MBq")
_DAYS = "In days; a month is 30.4375 days, a year 365.25."


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``kind`` is text, integer, number (which may have a fraction) or boolean.

    ``path`` leads to its value in the item of a row; it is empty for keys and computed columns. ``default`` is the
    value where the item's JSON leaves it out.
    """

    name: str
    meaning: str
    kind: str = "text"
    path: tuple[str, ...] = ()
    default: bool | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """The computed columns of a table. ``compute`` gets the row's item and its parent item."""

    columns: tuple[Column, ...] = ()
    compute: Callable[[Json, Json], Row] = lambda _item, _parent: ()


def read_registry(record: TrialRecord) -> Row:
    """Return the registered fields of a record, for the computed columns of the table ``records``."""
    fields = record.registry
    enrolment = fields.enrollment or ""
    return (
        " ".join((record.raw_text("title") or record.raw_text("official_title") or "").split()) or None,
        "|".join(line for line in (record.raw_text("conditions") or "").split("\n") if line.strip()) or None,
        fields.study_type,
        fields.text("phases"),
        int(enrolment) if enrolment.isdecimal() and len(enrolment) < 19 else None,
        fields.enrollment_type,
        fields.minimum_age,
        fields.maximum_age,
        fields.sex,
        *(
            age and _to_days(age.model_dump())
            for age in (read_registered(name, fields.text(name) or "") for name in AGES)
        ),
        read_registered("healthy_volunteers", fields.healthy_volunteers or ""),
    )


class CanonicalLimit(NamedTuple):
    """A limit in the vocabulary of quantities: the columns ``quantity_canonical`` to ``canonical_note``, in order.

    ``unit_ucum`` is the unit as written, or the one that goes without saying; the values are in ``unit``.
    """

    quantity: str | None = None
    laboratory: bool | None = None
    loinc: str | None = None
    unit_ucum: str | None = None
    unit: str | None = None
    value: float | None = None
    value_high: float | None = None
    note: str | None = None


def name_limit(limit: Json, known: str | None = None) -> CanonicalLimit:
    """Return the canonical form of a limit, or what is known of it and why there is none.

    ``known`` is its quantity where the words around it named that, and its own words do not.
    """
    written, value, high = limit.get("unit"), limit["value"], limit.get("value_high")
    unit = read_unit(written) if written else None
    quantity = get_quantity(known) if known else name_quantity(limit.get("quantity") or "", unit, value=value)
    if quantity is None:
        return CanonicalLimit(unit_ucum=unit, note="no quantity")
    named = CanonicalLimit(quantity.name, quantity.laboratory)
    if written and unit is None:
        return named._replace(note="unknown unit")
    ends = [one for one in (value, high) if one is not None]
    used = unit or next(filter(None, map(quantity.infer_unit, reversed(ends))), None)
    named = named._replace(loinc="|".join(find_loinc(quantity, used)) or None, unit_ucum=used)
    if used is None:
        return named._replace(note="no unit")
    values = [one for end in ends if (one := quantity.to_canonical(end, used)) is not None]
    if len(values) < len(ends):
        return named._replace(note="no conversion")
    if not all(map(quantity.is_possible, values)):
        return named._replace(note="implausible")
    return named._replace(unit=quantity.unit, value=values[0], value_high=values[1] if len(values) > 1 else None)


def read_admitted(limit: Json, criterion: Json) -> str | None:
    """Return the comparator of the values that the criterion admits.

    Return None if the criterion is negated, has an exception, or is a demand among the exclusions.

    >>> [read_admitted({"comparator": "<"}, {"kind": kind}) for kind in ("inclusion", "exclusion")]
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
    """The evidence of a member of the list ``name`` of an item."""
    index = next(place for place, one in enumerate(item[name]) if one is member)
    return [piece for piece in item.get("evidence") or () if piece["field"] == f"{name}[{index}]"]


def _find_least(pieces: Sequence[Json]) -> float | None:
    return min((piece["confidence"] for piece in pieces if piece["confidence"] is not None), default=None)


def _compute_limit(limit: Json, criterion: Json) -> Row:
    pieces = _list_evidence(criterion, "constraints", limit)
    seen = pieces[0] if pieces else {}
    named = name_limit(limit, seen.get("quantity"))
    return *named, read_admitted(limit, criterion), seen.get("sex"), _find_least(pieces)


def _compute_amount(amount: Json, regimen: Json) -> Row:
    confidence = _find_least(_list_evidence(regimen, "amounts", amount))
    unit = read_unit(amount["unit"]) if amount.get("unit") else None
    if unit is None:
        return None, None, None, None, confidence
    first, *rest = unit.split("/")
    base = next((one for one in _DOSE_UNITS if first and find_dimension(one)[1] == find_dimension(first)[1]), first)
    target = "/".join([base, *rest])
    numbers = (amount.get("low"), amount.get("high"))
    low, high = (None if number is None else convert(number, unit, target) for number in numbers)
    return unit, target, low, high, confidence


def _to_days(period: Json | None) -> float | None:
    unit = read_unit(period["unit"]) if period and period.get("unit") else None
    return convert(period["value"], unit, "d") if period and unit else None


def _days_of(*names: str) -> Computed:
    columns = tuple(Column(f"{name}_days", _DAYS, "number") for name in names)
    return Computed(columns, lambda item, _: tuple(_to_days(item.get(name)) for name in names))


def _compute_people(people: Json, extraction: Json) -> Row:
    """The ages of the text in days and their comparators, and the registered values beside them."""
    *_, sex, lowest, highest, healthy = extraction.get(REGISTERED) or _UNREGISTERED
    return *(_to_days(people.get(name)) for name in AGES), *extraction[COMPARATORS], lowest, highest, sex, healthy


_REGISTERED_COLUMNS = (
    Column("title", "Registered: brief title, or the official one. Empty where the run's input is not at hand."),
    Column("conditions", "Registered. Joined by |."),
    Column("study_type", "Registered."),
    Column("phases", "Registered. Joined by |."),
    Column("enrolment", "Registered number of participants.", "integer"),
    Column("enrolment_type", "Registered: whether the number is actual or estimated."),
    Column("registered_minimum_age", "Registered, such as '18 Years'."),
    Column("registered_maximum_age", "Registered, such as '65 Years'."),
    Column("registered_sex", "Registered."),
    Column("registered_minimum_age_days", f"Registered. {_DAYS}", "number"),
    Column("registered_maximum_age_days", f"Registered. {_DAYS}", "number"),
    Column("registered_healthy_volunteers", "Registered: whether healthy volunteers are accepted.", "boolean"),
)
_COMPARATOR = "How the text bounds it: >= or >, <= or <. An age that the text only names is included."
_PEOPLE_COLUMNS = (
    Column("minimum_age_days", _DAYS, "number"),
    Column("maximum_age_days", _DAYS, "number"),
    Column("minimum_age_comparator", _COMPARATOR),
    Column("maximum_age_comparator", _COMPARATOR),
    *_REGISTERED_COLUMNS[-3:-1],
    _REGISTERED_COLUMNS[-4],
    _REGISTERED_COLUMNS[-1],
)
_LIMIT_COLUMNS = (
    Column("quantity_canonical", "Name in the vocabulary of quantities; empty where the text names none."),
    Column("laboratory", "Whether it is measured in blood, urine or another sample.", "boolean"),
    Column("loinc", "LOINC codes in this unit, where certain, the most usual first. Joined by |."),
    Column("unit_ucum", "UCUM code of the unit, or of the one that goes without saying."),
    Column("unit_canonical", "UCUM code of the quantity's canonical unit, where the value is in it."),
    Column("value_canonical", "The value in unit_canonical.", "number"),
    Column("value_high_canonical", "The upper bound in unit_canonical.", "number"),
    Column(
        "canonical_note",
        "Why value_canonical is empty: no quantity, no unit, unknown unit, no conversion, implausible.",
    ),
    Column("admits", "Comparator of the admitted values: <, <=, >, >=, =, <>, between, outside; empty if negated."),
    Column("sex", "For whom it holds, where the criterion says it: male or female."),
    Column("confidence", "Confidence of the limit.", "number"),
)
_AMOUNT_COLUMNS = (
    Column("unit_ucum", "UCUM code of the unit."),
    Column("unit_canonical", "UCUM code: masses in mg, volumes in mL, other units as they are."),
    Column("low_canonical", "In unit_canonical.", "number"),
    Column("high_canonical", "In unit_canonical.", "number"),
    Column("confidence", "Confidence of the amount.", "number"),
)
_UNREGISTERED: Row = (None,) * len(_REGISTERED_COLUMNS)
COMPUTED = {
    "records": Computed(_REGISTERED_COLUMNS, lambda item, _: item.get(REGISTERED) or _UNREGISTERED),
    "eligibility": Computed(_PEOPLE_COLUMNS, _compute_people),
    "criteria": _days_of("time_window"),
    "constraints": Computed(_LIMIT_COLUMNS, _compute_limit),
    "amounts": Computed(_AMOUNT_COLUMNS, _compute_amount),
}
"""Computed columns by table."""

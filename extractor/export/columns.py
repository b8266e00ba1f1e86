"""Columns of an export, including computed ones: canonical units, days, and registered fields."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from extractor.schemas import TrialRecord
from extractor.text.quantity_names import name_quantity
from extractor.text.units import convert, find_dimension, read_unit

Row = tuple[Any, ...]
Json = Mapping[str, Any]

REGISTERED = "registered"
"""The key under which ``find_rows`` adds the registered fields to an extraction."""
_DOSE_UNITS = ("mg", "mL", "Gy", "MBq")
_DAYS = "In days; a month is 30.4375 days, a year 365.25."


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``kind`` is text, integer, number (which may have a fraction) or boolean.

    ``path`` leads to its value in the item of a row; it is empty for keys and computed columns.
    """

    name: str
    meaning: str
    kind: str = "text"
    path: tuple[str, ...] = ()


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
    )


def name_limit(limit: Json, criterion: Json) -> Row:
    """The name of a limit's quantity, whether a laboratory measures it, its LOINC code, and its unit and values.

    The unit is the UCUM code as written, then the canonical one; values are in the canonical one.
    """
    written, value, high = limit.get("unit"), limit["value"], limit.get("value_high")
    unit = read_unit(written) if written else None
    quantity = name_quantity(limit.get("quantity") or "", unit, criterion.get("quote") or "", value)
    if quantity is None:
        return None, None, None, unit, None, None, None
    named = quantity.name, quantity.laboratory, quantity.loinc
    known = not written or unit is not None
    values = [quantity.to_canonical(one, unit) if known and one is not None else None for one in (value, high)]
    if values[0] is None or (high is not None and values[1] is None):
        return *named, unit, None, None, None
    return *named, unit if written else quantity.unit, quantity.unit, *values


def _find_confidence(member: Json, item: Json, field: str) -> float | None:
    """The least confidence of the evidence of one member of a list."""
    index = next(place for place, one in enumerate(item[field]) if one is member)
    pieces = [piece for piece in item.get("evidence") or () if piece["field"] == f"{field}[{index}]"]
    return min((piece["confidence"] for piece in pieces if piece["confidence"] is not None), default=None)


def _compute_limit(limit: Json, criterion: Json) -> Row:
    return *name_limit(limit, criterion), _find_confidence(limit, criterion, "constraints")


def _compute_amount(amount: Json, regimen: Json) -> Row:
    return *_convert_amount(amount), _find_confidence(amount, regimen, "amounts")


def _convert_amount(amount: Json) -> Row:
    unit = read_unit(amount["unit"]) if amount.get("unit") else None
    if unit is None:
        return None, None, None, None
    first, *rest = unit.split("/")
    base = next((one for one in _DOSE_UNITS if first and find_dimension(one)[1] == find_dimension(first)[1]), first)
    target = "/".join([base, *rest])
    numbers = (amount.get("low"), amount.get("high"))
    return unit, target, *(None if number is None else convert(number, unit, target) for number in numbers)


def _to_days(period: Json | None) -> float | None:
    unit = read_unit(period["unit"]) if period and period.get("unit") else None
    return convert(period["value"], unit, "d") if period and unit else None


def _days_of(*names: str) -> Computed:
    columns = tuple(Column(f"{name}_days", _DAYS, "number") for name in names)
    return Computed(columns, lambda item, _: tuple(_to_days(item.get(name)) for name in names))


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
)
_LIMIT_COLUMNS = (
    Column("quantity_canonical", "Name in the vocabulary of quantities; empty where the text names none."),
    Column("laboratory", "Whether it is measured in blood, urine or another sample.", "boolean"),
    Column("loinc", "LOINC code, where one is certain."),
    Column("unit_ucum", "UCUM code of the unit, or of the one that goes without saying."),
    Column("unit_canonical", "UCUM code of the quantity's canonical unit, where the value is in it."),
    Column("value_canonical", "The value in unit_canonical.", "number"),
    Column("value_high_canonical", "The upper bound in unit_canonical.", "number"),
    Column("confidence", "Confidence of the limit.", "number"),
)
_AMOUNT_COLUMNS = (
    Column("unit_ucum", "UCUM code of the unit."),
    Column("unit_canonical", "UCUM code: masses in mg, volumes in mL, other units as they are."),
    Column("low_canonical", "In unit_canonical.", "number"),
    Column("high_canonical", "In unit_canonical.", "number"),
    Column("confidence", "Confidence of the amount.", "number"),
)
COMPUTED = {
    "records": Computed(_REGISTERED_COLUMNS, lambda item, _: item.get(REGISTERED) or (None,) * 9),
    "eligibility": _days_of("minimum_age", "maximum_age"),
    "criteria": _days_of("time_window"),
    "constraints": Computed(_LIMIT_COLUMNS, _compute_limit),
    "amounts": Computed(_AMOUNT_COLUMNS, _compute_amount),
}
"""Computed columns by table."""

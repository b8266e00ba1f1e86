"""Columns that no field of an extraction holds: canonical units beside the verbatim ones, and what is registered."""

from collections.abc import Mapping
from typing import Any

from extractor.measures import Quantity, convert, find_dimension, name_quantity, read_unit
from extractor.schemas import TrialRecord

from .columns import Column, Kind

__all__ = ["Registry", "derive_values", "list_derived", "read_registry"]

Registry = Mapping[str, tuple[Any, ...]]
"""What ``read_registry`` says of each record, by its id."""

_TEXT, _NUMBER = Kind.TEXT, Kind.NUMBER
_REGISTRY = (
    Column("title", _TEXT, "Registered: brief title, or the official one. Empty where the run's input is not at hand."),
    Column("conditions", _TEXT, "Registered. Joined by |."),
    Column("study_type", _TEXT, "Registered."),
    Column("phases", _TEXT, "Registered. Joined by |."),
    Column("enrolment", Kind.INTEGER, "Registered number of participants."),
    Column("enrolment_type", _TEXT, "Registered: whether the number is actual or estimated."),
    Column("registered_minimum_age", _TEXT, "Registered, such as '18 Years'."),
    Column("registered_maximum_age", _TEXT, "Registered, such as '65 Years'."),
    Column("registered_sex", _TEXT, "Registered."),
)
_DAYS = "In days; a month is 30.4375 days, a year 365.25."
_DERIVED = {
    "records": _REGISTRY,
    "eligibility": (Column("minimum_age_days", _NUMBER, _DAYS), Column("maximum_age_days", _NUMBER, _DAYS)),
    "criteria": (Column("time_window_days", _NUMBER, _DAYS),),
    "constraints": (
        Column("quantity_canonical", _TEXT, "Name in the vocabulary of quantities; empty where the text names none."),
        Column("loinc", _TEXT, "LOINC code, where one is certain."),
        Column("unit_ucum", _TEXT, "UCUM code of the unit, or of the one that goes without saying."),
        Column("unit_canonical", _TEXT, "UCUM code of the quantity's canonical unit, where the value is in it."),
        Column("value_canonical", _NUMBER, "The value in unit_canonical."),
        Column("value_high_canonical", _NUMBER, "The upper bound in unit_canonical."),
    ),
    "amounts": (
        Column("unit_ucum", _TEXT, "UCUM code of the unit."),
        Column("unit_canonical", _TEXT, "UCUM code: masses in mg, volumes in mL, other units as they are."),
        Column("low_canonical", _NUMBER, "In unit_canonical."),
        Column("high_canonical", _NUMBER, "In unit_canonical."),
    ),
}
_DOSE_UNITS = ("mg", "mL", "Gy", "MBq")


def list_derived(table: str) -> tuple[Column, ...]:
    """The derived columns of a table.

    >>> [column.name for column in list_derived("eligibility")]
    ['minimum_age_days', 'maximum_age_days']
    """
    return _DERIVED.get(table, ())


def derive_values(
    table: str, value: Mapping[str, Any], above: Mapping[str, Any], registry: Registry
) -> tuple[Any, ...]:
    """The values of a row's derived columns. ``above`` is the item that holds the row's."""
    match table:
        case "records":
            return registry.get(value["record_id"]) or (None,) * len(_REGISTRY)
        case "eligibility":
            return tuple(_to_days(value.get(name)) for name in ("minimum_age", "maximum_age"))
        case "criteria":
            return (_to_days(value.get("time_window")),)
        case "constraints":
            return _derive_limit(value, _text(above.get("quote")) or "")
        case "amounts":
            return _derive_amount(value)
    return ()


def read_registry(record: TrialRecord) -> tuple[Any, ...]:
    """What the registry says of a record, for the columns of ``records``."""
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


def _derive_limit(limit: Mapping[str, Any], quote: str) -> tuple[Any, ...]:
    written = _text(limit.get("unit"))
    value, high = _number(limit.get("value")), _number(limit.get("value_high"))
    unit = read_unit(written) if written else None
    quantity = name_quantity(_text(limit.get("quantity")) or "", unit, quote, value)
    if quantity is None:
        return None, None, unit, None, None, None
    values = [_to_canonical(quantity, one, unit, written) for one in (value, high)]
    converted = values[0] is not None and (high is None or values[1] is not None)
    if not converted:
        return quantity.name, quantity.loinc, unit, None, None, None
    return quantity.name, quantity.loinc, unit if written else quantity.unit, quantity.unit, *values


def _to_canonical(quantity: Quantity, value: float | None, unit: str | None, written: str | None) -> float | None:
    if value is None or (written and unit is None):
        return None
    return quantity.to_canonical(value, unit)


def _derive_amount(amount: Mapping[str, Any]) -> tuple[Any, ...]:
    written = _text(amount.get("unit"))
    unit = read_unit(written) if written else None
    if unit is None:
        return None, None, None, None
    first, *rest = unit.split("/")
    base = next((one for one in _DOSE_UNITS if first and find_dimension(one)[1] == find_dimension(first)[1]), first)
    target = "/".join([base, *rest])
    numbers = (_number(amount.get(name)) for name in ("low", "high"))
    return unit, target, *(None if number is None else convert(number, unit, target) for number in numbers)


def _to_days(period: Any) -> float | None:
    if not isinstance(period, Mapping):
        return None
    value, unit = _number(period.get("value")), read_unit(_text(period.get("unit")) or "")
    return None if value is None or unit is None else convert(value, unit, "d")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None

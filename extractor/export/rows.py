"""The rows that one extraction gives to each table, with canonical units and what is registered."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from extractor.schemas import TrialRecord
from extractor.text.quantity_names import name_quantity
from extractor.text.units import convert, find_dimension, read_unit

from .tables import Branch, list_tables, plan_tables

Row = tuple[Any, ...]
Registry = Mapping[str, Row]
"""The result of ``read_registry`` by record."""
_Json = Mapping[str, Any]

_DOSE_UNITS = ("mg", "mL", "Gy", "MBq")
_REGISTERED = 9


def find_rows(extraction: _Json, registry: Registry = MappingProxyType({})) -> Iterator[tuple[str, Row]]:
    """Each row with the name of its table; a field that is not stated is None.

    ``extraction`` is the JSON of a ``TrialExtraction``; ``registry`` holds the registered fields of each record.

    >>> extraction = {"record_id": "A", "eligibility": {"sex": "male", "criteria": []}, "dosing": [], "endpoints": []}
    >>> [(table, row[:6]) for table, row in find_rows(extraction)]
    [('records', ('A', None, None, None, None, None)), ('eligibility', ('A', None, None, None, None, 'male'))]
    """
    yield from _walk(plan_tables(), extraction, (extraction["record_id"],), {}, registry)


def _walk(branch: Branch, value: Any, keys: Row, parent: _Json, registry: Registry) -> Iterator[tuple[str, Row]]:
    name = branch.table.name
    if branch.plain:
        yield name, (*keys, value)
        return
    cells = (_pick(value, column.path) for column in branch.table.values)
    joined = tuple("|".join(cell) if isinstance(cell, list) else cell for cell in cells)
    yield name, keys + joined + _derive(name, value, parent, registry)
    if branch.item:
        place = keys[1] if len(keys) > 1 else None
        columns = [column.path[0] for column in list_tables()[-1].values]
        for index, one in enumerate(value.get("evidence") or ()):
            yield "evidence", (keys[0], branch.item, place, index, *(one.get(column) for column in columns))
    for below in branch.branches:
        found = _pick(value, below.path)
        if below.listed:
            for index, one in enumerate(found or ()):
                yield from _walk(below, one, (*keys, index), value, registry)
        elif found is not None:
            yield from _walk(below, found, keys, value, registry)


def _pick(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if value else None
    return value


def _derive(table: str, value: _Json, parent: _Json, registry: Registry) -> Row:
    """The values of a row's derived columns. ``parent`` is the item that holds the row's."""
    match table:
        case "records":
            return registry.get(value["record_id"]) or (None,) * _REGISTERED
        case "eligibility":
            return _to_days(value.get("minimum_age")), _to_days(value.get("maximum_age"))
        case "criteria":
            return (_to_days(value.get("time_window")),)
        case "constraints":
            return _derive_limit(value, parent.get("quote") or "")
        case "amounts":
            return _derive_amount(value)
    return ()


def read_registry(record: TrialRecord) -> Row:
    """The registered fields of a record, for the columns of ``records``."""
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


def _derive_limit(limit: _Json, quote: str) -> Row:
    written, value, high = limit.get("unit"), limit["value"], limit.get("value_high")
    unit = read_unit(written) if written else None
    quantity = name_quantity(limit.get("quantity") or "", unit, quote, value)
    if quantity is None:
        return None, None, unit, None, None, None
    known = not written or unit is not None
    values = [quantity.to_canonical(one, unit) if known and one is not None else None for one in (value, high)]
    if values[0] is None or (high is not None and values[1] is None):
        return quantity.name, quantity.loinc, unit, None, None, None
    return quantity.name, quantity.loinc, unit if written else quantity.unit, quantity.unit, *values


def _derive_amount(amount: _Json) -> Row:
    unit = read_unit(amount["unit"]) if amount.get("unit") else None
    if unit is None:
        return None, None, None, None
    first, *rest = unit.split("/")
    base = next((one for one in _DOSE_UNITS if first and find_dimension(one)[1] == find_dimension(first)[1]), first)
    target = "/".join([base, *rest])
    numbers = (amount.get("low"), amount.get("high"))
    return unit, target, *(None if number is None else convert(number, unit, target) for number in numbers)


def _to_days(period: _Json | None) -> float | None:
    unit = read_unit(period["unit"]) if period and period.get("unit") else None
    return convert(period["value"], unit, "d") if period and unit else None

"""The table of the user's own fields: one row for each value, with its canonical form and its proof."""

from collections.abc import Iterator
from typing import Any

from extractor.fields.value_forms import show_value
from extractor.schemas import CustomItem
from extractor.text.units import convert, find_dimension, read_unit

from .columns import Column, Json, Row

COLUMNS = (
    Column("record_id", "The record: NCT number, or the file's stem."),
    Column("field", "The field of the user's own."),
    Column("item_index", "Position among the field's values in the record, from 0.", "integer"),
    Column("attribute", "What it says: an attribute of the field; 'value' for a field of one type."),
    Column("value_index", "Position, from 0, if the attribute is a list.", "integer"),
    Column("of", "Path of the criterion, regimen or endpoint that has it; empty for the record."),
    Column("text", "The value as words: a quote, a choice, a name, or a quantity as people write it."),
    Column("truth", "The value of a boolean.", "boolean"),
    Column("comparator", "Of a quantity: <, <=, >, >=, = or between."),
    Column("number", "The number, or the lower one of a range.", "number"),
    Column("number_high", "The upper number of a range.", "number"),
    Column("unit", "As written."),
    Column(
        "unit_canonical", "UCUM code of the unit in which the canonical numbers are; days for hours and longer times."
    ),
    Column("number_canonical", "The number in unit_canonical.", "number"),
    Column("number_high_canonical", "The upper number in unit_canonical.", "number"),
    Column("section", "The section of its quote."),
    Column("char_start", "First character of the quote.", "integer"),
    Column("char_end", "One past the last character.", "integer"),
    Column("quote", "The characters themselves; empty for a judgement without words."),
    Column("support", "literal, parsed, inferred, unsupported or unproven."),
    Column("origin", "rule, model or both."),
    Column("confidence", "The probability that the value is right.", "number"),
    Column("calibrated", "Whether gold of the user's own gave the confidence; empty without one.", "boolean"),
)


def list_custom_rows(extraction: Json) -> Iterator[Row]:
    """Yield the rows of an extraction's JSON, in the order of fields and items.

    >>> value = {"comparator": "<", "value": 2, "value_high": None, "unit": "week"}
    >>> said = {"record_id": "A", "custom": {"washout": [{"of": None, "values": {"value": value}}]}}
    >>> row = dict(zip((column.name for column in COLUMNS), next(list_custom_rows(said)), strict=True))
    >>> row["text"], row["number_canonical"], row["unit_canonical"]
    ('< 2 week', 14.0, 'd')
    """
    for field, items in (extraction.get("custom") or {}).items():
        for index, item in enumerate(items):
            proofs = {proof["field"].removeprefix("values."): proof for proof in item.get("evidence") or ()}
            common = {"record_id": extraction["record_id"], "field": field, "item_index": index, "of": item.get("of")}
            common["calibrated"] = item.get("calibrated") if item.get("confidence") is not None else None
            whole = {name: item.get(name) for name in ("support", "origin", "confidence")}  # of a value without words
            typed = CustomItem(values=item["values"]).values
            for attribute, value in item["values"].items():
                for at, member in enumerate(value) if isinstance(value, list) else ((None, value),):
                    shown = _show(typed[attribute] if at is None else typed[attribute][at])
                    proof = proofs.get(attribute if at is None else f"{attribute}[{at}]", {})
                    proven = proof | {"char_start": proof.get("start"), "char_end": proof.get("end")}
                    placed = {"attribute": attribute, "value_index": at}
                    cells = whole | proven | common | placed | shown | _measure(member)
                    yield tuple(map(cells.get, (column.name for column in COLUMNS)))


def _show(value: Any) -> dict[str, Any]:
    """The value as words, and its truth."""
    return {"text": show_value(value)} | ({"truth": value} if isinstance(value, bool) else {})


def _measure(value: Any) -> dict[str, Any]:
    """Comparator, numbers and unit, as written and in the canonical unit."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"number": value}
    if not isinstance(value, dict) or "unit" not in value:
        return {}
    ends = {"number": value.get("value", value.get("low")), "number_high": value.get("value_high", value.get("high"))}
    unit = read_unit(value["unit"]) if value["unit"] else None
    measured = ends | {"comparator": value.get("comparator"), "unit": value["unit"]}
    if unit is None:
        return measured
    canonical = _name_canonical(unit)
    converted = {
        f"{name}_canonical": convert(number, unit, canonical) for name, number in ends.items() if number is not None
    }
    return measured | converted | {"unit_canonical": canonical}


_HOUR = 0.04
"""The least part of a day that is shown in days. A QT interval stays in milliseconds."""


def _name_canonical(unit: str) -> str:
    """Days for hours and longer, else the unit itself: what is measured decides on more, and is not known here."""
    is_time = find_dimension(unit)[1] == find_dimension("d")[1]
    return "d" if is_time and (convert(1, unit, "d") or 0) >= _HOUR else unit

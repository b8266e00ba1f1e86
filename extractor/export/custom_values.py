"""The table of the user's own fields: one row for each value, with its canonical form and its proof."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from extractor.fields.value_forms import show_value
from extractor.schemas import TrialExtraction
from extractor.schemas.values import list_values
from extractor.text.units import convert, find_dimension, read_unit

from .columns import Column, Row

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


def list_custom_rows(extraction: TrialExtraction) -> Iterator[Row]:
    """Yield the rows of an extraction, in the order of fields and items.

    >>> from extractor.schemas import CustomItem, Eligibility, Quantity
    >>> item = CustomItem(values={"value": Quantity(comparator="<", value=2, unit="week")})
    >>> said = TrialExtraction(record_id="A", eligibility=Eligibility(), custom={"washout": (item,)})
    >>> row = dict(zip((column.name for column in COLUMNS), next(list_custom_rows(said)), strict=True))
    >>> row["text"], row["number_canonical"], row["unit_canonical"]
    ('< 2 week', 14.0, 'd')
    """
    for field, items in extraction.custom.items():
        for index, item in enumerate(items):
            common = {"record_id": extraction.record_id, "field": field, "item_index": index, "of": item.of}
            common["calibrated"] = item.calibrated if item.confidence is not None else None
            for one in list_values(field, item):
                proof = (one.evidence[0] if one.evidence else item).model_dump(mode="json")
                member = re.search(r"\[(\d+)\]$", one.path)
                cells = {"attribute": one.name, "value_index": int(member[1]) if member else None}
                cells |= {"char_start": proof.get("start"), "char_end": proof.get("end"), "text": show_value(one.value)}
                cells |= proof | common | _measure(one.value)
                yield tuple(map(cells.get, (column.name for column in COLUMNS)))


def _measure(value: Any) -> dict[str, Any]:
    """The truth, or comparator, numbers and unit, as written and in the canonical unit."""
    if isinstance(value, bool):
        return {"truth": value}
    if isinstance(value, int | float):
        return {"number": value}
    parts = value.model_dump(mode="json") if isinstance(value, BaseModel) else {}
    if "unit" not in parts:
        return {}
    ends = {"number": parts.get("value", parts.get("low")), "number_high": parts.get("value_high", parts.get("high"))}
    measured = ends | {"comparator": parts.get("comparator"), "unit": parts["unit"]}
    if not parts["unit"] or (unit := read_unit(parts["unit"])) is None:
        return measured
    # Days for hours and longer, else the unit itself: what is measured decides on more, and is not known here.
    is_time = find_dimension(unit)[1] == find_dimension("d")[1]
    canonical = "d" if is_time and (convert(1, unit, "d") or 0) >= _HOUR else unit
    for name, number in ends.items():
        measured[f"{name}_canonical"] = None if number is None else convert(number, unit, canonical)
    return measured | {"unit_canonical": canonical}


_HOUR = 0.04
"""The least part of a day that is shown in days. A QT interval stays in milliseconds."""

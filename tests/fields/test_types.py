"""Each type of a user's field: its written form, its value in JSON, its row in a table, its form
for reviewers.
"""

import pytest

from extractor.apps.export.columns import CUSTOM, list_columns, list_custom_rows
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.own.value_forms import show_value
from extractor.schemas import (
    Age,
    Amount,
    Constraint,
    CustomItem,
    Instrument,
    Period,
    Quantity,
    TimePoint,
    TrialExtraction,
)


def _declare(kind):
    return CustomField(
        name="own", definition="A field.", attributes=[{"name": "value", "type": kind}]
    )


@pytest.mark.parametrize(
    ("kind", "value", "written", "text", "cells"),
    [
        ("quote", "22C3", "22C3", "22C3", {}),
        ("boolean", False, False, "false", {"truth": False}),
        ("number", 0.5, "0.5", "0.5", {"number": 0.5}),
        ("integer", 3, "3", "3", {"number": 3}),
        (
            "quantity",
            Quantity(comparator="between", value=3, value_high=5, unit="mg/L"),
            "3-5 mg/L",
            "3-5 mg/L",
            {"comparator": "between", "number": 3, "number_high": 5, "unit": "mg/L"},
        ),
        (
            "quantity",
            Quantity(comparator=">", value=450, unit="ms"),
            "> 450 ms",
            "> 450 ms",
            {"number": 450, "unit_canonical": "ms"},
        ),
        (
            "constraint",
            Constraint(quantity="ANC", comparator=">=", value=1.5e9, unit="/L"),
            "ANC: >= 1500000000 /L",
            "ANC: >= 1500000000 /L",
            {"comparator": ">=", "number": 1_500_000_000},
        ),
        (
            "amount",
            Amount(low=None, high=40, unit="mg"),
            "up to 40 mg",
            "up to 40 mg",
            {"number_high": 40},
        ),
        (
            "amount",
            Amount(low=40, high=None, unit="mg"),
            "at least 40 mg",
            "at least 40 mg",
            {"number": 40},
        ),
        (
            "amount",
            Amount(low=1, high=2, unit="mg"),
            "1-2 mg",
            "1-2 mg",
            {"number": 1, "number_high": 2},
        ),
        (
            "instrument",
            Instrument(name="CTCAE", version="5.0"),
            "CTCAE | 5.0",
            "CTCAE 5.0",
            {},
        ),
        (
            "duration",
            Period(value=2, unit="week"),
            "2 week",
            "2 week",
            {"number_canonical": 14, "unit_canonical": "d"},
        ),
        (
            "age",
            Age(value=2.5, unit="month"),
            "2.5 month",
            "2.5 month",
            {"number": 2.5, "unit": "month"},
        ),
        (
            "time_point",
            TimePoint(value=30, unit="day"),
            "30 day",
            "30 day",
            {"number": 30},
        ),
    ],
)
def test_a_value_has_one_meaning_in_all_forms(kind, value, written, text, cells):
    field = _declare(kind)
    (attribute,) = field.attributes
    assert attribute.read(written) == value
    assert attribute.read_all(value) == value
    assert show_value(value) == text
    item = CustomItem(
        values={"value": value}, support="unsupported", origin="model", confidence=0.5
    )
    said = TrialExtraction(record_id="A", eligibility={}, custom={"own": (item,)})
    read = TrialExtraction.model_validate_json(said.model_dump_json())
    assert attribute.read_all(read.custom["own"][0].values["value"]) == value
    for extraction in (said, read):
        (row,) = list_custom_rows(extraction)
        shown = dict(
            zip((column.name for column in list_columns(CUSTOM)), row, strict=True)
        )
        told = {
            "text": text,
            "support": "unsupported",
            "origin": "model",
            "confidence": 0.5,
            **cells,
        }
        assert {name: shown[name] for name in told} == told


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("quantity", True),
        ("quantity", Period(value=4, unit="week")),
        ("integer", "1.5"),
        ("boolean", "perhaps"),
    ],
)
def test_a_value_of_another_type_is_refused_with_the_form(kind, given):
    (attribute,) = _declare(kind).attributes
    with pytest.raises(ValueError, match="write"):
        attribute.read(given)


def test_values_of_json_have_the_class_of_their_keys_and_others_stay():
    stored = {
        "lists": [{"value": 4, "unit": "week"}, "a"],
        "other": {"x": 1},
        "broken": {"comparator": "~", "value": 1},
    }
    values = CustomItem(values=stored).values
    assert values == stored | {"lists": (Period(value=4, unit="week"), "a")}

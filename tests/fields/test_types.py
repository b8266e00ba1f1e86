"""Each type of a user's field: its written form, its value in JSON, its row in a table, its form
for reviewers.
"""

import pytest

from extractor.apps.export import tabulate
from extractor.concepts.own.declaration import CustomField
from extractor.schemas import CustomItem, TrialExtraction
from extractor.wire.value_forms import show_value


def _declare(kind):
    return CustomField(
        name="own", definition="A field.", attributes=[{"name": "value", "type": kind}]
    )


BETWEEN = {"value_comparator": "between", "value_value_high": 5, "value_unit": "mg/L"}
RATIO = {"value_comparator": ">=", "value_value": 1_500_000_000}


@pytest.mark.parametrize(
    ("kind", "written", "cells"),
    [
        ("quote", "22C3", {}),
        ("boolean", "false", {"value": False}),
        ("number", "0.5", {"value": 0.5}),
        ("integer", "3", {"value": 3}),
        ("quantity", "3-5 mg/L", BETWEEN),
        ("quantity", "> 450 ms", {"value_value": 450, "value_unit": "ms"}),
        ("constraint", "ANC: >= 1500000000 /L", RATIO),
        ("amount", "up to 40 mg", {"value_low": None, "value_high": 40}),
        ("amount", "at least 40 mg", {"value_low": 40}),
        ("amount", "1-2 mg", {"value_low": 1, "value_high": 2}),
        ("instrument", "CTCAE", {"value_name": "CTCAE"}),
        ("duration", "2 week", {"value_value": 2, "value_unit": "week"}),
        ("age", "2.5 month", {"value_value": 2.5, "value_unit": "month"}),
        ("time_point", "30 day", {"value_value": 30}),
    ],
)
def test_a_value_has_one_meaning_in_all_forms(kind, written, cells):
    field = _declare(kind)
    (attribute,) = field.attributes
    value = attribute.read(written)
    assert attribute.read(value) == value
    assert show_value(value) == written
    item = CustomItem(
        values={"value": value}, support="unsupported", origin="model", confidence=0.5
    )
    said = TrialExtraction(record_id="A", eligibility={}, custom={"own": (item,)})
    read = TrialExtraction.model_validate_json(said.model_dump_json())
    assert attribute.read(read.custom["own"][0].values["value"]) == value
    for extraction in (said, read):
        (row,) = tabulate([extraction], fields=field)["custom_own"]
        told = {"origin": "model", "confidence": 0.5, **cells}
        assert {name: row[name] for name in told} == told

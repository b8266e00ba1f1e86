"""A limit is written for each LOINC code of its quantity, in the units of the code's own dimension."""

import pytest

from extractor.export.omop_circe import CriteriaGroup, MeasurementLimit, Undecided
from extractor.export.omop_rules import read_criterion
from extractor.export.omop_vocabulary import WordLists
from extractor.schemas.extraction import CriterionAnnotation
from extractor.text.quantity_names import name_property


def measure(quantity, value, unit):
    """The limits of one criterion: codes, value and unit."""
    limit = {"quantity": quantity, "comparator": ">=", "value": value, "unit": unit}
    quote = f"{quantity} >= {value} {unit}"
    shape = {"kind": "inclusion", "section": "eligibility", "quote": quote, "constraints": [limit]}
    (found,) = read_criterion(CriterionAnnotation.model_validate(shape), WordLists()).members
    limits = found.members if isinstance(found, CriteriaGroup) else (found,)
    assert all(isinstance(one, MeasurementLimit) for one in limits)
    return {(one.concepts.name.partition("LOINC ")[2][:-1], one.bound.value, one.unit[0].code) for one in limits}


@pytest.mark.parametrize(
    ("quantity", "value", "unit", "expected"),
    [
        ("Glucose", 7, "mmol/L", {("14749-6", 7, "mmol/L"), ("2345-7", 126.1092, "mg/dL")}),
        ("Glucose", 126, "mg/dL", {("2345-7", 126, "mg/dL"), ("14749-6", 6.9939, "mmol/L")}),
        ("Glycated haemoglobin", 7, "%", {("4548-4, 17856-6", 7, "%"), ("59261-8", 53, "mmol/mol")}),
        ("Lymphocytes", 20, "%", {("736-9, 26478-8", 20, "%")}),
        ("ALT", 40, "IU/L", {("1742-6", 40, "[IU]/L")}),
        ("Calcium", 2, "mmol/L", {("2000-8", 2, "mmol/L"), ("17861-6", 8.0156, "mg/dL")}),
        ("eGFR", 60, "mL/min/1.73m2", {(", ".join(
            ["33914-3", "48642-3", "48643-1", "50044-7", "62238-1", "69405-9", "98979-8"]
        ), 60, "mL/min/{1.73_m2}")}),
    ],
)  # fmt: skip
def test_each_code_has_units_of_its_dimension(quantity, value, unit, expected):
    found = measure(quantity, value, unit)
    assert expected <= found
    assert {code for code, _, _ in found} == {code for code, _, _ in expected}
    for code, _, one in found:  # no code has a unit of another dimension
        assert name_property(one) in {name_property(other) for own, _, other in expected if own == code}


@pytest.mark.parametrize(("quantity", "value", "unit"), [("Calcium", 4, "mEq/L"), ("eGFR", 60, "mL/min")])
def test_a_limit_without_a_code_in_its_dimension_is_no_rule(quantity, value, unit):
    with pytest.raises(Undecided, match="quantity"):
        measure(quantity, value, unit)

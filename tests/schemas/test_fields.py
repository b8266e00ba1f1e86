"""The list of fields."""

import pytest

from extractor.schemas import (
    AbsenceReason,
    Category,
    EvidenceKind,
    FindingKind,
    Support,
    Task,
    TrialExtraction,
    ValueKind,
    list_fields,
)


def test_every_value_of_an_extraction_is_a_listed_field():
    listed = {field.path for task in Task for field in list_fields(task)}
    schema = TrialExtraction.model_json_schema()["$defs"]
    provenance = {"evidence", "origin", "support", "confidence", "criteria"}
    groups = {
        "eligibility": "Eligibility",
        "eligibility.criteria": "Criterion",
        "dosing": "Regimen",
    }
    stored = {
        f"{group}.{name}"
        for group, model in {**groups, "endpoints": "Endpoint"}.items()
        for name in schema[model]["properties"].keys() - provenance
    }

    assert listed == stored


def test_a_field_has_its_kind_of_value_and_of_evidence():
    fields = {field.path: field for task in Task for field in list_fields(task)}
    category = fields["eligibility.criteria.category"]

    assert category.type == Category
    assert category.kind == ValueKind.CHOICE
    assert category.required is False
    assert fields["endpoints.time_points"].kind is ValueKind.DURATION
    assert fields["dosing.section"].evidence is EvidenceKind.NONE
    assert fields["eligibility.criteria.lead_in"].label == "introductory line"


@pytest.mark.parametrize("closed", [AbsenceReason, FindingKind, Support])
def test_every_member_of_a_set_in_reports_is_described(closed):
    assert all(f"- ``{member.value}``: " in closed.__doc__ for member in closed)

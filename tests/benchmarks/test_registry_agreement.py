import pytest

from benchmarks.registry_agreement import compare_record, format_agreement
from extractor.schemas import RegistryFields, Section, Source, TrialRecord


def record(text, **fields):
    return TrialRecord(
        record_id="x",
        source=Source(path="x", format="flat"),
        sections=(Section(name="eligibility", text=f"Inclusion Criteria:\n\n* {text}"),),
        registry=RegistryFields(**fields),
    )


@pytest.mark.parametrize(
    ("text", "minimum", "kind"),
    [
        ("Age 18 years or older", "18 Years", "same"),
        ("Age 24 months or older", "2 Years", "same"),
        ("Age 18 years or older", None, "registry states none"),
        ("Asthma", "18 Years", "text states none"),
        ("Age 5 years or older", "6 Years", "one year apart"),
        ("Age 12 years or older", "18 Years", "differs"),
    ],
)
def test_says_how_ages_differ(text, minimum, kind):
    compared = compare_record(record(text, sex="ALL", minimum_age=minimum))
    assert next(one.kind for one in compared if one.field == "minimum_age") == kind


def test_records_without_registry_fields_are_left_out():
    assert list(compare_record(record("Asthma"))) == []


def test_table_has_a_line_for_each_field():
    compared = list(compare_record(record("Men and women aged 18 years or older", sex="ALL", minimum_age="18 Years")))
    lines = format_agreement(compared).splitlines()
    assert [line.split()[0] for line in lines] == ["field", "minimum_age", "maximum_age", "sex", "healthy_volunteers"]
    assert lines[1].split()[1:3] == ["1", "1.000"]

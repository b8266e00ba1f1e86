"""Who may take part, as all exports state it."""

import pytest

from extractor import Extractor
from extractor.apps.export.people import read_people
from extractor.schemas import (
    RegistryFields,
    Section,
    Source,
    TrialExtraction,
    TrialRecord,
)


def make(text="", conditions="", **registry):
    sections = (
        Section(name="eligibility", text=text),
        Section(name="conditions", text=conditions),
    )
    source = Source(path="a.json", format="ctgov_json")
    fields = RegistryFields(**registry)
    return TrialRecord(record_id="A", source=source, sections=sections, registry=fields)


def show(people):
    return {
        name: (age.comparator.value, age.value.value, age.registered)
        for name, age in people.ages.items()
    }


@pytest.mark.parametrize(
    ("line", "low", "high"),
    [
        ("Age 18 to 65 years", ">=", "<="),
        ("Older than 18 years and younger than 65 years", ">", "<"),
        ("18 <= age < 65 years", ">=", "<"),
        ("Aged 18 years or older, but not older than 65 years", ">=", "<="),
    ],
)
def test_bounds_of_the_text_keep_their_comparators(line, low, high):
    record = make(f"Inclusion Criteria:\n\n* {line}\n* Asthma")

    people = read_people(Extractor(effort="none").extract(record), record)

    assert show(people) == {
        "minimum_age": (low, 18, False),
        "maximum_age": (high, 65, False),
    }
    assert all(age.citation.section == "eligibility" for age in people.ages.values())


def test_an_excluded_age_bounds_the_other_side():
    record = make(
        "Inclusion Criteria:\n\n* Asthma\n\nExclusion Criteria:\n\n* Age < 18 years\n* Age >= 65 "
        "years"
    )
    people = read_people(Extractor(effort="none").extract(record), record)
    assert show(people) == {
        "minimum_age": (">=", 18, False),
        "maximum_age": ("<", 65, False),
    }


def test_registered_values_fill_gaps_and_never_cross_the_texts():
    eligibility = {"minimum_age": {"value": 21, "unit": "year"}}
    stated = TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": eligibility}
    )
    record = make(maximum_age="40 Years", sex="BOTH", healthy_volunteers="No")
    people = read_people(stated, record)
    assert show(people) == {
        "minimum_age": (">=", 21, False),
        "maximum_age": ("<=", 40, True),
    }
    assert (people.sex.value, people.healthy.value) == ("all", False)
    crossed = read_people(stated, make(maximum_age="6 Months"))
    assert list(crossed.ages) == ["minimum_age"]
    assert list(
        read_people(stated, make(minimum_age="N/A", maximum_age="3568 Years")).ages
    ) == ["minimum_age"]

"""What registers, R and Excel write into a registered field that has no value."""

import pytest

from extractor import Extractor
from extractor.concepts.people.registered_ages import read_registered_ages
from extractor.formats.json_records import build_json
from extractor.schemas import RegistryFields


def name_study(low: str, high: str, text: str):
    eligibility = {
        "minimumAge": low,
        "maximumAge": high,
        "eligibilityCriteria": f"Inclusion Criteria:\n\n* {text}",
    }
    identification = {"nctId": "NCT90000001", "briefTitle": "Fictumab in asthma"}
    return {
        "protocolSection": {
            "identificationModule": identification,
            "eligibilityModule": eligibility,
        }
    }


NOTHING = "NA|n/a|N.A.|-|--|–|None|No limit|no age limit|Not applicable|NaN|null|"


@pytest.mark.parametrize("written", NOTHING.split("|"))
def test_a_registered_age_of_nothing_contradicts_no_text(written):
    study = name_study(written, written, "Adults with asthma, aged 18 to 60 years")

    found = Extractor().extract(study)

    ages = found.eligibility.minimum_age, found.eligibility.maximum_age
    assert [str(age) for age in ages] == ["18 year", "60 year"]
    assert [
        finding for finding in found.findings if finding.kind == "age_differs"
    ] == []
    assert set(read_registered_ages(build_json(study).registry).values()) == {None}


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("15Y", 15 * 365.25),
        ("15 Y", 15 * 365.25),
        ("18", 18 * 365.25),
        ("20age old", 20 * 365.25),
        ("20years-old", 20 * 365.25),
        ("18.00 Year(s)", 18 * 365.25),
        ("6M", 6 * 30.4375),
        ("2W", 14),
        ("Adults", None),
    ],
)
def test_ages_as_registers_write_them(written, days):
    ages = read_registered_ages(RegistryFields(minimum_age=written, maximum_age="-"))

    assert ages["minimum_age"] == days


def test_a_word_for_nothing_is_no_value_unless_the_field_means_it():
    fields = RegistryFields(
        sex="NA",
        enrollment="-",
        healthy_volunteers="NaN",
        allocation="NA",
        masking="NONE",
        status="UNKNOWN",
    )

    assert fields.sex is None
    assert fields.enrollment is None
    assert fields.healthy_volunteers is None
    assert (fields.allocation, fields.masking, fields.status) == (
        "NA",
        "NONE",
        "UNKNOWN",
    )

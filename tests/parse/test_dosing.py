"""Results of the dosing rules other than values: candidates, certainty, and abbreviations."""

import pytest

from extractor.concepts.parse import parse_record
from extractor.language.book import terms_of
from tests.trust import trial


def parse(descriptions, arms=(), **texts):
    """Read interventions with these descriptions, experimental arms, and other sections."""
    drugs = [
        {"type": "DRUG", "name": name, "description": said}
        for name, said in descriptions.items()
    ]
    cohorts = [
        {"label": f"Cohort {at}", "type": "EXPERIMENTAL", "description": said}
        for at, said in enumerate(arms)
    ]
    return parse_record(trial(arms=cohorts, interventions=drugs, **texts))


def test_a_dose_of_an_unknown_agent_is_a_candidate():
    parsed = parse(
        {"Examplumab": "", "Otherine": ""}, ["Sip 20 mL of the blue liquid."]
    )
    assert parsed.regimens == ()
    assert [chunk.text for chunk in parsed.candidates] == [
        "Sip 20 mL of the blue liquid."
    ]


@pytest.mark.parametrize(
    "entry", terms_of("agent_abbreviations"), ids=lambda entry: entry.value
)
def test_an_abbreviation_is_the_agent_of_its_example(entry):
    (regimen,) = parse({entry.value: ""}, [entry.example]).regimens
    assert regimen.rules["agent"].value == entry.value

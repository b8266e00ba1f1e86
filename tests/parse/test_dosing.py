"""What rules say of dosing beside values: candidates, certainty, the vocabulary of short names."""

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


@pytest.mark.parametrize(
    "text",
    [
        "Patients are followed every 3 months for 2 years.",
        "The approved dose of other drugs is given once daily.",
        "Patients receive Examplumab subcutaneously every month.",
    ],
)
def test_a_rhythm_elsewhere_is_no_candidate_beside_regimens(text):
    given = "5 mg SC every 4 weeks"

    parsed = parse({"Examplumab": given, "EX-12": given}, detailed_description=text)

    assert parsed.candidates == ()
    assert [regimen.rules["agent"].value for regimen in parsed.regimens] == [
        "Examplumab",
        "EX-12",
    ]


def test_a_dose_of_an_unknown_agent_is_a_candidate():
    parsed = parse(
        {"Examplumab": "", "Otherine": ""}, ["Sip 20 mL of the blue liquid."]
    )
    assert parsed.regimens == ()
    assert [chunk.text for chunk in parsed.candidates] == [
        "Sip 20 mL of the blue liquid."
    ]


@pytest.mark.parametrize(
    "text", ["Week {}", "{} weeks", "weeks {} and {}", "day 4 to {}", "up to cycle {}"]
)
def test_a_number_too_large_to_represent_is_no_moment(text):
    outcomes = [{"measure": "Change", "time_frame": text.format(*["9" * 400] * 2)}]
    (outcome,) = parse_record(trial(primary_outcomes=outcomes)).outcomes
    assert [point.value for point in outcome.rules["time_points"].value] == (
        [4] if "4" in text else []
    )


@pytest.mark.parametrize(
    "entry", terms_of("agent_abbreviations"), ids=lambda entry: entry.value
)
def test_an_abbreviation_is_the_agent_of_its_example(entry):
    (regimen,) = parse({entry.value: ""}, [entry.example]).regimens
    assert regimen.rules["agent"].value == entry.value

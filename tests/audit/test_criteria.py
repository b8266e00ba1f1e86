"""Criteria and doses that contradict each other."""

import pytest

from extractor.schemas import Severity
from tests.audit.studies import audit, find, make_study


def _lists(inclusion, exclusion):
    items = ["Inclusion Criteria:", "", *(f"* {one}" for one in inclusion), ""]
    return "\n".join([*items, "Exclusion Criteria:", "", *(f"* {one}" for one in exclusion)])


@pytest.mark.parametrize(
    ("inclusion", "exclusion", "severity"),
    [
        (["ECOG 0-2"], ["ECOG 0-4"], Severity.ERROR),
        (["Hemoglobin ≥ 8 g/dL"], ["Hemoglobin < 10 g/dL"], Severity.WARNING),
    ],
)
def test_limits_that_exclude_people_whom_the_inclusion_admits(inclusion, exclusion, severity):
    (finding,) = audit(make_study(eligibility=_lists(inclusion, exclusion)))
    assert (finding.kind, finding.severity) == ("limits_contradict", severity)
    assert [one.quote for one in finding.citations] == [*inclusion, *exclusion]


@pytest.mark.parametrize(
    ("inclusion", "exclusion"),
    [
        (["Platelets ≥ 100 x 10^9/L"], ["Platelets < 100 x 10^9/L"]),
        (["Hemoglobin ≥ 8 g/dL"], ["Hemoglobin < 10 g/dL in women"]),
        (["Hemoglobin ≥ 8 g/dL", "If transfused, hemoglobin < 7 g/dL"], ["Asthma"]),
        (["LDL cholesterol < 190 mg/dL"], ["LDL cholesterol > 189 mg/dL"]),
        (["BMI 18 to 29 kg/m2", "BMI over 40 kg/m2"], ["Asthma"]),  # different groups in one list
        (["Must be greater than 18 years of age"], ["Under 19 years of age"]),  # ages in whole years
        (["Aged 18 to 59 years (stratum A)"], ["Aged 18 to 65 years (stratum B)"]),
        (["Platelets < 50 x 10^9/L"], ["Asthma", "", "Exclusion Criteria (Child):", "", "Platelets < 90 x 10^9/L"]),
    ],
)
def test_limits_that_do_not_contradict(inclusion, exclusion):
    assert find(make_study(eligibility=_lists(inclusion, exclusion))) == []


def test_the_same_condition_in_both_lists():
    text = _lists(["Asthma", "Pregnant women"], ["Smokers", "Pregnant women."])
    assert find(make_study(eligibility=text))[0][0] == "criterion_contradicted"


@pytest.mark.parametrize(
    "line", ["Other criteria as described in the protocol", "Different requirements hold for a virtual visit."]
)
def test_a_sentence_that_states_no_condition_cannot_contradict(line):
    assert find(make_study(eligibility=_lists(["Asthma", line], ["Smokers", line]))) == []


HEADING = "Eligibility criteria for the second part, to stop or go on with daily tablets Inclusion criteria"
ITEM = "{}:\n\n* Healthy adults\n   * {}\n\n"


@pytest.mark.parametrize(
    "text",
    [
        "\n\nFor controls:\n\n".join([_lists(["Any asthma"], ["Smokers"]), _lists(["Adults"], ["Any asthma"])]),
        _lists(["Any asthma"], ["Smokers"]) + f"\n\n{HEADING}\n\n* Adults\n\nExclusion Criteria:\n\n* Any asthma",
        ITEM.format("Inclusion Criteria", "Age over 18") + ITEM.format("Exclusion Criteria", "Smokers"),
    ],
    ids=["another group", "a long heading", "a heading in both lists"],
)
def test_words_in_both_lists_that_are_not_a_condition_of_the_same_people(text):
    assert find(make_study(eligibility=text)) == []


def _dosed(arm, intervention):
    arms = ({"label": "Active", "type": "EXPERIMENTAL", "description": arm, "interventionNames": ["Drug: Examplumab"]},)
    drugs = ({"type": "DRUG", "name": "Examplumab", "description": intervention},)
    return find(make_study(arms=arms, interventions=drugs))


@pytest.mark.parametrize(
    ("arm", "intervention", "found"),
    [
        ("35 mg orally once daily", "Examplumab 50 mg orally once daily", [("dose_differs", "35 mg", "50 mg")]),
        ("35 mg orally once daily", "Examplumab 35 mg orally once daily", []),
        ("35 mg orally once daily", "Two tablets of 17.5 mg examplumab once daily", []),
        ("to a level of 6 IU/L", "Examplumab 75 IU daily", []),
        ("5 mg load, then 35 mg orally on day 1", "Examplumab 40 mg orally on day 1", []),
    ],
)
def test_doses_that_differ_between_arm_and_intervention(arm, intervention, found):
    assert _dosed(f"Examplumab {arm}", intervention) == found

"""The text against the registry's structured fields."""

import pytest

from extractor import Extractor
from tests.audit.studies import find, make_study

PLANNED = {"enrollmentInfo": {"count": 60, "type": "ESTIMATED"}}


@pytest.mark.parametrize(
    ("title", "phases", "found"),
    [
        ("A Phase III Trial of Examplumab", ["PHASE2"], True),
        ("A Phase Ib/II Trial of Examplumab", ["PHASE1"], False),
        ("A Phase 1 Trial of Examplumab", ["EARLY_PHASE1"], False),
        ("An Extension of the Phase 3 Trial of Examplumab", ["PHASE4"], False),
    ],
)
def test_phase(title, phases, found):
    kinds = [finding[0] for finding in find(make_study(title=title, design={"phases": phases}))]
    assert kinds == (["phase_differs"] if found else [])


@pytest.mark.parametrize(
    ("title", "allocation", "masking", "kinds"),
    [
        ("A Randomised Trial of Examplumab", "NON_RANDOMIZED", None, ["allocation_differs"]),
        ("A Non-Randomized Trial of Examplumab", "RANDOMIZED", None, ["allocation_differs"]),
        ("A Double-Blind Trial of Examplumab", None, "NONE", ["masking_differs"]),
        ("An Open-Label Trial of Examplumab", None, "QUADRUPLE", ["masking_differs"]),
        ("A Randomised, Double-Blind Trial of Examplumab", "RANDOMIZED", "DOUBLE", []),
        ("A Double-Blind Food Challenge after Examplumab", None, "NONE", []),
        ("A Double-Blind Trial Followed by an Open-Label Extension", None, "DOUBLE", []),
    ],
)
def test_allocation_and_masking(title, allocation, masking, kinds):
    design = {"designInfo": {"allocation": allocation, "maskingInfo": {"masking": masking}}}
    assert [finding[0] for finding in find(make_study(title=title, design=design))] == kinds


def _arms(*labels):
    return tuple(
        {"label": label, "type": "EXPERIMENTAL", "interventionNames": ["Drug: Examplumab"]} for label in labels
    )


def test_an_arm_without_intervention_is_found_unless_it_is_intended():
    arms = (
        *_arms("Examplumab"),
        {"label": "Placebo", "type": "PLACEBO_COMPARATOR"},
        {"label": "Waiting", "type": "NO_INTERVENTION"},
    )
    record = make_study(arms=arms, interventions=({"type": "DRUG", "name": "Examplumab"},))
    assert find(record) == [("arm_without_intervention", "Placebo")]


@pytest.mark.parametrize(
    ("line", "fields", "found"),
    [
        ("Age 18 to 65 years", {"minimumAge": "18 Years", "maximumAge": "75 Years"}, [("18 to 65 years", "75 Years")]),
        ("Patients aged ≥ 16 years", {"minimumAge": "18 Years"}, [("≥ 16 years", "18 Years")]),
        ("Patients aged ≥ 16 years", {"maximumAge": "80 Years"}, [("≥ 16 years",)]),  # no lowest age is registered
        ("Age 18 to 65 years", {"minimumAge": "18 Years", "maximumAge": "65 Years"}, []),
        ("Patients older than 18 years", {"minimumAge": "19 Years"}, []),  # a registry rounds
        ("Less than 50 years of age at the time of onset", {"maximumAge": "80 Years"}, []),
        ("At least two of the following signs:\n   * Age > 40 years\n   * Cough", {"minimumAge": "20 Years"}, []),
        (
            "Age 18 to 65 years\n* Cohort 2: 66 to 75",
            {"minimumAge": "18 Years", "maximumAge": "75 Years"},
            [("18 to 65 years", "75 Years")],
        ),
        (
            "Age 18 to 65 years\n* Cohort 2: age 66 to 75 years",
            {"minimumAge": "18 Years", "maximumAge": "75 Years"},
            [],
        ),
    ],
)
def test_ages(line, fields, found):
    record = make_study(eligibility=f"Inclusion Criteria:\n\n* {line}\n* Asthma", fields=fields)
    assert find(record) == [("age_differs", *quotes) for quotes in found]


def test_an_age_of_the_text_that_is_not_taken_is_told():
    lines = "An adolescent aged 13 to 16 years\n* Both parents"
    record = make_study(
        eligibility=f"Inclusion Criteria:\n\n* {lines}", fields={"minimumAge": "13 Years", "maximumAge": "75 Years"}
    )
    extraction = Extractor(effort="none").extract(record)
    assert extraction.eligibility.maximum_age is None
    (finding,) = extraction.findings
    assert (finding.kind, finding.severity, finding.field) == ("age_differs", "info", "eligibility.maximum_age")
    assert [one.quote for one in finding.citations] == ["13 to 16 years", "75 Years"]
    assert next(one.reason for one in extraction.absences if one.field == finding.field) == "ambiguous"


def test_ages_that_leave_nobody_are_told_and_not_taken():
    text = "Inclusion Criteria:\n\n* Aged 65 years or older\n* Age below 18 years"
    extraction = Extractor(effort="none").extract(make_study(eligibility=text))
    assert (extraction.eligibility.minimum_age, extraction.eligibility.maximum_age) == (None, None)
    assert [one.kind for one in extraction.findings] == ["limits_contradict"] * 2
    registered = make_study(eligibility=text, fields={"minimumAge": "65 Years", "maximumAge": "80 Years"})
    assert Extractor(effort="none").extract(registered).eligibility.minimum_age.value == 65


@pytest.mark.parametrize(
    ("summary", "quote"),
    [
        ("The study will enroll 120 patients with asthma.", "study will enroll 120 patients"),
        ("A total of 200 adults will be randomized into two groups.", "total of 200 adults"),
        ("The study will enroll forty patients with asthma.", "study will enroll forty patients"),
        ("The study will enroll approximately 55 patients with asthma.", None),
        ("The study will enroll 50 patients with asthma.", None),  # and dropouts
        ("The study will enroll 20 patients in each of three groups.", None),
        ("The study will enroll 20 patients. In addition, 40 controls are seen.", None),
        ("The expansion cohort: the study will enroll 20 patients.", None),
        ("The study will enroll 30 patients with asthma. They are compared to healthy controls.", None),
        ("The study will enroll 200 patients with asthma. Of them 60 patients are treated.", None),
        ("A secondary objective is wellbeing.\n\nWe plan to include 210 patients.", None),
    ],
)
def test_a_planned_number_of_the_whole_trial_that_is_not_registered_is_found(summary, quote):
    assert find(make_study(summary=summary, design=PLANNED)) == (
        [("sample_size_differs", quote, "60")] if quote else []
    )


@pytest.mark.parametrize(
    ("summary", "allocation"),
    [
        ("A recent randomized blinded study of Examplumab showed fewer attacks.", "NA"),
        ("The trial has two halves:\nA) Phase I: Non-randomized treatment of adults", "RANDOMIZED"),
    ],
)
def test_the_allocation_of_another_trial_or_of_a_part(summary, allocation):
    assert find(make_study(summary=summary, design={"designInfo": {"allocation": allocation}})) == []


FOUR_ARMS = "A phase 2 study was completed. In all, 161 patients were randomized to 4 arms."
TWO_GROUPS = (
    "Adults are randomized into 1 group. Later, patients are randomized into 2 intervention groups and a control."
)


@pytest.mark.parametrize(
    ("title", "summary", "labels", "found"),
    [
        ("A Three-Arm Trial of Examplumab", "A trial.", ("Low", "High"), True),
        ("A 2-arm Trial of Examplumab", "A trial.", ("Low", "High"), False),
        ("A Three-Arm Trial of Examplumab", "A trial.", ("Cohort 1", "Cohort 2"), False),
        ("A Trial", FOUR_ARMS, ("Low", "High", "Sham"), False),
        ("A Trial", TWO_GROUPS, ("Low", "High", "Sham"), False),
    ],
)
def test_number_of_arms(title, summary, labels, found):
    record = make_study(title=title, summary=summary, arms=_arms(*labels))
    assert find(record) == ([("arm_count_differs", "Three-Arm", *labels)] if found else [])


@pytest.mark.parametrize(
    ("line", "sex", "quote"),
    [
        ("Male or female, 18 years or older", "FEMALE", "Male or female"),
        ("Male or female, 18 years or older", "ALL", None),
        ("Infertility, male or female factor", "FEMALE", None),
        ("Assigned male at birth, any gender, 18 years or older", "FEMALE", None),
    ],
)
def test_the_sex_of_participants_is_compared(line, sex, quote):
    record = make_study(eligibility=f"Inclusion Criteria:\n\n* {line}", fields={"sex": sex})
    assert find(record) == ([("sex_differs", quote, sex)] if quote else [])

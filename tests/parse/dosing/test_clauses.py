"""Steps of a regimen, sentences that point elsewhere, and those that state no giving."""

import pytest

from .records import give, levels, make_section, read


def test_follow_up_is_no_schedule() -> None:
    (regimen,) = read(
        make_section("interventions[0]", type="DRUG", name="Examplumab"),
        make_section(
            "detailed_description",
            text="Patients receive examplumab IV once weekly. After treatment, patients are followed every 6 months.",
        ),
    ).regimens
    assert regimen.frequency.value == "QW"


def test_a_step_goes_on_with_the_dose_and_the_route() -> None:
    regimens = give("50 mg intrathecally every 14 days for 8 doses, then every 28 days for 6 doses")
    assert [(levels(r), r.route.value, r.frequency.value) for r in regimens] == [
        ([(50, 50, "mg")], "intrathecal", "Q2W"),
        ([(50, 50, "mg")], "intrathecal", "Q4W"),
    ]


def test_a_loading_dose_is_given_once() -> None:
    regimens = give("an initial dose of 600 mg subcutaneously, then 300 mg every 2 weeks")
    assert [(levels(r), r.frequency.value) for r in regimens] == [
        ([(600, 600, "mg")], "once"),
        ([(300, 300, "mg")], "Q2W"),
    ]


def test_two_routes_in_two_steps_are_two_regimens() -> None:
    regimens = give("IV on days 1-3 and then orally on days 4-14")
    assert [r.route.value for r in regimens] == ["intravenous", "oral"]


def test_what_is_as_in_another_arm_borrows_nothing() -> None:
    regimens = read(
        make_section("arms[0]", label="I", type="EXPERIMENTAL", description="Rituximab IV on day 1."),
        make_section(
            "arms[1]",
            label="II",
            type="EXPERIMENTAL",
            description="Patients receive rituximab as in arm I. Patients receive examplumab SC on day 2.",
        ),
        make_section("interventions[0]", type="DRUG", name="Rituximab"),
        make_section("interventions[1]", type="DRUG", name="Examplumab"),
    ).regimens
    assert [(r.agent.value, r.route.value, r.quote.section) for r in regimens] == [
        ("Rituximab", "intravenous", "arms[0]"),
        ("examplumab", "subcutaneous", "arms[1]"),
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "Subjects then undergo a food challenge with 5000 mg of peanut protein.",
        "Cells are treated ex vivo with 5 mg of peanut protein on day -1.",
        "Accidental ingestion of 70 mg of peanut protein can lead to a reaction.",
        "Participants who tolerate 300 mg of peanut protein leave the study.",
    ],
)
def test_doses_of_tests_and_accidents_are_not_given(sentence: str) -> None:
    parsed = read(
        make_section("interventions[0]", type="DRUG", name="Peanut protein"),
        make_section("detailed_description", text=sentence),
    )
    assert parsed.regimens == ()

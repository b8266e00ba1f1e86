"""What the facts of one statement amount to together."""

import pytest

from .records import give, make_section, read


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10 mg orally once daily for 3 weeks. Treatment repeats every 4 weeks.", None),
        ("10 mg orally once daily for 3 weeks. Treatment repeats every 4 weeks for 6 courses.", (6, "cycle")),
        ("10 mg orally once daily for 12 weeks in 4-week cycles", (12, "week")),
        ("10 mg orally once daily for 3 weeks", (3, "week")),
    ],
)
def test_a_length_within_a_cycle_is_not_that_of_the_treatment(text: str, expected: tuple[float, str] | None) -> None:
    (regimen,) = give(text)
    duration = regimen.duration.value
    assert (duration and (duration.value, duration.unit.value)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 mg/kg IV on days 1 and 8", "on days 1 and 8"),
        ("5 mg/kg IV on days 1 and 8 before surgery", "on days 1 and 8 before surgery"),
        (
            "2 mg orally daily beginning on day -3 and continuing until engraftment of the cells.",
            "beginning on day -3 and continuing until engraftment of the cells",
        ),
        ("5 mg/kg IV on day 1, 20-methylated", "on day 1"),
        ("5 mg/kg IV on day 1 until disease progression", "on day 1"),
        ("5 mg orally daily for 3 weeks. Treatment repeats every 4 weeks.", "for 3 weeks"),
    ],
)
def test_a_timing_holds_what_stands_next_to_it(text: str, expected: str) -> None:
    (regimen,) = give(text)
    assert regimen.timing.value == expected


def test_lengths_of_steps_are_not_that_of_the_treatment() -> None:
    (regimen,) = give("5 mg orally daily for 4 weeks with food and at home for 8 weeks")
    assert regimen.duration.value is None


def test_the_number_of_cycles_is_that_of_all_agents() -> None:
    regimens = read(
        make_section("interventions[0]", type="DRUG", name="examplumab"),
        make_section("interventions[1]", type="DRUG", name="fictizumab"),
        make_section(
            "arms[0]", label="A", description="examplumab 5 mg on day 1, fictizumab 2 mg on day 8 for 6 cycles"
        ),
    ).regimens
    assert [(r.agent.value, r.duration.value and r.duration.value.value) for r in regimens] == [
        ("examplumab", 6),
        ("fictizumab", 6),
    ]


def test_one_giving_each_interval_is_not_given_once() -> None:
    (regimen,) = give("5 mg subcutaneously. One injection will be administered every 4 weeks.")
    assert regimen.frequency.value == "Q4W"


def test_listed_days_of_another_clause_are_the_timing() -> None:
    (regimen,) = give("Examplumab 5 mg/kg intravenously. It is infused on days 1, 8 and 15 of each 28-day cycle.")
    assert regimen.timing.value is not None
    assert "1, 8 and 15" in regimen.timing.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.24 mg/kg/week subcutaneously", "QW"),
        ("5 mL/h through a catheter", "continuous"),
        ("40 mg/day orally", "QD"),
        ("0.24 mg/kg/week subcutaneously in daily injections", "QD"),
        ("2 mg orally", None),
    ],
)
def test_what_a_dose_is_given_per_says_how_often_if_nothing_else_does(text: str, expected: str | None) -> None:
    (regimen,) = give(text)
    assert regimen.frequency.value == expected


def read_length(dose: str, summary: str) -> tuple[float, str] | None:
    """The length of the one regimen of a record with a summary beside the intervention."""
    intervention = make_section("interventions[0]", type="DRUG", name="Examplumab", description=dose)
    (regimen,) = read(intervention, make_section("brief_summary", text=summary)).regimens
    duration = regimen.duration.value
    return duration and (duration.value, duration.unit.value)


def test_a_regimen_without_a_length_takes_that_of_the_trial() -> None:
    assert read_length("5 mg orally once daily", "Participants will be treated for 12 weeks.") == (12, "week")


@pytest.mark.parametrize(
    ("dose", "summary"),
    [
        ("a single oral dose of 5 mg", "Participants will be treated for 12 weeks."),
        ("5 mg orally", "Participants will be treated for 12 weeks."),
        ("5 mg orally once daily", "Adults are treated for 24 weeks. Children are treated for 12 weeks."),
        ("5 mg orally once daily", "Participants are followed up for 12 weeks."),
        ("5 mg orally once daily", "Participants are treated for 12 weeks after a screening visit."),
    ],
)
def test_no_length_is_taken_that_may_be_another_one(dose: str, summary: str) -> None:
    assert read_length(dose, summary) is None


def test_no_length_of_the_trial_is_taken_beside_another_one() -> None:
    regimens = read(
        make_section("interventions[0]", type="DRUG", name="examplumab", description="5 mg orally once daily"),
        make_section("interventions[1]", type="DRUG", name="fictizumab", description="2 mg IV weekly for 4 weeks"),
        make_section("brief_summary", text="Participants will be treated for 12 weeks."),
    ).regimens
    assert [regimen.duration.value and regimen.duration.value.value for regimen in regimens] == [None, 4]


def test_a_length_taken_from_the_trial_is_unsure_and_says_where_it_stands() -> None:
    summary = "Participants will be treated for 12 weeks."
    (regimen,) = read(
        make_section("interventions[0]", type="DRUG", name="Examplumab", description="5 mg orally once daily"),
        make_section("brief_summary", text=summary),
    ).regimens
    (span,) = regimen.duration.spans
    assert regimen.duration.confidence < 0.6
    assert (span.section, summary[span.start : span.end]) == ("brief_summary", "for 12 weeks")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5 mg/kg intravenously 30 minutes before surgery", "once"),
        ("5 mg orally at the induction of anesthesia", "once"),
        ("5 mg/kg intravenously before each procedure", None),
        ("5 mg orally twice daily before surgery", "BID"),
        ("5 mg orally for 2 weeks before surgery", None),
        ("5 mg orally before breakfast", None),
    ],
)
def test_what_is_given_at_a_single_event_is_given_once(text: str, expected: str | None) -> None:
    (regimen,) = give(text)
    assert regimen.frequency.value == expected

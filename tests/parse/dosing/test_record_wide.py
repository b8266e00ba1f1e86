"""What one part of a record tells of doses that another part states."""

import pytest

from extractor.schemas import Section

from .records import give, levels, make_section, read

DRUG = make_section("interventions[0]", type="DRUG", name="Examplumab")
PLACEBO = make_section("interventions[1]", type="DRUG", name="Placebo", description="once daily")


def describe(text: str, name: str = "detailed_description") -> Section:
    return make_section(name, text=text)


def test_an_official_title_tells_of_a_dose_that_nothing_else_states() -> None:
    (regimen,) = read(
        DRUG, describe("A Study of Examplumab 1200 Units Once Every Three Weeks", "official_title")
    ).regimens
    assert (regimen.quote.section, levels(regimen)) == ("official_title", [(1200, 1200, "U")])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Patients also receive paracetamol 1 g three times daily.", ["Examplumab", "paracetamol"]),
        ("Patients also receive paracetamol three times daily.", ["Examplumab"]),
    ],
)
def test_an_agent_of_no_intervention_needs_an_amount_or_a_route_and_one_thing_more(text: str, found: list[str]) -> None:
    intervention = make_section("interventions[0]", type="DRUG", name="Examplumab", description="5 mg once daily")
    assert [one.agent.value for one in read(intervention, describe(text)).regimens] == found


@pytest.mark.parametrize(
    ("cycles", "expected"), [("in 21-day cycles", "Q3W"), ("in 21-day cycles, later in 28-day cycles", None)]
)
def test_the_one_cycle_of_a_record_is_that_of_what_is_given_in_cycles(cycles: str, expected: str | None) -> None:
    intervention = make_section("interventions[0]", type="DRUG", name="Examplumab", description="75 mg/m2 IV on day 1")
    (regimen,) = read(intervention, describe(f"Patients are treated {cycles} at the clinic.")).regimens
    assert regimen.frequency.value == expected


@pytest.mark.parametrize(("other", "expected"), [("2 mg orally", "oral"), ("2 mg IV", None)])
def test_a_placebo_is_given_by_the_one_route_of_the_record(other: str, expected: str | None) -> None:
    drug = make_section("interventions[0]", type="DRUG", name="Examplumab", description="5 mg orally")
    second = make_section("interventions[2]", type="DRUG", name="Fictizumab", description=other)
    placebo = next(one for one in read(drug, PLACEBO, second).regimens if one.agent.value == "Placebo")
    assert placebo.route.value == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10 mg, then 20 mg orally once daily for 6 weeks", [[10, 20]]),
        ("10 mg once daily for 2 weeks, then 20 mg weekly for 6 weeks", [[10], [20]]),
        ("10 mg once daily; the dose is increased weekly by 5 mg", [[10]]),
        ("10 mg once daily on days 1 to 7. 10 mg once daily on days 15 to 21.", [[10]]),
        ("10 mg once daily on days 1 to 7. 20 mg once daily on days 15 to 21.", [[10], [20]]),
    ],
)
def test_a_changed_dose_alone_is_no_other_way_of_giving(text: str, expected: list[list[float]]) -> None:
    assert [sorted(high or 0 for _, high, _ in levels(regimen)) for regimen in give(text)] == expected

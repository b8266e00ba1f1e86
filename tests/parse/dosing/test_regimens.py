"""Which regimens a record has, and what their fields hold."""

import pytest

from extractor.parse.parsed import CERTAIN, ParsedRegimen
from extractor.schemas import Role, Section

from .records import give, levels, make_section, read


def test_one_regimen_with_all_its_fields() -> None:
    (regimen,) = give("300 mg intravenously on Day 1 of each 21-day cycle for up to 6 cycles.")
    assert regimen.agent.value == "Examplumab"
    assert levels(regimen) == [(300, 300, "mg")]
    assert regimen.route.value == "intravenous"
    assert regimen.frequency.value == "Q3W"
    assert (regimen.cycle.value.value, regimen.cycle.value.unit) == (21, "day")
    assert (regimen.duration.value.value, regimen.duration.value.unit) == (6, "cycle")
    assert regimen.timing.value == "on Day 1 of each 21-day cycle"


def test_two_agents_in_one_clause_keep_their_own_doses() -> None:
    regimens = give(
        "Cisplatin 75 mg/m2 IV on day 1 and capecitabine 1000 mg/m2 orally twice daily", name="Chemotherapy"
    )
    found = {r.agent.value: (levels(r), r.route.value, r.frequency.value) for r in regimens}
    assert found == {
        "Cisplatin": ([(75, 75, "mg/m2")], "intravenous", None),  # of a cycle whose length is not told
        "capecitabine": ([(1000, 1000, "mg/m2")], "oral", "BID"),
    }


def test_what_the_last_agent_says_holds_for_those_before() -> None:
    regimens = give(
        "fludarabine (30 mg/m2) and cyclophosphamide (300 mg/m2) are given IV for 3 days", name="Chemotherapy"
    )
    assert [(r.route.value, r.duration.value.value) for r in regimens] == [("intravenous", 3), ("intravenous", 3)]


def test_levels_of_several_arms_are_one_regimen() -> None:
    arms = [
        make_section(
            f"arms[{i}]", label=f"Cohort {i}", type="EXPERIMENTAL", description=f"Examplumab {dose} mg IV weekly"
        )
        for i, dose in enumerate((10, 20))
    ]
    named = make_section("interventions[0]", type="DRUG", name="Examplumab")
    (regimen,) = read(*arms, named).regimens
    assert levels(regimen) == [(10, 10, "mg"), (20, 20, "mg")]


def test_the_same_regimen_in_arm_and_intervention_is_one() -> None:
    arm = make_section("arms[0]", label="A", type="EXPERIMENTAL", description="Examplumab 5 mg orally once daily")
    named = make_section("interventions[0]", type="DRUG", name="Examplumab", description="5 mg once daily for 4 weeks")
    (regimen,) = read(arm, named).regimens
    assert regimen.route.value == "oral"
    assert regimen.duration.value.value == 4


def test_two_frequencies_are_two_regimens_with_one_route() -> None:
    regimens = give("300 mg every 2 weeks or 600 mg every 4 weeks. It is injected subcutaneously.")
    assert [(levels(r), r.frequency.value, r.route.value) for r in regimens] == [
        ([(300, 300, "mg")], "Q2W", "subcutaneous"),
        ([(600, 600, "mg")], "Q4W", "subcutaneous"),
    ]


@pytest.mark.parametrize(
    ("name", "description", "role"),
    [
        ("Placebo", "1 tablet daily", "placebo"),
        ("Fludarabine", "30 mg/m2 IV on days -5 to -3 before the CAR-T cells", "conditioning"),
        ("Cetirizine", "premedication with 10 mg orally", "premedication"),
        ("Stem cell transplantation", "Cells are infused intravenously on day 0", "procedure"),
        ("Examplumab", "10 mg daily", "investigational"),
    ],
)
def test_roles(name: str, description: str, role: str) -> None:
    (regimen,) = give(description, name=name)
    assert regimen.role.value == role


def test_a_description_fills_in_where_arms_state_no_dose() -> None:
    (regimen,) = read(
        make_section("interventions[0]", type="DRUG", name="Examplumab"),
        make_section("detailed_description", text="Participants receive Examplumab 40 mg orally once daily."),
    ).regimens
    assert regimen.quote.section == "detailed_description"
    assert levels(regimen) == [(40, 40, "mg")]


def test_spans_point_at_the_raw_text() -> None:
    section = make_section(
        "interventions[0]", type="DRUG", name="Examplumab", description=r"5 mg\/kg \> IV on day\~1 and 8"
    )
    (regimen,) = read(section).regimens
    raw = section.text
    assert raw[regimen.agent.spans[0].start : regimen.agent.spans[0].end] == "Examplumab"
    assert raw[regimen.amounts.spans[0].start : regimen.amounts.spans[0].end] == r"5 mg\/kg"
    assert raw[regimen.quote.start : regimen.quote.end].startswith(r"5 mg\/kg \> IV")


def test_a_dose_of_nobody_known_is_a_candidate() -> None:
    arm = make_section("arms[0]", label="A", type="EXPERIMENTAL", description="Sip 20 mL of the blue liquid.")
    named = [
        make_section(f"interventions[{i}]", type="DRUG", name=name) for i, name in enumerate(("Examplumab", "Otherine"))
    ]
    parsed = read(arm, *named)
    assert parsed.regimens == ()
    assert [chunk.text for chunk in parsed.candidates] == ["Sip 20 mL of the blue liquid."]


def test_a_full_statement_of_a_description_counts_beside_the_arms() -> None:
    regimens = read(
        make_section("interventions[0]", type="DRUG", name="Examplumab", description="5 mg/kg IV every 3 weeks"),
        make_section(
            "detailed_description",
            text="Patients also receive filgrastim subcutaneously daily for 10 days. Some patients receive mesna.",
        ),
    ).regimens
    assert {regimen.agent.value for regimen in regimens} == {"Examplumab", "filgrastim"}


def test_a_salt_is_left_out_where_the_text_names_the_agent_without() -> None:
    (regimen,) = read(
        make_section("arms[0]", label="A", type="EXPERIMENTAL", description="Vincristine is a cytostatic."),
        make_section("interventions[0]", type="DRUG", name="vincristine sulfate", description="1.4 mg/m2 IV weekly"),
    ).regimens
    assert regimen.agent.value == "vincristine"


def _intervene(*names: str, kind: str = "DRUG") -> list[Section]:
    return [make_section(f"interventions[{i}]", type=kind, name=name) for i, name in enumerate(names)]


def _describe(text: str) -> Section:
    return make_section("detailed_description", text=text)


def _tell(regimens: tuple[ParsedRegimen, ...]) -> list[tuple[str, str | None, str | None]]:
    """Agent, route, frequency of each."""
    return [(r.agent.value or "", r.route.value, r.frequency.value) for r in regimens]


@pytest.mark.parametrize(
    ("text", "routes"),
    [
        ("5 mg orally or IV once daily", {"oral", "intravenous"}),
        ("5 mg administered either subcutaneously or intravenously once daily", {"subcutaneous", "intravenous"}),
        ("5 mg orally once daily", {"oral"}),
    ],
)
def test_routes_that_or_joins_are_two_ways_of_giving(text: str, routes: set[str]) -> None:
    regimens = give(text)
    assert {r.route.value for r in regimens} == routes
    assert [levels(r) for r in regimens] == [[(5, 5, "mg")]] * len(routes)


def test_or_between_two_agents_parts_their_routes() -> None:
    regimens = read(
        *_intervene("methylprednisolone", "prednisone"),
        _describe("Patients receive methylprednisolone IV or oral prednisone daily on days 7-65."),
    ).regimens
    assert _tell(regimens) == [("methylprednisolone", "intravenous", "QD"), ("prednisone", "oral", "QD")]


@pytest.mark.parametrize("joint", [" or ", " or matching ", "/"])
def test_a_placebo_is_given_as_the_agent_beside_it(joint: str) -> None:
    arm = make_section(
        "arms[0]", label="A", type="EXPERIMENTAL", description=f"Examplumab{joint}placebo 5 mg IV every 4 weeks"
    )
    told = _tell(read(arm, *_intervene("Examplumab")).regimens)
    assert {(name.split()[-1], *way) for name, *way in told} == {
        ("Examplumab", "intravenous", "Q4W"),
        ("placebo", "intravenous", "Q4W"),
    }


def test_an_agent_named_twice_with_two_frequencies_is_given_in_two_ways() -> None:
    regimens = give("Examplumab every 2 weeks subcutaneously and Examplumab every 4 weeks subcutaneously")
    assert [r.frequency.value for r in regimens] == ["Q2W", "Q4W"]


def test_of_equal_statements_that_of_the_arm_counts() -> None:
    text = "Examplumab intravenously on days 1-3"
    arm = make_section("arms[0]", label="A", type="EXPERIMENTAL", description=text)
    (regimen,) = read(arm, *_intervene("Examplumab"), _describe(f"Patients receive {text}.")).regimens
    assert regimen.quote.section == "arms[0]"


def test_the_route_of_one_agent_is_not_that_of_the_one_before() -> None:
    regimens = read(
        *_intervene("tacrolimus", "methotrexate"),
        _describe("Patients receive tacrolimus twice daily on days 1-9 and methotrexate IV on days 1, 3 and 6."),
    ).regimens
    assert [(r.agent.value, r.route.value) for r in regimens] == [
        ("tacrolimus", None),
        ("methotrexate", "intravenous"),
    ]


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        ("Patients undergo autologous stem cell transplantation on day 0.", "autologous stem cell transplantation"),
        (
            "Patients undergo involved-field radiotherapy once daily on days -16 to -7.",
            "involved-field radiotherapy",
        ),
        (
            "Patients receive an infusion of donor natural killer (NK) cells on days 14 and 21.",
            "donor natural killer (NK) cells",
        ),
    ],
)
def test_agents_of_a_description_have_their_whole_name(text: str, agent: str) -> None:
    (regimen,) = read(_describe(text)).regimens
    assert regimen.agent.value == agent


def test_one_agent_under_two_names_is_one_regimen() -> None:
    (regimen,) = read(
        make_section("interventions[0]", type="DRUG", name="Examplex", description="5000 IU subcutaneously daily"),
        _describe("Patients receive examplaparin subcutaneously daily."),
    ).regimens
    assert regimen.agent.value == "Examplex"


def test_a_route_alone_adds_nothing_to_what_the_arm_calls_otherwise() -> None:
    arm = make_section(
        "arms[0]", label="A", type="EXPERIMENTAL", description="Patients receive oral EX-275 on days 1, 8"
    )
    other = make_section("interventions[0]", type="DRUG", name="entinostat", description="Given orally")
    assert [r.agent.value for r in read(arm, other).regimens] == ["EX-275"]


@pytest.mark.parametrize(
    "text",
    [
        "Patients with B-cell lymphoma that came back within days 1 to 30 were studied before IV access.",
        "Data on CD19 CAR-T cells were accumulated.",
        "Levels of IgE from 30 to 300 IU/mL are needed.",
    ],
)
def test_what_gives_nothing_is_no_regimen(text: str) -> None:
    assert read(*_intervene("Examplumab"), _describe(text)).regimens == ()


def test_the_route_in_a_name_is_no_statement() -> None:
    assert read(*_intervene("Examplum oral immunotherapy", kind="OTHER")).regimens == ()


def test_a_regimen_is_not_an_agent_beside_the_drugs_that_it_comprises() -> None:
    regimens = read(
        *_intervene("cyclophosphamide", "prednisone"),
        _describe(
            "Patients receive CHEX chemotherapy comprising cyclophosphamide IV on day 1 and oral prednisone daily."
        ),
    ).regimens
    assert [r.agent.value for r in regimens] == ["cyclophosphamide", "prednisone"]


@pytest.mark.parametrize(
    ("name", "agent"),
    [
        ("Sterile saline solution", "Sterile saline solution"),
        ("Examplum extract oral immunotherapy", "Examplum extract"),
        ("Examplasone nasal spray therapy", "Examplasone"),
    ],
)
def test_names_keep_what_is_part_of_them(name: str, agent: str) -> None:
    (regimen,) = give("5 mg once daily", name=name)
    assert regimen.agent.value == agent


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patients receive examplin for 3 weeks.", 1),
        ("Patients take examplin twice daily.", 1),
        ("Patients are followed every 3 months for 2 years.", 0),
        ("The approved dose of other drugs is given once daily.", 0),
        ("Patients receive Examplumab subcutaneously every month.", 0),
    ],
)
def test_giving_that_no_regimen_tells_is_a_candidate(text: str, expected: int) -> None:
    named = make_section("interventions[0]", type="DRUG", name="Examplumab", description="5 mg SC every 4 weeks")
    other = make_section("interventions[1]", type="DRUG", name="EX-12", description="5 mg SC every 4 weeks")
    parsed = read(named, other, _describe(text))
    assert len(parsed.candidates) == expected
    assert [r.agent.value for r in parsed.regimens] == ["Examplumab", "EX-12"]


@pytest.mark.parametrize(
    ("name", "description", "agent"),
    [
        ("Oat oral immunotherapy", "300 mg of oat flour orally daily", "oat flour"),
        ("Oat oral immunotherapy", "up to 300 mg oat protein orally daily", "oat protein"),
        ("Oat oral immunotherapy", "300 mg orally daily", "Oat oral immunotherapy"),
        ("Aurora kinase inhibitor EX9283", "EX9283 5 mg IV weekly", "EX9283"),
        ("Saline placebo", "Placebo IV weekly", "Placebo"),
    ],
)
def test_an_agent_is_called_what_is_given(name: str, description: str, agent: str) -> None:
    (regimen,) = give(description, name)
    assert regimen.agent.value == agent


def test_a_procedure_is_one_by_how_it_is_registered() -> None:
    (regimen,) = give("Plaque release on day 31", "Plaque release", "PROCEDURE")
    assert regimen.role.value is Role.PROCEDURE


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


_FIRST = "Arm I: Patients receive fictumab IV on day 1 and examplinib orally on days 1-5. Courses repeat every 21 days."


def _cycles(second: str) -> set[tuple[str | None, int]]:
    section = make_section("detailed_description", text=f"OUTLINE: {_FIRST} {second}")
    regimens = read(section).regimens
    return {(one.agent.value, int(one.cycle.value.value)) for one in regimens if one.cycle.value}


@pytest.mark.parametrize(
    "second",
    [
        "Arm II: Patients receive the regimen as in arm I. Courses repeat every 14 days.",
        "Arm II: Patients receive treatment as described in arm I, but courses repeat every 14 days.",
    ],
)
def test_all_agents_of_the_other_arm_are_given_again_in_other_cycles(second: str) -> None:
    given = {("fictumab", 21), ("examplinib", 21)}
    assert _cycles(second) == given | {(agent, 14) for agent, _ in given}


@pytest.mark.parametrize(
    "second",
    [
        "Arm II: Patients receive the regimen as in arm I. Courses repeat every 3 weeks.",
        "Arm II: Patients receive the regimen as in arm I.",
        "Arm II: Patients receive the regimen as in arm III. Courses repeat every 14 days.",
    ],
)
def test_the_same_cycles_or_an_unknown_arm_add_nothing(second: str) -> None:
    assert _cycles(second) == {("fictumab", 21), ("examplinib", 21)}


def test_what_the_arm_itself_states_is_not_given_again() -> None:
    second = "Arm II: Patients receive treatment as in arm I and fictumab IV on day 1. Courses repeat every 14 days."
    assert sorted(_cycles(second)) == [("examplinib", 14), ("examplinib", 21), ("fictumab", 14), ("fictumab", 21)]


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


@pytest.mark.parametrize(
    ("text", "certain"),
    [
        ("Examplumab 300 mg subcutaneously", {"route", "cycle", "frequency", "duration", "timing"}),
        ("Examplumab 300 mg subcutaneously every 4 weeks", {"route", "cycle", "frequency", "timing"}),
        (
            "Examplumab 300 mg subcutaneously weekly or monthly on days 1 and 8 of each 21-day cycle",
            {"route", "cycle", "timing"},
        ),
    ],
)
def test_a_field_is_certain_where_nothing_else_could_be_meant(text: str, certain: set[str]) -> None:
    (regimen,) = give(text)
    names = ("route", "cycle", "frequency", "duration", "timing")
    assert {name for name in names if getattr(regimen, name).confidence >= CERTAIN} == certain


def test_a_time_that_was_not_read_leaves_the_duration_uncertain() -> None:
    (plain,) = give("Examplumab 300 mg subcutaneously")
    (timed,) = give("Examplumab 300 mg subcutaneously, the visits are 12 weeks apart")
    assert timed.duration.value is None
    assert timed.duration.confidence < CERTAIN <= plain.duration.confidence


def test_a_cycle_that_another_passage_speaks_of_leaves_its_absence_uncertain() -> None:
    intervention = make_section("interventions[0]", type="DRUG", name="Examplumab", description="300 mg IV")
    arm = make_section("arms[0]", label="A", type="EXPERIMENTAL", description="Patients are treated in cycles")
    (alone,) = read(intervention).regimens
    (beside,) = read(arm, intervention).regimens
    assert alone.cycle.value is beside.cycle.value is None
    assert beside.cycle.confidence < CERTAIN <= alone.cycle.confidence


def test_a_frequency_that_is_told_once_is_surer_than_one_of_two() -> None:
    (once,) = give("Examplumab 300 mg IV every 4 weeks")
    (either,) = give("Examplumab 300 mg IV every 2 or 4 weeks, weekly at first")
    assert either.frequency.confidence < CERTAIN <= once.frequency.confidence

"""Whole records: linking, merging, roles, evidence, candidates."""

from itertools import count
from pathlib import Path

import pytest

from extractor.parse.dosing import read_dosing
from extractor.schemas import Section
from extractor.text.passage import read_section

from .records import give, levels, make_record, make_section, read

SEEDS = Path(__file__).parents[3] / "seeds" / "records"


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


def test_the_dose_of_a_fraction_is_taken() -> None:
    (regimen,) = give("60 Gy in 30 fractions of 2 Gy by IMRT", name="Radiotherapy", kind="RADIATION")
    assert (levels(regimen), regimen.route.value) == ([(2, 2, "Gy")], "external_beam")


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


def test_an_agent_of_the_active_arm_alone_is_a_comparator() -> None:
    regimens = read(
        make_section("arms[0]", label="A", type="EXPERIMENTAL", description="Examplumab 5 mg daily"),
        make_section("arms[1]", label="B", type="ACTIVE_COMPARATOR", description="Otherine 7 mg daily"),
        make_section("interventions[0]", type="DRUG", name="Examplumab"),
        make_section("interventions[1]", type="DRUG", name="Otherine"),
    ).regimens
    assert {r.agent.value: r.role.value for r in regimens} == {
        "Examplumab": "investigational",
        "Otherine": "comparator",
    }


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


def test_every_stated_value_has_a_span() -> None:
    (regimen,) = give("300 mg intravenously twice daily on days 1-5 of each 21-day cycle for 12 weeks")
    for reading in (regimen.agent, regimen.role, regimen.route, regimen.frequency, regimen.cycle, regimen.duration):
        assert reading.value is not None
        assert reading.spans
    assert len(regimen.amounts.spans) == len(regimen.amounts.value or ())


def test_a_dose_of_nobody_known_is_a_candidate() -> None:
    arm = make_section("arms[0]", label="A", type="EXPERIMENTAL", description="Sip 20 mL of the blue liquid.")
    named = [
        make_section(f"interventions[{i}]", type="DRUG", name=name) for i, name in enumerate(("Examplumab", "Otherine"))
    ]
    parsed = read(arm, *named)
    assert parsed.regimens == ()
    assert [chunk.text for chunk in parsed.candidates] == ["Sip 20 mL of the blue liquid."]


def test_a_passage_without_a_dose_is_no_candidate() -> None:
    parsed = read(
        make_section("arms[0]", label="A", type="EXPERIMENTAL", description="Follow-up for 2 years, 30 patients.")
    )
    assert (parsed.regimens, parsed.candidates) == ((), ())


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.txt")), ids=lambda path: path.stem[:3])
def test_the_seeds_state_no_dose(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    named = next(line for line in lines if line.split(":")[0].isupper())
    kind, _, name = named.partition(": ")
    sections: list[Section] = [
        make_section("interventions[0]", type=kind, name=name),
        make_section("brief_summary", text=lines[1]),
        make_section("detailed_description", text="\n".join(lines[lines.index(named) + 1 :])),
    ]
    cleaned = {section.name: read_section(section.name, section.text) for section in sections}
    parsed = read_dosing(make_record(*sections), cleaned, count(1))
    assert (parsed.regimens, parsed.candidates) == ((), ())


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

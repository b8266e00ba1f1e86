"""Which regimens are found: alternatives, shared words, other names, sections; and what is no regimen."""

import pytest

from extractor.parse.parsed import ParsedRegimen
from extractor.schemas import Role, Section

from .records import give, levels, make_section, read


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


def test_two_interventions_may_share_an_agent() -> None:
    regimens = read(
        make_section("interventions[0]", type="DRUG", name="EX456", description="Subcutaneous injection every 8 weeks"),
        make_section(
            "interventions[1]", type="DRUG", name="EX456", description="Subcutaneous injection every 12 weeks"
        ),
    ).regimens
    assert _tell(regimens) == [("EX456", "subcutaneous", "Q8W"), ("EX456", "subcutaneous", "Q12W")]


def test_an_agent_named_twice_with_two_frequencies_is_given_in_two_ways() -> None:
    regimens = give("Examplumab every 2 weeks subcutaneously and Examplumab every 4 weeks subcutaneously")
    assert [r.frequency.value for r in regimens] == ["Q2W", "Q4W"]


def test_of_equal_statements_that_of_the_arm_counts() -> None:
    text = "Examplumab intravenously on days 1-3"
    arm = make_section("arms[0]", label="A", type="EXPERIMENTAL", description=text)
    (regimen,) = read(arm, *_intervene("Examplumab"), _describe(f"Patients receive {text}.")).regimens
    assert regimen.quote.section == "arms[0]"


def test_another_route_in_the_description_is_another_regimen() -> None:
    arm = make_section("arms[0]", label="A", type="EXPERIMENTAL", description="methotrexate 120 mg/m2 IV on day 8")
    regimens = read(
        arm,
        *_intervene("methotrexate"),
        _describe("Patients with disease in the brain receive intrathecal methotrexate on days 1, 3 and 5."),
    ).regimens
    assert [r.route.value for r in regimens] == ["intravenous", "intrathecal"]


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
        ("Patients undergo radical prostatectomy on day 84.", "radical prostatectomy"),
        (
            "Patients receive an infusion of donor natural killer (NK) cells on days 14 and 21.",
            "donor natural killer (NK) cells",
        ),
        ("Patients receive EMX 121974 IV over 1 hour twice weekly.", "EMX 121974"),
        (
            "Patients receive autologous dendritic cell vaccine intradermally every 2 weeks.",
            "autologous dendritic cell vaccine",
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


def test_inhaled_steroids_do_not_tell_how_another_agent_is_given() -> None:
    text = "All patients use inhaled corticosteroids and a long-acting beta-agonist."
    assert give(text) == ()


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
        ("Examplin with low DE", "Examplin"),
        ("Examplasone cream", "Examplasone cream"),
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
        ("AGX-v PLUS", "100 ug of unadjuvanted AGX-v PLUS on day 1", "AGX-v PLUS"),
    ],
)
def test_an_agent_is_called_what_is_given(name: str, description: str, agent: str) -> None:
    (regimen,) = give(description, name)
    assert regimen.agent.value == agent


def test_a_dose_goes_to_the_agent_that_it_is_of() -> None:
    (regimen,) = give("Participants received 100 ug of unadjuvanted Examplivax on days 1 and 22", "Examplivax")
    assert levels(regimen) == [(100, 100, "ug")]


def test_a_procedure_is_one_by_how_it_is_registered() -> None:
    (regimen,) = give("Plaque release on day 31", "Plaque release", "PROCEDURE")
    assert regimen.role.value is Role.PROCEDURE

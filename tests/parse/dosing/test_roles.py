"""Why agents are given, by titles, arms and the other agents of a trial."""

import pytest

from extractor.parse.dosing.agents import Agent, Lexicon
from extractor.parse.dosing.roles import view_titles
from extractor.schemas import Role, Section
from extractor.text.book import read_text

from .records import make_section, read

_LEXICON = Lexicon(
    (name, Agent(name, "drug", "interventions[0]", 0, 3)) for name in ("fictumab", "cisplatin", "testacel")
)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Fictumab in Combination With Cisplatin for Sarcoma", {"fictumab": "tested", "cisplatin": "beside"}),
        ("Fictumab and Cisplatin in Sarcoma", {"fictumab": "tested", "cisplatin": "tested"}),
        ("Fictumab Versus Cisplatin", {"fictumab": "tested", "cisplatin": "against"}),
        ("Comparing Fictumab With Cisplatin in Sarcoma", {"fictumab": "tested", "cisplatin": "against"}),
        ("Cisplatin Weekly Versus Cisplatin Every 3 Weeks", {"cisplatin": "tested"}),
        ("Fictumab Compared to Testacel Plus Cisplatin", {"testacel": "against", "cisplatin": "against"}),
        ("A Study of Sarcoma", {}),
    ],
)
def test_a_title_tells_how_it_names_agents(title: str, expected: dict[str, str]) -> None:
    found = view_titles([read_text(title)], _LEXICON)
    assert {key: found[key] for key in expected or found} == expected


def _arm(description: str) -> Section:
    return make_section("arms[0]", label="Treatment", type="EXPERIMENTAL", description=description)


def _roles(*sections: Section) -> dict[str | None, Role | None]:
    return {regimen.agent.value: regimen.role.value for regimen in read(*sections).regimens}


_CHEMOTHERAPY = (
    "Patients receive cisplatin 75 mg/m2 IV on day 1, etoposide 100 mg/m2 IV on days 1-3 "
    "and vincristine 1.4 mg/m2 IV on day 8."
)


def test_all_parts_of_a_scheme_that_is_tested_are_investigational() -> None:
    sections = (make_section("title", text="Combination Chemotherapy in Treating Sarcoma"), _arm(_CHEMOTHERAPY))
    assert set(_roles(*sections).values()) == {Role.INVESTIGATIONAL}


def test_what_the_title_names_behind_versus_is_the_comparator() -> None:
    roles = _roles(
        make_section("title", text="Examplinib Versus Fictozolam in Adults With Sarcoma"),
        make_section("arms[0]", label="Examplinib", type="EXPERIMENTAL", description="Examplinib 5 mg orally daily"),
        make_section("arms[1]", label="Fictozolam", type="OTHER", description="Fictozolam 10 mg orally daily"),
        make_section("interventions[0]", type="DRUG", name="Examplinib"),
        make_section("interventions[1]", type="DRUG", name="Fictozolam"),
    )
    assert roles == {"Examplinib": Role.INVESTIGATIONAL, "Fictozolam": Role.COMPARATOR}

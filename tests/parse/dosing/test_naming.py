"""Names, aliases and roles of agents."""

import pytest

from extractor.parse.dosing.agents import build_lexicon
from extractor.parse.dosing.names import trim_name
from extractor.parse.dosing.sections import DosingSection
from extractor.parse.drafts import ChunkKind
from extractor.schemas import Role, Section
from extractor.text.book import Entry, read_text, terms_of
from extractor.text.passage import read_section

from .records import give, make_section, read, show


def name_section(text: str, name: str = "interventions[0]") -> DosingSection:
    """A section that is an intervention's name."""
    read = read_section(name, text)
    return DosingSection(read, ChunkKind.INTERVENTION, (0, len(read.tokens)), (0, 0))


def list_keys(name: str, text: str) -> list[str]:
    """The agents that a text mentions, beside an intervention of this name."""
    section, other = name_section(name), name_section(text, "interventions[1]")
    return [mention.value.key for mention in build_lexicon([section]).find(other)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25 mcg wasp venom", "wasp venom"),
        ("Oral budesonide tablets", "budesonide"),
        ("Examplumab (EX-1)", "Examplumab"),
        ("Examplumab, solution for injection", "Examplumab"),
        ("examplumab administered to adults", "examplumab"),
        ("fictogestrel patch with estradiol", "fictogestrel"),
        ("0.14 mg/kg examplocybin", "examplocybin"),
        ("Examplumab Only Product in Oral Dose Form", "Examplumab"),
        ("Induction of labor with examplostone", "examplostone"),
        ("Lactobacillus exampli EX 17938", "Lactobacillus exampli EX 17938"),
        ("Examplum Toxin Type A", "Examplum Toxin Type A"),
    ],
)
def test_a_name_is_trimmed_to_the_agent(text: str, expected: str) -> None:
    tokens = read_text(text)
    place = trim_name(tokens, 0, len(tokens))
    assert place is not None
    assert tokens.read(*place) == expected


@pytest.mark.parametrize("text", ["Arm A", "Intravenous", "Cohort 2", "300 mg"])
def test_a_label_without_an_agent_has_no_name(text: str) -> None:
    tokens = read_text(text)
    assert trim_name(tokens, 0, len(tokens)) is None


ABBREVIATIONS = terms_of("agent_abbreviations")


@pytest.mark.parametrize("entry", ABBREVIATIONS, ids=lambda entry: entry.value)
def test_an_abbreviation_is_the_agent_of_its_example(entry: Entry) -> None:
    assert list_keys(entry.value, entry.example) == [entry.value]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("examplumab deruxtecan", "Examplumab deruxtecan (E-DXd) is new. E-DXd 8 mg/kg IV"),
    ],
)
def test_short_names_are_the_same_agent(name: str, text: str) -> None:
    assert set(list_keys(name, text)) == {name}


def test_an_arm_names_its_agent_in_its_own_words() -> None:
    (regimen,) = read(
        make_section("arms[0]", label="A", type="EXPERIMENTAL", description="doxorubicin 50 mg/m2 IV on day 1"),
        make_section("interventions[0]", type="DRUG", name="Doxorubicin hydrochloride"),
    ).regimens
    assert regimen.rules["agent"].value == "doxorubicin"


@pytest.mark.parametrize(
    "description",
    [
        "20 mg loading dose, then 10 mg once daily",
        "Cohort1: 20 mg, Cohort2: 40 mg once daily",
        "Maximum 20 mg, start 10 mg once daily",
    ],
)
def test_empty_words_beside_doses_are_no_agents(description: str) -> None:
    assert {regimen.rules["agent"].value for regimen in give(description)} == {"Examplumab"}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("Placebo for Examplumab",), "Placebo"),
        (("Placebo for Examplumab", "Placebo for Fictinib"), "Placebo for Examplumab"),
    ],
)
def test_the_only_placebo_of_a_record_has_a_short_name(names: tuple[str, ...], expected: str) -> None:
    sections = [
        make_section(f"interventions[{at}]", type="DRUG", name=name, description="One tablet once daily by mouth")
        for at, name in enumerate(names)
    ]
    assert read(*sections).regimens[0].rules["agent"].value == expected


def _arm(description: str) -> Section:
    return make_section("arms[0]", label="Treatment", type="EXPERIMENTAL", description=description)


def _roles(*sections: Section) -> dict[str | None, Role | None]:
    return {regimen.rules["agent"].value: regimen.rules["role"].value for regimen in read(*sections).regimens}


_CHEMOTHERAPY = (
    "Patients receive cisplatin 75 mg/m2 IV on day 1, etoposide 100 mg/m2 IV on days 1-3 "
    "and vincristine 1.4 mg/m2 IV on day 8."
)


def test_all_parts_of_a_tested_scheme_are_investigational() -> None:
    sections = (make_section("title", text="Combination Chemotherapy in Treating Sarcoma"), _arm(_CHEMOTHERAPY))
    assert set(_roles(*sections).values()) == {Role.INVESTIGATIONAL}


def test_the_agent_after_versus_in_a_title_is_the_comparator() -> None:
    roles = _roles(
        make_section("title", text="Examplinib Versus Fictozolam in Adults With Sarcoma"),
        make_section("arms[0]", label="Examplinib", type="EXPERIMENTAL", description="Examplinib 5 mg orally daily"),
        make_section("arms[1]", label="Fictozolam", type="OTHER", description="Fictozolam 10 mg orally daily"),
        make_section("interventions[0]", type="DRUG", name="Examplinib"),
        make_section("interventions[1]", type="DRUG", name="Fictozolam"),
    )
    assert roles == {"Examplinib": Role.INVESTIGATIONAL, "Fictozolam": Role.COMPARATOR}


@pytest.mark.parametrize(
    "text", ["Placebo and standard metformin 1000 mg daily", "Placebo once daily plus fictizide 1000 mg daily"]
)
def test_the_dose_of_another_agent_is_not_that_of_the_placebo(text):
    doses = {regimen.rules["agent"].value: show(regimen, "doses") for regimen in give(text, name="Placebo")}
    assert doses.get("Placebo", ((),)) == ((),)


@pytest.mark.parametrize("name", ["Cardiac MRI", "12-lead ECG", "PET-CT", "Blood pressure measurement", "Colonoscopy"])
def test_an_examination_is_no_regimen(name):
    assert give("at baseline and every 6 months for 2 years", name=name) == ()


def test_a_fluid_that_carries_the_drug_is_no_agent():
    assert [one.rules["agent"].value for one in give("2 g in 100 mL normal saline IV, diluted in 5% dextrose")] == [
        "Examplumab"
    ]

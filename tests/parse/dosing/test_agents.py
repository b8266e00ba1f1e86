"""Other names of a record's agents: in brackets, by initials, by abbreviations."""

import pytest

from extractor.parse.dosing.agents import build_lexicon, find_introduced
from extractor.text.book import Entry, read_text, terms_of

from .records import give, levels, make_section, read
from .test_names import name_passage

ABBREVIATIONS = terms_of("agent_abbreviations")


@pytest.mark.parametrize("entry", ABBREVIATIONS, ids=lambda entry: entry.value)
def test_an_abbreviation_is_the_agent_of_its_example(entry: Entry) -> None:
    passages = [name_passage(entry.value), name_passage(entry.example)]
    lexicon = build_lexicon(passages[:1], passages[1:])
    assert [mention.value.key for mention in lexicon.find(read_text(entry.example), "arms[0]")] == [entry.value]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("umbilical cord blood transplantation", "Patients undergo UCBT on day 0"),
        ("examplumab deruxtecan", "Examplumab deruxtecan (E-DXd) is new. E-DXd 8 mg/kg IV"),
    ],
)
def test_short_names_are_the_same_agent(name: str, text: str) -> None:
    passages = [name_passage(name), name_passage(text)]
    found = build_lexicon(passages[:1], passages[1:]).find(read_text(text), "arms[0]")
    assert {mention.value.key for mention in found} == {name}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Patients receive EX-12 IV on day 1", ["EX-12"]),
        ("take 2 g of peanut flour daily", ["peanut flour"]),
        ("patients undergo treatment for 3 weeks", []),
        ("receiving 20 mg twice daily", []),
        ("receive six subcutaneous injections", []),
        ("consisting of 21-day cycles", []),
        ("administration of up to two 5-EXA-DMT", ["5-EXA-DMT"]),
        ("injection using the device; take e-Device", []),
        ("each tablet taken contains 5 mg", []),
    ],
)
def test_what_giving_introduces_is_an_agent(text: str, expected: list[str]) -> None:
    tokens = read_text(text)
    assert [tokens.read(*place) for place in find_introduced(tokens)] == expected


def test_an_arm_names_its_agent_in_its_own_words() -> None:
    (regimen,) = read(
        make_section("arms[0]", label="A", type="EXPERIMENTAL", description="doxorubicin 50 mg/m2 IV on day 1"),
        make_section("interventions[0]", type="DRUG", name="Doxorubicin hydrochloride"),
    ).regimens
    assert regimen.agent.value == "doxorubicin"


def test_an_unknown_agent_beside_a_known_one_keeps_its_own_days() -> None:
    regimens = read(
        make_section(
            "arms[0]",
            label="A",
            type="EXPERIMENTAL",
            description="Patients receive oral EX-12 on days 1, 8, and 15 and oral isotretinoin twice daily.",
        ),
        make_section("interventions[0]", type="DRUG", name="exampinostat"),
        make_section("interventions[1]", type="DRUG", name="isotretinoin"),
    ).regimens
    assert [(r.agent.value, r.frequency.value) for r in regimens] == [("EX-12", "QW"), ("isotretinoin", "BID")]


def test_each_of_a_list_of_doses_is_an_agent_even_if_no_vocabulary_knows_it() -> None:
    regimens = give("80 mg examplium oxide; samplamin E 400 IU daily", name="Minerals", kind="DIETARY_SUPPLEMENT")
    assert [(r.agent.value, *levels(r)) for r in regimens] == [
        ("examplium oxide", (80, 80, "mg")),
        ("samplamin E", (400, 400, "IU")),
    ]


@pytest.mark.parametrize(
    "description",
    [
        "20 mg loading dose, then 10 mg once daily",
        "Cohort1: 20 mg, Cohort2: 40 mg once daily",
        "Maximum 20 mg, start 10 mg once daily",
    ],
)
def test_words_beside_doses_that_name_nothing_are_no_agents(description: str) -> None:
    assert {regimen.agent.value for regimen in give(description)} == {"Examplumab"}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("Placebo for Examplumab",), "Placebo"),
        (("Placebo for Examplumab", "Placebo for Fictinib"), "Placebo for Examplumab"),
    ],
)
def test_the_only_placebo_of_a_record_is_called_so(names: tuple[str, ...], expected: str) -> None:
    sections = [
        make_section(f"interventions[{at}]", type="DRUG", name=name, description="One tablet once daily by mouth")
        for at, name in enumerate(names)
    ]
    assert read(*sections).regimens[0].agent.value == expected

"""Criteria of a record: lists, headings, prose, and what is made of them."""

import json
from itertools import count
from pathlib import Path

import pytest

from extractor.parse.eligibility import read_eligibility
from extractor.parse.eligibility.outline import Role, find_suspects, read_outline
from extractor.parse.parsed import ChunkKind
from extractor.schemas import CriterionKind
from extractor.text.passage import read_passage, read_section

INCLUSION, EXCLUSION = CriterionKind.INCLUSION, CriterionKind.EXCLUSION


def outline(raw):
    return read_outline(read_section("eligibility", raw))


def criteria(raw):
    return [" ".join(e.passage.raw.split()) for e in outline(raw) if e.role is Role.CRITERION]


def lead_ins(raw):
    return {
        " ".join(e.passage.raw.split()): e.parent.raw if e.parent else None
        for e in outline(raw)
        if e.role is Role.CRITERION
    }


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("Inclusion Criteria:\n\n* Adult\n* Asthma", ["Adult", "Asthma"], id="stars"),
        pytest.param("Inclusion Criteria:\n\n1. Adult\n2. Asthma", ["Adult", "Asthma"], id="numbers"),
        pytest.param("Inclusion Criteria:\n\n* 1\\. Adult\n* 2\\. Asthma", ["Adult", "Asthma"], id="star and number"),
        pytest.param(
            "Criteria:\n  -  Adult who can\n     walk\n\n  -  Asthma", ["Adult who can walk", "Asthma"], id="wrapped"
        ),
        pytest.param(
            "Inclusion Criteria:\n1- Adult men\n2- Severe asthma", ["Adult men", "Severe asthma"], id="number and dash"
        ),
        pytest.param("Inclusion: \n(1) Adult\n(2) Asthma", ["Adult", "Asthma"], id="brackets"),
        pytest.param("Inclusion Criteria:\n• Adult\n• Asthma", ["Adult", "Asthma"], id="bullets"),
        pytest.param(
            "Inclusion Criteria:\n\n(1). Adult (2). Asthma (3). Consent",
            ["Adult", "Asthma", "Consent"],
            id="run on, bracket and stop",
        ),
        pytest.param(
            "Inclusion Criteria: 1. Adult; 2. Asthma; 3. Consent", ["Adult", "Asthma", "Consent"], id="run on"
        ),
        pytest.param(
            "Inclusion Criteria:\n\nAdults with asthma; able to walk. Consent was given.",
            ["Adults with asthma", "able to walk.", "Consent was given."],
            id="prose",
        ),
        pytest.param(
            "Inclusion Criteria:\n\nAdult.\n\nAsthma. It must be stable.\n\nConsent.",
            ["Adult.", "Asthma. It must be stable.", "Consent."],
            id="one paragraph each",
        ),
        pytest.param(
            "Inclusion Criteria:\n\n1. Asthma.\n\n   Stable for a year.\n2. Adult",
            ["Asthma. Stable for a year.", "Adult"],
            id="second paragraph",
        ),
        pytest.param("Inclusion Criteria:\n\n* Asthma -\n* Adult ;", ["Asthma", "Adult ;"], id="dangling dash"),
        pytest.param(
            "DISEASE CHARACTERISTICS:\n\n  -  See Biologic therapy\n\n  -  Leukemia", ["Leukemia"], id="reference"
        ),
        pytest.param("Exclusion Criteria:\n\n* None", [], id="none"),
    ],
)
def test_finds_the_leaf_items_of_every_layout(raw, expected):
    assert criteria(raw) == expected


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Inclusion Criteria:", INCLUSION),
        ("Non-inclusion criteria:", EXCLUSION),
        ("Patients must:", INCLUSION),
        ("Patients must not:", EXCLUSION),
        ("Subjects meeting any of the following will be excluded:", EXCLUSION),
    ],
)
def test_heading_decides_the_kind(heading, kind):
    (entry,) = outline(f"{heading}\n\n* Asthma")
    assert entry.kind is kind
    assert entry.parent is None


def test_both_lists_in_one_line():
    raw = "Inclusion Criteria: adults with asthma. Exclusion Criteria: smokers"
    assert [(e.passage.raw, e.kind) for e in outline(raw)] == [
        ("adults with asthma.", INCLUSION),
        ("smokers", EXCLUSION),
    ]


def test_introducing_line_is_the_lead_in_and_no_criterion():
    raw = "Inclusion Criteria:\n\n* Adequate organ function, defined as:\n\n  * ANC > 1.0\n  * Bilirubin < 2\n* Adult"
    lead = "Adequate organ function, defined as:"
    assert lead_ins(raw) == {"ANC > 1.0": lead, "Bilirubin < 2": lead, "Adult": None}


def test_general_opening_is_no_lead_in():
    raw = "Inclusion Criteria:\n\n1. Patients must meet all of the following:\n\n   1. Asthma\n   2. Adult"
    assert lead_ins(raw) == {"Asthma": None, "Adult": None}


def test_sub_items_may_differ_in_their_bullet_alone():
    raw = "Inclusion Criteria:\n\n1. Any of the following symptoms:\n- Cough\n- Wheeze\n2. Adult"
    assert lead_ins(raw) == {
        "Cough": "Any of the following symptoms:",
        "Wheeze": "Any of the following symptoms:",
        "Adult": None,
    }


def test_heading_leads_in_only_items_that_need_it():
    raw = "PATIENT CHARACTERISTICS:\n\nLife expectancy\n\n  -  At least 6 months\n\nRenal\n\n  -  Creatinine normal"
    assert lead_ins(raw) == {"At least 6 months": "Life expectancy", "Creatinine normal": None}


@pytest.mark.parametrize("item", ["LVEF 50%-70%", "T1-2N2-3M0", "Prior enrollment in the study"])
def test_a_short_item_in_capitals_or_of_codes_is_a_criterion(item):
    raw = f"Exclusion Criteria:\n\n* {item}\n* PREGNANT WOMEN"
    texts = [e.passage.raw for e in outline(raw) if e.role is Role.CRITERION]
    assert texts == [item, "PREGNANT WOMEN"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(
            "Exclusion Criteria:\n\n1. Smoker 2. Asthma or wheeze 3. Frailty",
            ["Smoker", "Asthma or wheeze", "Frailty"],
            id="numbers without punctuation",
        ),
        pytest.param(
            "Exclusion Criteria:\n\n1. Diabetes of type 2. Insulin is allowed\n2. Asthma",
            ["Diabetes of type 2. Insulin is allowed", "Asthma"],
            id="a number that ends a sentence",
        ),
        pytest.param(
            "Exclusion Criteria:\n\n8.1 Active asthma 8.2 Severe eczema 8.3 Gastric surgery",
            ["Active asthma", "Severe eczema", "Gastric surgery"],
            id="decimal numbers",
        ),
        pytest.param(
            "Inclusion Criteria:\n\n* One of these:\n\n  i. Asthma. ii. Rhinitis. iii. Eczema",
            ["Asthma.", "Rhinitis.", "Eczema"],
            id="roman numerals",
        ),
        pytest.param(
            "Inclusion Criteria:\n\n1. Adult； ② Able to walk； ③ Asthma",
            ["Adult", "Able to walk", "Asthma"],
            id="circled",
        ),
        pytest.param(
            "Inclusion Criteria:\n\n\\> Adult men\n\\> Severe asthma", ["Adult men", "Severe asthma"], id="angles"
        ),
        pytest.param("Inclusion Criteria:\n\n* Adult\n\n<!-- -->\n\n* Asthma", ["Adult", "Asthma"], id="comment"),
        pytest.param(
            "Exclusion Criteria:\n\n* Asthma\n\nWithdrawal criteria:\n\n* Progression", ["Asthma"], id="withdrawal"
        ),
        pytest.param("Age:\n\n  -  15-75", ["15-75"], id="digits under their heading"),
        pytest.param(
            "Exclusion Criteria:\n\n* ASA IV\n* Severe asthma", ["ASA IV", "Severe asthma"], id="abbreviation"
        ),
    ],
)
def test_finds_the_items_of_damaged_layouts(raw, expected):
    assert criteria(raw) == expected


def test_a_wrapped_sentence_that_names_a_list_is_no_heading():
    raw = (
        "Exclusion Criteria:\n\n  -  Conditions that weaken the patient are the basis for all of the following\n"
        "     exclusion criteria\n\n  -  Asthma"
    )
    assert criteria(raw)[-1] == "Asthma"
    assert all(entry.kind is EXCLUSION for entry in outline(raw))


@pytest.mark.parametrize(
    ("line", "both"),
    [
        ("Adequate organ function within 14 days of enrolment, defined as:", False),
        ("At least one of the following conditions:", False),
        ("Uncontrolled illness including, but not limited to:", True),
        ("Confirmed diagnosis of asthma based on the following criteria:", True),
        ("Blood pressure above 140 mmHg and any two of:", True),
    ],
)
def test_an_introducing_line_stands_too_if_it_states_more_than_its_parts(line, both):
    raw = f"Inclusion Criteria:\n\n* {line}\n\n  * First\n  * Second"
    assert criteria(raw) == ([line] if both else []) + ["First", "Second"]
    assert lead_ins(raw)["First"] == line


def test_unmarked_text_behind_an_introducing_item_belongs_to_it():
    raw = "Inclusion Criteria:\n\n* Adequate organ function:\n\nBilirubin < 2 mg/dL; creatinine < 2 mg/dL\n\n* Adult"
    lead = "Adequate organ function:"
    assert lead_ins(raw) == {"Bilirubin < 2 mg/dL": lead, "creatinine < 2 mg/dL": lead, "Adult": None}


def test_levels_follow_the_item_that_opens_them_at_its_own_level():
    raw = "Inclusion Criteria:\n\n* Adequate organ function:\n* Bilirubin < 2 mg/dL\n* ALT < 2 x ULN\n* Signed consent"
    lead = "Adequate organ function:"
    assert lead_ins(raw) == {"Bilirubin < 2 mg/dL": lead, "ALT < 2 x ULN": lead, "Signed consent": None}


@pytest.mark.parametrize(
    ("heading", "lead"),
    [
        ("A volunteer can take part only if all of the following apply:", None),
        ("Patients without a response:", "Patients without a response:"),
        ("Neonates:", "Neonates:"),
        ("Cohort A must meet the following criteria:", "Cohort A must meet the following criteria:"),
    ],
)
def test_headings_lead_in_only_where_they_say_for_whom(heading, lead):
    assert lead_ins(f"Inclusion Criteria:\n\n{heading}\n\n* Asthma")["Asthma"] == lead


def test_sub_item_that_goes_on_with_the_sentence_has_its_item_as_lead_in():
    raw = "Inclusion Criteria:\n\n* Have a BMI\n\n  * ≥ 30 kg/m2\n  * ≥ 27 kg/m2 and asthma"
    assert lead_ins(raw)["≥ 30 kg/m2"] == "Have a BMI"


def suspects(text):
    found = find_suspects([read_passage(text, "brief_summary")])
    return [(entry.passage.text, entry.sense.value, entry.role is Role.CRITERION) for entry in found]


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Participants will be eligible if they have asthma.", "inclusion"),
        ("Eligible patients must have failed two drugs.", "inclusion"),
        ("Patients were enrolled if they had a fever.", "inclusion"),
        ("Women who are pregnant will be excluded.", "exclusion"),
    ],
)
def test_sentences_that_state_a_criterion(sentence, kind):
    assert suspects(f"Asthma is common. {sentence} The drug is given once.") == [(sentence, kind, True)]


def test_uncertain_sentence_is_left_to_be_asked():
    ((_, _, stands),) = suspects("The trial will enroll patients with severe asthma.")
    assert stands is False


def test_list_under_a_heading_in_a_summary():
    text = "Objective:\n\nTo learn more.\n\nEligibility:\n\n- Adults with asthma.\n\nDesign:\n\nOne visit."
    assert suspects(text) == [("Adults with asthma.", "inclusion", True)]


@pytest.mark.parametrize(
    "text",
    [
        "The purpose is to compare two drugs in patients with asthma.",
        "Participants will receive the drug for 12 weeks.",
        "Asthma is a disease of the airways.",
    ],
)
def test_aims_and_procedures_are_no_criteria(text):
    assert suspects(text) == []


SEEDS = Path(__file__).parents[3] / "seeds"


def read(**sections):
    return read_eligibility({name: read_section(name, text) for name, text in sections.items()}, count(1))


def as_gold(criterion):
    window = criterion.time_window.value
    return {
        "kind": criterion.kind.value.value,
        "section": criterion.chunk.span.section,
        "lead_in": criterion.lead_in.value,
        "category": criterion.category.value.value,
        "constraints": [constraint.model_dump(mode="json") for constraint in criterion.constraints.value],
        "time_window": window.model_dump(mode="json") if window else None,
    }


@pytest.mark.parametrize("path", sorted((SEEDS / "records").glob("*.txt")), ids=lambda path: path.stem)
def test_seeds(path):
    title, summary, *rest = path.read_text("utf-8").split("\n")
    parsed = read(title=title, brief_summary=summary, detailed_description=rest[-1])
    gold = json.loads((SEEDS / "gold" / f"{path.stem}.json").read_text("utf-8"))["eligibility"]
    found = [criterion for criterion in parsed.criteria if criterion.stands.value]
    expected = [{key: value for key, value in criterion.items() if key != "quote"} for criterion in gold["criteria"]]
    assert [as_gold(criterion) for criterion in found] == expected
    quotes = [summary[criterion.chunk.span.start : criterion.chunk.span.end] for criterion in found]
    assert quotes == [criterion["quote"] for criterion in gold["criteria"]]
    people = (parsed.minimum_age, parsed.maximum_age, parsed.sex, parsed.healthy_volunteers)
    assert [reading.value for reading in people] == [None] * 4


def test_sentence_in_summary_and_description_is_annotated_once():
    sentence = "Patients are eligible if they have asthma."
    parsed = read(brief_summary=sentence, detailed_description=f"Background. {sentence}")
    assert [criterion.chunk.span.section for criterion in parsed.criteria] == ["brief_summary"]


def test_chunks_are_numbered_in_reading_order():
    parsed = read(eligibility="Inclusion Criteria:\n\n* Asthma\n* Any of the following:\n\n  * Cough\n  * Wheeze")
    assert [(c.chunk.number, c.chunk.kind) for c in parsed.criteria] == [
        (1, ChunkKind.ITEM),
        (2, ChunkKind.LEAD_IN),
        (3, ChunkKind.ITEM),
        (4, ChunkKind.ITEM),
    ]


def test_lead_in_line_does_not_stand():
    parsed = read(eligibility="Inclusion Criteria:\n\n* Any of the following:\n\n  * Cough\n  * Wheeze")
    assert [criterion.stands.value for criterion in parsed.criteria] == [False, True, True]


def test_every_value_has_a_span_and_every_span_its_text():
    text = "Inclusion Criteria:\n\n* Age \\>= 18 years\n\nExclusion Criteria:\n\n* Steroids within 4 weeks"
    parsed = read(eligibility=text)
    age, steroids = parsed.criteria
    assert [text[span.start : span.end] for span in age.constraints.spans] == ["Age \\>= 18 years"]
    assert [text[span.start : span.end] for span in steroids.time_window.spans] == ["within 4 weeks"]
    assert [text[span.start : span.end] for span in parsed.minimum_age.spans] == ["\\>= 18 years"]


def test_sentence_of_exclusion_without_any_heading():
    (criterion,) = read(eligibility="Smokers will be excluded").criteria
    assert criterion.kind.value == "exclusion"

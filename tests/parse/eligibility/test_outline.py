"""Criteria of a record, from lists, headings and prose."""

import json
from itertools import count
from pathlib import Path

import pytest

from extractor.parse.drafts import ChunkKind
from extractor.parse.eligibility import read_eligibility
from extractor.parse.eligibility.outline import Role, find_suspects, read_outline
from extractor.schemas import CriterionKind
from extractor.text.passage import read_passage, read_section

INCLUSION, EXCLUSION = CriterionKind.INCLUSION, CriterionKind.EXCLUSION
SEEDS = Path(__file__).parents[3] / "seeds"
ORGANS = "Adequate organ function:"


def outline(raw):
    return read_outline(read_section("eligibility", raw))


def parents(raw):
    """The criteria, each with the line that introduces it."""
    flat = {entry.passage.raw: entry.parent for entry in outline(raw) if entry.role is Role.CRITERION}
    return {" ".join(text.split()): parent.raw if parent else None for text, parent in flat.items()}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Inclusion Criteria:\n\n* 1\\. Adult\n* 2\\. Asthma", ["Adult", "Asthma"]),
        ("Criteria:\n  -  Adult who can\n     walk\n\n  -  Asthma", ["Adult who can walk", "Asthma"]),
        ("Inclusion Criteria:\n\n(1). Adult (2). Asthma (3). Consent", ["Adult", "Asthma", "Consent"]),
        ("Inclusion Criteria: 1. Adult; 2. Asthma; 3. Consent", ["Adult", "Asthma", "Consent"]),
        (
            "Inclusion Criteria:\n\nAdults with asthma; able (on foot; alone) to walk. Consent was given.",
            ["Adults with asthma", "able (on foot; alone) to walk.", "Consent was given."],
        ),
        (
            "Inclusion Criteria:\n\nAdult.\n\nAsthma. It must be stable.\n\nConsent.",
            ["Adult.", "Asthma. It must be stable.", "Consent."],
        ),
        ("DISEASE CHARACTERISTICS:\n\n  -  See Biologic therapy\n\n  -  Leukemia", ["Leukemia"]),
        ("Exclusion Criteria:\n\n1. Smoker 2. Asthma or wheeze 3. Frailty", ["Smoker", "Asthma or wheeze", "Frailty"]),
        (
            "Exclusion Criteria:\n\n1. Diabetes of type 2. Insulin is allowed\n2. Asthma",
            ["Diabetes of type 2. Insulin is allowed", "Asthma"],
        ),
        ("Exclusion Criteria:\n\n8.1 Asthma 8.2 Severe eczema 8.3 Surgery", ["Asthma", "Severe eczema", "Surgery"]),
        (
            "Inclusion Criteria:\n\n* One of these:\n\n  i. Asthma. ii. Rhinitis. iii. Eczema",
            ["Asthma.", "Rhinitis.", "Eczema"],
        ),
        ("Inclusion Criteria:\n\n1. Adult； ② Able to walk； ③ Asthma", ["Adult", "Able to walk", "Asthma"]),
        ("Inclusion Criteria:\n\n\\> Adult men\n\\> Severe asthma", ["Adult men", "Severe asthma"]),
        ("Exclusion Criteria:\n\n* Asthma\n\nWithdrawal criteria:\n\n* Progression", ["Asthma"]),
        ("Age:\n\n  -  15-75", ["15-75"]),
        ("Exclusion Criteria:\n\n* LVEF 50%-70%\n* PREGNANT WOMEN", ["LVEF 50%-70%", "PREGNANT WOMEN"]),
        ("Exclusion Criteria:\n\n* T1-2N2-3M0\n* PREGNANT WOMEN", ["T1-2N2-3M0", "PREGNANT WOMEN"]),
    ],
)
def test_finds_the_leaf_items_of_every_layout(raw, expected):
    assert list(parents(raw)) == expected


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("1.1 Adult\n1.2 FEV1 low\n1.3 Asthma", ["Adult", "FEV1 low", "Asthma"]),
        ("* 2 Male or female adults\n* Asthma", ["Male or female adults", "Asthma"]),
        ("I1. Adult\nI2. Asthma", ["Adult", "Asthma"]),
        ("* 2 attacks or more\n* 20 Teeth", ["2 attacks or more", "20 Teeth"]),
        ("* Adult\n* 2 ECG leads\n* 3 CT scans", ["Adult", "2 ECG leads", "3 CT scans"]),
    ],
)
def test_a_number_of_an_item_is_no_part_of_it(items, expected):
    assert list(parents(f"Inclusion Criteria:\n\n{items}")) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "Surgical cohort\n\n* Planned operation\n* Adult\n\nMedical cohort\n\n* Asthma",
        "* Surgical cohort\n\n  * Planned operation\n  * Adult\n* Medical cohort\n\n  * Asthma",
        "Surgical cohort\nPlanned operation\nAdult\n\nMedical cohort\nAsthma",
        "Part A - escalation\n\n1. Planned operation\n2. Adult\n\nPart B - expansion\n\n3. Asthma",
    ],
)
def test_the_name_of_a_group_is_no_criterion(raw):
    assert list(parents(f"Inclusion Criteria:\n\n{raw}")) == ["Planned operation", "Adult", "Asthma"]


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Who can take part:", INCLUSION),
        ("Patients must:", INCLUSION),
        ("Non-inclusion criteria:", EXCLUSION),
        ("Patients are to be excluded when there is:", EXCLUSION),
        ("You cannot join if:", EXCLUSION),
        ("Does NOT meet any of the following:", EXCLUSION),
        ("Reasons for exclusion:", EXCLUSION),
        ("Main criteria for non-inclusion:", EXCLUSION),
        ("Those who do not meet the inclusion criteria will be excluded:", EXCLUSION),
    ],
)
def test_a_heading_in_other_words_opens_its_list(heading, kind):
    assert [entry.kind for entry in outline(f"Inclusion Criteria:\n\n* Adult\n\n{heading}\n\n* Asthma")][1:] == [kind]


def test_a_denial_inside_a_list_introduces_its_parts_only():
    entries = outline("Inclusion Criteria:\n\n* Must not have any of the following:\n\n  * Asthma\n* Consent")
    assert [(entry.passage.raw, entry.kind) for entry in entries][1:] == [("Asthma", INCLUSION), ("Consent", INCLUSION)]
    assert entries[1].parent is not None
    assert entries[2].parent is None


def test_a_named_list_inside_a_list_is_a_list():
    (_, entry) = outline("Inclusion Criteria:\n\n* Adult\n* Exclusion Criteria:\n\n  * Asthma")
    assert (entry.passage.raw, entry.kind) == ("Asthma", EXCLUSION)


def test_both_lists_in_one_line():
    found = outline("Inclusion Criteria: adults with asthma. Exclusion Criteria: smokers")
    assert [(e.passage.raw, e.kind) for e in found] == [("adults with asthma.", INCLUSION), ("smokers", EXCLUSION)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        # a general opening states nothing
        ("1. Patients must meet all of the following:\n\n   1. Asthma\n   2. Adult", {"Asthma": None, "Adult": None}),
        # sub-items may differ only in their bullet
        (
            "1. Any of the following symptoms:\n- Cough\n- Wheeze\n2. Adult",
            {"Cough": "Any of the following symptoms:", "Wheeze": "Any of the following symptoms:", "Adult": None},
        ),
        # a heading is a parent only of items that need it
        (
            "Life expectancy\n\n  -  At least 6 months\n\nRenal\n\n  -  Creatinine normal",
            {"At least 6 months": "Life expectancy", "Creatinine normal": None},
        ),
        # unmarked text, or levels, after an introducing item at its own level
        (
            f"* {ORGANS}\n\nBilirubin < 2 mg/dL; creatinine < 2 mg/dL\n\n* Adult",
            {"Bilirubin < 2 mg/dL": ORGANS, "creatinine < 2 mg/dL": ORGANS, "Adult": None},
        ),
        (
            f"* {ORGANS}\n* Bilirubin < 2 mg/dL\n* ALT < 2 x ULN\n* Signed consent",
            {"Bilirubin < 2 mg/dL": ORGANS, "ALT < 2 x ULN": ORGANS, "Signed consent": None},
        ),
        # a sub-item that continues the sentence
        ("* Have a BMI\n\n  * ≥ 30 kg/m2", {"Have a BMI": None, "≥ 30 kg/m2": "Have a BMI"}),
        ("A volunteer can take part only if all of the following apply:\n\n* Asthma", {"Asthma": None}),
        (
            "Cohort A must meet the following criteria:\n\n* Asthma",
            {"Asthma": "Cohort A must meet the following criteria:"},
        ),
    ],
)
def test_lines_that_introduce_a_criterion(raw, expected):
    assert parents(f"Inclusion Criteria:\n\n{raw}") == expected


def test_a_wrapped_sentence_that_names_a_list_is_no_heading():
    raw = (
        "Exclusion Criteria:\n\n  -  Conditions that weaken the patient are the basis for all of the following\n"
        "     exclusion criteria\n\n  -  Asthma"
    )
    assert list(parents(raw))[-1] == "Asthma"
    assert all(entry.kind is EXCLUSION for entry in outline(raw))


@pytest.mark.parametrize(
    ("line", "both"),
    [
        ("Adequate organ function within 14 days of enrolment, defined as:", False),
        ("At least one of the following conditions:", False),
        ("Uncontrolled illness including, but not limited to:", True),
        ("Confirmed diagnosis of asthma based on the following criteria:", True),
        ("Blood pressure above 140 mmHg and any two of:", True),
        ("Age 18-75 with one of the following:", True),
    ],
)
def test_an_introducing_line_with_its_own_condition_is_also_a_criterion(line, both):
    found = parents(f"Inclusion Criteria:\n\n* {line}\n\n  * First\n  * Second")
    assert list(found) == ([line] if both else []) + ["First", "Second"]
    assert found["First"] == line


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


def test_an_uncertain_sentence_is_left_to_a_model():
    ((_, _, stands),) = suspects("The trial will enroll patients with severe asthma.")
    assert stands is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Objective:\n\nTo learn more.\n\nEligibility:\n\n- Adults with asthma.\n\nDesign:\n\nOne visit.",
            [("Adults with asthma.", "inclusion", True)],
        ),
        ("The purpose is to compare two drugs in patients with asthma.", []),
        ("Participants will receive the drug for 12 weeks.", []),
        ("Asthma is a disease of the airways.", []),
    ],
)
def test_headings_aims_and_procedures_of_a_summary(text, expected):
    assert suspects(text) == expected


def read(**sections):
    return read_eligibility({name: read_section(name, text) for name, text in sections.items()}, count(1))


def as_gold(criterion):
    window = criterion.rules["time_window"].value
    return {
        "kind": criterion.rules["kind"].value.value,
        "section": criterion.chunk.span.section,
        "lead_in": criterion.rules["lead_in"].value,
        "category": criterion.rules["category"].value.value,
        "constraints": [constraint.model_dump(mode="json") for constraint in criterion.rules["constraints"].value],
        "time_window": window.model_dump(mode="json") if window else None,
    }


@pytest.mark.parametrize("path", sorted((SEEDS / "records").glob("*.txt")), ids=lambda path: path.stem)
def test_seeds(path):
    title, summary, *rest = path.read_text("utf-8").split("\n")
    whole, criteria = read(title=title, brief_summary=summary, detailed_description=rest[-1])
    gold = json.loads((SEEDS / "gold" / f"{path.stem}.json").read_text("utf-8"))["eligibility"]
    found = [criterion for criterion in criteria if criterion.rules["stands"].value]
    expected = [{key: value for key, value in criterion.items() if key != "quote"} for criterion in gold["criteria"]]
    assert [as_gold(criterion) for criterion in found] == expected
    quotes = [summary[criterion.chunk.span.start : criterion.chunk.span.end] for criterion in found]
    assert quotes == [criterion["quote"] for criterion in gold["criteria"]]
    names = ("minimum_age", "maximum_age", "sex", "healthy_volunteers")
    assert [whole.rules[name].value for name in names] == [None] * 4


def test_sentence_in_summary_and_description_is_annotated_once():
    sentence = "Patients are eligible if they have asthma."
    _, criteria = read(brief_summary=sentence, detailed_description=f"Background. {sentence}")
    assert [criterion.chunk.span.section for criterion in criteria] == ["brief_summary"]


def test_chunks_are_numbered_in_reading_order_and_introducing_lines_are_no_criteria():
    _, criteria = read(eligibility="Inclusion Criteria:\n\n* Asthma\n* Any of the following:\n\n  * Cough\n  * Wheeze")
    assert [(c.chunk.number, c.chunk.kind, c.rules["stands"].value) for c in criteria] == [
        (1, ChunkKind.ITEM, True),
        (2, ChunkKind.LEAD_IN, False),
        (3, ChunkKind.ITEM, True),
        (4, ChunkKind.ITEM, True),
    ]


def test_every_value_has_a_span_and_every_span_its_text():
    text = "Inclusion Criteria:\n\n* Age \\>= 18 years\n\nExclusion Criteria:\n\n* Steroids within 4 weeks"
    whole, (age, steroids) = read(eligibility=text)
    readings = (age.rules["constraints"], steroids.rules["time_window"], whole.rules["minimum_age"])
    quotes = [text[span.start : span.end] for reading in readings for span in reading.spans]
    assert quotes == ["Age \\>= 18 years", "within 4 weeks", "\\>= 18 years"]


def test_sentence_of_exclusion_without_any_heading():
    _, (criterion,) = read(eligibility="Smokers will be excluded")
    assert criterion.rules["kind"].value == "exclusion"


TITLES = """Exclusion Criteria:

* Endocrine Disease

  * History of thyroiditis
  * Adrenal tumour
* Heart Medication

  * Use of digoxin
"""
BELOW_TITLES = dict.fromkeys(("History of thyroiditis", "Adrenal tumour", "Use of digoxin"))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (f"{TITLES}* Smoking", BELOW_TITLES | {"Smoking": None}),
        (
            f"{TITLES}    * Kidney Disease\n* Dialysis",
            BELOW_TITLES | {"Dialysis": None},
        ),  # it stands deeper than its item
        (
            "Exclusion Criteria:\n\n* Blood pressure\n\n  * Orthostatic hypotension\n* Heart rhythm\n\n  * Long QT",
            {"Orthostatic hypotension": None, "Long QT": None},
        ),
        (
            "Exclusion Criteria:\n\n* Prior treatment with\n\n  * Rituximab\n* Gout",
            {"Rituximab": "Prior treatment with", "Gout": None},
        ),
    ],
)
def test_titles_of_sub_items_are_no_criteria(raw, expected):
    assert parents(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "Exclusion Criteria:\n\n* Kidney Disease\n* Heart Disease\n* Gout",  # nothing is below them
        "Exclusion Criteria:\n\n* Kidney disease\n\n  * On dialysis\n* Gout",  # one name, and no title
        "Exclusion Criteria:\n\n* Severe Kidney Disease\n\n  * On dialysis\n* Gout",
        "Exclusion Criteria:\n\n* Has Kidney Disease\n\n  * On dialysis\n* Gout",
    ],
)
def test_names_that_exclude_somebody_stay_criteria(raw):
    first = raw.splitlines()[2].removeprefix("* ")
    assert first in parents(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            "Inclusion Criteria:\n\n* All three or at least two of:\n\n  * Cough\n  * Rash\n* Adult",
            {"Cough": "All three or at least two of:", "Rash": "All three or at least two of:", "Adult": None},
        ),
        (
            "Inclusion Criteria:\n\n* One of the following:\n\n  * Cough\n  * Rash",
            {"Cough": "One of the following:", "Rash": "One of the following:"},
        ),
        (
            "Inclusion Criteria:\n\n* No significant illness:\n* Stroke\n* Gout\n* Age over 18",
            {"Stroke": "No significant illness:", "Gout": "No significant illness:", "Age over 18": None},
        ),
        (
            "Exclusion Criteria:\n\nAll of the following:\n\n* Cough\n* Rash",
            {"Cough": "All of the following:", "Rash": "All of the following:"},
        ),
        ("Exclusion Criteria:\n\nAny of the following:\n\n* Cough\n* Rash", {"Cough": None, "Rash": None}),
        (
            "Exclusion Criteria:\n\n* Cancer in the last 5 years, except for:\n* Skin cancer\n* Women with gout",
            {
                "Cancer in the last 5 years, except for:": None,
                "Skin cancer": "Cancer in the last 5 years, except for:",
                "Women with gout": None,
            },
        ),
    ],
)
def test_a_line_that_says_how_many_must_hold_introduces_its_items(raw, expected):
    assert parents(raw) == expected


@pytest.mark.parametrize(
    ("line", "role"),
    [
        ("A limb is considered affected if it is weak.", Role.REMARK),
        ("A positive test is defined as a wheal of 3 mm.", Role.REMARK),
        ("Up to 20 participants will be enrolled in part B.", Role.REMARK),
        ("Severe asthma, which is defined as two attacks in a year.", Role.CRITERION),
        ("Active gout. Active gout is defined as pain.", Role.CRITERION),
        ("Inhaled steroids are permitted.", Role.CRITERION),
    ],
)
def test_a_definition_and_the_size_of_a_group_are_no_criteria(line, role):
    assert [entry.role for entry in outline(f"Inclusion Criteria:\n\n* Adult\n* {line}")] == [Role.CRITERION, role]


def test_a_criterion_has_the_window_of_the_line_that_introduces_it_unless_it_has_its_own():
    text = "Exclusion Criteria:\n\n* Within 4 weeks before screening:\n\n  * digoxin\n  * warfarin in the last 6 months"
    _, criteria = read_eligibility({"eligibility": read_section("eligibility", text)}, count(1))
    windows = {one.chunk.text: one.rules["time_window"].value for one in criteria if one.rules["stands"].value}
    assert windows["digoxin"].value == 4
    assert windows["warfarin in the last 6 months"].value == 6


def test_how_long_a_state_lasts_is_not_said_of_the_values_below_it():
    text = "Inclusion Criteria:\n\n* {}:\n\n  * ferritin below 90 ug/L\n  * a diet low in salt"
    for parent, inherited in (
        ("Treatment that is stable for at least 5 months", [None, 5]),
        ("Within 5 months", [5, 5]),
    ):
        _, criteria = read_eligibility({"eligibility": read_section("eligibility", text.format(parent))}, count(1))
        windows = [one.rules["time_window"].value for one in criteria[-2:]]
        assert [window and window.value for window in windows] == inherited

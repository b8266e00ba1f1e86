import pytest

from extractor.parse.eligibility.outline import Role, read_outline
from extractor.schemas import CriterionKind

INCLUSION, EXCLUSION = CriterionKind.INCLUSION, CriterionKind.EXCLUSION


def criteria(raw):
    return [" ".join(raw[e.start : e.end].split()) for e in read_outline(raw) if e.role is Role.CRITERION]


def lead_ins(raw):
    return {
        " ".join(raw[e.start : e.end].split()): raw[slice(*e.lead_in)] if e.lead_in else None
        for e in read_outline(raw)
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
        ("Key Exclusion Criteria", EXCLUSION),
        ("Exclusion criteria include the following:", EXCLUSION),
        ("Non-inclusion criteria:", EXCLUSION),
        ("Patients must:", INCLUSION),
        ("Patients must not:", EXCLUSION),
        ("Subjects meeting any of the following will be excluded:", EXCLUSION),
        ("Each participant must meet all of the following inclusion criteria to be enrolled:", INCLUSION),
    ],
)
def test_heading_decides_the_kind(heading, kind):
    (entry,) = read_outline(f"{heading}\n\n* Asthma")
    assert entry.kind is kind
    assert entry.lead_in is None


def test_both_lists_in_one_line():
    raw = "Inclusion Criteria: adults with asthma. Exclusion Criteria: smokers"
    assert [(raw[e.start : e.end], e.kind) for e in read_outline(raw)] == [
        ("adults with asthma.", INCLUSION),
        ("smokers", EXCLUSION),
    ]


def test_introducing_line_is_the_lead_in_and_no_criterion():
    raw = "Inclusion Criteria:\n\n* Adequate organ function, defined as:\n\n  * ANC > 1.0\n  * Bilirubin < 2\n* Adult"
    lead = "Adequate organ function, defined as:"
    assert lead_ins(raw) == {"ANC > 1.0": lead, "Bilirubin < 2": lead, "Adult": None}


def test_introducing_line_with_its_own_condition_is_both():
    raw = "Inclusion Criteria:\n\n* Age 18-75 with one of the following:\n\n  * Asthma\n  * Rhinitis"
    lead = "Age 18-75 with one of the following:"
    assert lead_ins(raw) == {lead: None, "Asthma": lead, "Rhinitis": lead}


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


def test_heading_of_donors_leads_in_their_items():
    raw = "Inclusion Criteria:\n\n  -  Leukemia\n\nDonors:\n\n  -  Good health"
    assert lead_ins(raw) == {"Leukemia": None, "Good health": "Donors:"}


def test_no_record_of_any_text_fails():
    for raw in ("", "\n\n", "-", "1.", "Inclusion Criteria:", "((((", "* \n* \n"):
        assert criteria(raw) == []


@pytest.mark.parametrize(
    "item", ["LVEF 50%-70%", "ECOG PS 0-1.", "T1-2N2-3M0", "Prior enrollment in the study", "ACTIVE INFECTION"]
)
def test_a_short_item_in_capitals_or_of_codes_is_a_criterion(item):
    raw = f"Exclusion Criteria:\n\n* {item}\n* PREGNANT WOMEN"
    texts = [raw[e.start : e.end] for e in read_outline(raw) if e.role is Role.CRITERION]
    assert texts == [item, "PREGNANT WOMEN"]

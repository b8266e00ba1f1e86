import pytest

from extractor.parse.outcomes.categories import choose_category
from extractor.parse.outcomes.events import find_events, mentions_censoring
from extractor.parse.outcomes.instruments import find_instrument
from extractor.parse.outcomes.materials import find_methods, find_specimens
from extractor.schemas import Concept


@pytest.mark.parametrize(
    ("text", "start", "ends"),
    [
        (
            "OS is measured from the first infusion to death from any cause.",
            "the first infusion",
            ["death from any cause"],
        ),
        (
            "The time from randomization until progression, relapse or death.",
            "randomization",
            ["progression", "relapse", "death"],
        ),
        ("The time between enrollment and death.", "enrollment", ["death"]),
        (
            "From the date of receiving the graft to the first assessment of relapse.",
            "receiving the graft",
            ["relapse"],
        ),
        ("From infusion to death or last visit (censored).", "infusion", ["death"]),
        (
            "From infusion to the date of any event, which includes progression, a new therapy, or death.",
            "infusion",
            ["progression", "new therapy", "death"],
        ),
        (
            "From infusion to the date of failure (no CR, no PR), or relapse (in marrow or skin), whichever is first.",
            "infusion",
            ["failure (no CR, no PR)", "relapse (in marrow or skin)"],
        ),
        ("Time to engraftment", None, ["engraftment"]),
    ],
)
def test_reads_events(text, start, ends):
    found = find_events(text)
    assert found is not None
    assert (text[slice(*found.start)] if found.start else None) == start
    assert [text[slice(*end)] for end in found.ends] == ends


def test_a_text_without_events_has_none():
    assert find_events("Survival of all participants. Baseline characteristics are reported.") is None


@pytest.mark.parametrize(
    ("text", "expected"), [("death (censored)", True), ("or last follow-up", True), ("death", False)]
)
def test_censoring(text, expected):
    assert mentions_censoring(text) is expected


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("graded according to NCI-CTCAE v5.0 criteria", "CTCAE", "5.0"),
        ("Common Terminology Criteria for Adverse Events (CTCAE, Version 4.0).", "CTCAE", "4.0"),
        ("National Comprehensive Cancer Network (NCCN) GuidelinesVersion 3.2023", "NCCN", "3.2023"),
        ("response by RECIST 1.1.", "RECIST", "1.1"),
        ("by the Lugano 2014 criteria", "Lugano", "2014"),
        ("a VAS 0 to 10 cm", "VAS", None),
        ("the Dry Cough Questionnaire (DCQ)", "DCQ", None),
    ],
)
def test_reads_instruments(text, name, version):
    found = find_instrument(text)
    assert found is not None
    assert (found.instrument.name, found.instrument.version) == (name, version)


def test_no_instrument():
    assert find_instrument("Number of deaths") is None


def test_specimens_and_methods_are_quoted_once():
    text = "Copies in bone marrow and peripheral blood by qPCR; cells in bone marrow by flow cytometry; blood pressure"
    assert [text[m.start : m.end] for m in find_specimens(text)] == ["bone marrow", "peripheral blood"]
    assert [text[m.start : m.end] for m in find_methods(text)] == ["qPCR", "flow cytometry"]


@pytest.mark.parametrize(
    ("concept", "text", "category"),
    [
        (Concept.OVERALL_SURVIVAL, "", "efficacy"),
        (Concept.CELLULAR_KINETICS, "", "pharmacokinetics"),
        (Concept.QUALITY_OF_LIFE, "", "patient_reported"),
        (Concept.SYMPTOM_SCORE, "scored by the investigator", "efficacy"),
        (Concept.SYMPTOM_SCORE, "rated by the patient", "patient_reported"),
    ],
)
def test_category_follows_from_the_concept(concept, text, category):
    assert choose_category(concept, text)[0].value == category

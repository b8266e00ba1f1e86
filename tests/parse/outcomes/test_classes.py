import pytest

from extractor.parse.endpoints import OutcomeWords, classify_outcomes, describe_outcome, trial_words
from extractor.text.passage import read_section


def outcome(measure, description="", about=()):
    parts = (read_section("outcomes", text).whole for text in (measure, description))
    return OutcomeWords(*parts, about=about)


def classify(measure, description=""):
    return classify_outcomes([outcome(measure, description)])[0]


@pytest.mark.parametrize(
    ("measure", "description", "concept", "category"),
    [
        ("Overall survival", "", "overall_survival", "efficacy"),
        ("Objective response rate (ORR)", "", "response_rate", "efficacy"),
        ("Number of participants with adverse events", "", "adverse_events", "safety"),
        ("Cmax of omalizumab", "", "pharmacokinetics", "pharmacokinetics"),
        ("Maximum concentration (Cmax) of CAR-T cells in blood", "", "cellular_kinetics", "pharmacokinetics"),
        ("Levels of IL-10 in serum", "", "biomarker", "pharmacodynamics"),
        ("Quality of life", "by the SF-36", "quality_of_life", "patient_reported"),
        ("Relapse-free survival", "", "disease_free_survival", "efficacy"),
        ("Anti-drug antibodies", "", "immunogenicity", "immunogenicity"),
        ("Change of the total nasal symptom score", "", "symptom_score", None),
        ("Feasibility of the recruitment", "", "feasibility", "feasibility"),
    ],
)
def test_concept_and_category(measure, description, concept, category):
    found = classify(measure, description)
    assert found.concept.value == concept
    assert category in (None, found.category.value)


def test_what_the_trial_is_about_counts():
    sections = {
        "title": read_section("title", "Drug X in the healthy"),
        "conditions": read_section("conditions", "Pain"),
    }
    assert trial_words(sections) == ["drug", "x", "in", "the", "healthy", "pain"]
    first, other = classify_outcomes(
        [outcome("Response at week 4", about=about.split()) for about in ("influenza vaccine", "hip replacement")]
    )
    assert first != other


def test_confidence_falls_without_evidence():
    assert classify("Progression-free survival").concept_confidence > 0.95
    assert classify("Zorp").concept_confidence < 0.7


def test_the_word_that_decides_is_shown():
    assert classify("Rate of survival").reason.text == "survival"
    assert classify("Zorp").reason is None


def test_outcomes_are_classified_together_as_alone():
    outcomes = [outcome("Overall survival"), outcome(""), outcome("Adverse events", "by CTCAE")]
    together, alone = classify_outcomes(outcomes), [classify_outcomes([one])[0] for one in outcomes]
    assert [(one.concept, one.category) for one in together] == [(one.concept, one.category) for one in alone]
    assert [one.concept_confidence for one in together] == pytest.approx([one.concept_confidence for one in alone])
    assert classify_outcomes([]) == []


def test_a_long_description_is_read_in_part():
    found = describe_outcome(outcome("Pain", "word " * 1000))
    assert sum(feature.startswith("d ") for feature in found) == 80

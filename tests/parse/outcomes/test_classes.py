import pytest

from extractor.parse.outcomes.classes import OutcomeWords, classify_outcomes, describe_outcomes, trial_tokens
from extractor.parse.scoring import read_tokens
from extractor.schemas import Section, Source, TrialRecord


def classify(measure, description=""):
    return classify_outcomes([OutcomeWords(measure, description)])[0]


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
    sections = (Section(name="title", text="Drug X in the healthy"), Section(name="conditions", text="Pain"))
    record = TrialRecord(record_id="x", source=Source(path="x", format="flat"), sections=sections)
    assert trial_tokens(record) == ["drug", "x", "in", "the", "healthy", "pain"]
    vaccine, surgery = (read_tokens(title) for title in ("Influenza vaccine in adults", "Hip replacement"))
    first, other = classify_outcomes([OutcomeWords("Response at week 4", about=about) for about in (vaccine, surgery)])
    assert first != other


def test_confidence_falls_without_evidence():
    assert classify("Progression-free survival").concept_confidence > 0.95
    assert classify("Zorp").concept_confidence < 0.7


def test_the_word_that_decides_is_shown():
    start, end = classify("Rate of survival").word
    assert "Rate of survival"[start:end] == "survival"
    assert classify("Zorp").word is None


def test_outcomes_are_classified_together_as_alone():
    outcomes = [OutcomeWords("Overall survival"), OutcomeWords(""), OutcomeWords("Adverse events", "by CTCAE")]
    assert classify_outcomes(outcomes) == [classify_outcomes([outcome])[0] for outcome in outcomes]
    assert classify_outcomes([]) == []


def test_a_long_description_is_read_in_part():
    assert len(describe_outcomes([OutcomeWords("Pain", "word " * 1000)])[0]["told"]) == 80

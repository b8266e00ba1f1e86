import pytest

from extractor.parse.endpoints import OutcomeWords, classify_outcomes
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
    found = [reading.value.value for reading in classify(measure, description)]
    assert found[0] == concept
    assert category in (None, found[1])


def test_confidence_falls_without_evidence():
    assert classify("Progression-free survival")[0].confidence > 0.95
    assert classify("Zorp")[0].confidence < 0.7

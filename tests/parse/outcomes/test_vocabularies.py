import pytest

from extractor.parse.outcomes.concepts import find_concept
from extractor.parse.vocabulary import load_vocabulary
from extractor.schemas import Concept

ENTRIES = [
    (name, entry)
    for name in ("concepts", "instruments", "specimens", "methods")
    for entry in load_vocabulary(name).entries
]


@pytest.mark.parametrize(("name", "entry"), ENTRIES, ids=lambda value: value if isinstance(value, str) else value.value)
def test_every_example_yields_its_value(name, entry):
    assert entry.value in {match.value for match in load_vocabulary(name).find(entry.example)}


def test_every_concept_has_words():
    assert {entry.value for entry in load_vocabulary("concepts").entries} == {concept.value for concept in Concept}


@pytest.mark.parametrize(
    ("measure", "description", "concept"),
    [
        ("Objective response rate (ORR)", "", "response_rate"),
        ("Number of participants with adverse events", "", "adverse_events"),
        ("Cmax of omalizumab", "", "pharmacokinetics"),
        ("Maximum concentration (Cmax) of CAR-T cells", "", "cellular_kinetics"),
        ("Levels of IL-10 in serum", "", "biomarker"),
        ("Quality of life", "by the SF-36", "quality_of_life"),
        ("Relapse-free survival", "", "disease_free_survival"),
        ("Anti-drug antibodies", "", "immunogenicity"),
        ("Change at month 3", "Change of the total nasal symptom score", "symptom_score"),
    ],
)
def test_concepts(measure, description, concept):
    found = find_concept(measure, description)
    assert found is not None
    assert found.concept.value == concept


def test_no_known_word_is_no_concept():
    assert find_concept("Zorp", "") is None


def test_capital_abbreviations_are_no_common_words():
    index = load_vocabulary("methods")
    assert [match.value for match in index.find("a CT of the chest, but not a ct")] == ["CT"]

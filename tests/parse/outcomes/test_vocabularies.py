import pytest

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


def test_capital_abbreviations_are_no_common_words():
    index = load_vocabulary("methods")
    assert [match.value for match in index.find("a CT of the chest, but not a ct")] == ["CT"]

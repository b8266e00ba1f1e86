import pytest

from extractor.schemas import Concept
from extractor.text.book import find_terms, read_text, terms_of

ENTRIES = [(name, entry) for name in ("concepts", "instruments", "specimens", "methods") for entry in terms_of(name)]


@pytest.mark.parametrize(("name", "entry"), ENTRIES, ids=lambda value: value if isinstance(value, str) else value.value)
def test_every_example_yields_its_value(name, entry):
    assert entry.value in {term.value for term in find_terms(read_text(entry.example), name)}


def test_every_concept_has_words():
    assert {entry.value for entry in terms_of("concepts")} == {concept.value for concept in Concept}


def test_capital_abbreviations_are_no_common_words():
    found = find_terms(read_text("a CT of the chest, but not a ct"), "methods")
    assert [term.value for term in found] == ["CT"]

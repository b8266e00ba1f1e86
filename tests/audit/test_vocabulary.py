"""The words by which endpoints are promised."""

import pytest

from extractor.audit.unregistered import _load_traces
from extractor.parse.vocabulary import Entry, load_vocabulary
from extractor.schemas import Concept

PROMISED = load_vocabulary("promised_endpoints")


@pytest.mark.parametrize("entry", PROMISED.entries, ids=lambda entry: entry.value)
def test_each_example_yields_its_value(entry: Entry) -> None:
    assert entry.value in {match.value for match in PROMISED.find(entry.example)}


@pytest.mark.parametrize("entry", PROMISED.entries, ids=lambda entry: entry.value)
def test_a_registered_outcome_of_the_same_name_is_always_known(entry: Entry) -> None:
    trace = _load_traces()[Concept(entry.value)]
    assert Concept(entry.value) in trace.concepts
    assert [term for term in entry.terms if not trace.words.search(term.lower())] == []

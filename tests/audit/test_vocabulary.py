"""The words by which endpoints are promised."""

import pytest

from extractor.audit.unregistered import _load_traces
from extractor.schemas import Concept
from extractor.text.book import Entry, terms_of

PROMISED = terms_of("promised_endpoints")


@pytest.mark.parametrize("entry", PROMISED, ids=lambda entry: entry.value)
def test_a_registered_outcome_of_the_same_name_is_always_known(entry: Entry) -> None:
    trace = _load_traces()[Concept(entry.value)]
    assert Concept(entry.value) in trace.concepts
    assert [term for term in entry.terms if not trace.words.search(term.lower())] == []

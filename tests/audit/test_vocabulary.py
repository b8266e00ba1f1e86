"""The words by which endpoints are promised."""

import pytest

from extractor.text.book import terms_of
from tests.audit.studies import find, make_study

PROMISED = terms_of("promised_endpoints")


@pytest.mark.parametrize("entry", PROMISED, ids=lambda entry: entry.value)
def test_a_registered_outcome_of_the_same_name_is_always_recognised(entry) -> None:
    for term in entry.terms:
        record = make_study(summary=f"The secondary endpoint is {term}.", primary=((term, "As defined", "1 year"),))
        assert "endpoint_not_registered" not in [kind for kind, *_ in find(record)], term

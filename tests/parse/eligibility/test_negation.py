"""Whether a criterion is negated, and which words say so."""

import pytest

from extractor import Extractor
from tests.trust import trial


def read(line):
    record = trial(eligibility=f"Inclusion Criteria:\n\n* {line}\n* Asthma")
    return Extractor(assist="never").extract(record).eligibility.criteria[0]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("No history of stroke", "No"),
        ("Patients who have not had chemotherapy", "Patients who have not"),
        ("Female participants must not be pregnant", "Female participants must not"),
        ("Absence of fever", "Absence of"),
    ],
)
def test_a_negated_criterion_cites_the_words_that_negate_it(line, words):
    criterion = read(line)
    assert criterion.negated is True
    assert [piece.quote for piece in criterion.evidence if piece.field == "negated"] == [words]


@pytest.mark.parametrize("line", ["History of stroke", "Not more than two strokes", "Fever that is not controlled"])
def test_a_comparison_or_a_negation_further_on_does_not_negate_a_criterion(line):
    assert read(line).negated is False

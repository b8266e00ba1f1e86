"""What a criterion means for a patient."""

import pytest

from extractor import Extractor
from tests.tables import read_cases

CASES = read_cases(__file__)


@pytest.mark.parametrize(
    ("kind", "line", "patient", "verdict"), CASES["a_criterion_is_judged"]
)
def test_a_criterion_is_judged(kind, line, patient, verdict):
    text = f"{kind.capitalize()} Criteria:\n\n* {line}"
    trial = Extractor().extract_text(text, record_id="A")

    match = trial.match(patient)

    judged = [one for one in match.criteria if one["index"] is not None]
    assert judged[-1]["verdict"] == verdict, judged[-1]["why"]


@pytest.mark.parametrize(
    ("text", "patient", "answer", "verdicts"), CASES["a_list_is_judged"]
)
def test_a_list_is_judged(text, patient, answer, verdicts):
    trial = Extractor().extract_text(text, record_id="A")

    match = trial.match(patient)

    assert match.answer == answer
    assert [
        one["verdict"] for one in match.criteria if one["index"] is not None
    ] == verdicts


@pytest.mark.parametrize(
    ("patient", "message"), CASES["what_cannot_be_read_is_an_error"]
)
def test_what_cannot_be_read_is_an_error(patient, message):
    trial = Extractor().extract_text("Inclusion criteria:\n- ECOG 0-1", record_id="A")

    with pytest.raises(ValueError, match=message):
        trial.match(patient)

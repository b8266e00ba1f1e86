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

"""Counts of high-confidence values."""

import pytest

from benchmarks.sure_parts import judge
from extractor.schemas import Evidence, TrialExtraction

OF = "eligibility.criteria.time_windows.of"
CRITERION = {
    "kind": "exclusion",
    "section": "eligibility",
    "quote": "Aspirin within 2 weeks or warfarin within 5 days before biopsy",
}


def read(of, confidence=None):
    """One criterion whose second time window limits ``of``, with evidence if it has a
    confidence.
    """
    windows = []
    evidence = []
    stated = (("Aspirin", "within 2 weeks", 2, "week"), (of, "within 5 days", 5, "day"))
    for at, (words, quote, value, unit) in enumerate(stated):
        window = {"quote": quote, "comparator": "<=", "value": value, "unit": unit}
        windows.append(window | {"of": words})
        piece = Evidence(
            field=f"time_windows[{at}].of",
            quote=words,
            confidence=confidence,
            origin="rule",
            support="parsed",
            section="eligibility",
            start=0,
            end=1,
        )
        evidence.append(piece)
    criterion = CRITERION | {"time_windows": windows}
    criterion |= {"evidence": evidence if confidence else ()}
    people = {"criteria": [criterion]}
    return TrialExtraction.model_validate({"record_id": "A", "eligibility": people})


@pytest.mark.parametrize(
    ("of", "right"),
    [
        pytest.param("warfarin", [True, True], id="of their windows"),
        pytest.param("biopsy", [False, True], id="one of another window"),
    ],
)
def test_the_word_of_another_window_is_counted_as_wrong(of, right):
    judged = judge(read("warfarin"), read(of, 0.9))

    found = sorted(is_right for field, _, is_right in judged if field == OF)
    assert found == right

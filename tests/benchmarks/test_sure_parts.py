"""Tests of the count of sure values."""

import pytest

from benchmarks.sure_parts import judge
from extractor.schemas import Evidence, TrialExtraction

QUOTE = "Aspirin within 2 weeks or warfarin within 5 days before biopsy"


def read(of, *, confidence=None):
    """One criterion whose second time window limits ``of``, with evidence if it has a
    confidence.
    """
    windows = [
        {"quote": quote, "comparator": "<=", "value": value, "unit": unit, "of": words}
        for quote, value, unit, words in (
            ("within 2 weeks", 2, "week", "Aspirin"),
            ("within 5 days", 5, "day", of),
        )
    ]
    known = {
        "origin": "rule",
        "support": "parsed",
        "section": "eligibility",
        "start": 0,
        "end": 1,
    }
    fields = [
        (f"time_windows[{at}].of", window["of"]) for at, window in enumerate(windows)
    ]
    evidence = [
        Evidence(field=field, quote=quote, confidence=confidence, **known)
        for field, quote in fields
    ]
    criterion = {
        "kind": "exclusion",
        "section": "eligibility",
        "quote": QUOTE,
        "time_windows": windows,
    }
    criterion |= {"evidence": evidence if confidence else ()}
    return TrialExtraction.model_validate(
        {"record_id": "A", "eligibility": {"criteria": [criterion]}}
    )


@pytest.mark.parametrize(
    ("of", "right"),
    [
        pytest.param("warfarin", [True, True], id="of their windows"),
        pytest.param("biopsy", [False, True], id="one of another window"),
    ],
)
def test_the_word_of_another_window_is_counted_as_wrong(of, right):
    judged = judge(read("warfarin"), read(of, confidence=0.9))

    words = sorted(
        (confidence, is_right)
        for field, confidence, is_right in judged
        if field == "eligibility.criteria.time_windows.of"
    )
    assert words == [(0.9, is_right) for is_right in right]

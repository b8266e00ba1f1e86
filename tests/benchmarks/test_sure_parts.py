"""Tests of the count of sure values."""

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
    fields = [(f"time_windows[{at}].of", one["of"]) for at, one in enumerate(windows)]
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


def test_the_word_of_another_window_is_counted_as_wrong():
    name = "eligibility.criteria.time_windows.of"
    for of, right in (("warfarin", [True, True]), ("biopsy", [False, True])):
        judged = list(judge(read("warfarin"), read(of, confidence=0.9)))
        assert sorted(
            (sure, is_right) for field, sure, is_right in judged if field == name
        ) == [(0.9, one) for one in right]

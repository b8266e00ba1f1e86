"""Explained gaps compared with gold: right where gold is empty too, a false absence where it has a value."""

import pytest

from extractor.evaluation import evaluate

from .annotations import make_gold


def forget(predicted):
    predicted["eligibility"]["sex"] = predicted["dosing"][0]["route"] = None


def turn(predicted):
    predicted["dosing"].reverse()
    predicted["dosing"][0]["route"] = None  # the second of gold


@pytest.mark.parametrize(
    ("gaps", "change", "expected"),
    [
        ({"dosing[1].timing": "not_reported", "endpoints[0].start_event": "not_reported"}, None, [(2, 2, {})]),
        ({"dosing[0].route": "not_asked", "dosing[1].timing": "not_asked"}, forget, [(2, 1, {"dosing.route": 1})]),
        ({"eligibility.sex": "ambiguous"}, forget, [(1, 0, {"eligibility.sex": 1})]),
        ({"dosing": "section_absent"}, lambda found: found["dosing"].clear(), [(1, 0, {"dosing.regimens": 1})]),
        ({"dosing[0].route": "not_asked"}, turn, [(1, 0, {"dosing.route": 1})]),
        ({"dosing[0].route": "not_reported"}, None, []),  # a filled field has no gap to judge
    ],
)
def test_gaps_are_judged_by_reason(gaps, change, expected):
    predicted = make_gold()
    if change:
        change(predicted)
    predicted["absences"] = [{"field": field, "reason": reason} for field, reason in gaps.items()]
    report = evaluate([make_gold()], [predicted], resamples=0)
    assert [(one.count, one.right, one.fields) for one in report.absences] == expected
    assert all(one.count == one.right + one.false for one in report.absences)
    assert {one.reason for one in report.absences} <= set(gaps.values())

"""Explained gaps held against gold: right where gold is empty too, a false absence where it has a value."""

import copy

import pytest

from extractor.evaluation import evaluate
from extractor.schemas import AbsenceReason

from .annotations import make_gold


def judge(*gaps, change=None):
    """The report on gold itself with these gaps explained, and fields emptied as ``change`` does."""
    predicted = copy.deepcopy(make_gold())
    if change:
        change(predicted)
    predicted["absences"] = [{"field": field, "reason": reason} for field, reason in gaps]
    report = evaluate([make_gold()], [predicted], resamples=0)
    return {one.reason: one for one in report.absences}


def test_a_gap_that_gold_has_too_is_right():
    found = judge(("dosing[1].timing", "not_reported"), ("endpoints[0].start_event", "not_reported"))
    one = found[AbsenceReason.NOT_REPORTED]
    assert (one.count, one.right, one.false, one.fields) == (2, 2, 0, {})


@pytest.mark.parametrize("reason", AbsenceReason)
def test_a_value_that_gold_has_makes_it_a_false_absence(reason):
    def forget_route(predicted):
        predicted["dosing"][0]["route"] = None

    found = judge(("dosing[0].route", reason), ("dosing[1].timing", reason), change=forget_route)
    assert (found[reason].count, found[reason].right, found[reason].false) == (2, 1, 1)
    assert found[reason].fields == {"dosing.route": 1}


def test_gaps_of_the_record_and_of_whole_lists_are_judged():
    def forget(predicted):
        predicted["eligibility"]["sex"] = None
        predicted["dosing"] = []

    found = judge(("eligibility.sex", "ambiguous"), ("dosing", "section_absent"), change=forget)
    assert found[AbsenceReason.AMBIGUOUS].fields == {"eligibility.sex": 1}
    assert found[AbsenceReason.SECTION_ABSENT].fields == {"dosing.regimens": 1}


def test_positions_are_those_of_the_prediction():
    def turn(predicted):
        predicted["dosing"].reverse()
        predicted["dosing"][0]["route"] = None  # the second of gold

    found = judge(("dosing[0].route", "not_asked"), change=turn)
    assert found[AbsenceReason.NOT_ASKED].false == 1


def test_an_invented_item_and_a_filled_field_have_no_gap_to_judge():
    def invent(predicted):
        predicted["dosing"].append({**predicted["dosing"][1], "agent": "unobtainium", "quote": "unobtainium 7 g"})

    assert judge(("dosing[2].timing", "not_reported"), ("dosing[0].route", "not_reported"), change=invent) == {}


def test_a_prediction_without_reasons_has_no_table():
    assert evaluate([make_gold()], [make_gold()], resamples=0).absences == ()

"""How sure the figures are."""

import random

import pytest

from extractor.evaluation import ScoreReport, evaluate

from .annotations import make_gold


def _golds(number):
    return [make_gold(f"R{position:03}") for position in range(number)]


def _predict(golds, share, seed=0):
    """Sex is right in that share of the records."""
    draw = random.Random(seed)
    predicted = [make_gold(one["record_id"]) for one in golds]
    for one in predicted:
        one["eligibility"]["sex"] = "all" if draw.random() < share else "female"
    return predicted


def _sex(report):
    return next(one.normalised for one in report.fields if one.name == "eligibility.sex")


def test_the_same_again_is_the_same_whatever_the_order():
    golds = _golds(40)
    predicted = _predict(golds, 0.7)
    first = evaluate(golds, predicted, resamples=200)
    assert evaluate(golds, predicted, resamples=200) == first
    assert evaluate(golds[::-1], predicted[::-1], resamples=200) == first
    assert evaluate(golds, predicted, resamples=200, seed=1) != first


def test_an_interval_holds_the_figure_and_is_of_the_right_width():
    golds = _golds(100)
    score = _sex(evaluate(golds, _predict(golds, 0.7)))
    assert score.interval.low < score.f1 < score.interval.high
    # Of a share p of n records: p plus or minus 1.96 times the root of p (1 - p) / n.
    expected = 2 * 1.96 * (score.f1 * (1 - score.f1) / 100) ** 0.5
    assert score.interval.high - score.interval.low == pytest.approx(expected, rel=0.15)


def test_more_records_make_it_narrower():
    few, many = (_sex(evaluate(golds, _predict(golds, 0.7))).interval for golds in (_golds(25), _golds(200)))
    assert many.high - many.low < few.high - few.low


@pytest.mark.parametrize(("gold", "invented", "is_shown"), [(9, 0, False), (10, 0, True), (8, 1, False), (8, 2, True)])
def test_a_score_over_fewer_than_ten_values_has_no_interval(gold, invented, is_shown):
    """A value that gold and prediction both have is one value."""
    golds = [{"record_id": f"R{position:03}", "eligibility": {}} for position in range(30)]
    predicted = [{**one, "eligibility": {}} for one in golds]
    for position in range(gold + invented):
        predicted[position]["eligibility"] = {"sex": "all"}
    for position in range(gold):
        golds[position]["eligibility"] = {"sex": "all"}
    report = evaluate(golds, predicted, compare=golds, resamples=50)
    assert (_sex(report).interval is not None) is is_shown
    assert all((one.normalised.interval is not None) is is_shown for one in report.groups if one.name == "all")
    # The other prediction has gold's values alone: a difference needs ten of either.
    differences = {one.name: one.interval for one in report.comparison.differences}
    assert (differences["eligibility.sex"] is not None) is (gold >= 10)


def test_no_resamples_no_intervals():
    golds = _golds(3)
    report = evaluate(golds, golds, resamples=0)
    assert {one.normalised.interval for one in (*report.groups, *report.fields)} == {None}


def test_differences_are_paired():
    golds = _golds(60)
    predicted, other = _predict(golds, 0.7), _predict(golds, 0.7)
    for one in other[:6]:
        one["eligibility"]["minimum_age"] = None
    comparison = evaluate(golds, predicted, compare=other, resamples=300).comparison
    differences = {one.name: one for one in comparison.differences}
    # Both are wrong in the same records: the difference is surely nothing, though each score is not sure.
    sex = differences["eligibility.sex"]
    assert (sex.difference, sex.interval.low, sex.interval.high) == (0.0, 0.0, 0.0)
    age = differences["eligibility.minimum_age"]
    assert 0 < age.interval.low < age.difference < age.interval.high


def test_against_itself_nothing_differs():
    golds = _golds(10)
    comparison = evaluate(golds, _predict(golds, 0.5), compare=_predict(golds, 0.5), resamples=50).comparison
    assert {one.difference for one in comparison.differences} == {0.0}


def test_a_report_goes_through_json():
    golds = _golds(5)
    report = evaluate(golds, _predict(golds, 0.5), compare=golds, resamples=20)
    assert report.errors
    assert ScoreReport.model_validate_json(report.model_dump_json()) == report

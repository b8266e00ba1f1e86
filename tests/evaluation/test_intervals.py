"""How certain the figures are: bootstrap intervals over records."""

import random

import pytest

from extractor.evaluation import ScoreReport, evaluate

from .annotations import make_gold


def make_golds(number):
    return [make_gold(f"R{position:03}") for position in range(number)]


def predict(golds, share=0.7):
    """Sex is right in that share of the records."""
    draw = random.Random(0)
    predicted = [make_gold(one["record_id"]) for one in golds]
    for one in predicted:
        one["eligibility"]["sex"] = "all" if draw.random() < share else "female"
    return predicted


def find_sex(report):
    return next(one.normalised for one in report.fields if one.name == "eligibility.sex")


def test_the_same_input_gives_the_same_report_in_any_order():
    golds = make_golds(12)
    predicted = predict(golds)
    first = evaluate(golds, predicted, compare=golds, resamples=100)
    assert evaluate(golds[::-1], predicted[::-1], compare=golds, resamples=100) == first
    assert evaluate(golds, predicted, compare=golds, resamples=100, seed=1) != first
    assert ScoreReport.model_validate_json(first.model_dump_json()) == first


def test_an_interval_holds_the_figure_and_has_the_right_width():
    number = 100
    golds = make_golds(number)
    score = find_sex(evaluate(golds, predict(golds)))
    assert score.interval.low < score.f1 < score.interval.high
    # Of a share p of n records: p plus or minus 1.96 times the root of p (1 - p) / n.
    expected = 2 * 1.96 * (score.f1 * (1 - score.f1) / number) ** 0.5
    assert score.interval.high - score.interval.low == pytest.approx(expected, rel=0.15)


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
    assert (find_sex(report).interval is not None) is is_shown
    assert all((one.normalised.interval is not None) is is_shown for one in report.groups if one.name == "all")
    # The other prediction has gold's values alone: a difference needs ten of either.
    differences = {one.name: one.interval for one in report.comparison.differences}
    assert (differences["eligibility.sex"] is not None) is (gold >= 10)
    without = evaluate(golds, predicted, resamples=0)
    assert {one.normalised.interval for one in (*without.groups, *without.fields)} == {None}


def test_differences_are_paired():
    golds = make_golds(30)
    predicted, other = predict(golds), predict(golds)
    for one in other[:4]:
        one["eligibility"]["minimum_age"] = None
    comparison = evaluate(golds, predicted, compare=other, resamples=300).comparison
    differences = {one.name: one for one in comparison.differences}
    # Both are wrong in the same records: the difference is certainly nothing, though each score is uncertain.
    sex = differences["eligibility.sex"]
    assert (sex.difference, sex.interval.low, sex.interval.high) == (0.0, 0.0, 0.0)
    age = differences["eligibility.minimum_age"]
    assert 0 < age.interval.low < age.difference < age.interval.high

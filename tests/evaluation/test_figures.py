"""Figures, and bootstrap intervals over records."""

import copy
import json
import random
from pathlib import Path

import pytest

from extractor.apps.evaluation import ScoreReport, evaluate

from .annotations import make_gold, make_repetitive, regimen, score, shuffle

ROOT = Path(__file__).parents[2]
DEV = ROOT.parent / "shared" / "gold" / "dev"
SEEDS = ROOT / "seeds" / "gold"
FOLDERS = [
    pytest.param(SEEDS, id="seeds"),
    pytest.param(
        DEV,
        id="dev",
        marks=pytest.mark.skipif(not DEV.is_dir(), reason="needs the shared gold"),
    ),
]
LEVELS = ("exact", "normalised", "relaxed")


def _read(folder):
    return [
        json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))
    ]


def _all_scores(report):
    for one in (*report.groups, *report.fields):
        for level in LEVELS:
            scores = getattr(one, level)
            yield from (scores.precision, scores.recall, scores.f1)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_gold_against_itself_in_another_order_is_exactly_one(folder):
    report = evaluate(folder, [shuffle(one, 1) for one in _read(folder)], resamples=20)
    assert set(_all_scores(report)) <= {1.0, None}
    assert report.figure("all") == 1.0
    assert report.errors == ()
    assert report.groups[0].normalised.interval.low == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_invariants_of_every_evaluation(seed):
    report = score(make_repetitive(seed), make_repetitive(seed + 100))
    for field in report.fields:
        # A pair takes one value from either side; all others are missed or invented.
        assert field.stated - field.missed == field.predicted - field.invented >= 0
        if field.normalised.f1 is not None:
            ladder = [getattr(field, level) for level in LEVELS]
            for name in ("precision", "recall", "f1"):
                shares = [getattr(level, name) or 0.0 for level in ladder]
                assert 0 <= shares[0] <= shares[1] <= shares[2] <= 1


def _field(report, name):
    return next(field for field in report.fields if field.name == name)


def test_agreement_on_an_empty_field_is_not_a_true_positive():
    report = score(
        {"record_id": "A", "eligibility": {"sex": None}},
        {"record_id": "A", "eligibility": {}},
    )
    assert set(_all_scores(report)) == {None}
    sex = _field(report, "eligibility.sex")
    assert sex.stated == 0
    assert sex.empty.fields == 1
    assert sex.empty.left_empty == 1
    assert sex.empty.specificity == 1.0


def test_f1_is_over_values_and_empty_fields_are_separate():
    """Three of ten regimens have a route in gold: one is right, one wrong, one missed. One more
    is invented.
    """
    gold = make_gold()
    gold["dosing"] = [regimen(name, f"{name} daily", 1, "mg") for name in "abcdefghij"]
    predicted = copy.deepcopy(gold)
    for position, ours, theirs in (
        (0, "oral", "oral"),
        (1, "oral", "topical"),
        (2, "oral", None),
        (3, None, "oral"),
    ):
        gold["dosing"][position]["route"] = ours
        predicted["dosing"][position]["route"] = theirs
    report = score(gold, predicted)
    route = _field(report, "dosing.route")
    assert route.stated == 3
    assert route.predicted == 3
    assert route.missed == 1
    assert route.invented == 1
    assert route.normalised.precision == 1 / 3
    assert route.normalised.recall == 1 / 3
    assert route.normalised.f1 == 1 / 3
    assert route.empty.fields == 7
    assert route.empty.left_empty == 6
    assert route.empty.specificity == 6 / 7
    assert report.empty.fields - report.empty.left_empty == 1
    assert report.empty.fields == sum(field.empty.fields for field in report.fields)


def test_fields_without_a_value_are_left_out_of_the_mean():
    gold = make_gold()
    predicted = make_gold()
    for one in (gold, predicted):
        one["eligibility"] = {
            "sex": "all",
            "minimum_age": {"value": 18, "unit": "year"},
            "healthy_volunteers": None,
        }
    predicted["eligibility"]["sex"] = "female"
    assert score(gold, predicted).figure("eligibility") == 0.5
    predicted["eligibility"]["healthy_volunteers"] = False  # invented: now it counts
    assert score(gold, predicted).figure("eligibility") == pytest.approx(1 / 3)


def test_micro_is_over_values():
    gold = make_gold()
    predicted = make_gold()
    predicted["eligibility"]["sex"] = "female"
    report = score(gold, predicted)
    values = sum(field.stated for field in report.fields if field.task == "eligibility")
    assert report.figure("eligibility.micro") == pytest.approx((values - 1) / values)


def make_golds(number):
    return [make_gold(f"R{position:03}") for position in range(number)]


def predict(golds, share=0.7):
    """Predict the right sex in that share of the records."""
    draw = random.Random(0)
    predicted = [make_gold(gold["record_id"]) for gold in golds]
    for one in predicted:
        one["eligibility"]["sex"] = "all" if draw.random() < share else "female"
    return predicted


def find_sex(report):
    return next(
        field.normalised for field in report.fields if field.name == "eligibility.sex"
    )


def test_the_same_input_gives_the_same_report_in_any_order():
    golds = make_golds(12)
    predicted = predict(golds)
    first = evaluate(golds, predicted, compare=golds, resamples=100)
    assert evaluate(golds[::-1], predicted[::-1], compare=golds, resamples=100) == first
    assert evaluate(golds, predicted, compare=golds, resamples=100, seed=1) != first
    assert ScoreReport.model_validate_json(first.model_dump_json()) == first


def test_an_interval_contains_the_figure_and_has_the_right_width():
    number = 100
    golds = make_golds(number)
    score = find_sex(evaluate(golds, predict(golds)))
    assert score.interval.low < score.f1 < score.interval.high
    # Of a share p of n records: p plus or minus 1.96 times the root of p (1 - p) / n.
    expected = 2 * 1.96 * (score.f1 * (1 - score.f1) / number) ** 0.5
    assert score.interval.high - score.interval.low == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize(
    ("gold", "invented", "is_shown"),
    [(9, 0, False), (10, 0, True), (8, 1, False), (8, 2, True)],
)
def test_a_score_over_fewer_than_ten_values_has_no_interval(gold, invented, is_shown):
    """A value in both gold and prediction counts once."""
    golds = [
        {"record_id": f"R{position:03}", "eligibility": {"sex": None}}
        for position in range(30)
    ]
    predicted = [{**one, "eligibility": {}} for one in golds]
    for position in range(gold + invented):
        predicted[position]["eligibility"] = {"sex": "all"}
    for position in range(gold):
        golds[position]["eligibility"] = {"sex": "all"}
    report = evaluate(golds, predicted, compare=golds, resamples=50)
    assert (find_sex(report).interval is not None) is is_shown
    assert all(
        (group.normalised.interval is not None) is is_shown
        for group in report.groups
        if group.name == "all"
    )
    # The other prediction has gold's values alone: a difference needs ten of either.
    differences = {
        difference.name: difference.interval
        for difference in report.comparison.differences
    }
    assert (differences["eligibility.sex"] is not None) is (gold >= 10)
    without = evaluate(golds, predicted, resamples=0)
    assert {one.normalised.interval for one in (*without.groups, *without.fields)} == {
        None
    }


def test_differences_are_paired():
    golds = make_golds(30)
    predicted = predict(golds)
    other = predict(golds)
    for one in other[:4]:
        one["eligibility"]["minimum_age"] = None
    comparison = evaluate(golds, predicted, compare=other, resamples=300).comparison
    differences = {difference.name: difference for difference in comparison.differences}
    # Both are wrong in the same records: the difference is certainly zero, although each score is
    # uncertain.
    sex = differences["eligibility.sex"]
    assert sex.difference == 0.0
    assert sex.interval.low == 0.0
    assert sex.interval.high == 0.0
    age = differences["eligibility.minimum_age"]
    assert 0 < age.interval.low < age.difference < age.interval.high

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
    scores = []
    for figures in (*report.groups, *report.fields):
        for level in LEVELS:
            of_level = getattr(figures, level)
            scores += [of_level.precision, of_level.recall, of_level.f1]
    return scores


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_gold_against_itself_in_another_order_is_exactly_one(folder):
    shuffled = [shuffle(gold, 1) for gold in _read(folder)]

    report = evaluate(folder, shuffled, resamples=20)

    assert set(_all_scores(report)) <= {1.0, None}
    assert report.figure("all") == 1.0
    assert report.errors == ()
    assert report.groups[0].normalised.interval.low == 1.0


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


@pytest.mark.parametrize("seed", range(4))
def test_a_pair_takes_a_value_from_either_side_and_others_are_missed_or_invented(seed):
    report = score(make_repetitive(seed), make_repetitive(seed + 100))

    for field in report.fields:
        pairs = field.stated - field.missed
        assert pairs == field.predicted - field.invented
        assert pairs >= 0


@pytest.mark.parametrize("figure", ["precision", "recall", "f1"])
@pytest.mark.parametrize("seed", range(4))
def test_a_looser_level_is_never_lower(seed, figure):
    report = score(make_repetitive(seed), make_repetitive(seed + 100))

    for field in report.fields:
        if field.normalised.f1 is not None:
            exact = getattr(field.exact, figure) or 0.0
            normalised = getattr(field.normalised, figure) or 0.0
            relaxed = getattr(field.relaxed, figure) or 0.0
            assert 0 <= exact <= normalised <= relaxed <= 1


@pytest.fixture
def with_routes():
    """Three of ten regimens have a route in gold: one is right, one wrong, one missed. One more
    is invented.
    """
    gold = make_gold()
    gold["dosing"] = [regimen(name, f"{name} daily", 1, "mg") for name in "abcdefghij"]
    predicted = copy.deepcopy(gold)
    for number, route in enumerate(("oral", "oral", "oral", None)):
        gold["dosing"][number]["route"] = route
    for number, route in enumerate(("oral", "topical", None, "oral")):
        predicted["dosing"][number]["route"] = route
    return score(gold, predicted)


def test_f1_is_over_values(with_routes):
    route = _field(with_routes, "dosing.route")
    assert route.stated == 3
    assert route.predicted == 3
    assert route.missed == 1
    assert route.invented == 1
    assert route.normalised.precision == 1 / 3
    assert route.normalised.recall == 1 / 3
    assert route.normalised.f1 == 1 / 3


def test_empty_fields_are_counted_apart(with_routes):
    route = _field(with_routes, "dosing.route")
    assert route.empty.fields == 7
    assert route.empty.left_empty == 6
    assert route.empty.specificity == 6 / 7
    empty = with_routes.empty
    assert empty.fields - empty.left_empty == 1
    assert empty.fields == sum(field.empty.fields for field in with_routes.fields)


def test_fields_without_a_value_are_left_out_of_the_mean():
    gold = make_gold()
    gold["eligibility"] = {
        "sex": "all",
        "minimum_age": {"value": 18, "unit": "year"},
        "healthy_volunteers": None,
    }
    predicted = make_gold()
    predicted["eligibility"] = gold["eligibility"] | {"sex": "female"}
    assert score(gold, predicted).figure("eligibility") == 0.5

    # invented: now it counts
    predicted["eligibility"]["healthy_volunteers"] = False
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
    predicted = []
    for gold in golds:
        is_right = draw.random() < share
        prediction = make_gold(gold["record_id"])
        prediction["eligibility"]["sex"] = "all" if is_right else "female"
        predicted.append(prediction)
    return predicted


def find_sex(report):
    return _field(report, "eligibility.sex").normalised


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


@pytest.fixture
def sparse():
    """Makes 30 records of which so many have a sex in gold, and some more are predicted one."""

    def make(stated, invented):
        golds = []
        predicted = []
        for number in range(30):
            sex = "all" if number < stated else None
            golds.append({"record_id": f"R{number:03}", "eligibility": {"sex": sex}})
            found = {"sex": "all"} if number < stated + invented else {}
            predicted.append({"record_id": f"R{number:03}", "eligibility": found})
        return golds, predicted

    return make


@pytest.mark.parametrize(
    ("gold", "invented", "is_shown"),
    [(9, 0, False), (10, 0, True), (8, 1, False), (8, 2, True)],
)
def test_a_score_over_fewer_than_ten_values_has_no_interval(
    sparse, gold, invented, is_shown
):
    """A value in both gold and prediction counts once."""
    golds, predicted = sparse(gold, invented)

    report = evaluate(golds, predicted, compare=golds, resamples=50)

    assert (find_sex(report).interval is not None) is is_shown
    for group in report.groups:
        if group.name == "all":
            assert (group.normalised.interval is not None) is is_shown
    # The other prediction has gold's values alone: a difference needs ten of either.
    differences = {
        difference.name: difference.interval
        for difference in report.comparison.differences
    }
    assert (differences["eligibility.sex"] is not None) is (gold >= 10)


@pytest.mark.parametrize(("gold", "invented"), [(9, 0), (10, 0), (8, 1), (8, 2)])
def test_without_resamples_there_is_no_interval(sparse, gold, invented):
    report = evaluate(*sparse(gold, invented), resamples=0)

    figures = (*report.groups, *report.fields)
    assert {figure.normalised.interval for figure in figures} == {None}


def test_differences_are_paired():
    golds = make_golds(30)
    predicted = predict(golds)
    other = predict(golds)
    for prediction in other[:4]:
        prediction["eligibility"]["minimum_age"] = None

    report = evaluate(golds, predicted, compare=other, resamples=300)

    differences = {
        difference.name: difference for difference in report.comparison.differences
    }
    # Both are wrong in the same records: the difference is certainly zero, although each score is
    # uncertain.
    sex = differences["eligibility.sex"]
    assert sex.difference == 0.0
    assert sex.interval.low == 0.0
    assert sex.interval.high == 0.0
    age = differences["eligibility.minimum_age"]
    assert 0 < age.interval.low < age.difference < age.interval.high

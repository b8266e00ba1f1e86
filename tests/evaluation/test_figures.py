"""What the figures do: gold against itself, shuffled, with an item dropped or invented."""

import copy
import json
from pathlib import Path

import pytest

from extractor.evaluation import evaluate

from .annotations import make_gold, make_repetitive, regimen, score, shuffle

ROOT = Path(__file__).parents[2]
DEV = ROOT.parent / "shared" / "gold" / "dev"
SEEDS = ROOT / "seeds" / "gold"
FOLDERS = [
    pytest.param(SEEDS, id="seeds"),
    pytest.param(DEV, id="dev", marks=pytest.mark.skipif(not DEV.is_dir(), reason="needs the shared gold")),
]
LEVELS = ("exact", "normalised", "relaxed")


def _read(folder):
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


def _all_scores(report):
    for one in (*report.groups, *report.fields):
        for level in LEVELS:
            scores = getattr(one, level)
            yield from (scores.precision, scores.recall, scores.f1)


def test_gold_against_itself_is_exactly_one():
    report = score(make_gold(), make_gold())
    assert (set(_all_scores(report)), report.errors) == ({1.0}, ())
    assert all(one.stated for one in report.fields)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_gold_against_itself_in_another_order_is_exactly_one(folder):
    report = evaluate(folder, [shuffle(one, 1) for one in _read(folder)], resamples=20)
    assert set(_all_scores(report)) <= {1.0, None}
    assert report.figure("all") == 1.0
    assert report.errors == ()
    assert report.groups[0].normalised.interval.low == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_what_holds_of_every_evaluation(seed):
    report = score(make_repetitive(seed), make_repetitive(seed + 100))
    for one in report.fields:
        # A pair takes one value from either side; what is left over is missed or invented.
        assert one.stated - one.missed == one.predicted - one.invented >= 0
        if one.normalised.f1 is not None:
            ladder = [getattr(one, level) for level in LEVELS]
            for name in ("precision", "recall", "f1"):
                shares = [getattr(level, name) or 0.0 for level in ladder]
                assert 0 <= shares[0] <= shares[1] <= shares[2] <= 1


def _field(report, name):
    return next(one for one in report.fields if one.name == name)


def test_agreement_on_emptiness_is_no_true_positive():
    report = score({"record_id": "A", "eligibility": {}}, {"record_id": "A", "eligibility": {}})
    assert set(_all_scores(report)) == {None}
    sex = _field(report, "eligibility.sex")
    assert (sex.stated, sex.empty.fields, sex.empty.left_empty, sex.empty.specificity) == (0, 1, 1, 1.0)


def test_f1_is_over_values_and_absence_is_apart():
    """Three of ten regimens have a route in gold: one is right, one wrong, one missed. One more is invented."""
    gold = make_gold()
    gold["dosing"] = [regimen(name, f"{name} daily", 1, "mg") for name in "abcdefghij"]
    predicted = copy.deepcopy(gold)
    for position, ours, theirs in ((0, "oral", "oral"), (1, "oral", "topical"), (2, "oral", None), (3, None, "oral")):
        gold["dosing"][position]["route"], predicted["dosing"][position]["route"] = ours, theirs
    report = score(gold, predicted)
    route = _field(report, "dosing.route")
    assert (route.stated, route.predicted, route.missed, route.invented) == (3, 3, 1, 1)
    assert (route.normalised.precision, route.normalised.recall, route.normalised.f1) == (1 / 3, 1 / 3, 1 / 3)
    assert (route.empty.fields, route.empty.left_empty, route.empty.specificity) == (7, 6, 6 / 7)
    assert report.empty.fields - report.empty.left_empty == 1
    assert report.empty.fields == sum(one.empty.fields for one in report.fields)


def test_fields_without_a_value_are_left_out_of_the_mean():
    gold, predicted = make_gold(), make_gold()
    for one in (gold, predicted):
        one["eligibility"] = {"sex": "all", "minimum_age": {"value": 18, "unit": "year"}}
    predicted["eligibility"]["sex"] = "female"
    assert score(gold, predicted).figure("eligibility") == 0.5
    predicted["eligibility"]["healthy_volunteers"] = False  # invented: now it counts
    assert score(gold, predicted).figure("eligibility") == pytest.approx(1 / 3)


def test_micro_is_over_values():
    gold, predicted = make_gold(), make_gold()
    predicted["eligibility"]["sex"] = "female"
    report = score(gold, predicted)
    values = sum(one.stated for one in report.fields if one.task == "eligibility")
    assert report.figure("eligibility.micro") == pytest.approx((values - 1) / values)

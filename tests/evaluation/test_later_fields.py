"""Conditions, time windows, groups and arms: lines of their own, beside the totals."""

import copy

import pytest

from extractor.apps.evaluation import evaluate
from extractor.apps.evaluation.page import render_score_page
from extractor.schemas import TrialExtraction

from .annotations import criterion, limit, make_gold, name_errors, regimen, score

C = "eligibility.criteria"


def window(comparator, value, unit, of=None, anchor=None, **more):
    return {
        "quote": "q",
        "comparator": comparator,
        "value": value,
        "unit": unit,
        "of": of,
        "anchor": anchor,
        **more,
    }


def conditioned(quantity, value, condition):
    return limit(quantity, ">=", value, "g/dL") | {"condition": condition}


def trial(*criteria, groups=(), dosing=()):
    eligibility = {"groups": list(groups), "criteria": list(criteria)}
    return {"record_id": "A", "eligibility": eligibility, "dosing": list(dosing)}


def windows(*found):
    return trial(
        criterion(
            "Aspirin and warfarin before biopsy", "exclusion", time_windows=list(found)
        )
    )


def limits(*found):
    return trial(criterion("Haemoglobin", constraints=list(found), time_windows=[]))


def group(name, rule="any", parent=None, n=None, **more):
    return {"id": name, "rule": rule, "parent": parent, "n": n, **more}


def grouped(homes, *groups):
    """Return a trial whose criteria a, b, c ... stand in these groups; "-" is none."""
    names = (f"criterion {letter} of the list" for letter in "abcdefgh")
    items = (
        criterion(name, group=None if home == "-" else f"g{home}")
        for name, home in zip(names, homes, strict=False)
    )
    return trial(*items, groups=groups)


def arms(listed, *amounts):
    doses = [
        {"low": n, "high": n, "unit": "mg"} | ({"arms": each} if each else {})
        for n, each in enumerate(amounts, 1)
    ]
    return trial(
        dosing=[
            regimen("zinc", "zinc daily", 1, "mg") | {"arms": listed, "amounts": doses}
        ]
    )


W, OF, ANCHOR, LIMIT = (f"{C}.{name}" for name in (
    "time_windows", "time_windows.of", "time_windows.anchor", "constraints.condition"
))  # fmt: skip
STATED = f"{LIMIT}.stated"
PAIRS = f"{C}.group"
GROUPS = "eligibility.groups"
RULE = f"{GROUPS}.rule"
PARENT = f"{GROUPS}.parent"
ARMS = "dosing.arms"
DOSES = "dosing.amounts.arms"
NESTED = grouped("1122", group("g1"), group("g2", "at_least", "g1", 1))


@pytest.mark.parametrize(
    ("gold", "predicted", "scores"),
    [
        # Windows pair by sense, number and unit; what they limit, and from when, is scored in the
        # pairs.
        (
            windows(window("<=", 4, "week")),
            windows(window("<=", 28, "day")),
            {W: 1.0, OF: 1.0, ANCHOR: 1.0},
        ),
        (windows(window("<=", 1, "month")), windows(window("<=", 30, "day")), {W: 1.0}),
        (
            windows(window("<=", 1, "year")),
            windows(window("<=", 12, "month")),
            {W: 1.0},
        ),
        (
            windows(window("<=", 4, "week")),
            windows(window(">=", 4, "week")),
            {W: 0.0, OF: None},
        ),
        (
            windows(window("<=", 5, "half_life")),
            windows(window("<=", 5, "day")),
            {W: 0.0},
        ),
        (
            windows(window("between", 10, "day", value_high=20)),
            windows(window("between", 10, "day", value_high=30)),
            {W: 0.0},
        ),
        (
            windows(window("<=", 3, "day"), window("<=", 10, "day")),
            windows(window("<=", 10, "day")),
            {W: 2 / 3},
        ),
        (
            windows(
                window("<=", 3, "day", "Aspirin", "before biopsy"),
                window("<=", 3, "day", "warfarin"),
            ),
            windows(
                window("<=", 3, "day", "the warfarin"),
                window("<=", 3, "day", "any aspirin", "of biopsy"),
            ),
            {W: 1.0, OF: 1.0, ANCHOR: 1.0},
        ),
        (
            windows(window("<=", 3, "day", "aspirin", "before biopsy")),
            windows(window("<=", 3, "day", "warfarin")),
            {W: 1.0, OF: 0.0, ANCHOR: 0.0},
        ),
        # Conditions: over limits that match, none is an answer; apart over those that gold gives.
        (
            limits(
                conditioned("haemoglobin", 12, "for men"),
                conditioned("haemoglobin", 11, "for women"),
            ),
            limits(
                conditioned("haemoglobin", 12, "men"),
                conditioned("haemoglobin", 11, None),
            ),
            {LIMIT: 0.5, STATED: 0.5},
        ),
        (
            limits(
                conditioned("platelets", 9, None),
                conditioned("haemoglobin", 12, "for men"),
            ),
            limits(
                conditioned("platelets", 9, "for men"),
                conditioned("haemoglobin", 12, "for men"),
            ),
            {LIMIT: 0.5, STATED: 1.0},
        ),
        (
            limits(conditioned("haemoglobin", 12, "for men")),
            limits(conditioned("haemoglobin", 13, "for men")),
            {LIMIT: None, STATED: None},
        ),
        (
            limits(conditioned("haemoglobin", 12, "for men")),
            limits(conditioned("albumin", 12, "for men")),
            {LIMIT: None},
        ),
        # Groups: pairs of criteria, then rule and parent of the groups that match. Names do not
        # count.
        (
            grouped("11-", group("g1")),
            grouped("22-", group("g2")),
            {PAIRS: 1.0, GROUPS: 1.0, RULE: 1.0, PARENT: 1.0},
        ),
        (
            grouped("111", group("g1")),
            grouped("11-", group("g1")),
            {PAIRS: 0.5, GROUPS: 1.0},
        ),
        (
            grouped("11", group("g1")),
            grouped("11", group("g1", "all")),
            {PAIRS: 1.0, RULE: 0.0},
        ),
        (
            grouped("11", group("g1", "at_least", n=2)),
            grouped("11", group("g1", "at_least", n=1)),
            {RULE: 0.0},
        ),
        (
            grouped("1111", group("g1")),
            grouped("1122", group("g1"), group("g2")),
            {PAIRS: 0.5, GROUPS: 0.0, RULE: None},
        ),
        (
            grouped("11", group("g1")),
            grouped("--"),
            {PAIRS: 0.0, GROUPS: 0.0, RULE: None},
        ),
        (NESTED, NESTED, {PAIRS: 1.0, GROUPS: 1.0, RULE: 1.0, PARENT: 1.0}),
        (
            NESTED,
            grouped("1122", group("g1"), group("g2", "at_least", None, 1)),
            {PAIRS: 1.0, GROUPS: 0.5, PARENT: 0.0},
        ),
        # Arms: the set of labels, without letter case and white space, of regimens and of amounts
        # that have their own.
        (arms(["High", "Low"]), arms(["low", "HIGH "]), {ARMS: 1.0, DOSES: None}),
        (arms(["High", "Low"]), arms([]), {ARMS: 0.0}),
        (arms(["High", "Low"]), arms(["Low"]), {ARMS: 2 / 3}),
        (
            arms(["High", "Low"], ["High"], ["Low"]),
            arms(["High", "Low"], ["High"], ["Low"]),
            {ARMS: 1.0, DOSES: 1.0},
        ),
        (
            arms(["High", "Low"], ["High"], ["Low"]),
            arms(["High", "Low"], ["Low"], ["High"]),
            {ARMS: 1.0, DOSES: 0.0},
        ),
        (
            arms(["High", "Low"], ["High"], ["Low"]),
            arms(["High", "Low"], [], []),
            {DOSES: 2 / 3},
        ),
    ],
)
def test_scores_of_later_fields(gold, predicted, scores):
    figures = score(gold, predicted).figures()
    assert {name: figures[name] for name in scores} == pytest.approx(scores)


def make_later_gold():
    """Return gold of all fields: that of guideline 1.4 with the later ones."""
    gold = make_gold()
    criteria = gold["eligibility"]["criteria"]
    criteria[2]["constraints"][0]["condition"] = "in men"
    criteria[3]["time_windows"] = [
        window("<=", 4, "week", "Surgery of the spine", "before entry")
    ]
    gold["eligibility"]["groups"] = [group("g1")]
    criteria[4]["group"] = criteria[5]["group"] = "g1"
    gold["dosing"][0]["arms"] = ["Foscarnet"]
    return gold


def test_the_totals_are_those_of_the_fields_before():
    gold = make_later_gold()
    without = make_gold()

    report = score(gold, without)

    assert {
        report.figure(name)
        for name in ("all", "all.micro", "eligibility", "dosing", "endpoints.micro")
    } == {1.0}
    assert (
        report.figure(W)
        == report.figure(GROUPS)
        == report.figure(ARMS)
        == report.figure(STATED)
        == 0.0
    )
    assert [error.kind.value for error in report.errors] == ["missed"]


def test_gold_without_their_keys_says_nothing_of_them():
    report = score(make_gold(), make_later_gold())
    assert report.errors == ()
    assert {
        report.figure(name) for name in (W, OF, LIMIT, PAIRS, GROUPS, ARMS, DOSES)
    } == {None}


@pytest.mark.parametrize(
    ("place", "key", "judged"),
    [
        (("eligibility",), "groups", {PAIRS, GROUPS}),
        (("eligibility", "criteria", 0), "time_windows", {W}),
        (("dosing", 1), "arms", {ARMS}),
    ],
)
def test_an_empty_list_says_that_there_is_nothing(place, key, judged):
    gold = make_gold()
    target = gold
    for part in place:
        target = target[part]
    target[key] = []
    predicted = make_later_gold()

    figures = score(gold, predicted).figures()

    assert {name for name in (W, PAIRS, GROUPS, ARMS) if figures[name] == 0.0} == judged


def test_items_are_paired_alike_with_and_without_later_fields():
    predicted = make_later_gold()
    twice = copy.deepcopy(predicted["dosing"][0]) | {"arms": ["Other"]}
    predicted["dosing"] = [twice, *predicted["dosing"]]

    assert name_errors(make_later_gold(), predicted) == [
        ("invented", "dosing.regimens")
    ]


def test_errors_of_later_fields_are_on_the_page():
    predicted = make_later_gold()
    predicted["eligibility"]["criteria"][3]["time_windows"][0]["of"] = None
    predicted["eligibility"]["groups"][0]["rule"] = "all"
    report = evaluate([make_later_gold()], [predicted], resamples=0)
    kinds = {error.kind.value: error.examples[0] for error in report.errors}
    missed = kinds["missed"]
    assert missed.gold.value == "Surgery of the spine"
    assert missed.predicted.value is None
    turned = kinds["polarity"]
    assert turned.gold.value == "any of"
    assert turned.predicted.value == "all of"
    page = render_score_page(report)
    assert all(name in page for name in (OF, RULE))


def test_gold_keeps_what_it_says_of_them_and_no_more():
    kept = TrialExtraction.model_validate(make_later_gold()).to_gold()
    criteria = kept["eligibility"]["criteria"]

    assert [("time_windows" in item, item.get("group")) for item in criteria[3:]] == [
        (True, None),
        (False, "g1"),
        (False, "g1"),
    ]
    assert [item.get("arms") for item in kept["dosing"]] == [["Foscarnet"], None]
    assert (
        "groups"
        not in TrialExtraction.model_validate(make_gold()).to_gold()["eligibility"]
    )

"""Conditions, time windows, groups and arms: lines of their own, beside the totals."""

import pytest

from .annotations import criterion, limit, make_gold, regimen, score

C = "eligibility.criteria"
W, OF, ANCHOR = (f"{C}.time_windows{part}" for part in ("", ".of", ".anchor"))
LIMIT = f"{C}.constraints.condition"
PAIRS = f"{C}.group"
GROUPS = "eligibility.groups"
RULE = f"{GROUPS}.rule"
PARENT = f"{GROUPS}.parent"
ARMS = "dosing.arms"
DOSES = "dosing.amounts.arms"


def trial(*criteria, groups=(), dosing=()):
    eligibility = {"groups": list(groups), "criteria": list(criteria)}
    return {"record_id": "A", "eligibility": eligibility, "dosing": list(dosing)}


def windows(*found):
    """Windows as ``<= 3 day|of|anchor``."""
    listed = []
    for one in found:
        time, of, anchor = (*one.split("|"), "", "")[:3]
        comparator, value, unit = time.split()
        window = {
            "quote": "q",
            "comparator": comparator,
            "value": int(value),
            "unit": unit,
        }
        listed.append(window | {"of": of or None, "anchor": anchor or None})
    return trial(criterion("Aspirin before biopsy", time_windows=listed))


def limits(*found):
    """Limits as ``haemoglobin 12|condition``."""
    listed = []
    for one in found:
        text, _, condition = one.partition("|")
        name, value = text.split()
        listed.append(limit(name, ">=", int(value)) | {"condition": condition or None})
    return trial(criterion("Haemoglobin", constraints=listed, time_windows=[]))


def grouped(homes, *groups):
    """Criteria in groups by number, "-" is none; groups are their rule and parent."""
    items = [
        criterion(f"criterion {number} of it", group=None if home == "-" else home)
        for number, home in enumerate(homes)
    ]
    listed = []
    for number, group in enumerate(groups, 1):
        rule, _, parent = group.partition(" in ")
        n = 1 if rule == "at_least" else None
        listed.append(
            {"id": str(number), "rule": rule, "n": n, "parent": parent or None}
        )
    return trial(*items, groups=listed)


def arms(listed, *amounts):
    doses = [
        {"low": number, "high": number, "unit": "mg", "arms": of_dose.split()}
        for number, of_dose in enumerate(amounts, 1)
    ]
    one = regimen("zinc", "zinc daily", 1, "mg")
    return trial(dosing=[one | {"arms": listed.split(), "amounts": doses}])


WEEKS = windows("<= 4 week")
OF_ASPIRIN = windows("<= 3 day|Aspirin|before biopsy", "<= 3 day")
BY_SEX = limits("haemoglobin 12|for men", "haemoglobin 11|for women")
NESTED = grouped("1122", "any", "at_least in 1")
TWO_ARMS = arms("High Low", "High", "Low")


@pytest.mark.parametrize(
    ("gold", "predicted", "scores"),
    [
        # Windows are paired by sense, number and unit; their parts are judged in the pairs.
        (WEEKS, windows("<= 28 day"), {W: 1, OF: 1}),
        (windows("<= 1 year"), windows("<= 12 month"), {W: 1}),
        (WEEKS, windows(">= 4 week"), {W: 0, OF: None}),
        (windows("<= 5 half_life"), windows("<= 5 day"), {W: 0}),
        (
            OF_ASPIRIN,
            windows("<= 3 day", "<= 3 day|any aspirin|of biopsy"),
            {W: 1, OF: 1, ANCHOR: 1},
        ),
        (
            windows("<= 3 day|aspirin|before biopsy"),
            windows("<= 3 day|warfarin"),
            {W: 1, OF: 0, ANCHOR: 0},
        ),
        # Conditions are judged in limits that agree; none is an answer.
        (BY_SEX, limits("haemoglobin 12|men", "haemoglobin 11"), {LIMIT: 0.5}),
        (
            limits("platelets 9", "haemoglobin 12|for men"),
            limits("platelets 9|for men", "haemoglobin 12|for men"),
            {LIMIT: 0.5},
        ),
        (limits("haemoglobin 12|for men"), limits("albumin 12|for men"), {LIMIT: None}),
        # Groups that share most of their criteria are one; in these, rule and parent.
        (
            grouped("22-", "any", "any"),
            grouped("11-", "any"),
            {PAIRS: 1, GROUPS: 2 / 3, RULE: 1, PARENT: 1},
        ),
        (grouped("111", "any"), grouped("11-", "any"), {PAIRS: 0.8, GROUPS: 1}),
        (grouped("11", "any"), grouped("11", "all"), {PAIRS: 1, RULE: 0}),
        (
            grouped("1111", "any"),
            grouped("1122", "any", "any"),
            {PAIRS: 0, GROUPS: 0, RULE: None},
        ),
        (NESTED, NESTED, {GROUPS: 1, PARENT: 1}),
        (
            NESTED,
            grouped("1122", "any", "at_least"),
            {PAIRS: 0.5, GROUPS: 0.5, PARENT: 0},
        ),
        # Arms: labels without letter case, of regimens and of amounts that have their own.
        (arms("High Low"), arms("low HIGH"), {ARMS: 1, DOSES: None}),
        (arms("High Low"), arms("Low"), {ARMS: 2 / 3}),
        (TWO_ARMS, arms("High Low", "Low", "High"), {ARMS: 1, DOSES: 0}),
        (TWO_ARMS, arms("High Low", "", ""), {DOSES: 2 / 3}),
    ],
)
def test_scores_of_parts_and_groups(gold, predicted, scores):
    figures = score(gold, predicted).figures()
    assert {name: figures[name] for name in scores} == pytest.approx(scores)


def test_they_are_no_part_of_the_totals():
    gold = make_gold()
    criteria = gold["eligibility"]["criteria"]
    criteria[2]["constraints"][0]["condition"] = "in men"
    window = {"quote": "q", "comparator": "<=", "value": 4, "unit": "week"}
    criteria[3]["time_windows"] = [window]
    gold["eligibility"]["groups"] = [{"id": "1", "rule": "any"}]
    criteria[4]["group"] = criteria[5]["group"] = "1"
    gold["dosing"][0]["arms"] = ["Foscarnet"]
    lines = (W, GROUPS, ARMS)

    report = score(gold, make_gold())

    assert {report.figure(name) for name in ("all", "all.micro", "dosing")} == {1.0}
    assert [report.figure(name) for name in lines] == [0.0] * 3
    # Gold without their keys answers nothing about them.
    report = score(make_gold(), gold)
    assert report.errors == ()
    assert [report.figure(name) for name in lines] == [None] * 3

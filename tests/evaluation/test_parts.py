"""Conditions, which count, and time windows, groups and arms, which have separate lines next to the
totals.
"""

import itertools

import pytest

from tests.tables import read_cases

from .annotations import criterion, limit, make_gold, regimen, score

BESIDE = ("eligibility.criteria.time_windows", "eligibility.groups", "dosing.arms")


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


MAKERS = {"windows": windows, "limits": limits, "grouped": grouped, "arms": arms}
CASES = read_cases(__file__)


@pytest.mark.parametrize(
    ("maker", "gold", "predicted", "scores"), [*itertools.chain(*CASES.values())]
)
def test_scores_of_parts_and_groups(maker, gold, predicted, scores):
    make = MAKERS[maker]
    figures = score(make(*gold), make(*predicted)).figures()
    assert {name: figures[name] for name in scores} == pytest.approx(scores)


def test_a_lost_condition_is_missed_in_the_scores_and_in_the_list():
    gold = limits("haemoglobin 12|for men")

    report = score(gold, limits("haemoglobin 12"))

    name = "eligibility.criteria.constraints.condition"
    (lost,) = [line for line in report.fields if line.name == name]
    assert (lost.missed, lost.wrong, lost.recall) == (1, 0, 0.0)
    assert [error.kind.value for error in report.errors] == ["missed"]
    assert report.figure("all.micro") < 1


def test_the_others_are_no_part_of_the_totals():
    gold = make_gold()
    criteria = gold["eligibility"]["criteria"]
    window = {"quote": "q", "comparator": "<=", "value": 4, "unit": "week"}
    criteria[3]["time_windows"] = [window]
    gold["eligibility"]["groups"] = [{"id": "1", "rule": "any"}]
    criteria[4]["group"] = criteria[5]["group"] = "1"
    gold["dosing"][0]["arms"] = ["Foscarnet"]

    report = score(gold, make_gold())

    assert {report.figure(name) for name in ("all", "all.micro", "dosing")} == {1.0}
    assert [report.figure(name) for name in BESIDE] == [0.0] * 3
    # Gold without their keys answers nothing about them.
    report = score(make_gold(), gold)
    assert report.errors == ()
    assert [report.figure(name) for name in BESIDE] == [None] * 3

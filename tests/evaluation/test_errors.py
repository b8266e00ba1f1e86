"""Each kind of error, planted in gold, is reported once, with its field."""

from functools import partial
from pathlib import Path

import pytest

from extractor.apps.evaluation import ErrorKind, evaluate
from tests.snapshots import check_json

from .annotations import criterion, limit, make_gold, name_errors

C = "eligibility.criteria"
D = "dosing"
E = "endpoints"


def _put(*path, **changed):
    def plant(extraction):
        for step in path:
            extraction = extraction[step]
        extraction.update(changed)

    return plant


_criterion = partial(_put, "eligibility", "criteria")
_limit = partial(_criterion, 1, "constraints", 0)
_window = partial(_criterion, 3, "time_window")
_amount = partial(_put, "dosing", 0, "amounts", 0)
_endpoint = partial(_put, "endpoints")
_point = partial(_endpoint, 0, "time_points", 0)


def _sail(extraction):
    extraction["eligibility"]["criteria"].append(criterion("Seven seas sailed"))


PLANTED = [
    ("polarity", f"{C}.kind", _criterion(4, kind="inclusion")),
    ("comparator", f"{C}.constraints", _limit(comparator=">")),
    ("number", f"{C}.constraints", _criterion(0, "constraints", 0, value_high=57)),
    ("number", f"{D}.amounts", _amount(low=9, high=9)),
    ("number", f"{D}.frequency", _put("dosing", 0, frequency="QD")),
    ("number", f"{E}.time_points", _point(value=8)),
    ("number", f"{E}.instrument", _endpoint(2, "instrument", version="4.03")),
    ("unit", f"{C}.constraints", _criterion(2, "constraints", 0, unit="umol/L")),
    ("unit", f"{C}.time_window", _window(unit="day")),
    ("wrong_section", f"{C}.section", _criterion(5, section="brief_summary")),
    ("wrong_category", f"{C}.category", _criterion(5, category="comorbidity")),
    ("invented", C, _sail),
    ("invented", f"{C}.constraints", _criterion(5, constraints=[limit("n", ">=", 3)])),
    ("invented", f"{E}.methods", _endpoint(2, methods=["autopsy"])),
    ("missed", C, lambda found: found["eligibility"]["criteria"].pop()),
    ("missed", f"{C}.time_window", _criterion(3, time_window=None)),
    ("missed", f"{E}.end_events", _endpoint(1, end_events=["relapse of retinitis"])),
    ("wording", f"{C}.quote", _criterion(5, quote="allergy to peanuts")),
    ("wording", f"{C}.constraints", _limit(quantity="Serum albumin")),
]


@pytest.mark.parametrize(("kind", "field", "plant"), PLANTED)
def test_a_planted_error_is_named(kind, field, plant):
    predicted = make_gold()
    plant(predicted)
    assert name_errors(make_gold(), predicted) == [(kind, field)]


def test_the_report_of_all_planted_errors_is_this():
    predicted = make_gold()
    for _, _, plant in PLANTED:
        plant(predicted)
    golds = [make_gold(), make_gold("B")]
    report = evaluate(golds, [predicted, make_gold("B")], resamples=20, compare=golds)
    found = report.model_dump(mode="json", exclude={"gold", "predicted"})
    check_json(Path(__file__).with_name("report.json"), found)


def test_each_kind_of_error_is_planted():
    assert {kind for kind, _, _ in PLANTED} == set(ErrorKind)


def test_worst_examples_are_bounded_and_the_most_harmful_first():
    golds = [make_gold(f"R{number}") for number in range(9)]
    empty = [{"record_id": gold["record_id"], "eligibility": {}} for gold in golds]
    (missed,) = evaluate(golds, empty, resamples=0, examples=4).errors
    assert (missed.count > 4, len(missed.examples)) == (True, 4)
    harms = [example.harm for example in missed.examples]
    assert harms == sorted(harms, reverse=True)

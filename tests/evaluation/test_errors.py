"""Each kind of error, planted in gold, is reported once, with its field."""

from functools import partial

import pytest

from extractor.apps.evaluation import ErrorKind, evaluate

from .annotations import (
    criterion,
    endpoint,
    limit,
    make_gold,
    name_errors,
    regimen,
    score,
)

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
_regimen = partial(_put, "dosing")
_endpoint = partial(_put, "endpoints")
_window = partial(_criterion, 3, "time_window")
_amount = partial(_regimen, 0, "amounts", 0)
_point = partial(_endpoint, 0, "time_points", 0)


def _split_criterion(x):
    x["eligibility"]["criteria"][4:5] = [
        criterion("Pregnant women", "exclusion", "reproductive"),
        criterion("nursing mothers", "exclusion", "reproductive"),
    ]


PLANTED = [
    ("polarity", f"{C}.kind", _criterion(4, kind="inclusion")),
    ("comparator", f"{C}.constraints", _criterion(1, "constraints", 0, comparator=">")),
    ("number", f"{C}.constraints", _criterion(0, "constraints", 0, value_high=57)),
    ("number", f"{D}.amounts", _amount(low=9, high=9)),
    ("number", f"{D}.frequency", _regimen(0, frequency="QD")),
    ("number", f"{E}.time_points", _point(value=8)),
    (
        "number",
        f"{E}.instrument",
        _endpoint(2, instrument={"name": "CTCAE", "version": "4.03"}),
    ),
    ("unit", f"{C}.constraints", _criterion(2, "constraints", 0, unit="umol/L")),
    ("unit", f"{C}.time_window", _window(unit="day")),
    ("unit", f"{E}.time_points", _point(unit="week")),
    ("wrong_section", f"{C}.section", _criterion(5, section="brief_summary")),
    ("wrong_section", f"{E}.rank", _endpoint(2, rank="other")),
    ("wrong_category", f"{C}.category", _criterion(5, category="comorbidity")),
    (
        "invented",
        C,
        lambda x: x["eligibility"]["criteria"].append(criterion("Seven seas sailed")),
    ),
    (
        "invented",
        f"{C}.constraints",
        _criterion(5, constraints=[limit("reactions", ">=", 3)]),
    ),
    (
        "invented",
        D,
        lambda x: x["dosing"].append(
            regimen("water", "water by the glass", 1, "glass")
        ),
    ),
    (
        "invented",
        E,
        lambda x: x["endpoints"].append(
            endpoint("other", 0, "Quality of sleep", [(3, "month")])
        ),
    ),
    ("invented", f"{E}.methods", _endpoint(2, methods=["autopsy"])),
    ("missed", C, lambda x: x["eligibility"]["criteria"].pop()),
    ("missed", f"{C}.time_window", _criterion(3, time_window=None)),
    ("missed", f"{E}.end_events", _endpoint(1, end_events=["relapse of retinitis"])),
    ("split", C, _split_criterion),
    ("wording", f"{C}.quote", _criterion(5, quote="allergy to peanuts")),
    (
        "wording",
        f"{C}.constraints",
        _criterion(1, "constraints", 0, quantity="Serum albumin"),
    ),
]


@pytest.mark.parametrize(
    ("kind", "field", "plant"),
    PLANTED,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_planted_error_is_named(kind, field, plant):
    gold = make_gold()
    predicted = make_gold()
    plant(predicted)
    field = {"dosing": "dosing.regimens", "endpoints": "endpoints.outcomes"}.get(
        field, field
    )

    found = name_errors(gold, predicted)

    # A range, and two swapped values, give two errors.
    assert set(found) == {(kind, field)}
    assert len(found) <= 2


def test_every_kind_is_planted():
    assert {kind for kind, _, _ in PLANTED} | {"merged"} == set(ErrorKind)


def _cut_outcome(gold, predicted):
    gold["endpoints"][0]["measure"] = "Viral load in plasma, neutralising antibodies"
    predicted["endpoints"].append(
        {**predicted["endpoints"][0], "index": 1, "measure": "neutralising antibodies"}
    )


@pytest.mark.parametrize(
    ("plant", "error"),
    [
        (lambda gold, _: _split_criterion(gold), ("merged", C)),
        (_cut_outcome, ("split", "endpoints.outcomes")),
    ],
)
def test_several_items_as_one_are_one_error(plant, error):
    gold = make_gold()
    predicted = make_gold()

    plant(gold, predicted)

    assert name_errors(gold, predicted) == [error]


def test_another_quantity_is_reported_but_not_scored():
    predicted = make_gold()
    _criterion(1, "constraints", 0, quantity="Serum albumin")(predicted)

    report = score(make_gold(), predicted)

    assert report.figure("all") == 1.0
    assert sum(error.count for error in report.errors) == 1


def test_worst_examples_are_bounded_and_the_most_harmful_first():
    golds = [make_gold(f"R{number}") for number in range(9)]
    empty = [{"record_id": gold["record_id"], "eligibility": {}} for gold in golds]

    (missed,) = evaluate(golds, empty, resamples=0, examples=4).errors
    (all_missed,) = evaluate(golds, empty, resamples=0, examples=1000).errors

    assert missed.count > 4
    assert len(missed.examples) == 4
    harms = [example.harm for example in missed.examples]
    assert harms == sorted(harms, reverse=True)
    assert all_missed.examples[:4] == missed.examples

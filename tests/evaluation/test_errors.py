"""Each kind of error, planted in gold, is reported once, with its field."""

from pathlib import Path

import pytest

from extractor.apps.evaluation import ErrorKind, evaluate
from tests.snapshots import check_json
from tests.tables import read_cases

from .annotations import make_gold, name_errors

PLANTED = read_cases(__file__)["planted"]


def plant(extraction, path, value):
    """Set a value; in a list, remove a member for None, or add one behind the last."""
    *steps, last = path
    for step in steps:
        extraction = extraction[step]
    if isinstance(extraction, list):
        extraction[last : last + 1] = [] if value is None else [value]
    else:
        extraction[last] = value


@pytest.mark.parametrize(("kind", "field", "path", "value"), PLANTED)
def test_a_planted_error_is_named(kind, field, path, value):
    predicted = make_gold()
    plant(predicted, path, value)
    assert name_errors(make_gold(), predicted) == [(kind, field)]


def test_the_report_of_all_planted_errors_is_this():
    assert {kind for kind, *_ in PLANTED} == set(ErrorKind)
    predicted = make_gold()
    for *_, path, value in PLANTED:
        plant(predicted, path, value)
    golds = [make_gold(), make_gold("B")]
    report = evaluate(golds, [predicted, make_gold("B")], resamples=20, compare=golds)
    found = report.model_dump(mode="json", exclude={"gold", "predicted"})
    check_json(Path(__file__).with_name("report.json"), found)


def test_worst_examples_are_bounded_and_the_most_harmful_first():
    golds = [make_gold(f"R{number}") for number in range(9)]
    empty = [{"record_id": gold["record_id"], "eligibility": {}} for gold in golds]
    (missed,) = evaluate(golds, empty, resamples=0, examples=4).errors
    assert (missed.count > 4, len(missed.examples)) == (True, 4)
    harms = [example.harm for example in missed.examples]
    assert harms == sorted(harms, reverse=True)

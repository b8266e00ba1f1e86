"""The rules stay as right, and their confidences as true, as the gold showed when its figures were
committed.

The five seeds are always measured. The other gold holds no text; its records are data beside the
checkout. The curves of the package know this gold; ``python -m benchmarks.reliability`` tells
whether they hold on unseen trials.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from benchmarks.gold import GROUPS, name_group, read_gold
from benchmarks.gold.figures import measure_figures, read_figures
from benchmarks.reliability import judge_gold, measure_reliability
from extractor import Extractor, evaluate
from extractor.concepts.parse import parse_record
from extractor.formats import read_records

SHARED = Path(__file__).parents[2] / "shared"
SOURCES = ("gold/records", "data/records")
TRUE = 0.01
ENOUGH = 200


@pytest.fixture(scope="module")
def records():
    """The records of the gold."""
    if not all((SHARED / source).exists() for source in SOURCES):
        pytest.skip("needs the shared records")
    gold = read_gold()
    found = read_records(
        *(SHARED / source for source in SOURCES), on_error=lambda _: None
    )
    return [record for record in found if record.record_id in gold]


@pytest.fixture(scope="module")
def parse_once():
    """Parse each record of the gold once for all tests."""
    parsed = {}

    def parse(record, fields=()):
        if record.record_id not in parsed:
            parsed[record.record_id] = parse_record(record, fields)
        return parsed[record.record_id]

    return parse


def test_the_rules_alone_read_the_seeds_as_in_the_gold():
    rules = Extractor()
    report = evaluate(
        "seeds/gold",
        [rules.extract(record) for record in read_records("seeds/records")],
        resamples=0,
    )
    stated = {
        field.name: field.normalised.f1 for field in report.fields if field.stated
    }
    assert len(stated) > 20
    assert {name: figure for name, figure in stated.items() if figure != 1.0} == {
        "endpoints.end_events": pytest.approx(0.9583, abs=0.0001)
    }


def test_no_field_is_below_its_committed_interval(records, parse_once, monkeypatch):
    monkeypatch.setattr("extractor.pipeline.parse_record", parse_once)
    now = measure_figures(records, resamples=20)
    committed = read_figures()
    assert {group: now[group]["records"] for group in GROUPS} == {
        g: committed[g]["records"] for g in GROUPS
    }
    fallen = {
        (
            group,
            name,
        ): f"{now[group]['figures'][name]['f1']} is below {figure['interval'][0]}"
        for group in GROUPS
        for name, figure in committed[group]["figures"].items()
        if now[group]["figures"][name]["f1"] < figure["interval"][0]
    }
    assert not fallen


def test_certain_values_are_as_often_right_as_they_claim(records, parse_once):
    """All values of a group of areas; no field claims more than the end of its interval."""
    values = defaultdict(list)
    for one in judge_gold(read_gold(), records, parse_once):
        for field in (one.field, ""):  # the field of all values is empty
            values[name_group(one.area), field].append((one.confidence, one.right))
    measured = {name: measure_reliability(found) for name, found in values.items()}
    for group in GROUPS:
        found = measured[group, ""]
        low, high = found.certain_interval or (0.0, 1.0)
        assert low - TRUE <= found.certain_claimed <= high + TRUE
        assert found.certain > ENOUGH
    false = {
        name: f"claims {found.certain_claimed:.3f}, right {found.certain_right} of {found.certain}"
        for name, found in measured.items()
        if found.certain >= ENOUGH
        and found.certain_interval
        and found.certain_interval[1] < found.certain_claimed
    }
    assert not false

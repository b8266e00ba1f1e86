"""The rules stay as right, and their confidences as true, as the gold showed when its figures were
committed.

The five seeds are always measured. The other gold holds no text; its records are data beside the
checkout. The table of the package knows folds 0 to 2 of this gold; ``python -m benchmarks.confidence`` tells
whether it holds on what is left out.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from benchmarks.gold import GROUPS, name_group, read_gold
from benchmarks.gold.figures import measure_figures, read_figures
from benchmarks.matching import judge_gold, wilson
from extractor import Extractor, evaluate
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import CERTAIN
from extractor.formats import read_records

pytestmark = pytest.mark.slow

SHARED = Path(__file__).parents[2] / "shared"
SOURCES = ("gold/records", "data/records")
TRUE = 0.01
ENOUGH = 200


@pytest.fixture(scope="module")
def records():
    """The records of the gold."""
    folders = [SHARED / source for source in SOURCES]
    if not all(folder.exists() for folder in folders):
        pytest.skip("needs the shared records")
    gold = read_gold()
    shared_records = read_records(*folders, on_error=lambda _: None)
    return [record for record in shared_records if record.record_id in gold]


@pytest.fixture(scope="module")
def parse_once():
    """Parse each record of the gold once for all tests."""
    parsed = {}

    def parse(record, fields=(), structure=()):
        if record.record_id not in parsed:
            parsed[record.record_id] = parse_record(record, fields, structure)
        return parsed[record.record_id]

    return parse


def test_the_rules_alone_read_the_seeds_as_in_the_gold():
    rules = Extractor()
    extractions = [rules.extract(record) for record in read_records("seeds/records")]

    report = evaluate("seeds/gold", extractions, resamples=0)

    figures = {field.name: field.normalised for field in report.fields if field.stated}
    assert len(figures) > 20
    assert figures.pop("endpoints.end_events") == pytest.approx(0.9583, abs=0.0001)
    assert set(figures.values()) == {1.0}


def test_no_field_is_below_its_committed_interval(records, parse_once, monkeypatch):
    monkeypatch.setattr("extractor.pipeline.parse_record", parse_once)
    committed = read_figures()

    measured = measure_figures(records, resamples=20)

    fallen = []
    for group in GROUPS:
        assert measured[group]["records"] == committed[group]["records"]
        for name, figure in committed[group]["figures"].items():
            f1 = measured[group]["figures"][name]["f1"]
            lowest = figure["interval"][0]
            if f1 < lowest:
                fallen.append(f"{group}, {name}: {f1} is below {lowest}")
    assert not fallen


def test_certain_values_are_as_often_right_as_they_claim(records, parse_once):
    """All values of a group of areas; no field claims more than the end of its interval."""
    values = defaultdict(list)
    for judged in judge_gold(read_gold(), records, parse_once):
        group = name_group(judged.area)
        for field in (judged.field, ""):  # the field of all values is empty
            values[group, field].append((judged.confidence, judged.right))

    measured = {name: measure_certain(found) for name, found in values.items()}

    for group in GROUPS:
        claimed, right, count = measured[group, ""]
        low, high = wilson(right, count)
        assert low - TRUE <= claimed <= high + TRUE
        assert count > ENOUGH
    false = []
    for name, (claimed, right, count) in measured.items():
        if count >= ENOUGH and wilson(right, count)[1] < claimed:
            false.append(f"{name}: claims {claimed:.3f}, right {right} of {count}")
    assert not false


def measure_certain(values):
    """The mean confidence of certain values, how many of them are right, and how many there are."""
    certain = [one for one in values if one[0] >= CERTAIN]
    claimed = sum(confidence for confidence, _ in certain) / max(1, len(certain))
    return claimed, sum(right for _, right in certain), len(certain)

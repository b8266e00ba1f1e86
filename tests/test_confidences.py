"""Confidences are true: what is claimed of certain values is what the gold shows, in both groups of areas.

The curves of the package know this gold; whether they hold on trials that they have not seen,
``python -m benchmarks.reliability`` tells. The records are data beside the checkout.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from benchmarks.gold import read_gold
from benchmarks.gold.figures import GROUPS, name_group
from benchmarks.reliability import Reliability, judge_gold, measure_reliability
from extractor.parse import parse_record
from extractor.read import read_records

SHARED = Path(__file__).parents[2] / "shared"
SOURCES = ("gold/records", "data/records")
TRUE, ENOUGH = 0.01, 200


@pytest.fixture(scope="module")
def measured() -> dict[tuple[str, str], Reliability]:
    """By group of areas and field; the field of all values is empty."""
    if not all((SHARED / source).exists() for source in SOURCES):
        pytest.skip("needs the shared records")
    records = read_records(*(SHARED / source for source in SOURCES), on_error=lambda _: None)
    values = defaultdict(list)
    for one in judge_gold(read_gold(), records, parse_record):
        for field in (one.field, ""):
            values[name_group(one.area), field].append((one.confidence, one.right))
    return {name: measure_reliability(found) for name, found in values.items()}


@pytest.mark.parametrize("group", GROUPS)
def test_certain_values_are_as_often_right_as_they_claim(
    group: str, measured: dict[tuple[str, str], Reliability]
) -> None:
    found = measured[group, ""]
    low, high = found.certain_interval or (0.0, 1.0)
    assert low - TRUE <= found.certain_claimed <= high + TRUE
    assert found.certain > ENOUGH


def test_no_field_claims_more_than_its_interval(measured: dict[tuple[str, str], Reliability]) -> None:
    false = {
        name: f"claims {found.certain_claimed:.3f}, right {found.certain_right} of {found.certain}"
        for name, found in measured.items()
        if found.certain >= ENOUGH and found.certain_interval and found.certain_interval[1] < found.certain_claimed
    }
    assert not false

"""High-confidence values of the rules in lines that were judged."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.certain.__main__ import judge
from benchmarks.data import read_lines

LINES = Path(__file__).parents[2] / "benchmarks/certain/lines.jsonl"


@pytest.mark.slow
def test_few_certain_values_of_judged_lines_are_wrong():
    found = {"natural": Counter(), "misleading": Counter()}
    for line, _, verdict in judge(read_lines(LINES)[::5], 0.85):
        found[line["set"].split()[0]][verdict] += 1

    assert found["natural"]["right"] >= 140
    assert found["natural"]["wrong"] == 0
    assert found["misleading"]["wrong"] <= 6

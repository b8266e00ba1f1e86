"""What rules do is counted over records."""

from benchmarks.rules import measure_rules
from extractor import read_records


def test_hits_are_counted_by_rule_and_record():
    tally = measure_rules(read_records("tests/records/studies.jsonl"))
    assert tally.hits["comparison"] >= tally.records["comparison"] >= 1
    assert set(tally.records) == set(tally.hits)
    assert not tally.values  # no synthetic record is in the gold

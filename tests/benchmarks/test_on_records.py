"""Benchmarks that read records by the rules: findings are counted and sampled, gold is read with its records."""

import json
from pathlib import Path

from benchmarks.audit import audit_record, draw_sample, format_counts, format_finding
from benchmarks.data import read_once, read_pairs
from benchmarks.gold.standoff import to_standoff
from extractor import read_records
from extractor.stages.parse import parse_record

SEEDS = Path(__file__).parents[2] / "seeds" / "records"


def test_findings_are_counted_by_kind_sampled_and_shown_with_both_sides():
    audited = [audit_record(record) for record in read_once(SEEDS)]
    rows = [line.split() for line in format_counts(audited).splitlines()]
    assert rows[1:3] == [["endpoint_not_registered", "warning", "4", "1"], ["time_points_differ", "warning", "1", "1"]]
    assert rows[3][:4] == ["2", "of", "5", "records;"]
    found = [(one.record, finding) for one in audited for finding in one.findings]
    (differs,) = [text for pair in found if "time_points_differ" in (text := format_finding(*pair))]
    assert "[[ORR(CR+CRi) on days 45, 90, 120]]" in differs
    assert "[[day 30, day 45, day 90]]" in differs
    # Every kind before any kind twice.
    kinds = {finding.kind.value for _, finding in draw_sample(found, 2, seed=1)}
    assert kinds == {"endpoint_not_registered", "time_points_differ"}
    assert len(draw_sample(found, 99, seed=4)) == 5


def test_gold_without_text_gets_its_words_from_the_records(tmp_path):
    record, gold = next(read_records(SEEDS)), tmp_path / "gold.jsonl"
    outcome = {"rank": "primary", "index": 0, "measure": parse_record(record).outcomes[0].rules["measure"].value}
    label = {"record_id": record.record_id, "eligibility": {}, "dosing": [], "endpoints": [outcome]}
    gold.write_text(json.dumps(to_standoff(label, record)) + "\n", "utf-8")
    ((_, found),) = read_pairs(gold, [SEEDS, SEEDS])  # a repeated trial counts once
    assert found.endpoints[0].measure == outcome["measure"]

"""Benchmarks that read records by the rules: audit, quantities, rules; and the estimate for the registry."""

import json
from argparse import Namespace
from pathlib import Path

from benchmarks.audit import audit_record, draw_sample, format_counts, format_finding
from benchmarks.data import read_once, read_pairs
from benchmarks.gold.standoff import to_standoff
from benchmarks.registry import PerRecord, estimate_model, estimate_rules
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


def test_the_estimate_for_the_whole_registry():
    mean = PerRecord(seconds=0.01, calls=0.5, prompt=850, output=100, usd=0.001, batch=0.5)
    chosen = Namespace(records=36_000, driver=500.0, model="m", flight=10, latency=2.0, reads=85.0, writes=20.0)
    rules = list(estimate_rules(mean, chosen))
    assert [row[2] for row in rules] == ["6 min", "1 min", "0 min"]
    assert "2 drivers" in rules[1][1]
    single, batched, one, many = estimate_model(mean, chosen)
    assert (single[2], single[3], batched[3], one[2], many[2]) == ("60 min", "36", "18", "6 days", "90 min")

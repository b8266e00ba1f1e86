"""Gold of the benchmarks is read with its records."""

import json
from pathlib import Path

from benchmarks.data import read_pairs
from benchmarks.gold.standoff import to_standoff
from extractor import read_records
from extractor.stages.parse import parse_record

SEEDS = Path(__file__).parents[2] / "seeds" / "records"


def test_gold_without_text_gets_its_words_from_the_records(tmp_path):
    record, gold = next(read_records(SEEDS)), tmp_path / "gold.jsonl"
    outcome = {"rank": "primary", "index": 0, "measure": parse_record(record).outcomes[0].rules["measure"].value}
    label = {"record_id": record.record_id, "eligibility": {}, "dosing": [], "endpoints": [outcome]}
    gold.write_text(json.dumps(to_standoff(label, record)) + "\n", "utf-8")
    ((_, found),) = read_pairs(gold, [SEEDS, SEEDS])  # a repeated trial counts once
    assert found.endpoints[0].measure == outcome["measure"]

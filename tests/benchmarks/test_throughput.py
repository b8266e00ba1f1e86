from benchmarks.throughput.driving import Load, drive
from benchmarks.throughput.records import write_open_records
from benchmarks.throughput.server import serve_slowly


def test_every_record_costs_one_call_and_no_more_are_answered_than_can_be(tmp_path):
    records = tmp_path / "records.jsonl"
    write_open_records(records, 12)
    load = Load(records, count=12, concurrency=4, latency=0.1)
    with serve_slowly(load.latency) as server:
        driven = drive("extractor", load, server, tmp_path)
    assert driven.calls == 12
    assert 0 < driven.share <= 1.01
    assert driven.memory > 20

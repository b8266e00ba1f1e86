"""Benchmarks that start the program: throughput, workers, forecasts, models of this machine."""

import gzip
import json
from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks.local import Served, format_row, render_calls
from benchmarks.quote import compare, describe_class, measure_keys, read_exchanges
from benchmarks.records import write_open_records
from benchmarks.servers import serve_slowly
from benchmarks.speed import measure_stages
from benchmarks.throughput import drive
from benchmarks.workers import measure_pairs


def test_every_record_costs_one_call_and_no_more_are_answered_than_can_be(tmp_path):
    write_open_records(tmp_path / "records.jsonl", 12)
    with serve_slowly(0.1) as server:
        calls, seconds, taken, _ = drive("extractor", tmp_path, server, 4, 12)
    assert calls == 12
    assert 0 < calls / seconds <= 1.01 * 4 / 0.1
    assert taken.peak > 20 * 2**20


def test_pairs_of_runs_are_timed_and_compared(tmp_path, capsys):
    text = " ".join(Path("tests/records/study.json").read_text("utf-8").split())
    lines = [text.replace("NCT90000001", f"NCT9000010{number}") for number in range(9)]
    source = tmp_path / "in.jsonl.gz"
    source.write_bytes(gzip.compress("\n".join(lines).encode()))
    (ratio,) = measure_pairs([source], Namespace(records=9, pairs=1, workers=2), tmp_path)
    assert ratio > 0
    assert "records/s; ratio" in capsys.readouterr().out
    assert (tmp_path / "1" / "extractions.jsonl").read_bytes().count(b"\n") == 9


def write_exchange(folder, name, lines, items):
    """A recording as ``--record`` makes them."""
    messages = [{"role": "system", "content": "Read."}, {"role": "user", "content": "\n".join(lines)}]
    kept = {
        "model": "capable",
        "prompt": {"name": "questions"},
        "request": {"messages": messages},
        "reply": {"message": {"content": json.dumps({"items": items})}, "finish_reason": "stop"},
        "usage": {"prompt_tokens": 30, "completion_tokens": 20},
    }
    (folder / f"{name}.json").write_text(json.dumps(kept), "utf-8")


def test_sizes_are_those_of_what_was_asked(tmp_path):
    for number in range(6):
        items = [{"n": 1, "cat": "age", "ok": True}, {"n": 2, "cat": "performance"}]
        write_exchange(tmp_path, number, ["[1|cat ok] Adults", "[2|cat] ECOG 0-2"], items)
        regimens = [{"n": 4, "agent": "cisplatin", "route": "IV"}, {"n": 4, "agent": "etoposide"}]
        write_exchange(tmp_path, f"r{number}", ["[4|regimens] Cisplatin IV and etoposide"], regimens)
    sizes = measure_keys(read_exchanges(tmp_path))
    assert sizes["cat"] == [len('"cat":"age",'), len('"cat":"performance",')] * 6
    assert set(sizes["ok"]) == {len('"ok":true,')}
    assert min(sizes["regimens"]) > 40
    lines = list(describe_class(list(read_exchanges(tmp_path)), sizes))
    assert lines[:3] == ["calls = 12", "asked_again = 0", "narrow = 0"]


@pytest.mark.parametrize("recorded", ["seeds/answers", "tests/small_answers"])
def test_what_was_recorded_took_what_the_forecast_says(recorded):
    exchanges = list(read_exchanges(Path(recorded)))
    for name, forecast, actual in compare(exchanges, exchanges[0].model):
        assert forecast.low <= actual <= forecast.high, name


def test_variants_are_asked_what_auto_asks_and_compared_by_medians():
    calls = render_calls([Path("seeds/records")], 3)
    assert len(calls) == 3
    assert all(call.system and call.user for call in calls)
    rounds = [(Served(9, 1, 5, 2.0, 1.0, 7), Served(9, 0, 5, seconds, 1.1, 8)) for seconds in (2.0, 3.0, 20.0)]
    assert format_row("batch 128", rounds).split() == ["batch", "128", "1.50", "x", "1.10", "x", "9", "0", "5", "8"]


def test_every_stage_of_a_file_is_measured(tmp_path):
    path = tmp_path / "one.jsonl.gz"
    path.write_bytes(
        gzip.compress(json.dumps(json.loads(Path("tests/records/study.json").read_text("utf-8"))).encode())
    )
    names = [name for name, *figures in measure_stages(path) if all(figures)]
    assert names == ["read", "parse", "assemble", "write", "read + parse", "all", "extractor run, with its start"]

"""Benchmarks of runs: throughput, workers, stages, forecasts."""

import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.forecast import compare, read_answered
from benchmarks.records import write_distinct_records, write_open_records
from benchmarks.servers import serve_slowly
from benchmarks.speed import measure_stages
from benchmarks.throughput import drive
from extractor.apps.cli.app import app


@pytest.fixture
def in_process(monkeypatch, forked_workers):
    """Runs commands in this process, which has already loaded the package."""

    def run(command):
        done = CliRunner().invoke(app, command[3:], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return 1.0

    monkeypatch.setattr("benchmarks.speed.cpu_seconds", run)
    monkeypatch.setattr("benchmarks.throughput.watch", run)


@pytest.fixture
def source(tmp_path):
    """A compressed file of nine records."""
    write_distinct_records(tmp_path / "records.jsonl", 9)
    path = tmp_path / "in.jsonl.gz"
    path.write_bytes(gzip.compress((tmp_path / "records.jsonl").read_bytes()))
    return path


@pytest.mark.slow
def test_every_record_costs_one_call_and_no_more_are_answered_than_can_be(
    in_process, tmp_path
):
    write_open_records(tmp_path / "records.jsonl", 12)

    with serve_slowly(0.1) as server:
        calls, seconds, *_ = drive(tmp_path, server, 4, 12)

    assert calls == 12
    assert 0 < calls / seconds <= 1.01 * 4 / 0.1


def test_every_stage_of_a_file_is_measured(in_process, source):
    names = [name for name, *figures in measure_stages(source, 2) if all(figures)]
    stages = ["read", "parse", "assemble", "audit", "write"]
    assert names == [*stages, "read + parse", "all", "extractor run, with its start"]


@pytest.mark.parametrize("recorded", ["seeds/answers", "tests/small_answers"])
def test_recorded_calls_are_within_their_forecast(recorded):
    calls = read_answered(Path(recorded))
    for name, forecast, actual in compare(calls, calls[0].model):
        assert forecast.low <= actual <= forecast.high, name

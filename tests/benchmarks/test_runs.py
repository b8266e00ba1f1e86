"""The benchmarks of speed and of forecasts."""

import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.forecast import compare, read_answered
from benchmarks.records import write_distinct_records
from benchmarks.speed import measure_stages
from extractor.apps.cli.app import app


def test_every_stage_of_a_file_is_measured(tmp_path, monkeypatch, forked_workers):
    def run(command):
        done = CliRunner().invoke(app, command[3:], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return 1.0

    # in this process, which has already loaded the package
    monkeypatch.setattr("benchmarks.speed.cpu_seconds", run)
    write_distinct_records(tmp_path / "records.jsonl", 9)
    source = tmp_path / "in.jsonl.gz"
    source.write_bytes(gzip.compress((tmp_path / "records.jsonl").read_bytes()))

    measured = measure_stages(source, 2)

    names = [name for name, *figures in measured if all(figures)]
    stages = ["read", "parse", "assemble", "audit", "write"]
    assert names == [*stages, "read + parse", "all", "extractor run, with its start"]


@pytest.mark.parametrize("recorded", ["seeds/answers", "tests/small_answers"])
def test_recorded_calls_are_within_their_forecast(recorded):
    calls = read_answered(Path(recorded))
    for name, forecast, actual in compare(calls, calls[0].model):
        assert forecast.low <= actual <= forecast.high, name

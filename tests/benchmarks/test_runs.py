"""The benchmarks of speed and of forecasts."""

import gzip
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.forecast import format_sizes, read_answered
from benchmarks.speed import measure_rates
from extractor.apps.cli.app import app
from extractor.model.asking.reply_models import Reply
from extractor.model.calls import schema_of
from extractor.model.cost.tokens import (
    RequestSize,
    forecast_calls,
    load_rates,
    measure_texts,
)
from extractor.model.spec import SERVER, ModelSpec
from tests.stand_ins import write_distinct_records


def test_reading_and_the_whole_command_are_measured(
    tmp_path, monkeypatch, forked_workers
):
    def run(command):
        done = CliRunner().invoke(app, command[3:], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return 1.0

    # in this process, which has already loaded the package
    monkeypatch.setattr("benchmarks.speed.cpu_seconds", run)
    write_distinct_records(tmp_path / "records.jsonl", 9)
    source = tmp_path / "in.jsonl.gz"
    source.write_bytes(gzip.compress((tmp_path / "records.jsonl").read_bytes()))

    rates = measure_rates(source, 2)

    assert list(rates) == ["read and parse", "extractor run"]
    assert all(rates.values())


@pytest.mark.parametrize("recorded", ["seeds/answers", "tests/small_answers"])
def test_recorded_calls_are_within_their_forecast(recorded):
    calls = read_answered(Path(recorded))
    schema = len(schema_of(Reply))
    total = RequestSize()
    for call in calls:
        total += measure_texts(call.system, call.user, schema, call.limit)
    model = calls[0].model
    own = ModelSpec(SERVER, model, "http://recorded.invalid/v1")
    rates = load_rates(None if model == "capable" else own)

    low, _, high = (forecast_calls(total, one) for one in rates)

    assert low.calls <= sum(call.exchanges for call in calls) <= high.calls
    assert low.prompt <= sum(call.prompt_tokens for call in calls) <= high.prompt
    assert low.output <= sum(call.output_tokens for call in calls) <= high.output
    sizes = format_sizes({"hosted": calls, "own": calls})
    assert tomllib.loads(sizes)["key"]["item"]["mean"] > 0

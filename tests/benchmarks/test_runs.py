"""The benchmarks of speed and of forecasts."""

import tomllib
from pathlib import Path

import pytest

from benchmarks.forecast import format_sizes, read_answered
from extractor.model.asking.reply_models import Reply
from extractor.model.calls import schema_of
from extractor.model.cost.tokens import (
    RequestSize,
    forecast_calls,
    load_rates,
    measure_texts,
)
from extractor.model.spec import SERVER, ModelSpec


@pytest.mark.parametrize("recorded", ["seeds/answers", "tests/hostile/answers"])
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

"""The forecast of a run: calls and tokens of all records, what a cache saves, and thinking."""

from dataclasses import replace

import pytest

from extractor.model.calls import MOST_CALLS
from extractor.model.cost.budget import Pricing
from extractor.model.cost.prices import read_prices
from extractor.model.cost.tokens import RequestSize
from extractor.model.spec import ModelSpec
from extractor.run.forecast import forecast_run

CACHED = "of them cached"
USD = "dollars"
LONG = RequestSize(1, 9000, 2000, 200.0, 300, system=8000)
"""A call whose system prompt of 8,000 characters has about 2,000 tokens."""
TOTAL = RequestSize(10, 20_000, 6000, 300.0, 3000, questions=120)


def pricing(model="gpt-4.1-mini", **more):
    return replace(Pricing.of(ModelSpec.parse(model), read_prices()), **more)


def test_the_static_beginning_is_cached_after_the_first_calls():
    """The most dollars are those without a cache."""
    total = sum([LONG] * 99, LONG)
    forecasts = [forecast_run(total, pricing(), at_once) for at_once in (1, 8, 1000)]
    one, eight, many = (forecast.figures for forecast in forecasts)
    assert 2000 * 99 < one[CACHED].expected < 3000 * 99
    assert one[CACHED].expected > eight[CACHED].expected > many[CACHED].expected == 0
    assert one[USD].expected < 0.6 * many[USD].expected
    assert one[USD].high == many[USD].high
    assert one["calls"].high == 100 * MOST_CALLS
    price = forecasts[0].price.price
    saved = one[CACHED].expected / 1e6 * float(price.prompt - price.cached)
    dearer = many[USD].expected - one[USD].expected
    assert dearer == pytest.approx(saved, abs=1e-4)


@pytest.mark.parametrize(("system", "in_batches"), [(3000, False), (8000, True)])
def test_a_short_prompt_and_a_batch_have_no_cache(system, in_batches):
    size = replace(LONG, system=system, schema=0)
    total = sum([size] * 99, size)
    figures = forecast_run(total, pricing(in_batches=in_batches), 1).figures
    assert figures[CACHED].high == 0


@pytest.mark.parametrize("in_batches", [False, True])
def test_what_is_written_into_a_cache_costs_its_price(in_batches):
    """The first eight calls write their static beginning, in batches all do."""
    total = sum([LONG] * 99, LONG)
    marked = pricing("anthropic/claude-sonnet-4-5", in_batches=in_batches)
    figures = forecast_run(total, marked, 8).figures
    static = forecast_run(total, pricing(), 1).figures[CACHED].expected
    cached = figures[CACHED].expected
    uncached = figures["prompt tokens"].expected - static
    share = 0.5 if in_batches else 1
    prompt = uncached * 3 + cached * 0.3 + (static - cached) * 3.75
    dollars = (prompt + figures["output tokens"].expected * 15) * share / 1e6
    assert figures[USD].expected == pytest.approx(dollars, rel=0.02)


@pytest.mark.parametrize(
    ("model", "reasoning", "each", "most"),
    [
        ("gpt-5-mini", None, 500, 4000),
        ("gpt-5-mini", "none", 125, 1000),
        ("gpt-5-mini", "high", 3750, 30_000),
        ("gpt-4.1-mini", None, 0, 0),
        ("anthropic/claude-sonnet-4-5", None, 0, 0),
        ("google/gemini-2.5-pro", None, 250, 2000),
    ],
)
def test_thinking_is_expected_by_the_effort_of_reasoning(model, reasoning, each, most):
    thinking, plain = (
        forecast_run(TOTAL, priced, 8).figures["output tokens"]
        for priced in (pricing(model, reasoning=reasoning), pricing())
    )
    assert thinking.expected - plain.expected == pytest.approx(10 * each, rel=0.2)
    assert (thinking.high > plain.high) == bool(most)

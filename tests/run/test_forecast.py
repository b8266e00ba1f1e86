"""The forecast of a run: calls and tokens of all records, what a cache saves, and thinking."""

import asyncio
import random
from dataclasses import replace

import pytest

from extractor.errors import EngineError, RecordError
from extractor.model.asking.planner import Estimate
from extractor.model.calls import MOST_CALLS
from extractor.model.cost.budget import Pricing
from extractor.model.cost.prices import Price, read_prices
from extractor.model.cost.tokens import RequestSize
from extractor.model.spec import ModelSpec
from extractor.options import ExtractionOptions
from extractor.run.executor import Executor
from extractor.run.forecast import forecast_run, measure_records
from extractor.schemas import Section, Source, TrialRecord

CACHED = "of them cached"
USD = "dollars"
UNTHINKING = Price(prompt=1, output=1, thinking=(0, 0, 0))
LONG = RequestSize(1, 9000, 2000, 200.0, 300, system=8000)
"""A call whose system prompt of 8,000 characters has about 2,000 tokens."""


def records(on_error, count=10):
    """Records of very different sizes, and one that cannot be read."""
    on_error(RecordError("in.jsonl", "broken", "mend it"))
    lots = random.Random(0)
    for number in range(count):
        text = "x" * int(lots.lognormvariate(7, 1.2))
        section = Section(name="eligibility", text=text)
        source = Source(path="in.jsonl", format="flat")
        yield TrialRecord(record_id=f"r{number}", source=source, sections=(section,))


def estimate(record, _):
    """One question per hundred characters, in one call."""
    length = len(record.sections[0].text)
    size = RequestSize(1, 800 + length, 600, length / 40, 300)
    return Estimate(length // 100 + 1, size)


@pytest.fixture
def measure(monkeypatch):
    def measure(estimate=estimate, **more):
        monkeypatch.setattr("extractor.run.forecast.estimate_record", estimate)
        options = ExtractionOptions()
        return asyncio.run(measure_records(records, options, Executor(), **more))

    return measure


def pricing(model="gpt-4.1-mini", **more):
    return replace(Pricing.of(ModelSpec.parse(model), read_prices()), **more)


def test_the_most_calls_are_those_that_all_records_can_cause(measure):
    failed, done = [], []
    counting = {"on_error": failed.append, "on_estimate": lambda: done.append(1)}
    calls = forecast_run(measure(**counting), pricing(), 8).figures["calls"]
    assert calls.high == 10 * MOST_CALLS
    assert (len(failed), len(done)) == (1, 10)

    def fail(record, _):
        raise EngineError("no process")

    with pytest.raises(EngineError):
        measure(fail)


def test_the_static_beginning_is_cached_after_the_first_calls():
    """The most dollars are those without a cache."""
    total = Estimate(100, sum([LONG] * 99, LONG))
    forecasts = [forecast_run(total, pricing(), at_once) for at_once in (1, 8, 1000)]
    one, eight, many = (forecast.figures for forecast in forecasts)
    assert 2000 * 99 < one[CACHED].expected < 3000 * 99
    assert one[CACHED].expected > eight[CACHED].expected > many[CACHED].expected == 0
    assert one[USD].expected < 0.6 * many[USD].expected
    assert one[USD].high == many[USD].high
    price = forecasts[0].price.price
    saved = one[CACHED].expected / 1e6 * float(price.prompt - price.cached)
    dearer = many[USD].expected - one[USD].expected
    assert dearer == pytest.approx(saved, abs=1e-4)


@pytest.mark.parametrize(("system", "in_batches"), [(3000, False), (8000, True)])
def test_a_short_prompt_and_a_batch_have_no_cache(system, in_batches):
    size = replace(LONG, system=system, schema=0)
    total = Estimate(100, sum([size] * 99, size))
    figures = forecast_run(total, pricing(in_batches=in_batches), 1).figures
    assert figures[CACHED].high == 0


@pytest.mark.parametrize("in_batches", [False, True])
def test_what_is_written_into_a_cache_costs_its_price(in_batches):
    """The first eight calls write their static beginning, in batches all do."""
    total = Estimate(100, sum([LONG] * 99, LONG))
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
        ("anthropic/claude-sonnet-4-5", "low", 250, 2000),
        ("google/gemini-2.5-pro", None, 250, 2000),
    ],
)
def test_thinking_is_expected_by_the_effort_of_reasoning(
    measure, model, reasoning, each, most
):
    chosen = pricing(model, reasoning=reasoning)
    without = replace(chosen, listed=replace(chosen.listed, price=UNTHINKING))
    thinking, plain = (
        forecast_run(measure(), priced, 8).figures["output tokens"]
        for priced in (chosen, without)
    )
    assert thinking.expected - plain.expected == pytest.approx(10 * each, rel=0.2)
    assert (thinking.high > plain.high) == bool(most)


def test_an_unknown_price_is_reported(measure):
    forecast = forecast_run(measure(), pricing("no-such-model"), 8)
    assert USD not in forecast.figures
    assert "--prices" in forecast.notes[0]

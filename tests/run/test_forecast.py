import asyncio
import random
from dataclasses import replace
from unittest.mock import patch

import pytest

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
UNCACHED = "dollars without a cache"
UNTHINKING = Price(prompt=1, output=1, thinking=(0, 0, 0))


def records(count, seed=0):
    """Records of very different sizes."""
    lots = random.Random(seed)
    for number in range(count):
        section = Section(
            name="eligibility", text="x" * int(lots.lognormvariate(7, 1.2))
        )
        yield TrialRecord(
            record_id=f"r{number}",
            source=Source(path="in.jsonl", format="flat"),
            sections=(section,),
        )


def estimate(record):
    """One question per hundred characters, rounded up."""
    length = len(record.sections[0].text)
    return Estimate(
        length // 100 + 1, RequestSize(1, 800 + length, 600, length / 40, 300)
    )


def measured(records):
    with patch(
        "extractor.run.forecast.estimate_record", lambda record, _: estimate(record)
    ):
        return asyncio.run(
            measure_records(lambda on_error: records, ExtractionOptions(), Executor())
        )


def pricing(model="gpt-4.1-mini"):
    return Pricing.of(ModelSpec.parse(model), read_prices(), in_batches=False)


def test_the_most_calls_are_those_that_all_records_can_cause():
    """Each record has one call."""
    assert (
        forecast_run(measured(records(10)), pricing(), 8).figures["calls"].high
        == 10 * MOST_CALLS
    )


def test_the_static_beginning_is_cached_after_the_first_calls():
    """A record has one call, whose system prompt of 8,000 characters has about 2,000 tokens."""
    size = RequestSize(1, 9000, 2000, 200.0, 300, system=8000)
    with patch("extractor.run.forecast.estimate_record", lambda *_: Estimate(1, size)):
        all_records = asyncio.run(
            measure_records(
                lambda on_error: records(100), ExtractionOptions(), Executor()
            )
        )
    one, eight, many = (
        forecast_run(all_records, pricing(), at_once) for at_once in (1, 8, 1000)
    )
    assert 2000 * 99 < one.figures[CACHED].expected < 3000 * 99
    assert (
        one.figures[CACHED].expected
        > eight.figures[CACHED].expected
        > many.figures[CACHED].expected
        == 0
    )
    assert one.figures[USD].expected < 0.6 * one.figures[UNCACHED].expected
    assert many.figures[USD] == many.figures[UNCACHED] == one.figures[UNCACHED]
    for low, expected, high in (
        forecast.figures[USD] for forecast in (one, eight, many)
    ):
        assert low < expected < high
    cached = one.figures[CACHED].expected / 1e6
    saved = cached * float(one.price.price.prompt - one.price.price.cached)
    assert one.figures[UNCACHED].expected - one.figures[USD].expected == pytest.approx(
        saved, abs=1e-4
    )


@pytest.mark.parametrize(
    ("system", "in_batches"),
    [(3000, False), (8000, True)],
    ids=["too short for a cache", "in a provider's batches"],
)
def test_without_a_cache_both_costs_are_the_same(system, in_batches):
    with patch(
        "extractor.run.forecast.estimate_record",
        lambda *_: Estimate(1, RequestSize(1, 9000, 0, 9, 9, system)),
    ):
        all_records = asyncio.run(
            measure_records(
                lambda on_error: records(100), ExtractionOptions(), Executor()
            )
        )

    forecast = forecast_run(all_records, replace(pricing(), in_batches=in_batches), 1)

    assert forecast.figures[CACHED].high == 0
    assert forecast.figures[USD] == forecast.figures[UNCACHED]


@pytest.mark.parametrize(
    "in_batches", [False, True], ids=["live", "in a provider's batches"]
)
def test_what_is_written_into_a_cache_costs_its_price(in_batches):
    """The first eight calls write their static beginning, in batches all do."""
    size = RequestSize(1, 9000, 2000, 200.0, 300, system=8000)
    with patch("extractor.run.forecast.estimate_record", lambda *_: Estimate(1, size)):
        all_records = asyncio.run(
            measure_records(
                lambda on_error: records(100), ExtractionOptions(), Executor()
            )
        )
    marked = replace(pricing("anthropic/claude-sonnet-4-5"), in_batches=in_batches)

    forecast = forecast_run(all_records, marked, 8)

    static = forecast_run(all_records, pricing(), 1).figures[CACHED].expected
    more = (0 if in_batches else forecast.figures[CACHED].expected) * (0.3 - 3)
    more += (
        (static - forecast.figures[CACHED].expected)
        * (3.75 - 3)
        * (0.5 if in_batches else 1)
    )
    assert forecast.figures[USD].expected - forecast.figures[
        UNCACHED
    ].expected == pytest.approx(more / 1e6, rel=0.02)


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
def test_thinking_is_expected_by_the_effort_of_reasoning(model, reasoning, each, most):
    chosen = Pricing.of(ModelSpec.parse(model), read_prices(), reasoning=reasoning)
    thinking = forecast_run(measured(records(10)), chosen, 8).figures["output tokens"]

    without = replace(chosen, listed=replace(chosen.listed, price=UNTHINKING))

    plain = forecast_run(measured(records(10)), without, 8).figures["output tokens"]
    assert thinking.expected - plain.expected == pytest.approx(10 * each, rel=0.2)
    assert (thinking.high > plain.high) == bool(most)


def test_an_unknown_price_is_reported():
    forecast = forecast_run(measured(records(3)), pricing("no-such-model"), 8)
    assert USD not in forecast.figures
    assert "--prices" in forecast.notes[0]

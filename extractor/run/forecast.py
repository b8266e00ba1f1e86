"""The forecast of ``extractor run --dry-run``: low, expected and high figures of calls, tokens, money and time."""

import asyncio
import random
import statistics
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from math import sqrt
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from extractor.ask.planner import Estimate, estimate_record
from extractor.cost.budget import Pricing
from extractor.cost.prices import PICO, Price
from extractor.cost.tokens import Cases, Rates, RequestSize, Tokens, forecast_calls
from extractor.errors import EngineError, ExtractorError
from extractor.llm.patience import MOST_CALLS
from extractor.options import ExtractionOptions
from extractor.schemas import TrialRecord, Usage

from .executor import Executor

_SEED = 0
_CACHED_FROM = 1024
"""Providers cache the beginning of prompts with at least this many tokens."""


class _Pace(NamedTuple):
    """How fast a run is in one case.

    ``computing`` is the processor time of a record, as a multiple of its parsing time. ``wait`` are the seconds until a
    call's first token, ``writes`` its tokens per second after that. ``batches`` are the seconds that a run in batches
    waits: each ends within a day, and a run needs one to three.
    """

    computing: float
    wait: float
    writes: float
    batches: float


_PACES = Cases(_Pace(1.0, 0.3, 200, 300), _Pace(1.2, 1, 70, 3 * 3600), _Pace(1.8, 4, 20, 3 * 24 * 3600))


class Sampled(BaseModel):
    """The size of the sample that the figures are estimated from."""

    records: int
    seed: int = _SEED
    confidence: float = 0.99


class Forecast(BaseModel):
    """The forecast of a run.

    ``calls.high`` is a bound: a run gets no more answers than that. The other figures are estimates.
    ``cached_tokens`` are the prompt tokens that a provider's cache should serve. ``usd`` is the cost with them at their
    price, ``usd_uncached`` the cost without a cache; both are None if no price is known. ``calibrated_on_calls`` is the
    number of the run's own calls behind the token rates, 0 for the default rates.
    """

    model_config = ConfigDict(frozen=True)

    records: int
    sampled: Sampled | None
    questions: Cases[int]
    calls: Cases[int]
    prompt_tokens: Cases[int]
    cached_tokens: Cases[int]
    output_tokens: Cases[int]
    usd: Cases[float] | None
    usd_uncached: Cases[float] | None
    seconds: Cases[float]
    price: dict[str, Any] | None
    calibrated_on_calls: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """What ``records`` ask in ``total``, from ``sampled`` of them, with the standard ``error`` as a share of it."""

    records: int
    sampled: int
    total: Estimate
    error: float


async def measure_records(
    records: Iterable[TrialRecord],
    options: ExtractionOptions,
    executor: Executor,
    sample: int | None = None,
    *,
    on_error: Callable[[ExtractorError], None] = lambda _: None,
    on_estimate: Callable[[], None] = lambda: None,
) -> Measured:
    """Estimate the questions about all records, or about a random ``sample`` of that many.

    ``on_error`` gets the error of each record that cannot be estimated; ``on_estimate`` is called for all others.
    """

    async def estimate(chosen: Iterator[TrialRecord]) -> AsyncIterator[tuple[int, Estimate]]:
        while chunk := tuple(islice(chosen, max(1, executor.capacity))):
            steps = (executor.compute(estimate_record, record, options) for record in chunk)
            for record, found in zip(chunk, await asyncio.gather(*steps, return_exceptions=True), strict=True):
                if isinstance(found, Estimate):
                    on_estimate()
                    yield _count_characters(record), found
                elif isinstance(found, ExtractorError) and not isinstance(found, EngineError):
                    on_error(found)
                else:
                    raise found

    if sample is None:
        estimates = [one async for _, one in estimate(iter(records))]
        return Measured(len(estimates), len(estimates), sum(estimates, Estimate()), 0.0)
    count, mean, drawn = draw_sample(records, sample)
    pairs = [pair async for pair in estimate(iter(drawn))]
    sizes, estimates = [size for size, _ in pairs], [one for _, one in pairs]
    if not 2 < len(pairs) < count:
        return Measured(count, len(pairs), sum(estimates, Estimate()).times(count / max(1, len(pairs))), 0.0)
    names = [field.name for field in fields(RequestSize)]
    values = {name: [getattr(one.size, name) for one in estimates] for name in names}
    values["questions"] = [one.questions for one in estimates]
    scaled = {name: _scale(sizes, each, count, mean) for name, each in values.items()}
    seconds, _ = _scale(sizes, [one.seconds for one in estimates], count, mean)
    totals = {name: round(total) for name, (total, _) in scaled.items()}
    total = Estimate(totals.pop("questions"), RequestSize(**totals), seconds)
    return Measured(count, len(pairs), total, max(error for _, error in scaled.values()))


def draw_sample(records: Iterable[TrialRecord], wanted: int) -> tuple[int, float, list[TrialRecord]]:
    """The number of the records, their mean of characters, and ``wanted`` of them at random, which alone are kept."""
    lots = random.Random(_SEED)  # noqa: S311 - not a secret
    drawn, number, characters = list[TrialRecord](), 0, 0
    for number, record in enumerate(records, 1):
        characters += _count_characters(record)
        if len(drawn) < wanted:
            drawn.append(record)
        elif (place := lots.randrange(number)) < wanted:
            drawn[place] = record
    return number, characters / max(1, number), drawn


def _count_characters(record: TrialRecord) -> int:
    return sum(len(section.text) for section in record.sections)


def _scale(sizes: Sequence[int], values: Sequence[float], count: int, mean: float) -> tuple[float, float]:
    """The sum of values over ``count`` records of this ``mean`` size, and its standard error as a share.

    A line through the drawn ones says how the value grows with the size of a record. What it leaves open is the error.
    """
    slope = statistics.linear_regression(sizes, values).slope if len(set(sizes)) > 1 else 0.0
    start = statistics.mean(values) - slope * statistics.mean(sizes)
    total = max(0.0, count * (start + slope * mean))
    spread = statistics.pstdev(value - slope * size for size, value in zip(sizes, values, strict=True))
    error = count * spread * sqrt((1 - len(sizes) / count) / (len(sizes) - 2))
    return total, error / total if total else 0.0


def forecast_run(
    measured: Measured, rates: Cases[Rates], pricing: Pricing, concurrency: int, latency: float | None = None
) -> Forecast:
    """The forecast for measured records, with ``concurrency`` calls at once of ``latency`` seconds each."""
    likely = forecast_calls(measured.total.size, rates.expected)
    length = likely.output / max(1.0, likely.calls)
    cases = [
        _forecast_case(
            measured, case, pace, pricing, concurrency, pace.wait + length / pace.writes if latency is None else latency
        )
        for case, pace in zip(rates, _PACES, strict=True)
    ]
    digits = {"usd": 4, "usd_uncached": 4, "seconds": 1}
    figures: dict[str, Any] = {
        name: None if cases[0][name] is None else Cases(*(round(case[name], digits.get(name)) for case in cases))
        for name in cases[0]
    }
    # The questions of a call may take so many answers, and so may the recheck of a record.
    packs = _case_of(measured, rates.high).size.calls
    figures["calls"] = replace(figures["calls"], high=MOST_CALLS * (packs + min(measured.records, packs)))
    return Forecast(
        records=measured.records,
        sampled=None if measured.sampled == measured.records else Sampled(records=measured.sampled),
        price=_describe_price(pricing),
        calibrated_on_calls=rates.expected.calibrated_on,
        notes=tuple(_notes(pricing, rates)),
        **figures,
    )


def _case_of(measured: Measured, rates: Rates) -> Estimate:
    """What the records ask in this case, which a sample leaves open."""
    return measured.total.times(max(0.0, 1 + rates.deviations * measured.error)) if measured.error else measured.total


def _forecast_case(
    measured: Measured, rates: Rates, pace: _Pace, pricing: Pricing, concurrency: int, latency: float
) -> dict[str, Any]:
    """The figures of one case, by the names of ``Forecast``."""
    total, price = _case_of(measured, rates), pricing.price
    tokens = forecast_calls(total.size, rates)
    cached = forecast_cached(tokens, pricing, concurrency)
    written = forecast_written(tokens, cached, pricing)
    seconds = total.seconds * pace.computing
    if pricing.in_batches and tokens.calls:
        seconds += pace.batches
    elif tokens.calls:
        parts = (seconds, tokens.calls * latency / concurrency)  # waiting and computing overlap at best
        seconds = sum(parts) if rates.deviations > 0 else max(parts)
    return {
        "questions": total.questions,
        "calls": tokens.calls,
        "prompt_tokens": tokens.prompt,
        "cached_tokens": cached,
        "output_tokens": tokens.output,
        "usd": forecast_price(tokens, cached, written, price) if price else None,
        "usd_uncached": forecast_price(tokens, 0, 0, price) if price else None,
        "seconds": seconds,
    }


def forecast_cached(tokens: Tokens, pricing: Pricing, concurrency: int) -> float:
    """The static tokens of all calls but the first ones, which are sent before the cache has them.

    Providers do not promise a cache in batches.
    """
    if pricing.in_batches or not _is_cacheable(tokens):
        return 0.0
    return tokens.static * max(0.0, 1 - concurrency / max(1.0, tokens.calls))


def forecast_written(tokens: Tokens, cached: float, pricing: Pricing) -> float:
    """The static tokens that are written into a cache: those not read from it, if a request names its prefix."""
    if pricing.spec is None or pricing.spec.family.cache == "auto" or not _is_cacheable(tokens):
        return 0.0
    return tokens.static - cached


def _is_cacheable(tokens: Tokens) -> bool:
    """Whether the beginning of the prompts is long enough for a cache."""
    return tokens.static >= _CACHED_FROM * max(1.0, tokens.calls)


def forecast_price(tokens: Tokens, cached: float, written: float, price: Price) -> float:
    """The cost in US dollars, with prompt tokens that are read from a cache and written into it."""
    usage = {"prompt_tokens": tokens.prompt, "cached_tokens": cached}
    usage |= {"written_tokens": written, "output_tokens": tokens.output}
    return price.cost(Usage(**{name: round(count) for name, count in usage.items()})) / PICO


def _describe_price(pricing: Pricing) -> dict[str, Any] | None:
    listed, price = pricing.listed, pricing.price
    if listed is None or price is None:
        return None
    stated = {name: getattr(price, name) for name in ("prompt", "cached", "written", "output")}
    dollars = {name: None if each is None else float(each) for name, each in stated.items()}
    return {"model": listed.name, **dollars, "as_of": listed.as_of, "source": listed.source}


def _notes(pricing: Pricing, rates: Cases[Rates]) -> Iterable[str]:
    """Assumptions behind the figures."""
    if pricing.spec is None:
        yield "no model is named: tokens are those of a hosted one; --model NAME shows the cost"
    elif pricing.listed is None:
        yield f"the price of {pricing.spec} is unknown; write it into a file and name that with --prices FILE"
    if most := rates.high.thinking:
        yield (
            f"the thinking of this model is assumed: {rates.expected.thinking:,} tokens per call, at most"
            f" {most:,}; after a run of a few records (--limit 100 --out DIR), --dry-run with the same"
            " --out uses the measured tokens"
        )

"""The forecast of ``extractor run --dry-run``: low, expected and high figures of calls, tokens, money and time."""

import asyncio
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, fields
from itertools import islice
from math import sqrt
from typing import Any

from pydantic import BaseModel, ConfigDict

from extractor.ask.planner import Estimate, estimate_record
from extractor.cost.budget import Pricing
from extractor.cost.estimates import Forecast, Rates, TokenForecast, forecast_run
from extractor.cost.prices import PICO, Price
from extractor.errors import EngineError, ExtractorError
from extractor.llm.patience import MOST_CALLS
from extractor.options import ExtractionOptions
from extractor.schemas import TrialRecord, Usage

from .executor import Executor

_SEED = 0
_SMALLEST_DRAW = 5
"""Minimum of records drawn from each size class, because the spread cannot be estimated from fewer."""
_STANDARD_ERRORS = 2.6
"""Standard errors of a 99 % interval."""
_CACHED_FROM = 1024
"""Providers cache the beginning of prompts with at least this many tokens."""
_ASSEMBLING = Forecast(low=1.0, expected=1.2, high=1.8)
"""Total processor time of a record, as a multiple of its parsing time."""
_BATCH_SECONDS = Forecast(low=300, expected=3 * 3600, high=3 * 24 * 3600)
"""A provider's batch ends within a day; a run needs one to three batches."""


class Sampled(BaseModel):
    """The size of the sample that the figures are estimated from."""

    records: int
    seed: int = _SEED
    confidence: float = 0.99


class Quote(BaseModel):
    """The forecast of a run.

    ``calls.high`` is a bound: a run gets no more answers than that. The other figures are estimates.
    ``cached_tokens`` are the prompt tokens that a provider's cache should serve. ``usd`` is the cost with them at their
    price, ``usd_uncached`` the cost without a cache; both are None if no price is known. ``calibrated_on_calls`` is the
    number of the run's own calls behind the token rates, 0 for the default rates.
    """

    model_config = ConfigDict(frozen=True)

    records: int
    sampled: Sampled | None
    questions: Forecast
    calls: Forecast
    prompt_tokens: Forecast
    cached_tokens: Forecast
    output_tokens: Forecast
    usd: Forecast | None
    usd_uncached: Forecast | None
    seconds: Forecast
    price: dict[str, Any] | None
    calibrated_on_calls: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """What ``records`` ask in ``total``, from ``sampled`` of them; ``margin`` is the share by which it may differ."""

    records: int
    sampled: int
    total: Estimate
    margin: float


async def measure_records(
    records: Iterable[TrialRecord],
    options: ExtractionOptions,
    executor: Executor,
    sample: int | None = None,
    *,
    on_error: Callable[[ExtractorError], None] = lambda _: None,
    on_estimate: Callable[[], None] = lambda: None,
) -> Measured:
    """Estimate the questions about all records, or about a ``sample`` of that many, stratified by size.

    ``on_error`` gets the error of each record that cannot be estimated; ``on_estimate`` is called for all others.
    """

    async def estimate(chosen: Iterable[TrialRecord]) -> AsyncIterator[Estimate]:
        left = iter(chosen)
        while chunk := tuple(islice(left, max(1, executor.capacity))):
            steps = (executor.compute(estimate_record, record, options) for record in chunk)
            for found in await asyncio.gather(*steps, return_exceptions=True):
                if isinstance(found, Estimate):
                    on_estimate()
                    yield found
                elif isinstance(found, ExtractorError) and not isinstance(found, EngineError):
                    on_error(found)
                else:
                    raise found

    strata = [(None, records)] if sample is None else draw_sample(records, sample)
    count, sampled, total, variance = 0, 0, Estimate(), 0.0
    for members, drawn in strata:
        part, characters = Estimate(), list[int]()
        async for one in estimate(drawn):
            part += one
            characters.append(one.size.messages)
        if not (read := len(characters)):
            continue
        number = members or read
        count, sampled, total = count + number, sampled + read, total + part.times(number / read)
        if 1 < read < number:
            variance += number**2 * (1 - read / number) * statistics.variance(characters) / read
    return Measured(count, sampled, total, _STANDARD_ERRORS * sqrt(variance) / max(1, total.size.messages))


def draw_sample(
    records: Iterable[TrialRecord], wanted: int, seed: int = _SEED
) -> list[tuple[int, tuple[TrialRecord, ...]]]:
    """Draw about ``wanted`` records, stratified by size: for each class, its number of records and the drawn ones.

    Classes are powers of two of a record's characters. The share of a class in the sample is proportional to its total
    characters, because large records vary most. Draws all records if there are no more than ``wanted``. Memory grows
    with the sample, not with the records.
    """
    rng = random.Random(seed)  # noqa: S311 - not a secret
    members: Counter[int] = Counter()
    drawn: dict[int, list[TrialRecord]] = defaultdict(list)
    for record in records:
        size = sum(len(section.text) for section in record.sections).bit_length()
        members[size] += 1
        if len(drawn[size]) < wanted:
            drawn[size].append(record)
        elif (place := rng.randrange(members[size])) < wanted:
            drawn[size][place] = record
    if members.total() > wanted:
        characters = sum(number * 2.0**size for size, number in members.items())
        for size, number in members.items():
            share = max(round(wanted * number * 2.0**size / characters), _SMALLEST_DRAW)
            drawn[size] = rng.sample(drawn[size], min(len(drawn[size]), share))
    return [(members[size], tuple(drawn[size])) for size in sorted(members)]


def quote_run(
    measured: Measured, rates: Rates, pricing: Pricing, concurrency: int, latency: float | None = None
) -> Quote:
    """The quote for measured records, with ``concurrency`` calls at once of ``latency`` seconds each."""
    cases = [measured.total.times(max(0.0, 1 + share)) for share in (-measured.margin, 0.0, measured.margin)]
    low, expected, high = (forecast_run(case.size, rates) for case in cases)
    tokens = TokenForecast(
        *(
            Forecast(
                low=getattr(low, one.name).low,
                expected=getattr(expected, one.name).expected,
                high=getattr(high, one.name).high,
            )
            for one in fields(TokenForecast)
        )
    )
    questions, work = (
        Forecast(**{name: getattr(case, part) for name, case in zip(Forecast.model_fields, cases, strict=True)})
        for part in ("questions", "seconds")
    )
    cached, price = forecast_cached(tokens, pricing, concurrency), pricing.price
    exact, nothing = measured.sampled == measured.records, Forecast.exactly(0)
    return Quote(
        records=measured.records,
        sampled=None if exact else Sampled(records=measured.sampled),
        questions=questions.rounded(),
        calls=tokens.calls.rounded().model_copy(update={"high": _most_calls(measured.records, cases[-1].size.calls)}),
        prompt_tokens=tokens.prompt_tokens.rounded(),
        cached_tokens=cached.rounded(),
        output_tokens=tokens.output_tokens.rounded(),
        usd=forecast_price(tokens, cached, forecast_written(tokens, cached, pricing), price) if price else None,
        usd_uncached=forecast_price(tokens, nothing, nothing, price) if price else None,
        seconds=_forecast_seconds(tokens, work * _ASSEMBLING, pricing, concurrency, latency).rounded(1),
        price=_describe_price(pricing),
        calibrated_on_calls=rates.calls,
        notes=tuple(_notes(pricing, rates)),
    )


def _most_calls(records: int, packs: int) -> int:
    """The bound of answered calls: each pack of questions, and the recheck of each record, may take ``MOST_CALLS``."""
    return MOST_CALLS * (packs + min(records, packs))


def forecast_cached(tokens: TokenForecast, pricing: Pricing, concurrency: int) -> Forecast:
    """The static tokens of all calls but the first ones, which are sent before the cache has them.

    Providers do not promise a cache in batches.
    """
    if pricing.in_batches or not _is_cacheable(tokens):
        return Forecast.exactly(0)
    later = {name: max(0.0, 1 - concurrency / max(1.0, calls)) for name, calls in tokens.calls}
    return tokens.static_tokens * Forecast(**later)


def forecast_written(tokens: TokenForecast, cached: Forecast, pricing: Pricing) -> Forecast:
    """The static tokens that are written into a cache: those not read from it, if a request names its prefix."""
    if pricing.spec is None or pricing.spec.family.cache == "auto" or not _is_cacheable(tokens):
        return Forecast.exactly(0)
    static = tokens.static_tokens
    return Forecast(**{bound: max(0, getattr(static, bound) - read) for bound, read in cached})


def _is_cacheable(tokens: TokenForecast) -> bool:
    """Whether the beginning of the prompts is long enough for a cache."""
    return tokens.static_tokens.expected >= _CACHED_FROM * max(1.0, tokens.calls.expected)


def forecast_price(tokens: TokenForecast, cached: Forecast, written: Forecast, price: Price) -> Forecast:
    """The cost in US dollars, with prompt tokens that are read from a cache and written into it."""
    parts = {
        "prompt_tokens": tokens.prompt_tokens,
        "cached_tokens": cached,
        "written_tokens": written,
        "output_tokens": tokens.output_tokens,
    }
    costs = {
        bound: price.cost(Usage(**{name: round(getattr(part, bound)) for name, part in parts.items()})) / PICO
        for bound in Forecast.model_fields
    }
    return Forecast(**costs).rounded(4)


def _forecast_seconds(
    tokens: TokenForecast, work: Forecast, pricing: Pricing, concurrency: int, latency: float | None
) -> Forecast:
    """The duration in seconds. Waiting and computing overlap at best, and add up at worst."""
    if not tokens.calls.high:
        return work
    if pricing.in_batches:
        return work + _BATCH_SECONDS
    each = Forecast.exactly(latency) if latency is not None else _assume_latency(tokens)
    waiting = tokens.calls * each * Forecast.exactly(1 / concurrency)
    expected = max(work.expected, waiting.expected)
    return Forecast(low=max(work.low, waiting.low), expected=expected, high=work.high + waiting.high)


def _assume_latency(tokens: TokenForecast) -> Forecast:
    """Seconds of a call: the wait for the first token, and the time of writing."""
    output = tokens.output_tokens.expected / max(1.0, tokens.calls.expected)
    seconds = (0.3 + output / 200, 1 + output / 70, 4 + output / 20)
    return Forecast(**dict(zip(("low", "expected", "high"), seconds, strict=True)))


def _describe_price(pricing: Pricing) -> dict[str, Any] | None:
    listed, price = pricing.listed, pricing.price
    if listed is None or price is None:
        return None
    stated = {name: getattr(price, name) for name in ("prompt", "cached", "written", "output")}
    dollars = {name: None if each is None else float(each) for name, each in stated.items()}
    return {"model": listed.name, **dollars, "as_of": listed.as_of, "source": listed.source}


def _notes(pricing: Pricing, rates: Rates) -> Iterable[str]:
    """Assumptions behind the figures."""
    if pricing.spec is None:
        yield "no model is named: tokens are those of a hosted one; --model NAME shows the cost"
    elif pricing.listed is None:
        yield f"the price of {pricing.spec} is unknown; write it into a file and name that with --prices FILE"
    if rates.thinking.high:
        yield (
            f"the thinking of this model is assumed: {rates.thinking.expected:,} tokens per call, at most"
            f" {rates.thinking.high:,}; after a run of a few records (--limit 100 --out DIR), --dry-run with the same"
            " --out uses the measured tokens"
        )

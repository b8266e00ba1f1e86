"""What a run will take: calls, tokens, money and time, at least, probably and at most."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass
from datetime import date
from time import process_time

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from extractor.errors import ExtractorError
from extractor.llm.plan.estimate import estimate_record
from extractor.llm.plan.forecast import Forecast, Rates, TokenForecast, forecast_run
from extractor.llm.plan.request_sizes import RequestSize
from extractor.llm.spec import ModelKind
from extractor.options import ExtractionOptions
from extractor.schemas import TrialRecord, Usage

from .budget import Pricing
from .executor import Executor
from .prices import PICO, Price

__all__ = ["Measured", "Quote", "Speed", "draw_sample", "measure_records", "quote_run"]

_SEED = 0
_LEAST = 5
"""Records to draw from each class of size: from fewer its spread cannot be estimated."""

_CERTAINTY = 2.6
"""Standard errors, for a confidence of 99 %."""
_CACHED_FROM = 1024
"""Tokens from which on providers keep the beginning of a prompt."""
_ASSEMBLING = Forecast(low=1.0, expected=1.2, high=1.8)
"""Work on a record beside reading and parsing it, as a multiple of these."""
_BATCH_SECONDS = Forecast(low=300, expected=3 * 3600, high=3 * 24 * 3600)
"""A provider's batch ends within a day; a run needs one, two or three."""

_QUANTITIES = 7


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Sampled(_Frozen):
    """How many records the figures are drawn from."""

    records: int
    seed: int = _SEED
    confidence: float = 0.99


class QuotedPrice(_Frozen):
    """The price that was taken, and where it is from."""

    model: str
    prompt: float
    cached: float | None
    output: float
    as_of: date | None
    source: str


class Quote(_Frozen):
    """What a run would take. ``usd`` is None where no price is known; ``calibrated_on_calls`` is how many calls of the
    run itself tell how many tokens a request takes, 0 where that was measured on others.
    """

    records: int
    sampled: Sampled | None
    questions: Forecast
    calls: Forecast
    prompt_tokens: Forecast
    output_tokens: Forecast
    usd: Forecast | None
    seconds: Forecast
    price: QuotedPrice | None
    calibrated_on_calls: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a run goes: calls at once, and seconds that one takes, assumed if None."""

    concurrency: int
    latency: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """How many records there are, how many of them were looked at, and the ``sums`` over all of a quantity each:
    questions, the sizes of requests, seconds of processor time. ``errors`` are the standard errors of the sums.
    """

    records: int
    sampled: int
    sums: NDArray[np.float64]
    errors: NDArray[np.float64]

    def shifted(self, errors: float) -> tuple[float, RequestSize, float]:
        """Questions, sizes and seconds, so many standard errors away from what is probable."""
        questions, calls, messages, schema, answer, most, seconds = self.sums + errors * self.errors
        size = RequestSize(
            max(0, round(calls)), max(0, round(messages)), max(0, round(schema)), max(0.0, answer), max(0, round(most))
        )
        return max(0.0, questions), size, max(0.0, seconds)


async def measure_records(
    records: Iterable[TrialRecord],
    options: ExtractionOptions,
    executor: Executor,
    sample: int | None = None,
    *,
    on_error: Callable[[ExtractorError], None] = lambda _: None,
    on_estimate: Callable[[], None] = lambda: None,
) -> Measured:
    """Estimate the questions about all records, or about ``sample`` of them, drawn by size.

    ``on_error`` gets the error of a record that cannot be estimated and is left out, ``on_estimate`` is called for each
    other one.
    """

    async def estimate(chosen: Iterable[TrialRecord]) -> list[tuple[float, ...]]:
        rows = []
        async for found in executor.map(estimate_record, chosen, options, on_error=on_error):
            rows.append((found.questions, *astuple(found.size), found.seconds))
            on_estimate()
        return rows

    reading = _Reading(records)
    if sample is None:
        rows = await estimate(reading)
        strata = [(len(rows), rows)]
    else:
        strata = [(members, await estimate(drawn)) for members, drawn in draw_sample(reading, sample)]
    sums, variances, count, looked_at = np.zeros(_QUANTITIES), np.zeros(_QUANTITIES), 0, 0
    for members, rows in strata:
        if not rows:
            continue
        table, drawn = np.array(rows, dtype=np.float64), len(rows)
        count, looked_at = count + members, looked_at + drawn
        sums += members * table.mean(axis=0)
        if drawn > 1:
            variances += members**2 * (1 - drawn / members) * table.var(axis=0, ddof=1) / drawn
    sums[-1] += reading.seconds
    return Measured(count, looked_at, sums, np.sqrt(variances))


def draw_sample(
    records: Iterable[TrialRecord], wanted: int, seed: int = _SEED
) -> list[tuple[int, tuple[TrialRecord, ...]]]:
    """About ``wanted`` records, drawn from each class of size, with the number of records in the class.

    Classes are powers of two of a record's characters. Each gets its part of the sample by what its records hold
    together, since large records differ most. All records are taken if there are no more than ``wanted``. Memory grows
    with the sample, not with the records.
    """
    lots = random.Random(seed)  # noqa: S311 - a sample, no secret
    members: Counter[int] = Counter()
    kept: dict[int, list[TrialRecord]] = defaultdict(list)
    for record in records:
        size = sum(len(section.text) for section in record.sections).bit_length()
        members[size] += 1
        if len(kept[size]) < wanted:
            kept[size].append(record)
        elif (place := lots.randrange(members[size])) < wanted:
            kept[size][place] = record
    if members.total() > wanted:
        weights = {size: number * 2.0**size for size, number in members.items()}
        for size in members:
            share = round(wanted * weights[size] / sum(weights.values()))
            kept[size] = lots.sample(kept[size], min(len(kept[size]), max(share, _LEAST)))
    return [(members[size], tuple(kept[size])) for size in sorted(members)]


class _Reading:
    """The records, and the seconds of processor time that reading them took."""

    def __init__(self, records: Iterable[TrialRecord]) -> None:
        self._records = iter(records)
        self.seconds = 0.0

    def __iter__(self) -> Iterator[TrialRecord]:
        return self

    def __next__(self) -> TrialRecord:
        since = process_time()
        try:
            return next(self._records)
        finally:
            self.seconds += process_time() - since


def quote_run(measured: Measured, rates: Rates, pricing: Pricing, speed: Speed) -> Quote:
    """The quote for what was measured."""
    shifted = [measured.shifted(errors) for errors in (-_CERTAINTY, 0.0, _CERTAINTY)]
    low, expected, high = (forecast_run(size, rates) for _, size, _ in shifted)
    tokens = TokenForecast(
        _span(low.calls, expected.calls, high.calls),
        _span(low.prompt_tokens, expected.prompt_tokens, high.prompt_tokens),
        _span(low.output_tokens, expected.output_tokens, high.output_tokens),
    )
    asked = Forecast(low=shifted[0][0], expected=shifted[1][0], high=shifted[2][0])
    work = Forecast(low=shifted[0][2], expected=shifted[1][2], high=shifted[2][2]) * _ASSEMBLING
    exact = measured.sampled == measured.records
    return Quote(
        records=measured.records,
        sampled=None if exact else Sampled(records=measured.sampled),
        questions=asked.rounded(),
        calls=tokens.calls.rounded(),
        prompt_tokens=tokens.prompt_tokens.rounded(),
        output_tokens=tokens.output_tokens.rounded(),
        usd=_price(tokens, pricing.price).rounded(4) if pricing.price else None,
        seconds=_forecast_seconds(tokens, work, pricing, speed).rounded(1),
        price=_describe_price(pricing),
        calibrated_on_calls=rates.calls,
        notes=tuple(_notes(pricing, rates)),
    )


def _span(low: Forecast, expected: Forecast, high: Forecast) -> Forecast:
    return Forecast(low=low.low, expected=expected.expected, high=high.high)


def _price(tokens: TokenForecast, price: Price) -> Forecast:
    """At least: with half of long prompts from the provider's cache."""
    prompt, output = tokens.prompt_tokens, tokens.output_tokens
    long = prompt.expected >= _CACHED_FROM * max(1.0, tokens.calls.expected)
    usages = (
        Usage(prompt_tokens=int(prompt.low), cached_tokens=int(prompt.low / 2) * long, output_tokens=int(output.low)),
        Usage(prompt_tokens=round(prompt.expected), output_tokens=round(output.expected)),
        Usage(prompt_tokens=round(prompt.high), output_tokens=round(output.high)),
    )
    low, expected, high = (price.cost(usage) / PICO for usage in usages)
    return Forecast(low=low, expected=expected, high=high)


def _forecast_seconds(tokens: TokenForecast, work: Forecast, pricing: Pricing, speed: Speed) -> Forecast:
    """Waiting and work go on at the same time, at best."""
    if not tokens.calls.high:
        return work
    if pricing.in_batches:
        return work + _BATCH_SECONDS
    latency = Forecast.exactly(speed.latency) if speed.latency is not None else _assume_latency(tokens, pricing)
    waiting = tokens.calls * latency * Forecast.exactly(1 / speed.concurrency)
    return Forecast(
        low=max(work.low, waiting.low),
        expected=max(work.expected, waiting.expected),
        high=work.high + waiting.high,
    )


def _assume_latency(tokens: TokenForecast, pricing: Pricing) -> Forecast:
    """Seconds of a call: until it begins to answer, and while it writes."""
    calls = max(1.0, tokens.calls.expected)
    prompt, output = tokens.prompt_tokens.expected / calls, tokens.output_tokens.expected / calls
    if pricing.spec and pricing.spec.kind is ModelKind.LOCAL:
        return Forecast(
            low=prompt / 2000 + output / 150, expected=prompt / 200 + output / 25, high=prompt / 40 + output / 5
        )
    return Forecast(low=0.3 + output / 200, expected=1 + output / 70, high=4 + output / 20)


def _describe_price(pricing: Pricing) -> QuotedPrice | None:
    listed, price = pricing.listed, pricing.price
    if listed is None or price is None:
        return None
    return QuotedPrice(
        model=listed.name,
        prompt=float(price.prompt),
        cached=None if price.cached is None else float(price.cached),
        output=float(price.output),
        as_of=listed.as_of,
        source=listed.source,
    )


def _notes(pricing: Pricing, rates: Rates) -> Iterable[str]:
    """What a reader of the figures must know."""
    if pricing.spec is None:
        yield "no model is named: tokens are those of a hosted one; --model NAME tells what it would cost"
    elif pricing.listed is None:
        yield f"no price is known of {pricing.spec}; write one into a file and name it with --prices FILE"
    if pricing.listed and any(pricing.listed.price.thinking) and not rates.calls:
        yield (
            "what this model thinks before it answers is assumed; after a run of a few records (--limit 100 --out DIR)"
            " --dry-run with the same --out goes by what they took"
        )

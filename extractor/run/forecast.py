"""Forecast a run for ``--dry-run``: low, expected and high figures of calls, tokens, money and
time.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from extractor.errors import EngineError, ExtractorError
from extractor.model.asking.planner import Estimate, estimate_record
from extractor.model.cost.budget import Pricing
from extractor.model.cost.prices import ListedPrice
from extractor.model.cost.tokens import Cases, TokenCounts, forecast_calls
from extractor.model.patience import MOST_CALLS
from extractor.options import ExtractionOptions
from extractor.run.executor import Executor
from extractor.run.records import read_in_thread
from extractor.schemas import TrialRecord, Usage

_CACHED_FROM = 1024
"""Providers cache the beginning of prompts with at least this many tokens."""


class _Pace(NamedTuple):
    """How fast a run is in one case.

    ``computing`` is the processor time of a record, as a multiple of its parsing time. ``wait`` are
    the seconds until a call's first token, ``writes`` its tokens per second after that. ``batches``
    are the seconds that a run in batches waits: each ends within a day, and a run needs one to
    three.
    """

    computing: float
    wait: float
    writes: float
    batches: float


_PACES = Cases(
    _Pace(1.0, 0.3, 200, 300),
    _Pace(1.2, 1, 70, 3 * 3600),
    _Pace(1.8, 4, 20, 3 * 24 * 3600),
)


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast of a run: the least, expected and highest value of each figure, under the name
    that people read.

    The highest ``calls`` are a bound: a run gets no more answers than that. The other figures are
    estimates. ``of them cached`` are the prompt tokens that a provider's cache should serve;
    ``dollars`` has them at their price, ``dollars without a cache`` has not, and both are missing
    if no price is known.
    """

    records: int
    figures: dict[str, Cases[float]]
    price: ListedPrice | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """The number of records, and the estimate of all their questions together."""

    records: int
    total: Estimate


async def measure_records(
    records: Iterable[TrialRecord],
    options: ExtractionOptions,
    executor: Executor,
    *,
    on_error: Callable[[ExtractorError], None] = lambda _: None,
    on_estimate: Callable[[], None] = lambda: None,
) -> Measured:
    """Estimate the questions about all records.

    ``on_error`` gets the error of each record that cannot be estimated; ``on_estimate`` is called
    for each other one. Raises ``EngineError`` if no process can estimate records, and any error
    that is no ``ExtractorError``.
    """
    at_once = max(1, executor.capacity)
    count = 0
    total = Estimate()
    steps: list[Awaitable[Estimate]] = []

    async def measure() -> None:
        nonlocal count, total
        for outcome in await asyncio.gather(*steps, return_exceptions=True):
            if isinstance(outcome, Estimate):
                on_estimate()
                count += 1
                total += outcome
            # Without processes no record can be estimated.
            elif isinstance(outcome, EngineError):
                raise outcome
            elif isinstance(outcome, ExtractorError):
                on_error(outcome)
            else:
                raise outcome
        steps.clear()

    async for record in read_in_thread(records):
        steps.append(executor.compute(estimate_record, record, options))
        if len(steps) >= at_once:
            await measure()
    await measure()
    return Measured(count, total)


def forecast_run(measured: Measured, pricing: Pricing, concurrency: int) -> Forecast:
    """Forecast a run over measured records, with ``concurrency`` calls at once.

    Each figure has a low, an expected and a high case. Dollars are left out if no price is known.
    Computing and waiting go on together, except in the highest case, where their times are added.
    The highest number of calls is a bound, not an estimate.
    """
    total = measured.total
    tokens = Cases(*(forecast_calls(total.size, rates) for rates in pricing.rates))
    answer = tokens.expected.output / max(1.0, tokens.expected.calls)
    figures: dict[str, list[float]] = defaultdict(list)
    for case, pace in zip(tokens, _PACES, strict=True):
        figures["questions"].append(total.questions)
        figures["calls"].append(round(case.calls))
        figures["prompt tokens"].append(round(case.prompt))
        costs = forecast_costs(case, pricing, concurrency)
        figures["of them cached"].append(round(costs.cached))
        figures["output tokens"].append(round(case.output))
        if pricing.price:
            figures["dollars"].append(round(costs.usd, 4))
            figures["dollars without a cache"].append(round(costs.usd_uncached, 4))
        computing = total.seconds * pace.computing
        if pricing.in_batches:
            waiting = pace.batches if case.calls else 0.0
        else:
            of_call = pace.wait + answer / pace.writes
            waiting = case.calls * of_call / concurrency
        if pace is _PACES.high:
            seconds = computing + waiting
        else:
            # Computing goes on while calls wait.
            seconds = max(computing, waiting)
        figures["seconds"].append(round(seconds, 1))
    # The questions of a call may take this many answers.
    figures["calls"][2] = MOST_CALLS * total.size.calls
    price = None
    if pricing.listed and pricing.price:
        # The price in batches may be another one than that in the list.
        price = replace(pricing.listed, price=pricing.price)
    return Forecast(
        records=measured.records,
        figures={name: Cases(*cases) for name, cases in figures.items()},
        price=price,
        notes=tuple(_list_assumptions(pricing)),
    )


class Costs(NamedTuple):
    """The tokens that a provider's cache should serve, those written into it, and the cost with
    and without it.
    """

    cached: float
    written: float
    usd: float
    usd_uncached: float


def forecast_costs(tokens: TokenCounts, pricing: Pricing, concurrency: int) -> Costs:
    """Forecast what a cache saves: it serves the static beginning of all calls but the first
    ``concurrency``.

    Providers do not promise a cache in batches, and keep none of short prompts. Costs are 0 if no
    price is known.
    """
    cached = 0.0
    written = 0.0
    calls = max(1.0, tokens.calls)
    is_long_enough = tokens.static >= _CACHED_FROM * calls
    if is_long_enough:
        if not pricing.in_batches:
            # The first calls at once find nothing in the cache.
            cached = tokens.static * max(0.0, 1 - concurrency / calls)
        # a request names its prefix, which is then written
        if pricing.spec and pricing.spec.family.cache != "auto":
            written = tokens.static - cached

    def price_of(cached: float, written: float) -> float:
        """Return the cost in dollars if so many tokens of the prompts are cached and written."""
        if pricing.cost is None:
            return 0.0
        used = Usage(
            prompt_tokens=round(tokens.prompt),
            cached_tokens=round(cached),
            written_tokens=round(written),
            output_tokens=round(tokens.output),
        )
        return pricing.cost(used)

    return Costs(cached, written, price_of(cached, written), price_of(0, 0))


def _list_assumptions(pricing: Pricing) -> Iterable[str]:
    """Yield the assumptions behind the figures."""
    if pricing.spec is None:
        yield "no model is named: tokens are those of a hosted one; --model NAME shows the cost"
    elif pricing.listed is None:
        yield (
            f"the price of {pricing.spec} is unknown; write it into a file and name that with "
            "--prices FILE"
        )
    thinking = pricing.thinking
    if thinking.high:
        yield (
            f"the thinking of this model is assumed: {thinking.expected:,} tokens per call, at "
            f"most {thinking.high:,}"
        )

"""Forecast a run for ``--dry-run``: least, expected and highest calls, tokens, money and time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from extractor.errors import EngineError, ExtractorError
from extractor.model.asking.planner import Estimate, estimate_record
from extractor.model.calls import MOST_CALLS
from extractor.model.cost.budget import Pricing
from extractor.model.cost.prices import ListedPrice
from extractor.model.cost.tokens import Cases, TokenCounts, forecast_calls
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


_PACES = (
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
    measured = Measured(0, Estimate())
    steps: list[Awaitable[Estimate]] = []

    async def add_all() -> None:
        nonlocal measured
        for outcome in await asyncio.gather(*steps, return_exceptions=True):
            if isinstance(outcome, Estimate):
                on_estimate()
                measured = Measured(measured.records + 1, measured.total + outcome)
            elif isinstance(outcome, EngineError):
                raise outcome  # without processes no record can be estimated
            elif isinstance(outcome, ExtractorError):
                on_error(outcome)
            else:
                raise outcome
        steps.clear()

    async for record in read_in_thread(records):
        steps.append(executor.compute(estimate_record, record, options))
        if len(steps) >= executor.capacity:
            await add_all()
    await add_all()
    return measured


def forecast_run(measured: Measured, pricing: Pricing, concurrency: int) -> Forecast:
    """Forecast a run over measured records, with ``concurrency`` calls at once."""
    total = measured.total
    tokens = Cases(*(forecast_calls(total.size, rates) for rates in pricing.rates))
    answer = tokens.expected.output / max(1.0, tokens.expected.calls)
    figures: dict[str, list[float]] = {}
    for case, pace in zip(tokens, _PACES, strict=True):
        costs = forecast_costs(case, pricing, concurrency)
        waiting = case.calls * (pace.wait + answer / pace.writes) / concurrency
        if pricing.in_batches:
            waiting = pace.batches if case.calls else 0.0
        computing = total.seconds * pace.computing
        # Computing goes on while calls wait, except in the highest case.
        is_highest = pace is _PACES[-1]
        seconds = computing + waiting if is_highest else max(computing, waiting)
        # The questions of a call may take several answers.
        calls = MOST_CALLS * total.size.calls if is_highest else round(case.calls)
        row: dict[str, float] = {
            "questions": total.questions,
            "calls": calls,
            "prompt tokens": round(case.prompt),
            "of them cached": round(costs.cached),
            "output tokens": round(case.output),
        }
        if pricing.price:
            row["dollars"] = round(costs.usd, 4)
            row["dollars without a cache"] = round(costs.usd_uncached, 4)
        row["seconds"] = round(seconds, 1)
        for name, figure in row.items():
            figures.setdefault(name, []).append(figure)
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
    calls = max(1.0, tokens.calls)
    static = tokens.static if tokens.static >= _CACHED_FROM * calls else 0.0
    # The first calls at once find nothing in the cache.
    share = 0.0 if pricing.in_batches else max(0.0, 1 - concurrency / calls)
    cached = static * share
    # a request names its prefix, which is then written
    names_prefix = pricing.spec is not None and pricing.spec.family.cache != "auto"
    written = static - cached if names_prefix else 0.0
    plain = Usage(
        prompt_tokens=round(tokens.prompt), output_tokens=round(tokens.output)
    )
    update = {"cached_tokens": round(cached), "written_tokens": round(written)}
    cost = pricing.cost or (lambda _: 0.0)
    return Costs(cached, written, cost(plain.model_copy(update=update)), cost(plain))


def _list_assumptions(pricing: Pricing) -> Iterator[str]:
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

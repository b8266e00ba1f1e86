"""Forecast a run for ``--dry-run``: least, expected and most calls, tokens and money."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace

from extractor.errors import EngineError, ExtractorError
from extractor.model.asking.planner import Estimate, estimate_record
from extractor.model.calls import MOST_CALLS
from extractor.model.cost.budget import Pricing
from extractor.model.cost.prices import ListedPrice
from extractor.model.cost.tokens import Cases, TokenCounts, forecast_calls
from extractor.options import ExtractionOptions
from extractor.run.executor import Executor
from extractor.run.records import Read, read_in_thread
from extractor.schemas import TrialRecord, Usage

_CACHED_FROM = 1024
"""Providers cache the beginning of prompts with at least this many tokens."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast of a run: the least, expected and most of each figure, under the name that
    people read.

    The most ``calls`` are a bound: a run gets no more answers than that. The other figures are
    estimates. ``dollars`` have the static beginning of prompts at the price of a provider's cache,
    the most have not; they are missing if no price is known.
    """

    figures: dict[str, Cases[float]]
    price: ListedPrice | None
    notes: tuple[str, ...] = ()


async def measure_records(
    read: Read,
    options: ExtractionOptions,
    executor: Executor,
    *,
    limit: int | None = None,
    on_error: Callable[[ExtractorError], None] = lambda _: None,
    on_estimate: Callable[[], None] = lambda: None,
) -> Estimate:
    """Estimate the questions about all records together.

    ``on_error`` gets the error of each record that cannot be estimated; ``on_estimate`` is called
    for each other one. Raises ``EngineError`` if no process can estimate records.
    """
    total = Estimate()
    room = asyncio.Semaphore(executor.capacity or 1)

    async def add(record: TrialRecord) -> None:
        nonlocal total
        try:
            total += await executor.compute(estimate_record, record, options)
            on_estimate()
        except EngineError:
            raise
        except ExtractorError as error:
            on_error(error)
        finally:
            room.release()

    try:
        async with (
            asyncio.TaskGroup() as estimating,
            aclosing(read_in_thread(read, limit)) as items,
        ):
            async for item in items:
                if isinstance(item, ExtractorError):
                    on_error(item)
                elif item:
                    await room.acquire()
                    estimating.create_task(add(item))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return total


def forecast_run(total: Estimate, pricing: Pricing, concurrency: int) -> Forecast:
    """Forecast a run over records with these questions, with ``concurrency`` calls at once."""
    cases = []
    for rates in pricing.rates:
        tokens = forecast_calls(total.size, rates)
        usage = forecast_usage(tokens, pricing, concurrency)
        figures: dict[str, float] = {
            "questions": total.questions,
            "calls": round(tokens.calls),
            "prompt tokens": usage.prompt_tokens,
            "of them cached": usage.cached_tokens,
            "output tokens": usage.output_tokens,
        }
        if pricing.cost:
            figures["dollars"] = round(pricing.cost(usage), 4)
        cases.append(figures)
    # The questions of a call may take several answers.
    cases[-1]["calls"] = MOST_CALLS * total.size.calls
    if pricing.cost:
        uncached = usage.model_copy(update={"cached_tokens": 0, "written_tokens": 0})
        cases[-1]["dollars"] = round(pricing.cost(uncached), 4)
    price = None
    if pricing.listed and pricing.price:
        # The price in batches may be another one than that in the list.
        price = replace(pricing.listed, price=pricing.price)
    return Forecast(
        figures={name: Cases(*(case[name] for case in cases)) for name in cases[0]},
        price=price,
        notes=tuple(_list_assumptions(pricing)),
    )


def forecast_usage(tokens: TokenCounts, pricing: Pricing, concurrency: int) -> Usage:
    """Return these tokens, with those that a provider's cache should serve: the static beginning of
    all calls but the first ``concurrency``, which find nothing there.

    Providers do not promise a cache in batches, and keep none of short prompts.
    """
    calls = max(1.0, tokens.calls)
    static = tokens.static if tokens.static >= _CACHED_FROM * calls else 0.0
    share = 0.0 if pricing.in_batches else max(0.0, 1 - concurrency / calls)
    # a request names its prefix, which is then written
    names_prefix = pricing.spec is not None and pricing.spec.family.cache != "auto"
    return Usage(
        prompt_tokens=round(tokens.prompt),
        output_tokens=round(tokens.output),
        cached_tokens=round(static * share),
        written_tokens=round(static * (1 - share)) if names_prefix else 0,
    )


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

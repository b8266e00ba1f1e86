"""Forecast a run for ``--dry-run``: least, expected and most calls, tokens and money."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from extractor.model.calls import MOST_CALLS
from extractor.model.cost.budget import Pricing
from extractor.model.cost.prices import ListedPrice
from extractor.model.cost.tokens import (
    Cases,
    RequestSize,
    TokenCounts,
    forecast_calls,
)
from extractor.schemas import Usage

_CACHED_FROM = 1024
"""Providers cache the beginning of prompts with at least this many tokens."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast of a run: the least, expected and most of each figure, under the name that
    people read.

    The most ``calls`` are a bound: a run gets no more answers than that. The other figures are
    estimates. ``dollars`` have the static beginning of prompts at the price of a provider's cache,
    the maximum does not; they are missing if no price is known.
    """

    figures: dict[str, Cases[float]]
    price: ListedPrice | None
    notes: tuple[str, ...] = ()


def forecast_run(total: RequestSize, pricing: Pricing, concurrency: int) -> Forecast:
    """Forecast a run over records with these requests, with ``concurrency`` calls at once."""
    cases = []
    for rates in pricing.rates:
        usage = forecast_usage(forecast_calls(total, rates), pricing, concurrency)
        figures: dict[str, float] = {
            "questions": total.questions,
            "calls": usage.calls,
            "prompt tokens": usage.prompt_tokens,
            "of them cached": usage.cached_tokens,
            "output tokens": usage.output_tokens,
        }
        if pricing.cost:
            figures["dollars"] = round(pricing.cost(usage), 4)
        cases.append(figures)
    # the questions of a call may take several answers, and the cache of a provider may fail
    most = cases[-1]
    most["calls"] = MOST_CALLS * total.calls
    if pricing.cost:
        uncached = usage.model_copy(update={"cached_tokens": 0, "written_tokens": 0})
        most["dollars"] = round(pricing.cost(uncached), 4)
    price = None
    if pricing.listed and pricing.price:
        # The price in batches may be another one than that in the list.
        price = replace(pricing.listed, price=pricing.price)
    return Forecast(
        figures={name: Cases(*(case[name] for case in cases)) for name in most},
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
        calls=round(tokens.calls),
        prompt_tokens=round(tokens.prompt),
        output_tokens=round(tokens.output),
        cached_tokens=round(static * share),
        written_tokens=round(static * (1 - share)) if names_prefix else 0,
    )


def _list_assumptions(pricing: Pricing) -> Iterator[str]:
    """Yield the assumptions behind the figures."""
    if pricing.spec is None:
        yield "no model is given: tokens are those of a hosted one; --model NAME shows the cost"
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

"""Forecast the lowest, expected and highest numbers of calls and tokens, and the cost, for
``--dry-run``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

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
"""Minimum number of tokens that the beginning of a prompt must have for providers to cache it."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast for a run: the lowest, expected and highest values of each figure, keyed by the
    name that is shown to users.

    The highest number of ``calls`` is an upper limit on the number of answers in a run; the other
    figures are estimates. ``dollars`` assumes that the provider caches the static beginning of
    prompts, except in the highest case. It is omitted if the price is unknown.
    """

    figures: dict[str, Cases[float]]
    price: ListedPrice | None
    notes: tuple[str, ...] = ()


def forecast_run(total: RequestSize, pricing: Pricing, concurrency: int) -> Forecast:
    """Forecast a run with the given total size of requests, and with ``concurrency`` concurrent
    calls.
    """
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
    # In the highest case, which is the last (so ``usage`` is still its usage), the questions of a
    # call need several answers, and the provider's cache fails.
    most = cases[-1]
    most["calls"] = MOST_CALLS * total.calls
    if pricing.price:
        most["dollars"] = round(pricing.price.most(usage), 4)
    return Forecast(
        figures={name: Cases(*(case[name] for case in cases)) for name in most},
        price=pricing.listed,
        notes=tuple(_list_assumptions(pricing)),
    )


def forecast_usage(tokens: TokenCounts, pricing: Pricing, concurrency: int) -> Usage:
    """Return the usage for these tokens, including the tokens that a provider's cache is expected
    to serve: the static beginning of all calls except the first ``concurrency`` calls, for which
    the cache is still empty. Providers do not cache short prompts.

    If the request asks for a cache, the static beginning of the calls that the cache does not serve
    counts as written to it. In a batch, whose calls may run at the same time, the cache is assumed
    to serve no call, so every call writes: the dearest case.
    """
    calls = max(1.0, tokens.calls)
    static = 0.0
    if tokens.static >= _CACHED_FROM * calls:
        static = tokens.static
    # the share of the calls that find the prompt in the cache: all but the first ones at a time
    share = max(0.0, 1 - concurrency / calls)
    if pricing.in_batches:
        share = 0.0
    written = 0.0
    # "marks" and "key": the request asks for a cache, so some providers charge for the writing
    if pricing.spec and pricing.spec.family.cache != "auto":
        written = static * (1 - share)
    return Usage(
        calls=round(tokens.calls),
        prompt_tokens=round(tokens.prompt),
        output_tokens=round(tokens.output),
        cached_tokens=round(static * share),
        written_tokens=round(written),
    )


def _list_assumptions(pricing: Pricing) -> Iterator[str]:
    """Yield the assumptions on which the figures are based."""
    if pricing.spec is None:
        yield (
            "without a model, token counts are estimated for a hosted model; --model NAME shows "
            "the cost"
        )
    elif pricing.listed is None:
        yield (
            f"the price of {pricing.spec} is unknown; write it to a file and pass the file with "
            "--prices FILE"
        )
    thinking = pricing.thinking
    if thinking.high:
        yield (
            f"assumed amount of reasoning for this model: {thinking.expected:,} tokens per call, "
            f"at most {thinking.high:,}"
        )

"""Sizes of requests in characters, and the calls and tokens that they take: at least, as expected,
and at most.

Tokens are characters times rates, because a provider's tokenizer cannot run here. The default rates
were measured on models whose servers report token counts; ``calibrate`` replaces them with rates of
the run itself.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from math import sqrt
from typing import Any, Generic, Self, TypeVar

from extractor.model.calls import Call, schema_of
from extractor.model.spec import ModelSpec
from extractor.schemas import Usage

T = TypeVar("T")

LINE = re.compile(r"^\[(\d+)\|([^|\]]*)[^\]]*\]", re.MULTILINE)
"""The start of a line in a prompt: its number and the keys that it asks for."""
_WRAPPING = 70
"""Characters of a response format around its schema."""

_MANY = 30
"""Fewer calls of a run do not replace the default rates."""


@dataclass(frozen=True, slots=True)
class RequestSize:
    """Characters of requests and of their expected answers, summed over ``calls``.

    ``system`` are those of ``messages`` that are the same in every call, as ``schema`` is.
    ``most_tokens`` is the sum of the output limits.
    """

    calls: int = 0
    messages: int = 0
    schema: int = 0
    answer: float = 0.0
    most_tokens: int = 0
    system: int = 0

    def __add__(self, other: Self) -> "RequestSize":
        return RequestSize(
            *(getattr(self, f.name) + getattr(other, f.name) for f in fields(RequestSize))
        )


def measure_call(call: Call) -> RequestSize:
    """Measure the first request of a call."""
    return measure_texts(
        call.system, call.user, len(schema_of(call.reply_model)), call.max_output_tokens
    )


def measure_texts(system: str, user: str, schema: int, most_tokens: int) -> RequestSize:
    """Measure a request by its texts, the characters of its schema, and its output limit.

    >>> measure_texts("Read.", "[3|concept] Overall survival", 0, 50).most_tokens
    50
    """
    mean = {name: size["mean"] for name, size in _measurements()["key"].items()}
    lines = LINE.findall(user)
    keys = (mean.get(key, mean["other"]) for _, asked in lines for key in asked.split())
    answer = float(mean["reply"] + mean["item"] * len(lines) + sum(keys))
    return RequestSize(
        1, len(system) + len(user), schema + _WRAPPING, answer, most_tokens, len(system)
    )


@cache
def _measurements() -> Mapping[str, Any]:
    return tomllib.loads((files(__package__) / "answer_sizes.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Cases(Generic[T]):
    """A forecast in three cases: the least, the expected, and the most."""

    low: T
    expected: T
    high: T

    def __iter__(self) -> Iterator[T]:
        return iter((self.low, self.expected, self.high))


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of requests in one case.

    ``messages``, ``schema`` and ``answer`` are tokens per character, ``thinking`` is tokens per
    call. After a share ``again`` of ``counted`` calls a second one followed: a recheck, or a re-ask
    because the answer broke its schema. Its prompt takes ``again_lines`` tokens beside the static
    part, its answer ``again_answer``. The case lies ``deviations`` standard errors from the
    expected one. ``calibrated_on`` is the number of the run's calls behind the rates, 0 for the
    default rates.
    """

    messages: float
    schema: float
    answer: float
    again_lines: float = 0
    again_answer: float = 0
    deviations: float = 0
    thinking: int = 0
    again: float = 0
    counted: int = 1
    calibrated_on: int = 0


@dataclass(frozen=True, slots=True)
class Tokens:
    """Calls and their tokens. ``static`` are those of the prompts that every call repeats."""

    calls: float
    prompt: float
    static: float
    output: float


_DEFAULTS = Cases(
    Rates(1 / 4.8, 0, 0.85, again_lines=40, again_answer=8, deviations=-2.6),
    Rates(1 / 3.95, 1 / 3.95, 1.1, again_lines=200, again_answer=25),
    Rates(1 / 3.1, 1 / 3.1, 1.6, again_lines=1100, again_answer=200, deviations=2.6),
)
"""Clinical prose has 3.8 to 4.0 characters per token with a tokenizer of small vocabulary. Hosted
models read the schema as part of the prompt; servers that compile it to a grammar mostly do not.
``answer`` is a factor for hosted models: their recordings assume four characters per token, so the
true rates vary between tokenizers. 2.6 standard errors are those of an interval of 99 %.
"""
_OF_A_RUN = (0.85, 1.0, 1.2)
"""Assumed: the tokens of the calls to come, as a share of those of the run so far."""


def load_rates(spec: ModelSpec | None, thinking: Iterable[int] = (0, 0, 0)) -> Cases[Rates]:
    """Load the default rates for a model. Without a ``spec`` they are those of a hosted one.

    ``thinking`` is its tokens of thinking per call: least, expected and most.
    """
    has_schema = not (spec and spec.is_server)
    measured = _measurements()["served"]["hosted" if has_schema else "own"]
    counted = measured["calls"]
    again = (measured["asked_again"] + measured["narrow"]) / counted
    low, expected, high = (
        replace(
            case,
            answer=answer * (case.answer if has_schema else 1),
            thinking=thought,
            again=again,
            counted=counted,
        )
        for case, answer, thought in zip(
            _DEFAULTS, measured["tokens_per_character"], thinking, strict=True
        )
    )
    return Cases(low, expected if has_schema else replace(expected, schema=0), high)


def forecast_request(size: RequestSize, rates: Rates) -> Tokens:
    """Forecast the tokens of requests without second calls. No answer exceeds its output limit."""
    schema = size.schema * rates.schema
    output = min(size.answer * rates.answer, size.most_tokens) + size.calls * rates.thinking
    return Tokens(
        size.calls,
        size.messages * rates.messages + schema,
        size.system * rates.messages + schema,
        output,
    )


def forecast_calls(size: RequestSize, rates: Rates) -> Tokens:
    """Forecast the tokens of all calls, with re-asks and rechecks. Few calls may differ much
    from the share.
    """
    first = forecast_request(size, rates)
    calls = max(1, size.calls)
    variance = max(rates.again * (1 - rates.again), 1 / rates.counted)
    share = rates.again + rates.deviations * sqrt(variance * (1 / rates.counted + 1 / calls))
    again = size.calls * min(1.0, max(0.0, share))
    static = first.static * again / calls
    return Tokens(
        first.calls + again,
        first.prompt + static + again * rates.again_lines,
        first.static + static,
        first.output + again * (rates.again_answer + rates.thinking),
    )


def calibrate(
    rates: Cases[Rates], calls: Iterable[tuple[RequestSize, Usage, bool]]
) -> Cases[Rates]:
    """Measure the rates on the calls of a run. Return ``rates`` if there are too few calls.

    Each call is a tuple of its size, its usage with that of its re-asks, and whether it is a
    recheck. Calls with re-asks count only as such.
    """
    kept = [call for call in calls if call[1].prompt_tokens]
    first = [
        (size, usage) for size, usage, is_recheck in kept if usage.calls < 2 and not is_recheck
    ]
    if len(first) < _MANY:
        return rates
    size = sum((size for size, _ in first), RequestSize())
    spent = sum((usage for _, usage in first), Usage())
    prompt = spent.prompt_tokens / forecast_request(size, rates.expected).prompt
    return Cases(
        *(
            replace(
                case,
                messages=rates.expected.messages * prompt * factor,
                schema=rates.expected.schema * prompt * factor,
                answer=spent.output_tokens / size.answer * factor,
                thinking=0,  # reported output tokens include it
                again=(len(kept) - len(first)) / len(kept),
                counted=len(kept),
                calibrated_on=len(first),
            )
            for case, factor in zip(rates, _OF_A_RUN, strict=True)
        )
    )

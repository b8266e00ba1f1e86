"""Sizes of requests in characters, and forecasts of their calls and tokens.

Tokens are characters times rates, because a provider's tokenizer cannot run here. The default rates were measured on
models whose servers report token counts; ``calibrate`` replaces them with rates of the run itself.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from math import sqrt
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from extractor.assemble.policy import ModelClass
from extractor.llm.calls import Call, schema_of
from extractor.llm.spec import ModelSpec
from extractor.schemas import Usage

LINE = re.compile(r"^\[(\d+)\|([^|\]]*)[^\]]*\]", re.MULTILINE)
"""The start of a line in a prompt: its number and the keys that it asks for."""
_WRAPPING = 70
"""Characters of a response format around its schema."""

_DEVIATIONS = 2.6
"""Standard deviations of a 99 % interval."""
_MANY = 30
"""Fewer calls of a run do not replace the default rates."""


@dataclass(frozen=True, slots=True)
class RequestSize:
    """Characters of requests and of their expected answers, summed over ``calls``.

    ``system`` are those of ``messages`` that are the same in every call, as ``schema`` is. ``most_tokens`` is the sum
    of the output limits.
    """

    calls: int = 0
    messages: int = 0
    schema: int = 0
    answer: float = 0.0
    most_tokens: int = 0
    system: int = 0

    def __add__(self, other: Self) -> "RequestSize":
        return RequestSize(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(RequestSize)))

    def times(self, factor: float) -> "RequestSize":
        """The size of so many times as many requests."""
        return RequestSize(*(round(factor * getattr(self, f.name)) for f in fields(RequestSize)))


def measure_call(call: Call) -> RequestSize:
    """The size of a call's first request."""
    return measure_texts(call.system, call.user, len(schema_of(call.reply_model)), call.max_output_tokens)


def measure_texts(system: str, user: str, schema: int, most_tokens: int) -> RequestSize:
    """The size of a request, from its texts, the characters of its schema, and its output limit.

    >>> measure_texts("Read.", "[3|concept] Overall survival", 0, 50).most_tokens
    50
    """
    messages = len(system) + len(user)
    return RequestSize(1, messages, schema + _WRAPPING, _expect_answer(user), most_tokens, len(system))


def _expect_answer(user: str) -> float:
    """Expected characters of an answer to the lines of a message."""
    mean = {name: size["mean"] for name, size in _measurements()["key"].items()}
    lines = LINE.findall(user)
    keys = (mean.get(key, mean["other"]) for _, asked in lines for key in asked.split())
    return float(mean["reply"] + mean["item"] * len(lines) + sum(keys))


@cache
def _measurements() -> Mapping[str, Any]:
    return tomllib.loads((files(__package__) / "answer_sizes.toml").read_text("utf-8"))


class Forecast(BaseModel):
    """An unknown number, at least 0, with a lower bound, an expected value and an upper bound.

    >>> Forecast(low=1, expected=2, high=4) * Forecast.exactly(10)
    Forecast(low=10, expected=20, high=40)
    """

    model_config = ConfigDict(frozen=True)

    low: int | float
    expected: int | float
    high: int | float

    @classmethod
    def exactly(cls, value: float) -> "Forecast":
        """A known number."""
        return cls(low=value, expected=value, high=value)

    def __add__(self, other: "Forecast") -> "Forecast":
        return Forecast(low=self.low + other.low, expected=self.expected + other.expected, high=self.high + other.high)

    def __mul__(self, other: "Forecast") -> "Forecast":
        return Forecast(low=self.low * other.low, expected=self.expected * other.expected, high=self.high * other.high)

    def rounded(self, digits: int | None = None) -> "Forecast":
        """The forecast with ``digits`` decimals; None rounds to whole numbers."""
        return Forecast(**{name: round(value, digits) for name, value in self})


@dataclass(frozen=True, slots=True)
class Rates:
    """Token rates of requests.

    ``messages``, ``schema`` and ``answer`` are tokens per character; ``thinking`` is tokens per call. ``again`` is the
    share of calls after which a second one follows: a recheck, or a re-ask because the answer broke its schema.
    ``calls`` is the number of the run's calls behind the rates, 0 for the default rates.
    """

    messages: Forecast
    schema: Forecast
    answer: Forecast
    again: Forecast
    thinking: Forecast
    calls: int = 0


@dataclass(frozen=True, slots=True)
class TokenForecast:
    """Expected calls and tokens. ``static_tokens`` are the prompt tokens that every call repeats."""

    calls: Forecast
    prompt_tokens: Forecast
    static_tokens: Forecast
    output_tokens: Forecast


_MESSAGES = Forecast(low=1 / 4.8, expected=1 / 3.95, high=1 / 3.1)
"""Clinical prose has 3.8 to 4.0 characters per token with a tokenizer of small vocabulary."""
_SCHEMA = Forecast(low=0, expected=1 / 3.95, high=1 / 3.1)
"""Hosted models read the schema as part of the prompt; servers that compile it to a grammar mostly do not."""
_TOKENIZERS = Forecast(low=0.85, expected=1.1, high=1.6)
"""Recordings of a capable model assume four characters per token, so the true rates vary between tokenizers."""
_AGAIN_LINES = Forecast(low=40, expected=200, high=1100)
"""Prompt of a second call after its static part."""
_AGAIN_ANSWER = Forecast(low=8, expected=25, high=200)
_OF_A_RUN = Forecast(low=0.85, expected=1.0, high=1.2)
"""Assumed: the calls to come take as many tokens as those of the run so far, give or take so much."""


def load_rates(spec: ModelSpec | None, model_class: ModelClass, thinking: Forecast | None = None) -> Rates:
    """The default rates for a model and its class, without a ``spec`` those of a hosted one.

    ``thinking`` is its tokens of thinking per call.
    """
    measured = _measurements()["class"][model_class.value]
    low, mean, high = measured["tokens_per_character"]
    answer = Forecast(low=low, expected=mean, high=high)
    return Rates(
        messages=_MESSAGES,
        schema=_SCHEMA.model_copy(update={"expected": 0.0}) if spec and spec.is_server else _SCHEMA,
        answer=answer * _TOKENIZERS if model_class is ModelClass.CAPABLE else answer,
        again=_share(measured["asked_again"] + measured["narrow"], measured["calls"]),
        thinking=thinking or Forecast.exactly(0),
    )


def forecast_request(size: RequestSize, rates: Rates) -> TokenForecast:
    """Forecast requests without second calls. No answer exceeds its output limit."""
    thinking = Forecast.exactly(size.calls) * rates.thinking
    output = Forecast.exactly(size.answer) * rates.answer + thinking
    most = size.most_tokens + thinking.high
    bounded = Forecast(**{name: min(value, most) for name, value in output})
    schema = Forecast.exactly(size.schema) * rates.schema
    prompt, static = (Forecast.exactly(part) * rates.messages + schema for part in (size.messages, size.system))
    return TokenForecast(Forecast.exactly(size.calls), prompt, static, bounded)


def forecast_run(size: RequestSize, rates: Rates) -> TokenForecast:
    """Forecast all calls of a run, including re-asks and rechecks."""
    first, calls = forecast_request(size, rates), max(1, size.calls)
    likely = min(rates.again.high, 0.5)
    margin = _DEVIATIONS * sqrt(likely * (1 - likely) / calls)  # few calls may differ much from the share
    low, high = max(0.0, rates.again.low - margin), min(1.0, rates.again.high + margin)
    again = first.calls * Forecast(low=low, expected=rates.again.expected, high=high)
    static = again * Forecast.exactly(1 / calls) * first.static_tokens
    return TokenForecast(
        first.calls + again,
        first.prompt_tokens + static + again * _AGAIN_LINES,
        first.static_tokens + static,
        first.output_tokens + again * (_AGAIN_ANSWER + rates.thinking),
    )


def calibrate(rates: Rates, calls: Iterable[tuple[RequestSize, Usage, bool]]) -> Rates:
    """Rates measured on the calls of a run, or ``rates`` if there are too few calls.

    Each call is a tuple of its size, its usage with that of its re-asks, and whether it is a recheck. Calls with
    re-asks count only as such.
    """
    kept = [call for call in calls if call[1].prompt_tokens]
    first = [(size, usage) for size, usage, is_recheck in kept if usage.calls < 2 and not is_recheck]
    if len(first) < _MANY:
        return rates
    size, spent = sum((size for size, _ in first), RequestSize()), sum((usage for _, usage in first), Usage())
    prompt = _OF_A_RUN * Forecast.exactly(spent.prompt_tokens / forecast_request(size, rates).prompt_tokens.expected)
    return Rates(
        messages=Forecast.exactly(rates.messages.expected) * prompt,
        schema=Forecast.exactly(rates.schema.expected) * prompt,
        thinking=Forecast.exactly(0),  # reported output tokens include it
        answer=_OF_A_RUN * Forecast.exactly(spent.output_tokens / size.answer),
        again=_share(len(kept) - len(first), len(kept)),
        calls=len(first),
    )


def _share(count: int, of: int) -> Forecast:
    """A counted share, with an interval of 99 % that is never empty."""
    share = count / of
    margin = _DEVIATIONS * sqrt(max(share * (1 - share), 1 / of) / of)
    return Forecast(low=max(0.0, share - margin), expected=share, high=min(1.0, share + margin))

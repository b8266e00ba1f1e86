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
_MIN_CALLS = 30
"""Fewer calls of a run do not replace the default rates."""
_FEW = 5


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

    ``messages``, ``schema`` and ``answer`` are tokens per character; ``thinking`` is tokens per call. ``asked_again``
    is the share of calls repeated because the answer broke its schema, ``narrow`` the share followed by a recheck.
    ``calls`` is the number of the run's calls behind the rates, 0 for the default rates.
    """

    messages: Forecast
    schema: Forecast
    answer: Forecast
    asked_again: Forecast
    narrow: Forecast
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
_REPEATED_PROMPT = Forecast(low=1.0, expected=1.1, high=1.4)
"""Prompt of a re-ask, which quotes the first request, as a multiple of the first."""
_RECHECK_LINES = Forecast(low=40, expected=200, high=1100)
"""Prompt of a recheck after its static part."""
_RECHECK_ANSWER = Forecast(low=8, expected=25, high=200)


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
        asked_again=_share(measured["asked_again"], measured["calls"]),
        narrow=_share(measured["narrow"], measured["calls"]),
        thinking=thinking or Forecast.exactly(0),
    )


def forecast_request(size: RequestSize, rates: Rates) -> TokenForecast:
    """Forecast requests without re-asks and rechecks. No answer exceeds its output limit."""
    spread = max(1.0, sqrt(_FEW / max(1, size.calls)))
    answer = Forecast.exactly(size.answer) * rates.answer
    thinking = Forecast.exactly(size.calls) * rates.thinking
    output = Forecast(low=answer.low / spread, expected=answer.expected, high=answer.high * spread) + thinking
    most = size.most_tokens + thinking.high
    bounded = Forecast(**{name: min(value, most) for name, value in output})
    schema = Forecast.exactly(size.schema) * rates.schema
    prompt, static = (Forecast.exactly(part) * rates.messages + schema for part in (size.messages, size.system))
    return TokenForecast(Forecast.exactly(size.calls), prompt, static, bounded)


def forecast_run(size: RequestSize, rates: Rates) -> TokenForecast:
    """Forecast all calls of a run, including re-asks and rechecks."""
    first = forecast_request(size, rates)
    again = _widen_share(rates.asked_again, size.calls)
    narrow = first.calls * _widen_share(rates.narrow, size.calls)
    rechecks = narrow * Forecast.exactly(1 / max(1, size.calls)) * first.static_tokens
    return TokenForecast(
        first.calls + first.calls * again + narrow,
        first.prompt_tokens + first.prompt_tokens * again * _REPEATED_PROMPT + rechecks + narrow * _RECHECK_LINES,
        first.static_tokens + first.static_tokens * again + rechecks,
        first.output_tokens + first.output_tokens * again + narrow * _RECHECK_ANSWER,
    )


def calibrate(rates: Rates, calls: Iterable[tuple[RequestSize, Usage, bool]]) -> Rates:
    """Rates measured on the calls of a run, or ``rates`` if there are too few calls.

    Each call is a tuple of its size, its usage with that of its re-asks, and whether it is a recheck. Calls with
    re-asks count only as such.
    """
    kept = [call for call in calls if call[1].prompt_tokens]
    first = [(size, usage) for size, usage, narrow in kept if usage.calls < 2 and not narrow]
    if len(first) < _MIN_CALLS:
        return rates
    expected = [forecast_request(size, rates).prompt_tokens.expected for size, _ in first]
    prompt = _ratio([usage.prompt_tokens for _, usage in first], expected)
    return Rates(
        messages=Forecast.exactly(rates.messages.expected) * prompt,
        schema=Forecast.exactly(rates.schema.expected) * prompt,
        thinking=Forecast.exactly(0),  # reported output tokens include it
        answer=_ratio([usage.output_tokens for _, usage in first], [size.answer for size, _ in first]),
        asked_again=_share(sum(usage.calls > 1 for _, usage, _ in kept), len(kept)),
        narrow=_share(sum(narrow for _, _, narrow in kept), len(first)),
        calls=len(first),
    )


def _ratio(reported: list[int], expected: list[float]) -> Forecast:
    """The ratio of two sums, with its spread over calls."""
    ratio = sum(reported) / sum(expected)
    spread = sqrt(sum((one - ratio * guess) ** 2 for one, guess in zip(reported, expected, strict=True)))
    margin = _DEVIATIONS * spread / sum(expected)
    return Forecast(low=max(0.0, ratio - margin), expected=ratio, high=ratio + margin)


def _share(count: int, of: int) -> Forecast:
    """A counted share with Wilson's interval."""
    share, z = count / of, _DEVIATIONS**2 / of
    middle, width = (share + z / 2) / (1 + z), sqrt(share * (1 - share) * z + z * z / 4) / (1 + z)
    return Forecast(low=max(0.0, middle - width) if count else 0.0, expected=share, high=middle + width)


def _widen_share(share: Forecast, calls: int) -> Forecast:
    """Widen the interval of a share for a small number of calls."""
    likely = min(share.high, 0.5)
    margin = _DEVIATIONS * sqrt(likely * (1 - likely) / max(1, calls))
    return Forecast(low=max(0.0, share.low - margin), expected=share.expected, high=share.high + margin)

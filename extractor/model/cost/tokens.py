"""Sizes of requests in characters, and the tokens that they take: at least, as expected, and at
most.

TokenCounts are characters times rates, because a provider's tokenizer cannot run here. The rates
were measured on models whose servers report token counts.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from typing import Any, Generic, Self, TypeVar

from extractor.model.calls import Call, schema_of
from extractor.model.spec import ModelSpec

T = TypeVar("T")

LINE = re.compile(r"^\[(\d+)\|([^|\]]*)[^\]]*\]", re.MULTILINE)
"""The start of a line in a prompt: its number and the keys that it asks for."""
_WRAPPING = 70
"""Characters of a response format around its schema."""


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
        """Return the sizes of both, added field by field."""
        sums = {}
        for field in fields(RequestSize):
            sums[field.name] = getattr(self, field.name) + getattr(other, field.name)
        return RequestSize(**sums)


def measure_call(call: Call) -> RequestSize:
    """Measure the request of a call."""
    schema = len(schema_of(call.reply_model))
    return measure_texts(call.system, call.user, schema, call.max_output_tokens)


def measure_texts(system: str, user: str, schema: int, most_tokens: int) -> RequestSize:
    """Measure a request by its texts, the characters of its schema, and its output limit in tokens.
    The length of the answer is expected by the mean length of the keys that its lines ask for.

    >>> measure_texts("Read.", "[3|concept] Overall survival", 0, 50).most_tokens
    50
    """
    mean = {name: size["mean"] for name, size in _measurements()["key"].items()}
    lines = LINE.findall(user)
    keys = 0
    for _, asked in lines:
        for key in asked.split():
            keys += mean.get(key, mean["other"])
    return RequestSize(
        calls=1,
        messages=len(system) + len(user),
        schema=schema + _WRAPPING,
        answer=mean["reply"] + mean["item"] * len(lines) + keys,
        most_tokens=most_tokens,
        system=len(system),
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
    call, ``again`` the share of calls that are asked again because the answer broke its schema.
    """

    messages: float
    schema: float
    answer: float
    thinking: int = 0
    again: float = 0


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Calls and their tokens. ``static`` are those of the prompts that every call repeats."""

    calls: float
    prompt: float
    static: float
    output: float


# Clinical prose has 3.8 to 4.0 characters per token with a tokenizer of small vocabulary. Hosted
# models read the schema as part of the prompt; servers that compile it to a grammar mostly do not.
# `answer` is a factor for hosted models: their recordings assume four characters per token, so the
# true rates vary between tokenizers.
_DEFAULTS = Cases(
    Rates(1 / 4.8, 0, 0.85),
    Rates(1 / 3.95, 1 / 3.95, 1.1),
    Rates(1 / 3.1, 1 / 3.1, 1.6, again=0.1),
)


def load_rates(
    spec: ModelSpec | None, thinking: Iterable[int] = (0, 0, 0)
) -> Cases[Rates]:
    """Load the rates for a model: least, expected and most. Without a ``spec`` they are those of a
    hosted one.

    A server of the user's own was measured apart: its answers need no factor, and its schema is not
    expected to be a part of the prompt. ``thinking`` is the model's tokens of thinking per call:
    least, expected and most.
    """
    is_own_server = spec is not None and spec.is_server
    kind = "own" if is_own_server else "hosted"
    measured = _measurements()["tokens_per_character"][kind]
    rates = []
    for default, answer, thought in zip(_DEFAULTS, measured, thinking, strict=True):
        factor = 1 if is_own_server else default.answer
        rates.append(replace(default, answer=answer * factor, thinking=thought))
    if is_own_server:
        rates[1] = replace(rates[1], schema=0)
    return Cases(*rates)


def forecast_calls(size: RequestSize, rates: Rates) -> TokenCounts:
    """Forecast the tokens of calls, with those of calls that are asked again. No answer exceeds its
    output limit.
    """
    times = 1 + rates.again
    schema = size.schema * rates.schema
    answer = min(size.answer * rates.answer, size.most_tokens)
    return TokenCounts(
        calls=size.calls * times,
        prompt=(size.messages * rates.messages + schema) * times,
        static=(size.system * rates.messages + schema) * times,
        output=(answer + size.calls * rates.thinking) * times,
    )

"""Sizes of requests in characters, and the tokens that they take: at least, as expected, and at
most.

Tokens are characters times rates, because a provider's tokenizer cannot run here. The rates
were measured on models whose servers report token counts (``rates.toml``, ``answer_sizes.toml``).
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from functools import cache
from importlib.resources import files
from operator import add
from typing import Any, Generic, NamedTuple, TypeVar

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
    ``most_tokens`` is the sum of the output limits. The caller that measures records counts
    ``questions``.
    """

    calls: int = 0
    messages: int = 0
    schema: int = 0
    answer: float = 0.0
    most_tokens: int = 0
    system: int = 0
    questions: int = 0

    def __add__(self, other: "RequestSize") -> "RequestSize":
        """Return the sizes of both, added field by field."""
        return RequestSize(*map(add, astuple(self), astuple(other)))


def measure_call(call: Call) -> RequestSize:
    """Measure the request of a call."""
    schema = len(schema_of(call.reply_model))
    return measure_texts(call.system, call.user, schema, call.max_output_tokens)


def measure_texts(system: str, user: str, schema: int, most_tokens: int) -> RequestSize:
    """Measure a request by its texts, the characters of its schema, and its output limit in tokens.
    The length of the answer is expected by the mean length of the keys that its lines ask for.

    >>> measure_texts("Read.", "[3|concept] Overall survival", 0, 50).answer
    39.1
    """
    sizes = _read("answer_sizes.toml")["key"]
    lines = [f"item {keys}" for _, keys in LINE.findall(user)]
    asked = " ".join(["reply", *lines]).split()
    return RequestSize(
        calls=1,
        messages=len(system) + len(user),
        schema=schema + _WRAPPING,
        answer=sum(sizes.get(key, sizes["other"])["mean"] for key in asked),
        most_tokens=most_tokens,
        system=len(system),
    )


@cache
def _read(name: str) -> Mapping[str, Any]:
    return tomllib.loads((files(__package__) / name).read_text("utf-8"))


class Cases(NamedTuple, Generic[T]):
    """A forecast in three cases: the least, the expected, and the most."""

    low: T
    expected: T
    high: T


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


class TokenCounts(NamedTuple):
    """Calls and their tokens. ``static`` are those of the prompts that every call repeats."""

    calls: float
    prompt: float
    static: float
    output: float


def load_rates(
    spec: ModelSpec | None, thinking: Iterable[int] = (0, 0, 0)
) -> Cases[Rates]:
    """Load the rates for a model: least, expected and most. Without a ``spec`` they are those of a
    hosted one.

    The user's own server was measured separately: its answers need no factor, and its schema is not
    expected to be a part of the prompt. ``thinking`` is the model's tokens of thinking per call:
    least, expected and most.
    """
    kind = "own" if spec and spec.is_server else "hosted"
    measured = _read("answer_sizes.toml")["tokens_per_character"][kind]
    cases = zip(_read("rates.toml")[kind], measured, thinking, strict=True)
    return Cases(
        *(
            Rates(**case | {"answer": case["answer"] * answer, "thinking": thought})
            for case, answer, thought in cases
        )
    )


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

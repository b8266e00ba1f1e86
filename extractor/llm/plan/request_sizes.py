"""How large a request is, and how large its answer may be expected to be, in characters."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any, Self

from extractor.llm.requests import Call, compact_schema

__all__ = [
    "LINE",
    "AnswerSize",
    "RequestSize",
    "load_answer_sizes",
    "load_measurements",
    "measure_body",
    "measure_call",
]

LINE = re.compile(r"^\[(\d+)\|([^|\]]*)[^\]]*\]", re.MULTILINE)
"""The head of a line of a prompt: its number and the keys that are asked."""
_LIMITS = ("max_tokens", "max_completion_tokens")
_WRAPPING = 70
"""Characters of a request's response format around its schema."""


@dataclass(frozen=True, slots=True)
class RequestSize:
    """Characters of requests and of the answers to be expected; of several, sums. ``most_tokens`` bounds answers."""

    calls: int = 0
    messages: int = 0
    schema: int = 0
    answer: float = 0.0
    most_tokens: int = 0

    def __add__(self, other: Self) -> "RequestSize":
        return RequestSize(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(RequestSize)))


@dataclass(frozen=True, slots=True)
class AnswerSize:
    """Characters of compact JSON that answer one key of one line, on the average of those that were asked."""

    mean: float
    asked: int = 0


def measure_call(call: Call) -> RequestSize:
    """The size of a call, as its first request is."""
    schema = json.dumps(compact_schema(call.reply_model.model_json_schema()))
    return _measure([call.system, call.user], len(schema) + _WRAPPING, call.max_output_tokens)


def measure_body(body: Mapping[str, Any]) -> RequestSize:
    """The size of a request as it is sent.

    >>> line = {"role": "user", "content": "[3|concept] Overall survival"}
    >>> measure_body({"messages": [line], "max_tokens": 50}).most_tokens
    50
    """
    schema = body.get("response_format") or body.get("tools")
    texts = [str(message.get("content") or message.get("tool_calls") or "") for message in body.get("messages") or ()]
    most = next((body[name] for name in _LIMITS if name in body), 0)
    return _measure(texts, len(json.dumps(schema)) if schema else 0, most)


def _measure(texts: Sequence[str], schema: int, most_tokens: int) -> RequestSize:
    answer = sum(size.mean for size in _expect(texts))
    return RequestSize(1, sum(map(len, texts)), schema, answer, most_tokens)


def _expect(texts: Sequence[str]) -> Iterator[AnswerSize]:
    """The parts of an answer to the lines of the first text that has some, which is not one that shows examples."""
    known = load_answer_sizes()
    yield known["reply"]
    asked = next((lines for text in texts[1:] or texts if (lines := LINE.findall(text))), [])
    for _, keys in asked:
        yield known["item"]
        yield from (known.get(key, known["other"]) for key in keys.split())


@cache
def load_answer_sizes() -> Mapping[str, AnswerSize]:
    """What was measured of a capable model's answers, by key; ``item`` and ``reply`` are what stands around them."""
    return {name: AnswerSize(**size) for name, size in load_measurements()["key"].items()}


@cache
def load_measurements() -> Mapping[str, Any]:
    """The content of ``answer_sizes.toml``: by key, and by class of models."""
    return tomllib.loads(files("extractor.llm.plan").joinpath("answer_sizes.toml").read_text("utf-8"))

"""The sizes of requests in characters, and their minimum, expected and maximum numbers of tokens.

Token counts are estimated by multiplying character counts by rates, because the providers'
tokenizers are not available here. The rates were measured with models whose servers report token
counts (``rates.toml``, ``answer_sizes.toml``).
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from operator import add
from typing import Any, Generic, NamedTuple, TypeVar

from extractor.model.calls import Call, schema_of
from extractor.model.spec import ModelSpec
from extractor.resources import read_toml

T = TypeVar("T")

LINE = re.compile(r"^\[(\d+)\|([^|\]]*)[^\]]*\]", re.MULTILINE)
"""The beginning of a line in a prompt, with the line number and what is asked."""
PLACED = re.compile(r"^ *\[\d+\] ", re.MULTILINE)
"""The beginning of a line of the eligibility text, with the number of a place."""
_WRAPPING = 70
"""Number of characters in a response format, excluding those in the schema."""


class RequestSize(NamedTuple):
    """The numbers of characters in requests and in their expected answers, summed over ``calls``.

    ``system`` is the part of ``messages`` that is identical in every call; ``schema`` is also
    identical in every call. ``most_tokens`` is the sum of the output limits. ``questions`` is set
    by callers that measure whole records.
    """

    calls: int = 0
    messages: int = 0
    schema: int = 0
    answer: float = 0.0
    most_tokens: int = 0
    system: int = 0
    questions: int = 0

    def __add__(self, other: "RequestSize") -> "RequestSize":  # type: ignore[override]  # not as tuples
        """Return the sum of both sizes, field by field."""
        return RequestSize(*map(add, self, other))


def measure_call(call: Call) -> RequestSize:
    """Measure the size of a call's request."""
    schema = len(schema_of(call.reply_model))
    return measure_texts(call.prompt.system, call.user, schema, call.max_output_tokens)


def measure_texts(system: str, user: str, schema: int, most_tokens: int) -> RequestSize:
    """Measure a request, given its texts, the number of characters in its schema, and its output
    limit in tokens. The expected length of the answer is the sum of the mean lengths of its items
    and of the requested keys.

    >>> size = measure_texts("Read.", "[3|outcome] Overall survival", 0, 50)
    >>> size.answer, size.schema, size.messages
    (114.9, 70, 33)
    """
    sizes = _read("answer_sizes.toml")["key"]
    # the table also lists the length of an empty reply and of an empty item
    lines = [f"item {line_keys}" for _, line_keys in LINE.findall(user)]
    lines += ["place"] * len(PLACED.findall(user))
    keys = " ".join(["reply", *lines]).split()
    return RequestSize(
        calls=1,
        messages=len(system) + len(user),
        schema=schema + _WRAPPING,
        answer=sum(sizes.get(key, sizes["other"])["mean"] for key in keys),
        most_tokens=most_tokens,
        system=len(system),
    )


def count_most(text: str, rate: float = 1.0) -> float:
    """Return the maximum number of tokens of a text: ``rate`` for each ASCII character, and one for
    each byte of any other character. No tokenizer needs more than one token for a byte, but some
    need that many, for instance for emoji or random letters.

    >>> count_most("HbA1c"), count_most("\N{GRINNING FACE}"), count_most("HbA1c", 0.5)
    (5.0, 4.0, 2.5)
    """
    if text.isascii():
        return len(text) * rate
    # some tokenizers write compatibility characters out first
    forms = (text, unicodedata.normalize("NFKC", text))
    ascii_count = sum(map(str.isascii, text))
    size = max(len(form.encode("utf-8", "surrogatepass")) for form in forms)
    return ascii_count * rate + size - ascii_count


@cache
def _read(name: str) -> Mapping[str, Any]:
    return read_toml(__package__, name)


class Cases(NamedTuple, Generic[T]):
    """A forecast for three cases: the lowest, the expected, and the highest."""

    low: T
    expected: T
    high: T


@dataclass(frozen=True, slots=True)
class Rates:
    """The token rates of requests in one case.

    ``messages``, ``schema`` and ``answer`` are tokens per character, ``thinking`` is the number of
    reasoning tokens per call, and ``again`` is the fraction of calls that are repeated because the
    answer did not match the schema.
    """

    messages: float
    schema: float
    answer: float
    thinking: int = 0
    again: float = 0


class TokenCounts(NamedTuple):
    """Calls and their tokens. ``static`` is the part of the ``prompt`` tokens that every call
    repeats.
    """

    calls: float
    prompt: float
    static: float
    output: float


def load_rates(
    spec: ModelSpec | None, thinking: Iterable[int] = (0, 0, 0)
) -> Cases[Rates]:
    """Load the lowest, expected and highest rates for a model. If ``spec`` is None, the rates of a
    hosted model are used.

    The rates for models on the user's own server were measured separately, and the schema is not
    expected to be part of the prompt for these models. ``thinking`` contains the lowest, expected
    and highest numbers of reasoning tokens that the model uses per call.
    """
    kind = "own" if spec and spec.is_server else "hosted"
    measured = _read("answer_sizes.toml")["tokens_per_character"][kind]
    cases = zip(_read("rates.toml")[kind], measured, thinking, strict=True)
    return Cases(
        *(
            Rates(**{**case, "answer": case["answer"] * answer, "thinking": thought})
            for case, answer, thought in cases
        )
    )


def forecast_calls(size: RequestSize, rates: Rates) -> TokenCounts:
    """Forecast the tokens of calls, including repeated calls. Answers never exceed their output
    limits.
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

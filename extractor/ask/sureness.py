"""How sure a model is of each value of its answer, told by how likely each token was to it.

llama.cpp (2026.10) tells log probabilities from before its grammar: of all tokens, whatever the grammar forbids. A word
that is the only one allowed comes with the -12 that the model would have given it. So tokens that can be nothing else
are no doubt, and are left out where that is easily told: in the words of a closed set. Of a character whose bytes are
spread over tokens it lists one token, the last, with all the bytes and its own probability.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractor.ground.check import GroundedAnswer

from .call import Question
from .wire import WIRE_ITEMS
from .wire.line_grammar import describe_line

__all__ = ["TELL_SURENESS", "Sureness", "believe_as_told", "name_fields", "read_sureness"]

Sureness = Mapping[int, Mapping[str, float]]
"""By a line's number and a key or field: how likely the value was to the model that gave it."""

TELL_SURENESS: Mapping[str, Any] = {"logprobs": True, "top_logprobs": 1}
"""What a request asks for. llama.cpp would list 20 other tokens beside each: 1.6 kB a token, in each stored reply."""

_UNTOLD = 0.01
"""How sure a model is taken to be of a value of which it says nothing. A reading of 0 would be an open one."""
_PARTS: Mapping[str, tuple[str, ...]] = {"split": ("measure", "description", "time_frame")}
_OPENING = re.compile(r'\s*\{\s*"items"\s*:\s*\[\s*')
_BRACE = re.compile(r"\{\s*")
_BETWEEN = re.compile(r"\s*([,:\]}])?\s*")
_DECODER = json.JSONDecoder()

_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Token:
    """A token's place in the answer, in bytes, and its log probability."""

    start: int
    end: int
    logprob: float


def read_sureness(text: str, logprobs: Any, questions: Iterable[Question]) -> Sureness:
    """The probability of each value in an answer, by number and wire key; nothing if the tokens do not tell it.

    ``logprobs`` are those of the completion's choice. A value is as likely as the tokens that begin in it (behind the
    quote or bracket that opens it, and with the one that closes it) or reach into it from before: a list is as
    likely as all its members. What is said several times of one number and key counts as sure as the least sure of it.

    >>> from extractor.parse.parsed import Chunk, ChunkKind, Span
    >>> from extractor.schemas import Task
    >>> line = Question(Task.ELIGIBILITY, Chunk(7, ChunkKind.ITEM, Span("eligibility", 0, 4), "Male"), ("category",))
    >>> tokens = [('{"items":[{"n":7,"cat":"', -0.1), ("s", math.log(0.8)), ("ex", -3.0), ('"}]}', -0.2)]
    >>> told = {"content": [{"token": token, "logprob": logprob} for token, logprob in tokens]}
    >>> read_sureness('{"items":[{"n":7,"cat":"sex"}]}', told, [line])  # no other word begins with "s"
    {7: {'cat': 0.8}}
    """
    tokens = _place_tokens(text, logprobs)
    if not tokens:
        return {}
    words = {question.chunk.number: _closed_words(question) for question in questions}
    found: dict[int, dict[str, float]] = {}
    for number, spans in _list_values(text):
        for key, (start, end) in spans.items():
            span = _byte(text, start), _byte(text, end)
            sure = _multiply(tokens, span, text[start:end], words.get(number, {}).get(key, ()))
            if sure is not None:
                known = found.setdefault(number, {})
                known[key] = min(sure, known.get(key, 1.0))
    return found


def name_fields(told: Sureness, questions: Iterable[Question]) -> Sureness:
    """The same by the names of fields, for the lines that were asked about.

    >>> from extractor.parse.parsed import Chunk, ChunkKind, Span
    >>> from extractor.schemas import Task
    >>> line = Question(Task.DOSING, Chunk(7, ChunkKind.ITEM, Span("arms[0]", 0, 4), "5 mg"), ("amounts",))
    >>> name_fields({7: {"dose": 0.9}, 8: {"dose": 0.5}}, [line])
    {7: {'amounts': 0.9}}
    """
    tasks = {question.chunk.number: question.task for question in questions}
    named: dict[int, dict[str, float]] = {}
    for number in told.keys() & tasks.keys():
        item = WIRE_ITEMS[tasks[number]]
        fields = {item.key(name): _PARTS.get(name, (name,)) for name in item.model_fields}
        named[number] = {name: sure for key, sure in told[number].items() for name in fields.get(key, (key,))}
    return named


def believe_as_told(answer: GroundedAnswer, told: Mapping[str, float]) -> GroundedAnswer:
    """The answer, each of its readings as sure as the model said that it is; one of which it said nothing is hardly."""
    readings = {
        field: replace(reading, confidence=max(_UNTOLD, round(told.get(field, _UNTOLD), 4)))
        for field, reading in answer.readings.items()
    }
    return replace(answer, readings=readings)


def _place_tokens(text: str, logprobs: Any) -> list[_Token]:
    """The tokens from where the answer's text begins; none if they do not make it up."""
    try:
        listed = [_read_token(token) for token in _part(logprobs, "content") or ()]
    except (AttributeError, KeyError, TypeError, ValueError):
        return []  # a server that speaks of tokens in its own way
    begin = b"".join(piece for piece, _ in listed).find(_encode(text))
    if not text or begin < 0:
        return []
    tokens, place = [], -begin
    for piece, logprob in listed:
        tokens.append(_Token(place, place + len(piece), logprob))
        place += len(piece)
    return tokens


def _read_token(token: Any) -> tuple[bytes, float]:
    listed, logprob = _part(token, "bytes"), float(_part(token, "logprob"))
    if math.isnan(logprob):
        raise ValueError("no probability")
    return _encode(_part(token, "token")) if listed is None else bytes(list(listed)), min(logprob, 0.0)


def _part(whole: Any, name: str) -> Any:
    """A part of what was read into a type of the SDK, or left as it came."""
    return whole.get(name) if isinstance(whole, Mapping) else getattr(whole, name, None)


def _encode(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _byte(text: str, place: int) -> int:
    return len(_encode(text[:place]))


def _multiply(tokens: Sequence[_Token], span: _Span, written: str, words: Sequence[str]) -> float | None:
    """The probability of a value that is ``written`` so in these bytes, one of ``words`` if there are any."""
    start, end = span
    counted = [token for token in tokens if token.start < end and token.end > start]
    if not counted:
        return None
    raw = _encode(written)
    doubted = (token.logprob for token in counted if _is_open(raw[: max(0, token.start - start)], words))
    return math.exp(sum(doubted))


def _is_open(begun: bytes, words: Sequence[str]) -> bool:
    """Whether what follows could have been anything else."""
    return not words or sum(word.encode().startswith(begun) for word in words) > 1


def _closed_words(question: Question) -> dict[str, Sequence[str]]:
    """The words that the grammar allows for a line, by key."""
    properties = describe_line(question)["properties"]
    return {key: found["enum"] for key, found in properties.items() if key != "n" and "enum" in found}


def _list_values(text: str) -> Iterator[tuple[int, dict[str, _Span]]]:
    """The number of each item that is whole, and where its values stand, behind the mark that opens them."""
    opening = _OPENING.match(text)
    place = opening.end() if opening else len(text)
    try:
        while brace := _BRACE.match(text, place):
            number, spans, place = _read_item(text, brace.end())
            if number is not None:
                yield number, spans
            mark, place = _next_mark(text, place)
            if mark != ",":
                return
    except ValueError:
        return  # it broke off


def _read_item(text: str, place: int) -> tuple[int | None, dict[str, _Span], int]:
    """One item, from behind its brace, and where it ends. Raises ``ValueError`` if it is not whole."""
    number: int | None = None
    spans: dict[str, _Span] = {}
    mark: str | None = ","
    while mark == ",":
        key, place = _DECODER.raw_decode(text, place)
        mark, place = _next_mark(text, place)
        if not isinstance(key, str) or mark != ":":
            raise ValueError("no key")
        value, end = _DECODER.raw_decode(text, place)
        if key == "n":
            number = value if type(value) is int else None
        else:
            spans[key] = place + isinstance(value, str | list | dict), end
        mark, place = _next_mark(text, end)
    if mark != "}":
        raise ValueError("no end")
    return number, spans, place


def _next_mark(text: str, place: int) -> tuple[str | None, int]:
    found = _BETWEEN.match(text, place)
    return (found[1], found.end()) if found else (None, place)

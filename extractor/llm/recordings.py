"""Transports that record a model's answers in a folder, and replay them from a folder or from a run's store."""

import difflib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx2

from extractor.errors import (
    AnswerPending,
    CassetteError,
    CassetteMiss,
    ModelUnavailable,
    ModeRefused,
    RequestTooLong,
)
from extractor.llm.estimates import estimate_tokens

from .cache import ReplyStore, exchange_key, identity_of, served_response
from .spec import shown_model
from .trace import Verdict, current_prompt, current_session, read_usage

_SHOWN_LINES, _SHOWN_WIDTH = 24, 160
_FAILURES: Mapping[Verdict | None, type[ModelUnavailable]] = {
    Verdict.TOO_LONG: RequestTooLong,
    Verdict.MODE_REFUSED: ModeRefused,
}
_serial = count()


class RecordingTransport(httpx2.AsyncBaseTransport):
    """Passes requests on, and saves each request and its successful reply as ``<key>.json`` in a folder.

    The key comes from ``exchange_key``, so the same question to another model replaces the answer. A truncated reply
    never replaces a complete one. API keys, addresses, and values that change with each exchange are not saved.
    """

    def __init__(self, folder: Path, inner: httpx2.AsyncBaseTransport) -> None:
        self._folder, self._inner = folder, inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        response = await self._inner.handle_async_request(request)
        await response.aread()
        if response.status_code == 200 and (exchange := _exchange(json.loads(body), response)):
            self._keep(exchange)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _keep(self, exchange: dict[str, Any]) -> None:
        path = self._folder / f"{exchange['key'][:16]}.json"
        temporary = path.with_name(f".{path.stem}.{os.getpid()}.{next(_serial)}")
        try:
            if exchange["reply"]["finish_reason"] == "length" and path.exists():
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(exchange, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            raise CassetteError(f"{path}: cannot be written: {error.strerror}; choose another folder") from error


class ReplayTransport(httpx2.AsyncBaseTransport):
    """Answers from a folder that ``RecordingTransport`` filled, without the network.

    The folder is read once, at the first request. A recording made with a grammar answers the same messages, whatever
    schema is sent with them.

    Raises ``CassetteMiss`` for a request without a recording, ``CassetteError`` for a broken folder or file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._completions: dict[str, dict[str, Any]] = {}
        self._requests: dict[str, dict[str, Any]] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if not self._requests:
            self._load()
        body = json.loads(await request.aread() or b"{}")
        completion = self._completions.get(exchange_key(body)) or self._completions.get(_key_of_messages(body))
        if completion is None:
            raise CassetteMiss(describe_miss(body, self._requests, str(self._folder)))
        content = json.dumps(completion).encode("utf-8")
        return served_response(content, read_usage(content), spent=True)

    def _load(self) -> None:
        if not self._folder.is_dir():
            raise CassetteError(f"{self._folder}: no such folder of recordings")
        for path in sorted(self._folder.glob("*.json")):
            try:
                exchange = json.loads(path.read_text(encoding="utf-8"))
                request, key = exchange["request"], exchange_key(exchange["request"])
                completion = {
                    "id": f"chatcmpl-{key[:16]}",
                    "object": "chat.completion",
                    "created": 0,
                    "model": exchange["model"],
                    "choices": [{"index": 0, "logprobs": None, **exchange["reply"]}],
                    "usage": exchange["usage"],
                }
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                raise CassetteError(f"{path}: not a recording of an exchange: {error}; record it again") from error
            self._requests[path.name], self._completions[key] = request, completion
            if "grammar" in request:
                self._completions[_key_of_messages(request)] = completion


@dataclass(slots=True)
class RecallTally:
    """The numbers of requests with and without an answer in a run's store, and the prompt tokens of the latter."""

    answered: int = 0
    missing: int = 0
    missing_tokens: int = 0


class RecallTransport(httpx2.AsyncBaseTransport):
    """Answers from a run's store: each record gets the same replies as in the run, valid or not.

    Requests are compared by question, not by model and parameters. Requests that failed in the run fail again. Raises
    ``CassetteMiss`` for an unknown request. With a ``tally``, unknown requests are counted and stay open
    (``AnswerPending``), and the cost of replies does not count for this run.
    """

    def __init__(self, replies: ReplyStore, tally: RecallTally | None = None) -> None:
        self._replies, self._tally = replies, tally

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(await request.aread())
        record_id = current_session().record_id
        kept = self._replies.recall(record_id, body)
        if kept and kept.content is not None:
            if self._tally:
                self._tally.answered += 1
            return served_response(kept.content, kept.cost, spent=self._tally is None)
        if self._tally:
            self._tally.missing += 1
            self._tally.missing_tokens += estimate_tokens(json.dumps(identity_of(body), ensure_ascii=False))
            raise AnswerPending("the answer is not in the run's store")
        if kept is None:
            raise CassetteMiss(describe_miss(body, self._replies.requests_of(record_id), "the run's store"))
        kind = _FAILURES.get(kept.verdict, ModelUnavailable)
        raise kind("the run got no reply to this request", kept.cost, lasting=False)


def _exchange(body: Mapping[str, Any], response: httpx2.Response) -> dict[str, Any] | None:
    """The saved part of an exchange; None if the reply is not a chat completion."""
    try:
        reply = response.json()
        choice = reply["choices"][0]
        message = {name: value for name, value in choice["message"].items() if value is not None}
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    for position, call in enumerate(message.get("tool_calls") or []):
        call["id"] = f"call_{position}"
    prompt = current_prompt()
    return {
        "key": exchange_key(body),
        "prompt": asdict(prompt) if prompt else None,
        "model": shown_model(reply.get("model")),
        "request": {name: value for name, value in identity_of(body).items() if value},
        "reply": {"message": message, "finish_reason": choice.get("finish_reason")},
        "usage": reply.get("usage"),
    }


def _key_of_messages(request: Mapping[str, Any]) -> str:
    return "grammar " + exchange_key({"messages": request.get("messages")})


def describe_miss(wanted: Mapping[str, Any], recorded: Mapping[str, Mapping[str, Any]], place: str) -> str:
    """Return a message with the recorded request nearest to ``wanted`` and the differences.

    ``recorded`` maps the names of recordings to their requests; ``place`` names their location.

    >>> print(describe_miss({"messages": [{"role": "user", "content": "two"}]},
    ...                     {"a.json": {"messages": [{"role": "user", "content": "one"}]}}, "answers"))
    no recording of this request in answers; nearest is a.json:
    --- a.json
    +++ this request
    -one
    +two
    record it again, or replay with the prompts and settings of the recording
    """
    remedy = "record it again, or replay with the prompts and settings of the recording"
    if not recorded:
        return f"no recording of this request in {place}, which is empty; {remedy}"
    asked, candidates = _to_lines(wanted), {name: _to_lines(request) for name, request in recorded.items()}
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(asked)  # the matcher caches its index of the second sequence

    def similarity(name: str) -> float:
        matcher.set_seq1(candidates[name])
        return matcher.ratio()

    name = max(sorted(candidates), key=similarity)
    lines = difflib.unified_diff(candidates[name], asked, name, "this request", n=0, lineterm="")
    shown = [line[:_SHOWN_WIDTH] for line in lines if not line.startswith("@@")]
    shown = shown or ["only the number of times it is asked differs"]
    more = [f"... {len(shown) - _SHOWN_LINES} more lines differ"] if len(shown) > _SHOWN_LINES else []
    headline = f"no recording of this request in {place}; nearest is {name}:"
    return "\n".join([headline, *shown[:_SHOWN_LINES], *more, remedy])


def _to_lines(body: Mapping[str, Any]) -> list[str]:
    """The question in a request: the lines of its messages, then the rest as JSON."""
    identity = identity_of(body)
    lines = []
    for message in identity.pop("messages"):
        content = message.get("content") or ""
        others = {name: value for name, value in message.items() if name not in ("role", "content")}
        lines += [*str(content).splitlines(), *([json.dumps(others, ensure_ascii=False)] if others else [])]
    rest = {name: value for name, value in identity.items() if value}
    return lines + json.dumps(rest, indent=1, sort_keys=True, ensure_ascii=False).splitlines()

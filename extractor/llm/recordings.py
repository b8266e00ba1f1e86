"""Answers of a model kept in a folder or in a run's store, and given back without a model."""

import difflib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx2

from extractor.errors import AnswerPending, CassetteError, CassetteMiss, ModelUnavailable
from extractor.llm.estimates import estimate_tokens

from .cache import Asked, ReplyStore, exchange_key, identity_of, kept_response
from .failures import ModeRefused, RequestTooLong
from .requests import AnswerMode, mode_of
from .spec import shown_model
from .trace import Served, Verdict, current_prompt, current_session, read_usage

_SHOWN_LINES = 24
_SHOWN_WIDTH = 160
_NEEDED = ("model", "request", "reply", "usage")
_NOT_TAKEN: Mapping[Verdict | None, type[ModelUnavailable]] = {
    Verdict.TOO_LONG: RequestTooLong,
    Verdict.MODE_REFUSED: ModeRefused,
}
_serial = count()


class RecordingTransport(httpx2.AsyncBaseTransport):
    """Keeps each request and its successful reply as ``<key>.json`` in a folder, and lets everything through.

    The key is that of ``exchange_key``: the same question to another model replaces the answer. A reply that was cut
    off never replaces a whole one. Neither keys nor addresses are kept, and nothing that changes by itself.
    """

    def __init__(self, folder: Path, inner: httpx2.AsyncBaseTransport) -> None:
        self._folder, self._inner = folder, inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        response = await self._inner.handle_async_request(request)
        if response.status_code != 200 or not request.url.path.endswith("/chat/completions"):
            return response
        content = await response.aread()
        await response.aclose()
        exchange = _exchange(json.loads(body), content)
        if exchange:
            _keep(self._folder, exchange)
        kind = response.headers.get("content-type", "application/json")
        return httpx2.Response(200, headers={"content-type": kind}, content=content)

    async def aclose(self) -> None:
        await self._inner.aclose()


class ReplayTransport(httpx2.AsyncBaseTransport):
    """Answers from a folder that ``RecordingTransport`` filled, and never touches the network.

    The folder is read once, at the first request; one transport can serve many connections in turn. What was recorded
    under a grammar for the lines of one call (``AnswerMode.LINES``) answers the same messages without it.

    Raises ``CassetteMiss`` for a request that is not there and ``CassetteError`` for a folder or file that is broken.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._exchanges: dict[str, Any] | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._exchanges is None:
            self._exchanges = _load_exchanges(self._folder)
        body = json.loads(await request.aread() or b"{}")
        exchange = self._exchanges.get(exchange_key(body)) or self._exchanges.get(_key_of_messages(body))
        if exchange is None:
            recorded = {known["name"]: known["request"] for known in self._exchanges.values()}
            raise CassetteMiss(describe_miss(body, recorded, str(self._folder)))
        response = httpx2.Response(200, json=_as_completion(exchange))
        response.extensions["served"] = Served(read_usage(response.content), spent=True)
        return response


@dataclass(slots=True)
class RecallTally:
    """Requests that a run's store could answer, those it could not, and the tokens that these would use."""

    answered: int = 0
    missing: int = 0
    missing_tokens: int = 0

    def miss(self, body: Mapping[str, Any]) -> None:
        """Count a request that the store has no answer to; tokens are estimated."""
        self.missing += 1
        self.missing_tokens += estimate_tokens(json.dumps(identity_of(body), ensure_ascii=False))


class RecallTransport(httpx2.AsyncBaseTransport):
    """Answers from a run's store alone: each record gets the replies that it got then, valid or not.

    Requests are compared by what they ask, not by model and parameters; requests that failed then fail again. An
    unknown request raises ``CassetteMiss``. With a ``tally`` it is counted and stays open (``AnswerPending``), and the
    cost of replies does not count for this run.
    """

    def __init__(self, replies: ReplyStore, tally: RecallTally | None = None) -> None:
        self._replies, self._tally = replies, tally

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(await request.aread())
        record_id = current_session().record_id
        kept = self._replies.recall(record_id, Asked(body))
        if self._tally:
            if kept is None or kept.content is None:
                self._tally.miss(body)
                raise AnswerPending("its answer is not in the run's store")
            self._tally.answered += 1
            return kept_response(kept)
        if kept is None:
            raise CassetteMiss(describe_miss(body, self._replies.requests_of(record_id), "the run's store"))
        if kept.content is not None:
            return kept_response(kept, spent=True)
        kind = _NOT_TAKEN.get(kept.verdict, ModelUnavailable)
        raise kind("no reply came when this was asked", kept.cost, lasting=False)


def _stem(key: str) -> str:
    return key[:16]


def _exchange(body: Mapping[str, Any], content: bytes) -> dict[str, Any] | None:
    """What is kept of an exchange; None if the reply is no chat completion."""
    try:
        reply = json.loads(content)
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


def _keep(folder: Path, exchange: dict[str, Any]) -> None:
    path = folder / f"{_stem(exchange['key'])}.json"
    temporary = folder / f".{path.stem}.{os.getpid()}.{next(_serial)}"
    try:
        if exchange["reply"]["finish_reason"] == "length" and path.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(exchange, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise CassetteError(f"{path}: cannot be written: {error.strerror}; record into another folder") from error


def _load_exchanges(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise CassetteError(f"{folder}: no such folder of recordings")
    exchanges = {}
    for path in sorted(folder.glob("*.json")):
        try:
            exchange = json.loads(path.read_text(encoding="utf-8"))
            request = exchange["request"]
            known = {"name": path.name} | {name: exchange[name] for name in _NEEDED}
            exchanges[exchange_key(request)] = known
            if mode_of(request) is AnswerMode.LINES:
                exchanges[_key_of_messages(request)] = known
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise CassetteError(f"{path}: no recording of an exchange: {error}; record it again") from error
    return exchanges


def _key_of_messages(request: Mapping[str, Any]) -> str:
    return "lines " + exchange_key({"messages": request.get("messages")})


def _as_completion(exchange: Mapping[str, Any]) -> dict[str, Any]:
    key = exchange_key(exchange["request"])
    return {
        "id": f"chatcmpl-{_stem(key)}",
        "object": "chat.completion",
        "created": 0,
        "model": exchange["model"],
        "choices": [{"index": 0, "logprobs": None, **exchange["reply"]}],
        "usage": exchange["usage"],
    }


def describe_miss(wanted: Mapping[str, Any], recorded: Mapping[str, Mapping[str, Any]], place: str) -> str:
    """A message that shows the recorded request nearest to ``wanted``, and what differs.

    ``recorded`` maps the names of recordings to their requests; ``place`` says where they are.

    >>> print(describe_miss({"messages": [{"role": "user", "content": "two"}]},
    ...                     {"a.json": {"messages": [{"role": "user", "content": "one"}]}}, "answers"))
    no recording of this request in answers; nearest is a.json, which differs in messages[0] (user)
    --- a.json
    +++ this request
     messages[0] (user):
    -one
    +two
    record it again, or replay with the prompts and settings it was recorded with
    """
    remedy = "record it again, or replay with the prompts and settings it was recorded with"
    if not recorded:
        return f"no recording of this request in {place}, which is empty; {remedy}"
    ours, candidates = _parts(wanted), {name: _parts(request) for name, request in recorded.items()}
    asked = _as_lines(ours)
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(asked)  # the matcher keeps its index of the second sequence between comparisons

    def similarity(name: str) -> float:
        matcher.set_seq1(_as_lines(candidates[name]))
        return matcher.ratio()

    name = max(sorted(candidates), key=similarity)
    theirs = candidates[name]
    differing = ", ".join(title for title in ours | theirs if ours.get(title) != theirs.get(title))
    headline = f"no recording of this request in {place}; nearest is {name}, which differs in "
    lines = difflib.unified_diff(_as_lines(theirs), asked, name, "this request", n=1, lineterm="")
    shown = [line[:_SHOWN_WIDTH] for line in lines if not line.startswith("@@")]
    hidden = len(shown) - _SHOWN_LINES
    more = [f"... {hidden} more lines differ"] if hidden > 0 else []
    differing = differing or "nothing but the number of times it is asked"
    return "\n".join([headline + differing, *shown[:_SHOWN_LINES], *more, remedy])


def _parts(body: Mapping[str, Any]) -> dict[str, str]:
    """The parts of a request as text, by their titles."""
    identity = identity_of(body)
    parts: dict[str, Any] = {}
    for i, message in enumerate(identity["messages"]):
        plain = message.keys() <= {"role", "content"}
        content = message.get("content") if plain else {k: v for k, v in message.items() if k != "role"}
        parts[f"messages[{i}] ({message.get('role')})"] = content
    parts |= {name: identity[name] for name in ("tools", "response_format", "grammar") if identity.get(name)}
    return {
        title: part if isinstance(part, str) else json.dumps(part, indent=1, sort_keys=True, ensure_ascii=False)
        for title, part in parts.items()
    }


def _as_lines(parts: Mapping[str, str]) -> list[str]:
    return [line for title, part in parts.items() for line in (f"{title}:", *part.splitlines())]

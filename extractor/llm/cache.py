"""Stores every call to a model and its reply in SQLite, as cache, audit trail and replay."""

import asyncio
import hashlib
import json
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any
from weakref import WeakValueDictionary

import httpx2

from extractor.schemas import Usage

from .database import Database
from .trace import CallTrace, Served, Verdict, read_finish_reason, read_usage

_OK, _FEW = 200, 50
_FIRST_MESSAGES = 2
_COST = "exchanges, prompt_tokens, cached_tokens, output_tokens"
_SUMS = ", ".join(f"coalesce(sum({name}), 0)" for name in _COST.split(", "))
_LIMITS = frozenset({"max_tokens", "max_completion_tokens"})


@dataclass(frozen=True, slots=True)
class KeptReply:
    """The raw reply to a request, and its cost including earlier attempts.

    ``content`` is None if there was no reply. ``verdict`` is the verdict on its chain (a call with its re-asks), None
    if the chain never ended.
    """

    call: int
    chain: int
    content: bytes | None
    cost: Usage
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Spending:
    """The cost of calls. ``unpriced`` calls used tokens and have no price; ``unanswered`` calls got no reply."""

    usage: Usage = field(default_factory=Usage)
    picodollars: int = 0
    unpriced: int = 0
    unanswered: int = 0


@dataclass(frozen=True, slots=True)
class MadeCall:
    """An answered call: its request, the name of its prompt, and its usage."""

    request: dict[str, Any]
    prompt: str
    usage: Usage

    @property
    def asked_again(self) -> bool:
        """Whether it is a re-ask, which quotes the errors of the first answer."""
        return len(self.request["messages"]) > _FIRST_MESSAGES


class ReplyStore:
    """Calls and raw replies, addressed by content: a request's key covers everything that decides its answer.

    No secret, address or header is stored. Each method is a short transaction, or part of one. ``price`` returns the
    price of tokens in picodollars.
    """

    def __init__(self, database: Database, price: Callable[[Usage], int] | None = None) -> None:
        self._database, self._price = database, price

    def transaction(self) -> AbstractContextManager[None]:
        """Store all that the block writes, or nothing."""
        return self._database.transaction()

    def begin_chain(self, trace: CallTrace) -> int:
        """Store that a call begins. Returns the number of its chain."""
        prompt = trace.prompt
        return self._insert(
            "INSERT INTO chains (record_id, prompt, prompt_version, prompt_sha256) VALUES (?, ?, ?, ?)",
            (trace.session.record_id, prompt.name, prompt.version, prompt.sha256),
        )

    def end_chain(self, number: int, verdict: Verdict, why: str) -> None:
        """Store how a call ended, unless a verdict is stored. From then on only replies of valid calls are served."""
        sql = "UPDATE chains SET verdict = ?, why = ? WHERE id = ? AND verdict IS NULL"
        self._database.execute(sql, (verdict, why, number))

    def begin_call(self, chain: int, body: Mapping[str, Any]) -> int:
        """Store a request that is about to be sent. Returns its number."""
        packed = zlib.compress(json.dumps(body, ensure_ascii=False, sort_keys=True).encode("utf-8"))
        sent = datetime.now(UTC).isoformat(timespec="milliseconds")
        row = (chain, request_key(body), question_key(body), str(body.get("model")), packed, sent)
        sql = "INSERT INTO calls (chain, key, question, model, request, sent) VALUES (?, ?, ?, ?, ?, ?)"
        return self._insert(sql, row)

    def end_call(self, call: int, status: int, content: bytes, cost: Usage | None = None) -> None:
        """Store a reply. Of an error only the status is stored, because servers repeat keys in error messages.

        The default ``cost`` is read from the reply.
        """
        cost = cost or read_usage(content)
        reply = zlib.compress(content) if status == _OK else None
        spent = (cost.calls, cost.prompt_tokens, cost.cached_tokens, cost.output_tokens)
        price = self._price(cost) if self._price else None
        self._database.execute(
            "UPDATE calls SET status = ?, reply = ?, finish_reason = ?, exchanges = ?, prompt_tokens = ?,"
            " cached_tokens = ?, output_tokens = ?, picodollars = ? WHERE id = ?",
            (status, reply, read_finish_reason(content), *spent, price, call),
        )

    def withdraw_call(self, call: int) -> None:
        """Delete a request that no server received."""
        self._database.execute("DELETE FROM calls WHERE id = ?", (call,))

    def note_use(self, record_id: str | None, body: Mapping[str, Any], call: int) -> None:
        """Store which call answers a record's question."""
        if record_id is not None:
            row = (record_id, question_key(body), call)
            self._database.execute("INSERT OR REPLACE INTO uses VALUES (?, ?, ?)", row)

    def find(self, key: str, own: int | None = None) -> KeptReply | None:
        """The reply to the request with this key: a valid one, or one whose call is still running or was killed.

        Without a verdict, a truncated reply is not served. Replies of the chain ``own`` are not served either, because
        it repeats the request on purpose.
        """
        call = self._database.value(
            "SELECT calls.id FROM calls JOIN chains ON chains.id = calls.chain"
            " WHERE key = ? AND status = 200 AND finish_reason IS NOT NULL AND chains.id IS NOT ?"
            " AND (verdict = 'valid' OR verdict IS NULL AND finish_reason <> 'length')"
            " ORDER BY verdict = 'valid' DESC, calls.id DESC LIMIT 1",
            (key, own),
        )
        return None if call is None else self.read(call)

    def recall(self, record_id: str | None, body: Mapping[str, Any]) -> KeptReply | None:
        """The reply of any model to this question: first this record's own, then a valid one, then any."""
        question = question_key(body)
        sql = "SELECT call FROM uses WHERE record_id = ? AND question = ?"
        call = self._database.value(sql, (record_id, question)) or self._database.value(
            "SELECT calls.id FROM calls JOIN chains ON chains.id = calls.chain"
            " WHERE question = ? AND status = 200 ORDER BY verdict = 'valid' DESC, calls.id DESC LIMIT 1",
            (question,),
        )
        return None if call is None else self.read(call)

    def read(self, call: int) -> KeptReply:
        """The last reply to the request of ``call`` in its chain, with the cost of all its attempts."""
        chain, verdict, last, *spent = self._database.row(
            f"SELECT chain, verdict, max(iif(status = 200, calls.id, NULL)), {_SUMS} FROM calls"  # noqa: S608
            " JOIN chains ON chains.id = chain WHERE (chain, key) = (SELECT chain, key FROM calls WHERE id = ?)",
            (call,),
        ) or (0, None, None)
        reply = self._database.value("SELECT reply FROM calls WHERE id = ?", (last,))
        content = zlib.decompress(reply) if reply else None
        return KeptReply(last or call, chain, content, _usage(spent or None), Verdict(verdict) if verdict else None)

    def requests_of(self, record_id: str | None) -> dict[str, dict[str, Any]]:
        """Some requests by the first 16 digits of their keys: of a record, or the latest ones if it has none."""
        sql = "SELECT key, request FROM calls JOIN chains ON chains.id = chain"
        for where, of in (("WHERE record_id = ?", (record_id,)), ("", ())):
            rows = self._database.execute(f"{sql} {where} ORDER BY calls.id DESC LIMIT {_FEW}", of).fetchall()
            if rows:
                return {key[:16]: json.loads(zlib.decompress(request)) for key, request in rows}
        return {}

    @property
    def last_request(self) -> dict[str, Any]:
        """The latest answered request, preferably of a valid call; empty if there is none."""
        packed = self._database.value(
            "SELECT request FROM calls JOIN chains ON chains.id = calls.chain WHERE status = 200"
            " ORDER BY verdict = 'valid' DESC, calls.id DESC LIMIT 1"
        )
        return dict(json.loads(zlib.decompress(packed))) if packed else {}

    @property
    def spending(self) -> Spending:
        """The sum over all calls, including those without a reply, each at the price of its day."""
        usage = _usage(self._database.row(f"SELECT {_SUMS} FROM calls"))  # noqa: S608
        row = self._database.row(
            "SELECT coalesce(sum(picodollars), 0),"
            " coalesce(sum(picodollars IS NULL AND prompt_tokens + output_tokens > 0), 0),"
            " coalesce(sum(status IS NULL AND exchanges > 0), 0) FROM calls"
        )
        return Spending(usage, *(row or ()))

    def latest_calls(self, most: int) -> Iterator[MadeCall]:
        """The latest ``most`` answered calls, newest first."""
        rows = self._database.execute(
            f"SELECT request, prompt, {_COST} FROM calls JOIN chains ON chains.id = calls.chain"  # noqa: S608
            f" WHERE status = 200 ORDER BY calls.id DESC LIMIT {most:d}"
        )
        for request, prompt, *spent in rows:
            yield MadeCall(json.loads(zlib.decompress(request)), prompt, _usage(spent))

    def price_unpriced(self) -> None:
        """Set the current price on calls without one, if it is known."""
        if self._price is None:
            return
        unpriced = self._database.execute(
            f"SELECT id, {_COST} FROM calls WHERE picodollars IS NULL AND prompt_tokens + output_tokens > 0"  # noqa: S608
        ).fetchall()
        priced = [(self._price(_usage(spent)), call) for call, *spent in unpriced]
        with self._database.transaction():
            self._database.execute_many("UPDATE calls SET picodollars = ? WHERE id = ?", priced)

    def _insert(self, sql: str, row: tuple[Any, ...]) -> int:
        number = self._database.execute(sql, row).lastrowid
        assert number is not None
        return number


OpenReplies = Callable[[], ReplyStore]
"""Opens the store at its first use, because a run begins only after its model is open."""


class ReplyCache:
    """Serves stored replies, and stores new ones before they are read.

    Concurrent equal requests share one reply. A reply becomes valid when its call ends well. If its call was killed,
    the call that receives it sets the verdict. A request whose reply was not valid is sent again.
    """

    def __init__(self, open_replies: OpenReplies) -> None:
        self._open_replies = open_replies
        self._requested: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def fetch(
        self, body: Mapping[str, Any], trace: CallTrace, send: Callable[[], Awaitable[httpx2.Response]]
    ) -> httpx2.Response:
        """Return the stored reply, or the reply of ``send``."""
        key = request_key(body)
        async with self._requested.setdefault(key, asyncio.Lock()):
            kept = self.replies.find(key, trace.chain)
            if kept is None or kept.content is None:
                return await send()
        self.replies.note_use(trace.session.record_id, body, kept.call)
        if kept.verdict is None:
            trace.endings.append(partial(self.replies.end_chain, kept.chain))
        trace.tally.add(kept.cost, spent=False)
        return served_response(kept.content, kept.cost, spent=False)

    def begin(self, body: Mapping[str, Any], trace: CallTrace) -> int:
        """Store a request, and its chain if it is the first of its call. Returns its number."""
        with self.replies.transaction():
            if trace.chain is None:
                chain = trace.chain = self.replies.begin_chain(trace)
                trace.endings.append(partial(self.replies.end_chain, chain))
            call = self.replies.begin_call(trace.chain, body)
            self.replies.note_use(trace.session.record_id, body, call)
        return call

    @cached_property
    def replies(self) -> ReplyStore:
        """The store, opened at its first use."""
        return self._open_replies()


def served_response(content: bytes, cost: Usage, status: int = _OK, *, spent: bool) -> httpx2.Response:
    """Make a response from a reply that was paid for earlier. With ``spent``, its cost counts for this run too."""
    headers, extensions = {"content-type": "application/json"}, {"served": Served(cost, spent)}
    return httpx2.Response(status, headers=headers, content=content, extensions=extensions)


def _usage(spent: Sequence[Any] | None) -> Usage:
    calls, prompt, cached, output = spent or (0, 0, 0, 0)
    return Usage(calls=calls, prompt_tokens=prompt, cached_tokens=cached, output_tokens=output)


def identity_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The question in a request: messages, tools and response format, without model and sampling.

    Servers give tool calls random ids, which a re-ask repeats. They are replaced by positions.

    >>> call = {"role": "assistant", "tool_calls": [{"id": "call_x81", "function": {"name": "answer"}}]}
    >>> identity_of({"model": "m", "messages": [call]})["messages"][0]["tool_calls"][0]["id"]
    'call_0'
    """
    names: dict[str, str] = {}

    def rename(name: str) -> str:
        return names.setdefault(name, f"call_{len(names)}")

    messages = []
    for message in body.get("messages") or []:
        renamed = dict(message)
        if renamed.get("tool_calls"):
            renamed["tool_calls"] = [{**call, "id": rename(call.get("id", ""))} for call in renamed["tool_calls"]]
        if renamed.get("tool_call_id"):
            renamed["tool_call_id"] = rename(renamed["tool_call_id"])
        messages.append(renamed)
    return {"messages": messages, "tools": body.get("tools"), "response_format": body.get("response_format")}


def exchange_key(body: Mapping[str, Any]) -> str:
    """SHA-256 of the question in a request.

    >>> exchange_key({"messages": [], "model": "a"}) == exchange_key({"messages": [], "model": "b", "temperature": 0})
    True
    """
    return _hash(identity_of(body))


def question_key(body: Mapping[str, Any]) -> str:
    """A key that is equal for requests with the same question, to any model."""
    return exchange_key(body)[:32]


def request_key(body: Mapping[str, Any]) -> str:
    """A key that is equal for requests with the same question, model and parameters.

    It leaves out the output limit, which does not change a complete answer.

    >>> request_key({"messages": [], "max_tokens": 5}) == request_key({"messages": [], "max_completion_tokens": 9})
    True
    >>> request_key({"messages": [], "model": "a"}) == request_key({"messages": [], "model": "b"})
    False
    """
    parameters = {name: value for name, value in body.items() if name not in _LIMITS}
    return _hash(parameters | identity_of(body))[:32]


def _hash(identity: Mapping[str, Any]) -> str:
    canonical = json.dumps(identity, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()

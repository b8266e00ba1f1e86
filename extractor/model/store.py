"""All calls to models and their answers in ``run.sqlite``, which serve as a cache, a ledger, a
batch queue and a source for replays.

A request has a row in ``requests`` from just before it is sent until its call is stored with the
usage that the reply states. Therefore, if the process is killed, each request with an unknown cost
is counted at its maximum cost.
"""

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from extractor.errors import AnswerPending
from extractor.model.calls import Call, schema_of
from extractor.model.completions import Completion, Ending, is_json
from extractor.model.database import Database
from extractor.schemas import Usage

if TYPE_CHECKING:
    from extractor.model.cost.prices import Price

_MOST = ("prompt_tokens", "written_tokens", "output_tokens")
_TOKENS = (*_MOST, "cached_tokens", "thinking_tokens")
_ALL = ("exchanges", *_TOKENS)
"""The columns of ``calls`` that contain numbers of requests and tokens. ``requests`` has only
``_MOST``.
"""


class State(StrEnum):
    """The state of a call.

    - ``asked``: no answer is stored, because the call is still running or has failed, or because
      its process was killed.
    - ``waiting``: the call is waiting for a batch or for the answers of a batch.
    - ``answered``: the answer is usable.
    - ``cut``: the output limit truncated the answer, and the rest is asked again in halves.
    - ``rejected``: the answer is unusable, or the call is too long; the next run asks again.
    """

    ASKED = "asked"
    WAITING = "waiting"
    ANSWERED = "answered"
    CUT = "cut"
    REJECTED = "rejected"


class Answer(NamedTuple):
    """An answer with the usage of all its requests, its number in the store, and whether it is new
    rather than read from the store.
    """

    completion: Completion
    number: int
    is_new: bool = False


class Spending(NamedTuple):
    """The cost of calls. ``unpriced`` is the usage of calls without a known price.

    ``unstated`` is the number of requests with an unknown cost, because they did not receive a
    reply, or because the reply did not state the usage. ``most_dollars`` is the maximum cost of
    such requests with a price, and ``most_unpriced`` is the maximum usage of such requests without
    one.
    """

    usage: Usage = Usage()
    dollars: float = 0.0
    unpriced: Usage = Usage()
    unstated: int = 0
    most_dollars: float = 0.0
    most_unpriced: Usage = Usage()


def judge_call(completion: Completion) -> State:
    """Return the state of an answered call, depending on whether its answer is truncated, complete
    JSON, or unusable.
    """
    if completion.ending is Ending.CUT:
        return State.CUT
    is_usable = completion.ending is Ending.COMPLETE and is_json(completion.text)
    if is_usable:
        return State.ANSWERED
    return State.REJECTED


@dataclass(eq=False)
class CallStore:
    """Calls and their answers. A call's key covers the questions and the model, but not the limits
    or sampling.

    Secrets, addresses and headers are not stored. Each method is a short transaction, or part of
    one. ``price`` is None if the price is unknown.
    """

    database: Database
    price: "Price | None" = None

    def begin(self, call: Call, model: str, state: State = State.ASKED) -> int:
        """Store a call before it is sent, together with its prompt if the prompt is new. Return the
        number of the call.
        """
        schema = schema_of(call.reply_model)
        with self.database.transaction():
            self.database.execute(
                "INSERT OR IGNORE INTO prompts (name, version, sha256, system, schema)"
                " VALUES (?, ?, ?, ?, ?)",
                (*call.prompt, schema),
            )
            return self.database.insert(
                "calls",
                key=call.key_for(model),
                question=call.question_key,
                record_id=call.record_id,
                model=model,
                prompt=call.prompt.sha256,
                user=compress_text(call.user),
                output_limit=call.max_output_tokens,
                sent=datetime.now(UTC).isoformat(timespec="milliseconds"),
                state=state,
            )

    def add_request(self, call: int, most: Usage) -> int:
        """Record that a call is about to send a request with a maximum usage of ``most``. Return
        the number of the request.
        """
        tokens = most.model_dump(include=set(_MOST))
        dollars = self.price.most(most) if self.price else None
        return self.database.insert("requests", call=call, dollars=dollars, **tokens)

    def end(
        self,
        number: int,
        completion: Completion | None,
        usage: Usage,
        paid: Iterable[int],
        state: State = State.ASKED,
        why: str = "",
    ) -> None:
        """Store the outcome of a call: its ``completion``, or the ``state`` of the call and ``why``
        if there is no answer, and the ``usage`` of all its requests. The requests in ``paid`` have
        a known cost and are deleted; the others stay in the ledger.
        """
        row: dict[str, object] = {"state": state, "why": why, "answer": None}
        if completion:
            row = {
                "state": judge_call(completion),
                "why": completion.remark,
                "answer": compress_text(completion.text),
                "ending": completion.ending,
                "answered_by": completion.model,
            }
        row |= usage.model_dump(include=set(_TOKENS))
        row["exchanges"] = usage.calls
        row["dollars"] = self.price.cost(usage) if self.price else None
        with self.database.transaction():
            self._set(number, **row)
            for request in paid:
                self.database.execute("DELETE FROM requests WHERE id = ?", (request,))

    def reject(self, number: int) -> None:
        """Record that an answer is unusable, so that the next run asks again."""
        self._set(number, state=State.REJECTED)

    def _set(self, number: int, **row: object) -> None:
        columns = ", ".join(f"{name} = :{name}" for name in row)
        sql = f"UPDATE calls SET {columns} WHERE id = :number"
        self.database.execute(sql, {"number": number, **row})

    def find(
        self, call: Call, model: str, *, in_batches: bool = False
    ) -> Answer | None:
        """Return the latest usable answer to a call with the key of ``call``; otherwise, one that
        was truncated at the same or a higher limit. Returns None if the call must be sent to the
        model.

        With ``in_batches``, an unusable answer from a batch counts too, so that only a live run
        asks again, and ``AnswerPending`` is raised if the call is waiting for a batch.
        """
        return self._read_first(
            "key = ? AND (state = 'answered' OR (state = 'cut' AND output_limit >= ?) OR"
            " (? AND (state = 'waiting' OR (state = 'rejected' AND batch IS NOT NULL))))"
            " ORDER BY state = 'answered' DESC, state = 'cut' DESC, state = 'waiting' DESC",
            (call.key_for(model), call.max_output_tokens, in_batches),
        )

    def is_repeatedly_useless(self, call: Call, model: str) -> bool:
        """Return whether calls with the key of ``call`` were rejected more than once, although the
        model has given usable answers to others.
        """
        sql = (
            "SELECT count(*) > 1 AND EXISTS"
            " (SELECT 1 FROM calls WHERE model = ? AND state = 'answered')"
            " FROM calls WHERE key = ? AND state = 'rejected'"
        )
        return bool(self.database.value(sql, (model, call.key_for(model))))

    def find_line(self, call: Call, model: str, sha256: str) -> int | None:
        """Return the number of the row that says that the line of an answer file with this digest
        was counted for a call, or None.
        """
        sql = "SELECT id FROM calls WHERE key = ? AND answer IS NULL AND why = ?"
        number: int | None = self.database.value(sql, (call.key_for(model), sha256))
        return number

    def recall(self, question: str) -> Answer | None:
        """Return the latest answer to this question key, whichever model it was sent to, or None.
        A usable answer takes precedence over any other.
        """
        return self._read_first(
            "question = ? AND answer IS NOT NULL ORDER BY state = 'answered' DESC",
            (question,),
        )

    def _read_first(self, where: str, parameters: Sequence[object]) -> Answer | None:
        """Return the first answer that matches a condition (which must include an ORDER BY clause),
        or None. If several calls rank equally, the latest is returned. Raises ``AnswerPending`` if
        it has no answer yet.
        """
        row = self.database.row(
            "SELECT id, why, answer, ending, coalesce(answered_by, ''),"
            f" {', '.join(_ALL)} FROM calls WHERE {where}, id DESC LIMIT 1",
            parameters,
        )
        if row is None:
            return None
        number, why, answer, ending, model, *spent = row
        if answer is None:
            raise AnswerPending("the answer has not arrived yet")
        usage = _usage(_ALL, spent)
        completion = Completion(unpack(answer), Ending(ending), usage, model, why)
        return Answer(completion, number)

    @property
    def models(self) -> tuple[str, ...]:
        """The models that were asked, latest first."""
        sql = "SELECT model FROM calls GROUP BY model ORDER BY max(id) DESC"
        return tuple(model for (model,) in self.database.execute(sql))

    @property
    def spending(self) -> Spending:
        """The total of all calls, each at the price at which it was stored, and of all requests
        with an unknown cost.
        """
        value = self.database.value
        return Spending(
            self._sum(_ALL, "calls"),
            value("SELECT total(dollars) FROM calls"),
            self._sum(_ALL, "calls WHERE dollars IS NULL"),
            value("SELECT count(*) FROM requests"),
            value("SELECT total(dollars) FROM requests"),
            self._sum(_MOST, "requests WHERE dollars IS NULL"),
        )

    def _sum(self, columns: Sequence[str], rows: str) -> Usage:
        """Return the total usage of these rows."""
        sums = ", ".join(f"total({name})" for name in columns)
        totals = self.database.row(f"SELECT {sums} FROM {rows}") or ()
        return _usage(columns, totals)


OpenStore = Callable[[], CallStore]
"""Opens the store when it is first used, because a run begins only after its model is open."""


def compress_text(text: str) -> bytes:
    """Compress text for storage."""
    return zlib.compress(text.encode("utf-8", "surrogatepass"))


def unpack(text: bytes) -> str:
    """Decompress stored text."""
    return zlib.decompress(text).decode("utf-8", "surrogatepass")


def _usage(columns: Sequence[str], spent: Sequence[int]) -> Usage:
    """Return the usage of a row with these columns."""
    used = dict(zip(columns, map(int, spent), strict=True))
    return Usage(calls=used.pop("exchanges", 0), **used)

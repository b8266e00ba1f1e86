"""Store every call to a model and its answer in SQLite, as cache, audit trail, queue of batches
and replay.
"""

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from extractor.model.calls import Call, schema_of
from extractor.model.completions import Completion, Ending, is_json
from extractor.model.database import Database
from extractor.schemas import Usage

_TOKENS = (
    "prompt_tokens",
    "cached_tokens",
    "written_tokens",
    "output_tokens",
    "thinking_tokens",
)
_USAGE = ", ".join(("exchanges", *_TOKENS))
_SUMS = ", ".join(f"coalesce(sum({name}), 0)" for name in _USAGE.split(", "))


class State(StrEnum):
    """The state of a call.

    - ``asked``: no answer is stored: it runs, failed, or its process was killed;
    - ``waiting``: it waits for a batch, or for the answers of one;
    - ``answered``: its answer can be used;
    - ``cut``: the output limit cut its answer off, and the rest is asked again in halves;
    - ``rejected``: its answer cannot be used, and it is asked again in the next run;
    - ``refused``: a batch refused it, for the reason ``why``.
    """

    ASKED = "asked"
    WAITING = "waiting"
    ANSWERED = "answered"
    CUT = "cut"
    REJECTED = "rejected"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call in the store: its number, state, and last completion with the usage of all
    exchanges.
    """

    number: int
    state: State
    completion: Completion | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Spending:
    """The cost of calls. ``unpriced`` calls used tokens and have no price.

    ``lost`` is the most that requests without a reply may have used, ``unmetered`` the same of
    those whose reply does not say it; their ``calls`` count them.
    """

    usage: Usage = field(default_factory=Usage)
    dollars: float = 0.0
    unpriced: int = 0
    lost: Usage = field(default_factory=Usage)
    unmetered: Usage = field(default_factory=Usage)


def judge(completion: Completion) -> State:
    """Return the state of an answered call, judged by the form of its answer: cut off, complete
    JSON, or of no use.
    """
    if completion.ending is Ending.CUT:
        return State.CUT
    if completion.ending is Ending.COMPLETE and is_json(completion.text):
        return State.ANSWERED
    return State.REJECTED


class CallStore:
    """Calls and their answers. A call's key covers what is asked and of which model, never limits
    or sampling.

    No secret, address or header is stored. Each method is a short transaction, or part of one.
    ``price`` returns the price of tokens in dollars, None if it is unknown.
    """

    def __init__(
        self, database: Database, price: Callable[[Usage], float] | None = None
    ) -> None:
        self.database = database
        self.price = price

    def begin(self, call: Call, model: str, state: State = State.ASKED) -> int:
        """Store a call that is about to be sent to a ``model``, in one transaction with its prompt
        if that is new. Returns the number of the call, by which ``end`` stores its answer.

        ``state`` is ``ASKED`` for a call that is sent now, another state for one that waits.
        """
        prompt = call.prompt
        schema = schema_of(call.reply_model)
        prompt_row = (prompt.sha256, prompt.name, prompt.version, call.system, schema)
        row = (
            call.key_for(model),
            call.question_key,
            call.record_id,
            model,
            prompt.sha256,
            pack(call.user),
            call.max_output_tokens,
            _now(),
            state,
        )
        with self.database.transaction():
            self.database.execute(
                "INSERT OR IGNORE INTO prompts VALUES (?, ?, ?, ?, ?)", prompt_row
            )
            number = self.database.execute(
                "INSERT INTO calls (key, question, record_id, model, prompt, user, "
                "output_limit, sent,"
                " state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            ).lastrowid
        assert number is not None
        return number

    def end(
        self,
        number: int,
        state: State,
        completion: Completion | None = None,
        why: str = "",
        cost: Callable[[Usage], float] | None = None,
        replied: Iterable[int] = (),
    ) -> None:
        """Store how a call ended, and its answer with the usage of all exchanges.

        Args:
            number: The number of the call.
            state: How it ended.
            completion: Its answer, None if it has none.
            why: Why it has none; for an answer its problem or remark is stored.
            cost: The price of the usage, if it is another than usual (None).
            replied: The numbers of its requests whose cost is known by a reply.
        """
        usage = Usage()
        answer = None
        ending = None
        answered_by = None
        if completion:
            usage = completion.usage
            why = why or completion.problem or completion.remark
            answer = pack(completion.text)
            ending = completion.ending
            answered_by = completion.model
        spent = (usage.calls, *(getattr(usage, name) for name in _TOKENS))
        cost = cost or self.price
        dollars = None
        if cost:
            dollars = cost(usage)
        with self.database.transaction():
            self.database.execute(
                "UPDATE calls SET state = ?, why = ?, answer = ?, ending = ?, answered_by = ?, "
                "exchanges = ?,"
                " prompt_tokens = ?, cached_tokens = ?, written_tokens = ?, output_tokens = ?, "
                "thinking_tokens = ?,"
                " dollars = ? WHERE id = ?",
                (state, why, answer, ending, answered_by, *spent, dollars, number),
            )
            self.note_replies(replied)

    def note_request(self, call: int, most: Usage) -> int:
        """Store that a call is about to send a request, which may use ``most``. Returns the
        request's number.
        """
        row = (call, most.prompt_tokens, most.written_tokens, most.output_tokens)
        number = self.database.execute(
            "INSERT INTO requests (call, prompt_tokens, written_tokens, output_tokens)"
            " VALUES (?, ?, ?, ?)",
            row,
        ).lastrowid
        assert number is not None
        return number

    def note_unmetered(self, request: int) -> None:
        """Store that the reply to a request does not say what it cost."""
        self.database.execute(
            "UPDATE requests SET is_unmetered = 1 WHERE id = ?", (request,)
        )

    def is_unmetered(self, call: int) -> bool:
        """Return whether a reply to a call does not say what it cost."""
        sql = "SELECT EXISTS (SELECT 1 FROM requests WHERE call = ? AND is_unmetered)"
        return bool(self.database.value(sql, (call,)))

    def note_replies(self, requests: Iterable[int]) -> None:
        """Store that what these requests cost is known."""
        self.database.execute_many(
            "DELETE FROM requests WHERE id = ?", ((number,) for number in requests)
        )

    def add_answer(self, question: str, completion: Completion) -> None:
        """Store an answer whose call is known by its name alone, its question key."""
        sql = (
            "INSERT INTO calls (key, question, model, prompt, user, output_limit, "
            "sent, state)"
            " VALUES (?, ?, '', '', '', 0, ?, 'asked')"
        )
        number = self.database.execute(sql, (question, question, _now())).lastrowid
        assert number is not None
        self.end(number, State.ANSWERED, completion)

    def charge(
        self, number: int, usage: Usage, why: str = "", replied: Iterable[int] = ()
    ) -> None:
        """Store what a call without an answer has cost, and ``why`` it has no answer. ``replied``
        are the numbers of its requests whose cost is known by a reply.
        """
        completion = None
        if usage.calls:
            completion = Completion("", Ending.COMPLETE, usage)
        self.end(number, State.ASKED, completion, why, replied=replied)

    def reject(self, number: int) -> None:
        """Store that an answer cannot be used, so that the next run asks again."""
        self.database.execute(
            "UPDATE calls SET state = ? WHERE id = ?", (State.REJECTED, number)
        )

    def withdraw(self, number: int) -> None:
        """Delete a call that no server received."""
        self.database.execute("DELETE FROM calls WHERE id = ?", (number,))

    def find(self, call: Call, model: str) -> StoredCall | None:
        """Find the usable answer to a call; else an answer that was cut at a limit that was not
        lower; else the call as it waits for a batch or was refused by one. Of several, the latest.
        None if the call must be asked.
        """
        number = self.database.value(
            "SELECT id FROM calls WHERE key = ? AND (state IN ('answered', 'waiting', 'refused')"
            " OR state = 'cut' AND output_limit >= ?)"
            " ORDER BY state = 'answered' DESC, state = 'cut' DESC, id DESC LIMIT 1",
            (call.key_for(model), call.max_output_tokens),
        )
        if number is None:
            return None
        return self.read(number)

    def recall(self, question: str) -> StoredCall | None:
        """Find the answer of any model to a question by its key: a usable one first, else another
        one, else a call without an answer; of several, the latest. None for an unknown question.
        """
        number = self.database.value(
            "SELECT id FROM calls WHERE question = ? ORDER BY state = 'answered' DESC, answer IS "
            "NOT NULL DESC,"
            " id DESC LIMIT 1",
            (question,),
        )
        if number is None:
            return None
        return self.read(number)

    def read(self, number: int) -> StoredCall:
        """Return the call with this number, which the store must have. Its completion is None if
        it has no answer. What was stored as ``why`` is the problem of a refusal, and the remark on
        any other answer.
        """
        row = self.database.row(
            f"SELECT state, why, answer, ending, coalesce(answered_by, ''), {_USAGE} FROM calls "
            "WHERE id = ?",
            (number,),
        )
        assert row, "a number comes from this store"
        state, why, answer, ending, answered_by, *spent = row
        if answer is None:
            return StoredCall(number, State(state), None, why)
        problem = ""
        remark = why
        # one column has either
        if ending == Ending.REFUSED:
            problem = why
            remark = ""
        completion = Completion(
            text=unpack(answer),
            ending=Ending(ending),
            usage=_usage(spent),
            model=answered_by,
            problem=problem,
            remark=remark,
        )
        return StoredCall(number, State(state), completion, why)

    @property
    def models(self) -> tuple[str, ...]:
        """The models that were asked, the latest first."""
        rows = self.database.execute(
            "SELECT model FROM calls GROUP BY model ORDER BY max(id) DESC"
        )
        return tuple(model for (model,) in rows)

    @property
    def spending(self) -> Spending:
        """The sum over all calls, each at the price of its day, and the most that two kinds of
        requests may have used: those that got no reply, and those whose reply states no usage.
        """
        row = self.database.row(
            f"SELECT coalesce(sum(dollars), 0),"
            " coalesce(sum(dollars IS NULL AND prompt_tokens + output_tokens > 0), 0), "
            f"{_SUMS} FROM calls"
        )
        assert row
        return Spending(
            usage=_usage(row[2:]),
            dollars=row[0],
            unpriced=row[1],
            lost=self._sum_requests(is_unmetered=False),
            unmetered=self._sum_requests(is_unmetered=True),
        )

    def _sum_requests(self, *, is_unmetered: bool) -> Usage:
        """Return the most that the requests may have used that got no reply, or an unmetered
        reply.
        """
        row = self.database.row(
            "SELECT count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(written_tokens), 0),"
            " coalesce(sum(output_tokens), 0) FROM requests WHERE is_unmetered = ?",
            (is_unmetered,),
        )
        assert row
        calls, prompt, written, output = row
        return Usage(
            calls=calls,
            prompt_tokens=prompt,
            written_tokens=written,
            output_tokens=output,
        )

    def price_unpriced(self) -> None:
        """Set the current price on calls that used tokens and have no price. Does nothing without
        a function ``price``; a call whose price it does not know stays without.
        """
        if self.price is None:
            return
        unpriced = self.database.execute(
            f"SELECT id, {_USAGE} FROM calls WHERE dollars IS NULL AND prompt_tokens + "
            "output_tokens > 0"
        ).fetchall()
        priced = [(self.price(_usage(spent)), number) for number, *spent in unpriced]
        with self.database.transaction():
            self.database.execute_many(
                "UPDATE calls SET dollars = ? WHERE id = ?", priced
            )


OpenStore = Callable[[], CallStore]
"""Opens the store at its first use, because a run begins only after its model is open."""


def pack(text: str) -> bytes:
    """Pack a text to store it."""
    return zlib.compress(text.encode("utf-8", "surrogatepass"))


def unpack(text: bytes) -> str:
    """Unpack a stored text."""
    return zlib.decompress(text).decode("utf-8", "surrogatepass")


def _now() -> str:
    """Return the time in UTC, as the store has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _usage(spent: Sequence[Any]) -> Usage:
    """Return the usage of a row: its exchanges, then its tokens in the order of ``_TOKENS``."""
    exchanges, *tokens = spent
    return Usage(calls=exchanges, **dict(zip(_TOKENS, tokens, strict=True)))

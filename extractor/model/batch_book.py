"""The queue of a run's batches in its store, and the lines of batch files, as OpenAI and
Anthropic define them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel

from extractor.errors import AnswerPending, BudgetReached
from extractor.model.calls import Call, PromptVersion, estimate_tokens, schema_of
from extractor.model.completions import Completion, GarbledReply, read_completion
from extractor.model.metering import Answerer, Requests, Reservation
from extractor.model.store import CallStore, State, unpack
from extractor.schemas import Usage

if TYPE_CHECKING:
    from extractor.model.cost.budget import Budget

MOST_REQUESTS = 50_000
MOST_BYTES = 190_000_000
"""Limits of a batch. Providers accept 50,000 requests and 200 MB, or more."""
_FRAME = 500
"""Bytes of a request beside its texts and its schema."""
_REFUSED = frozenset({400, 413, 422})
"""Refusals of the request itself, which would be refused again."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A planned batch.

    ``tag`` identifies it here and, where it can have one, at the provider. ``input_file`` is the
    provider's id of its file once that is uploaded, ``batch`` that of the batch once it is created.
    ``planned`` is a time in UTC.
    """

    number: int
    tag: str
    requests: int
    planned: datetime
    input_file: str | None
    batch: str | None


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A call that waits for a batch or in one: its number, its name in batches and files, and
    itself.
    """

    number: int
    name: str
    call: Call


class BatchBook:
    """Which calls of a store wait, and for which batch. Each method is one short transaction.

    All calls have the same ``reply_model``.
    """

    def __init__(self, store: CallStore, reply_model: type[BaseModel]) -> None:
        self.store = store
        self._database = store.database
        self._reply_model = reply_model

    def forgive(self) -> None:
        """Ask refused calls again, as a new run does."""
        self._database.execute("UPDATE calls SET state = 'rejected' WHERE state = 'refused'")

    def waiting(self, batch: int | None = None, most: int = -1) -> Iterator[WaitingCall]:
        """Yield the calls in a batch, or those without one."""
        rows = self._database.execute(
            "SELECT id, question, name, version, prompt, system, user, output_limit FROM calls"
            " JOIN prompts ON prompt = sha256 WHERE state = 'waiting' AND batch IS ? ORDER BY id "
            "LIMIT ?",
            (batch, most),
        )
        for number, question, name, version, prompt, system, user, limit in rows:
            call = Call(
                PromptVersion(name, version, prompt), system, unpack(user), self._reply_model, limit
            )
            yield WaitingCall(number, question, call)

    def count_waiting(self) -> int:
        """Count the calls that have neither an answer nor a batch."""
        return int(
            self._database.value(
                "SELECT count(*) FROM calls WHERE state = 'waiting' AND batch IS NULL"
            )
        )

    def count_unanswered(self) -> int:
        """Count the waiting calls, in a batch or not, whose question has had no answer, not even
        a useless one.
        """
        sql = (
            "SELECT count(*) FROM calls AS open WHERE state = 'waiting' AND NOT EXISTS"
            " (SELECT 1 FROM calls WHERE question = open.question AND answer IS NOT NULL)"
        )
        return int(self._database.value(sql))

    def plan(
        self,
        prefix: str,
        most_requests: int = MOST_REQUESTS,
        most_bytes: int = MOST_BYTES,
        most_tokens: int | None = None,
    ) -> int:
        """Put waiting calls into as few batches as the limits allow. Return the number of these
        calls.

        ``most_tokens`` limits the prompt tokens of a batch, which are estimated. A call that is
        longer has a batch for itself.
        """
        parts = self._divide(None, most_requests, most_bytes, most_tokens)
        with self._database.transaction():
            self._add_batches(prefix, parts)
        return sum(map(len, parts))

    def replan(self, number: int, prefix: str, most_tokens: int | None = None) -> int:
        """Put the calls that wait in a batch into new ones, of at most so many tokens. Return
        how many batches.
        """
        parts = self._divide(number, MOST_REQUESTS, MOST_BYTES, most_tokens)
        with self._database.transaction():
            self.close(number)
            self._add_batches(prefix, parts)
        return len(parts)

    def count_tokens(self, batch: int) -> int:
        """Estimate the prompt tokens of the calls that wait in a batch."""
        return sum(self._measure(one.call)[1] for one in self.waiting(batch))

    def _divide(
        self, batch: int | None, most_requests: int, most_bytes: int, most_tokens: int | None
    ) -> list[list[int]]:
        """Divide the calls that wait in a batch, or in none, into parts that are within the
        limits.
        """
        parts: list[list[int]] = []
        size = 0
        tokens = 0
        for one in self.waiting(batch):
            length, counted = self._measure(one.call)
            is_full = bool(parts) and len(parts[-1]) >= most_requests
            is_long = size + length > most_bytes
            is_rich = most_tokens is not None and tokens + counted > most_tokens
            if not parts or is_full or is_long or is_rich:
                parts.append([])
                size = 0
                tokens = 0
            parts[-1].append(one.number)
            size += length
            tokens += counted
        return parts

    def _measure(self, call: Call) -> tuple[int, int]:
        """Return the bytes of a request, and its prompt tokens as estimated."""
        texts = (call.system, call.user, schema_of(self._reply_model))
        return sum(
            len(text.encode("utf-8", "surrogatepass")) for text in texts
        ) + _FRAME, estimate_tokens("".join(texts))

    def _add_batches(self, prefix: str, parts: Iterable[Sequence[int]]) -> None:
        first = 1 + (self._database.value("SELECT max(id) FROM batches") or 0)
        for number, calls in enumerate(parts, first):
            sql = (
                "INSERT INTO batches (id, tag, requests, state, planned) VALUES (?, ?, ?, "
                "'planned', ?)"
            )
            now = datetime.now(UTC).isoformat()
            self._database.execute(sql, (number, f"{prefix}-{number}", len(calls), now))
            self._database.execute_many(
                "UPDATE calls SET batch = ? WHERE id = ?", ((number, n) for n in calls)
            )

    def open_batches(self) -> list[StoredBatch]:
        """List the batches whose answers are not fetched yet."""
        sql = (
            "SELECT id, tag, requests, planned, input_file, batch FROM batches WHERE state <> "
            "'fetched' ORDER BY id"
        )
        rows = self._database.execute(sql).fetchall()
        return [
            StoredBatch(n, tag, count, datetime.fromisoformat(at), *ids)
            for n, tag, count, at, *ids in rows
        ]

    def read_batch(self, number: int) -> StoredBatch:
        """Read an open batch by its number."""
        return next(one for one in self.open_batches() if one.number == number)

    def note_sent(self, number: int, input_file: str) -> None:
        """Store that a batch's file is uploaded."""
        self._database.execute(
            "UPDATE batches SET state = 'sent', input_file = ? WHERE id = ?", (input_file, number)
        )

    def note_made(self, number: int, batch: str) -> None:
        """Store that the batch is created."""
        self._database.execute(
            "UPDATE batches SET state = 'made', batch = ? WHERE id = ?", (batch, number)
        )

    def forget_file(self, number: int) -> None:
        """Store that the uploaded file of a batch is lost, so that it is uploaded again."""
        self._database.execute(
            "UPDATE batches SET state = 'planned', input_file = NULL WHERE id = ?", (number,)
        )

    def known_batches(self) -> frozenset[str]:
        """Return the ids at the provider of all batches of the run."""
        rows = self._database.execute("SELECT batch FROM batches WHERE batch IS NOT NULL")
        return frozenset(name for (name,) in rows)

    def names_in(self, batch: int) -> frozenset[str]:
        """Return the names of the calls of a batch, answered or not."""
        rows = self._database.execute("SELECT question FROM calls WHERE batch = ?", (batch,))
        return frozenset(name for (name,) in rows)

    def find(self, batch: int, name: str) -> tuple[int, int] | None:
        """Find a call that waits in a batch by its name there. Return its number and output
        limit.
        """
        sql = (
            "SELECT id, output_limit FROM calls WHERE batch = ? AND question = ? AND state = "
            "'waiting'"
        )
        return self._database.row(sql, (batch, name))

    def close(self, number: int) -> None:
        """Store that all answers of a batch are fetched. Calls without one wait again."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE calls SET batch = NULL WHERE batch = ? AND state = 'waiting'", (number,)
            )
            self._database.execute("UPDATE batches SET state = 'fetched' WHERE id = ?", (number,))


class BatchQueue(Answerer):
    """Takes calls for the next batch: raises ``AnswerPending``, or ``BudgetReached`` if the
    budget has no room.
    """

    queues = True

    def __init__(self, book: BatchBook, budget: "Budget | None" = None) -> None:
        self._book = book
        self._budget = budget
        self._has_refused = False
        book.forgive()
        self._reserved: dict[str, Reservation] = {}
        if budget:
            for batch in (None, *(batch.number for batch in book.open_batches())):
                self._reserved |= {
                    one.name: budget.set_aside(one.call) for one in book.waiting(batch)
                }

    async def __call__(self, call: Call, most: int, requests: Requests) -> tuple[Completion, int]:  # noqa: ARG002 - it sends none
        if self._budget and call.question_key not in self._reserved:
            # The first call of all is asked live, which costs up to twice as much as in a batch.
            reservation = self._budget.try_reserve(call, 1 if self._reserved else 2)
            if reservation is None:
                self._has_refused = True
                raise BudgetReached("the budget has no room for another request")
            self._reserved[call.question_key] = reservation
        raise AnswerPending("the answer has not arrived yet")

    def reservation_of(self, name: str) -> Reservation | None:
        """Return what a waiting call of this name may use, or None without a budget."""
        return self._reserved.get(name)

    def lose(self, waiting: WaitingCall) -> None:
        """Count the answer to a waiting call as lost: it may have been paid for, and the call is
        asked again.
        """
        reservation = self._reserved.get(waiting.name)
        self._book.store.note_request(waiting.number, reservation.most if reservation else Usage())
        if self._budget and reservation:
            self._budget.lose(reservation)

    def settle(self) -> None:
        """Charge the budget with what arrived, which may leave room for what was refused."""
        self._has_refused = False
        for name in list(self._reserved):
            stored = self._book.store.recall(name)
            if self._budget and stored and stored.state is not State.WAITING:
                usage = stored.completion.usage if stored.completion else Usage()
                reservation = self._reserved.pop(name)
                if self._book.store.is_unmetered(stored.number):
                    self._budget.lose(reservation, replied=True)
                self._budget.charge(reservation, usage)

    def check(self) -> None:
        """Raise ``BudgetReached`` if there was no room for a call of the last round."""
        if self._has_refused:
            raise BudgetReached(str(self._budget))


def write_line(name: str, body: Mapping[str, Any], protocol: str) -> bytes:
    r"""Write a request as one line of a batch file.

    >>> write_line("a", {"model": "m"}, "anthropic")
    b'{"custom_id": "a", "params": {"model": "m"}}\n'
    """
    openai = {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}
    line = {"custom_id": name, "params": body} if protocol == "anthropic" else openai
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


class AnswerLine(NamedTuple):
    """An answer of a batch: the call's name, and its completion or the problem, and whether the
    call is refused.
    """

    name: str
    completion: Completion | None
    problem: str = ""
    is_refused: bool = False


def read_line(row: Any) -> AnswerLine | None:
    """Read an answer in the form of OpenAI's or Anthropic's batches. None if it does not answer a
    request.

    >>> read_line({"custom_id": "a", "response": {"status_code": 429, "body": {}}})
    AnswerLine(name='a', completion=None, problem='status 429, no completion', is_refused=False)
    """
    if not isinstance(row, Mapping) or not isinstance(name := row.get("custom_id"), str):
        return None
    result = row.get("result")
    if isinstance(result, Mapping):  # Anthropic's
        status, body = (
            (200, result.get("message")) if result.get("type") == "succeeded" else (0, None)
        )
        error = result.get("error") or {}
        error = error.get("error", error) if isinstance(error, Mapping) else error
        refused = isinstance(error, Mapping) and error.get("type") == "invalid_request_error"
        problem = "" if status else str(result.get("type") or "no completion")
    else:
        response = row.get("response")
        response = response if isinstance(response, Mapping) else {}
        body = response.get("body")
        status = response.get("status_code") or (200 if "body" in response else 0)
        error = row.get("error") or (body.get("error") if isinstance(body, Mapping) else None)
        refused = status in _REFUSED
        problem = f"status {status}" if status not in (0, 200) else ""
    if status == 200:
        try:
            return AnswerLine(name, read_completion(body))
        except GarbledReply as garbled:
            return AnswerLine(name, None, str(garbled))
    said = error.get("message") or error.get("code") if isinstance(error, Mapping) else error
    reason = " ".join(str(said or "no completion").split())[:200]
    return AnswerLine(name, None, ", ".join(filter(None, (problem, reason))), refused)


def load_row(line: bytes) -> Any:
    """Parse one JSON line. Return None if the line is not valid JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None

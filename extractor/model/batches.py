"""Ask by a provider's batch API: another way to fill the store of calls.

A call that a run asks waits in the store, with its place in the budget. ``Batches`` puts waiting
calls into batches, creates each at the provider (``batch_apis``), looks at it until it has ended,
and reads the lines of its answers (``batch_lines``) into the store. ``exchange`` does the same by
files.

- A row of ``batches`` is stored before a batch is created, and its id afterwards. A command that is
  killed between finds the batch by its tag (OpenAI), or by its size and time (Anthropic).
- A batch is closed when nothing that is paid for is missing. Until then its answers are fetched
  again: nothing is bought twice. What cannot be had any more is named.
- A line that is no answer to a call of its batch changes nothing. Calls without an answer wait for
  the next batch.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from typing import TypeVar
from uuid import uuid4

from pydantic import BaseModel

from extractor.errors import AnswerPending, BudgetReached
from extractor.model.batch_apis import ENDED, BatchApi, Progress
from extractor.model.batch_lines import AnswerLine, read_lines
from extractor.model.calls import Call, PromptVersion, estimate_tokens, schema_of
from extractor.model.client import Model
from extractor.model.completions import Completion, GarbledReply
from extractor.model.cost.budget import Budget
from extractor.model.failures import Failure, explain_failure
from extractor.model.pace import RetryPolicy
from extractor.model.sending import repeat
from extractor.model.store import CallStore, State, judge, unpack
from extractor.schemas import Usage

MOST_REQUESTS = 50_000
MOST_BYTES = 190_000_000
"""Limits of a batch. Providers accept 50,000 requests and 200 MB, or more."""
_FRAME = 500
"""Bytes of a request beside its texts and its schema."""
_FIRST_ATTEMPTS = 3
_ATTEMPTS = 8
"""Attempts at a request before the provider's first answer, when the address may be wrong, and
after it.
"""
_GROWTH = 1.5
_LONGEST_WAIT_S = 300.0
"""Waits between polls grow by this factor, up to this many seconds."""
_OPEN = "state = 'waiting' AND NOT EXISTS (SELECT 1 FROM calls WHERE question = open.question"
_UNANSWERED = f"FROM calls AS open WHERE {_OPEN} AND state = 'answered')"
_IS_SENT = "SELECT 1 FROM requests WHERE call = ?"
_T = TypeVar("_T")


@dataclass(slots=True)
class StoredBatch:
    """A batch: ``tag`` identifies it at the provider before its ``name``, the provider's id, is
    known. ``planned`` is a time in UTC.
    """

    number: int
    tag: str
    requests: int
    planned: str
    name: str = ""
    may_exist: bool = True


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """A batch's number and state, its requests (done and total), and a message, for users."""

    number: int
    state: str
    done: int
    requests: int
    message: str = ""


class Unread(Exception):
    """Answers of a batch that are paid for could not be read, for the reason of the message."""


def list_open(store: CallStore) -> list[StoredBatch]:
    """List the batches whose answers are not fetched yet, and that have a call without an answer
    of a live model.
    """
    rows = store.database.execute(
        "SELECT id, tag, requests, planned, coalesce(batch, '') FROM batches"
        f" WHERE state <> 'fetched' AND id IN (SELECT batch {_UNANSWERED}) ORDER BY id"
    )
    return [StoredBatch(*row) for row in rows.fetchall()]


@dataclass
class Batches:
    """Takes the calls of a run, sends them in batches and fetches their answers, from any stored
    state on. Calls that a batch refused earlier are asked again.

    Args:
        model: The open model, whose SDK and form of requests batches use.
        store: The calls that wait, and their batches.
        reply_model: That of all calls.
        budget: Has a place for the most that each waiting call may cost.
        report: Is called with the status of batches.
        most_tokens: How many prompt tokens may wait at the provider at once: batches are no larger,
            and sent one after another.
        poll_s: Seconds before batches are looked at again, at first.
        sleep: Waits for seconds.

    Attributes:
        unfinished: Why batches could not be finished now, by number.
        is_spent: Whether the budget had no room for a call.
    """

    model: Model
    store: CallStore
    reply_model: type[BaseModel]
    budget: Budget
    report: Callable[[BatchStatus], None]
    most_tokens: int | None = None
    poll_s: float = 5.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    unfinished: dict[int, str] = field(default_factory=dict, init=False)
    is_spent: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._database = self.store.database
        self._database.execute(
            "UPDATE calls SET state = 'rejected' WHERE state = 'refused'"
        )
        self._reserved = {
            call.question_key: self.budget.set_aside(call)
            for _, call in self._list_waiting("1")
        }
        spec = self.model.spec
        self._api = BatchApi(self.model.sdk, spec.batch_protocol)
        self._due: set[int] = set()
        self._was_answered = False
        self._reported: dict[int, BatchStatus] = {}

    def answer(self, call: Call) -> Completion:
        """Take a call for the next batch. Raises ``AnswerPending``, or ``BudgetReached`` if the
        budget has no room for it.
        """
        if call.question_key not in self._reserved:
            reservation = self.budget.try_reserve(call)
            if reservation is None:
                self.is_spent = True
                raise BudgetReached(str(self.budget))
            self._reserved[call.question_key] = reservation
        raise AnswerPending("the answer comes by a batch")

    def count_waiting(self) -> int:
        """Count the waiting calls."""
        sql = "SELECT count(*) FROM calls WHERE state = 'waiting'"
        return int(self._database.value(sql))

    def count_unanswered(self) -> int:
        """Count the waiting calls whose question has had no answer, not even a useless one."""
        sql = (
            f"SELECT count(*) FROM calls AS open WHERE {_OPEN} AND answer IS NOT NULL)"
        )
        return int(self._database.value(sql))

    async def finish(self) -> None:
        """Submit the calls that wait now, look at batches until they have ended, and store their
        answers. Those that cannot be finished now are ``unfinished``.

        Raises ``ModelAway`` if the provider cannot be reached, ``ModelUnavailable`` if it refuses.
        """
        wait = self.poll_s
        await self.submit()
        while self._list_open():
            for batch in self._list_open():
                await self._visit(batch)
            await self._submit()
            if self._list_open():
                await self.sleep(wait)
            wait = min(wait * _GROWTH, _LONGEST_WAIT_S)

    async def submit(self) -> None:
        """Submit the calls that wait now: with a limit of tokens one batch, and only if none is
        open. Raises the errors of ``finish``.
        """
        sql = "SELECT id FROM calls WHERE state = 'waiting' AND batch IS NULL"
        self._due = {number for (number,) in self._database.execute(sql)}
        for batch in self._list_open():
            if not batch.name:
                await self._make(batch)
        await self._submit()

    async def _submit(self) -> None:
        """Submit the rest of the calls that are due."""
        while self._due and not (self.most_tokens and self._list_open()):
            await self._make(self._fill())

    async def _make(self, batch: StoredBatch) -> None:
        """Create a batch at the provider, and store its id."""
        batch.name = await self._send(lambda: self._create(batch))
        self._set(batch, "state = 'made', batch = ?", batch.name)
        self._tell(batch, "submitted")

    def _fill(self) -> StoredBatch:
        """Put the first calls that are due into a batch, within the limits of tokens, requests and
        bytes; a longer call has a batch for itself.
        """
        schema = schema_of(self.reply_model)
        numbers: list[int] = []
        filled = 0.0
        for number, call in self._list_waiting("batch IS NULL"):
            if number not in self._due:
                continue
            text = call.system + call.user + schema
            size = len(text.encode("utf-8", "surrogatepass")) + _FRAME
            tokens = estimate_tokens(text) / (self.most_tokens or inf)
            filled += max(1 / MOST_REQUESTS, size / MOST_BYTES, tokens)
            if filled > 1 and numbers:
                break
            numbers.append(number)
        self._due.difference_update(numbers)
        batch = StoredBatch(0, uuid4().hex, len(numbers), datetime.now(UTC).isoformat())
        batch.may_exist = False
        with self._database.transaction():
            row = {"tag": batch.tag, "requests": len(numbers), "planned": batch.planned}
            batch.number = self._database.insert("batches", state="sent", **row)
            self._database.execute_many(
                "UPDATE calls SET batch = ? WHERE id = ?",
                [(batch.number, number) for number in numbers],
            )
        return batch

    async def _create(self, batch: StoredBatch) -> str:
        """Create a batch, or find the one that an earlier attempt has created. Returns its id."""
        if batch.may_exist:
            sql = "SELECT batch FROM batches WHERE batch IS NOT NULL"
            known = [name for (name,) in self._database.execute(sql)]
            found = await self._api.find(
                batch.tag, batch.requests, batch.planned, known
            )
            if found:
                return found
        batch.may_exist = True
        calls = self._list_waiting("batch = ?", batch.number)
        requests = {call.question_key: self.model.form.write(call) for _, call in calls}
        return await self._api.create(batch.tag, requests)

    async def _visit(self, batch: StoredBatch) -> None:
        """Look at a submitted batch, and fetch its answers if it has ended."""
        progress = await self._send(lambda: self._api.look(batch.name))
        if progress is None:
            gone = "the provider no longer has it, or not for this key"
            self._lose(batch, f"{gone} ({batch.name})")
            return
        self._tell(batch, progress.state, progress.done, progress.message)
        if progress.state not in ENDED:
            return
        try:
            await self._send(lambda: self._fetch(batch, progress), is_download=True)
        except Unread as unread:
            self._lose(batch, f"its answers cannot be read: {unread}")
            return
        if progress.state == "failed" and not progress.done:
            why = progress.message or progress.state
            self.unfinished[batch.number] = f"the provider refused it ({why})"

    async def _fetch(self, batch: StoredBatch, progress: Progress) -> None:
        """Store the answers of a batch that has ended, even if it failed or expired, because they
        are paid for, and close it.

        Lines of other batches, and second lines, change nothing. Raises ``GarbledReply`` if a
        request has no line, unless the batch was refused or cancelled and all lines are answers.
        """
        waiting = self._name_waiting(batch)
        unseen = set(waiting)
        problem = ""
        missed = ""
        for file, content in (await self._api.download(progress)).items():
            if content is None:
                problem = f"{file} is no longer there"
                continue
            for number, line in read_lines(content.splitlines()):
                if not line.name:
                    problem = problem or f"line {number} of {file} is {line.problem}"
                if line.name not in waiting:
                    continue
                unseen.discard(line.name)
                missed = missed or line.problem
                if self._keep(line, waiting[line.name]):
                    del waiting[line.name]
        if unseen and (problem or ENDED[progress.state]):
            raise GarbledReply(problem or f"{len(unseen)} of its requests have no line")
        with self._database.transaction():
            self._set(batch, "state = 'fetched'")
            self._database.execute(
                "UPDATE calls SET batch = NULL WHERE batch = ? AND state = 'waiting'",
                (batch.number,),
            )
        if waiting:
            missed = f"{len(waiting)} without an answer, such as {missed or 'all'}"
        self._tell(batch, "fetched", batch.requests - len(waiting), missed)

    def _keep(self, line: AnswerLine, number: int) -> bool:
        """Store an answer or a refusal, and release the place of its call in the budget. Returns
        False after a fault of the provider: then the call waits on.
        """
        completion = line.completion
        if not completion and not line.is_refused:
            return False
        reservation = self._reserved.pop(line.name)
        # of a batch that was lost and is found
        self._database.execute("DELETE FROM requests WHERE call = ?", (number,))
        if completion and not completion.has_usage:
            # it counts at the most, in the store, too
            self.store.send(number, reservation.most)
            self.budget.settle(reservation, None)
        else:
            self.budget.settle(reservation, completion.usage if completion else Usage())
        state = judge(completion) if completion else State.REFUSED
        self.store.end(number, state, completion, why=line.problem)
        return True

    def _lose(self, batch: StoredBatch, problem: str) -> None:
        """Note that answers of a batch cannot be had now. It stays open, and its calls count at the
        most from now on, whoever asks them.
        """
        waiting = self._name_waiting(batch)
        for name, number in waiting.items():
            if not self._database.value(_IS_SENT, (number,)):
                self.store.send(number, self._reserved[name].most)
        self.unfinished[batch.number] = (
            f"{problem}; {len(waiting)} of its questions have no answer. To pay for these again, "
            "ask them live: extractor run with the same options"
        )

    def _list_open(self) -> list[StoredBatch]:
        """List the open batches that are not ``unfinished``."""
        batches = list_open(self.store)
        return [batch for batch in batches if batch.number not in self.unfinished]

    def _name_waiting(self, batch: StoredBatch) -> dict[str, int]:
        """Return the numbers of the calls that wait in a batch, by name."""
        sql = "SELECT question, id FROM calls WHERE state = 'waiting' AND batch = ?"
        return dict(self._database.execute(sql, (batch.number,)).fetchall())

    def _list_waiting(self, where: str, *values: int) -> Iterator[tuple[int, Call]]:
        """Yield the waiting calls that meet a condition of SQL, each with its number, in the order
        in which they were asked.
        """
        rows = self._database.execute(
            "SELECT id, name, version, prompt, system, user, output_limit FROM calls"
            f" JOIN prompts ON prompt = sha256 WHERE state = 'waiting' AND {where} ORDER BY id",
            values,
        )
        for number, *prompt, system, user, limit in rows:
            version = PromptVersion(*prompt)
            yield number, Call(version, system, unpack(user), self.reply_model, limit)

    def _set(self, batch: StoredBatch, columns: str, *values: str) -> None:
        sql = f"UPDATE batches SET {columns} WHERE id = ?"
        self._database.execute(sql, (*values, batch.number))

    def _tell(
        self, batch: StoredBatch, state: str, done: int = 0, message: str = ""
    ) -> None:
        """Report the status of a batch, unless it was reported last."""
        status = BatchStatus(batch.number, state, done, batch.requests, message)
        if self._reported.get(batch.number) != status:
            self._reported[batch.number] = status
            self.report(status)

    async def _send(
        self, request: Callable[[], Awaitable[_T]], *, is_download: bool = False
    ) -> _T:
        """Send a request that can safely be repeated, a few times before the provider's first
        answer, more often after it. Raises an error for users, or ``Unread`` if what was downloaded
        cannot be read.
        """

        def explain(failure: Failure, attempts: int) -> Exception:
            is_garbled = failure.status == 200
            if is_garbled and is_download:
                return Unread(failure.said)
            away = failure.is_absence or is_garbled
            return explain_failure(failure, self.model.spec, attempts, away=away)

        policy = RetryPolicy(first_wait=min(1.0, self.poll_s), jitter=lambda: 0.0)
        most = _ATTEMPTS if self._was_answered else _FIRST_ATTEMPTS
        result = await repeat(
            request,
            policy,
            limit=lambda _: most,
            pause=self.sleep,
            explain=explain,
        )
        self._was_answered = True
        return result

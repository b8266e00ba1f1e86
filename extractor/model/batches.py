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
from typing import NamedTuple, TypeVar
from uuid import uuid4

from pydantic import BaseModel

from extractor.errors import AnswerPending, BudgetReached
from extractor.model.batch_apis import ENDED, BatchApi, Progress
from extractor.model.batch_lines import AnswerLine, read_lines
from extractor.model.calls import Call, PromptVersion, schema_of
from extractor.model.client import Model
from extractor.model.completions import Completion, GarbledReply
from extractor.model.cost.budget import Budget
from extractor.model.failures import Failure, explain_failure, read_failure
from extractor.model.pace import RetryPolicy
from extractor.model.sending import repeat
from extractor.model.store import CallStore, State, judge, unpack
from extractor.schemas import Usage

MOST_REQUESTS = 50_000
MOST_BYTES = 190_000_000
"""Limits of a batch. Providers accept 50,000 requests and 200 MB, or more."""
_FRAME = 500
"""Bytes of a request beside its texts and its schema."""
_ATTEMPTS = 8
_GROWTH = 1.5
_LONGEST_WAIT_S = 300.0
"""Waits between polls grow by this factor, up to this many seconds."""
_OPEN = "state = 'waiting' AND NOT EXISTS (SELECT 1 FROM calls WHERE question = open.question"
_T = TypeVar("_T")


class StoredBatch(NamedTuple):
    """A batch: ``tag`` identifies it at the provider before its ``name``, the provider's id, is
    known. ``planned`` is a time in UTC.
    """

    number: int
    tag: str
    requests: int
    planned: str
    name: str


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
        " WHERE state <> 'fetched'"
        f" AND id IN (SELECT batch FROM calls AS open WHERE {_OPEN} AND state = 'answered'))"
        " ORDER BY id"
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
    poll_s: float = 5.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    unfinished: dict[int, str] = field(default_factory=dict, init=False)
    is_spent: bool = field(default=False, init=False)
    _reported: dict[int, BatchStatus] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        assert self.model.sender, "the model is open"
        self._form = self.model.sender.form
        self._api = BatchApi(self.model.sender.sdk, self.model.spec.batch_protocol)
        self._database = self.store.database
        self._database.execute(
            "UPDATE calls SET state = 'rejected' WHERE state = 'refused'"
        )
        self._reserved = {
            call.question_key: self.budget.set_aside(call)
            for _, call in self._list_waiting("1")
        }

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
            if self._list_open():
                await self.sleep(wait)
            wait = min(wait * _GROWTH, _LONGEST_WAIT_S)

    async def submit(self) -> None:
        """Submit the calls that wait now. Raises the errors of ``finish``."""
        for batch in self._list_open():
            # a command may have ended between its creation and its id
            if not batch.name:
                await self._make(batch, may_exist=True)
        while filled := self._fill():
            await self._make(filled, may_exist=False)

    def _fill(self) -> StoredBatch | None:
        """Put the first calls that are in no batch into one, within the limits of requests and
        bytes; a longer call has a batch for itself. None if no call is left.
        """
        schema = schema_of(self.reply_model)
        numbers: list[int] = []
        filled = 0.0
        for number, call in self._list_waiting("batch IS NULL"):
            text = call.system + call.user + schema
            size = len(text.encode("utf-8", "surrogatepass")) + _FRAME
            filled += max(1 / MOST_REQUESTS, size / MOST_BYTES)
            if filled > 1 and numbers:
                break
            numbers.append(number)
        if not numbers:
            return None
        row = {"tag": uuid4().hex, "planned": datetime.now(UTC).isoformat()}
        with self._database.transaction():
            batch = self._database.insert(
                "batches", state="sent", requests=len(numbers), **row
            )
            self._database.execute_many(
                "UPDATE calls SET batch = ? WHERE id = ?",
                [(batch, number) for number in numbers],
            )
        return StoredBatch(batch, row["tag"], len(numbers), row["planned"], "")

    async def _make(self, batch: StoredBatch, *, may_exist: bool) -> None:
        """Create a batch at the provider, or find it there, and store its id."""

        async def create() -> str:
            nonlocal may_exist
            found = None
            if may_exist:
                sql = "SELECT batch FROM batches WHERE batch IS NOT NULL"
                known = [name for (name,) in self._database.execute(sql)]
                found = await self._api.find(
                    batch.tag, batch.requests, batch.planned, known
                )
            # an attempt whose reply is lost may have created it
            may_exist = True
            return found or await self._api.create(batch.tag, self._write(batch))

        name = await self._send(create)
        self._set(batch, "state = 'made', batch = ?", name)
        self._tell(batch, "submitted")

    def _write(self, batch: StoredBatch) -> dict[str, dict[str, object]]:
        """Return the requests of a batch, by name."""
        calls = self._list_waiting("batch = ?", batch.number)
        return {call.question_key: self._form.write(call) for _, call in calls}

    async def _visit(self, batch: StoredBatch) -> None:
        """Look at a submitted batch, and fetch its answers if it has ended, even if it failed or
        expired, because they are paid for.
        """
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
        """Store the answers of a batch that has ended, and close it. Lines of other batches, and
        second lines, change nothing.

        Raises ``GarbledReply`` if a request has no line, unless the batch was refused or cancelled
        and all lines are answers.
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
                if line.completion or line.is_refused:
                    self._keep(line, waiting.pop(line.name))
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

    def _keep(self, line: AnswerLine, number: int) -> None:
        """Store an answer or a refusal, and release the place of its call in the budget. An answer
        without a usage counts at the most, in the store, too.
        """
        completion = line.completion
        reservation = self._reserved.pop(line.name)
        cost: Usage | None = completion.usage if completion else Usage()
        # of a batch that was lost and is found
        self._database.execute("DELETE FROM requests WHERE call = ?", (number,))
        if completion and not completion.has_usage:
            cost = None
            self.store.send(number, reservation.most)
        self.budget.settle(reservation, cost)
        state = judge(completion) if completion else State.REFUSED
        self.store.end(number, state, completion, why=line.problem)

    def _lose(self, batch: StoredBatch, problem: str) -> None:
        """Note that answers of a batch cannot be had now. It stays open, and its calls count at the
        most from now on, whoever asks them.
        """
        waiting = self._name_waiting(batch)
        for name, number in waiting.items():
            self._database.execute("DELETE FROM requests WHERE call = ?", (number,))
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
        """Send a request that can safely be repeated. Raises an error for users, or ``Unread`` if
        what was downloaded cannot be read.
        """

        async def attempt() -> _T:
            try:
                return await request()
            except Exception as error:
                failure = read_failure(error)
                if failure is None:
                    raise
                raise failure from None

        def explain(failure: Failure) -> Exception:
            is_garbled = failure.status == 200
            if is_garbled and is_download:
                return Unread(failure.said)
            away = failure.is_absence or is_garbled
            return explain_failure(failure, self.model.spec, away=away)

        policy = RetryPolicy(first_wait=min(1.0, self.poll_s), jitter=lambda: 0.0)
        return await repeat(
            attempt,
            policy,
            limit=lambda _: _ATTEMPTS,
            pause=self.sleep,
            explain=explain,
        )

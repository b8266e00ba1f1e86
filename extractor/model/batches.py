"""Ask through a provider's batch API, which is another way to fill the store of calls.

A call of a run waits in the store and is included in the budget. ``Batches`` collects waiting calls
into batches, creates each batch at the provider (``batch_apis``), queries its state until it has
ended, and stores its answers. ``exchange`` uses files instead.

- A row in ``batches`` is stored before a batch is created, and the batch id afterwards. If a
  command is killed in between, or the creation gets no reply, the batch is found by its tag or its
  input file. If the provider does not list it, it may exist nevertheless: its requests are counted
  at their maximum cost, and again for the batch that is created instead.
- A batch is closed when all answers that were paid for are stored. Until then, the next command
  fetches its answers again, so nothing is paid for twice. Answers that are no longer available are
  reported.
- A line that is not an answer to a call of its batch is ignored.
- A call that failed without a charge waits for the next batch, until it has been in as many as the
  user allows (``rounds``), in all commands together. A call whose answer may have been
  paid for, but cannot be read, keeps its batch open and is counted: the next command fetches the
  answer again, and only a live run asks again.
- A batch that the limit does not allow to create does not hold up the others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar
from uuid import uuid4

from extractor.errors import AnswerPending, BudgetReached
from extractor.model.batch_apis import (
    ENDED,
    AnswerLine,
    BatchApi,
    Progress,
    read_lines,
    write_line,
)
from extractor.model.calls import Call, Prompt, ReplyModel
from extractor.model.client import Model
from extractor.model.completions import Completion
from extractor.model.cost.budget import Budget
from extractor.model.failures import explain_failure, read_failure
from extractor.model.pace import Failure, RetryPolicy
from extractor.model.sending import repeat
from extractor.model.store import CallStore, State, unpack

MOST_REQUESTS = 2_000
"""Maximum number of requests in a batch. Providers accept 200 MB, and no request reaches 100 kB."""
_ATTEMPTS = 8
_GROWTH = 1.5
_LONGEST_WAIT_S = 300.0
"""The wait between polls grows by ``_GROWTH`` each time, up to this many seconds."""
_OPEN = "NOT EXISTS (SELECT 1 FROM calls WHERE question = open.question"
"""The beginning of an SQL condition: no call with the question of the row ``open`` meets the rest
of the condition.
"""
_TRIES = (
    "CREATE TABLE IF NOT EXISTS tries"
    " (call INTEGER NOT NULL REFERENCES calls, batch INTEGER NOT NULL REFERENCES batches,"
    " PRIMARY KEY (call, batch)) WITHOUT ROWID"
)
"""The batches that did not answer a call. Runs without batches do not have this table."""
_UNSENT = (
    "batch IS NULL AND (SELECT count(*) FROM tries WHERE call = open.id) < {rounds}"
)
"""An SQL condition: the call is in no batch, and may be in another."""
_FILL = (
    "UPDATE calls SET batch = ? WHERE id IN (SELECT id FROM calls AS open"
    " WHERE state = 'waiting' AND {unsent} ORDER BY id LIMIT ?)"
)
_COUNT_TRY = (
    "INSERT OR IGNORE INTO tries (call, batch)"
    " SELECT id, batch FROM calls WHERE state = 'waiting' AND batch = ?"
)
_CLOSE = (
    "UPDATE batches SET state = 'fetched' WHERE id = ?",
    "UPDATE calls SET batch = NULL WHERE batch = ? AND state = 'waiting'",
)
"""Close a batch. Its calls without an answer then wait for another batch."""
_REPEAT = (
    "INSERT INTO requests (call, prompt_tokens, written_tokens, output_tokens, dollars)"
    " SELECT 0, prompt_tokens, written_tokens, output_tokens, dollars FROM requests"
    " WHERE call IN (SELECT id FROM calls WHERE batch ="
    " (SELECT id FROM batches WHERE id = ? AND state = 'sent'))"
)
"""Count the requests of a batch again if it may exist already: its state is ``new`` before that,
``sent`` while no reply shows whether it exists, ``made`` when its id is stored, and ``fetched`` at
the end. No answer settles the requests of call 0.
"""
_FORGET = "DELETE FROM requests WHERE call = ?"
"""Delete the requests of a call, which count its maximum cost, because its cost is known."""
_RELEASE = (
    "UPDATE calls SET state = 'asked' WHERE state = 'waiting' AND batch IS NULL"
    " AND question IN (SELECT question FROM calls WHERE state = 'answered')"
)
"""Stop waiting for calls that a live run has already answered."""
_T = TypeVar("_T")


class Batch(NamedTuple):
    """A batch. ``tag`` identifies it at the provider until its ``name``, the provider's id, is
    known. ``state``, ``done`` (the number of finished ``requests``) and ``message`` are meant to be
    shown to users.
    """

    number: int
    tag: str
    requests: int
    name: str = ""
    state: str = ""
    done: int = 0
    message: str = ""


def list_open(store: CallStore) -> list[Batch]:
    """List the batches whose answers have not been fetched yet and that contain a call that was not
    answered live, oldest first.
    """
    rows = store.database.execute(
        "SELECT id, tag, requests, coalesce(batch, '') FROM batches"
        " WHERE state <> 'fetched'"
        " AND id IN (SELECT batch FROM calls AS open WHERE state = 'waiting'"
        f" AND {_OPEN} AND state = 'answered'))"
        " ORDER BY id"
    )
    return [Batch(*row) for row in rows.fetchall()]


@dataclass(eq=False)
class _AnswerFiles:
    """What the answer files of a batch say: the requests with a line, whatever it says (``named``),
    with a line that may be ``paid``, and with an answer that may be paid and cannot be read
    (``unread``); a ``problem`` that may explain why requests have no line, and the first problem of
    a line.
    """

    named: set[str] = field(default_factory=set)
    paid: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    problem: str = ""
    line_problem: str = ""


@dataclass(eq=False)
class Batches:
    """Collects the calls of a run, sends them in batches and fetches their answers. The work can be
    interrupted and continued at any point.

    Args:
        model: The open model, whose SDK and request format the batches use.
        store: The store of the waiting calls and their batches.
        reply_models: The reply model of the calls with each prompt, by the prompt's name.
        budget: The budget, in which each waiting call is counted at its maximum cost.
        report: Called with the new status of a batch whenever the status changes.
        poll_s: Seconds until the second poll; later waits are longer.
        sleep: A function that waits for a given number of seconds.
        rounds: The maximum number of batches that a call is in, in all commands together.

    ``unfinished`` contains the reasons why batches could not be finished, keyed by batch number,
    and ``refused`` the error of a batch that the limit does not allow to create, or None.
    """

    model: Model
    store: CallStore
    reply_models: Mapping[str, type[ReplyModel]]
    budget: Budget
    report: Callable[[Batch], None]
    poll_s: float
    sleep: Callable[[float], Awaitable[None]]
    rounds: int

    def __post_init__(self) -> None:
        assert self.model.sender, "the model is open"
        self.unfinished: dict[int, str] = {}
        self.refused: BudgetReached | None = None
        self._sender = self.model.sender
        self.model.spec.check_batches()
        self._api = BatchApi(self._sender.sdk)
        first = min(1.0, self.poll_s)
        self._policy = RetryPolicy(first_wait=first, jitter=lambda: 0.0)
        self._last: Batch | None = None
        self._database = self.store.database
        self._unsent = _UNSENT.format(rounds=self.rounds)
        self._database.execute(_TRIES)
        self._database.execute(_RELEASE)

    def answer(self, call: Call) -> Completion:
        """Store a call for the next batch at its maximum cost. Always raises ``AnswerPending``, or
        ``BudgetReached`` if the call does not fit into the budget.
        """
        reservation = self.budget.try_reserve(call)
        if reservation is None:
            raise BudgetReached(str(self.budget))
        self.budget.settle(reservation, None)
        with self._database.transaction():
            number = self.store.begin(call, self.model.name, State.WAITING)
            self.store.add_request(number, reservation.most)
        raise AnswerPending("the answer will be received through a batch")

    def count_waiting(self, condition: str = "1") -> int:
        """Count the waiting calls, or those that meet a condition in SQL."""
        sql = "SELECT count(*) FROM calls AS open WHERE state = 'waiting' AND "
        return int(self._database.value(sql + condition))

    def count_unanswered(self) -> int:
        """Count the waiting calls whose question has not received any answer, not even an unusable
        one.
        """
        return self.count_waiting(f"{_OPEN} AND answer IS NOT NULL)")

    def count_open(self) -> int:
        """Count the waiting calls that a batch may still answer."""
        return self.count_waiting(f"(batch IS NOT NULL OR {self._unsent})")

    def count_exhausted(self) -> int:
        """Count the waiting calls that ``rounds`` batches did not answer."""
        return self.count_waiting() - self.count_open()

    async def finish(self) -> None:
        """Submit the waiting calls, poll the batches until they have ended, and store their
        answers. Batches that cannot be finished are added to ``unfinished``.

        Raises ``ModelAway`` if the provider cannot be reached, and ``ModelUnavailable`` if it
        rejects a request.
        """
        wait = self.poll_s
        await self.submit()
        while self._list_open():
            for batch in self._list_open():
                await self._follow(batch)
            if self._list_open():
                await self.sleep(wait)
            wait = min(wait * _GROWTH, _LONGEST_WAIT_S)
        self.budget.set_spent(self.store.spending)
        self.budget.reached = False

    async def submit(self) -> None:
        """Submit the waiting calls. A batch that does not fit the limit is left, and named in
        ``unfinished``. Raises the same errors as ``finish``.
        """
        for batch in self._list_open():
            # an earlier command may have been killed before it stored the id (``name``)
            if not batch.name:
                await self._create_within_limit(batch)
        fill = _FILL.format(unsent=self._unsent)
        while size := min(self.count_waiting(self._unsent), MOST_REQUESTS):
            # the batch is stored first: after a crash, the tag finds it at the provider
            tag = uuid4().hex
            with self._database.transaction():
                number = self._database.insert(
                    "batches", state="new", requests=size, tag=tag
                )
                self._database.execute(fill, (number, size))
            await self._create_within_limit(Batch(number, tag, size))

    async def _create_within_limit(self, batch: Batch) -> None:
        """Create a batch, unless the limit does not allow it: other batches go on."""
        try:
            await self._create(batch)
        except BudgetReached as error:
            self.refused = error
            self.unfinished[batch.number] = str(error)

    async def _create(self, batch: Batch) -> None:
        """Create a batch at the provider, unless it exists there already, and store its id
        (``name``).
        """
        requests = []
        rows = self._database.execute(
            "SELECT question, user, output_limit, name, version, prompt, system FROM calls"
            " JOIN prompts ON prompt = sha256 WHERE state = 'waiting' AND batch = ?"
            " ORDER BY id",
            (batch.number,),
        )
        for question, user, limit, *prompt in rows:
            asked = Prompt(*prompt)
            call = Call(asked, unpack(user), self.reply_models[asked.name], limit)
            requests.append(write_line(question, self._sender.form.write(call)))

        file = ""

        async def find_or_create() -> str:
            nonlocal file
            # an earlier attempt whose reply was lost may have created the batch
            existing = await self._api.find(batch.tag, file)
            if existing:
                return existing
            file = file or await self._api.upload(batch.tag, requests)
            self._reserve(batch)
            try:
                return await self._api.create(batch.tag, file)
            except Exception as error:
                failure = read_failure(error)
                # the provider refused it, so it does not exist
                if failure and not failure.meaning.acted:
                    self._set(batch, "new")
                raise

        self._set(batch, "made", await self._send(find_or_create))
        self._report_status(batch, "submitted")

    def _set(self, batch: Batch, state: str, name: str | None = None) -> None:
        """Store the state of a batch, and its id if it is known."""
        sql = "UPDATE batches SET state = ?, batch = ? WHERE id = ?"
        self._database.execute(sql, (state, name, batch.number))

    def _reserve(self, batch: Batch) -> None:
        """Record that a batch may exist from now on. If an earlier attempt may have created it,
        its requests are counted again. Raises ``BudgetReached``, and changes nothing, if what is
        then counted exceeds the limit, which may be lower than that of an earlier command.
        """
        with self._database.transaction():
            self._database.execute(_REPEAT, (batch.number,))
            self._set(batch, "sent")
            self.budget.set_spent(self.store.spending)
            if self.budget.is_exceeded:
                raise BudgetReached(
                    f"batch {batch.number} is not created: with it, {self.budget}"
                )

    async def _follow(self, batch: Batch) -> None:
        """Query the state of a submitted batch, and fetch its answers if it has ended. The answers
        of failed or expired batches are fetched too, because they have been paid for.
        """
        progress = await self._send(lambda: self._api.look(batch.name))
        if progress is None:
            unknown = "the provider does not know it, at least not at this address or for this key"
            self._leave_open(batch, f"{unknown} ({batch.name})")
            return
        self._report_status(batch, progress.state, progress.done, progress.message)
        if progress.state not in ENDED:
            return
        problem = await self._fetch(batch, progress)
        if problem:
            self._leave_open(batch, f"its answers cannot be read: {problem}")
        if progress.state == "failed" and not progress.done:
            reason = progress.message or progress.state
            self.unfinished[batch.number] = f"the provider rejected it ({reason})"

    async def _fetch(self, batch: Batch, progress: Progress) -> str:
        """Store the answers of a batch that has ended, and close it. Lines from other batches and
        repeated lines are ignored.

        Returns the reason if the batch stays open, otherwise "". It stays open if an answer that
        may have been paid for cannot be read, or if any of its requests has no line, unless the
        batch may lack it (``_may_lack_lines``).
        """
        waiting = self._list_waiting(batch)
        read = await self._read_answers(batch, progress, waiting)
        # another line of a request whose line is not readable may be its answer
        unread = read.unread & waiting.keys()
        if unread:
            lost = f"{len(unread)} may have been paid for without a readable answer"
            return f"{lost}; {read.line_problem}"
        unseen = waiting.keys() - read.named
        if unseen and read.problem:
            return read.problem
        if unseen and not _may_lack_lines(batch, progress, read):
            return f"{len(unseen)} of its requests have no line in the answer files"
        self._close(batch, progress)
        message = read.line_problem
        if waiting:
            message = f"{len(waiting)} without an answer; {message}"
        self._report_status(batch, "fetched", batch.requests - len(waiting), message)
        return ""

    def _close(self, batch: Batch, progress: Progress) -> None:
        """Close a batch. Its calls without an answer then wait for another one."""
        with self._database.transaction():
            # a batch that the provider rejected as a whole tried nothing
            is_rejected = progress.state == "failed" and not progress.done
            if not is_rejected:
                self._database.execute(_COUNT_TRY, (batch.number,))
            for sql in _CLOSE:
                self._database.execute(sql, (batch.number,))

    async def _read_answers(
        self, batch: Batch, progress: Progress, waiting: dict[str, int]
    ) -> "_AnswerFiles":
        """Read the answer files of a batch, and store each line of a ``waiting`` call. The calls
        that are answered are removed from ``waiting``.
        """
        own = self._list_requests(batch)
        read = _AnswerFiles()
        for file in progress.files:
            content = await self._send(partial(self._api.get, file))
            if content is None:
                read.problem = f"{file} is no longer there"
                continue
            for number, line in read_lines(content.splitlines()):
                if not line.name:
                    place = f"line {number} of {file}"
                    read.problem = read.problem or f"{place} is {line.problem}"
                if line.name not in own:
                    continue
                read.named.add(line.name)
                if not line.has_failed:
                    read.paid.add(line.name)
                # answered by an earlier line, or when the batch was fetched before
                if line.name not in waiting:
                    continue
                read.line_problem = read.line_problem or line.problem
                self._store_line(line, waiting[line.name])
                if line.completion:
                    del waiting[line.name]
                elif not line.is_free:
                    read.unread.add(line.name)
        return read

    def _store_line(self, line: AnswerLine, number: int) -> None:
        """Store what a line of an answer file says about the waiting call with this number.

        Since ``answer``, the call is counted at its maximum cost. A stated usage replaces this
        cost; without one, it stays.
        """
        completion = line.completion
        usage = line.usage
        with self._database.transaction():
            if usage:
                # all its requests, so that none is left to be named as ``paid``
                self._database.execute(_FORGET, (number,))
            if completion:
                self.store.end(number, completion, completion.usage, paid=())
            elif usage:
                # no readable answer, but a known cost: the call waits on
                self.store.end(number, None, usage, paid=(), state=State.WAITING)

    def _leave_open(self, batch: Batch, problem: str) -> None:
        """Record that the answers of a batch are not available at the moment. The batch stays open,
        and its calls are counted at their maximum cost.
        """
        waiting = len(self._list_waiting(batch))
        self.unfinished[batch.number] = (
            f"{problem}; {waiting} of its questions are unanswered. Run the same command again; to "
            "pay for these again, ask them live: extractor run with the same options"
        )

    def _list_open(self) -> list[Batch]:
        """List the open batches that are not ``unfinished``."""
        batches = list_open(self.store)
        return [batch for batch in batches if batch.number not in self.unfinished]

    def _list_waiting(self, batch: Batch) -> dict[str, int]:
        """Return the numbers of the waiting calls in a batch, keyed by the names of their
        requests.
        """
        sql = "SELECT question, id FROM calls WHERE state = 'waiting' AND batch = ?"
        return dict(self._database.execute(sql, (batch.number,)).fetchall())

    def _list_requests(self, batch: Batch) -> set[str]:
        """Return the names of all requests in a batch, answered or not."""
        sql = "SELECT question FROM calls WHERE batch = ?"
        return {name for (name,) in self._database.execute(sql, (batch.number,))}

    def _report_status(
        self, batch: Batch, state: str, done: int = 0, message: str = ""
    ) -> None:
        """Report the status of a batch, unless it is the same as in the last report."""
        status = batch._replace(state=state, done=done, message=message)
        if status != self._last:
            self._last = status
            self.report(status)

    async def _send(self, request: Callable[[], Awaitable[_T]]) -> _T:
        """Send a request that can safely be repeated, with a timeout for each attempt. Raises a
        user-facing error.
        """

        def explain(failure: Failure) -> Exception:
            # Status 200 with an unreadable reply is the page of a proxy, which answers any request:
            # as if the provider were absent, the command ends and can be repeated later.
            is_away = failure.is_absence or failure.status == 200
            return explain_failure(failure, self.model.spec, away=is_away)

        async def attempt() -> _T:
            async with asyncio.timeout(self._sender.settings.timeout):
                return await request()

        return await repeat(
            attempt,
            self._policy,
            limit=lambda _: _ATTEMPTS,
            pause=self.sleep,
            explain=explain,
        )


def _may_lack_lines(batch: Batch, progress: Progress, read: _AnswerFiles) -> bool:
    """Return whether requests of a batch may have no line in its answer files: it failed or was
    cancelled, and there are as many lines, and answers, as the provider counts.
    """
    is_complete = ENDED[progress.state]
    if is_complete or len(read.named) < progress.done:
        return False
    answers = progress.answered
    if answers is None:
        # any number of answers may be lost, unless there are no files at all
        answers = batch.requests if progress.files else 0
    return len(read.paid) >= answers

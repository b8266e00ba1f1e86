"""Ask by a provider's batch API: another way to fill the store of calls.

A call that a run asks waits in the store, with its place in the budget. Waiting calls are put into
batches (``batch_book``), whose requests are lines in the provider's form (``batch_lines``); a batch
is created, looked at until it has ended, and its files of answers are read into the store
(``batch_apis`` has the two providers). ``exchange`` does the same by files.

What is promised:

- Each step is stored first. A command that is killed goes on, and creates no batch twice: it finds
  the one that it created last by its tag (OpenAI), or by its size and time (Anthropic).
- A batch is closed when nothing that is paid for is missing. Until then its answers are fetched
  again, eight times in a command: nothing is bought twice.
- A line that is no answer to a call of its batch changes nothing. Calls without an answer wait for
  the next batch.
- What cannot be had any more is named, and asked again only if the user says so; then it counts at
  the most that it may have cost.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from extractor.errors import AnswerPending, BudgetReached
from extractor.model.batch_apis import ENDED, BatchApi, Progress
from extractor.model.batch_book import BatchBook, StoredBatch
from extractor.model.batch_lines import AnswerLine, read_lines
from extractor.model.calls import Call
from extractor.model.client import Model
from extractor.model.completions import Completion, GarbledReply
from extractor.model.cost.budget import Budget
from extractor.model.failures import Failure, explain_failure
from extractor.model.pace import RetryPolicy
from extractor.model.request_form import RequestForm
from extractor.model.sending import repeat
from extractor.model.store import State, judge
from extractor.schemas import Usage

_FIRST_ATTEMPTS = 3
_ATTEMPTS = 8
"""Attempts at a request before the provider's first answer, when the address may be wrong, and
after it.
"""
_GROWTH = 1.5
_LONGEST_WAIT_S = 300.0
"""Waits between polls grow by this factor, up to this many seconds."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """How batches are sent.

    ``most_tokens`` is the number of prompt tokens that may wait at the provider at once: batches
    are no larger, and sent one after another. ``asks_again`` gives up what cannot be had any more,
    and asks what it held once more.
    """

    most_tokens: int | None = None
    asks_again: bool = False


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


@dataclass
class Batches:
    """Takes the calls of a run, sends them in batches and fetches their answers, from any stored
    state on. Calls that a batch refused earlier are asked again.

    Args:
        model: The open model, whose SDK and form of requests batches use.
        book: The stored batches, and the calls that wait.
        budget: Has a place for the most that each waiting call may cost.
        policy: How batches are sent.
        report: Is called with the status of batches.
        poll_s: Seconds before batches are looked at again, at first.
        sleep: Waits for seconds.

    Attributes:
        unfinished: Why batches could not be finished now, by number.
        is_spent: Whether the budget had no room for a call.
    """

    model: Model
    book: BatchBook
    budget: Budget
    policy: BatchPolicy
    report: Callable[[BatchStatus], None]
    poll_s: float = 5.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    unfinished: dict[int, str] = field(default_factory=dict, init=False)
    is_spent: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.book.forgive()
        self._reserved = {
            call.question_key: self.budget.set_aside(call)
            for _, call in self.book.waiting()
        }
        self._api = BatchApi(self.model, self.book)
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
        raise AnswerPending("the answer has not arrived yet")

    async def finish_all(self) -> None:
        """Submit open batches, look at them until they have ended, and store their answers. Those
        that cannot be finished now are ``unfinished``.

        Raises ``ModelAway`` if the provider cannot be reached, ``ModelUnavailable`` if it refuses.
        """
        wait = self.poll_s
        while self._list_open():
            await self.submit_all()
            for batch in self._list_open():
                if batch.name:
                    await self._visit(batch)
            if self._list_open():
                await self.sleep(wait)
            wait = min(wait * _GROWTH, _LONGEST_WAIT_S)

    async def submit_all(self) -> None:
        """Submit the batches that are not submitted yet, with a limit of tokens one at a time.
        Raises the errors of ``finish_all``.
        """
        for batch in self._list_open():
            if batch.name:
                continue
            if self.policy.most_tokens and any(one.name for one in self._list_open()):
                return
            name = await self._send(lambda: self._api.create(batch))  # noqa: B023 - called here
            self.book.note_made(batch.number, name)
            self._tell(batch, "submitted")

    async def _visit(self, batch: StoredBatch) -> None:
        """Look at a submitted batch, and fetch its answers if it has ended."""
        progress = await self._send(lambda: self._api.look(batch.name))
        if progress is None:
            gone = "the provider no longer has it, or not for this key"
            self._lose(batch, f"{gone} ({batch.name})")
            return
        self._tell(batch, progress.state, progress.done, progress.message)
        was_refused = progress.state == "failed" and not progress.done
        if progress.state not in ENDED:
            return
        try:
            await self._send(lambda: self._fetch(batch, progress), is_download=True)
        except Unread as unread:
            self._lose(batch, f"its answers cannot be read: {unread}")
            return
        if was_refused:
            why = progress.message or progress.state
            self.unfinished[batch.number] = f"the provider refused it ({why})"

    async def _fetch(self, batch: StoredBatch, progress: Progress) -> None:
        """Store the answers of a batch that has ended, even if it failed or expired, because they
        are paid for, and close it.

        Lines of other batches, and second lines, change nothing. Raises ``GarbledReply`` if a
        request has no line, unless the batch was refused or cancelled and all lines are answers.
        """
        waiting = self.book.waiting_in(batch.number)
        # all lines are judged by the form in which the requests were written
        form = self.model.form
        calls = [*islice(self.book.in_batch(batch.number), 1)]
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
                if line.name in waiting:
                    unseen.discard(line.name)
                    missed = missed or line.problem
                    learned = self._learn(form, line, calls)
                    if not learned and self._store(line, waiting[line.name]):
                        del waiting[line.name]
        if unseen and (problem or ENDED[progress.state]):
            raise GarbledReply(problem or f"{len(unseen)} of its requests have no line")
        self.book.close(batch.number)
        if waiting:
            missed = f"{len(waiting)} without an answer, such as {missed or 'all'}"
        self._tell(batch, "fetched", batch.requests - len(waiting), missed)

    def _learn(self, form: RequestForm, line: AnswerLine, calls: list[Call]) -> bool:
        """Leave out from now on what the provider refuses in a line, of requests that were written
        in a form. Returns False if no other form helps.
        """
        if not line.is_refused or not calls:
            return False
        refusal = Failure(400, line.problem, line.problem)
        better = form.without(refusal, calls[0])
        self.model.form = better or self.model.form
        return better is not None

    def _store(self, line: AnswerLine, number: int) -> bool:
        """Store an answer or a refusal. Returns False after a fault of the provider: then the call
        waits on.
        """
        completion = line.completion
        if completion:
            usage = completion.usage if completion.has_usage else None
            self._settle(line.name, number, usage)
            self.book.store.end(number, judge(completion), completion)
        elif line.is_refused:
            self._settle(line.name, number, Usage())
            self.book.store.end(number, State.REFUSED, why=line.problem)
        return bool(completion) or line.is_refused

    def _settle(self, name: str, number: int, usage: Usage | None) -> None:
        """Release the place of a call, and count what it has cost: the most, which is stored too,
        if nothing states it (None).
        """
        reservation = self._reserved.pop(name)
        if usage is None:
            self.book.store.send(number, reservation.most)
        self.budget.settle(reservation, usage)

    def _lose(self, batch: StoredBatch, problem: str) -> None:
        """Note that answers of a batch cannot be had now. It stays open, unless the user gives it
        up: then its calls without an answer count at their most, and are asked again.
        """
        waiting = self.book.waiting_in(batch.number)
        if not self.policy.asks_again:
            self.unfinished[batch.number] = (
                f"{problem}; {len(waiting)} of its questions have no answer."
                " To pay for these again, and for no others, add --ask-again"
            )
            return
        for name, number in waiting.items():
            self._settle(name, number, None)
            self.book.store.end(number, State.ASKED)
        self.book.close(batch.number)
        again = f"{problem}; what has no answer is asked again ({len(waiting)})"
        self._tell(batch, "given up", batch.requests - len(waiting), again)

    def _list_open(self) -> list[StoredBatch]:
        """List the open batches that are not ``unfinished``."""
        batches = self.book.open_batches()
        return [batch for batch in batches if batch.number not in self.unfinished]

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

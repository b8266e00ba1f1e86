"""Ask by a provider's batch API: another way to fill the store of calls.

A call that a run asks waits in the store, with its place in the budget (``batch_queue``). Waiting
calls are put into batches (``batch_book``), whose requests are lines in the provider's form
(``batch_lines``); a batch is created, looked at until it has ended, and its files of answers are
read into the store (``batch_apis`` has the two providers). ``exchange`` does the same by files.

What is promised:

- Each step is stored first. A command that is killed goes on, and creates no batch twice: it finds
  the one that it created last by its tag (OpenAI), or by its size and time (Anthropic).
- A batch is closed when nothing that is paid for is missing. Until then its answers are fetched
  again, eight times in a command: nothing is bought twice.
- A line that is no answer to a call of its batch changes nothing. Calls without an answer wait for
  the next batch.
- What cannot be had any more is named, and asked again only if the user says so; then it counts at
  the most that it may have cost.
- A batch for which the provider has no room waits until another one has ended.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, TypeVar

from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
)

from extractor.masking import hide_keys
from extractor.model.batch_apis import ENDED, BatchApi, Progress
from extractor.model.batch_book import BatchBook, StoredBatch
from extractor.model.batch_lines import AnswerLine, read_lines
from extractor.model.batch_queue import BatchQueue
from extractor.model.client import Model
from extractor.model.failures import Failure, explain_failure, read_failure
from extractor.model.store import State, judge
from extractor.plurals import counted
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


class NoRoom(Exception):
    """Too many tokens wait for an account to take a batch. The message is the provider's."""


class Unread(Exception):
    """Answers of a batch that are paid for could not be read, for the reason of the message."""


@dataclass
class BatchClient:
    """Sends the batches of a run and fetches their answers, from any stored state on.

    Args:
        model: The open model, whose SDK and form of requests batches use.
        book: The stored batches, and the calls that wait.
        queue: The places of these calls in the budget.
        policy: How batches are sent.
        report: Is called with the status of batches.
        poll_s: Seconds before batches are looked at again, at first.
        sleep: Waits for seconds.

    Attributes:
        unfinished: Why batches could not be finished now, by number.
        waits_for: What is waited for, in words.
    """

    model: Model
    book: BatchBook
    queue: BatchQueue
    policy: BatchPolicy
    report: Callable[[BatchStatus], None]
    poll_s: float = 5.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    unfinished: dict[int, str] = field(default_factory=dict, init=False)
    waits_for: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._api = BatchApi(self.model, self.book)
        self._attempts = _FIRST_ATTEMPTS
        self._most_at_once = 1 if self.policy.most_tokens else inf
        self._reported: dict[int, BatchStatus] = {}

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
        self.waits_for = ""

    async def submit_all(self) -> None:
        """Submit the batches that are not submitted yet, as far as there is room for them. Raises
        the errors of ``finish_all``.
        """
        for batch in self._list_open():
            if batch.name:
                continue
            under_way = self._count_under_way()
            if under_way and under_way >= self._most_at_once:
                return
            try:
                name = await self._send(self._api.create, batch)
            except NoRoom as refusal:
                self._note_no_room(batch, str(refusal))
                return
            self.book.note_made(batch.number, name)
            self._tell(batch, "submitted")

    async def _visit(self, batch: StoredBatch) -> None:
        """Look at a submitted batch, and fetch its answers if it has ended."""
        progress = await self._send(self._api.look, batch.name)
        if progress is None:
            gone = "the provider no longer has it, or not for this key"
            self._note_lost(batch, f"{gone} ({batch.name})")
            return
        self._tell(batch, progress.state, progress.done, progress.message)
        was_refused = progress.state == "failed" and not progress.done
        # OpenAI takes a batch first, and fails it when it has counted the tokens
        if was_refused and _lacks_room(Failure(429, "", progress.message)):
            self._note_no_room(batch, progress.message)
            return
        if progress.state not in ENDED:
            return
        try:
            await self._send(self._fetch, batch, progress)
        except Unread as unread:
            self._note_lost(batch, f"its answers cannot be read: {unread}")
            return
        if was_refused:
            why = progress.message or progress.state
            self.unfinished[batch.number] = f"the provider refused it ({why})"

    async def _fetch(self, batch: StoredBatch, progress: Progress) -> None:
        """Store the answers of a batch that has ended, even if it failed or expired, because they
        are paid for, and close it.

        Lines of other batches, and second lines, change nothing. Raises ``Unread`` if a request has
        no line, unless the batch was refused or cancelled and all lines are answers.
        """
        waiting = self.book.waiting_in(batch.number)
        # all lines are judged by the form in which the requests were written
        first = next(self.book.in_batch(batch.number), None)
        sent = self.model.form.parameters(first) if first else {}
        mode = self.model.form.mode
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
                    if self._store(line, waiting[line.name], sent, mode):
                        del waiting[line.name]
        if unseen and (problem or ENDED[progress.state]):
            raise Unread(problem or f"{len(unseen)} of its requests have no line")
        self.book.close(batch.number)
        if waiting:
            missed = f"{len(waiting)} without an answer, such as {missed or 'all'}"
        self._tell(batch, "fetched", batch.requests - len(waiting), missed)

    def _store(
        self, line: AnswerLine, number: int, sent: Mapping[str, Any], mode: str
    ) -> bool:
        """Store an answer or a refusal. Returns False if the call waits on: after a fault of the
        provider, and after a refusal of a parameter that later requests leave out.
        """
        store = self.book.store
        completion = line.completion
        if completion:
            usage = completion.usage if completion.has_usage else None
            self.queue.settle(line.name, number, usage)
            store.end(number, judge(completion), completion)
            return True
        refusal = Failure(400, line.problem, line.problem)
        if not line.is_refused or self.model.form.learn(refusal, sent, mode):
            return False
        self.queue.settle(line.name, number, Usage())
        store.end(number, State.REFUSED, why=line.problem)
        return True

    def _note_lost(self, batch: StoredBatch, problem: str) -> None:
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
            self.queue.settle(name, number, None)
            self.book.store.end(number, State.ASKED)
        self.book.close(batch.number)
        lost = counted(len(waiting), "question")
        again = f"{problem}; what has no answer is asked again ({lost})"
        self._tell(batch, "given up", batch.requests - len(waiting), again)

    def _note_no_room(self, batch: StoredBatch, message: str) -> None:
        """Note that a batch was refused because too many tokens wait. It waits until another of
        ours has ended; without another, this command cannot go on.
        """
        self.book.plan_again(batch.number)
        note = f"no room for its tokens now: {message}; its questions wait"
        self._tell(batch, "refused", message=note)
        self._most_at_once = self._count_under_way()
        if self._most_at_once:
            return
        for waiting in self._list_open():
            self.unfinished[waiting.number] = (
                f"the provider had no room for it ({message});"
                " name its limit with --batch-tokens N"
            )

    def _list_open(self) -> list[StoredBatch]:
        """List the open batches that are not ``unfinished``."""
        batches = self.book.open_batches()
        return [batch for batch in batches if batch.number not in self.unfinished]

    def _count_under_way(self) -> int:
        """Count the open batches that the provider has."""
        return sum(bool(batch.name) for batch in self._list_open())

    def _tell(
        self, batch: StoredBatch, state: str, done: int = 0, message: str = ""
    ) -> None:
        """Report the status of a batch, unless it was reported last."""
        status = BatchStatus(batch.number, state, done, batch.requests, message)
        progress = f"{state}, {done} of {batch.requests} done"
        self.waits_for = f"waiting for batch {batch.number} ({progress})"
        if self._reported.get(batch.number) != status:
            self._reported[batch.number] = status
            self.report(status)

    async def _send(self, request: Callable[..., Awaitable[_T]], *args: Any) -> _T:
        """Send a request that can safely be repeated, a few times before the provider's first
        answer, more often after it.

        Raises ``NoRoom``, ``Unread``, or the error for users of the last attempt.
        """
        attempts = AsyncRetrying(
            retry=retry_if_exception(_is_worth_retry),
            stop=stop_after_attempt(self._attempts),
            wait=wait_exponential(multiplier=min(1.0, self.poll_s), max=60),
            sleep=self.sleep,
            reraise=True,
        )
        try:
            result: _T = await attempts(request, *args)
        except Exception as error:
            failure = read_failure(error)
            if failure is None:
                raise
        else:
            self._attempts = _ATTEMPTS
            return result
        # raised here, since the SDK's error has a request with the key
        if _lacks_room(failure):
            raise NoRoom(hide_keys(failure.said))
        tried = attempts.statistics["attempt_number"]
        away = failure.is_absence or failure.status == 200
        raise explain_failure(failure, self.model.spec, tried, away=away)


def _lacks_room(failure: Failure) -> bool:
    """Return whether a batch is refused only because too many tokens wait."""
    return failure.meaning.kind == "room"


def _is_worth_retry(error: BaseException) -> bool:
    """Return whether a request may succeed soon."""
    failure = read_failure(error)
    return isinstance(error, Unread) or bool(failure and failure.is_temporary)

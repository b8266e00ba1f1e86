"""Sends a run's batches to a provider's batch API and fetches their answers, and stores each step.

A batch is closed once its answers are read, or the provider's counts say that there are none. Until
then it stays open, and the same answers are fetched again: what was paid for is not bought twice.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import uuid4

from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
)

from extractor.errors import ModelAway, ModelUnavailable
from extractor.masking import hide_keys
from extractor.model.batch_apis import (
    BATCH_APIS,
    BatchApi,
    Gone,
    NoRoom,
    Progress,
    is_gone,
    lacks_room,
)
from extractor.model.batch_book import BatchBook, StoredBatch, WaitingCall
from extractor.model.batch_lines import AnswerLine, read_line
from extractor.model.client import Model, Route
from extractor.model.cost.budget import Meter, Reservation
from extractor.model.failures import Failure, explain_failure, read_failure
from extractor.model.spec import ClientSettings, ModelSpec, name_model
from extractor.model.store import CallStore, State, judge
from extractor.plurals import counted
from extractor.schemas import Usage

_FIRST_ATTEMPTS = 3
_ATTEMPTS = 8
"""Attempts at a request before the provider's first answer, when the address may be wrong, and
after it.
"""
_DOWNLOADS = 4
"""How often a command downloads answers that cannot be read. The next command tries again."""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """Poll after ``first_wait`` seconds, then at intervals that grow up to ``longest_wait``
    seconds.
    """

    first_wait: float = 5.0
    growth: float = 1.5
    longest_wait: float = 300.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """How batches are sent.

    ``most_tokens`` is the number of prompt tokens that may wait at the provider at once, None for
    no limit. ``asks_live`` sends one question live before batches are made: what the provider
    refuses is learnt from one call, not from thousands. ``asks_again`` gives up what cannot be had
    any more, and asks what it held once more.
    """

    most_tokens: int | None = None
    asks_live: bool = True
    asks_again: bool = False


@dataclass(frozen=True, slots=True)
class BatchAccount:
    """What calls cost: ``live_cost`` is that of calls outside batches, ``meter`` their budget,
    ``reservation_of`` returns what a call, by its name, may use, and ``lose`` counts a call whose
    answer is lost at the most that it may have cost.
    """

    live_cost: Callable[[Usage], float] | None = None
    reservation_of: Callable[[str], Reservation | None] = lambda _: None
    lose: Callable[[WaitingCall], None] = lambda _: None
    meter: Meter | None = None


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """A batch's number and state, its requests (done and total), and the provider's message, for
    users.
    """

    number: int
    state: str
    done: int
    requests: int
    message: str = ""


class BatchClient:
    """Sends a run's planned batches to the provider and fetches their answers.

    It continues from the stored state. A batch is never created twice, even if the program ended
    before it stored the id.

    Args:
        live: The model's client, whose form of a request batches have, too.
        provider: The provider's batch API.
        book: The stored batches, and the calls that wait for one.
        policy: How often batches are looked at.
        sending: How large batches are, and what may be asked live.
        report: Is called with the status of batches.
        account: What calls in batches may cost.

    Attributes:
        unfinished: Why batches could not be finished now, by number.
        is_refused: Whether the provider takes no further batch now.
    """

    def __init__(
        self,
        live: Model,
        provider: BatchApi,
        book: BatchBook,
        *,
        policy: PollPolicy,
        sending: BatchPolicy,
        report: Callable[[BatchStatus], None],
        account: BatchAccount,
    ) -> None:
        self.live = live
        self.provider = provider
        self.book = book
        self.policy = policy
        self.sending = sending
        self.report = report
        self.account = account
        self.unfinished: dict[int, str] = {}
        self.is_refused = False
        self.room_when_written = live.form.room
        self._was_asked = False
        self._attempts = _FIRST_ATTEMPTS
        self._most_under_way: int | None = None  # after a refusal for lack of room
        self._downloads: dict[int, int] = {}
        self._reported: dict[int, BatchStatus] = {}
        self._waiting: list[BatchStatus] = []
        self._sizes: dict[int, int] = {}

    async def finish_all(self) -> int:
        """Finish all open batches, as far as they can be: submit them, look at them until they have
        ended, and fetch their answers. Returns how many calls they answered.

        The waits grow, and begin anew when a batch has ended. Batches that cannot be finished now
        are in ``unfinished``.

        Raises ``ModelAway`` if the provider cannot be reached, ``ModelUnavailable`` if it refuses.
        The stored state stays valid.
        """
        answered = 0
        wait = self.policy.first_wait
        self.room_when_written = self.live.form.room
        while True:
            await self._submit_what_fits()
            was_open = self._list_open()
            for stored in was_open:
                if stored.batch:
                    answered += await self._visit(stored, stored.batch)
            still_open = self._list_open()
            if not still_open:
                return answered
            # a batch has ended; others may have, too
            if len(still_open) < len(was_open):
                wait = self.policy.first_wait
            self._waiting = [self._describe_open(stored) for stored in still_open]
            await self.policy.sleep(wait)
            self._waiting = []
            wait = min(wait * self.policy.growth, self.policy.longest_wait)

    def describe_wait(self) -> str:
        """Say which batches are waited for: the first one, and how many more. Return "" if none is.
        May be called from any thread.
        """
        waiting = self._waiting
        if not waiting:
            return ""
        first = waiting[0]
        done = f"{first.done} of {first.requests} done"
        wait = f"waiting for batch {first.number} ({first.state}, {done})"
        if len(waiting) > 1:
            wait += f" and {len(waiting) - 1} more"
        return wait

    async def submit_all(self) -> None:
        """Submit the batches that are not submitted yet, as far as there is room for them.

        Raises the errors of ``finish_all``.
        """
        await self._submit_what_fits()
        for stored in self._list_open():
            if stored.batch:
                continue
            message = "it is submitted when there is room for its tokens"
            self._tell_of(stored, "waiting", message=message)

    async def plan(self) -> int:
        """Put waiting calls into batches. Returns how many calls are asked now.

        If the policy asks live, the first call of all is asked so before, and its answer is kept.
        Raises ``ModelUnavailable`` if the provider refuses it.
        """
        asked = 0
        if self.sending.asks_live and not self._was_asked:
            self._was_asked = True
            for waiting in self.book.waiting(most=1):
                await self.live.complete(waiting.call, 1)
                asked += 1
        most_tokens = self.sending.most_tokens
        asked += self.book.plan(_new_prefix(), most_tokens=most_tokens)
        return asked

    def _list_open(self) -> list[StoredBatch]:
        """List the batches that this command can still bring forward: open ones that are not
        ``unfinished``.
        """
        batches = self.book.open_batches()
        return [batch for batch in batches if batch.number not in self.unfinished]

    def _list_under_way(self) -> list[StoredBatch]:
        """List the batches whose requests wait at the provider. Downloaded ones have ended."""
        created = [stored for stored in self._list_open() if stored.batch]
        return [batch for batch in created if batch.number not in self._downloads]

    def _describe_open(self, stored: StoredBatch) -> BatchStatus:
        """Return the last reported status of an open batch, "planned" if none was reported."""
        planned = BatchStatus(stored.number, "planned", 0, stored.requests)
        return self._reported.get(stored.number, planned)

    async def _submit_what_fits(self) -> None:
        """Submit planned batches, in order, until there is no room for the next one."""
        self._divide_what_is_too_long()
        for stored in self._list_open():
            if stored.batch:
                continue
            if not self._has_room(stored):
                return
            try:
                await self._make(stored)
            except NoRoom as refusal:
                self._note_no_room(stored, str(refusal))
                return

    def _divide_what_is_too_long(self) -> None:
        """Divide planned batches that have more tokens than may wait now: they were planned when
        more were thought to fit. A batch of one request stays.
        """
        most = self.sending.most_tokens
        if most is None:
            return
        for stored in self._list_open():
            is_divisible = not stored.batch and stored.requests > 1
            if is_divisible and self._measure(stored) > most:
                self.book.replan(stored.number, _new_prefix(), most)

    def _has_room(self, stored: StoredBatch) -> bool:
        """Return whether a batch may be submitted beside those that are under way: all tokens
        together are within the limit, and after a refusal for lack of room another batch has ended
        since. A batch alone always may.
        """
        under_way = self._list_under_way()
        if not under_way:
            return True
        if self._most_under_way is not None and len(under_way) > self._most_under_way:
            return False
        if self.sending.most_tokens is None:
            return True
        waiting = sum(map(self._measure, under_way))
        return waiting + self._measure(stored) <= self.sending.most_tokens

    def _measure(self, stored: StoredBatch) -> int:
        """Estimate the prompt tokens of a batch."""
        if stored.number not in self._sizes:
            self._sizes[stored.number] = self.book.count_tokens(stored.number)
        return self._sizes[stored.number]

    async def _make(self, batch: StoredBatch) -> None:
        """Create the batch at the provider, and store its id there. Raises ``NoRoom``.

        If the file of requests that an earlier command uploaded is gone, it is uploaded again:
        nothing was paid for it.
        """

        def write_bodies() -> Any:
            """Yield the name and the body of each request."""
            for waiting in self.book.waiting(batch.number):
                yield waiting.name, self.live.form.write(waiting.call)

        def create() -> Awaitable[str]:
            """Create the batch, with the file that an earlier attempt may have uploaded."""
            stored = self.book.read_batch(batch.number)
            return self.provider.create(stored, write_bodies)

        try:
            made = await self._retry(create, has_file=bool(batch.input_file))
        except Gone:
            self.book.forget_file(batch.number)
            made = await self._retry(create)
        self.book.note_made(batch.number, made)
        self._tell_of(batch, "submitted")

    async def _visit(self, stored: StoredBatch, name: str) -> int:
        """Look at a submitted batch, whose id at the provider is ``name``, and fetch its answers if
        it has ended. Returns how many calls they answered.

        A batch that the provider does not have is lost, unless the whole address is wrong (which
        raises an error). A batch that failed because too many tokens wait is planned anew.
        """
        try:
            progress = await self._retry(
                lambda: self.provider.look(name), has_file=True
            )
        except Gone as gone:
            # with a wrong address, nothing is there
            await self._retry(self.provider.check)
            away = (
                f"the provider no longer has it, or not for this key ({name}: {gone})"
            )
            self._note_lost(stored, away)
            return 0
        self._tell_of(stored, progress.state, progress.done, progress.message)
        if not progress.has_ended:
            return 0
        was_refused = progress.has_failed and not progress.done
        # OpenAI takes a batch first, and fails it when it has counted the tokens
        if was_refused and lacks_room(progress.message):
            self._note_no_room(stored, progress.message)
            return 0
        return await self._fetch(stored, name, progress)

    async def _fetch(self, stored: StoredBatch, name: str, progress: Progress) -> int:
        """Store the completions and refusals of a batch, even if it failed or expired, because
        they are paid for. Returns how many calls they answered.

        The batch is closed if nothing that is paid for is missing. A failed batch without any
        answer was refused as a whole: the provider takes no further one now.
        """
        download = await self._retry(lambda: self.provider.download(name))
        reader = _AnswerReader(self, stored)
        for row in download.rows():
            reader.read(row)
        problem = reader.find_missing(progress, download.problem)
        if problem:
            self._note_unread(stored, problem, reader.answered)
            return reader.answered
        self.book.close(stored.number)
        # the request for the batch itself was wrong
        if progress.has_failed and not reader.answered:
            self.is_refused = True
            why = progress.message or progress.state
            self.unfinished[stored.number] = f"the provider refused it ({why})"
        self._tell_of(stored, "fetched", len(reader.ended), reader.describe())
        return reader.answered

    def _note_unread(self, stored: StoredBatch, problem: str, answered: int) -> None:
        """Note that not all answers of a batch could be read.

        They are paid for, so the batch stays open, and they are fetched again. After four downloads
        in a command they are lost.
        """
        tried = self._downloads.get(stored.number, 0) + 1
        self._downloads[stored.number] = tried
        if tried >= _DOWNLOADS:
            self._note_lost(stored, f"its answers cannot be read: {problem}")
            return
        message = f"its answers cannot be read: {problem}; they are fetched again"
        self._tell_of(stored, "unread", answered, message)

    def _note_lost(self, stored: StoredBatch, problem: str) -> None:
        """Note that answers of a batch cannot be had now. The batch stays open and ``unfinished``.

        If the user said so (``asks_again``), it is closed instead: its questions without an answer
        count at the most that they may have cost, and are asked again.
        """
        problem = hide_keys(problem)
        waiting = list(self.book.waiting(stored.number))
        if not self.sending.asks_again:
            self.unfinished[stored.number] = (
                f"{problem}; {len(waiting)} of its questions have no answer."
                " To pay for these again, and for no others, add --ask-again"
            )
            return
        for call in waiting:
            self.account.lose(call)
        self.book.close(stored.number)
        message = (
            f"{problem}; what has no answer is asked again "
            f"({counted(len(waiting), 'question')})"
        )
        done = stored.requests - len(waiting)
        self._tell_of(stored, "given up", done, message)

    def _note_no_room(self, stored: StoredBatch, message: str) -> None:
        """Note that a batch was refused because too many tokens wait.

        It waits until another of ours has ended. If none is under way, this command cannot go on.
        """
        message = hide_keys(message)
        under_way = self._list_under_way()
        others = [batch for batch in under_way if batch.number != stored.number]
        self.book.replan(stored.number, _new_prefix(), self.sending.most_tokens)
        note = f"no room for its tokens now: {message}; its questions wait"
        self._tell_of(stored, "refused", message=note)
        if others:
            self._most_under_way = len(others) - 1
            return
        self.is_refused = True
        why = f"the provider had no room for it ({message}); name its limit with --batch-tokens N"
        for waiting in self._list_open():
            self.unfinished[waiting.number] = why

    def _tell_of(
        self, stored: StoredBatch, state: str, done: int = 0, message: str = ""
    ) -> None:
        """Report the status of a batch, unless it was reported last."""
        status = BatchStatus(stored.number, state, done, stored.requests, message)
        if self._reported.get(status.number) != status:
            self._reported[status.number] = status
            self.report(status)

    async def _retry(
        self, call: Callable[[], Awaitable[_T]], *, has_file: bool = False
    ) -> _T:
        """Send a request that can safely be repeated, a few times before the provider's first
        answer, more often after it.

        Raises ``NoRoom`` if tokens that wait leave no room for it; with ``has_file``, ``Gone`` if
        what it names is not at the provider; else the error for users of the last attempt.
        """
        attempts = AsyncRetrying(
            retry=retry_if_exception(_is_worth_retry),
            stop=stop_after_attempt(self._attempts),
            wait=wait_exponential(max=60),
            sleep=self.policy.sleep,
            reraise=True,
        )

        # tenacity awaits only async functions
        async def attempt() -> _T:
            return await call()

        explained: Exception
        try:
            result: _T = await attempts(attempt)
        except Exception as error:
            failure = read_failure(error)
            if failure is None:
                raise
            tried = attempts.statistics["attempt_number"]
            explained = self._explain(failure, tried, has_file=has_file)
        else:
            self._attempts = _ATTEMPTS
            return result
        # raised here, since the SDK's error has a request with the key
        raise explained

    def _explain(self, failure: Failure, tried: int, *, has_file: bool) -> Exception:
        """Make the error of a request to the batch API that failed in the end, after ``tried``
        attempts: no room, the named thing is gone (only if the request names one, ``has_file``), no
        batch API at the address, a page in place of a reply, or what any request may fail for.
        """
        said = hide_keys(failure.said)
        place = f"{name_model(self.live.spec)}: the batch API"
        if failure.status is not None and lacks_room(failure.text):
            return NoRoom(said)
        if has_file and is_gone(failure.status, failure.text):
            return Gone(f"HTTP {failure.status}: {said}")
        if failure.status == 404:
            remedy = "does this address have one, and is its end right (often /v1)?"
            return ModelUnavailable(
                f"{place} is not there (HTTP 404: {said}); {remedy}"
            )
        if failure.status == 200:
            remedy = "try later, or check the address"
            return ModelAway(f"{place} replies with something else: {said}; {remedy}")
        return explain_failure(failure, self.live.spec, tried, away=failure.is_absence)


class _AnswerReader:
    """Reads the lines of one batch's answers into the store.

    Attributes:
        ended: The names of the requests that were answered or refused, now or by an earlier
            download.
        answered: How many of them ended now.
    """

    def __init__(self, client: BatchClient, stored: StoredBatch) -> None:
        self._client = client
        self._stored = stored
        self._names = client.book.names_in(stored.number)
        self.ended: set[str] = set()
        self.answered = 0
        self._seen: set[str] = set()
        self._succeeded: set[str] = set()
        self._missed = ""
        # All lines are judged by the form in which the batch's requests were written.
        self._sent: dict[str, Any] = {}
        for first in client.book.waiting(stored.number, most=1):
            self._sent = client.live.form.parameters(first.call)
        self._mode = client.live.form.mode

    def read(self, row: Mapping[str, Any]) -> None:
        """Store the answer of one line. Lines of other batches, and second lines, change
        nothing. A call has ended if it was answered or refused, now or by an earlier download.
        """
        line = read_line(row)
        # a file may hold the answers of another batch
        if line is None or line.name not in self._names:
            return
        self._seen.add(line.name)
        if line.completion:
            self._succeeded.add(line.name)
        has_ended = line.completion is not None or line.is_refused
        # a call that still waits was not read before
        waiting = self._client.book.find(self._stored.number, line.name)
        if waiting:
            number, limit = waiting
            has_ended = self._store(line, number, limit)
        if has_ended:
            self.ended.add(line.name)

    def _store(self, line: AnswerLine, number: int, limit: int) -> bool:
        """Store an answer or a refusal of the call with this number. Return whether it has one now.

        It has none, and is asked again, after a fault of the provider, after a refusal of a
        parameter that later requests leave out, and if thinking took the whole output limit, and
        there is more room for it now. An answer without usage counts at its highest cost.
        ``limit`` is the call's output limit without thinking.
        """
        store = self._client.book.store
        form = self._client.live.form
        # a fault, or a refusal
        if line.completion is None:
            self._missed = self._missed or line.problem
            if not line.is_refused:
                return False
            failure = Failure(400, said=line.problem, text=line.problem)
            if form.learn(failure, self._sent, self._mode):
                return False
            store.end(number, State.REFUSED, why=line.problem)
            self.answered += 1
            return True
        if not line.completion.has_usage:
            reserved = self._client.account.reservation_of(line.name) or Reservation()
            store.send(number, reserved.most)
        if form.gives_more_room(limit, line.completion, self._client.room_when_written):
            self._missed = self._missed or "thinking took the whole output limit"
            store.end(number, State.ASKED, usage=line.completion.usage)
            return False
        store.end(number, judge(line.completion), line.completion)
        self.answered += 1
        return True

    def find_missing(self, progress: Progress, problem: str) -> str:
        """Say what is missing of the answers that are paid for. Return "" if nothing is.

        Nothing is missing if each request has a line in the download. Else the provider's count of
        answers decides: if as many requests succeeded, nothing is missing, whatever ``problem``
        says. Without a count, a ``problem`` is returned, whatever the state; without a problem, a
        completed batch must have an answer to each request, any other batch none.

        Args:
            progress: What the provider says of the batch: its state, and how many answers it has,
                or None.
            problem: What the download had in place of an answer; "" if nothing.
        """
        if self._seen == self._names:
            return ""
        promised = progress.answers
        if promised is None and problem:
            return problem
        if promised is None:
            promised = 0
            if progress.state == "completed":
                promised = len(self._names)
        # a provider may count requests that this batch has not
        wanted = min(promised, len(self._names))
        if len(self._succeeded) >= wanted:
            return ""
        return problem or f"it has {len(self._succeeded)} of {promised} answers"

    def describe(self) -> str:
        """Say how many requests have no answer, and give an example of a reason. If all have one,
        say whether some of these are refusals; "" if none is.
        """
        missing = self._stored.requests - len(self.ended)
        if not missing and not self._missed:
            return ""
        described = f"{missing} without an answer" if missing else "some refused"
        if self._missed:
            described += f", such as {self._missed}"
        return described


def _is_worth_retry(error: BaseException) -> bool:
    """Return whether a request to the batch API may succeed soon. A page in place of a reply may
    be gone then; a batch for which there is no room must wait for another one.
    """
    failure = read_failure(error)
    if failure is None or lacks_room(failure.text):
        return False
    return failure.is_temporary or failure.status == 200


def _new_prefix() -> str:
    """Return a beginning of tags that no other batch has."""
    return uuid4().hex[:12]


@asynccontextmanager
async def open_batch_client(
    spec: ModelSpec,
    book: BatchBook,
    settings: ClientSettings,
    policy: PollPolicy | None = None,
    report: Callable[[BatchStatus], None] = print,
    sending: BatchPolicy | None = None,
    account: BatchAccount | None = None,
) -> AsyncIterator[BatchClient]:
    """Open a client at the provider of a model.

    Raises ``ArgumentError`` for a provider without a batch API that is known here, ``MissingKey``
    if there is no key.
    """
    protocol = spec.batch_protocol
    account = account or BatchAccount()
    live = Model(
        spec,
        replace(settings, patience=None),
        store=lambda: CallStore(book.store.database, account.live_cost),
        route=Route(account.meter),
    )
    async with live:
        yield BatchClient(
            live,
            BATCH_APIS[protocol](live.sdk, book),
            book,
            policy=policy or PollPolicy(),
            sending=sending or BatchPolicy(),
            report=report,
            account=account,
        )

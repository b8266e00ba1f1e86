"""Sends a run's batches to a provider's batch API and fetches their answers, and stores each step.

OpenAI takes a file of requests, Anthropic the requests themselves; both answer in any order. Before the first batch is
sent, one of its calls is asked live: what the provider refuses is learnt from one call, not from thousands.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential

from extractor.errors import ModelError
from extractor.schemas import Usage

from .batch_book import BatchBook, StoredBatch, load_row, read_line, write_line
from .completions import as_json
from .failures import explain_failure, read_failure
from .live import LiveModel
from .metering import Requests, Reservation
from .pace import RetryPolicy
from .patience import Watch
from .spec import ClientSettings, ModelSpec
from .store import State, judge

_TAG = "extractor"
_MAX_LISTED = 200
"""How many batches of the account are searched for one that may have been created already."""
_FIRST_ATTEMPTS, _ATTEMPTS = 3, 8
"""Attempts at a request before the provider's first answer, when the address may be wrong, and after it."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """Poll after ``first_wait`` seconds, then at intervals that grow up to ``longest_wait`` seconds."""

    first_wait: float = 5.0
    growth: float = 1.5
    longest_wait: float = 300.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """A batch's number and state, its requests (done and total), and the provider's message, for users."""

    number: int
    state: str
    done: int
    requests: int
    message: str = ""


class Progress(NamedTuple):
    """The progress of a batch at its provider."""

    state: str
    done: int
    has_ended: bool
    message: str = ""


class _OpenAI:
    """OpenAI's batches of ``/v1/chat/completions``: a file of requests, one of answers and one of errors."""

    def __init__(self, sdk: Any, book: BatchBook) -> None:
        self._sdk, self._book = sdk, book

    async def create(self, batch: StoredBatch, bodies: Callable[[], Any]) -> str:
        """Create the batch, or find one that was created already. Return its id."""
        input_file = batch.input_file
        if input_file is None:
            lines = b"".join(write_line(name, body, "openai") for name, body in bodies())
            input_file = (await self._sdk.files.create(file=(f"{batch.tag}.jsonl", lines), purpose="batch")).id
            self._book.note_sent(batch.number, input_file)
        seen = 0
        async for known in self._sdk.batches.list(limit=100):
            if (known.metadata or {}).get(_TAG) == batch.tag:
                return str(known.id)
            seen += 1
            if seen >= _MAX_LISTED:
                break
        made = await self._sdk.batches.create(
            completion_window="24h",
            endpoint="/v1/chat/completions",
            input_file_id=input_file,
            metadata={_TAG: batch.tag},
        )
        return str(made.id)

    async def look(self, name: str) -> Progress:
        """Return the progress of the batch."""
        batch = await self._sdk.batches.retrieve(name)
        counts = batch.request_counts
        message = "; ".join(str(error.message) for error in (batch.errors.data or [])[:3]) if batch.errors else ""
        done = counts.completed + counts.failed if counts else 0
        return Progress(batch.status, done, batch.status in ("completed", "failed", "expired", "cancelled"), message)

    async def fetch(self, name: str) -> AsyncIterator[Any]:
        """Yield the answers of a batch that has ended, as plain data."""
        batch = await self._sdk.batches.retrieve(name)
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            for line in (await self._sdk.files.content(file)).content.splitlines():
                yield load_row(line)


class _Anthropic:
    """Anthropic's message batches. They carry no tag: one of the same size, made since the plan, is taken for ours."""

    def __init__(self, sdk: Any, book: BatchBook) -> None:
        self._sdk, self._book = sdk.messages.batches, book

    async def create(self, batch: StoredBatch, bodies: Callable[[], Any]) -> str:
        if batch.input_file:  # an earlier attempt was under way
            async for known in self._sdk.list(limit=100):
                counts = known.request_counts
                total = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
                if known.created_at >= batch.planned - timedelta(minutes=5) and total == batch.requests:
                    return str(known.id)
        self._book.note_sent(batch.number, "requests")
        made = await self._sdk.create(requests=[{"custom_id": name, "params": body} for name, body in bodies()])
        return str(made.id)

    async def look(self, name: str) -> Progress:
        batch = await self._sdk.retrieve(name)
        counts = batch.request_counts
        done = counts.succeeded + counts.errored + counts.canceled + counts.expired
        return Progress(batch.processing_status, done, batch.processing_status == "ended")

    async def fetch(self, name: str) -> AsyncIterator[Any]:
        async for line in await self._sdk.results(name):
            yield as_json(line)


_Provider = _OpenAI | _Anthropic
_PROVIDERS: Mapping[str, type[_Provider]] = {"openai": _OpenAI, "anthropic": _Anthropic}


@dataclass(slots=True)
class BatchClient:
    """Sends a run's planned batches to the provider and fetches their answers.

    It continues from the stored state. A batch is never created twice, even if the program ended before it stored the
    id. ``report`` is called with the status of batches. ``live_cost`` is that of calls outside them, and
    ``reservation_of`` returns what such a call, by its name, may use.
    """

    live: LiveModel
    provider: _Provider
    spec: ModelSpec
    book: BatchBook
    policy: PollPolicy = field(default_factory=PollPolicy)
    report: Callable[[BatchStatus], None] = lambda _: None
    live_cost: Callable[[Usage], int] | None = None
    reservation_of: Callable[[str], Reservation | None] = lambda _: None
    _attempts: int = field(default=_FIRST_ATTEMPTS, init=False)

    async def finish_all(self) -> int:
        """Finish all open batches. Returns how many calls they answered.

        Raises ``ModelAway`` if the provider cannot be reached, ``ModelUnavailable`` if it refuses. The stored state
        stays valid.
        """
        submitted, room = await self.submit_all(), self.live.form.room
        return sum([await self._watch(batch, name, room) for batch, name in submitted])

    async def submit_all(self) -> list[tuple[StoredBatch, str]]:
        """Submit the batches that are not submitted yet. Returns all open batches with their ids at the provider.

        Raises the errors of ``finish_all``.
        """
        return [(batch, batch.batch or await self._make(batch)) for batch in self.book.open_batches()]

    async def plan(self) -> int:
        """Put waiting calls into batches. Returns how many calls are asked now.

        The first call of all is asked live before, and its answer is kept. Raises ``ModelUnavailable`` if the provider
        refuses it.
        """
        asked_live = 0 if self.live.was_reached else 1
        for waiting in self.book.waiting(most=asked_live):
            requests = Requests(waiting.call, self.book.store, waiting.number, self.reservation_of(waiting.name))
            try:
                completion, _ = await self.live(waiting.call, 1, requests)
            except ModelError as error:
                if error.usage and error.usage.calls:
                    self.book.store.charge(waiting.number, error.usage, replied=requests.replied)
                self.book.store.note_replies(requests.replied)
                raise
            self.book.store.end(
                waiting.number, judge(completion), completion, cost=self.live_cost, replied=requests.replied
            )
            return 1 + self.book.plan(uuid4().hex[:12])
        return self.book.plan(uuid4().hex[:12])

    async def _make(self, batch: StoredBatch) -> str:
        """Create the batch at the provider, and return its id there."""

        def write_bodies() -> Any:
            return ((one.name, self.live.form.write(one.call)) for one in self.book.waiting(batch.number))

        made = await self._retry(lambda: self.provider.create(batch, write_bodies))
        self.book.note_made(batch.number, made)
        self.report(BatchStatus(batch.number, "submitted", 0, batch.requests))
        return made

    async def _watch(self, stored: StoredBatch, name: str, room: int) -> int:
        """Poll a batch, written with this room for thinking, until it has ended, and store its answers."""
        wait = self.policy.first_wait
        last: BatchStatus | None = None
        while True:
            progress = await self._retry(lambda: self.provider.look(name))
            status = BatchStatus(stored.number, progress.state, progress.done, stored.requests, progress.message)
            if status != last:
                self.report(status)
            last = status
            if progress.has_ended:
                return await self._retry(lambda: self._fetch(stored, name, room))
            await self.policy.sleep(wait)
            wait = min(wait * self.policy.growth, self.policy.longest_wait)

    async def _fetch(self, stored: StoredBatch, name: str, room: int) -> int:
        """Store the completions and refusals of a batch, even if it failed or expired, because they are paid for.

        What thinking left no room for is asked again.
        """
        answered, missed = 0, ""
        async for row in self.provider.fetch(name):
            line = read_line(row)
            if line is None or (found := self.book.find(stored.number, line.name)) is None:
                continue
            (number, limit), problem = found, line.problem
            if line.completion and self.live.form.gives_more_room(limit, line.completion, room):
                self.book.store.charge(number, line.completion.usage)
                problem = "thinking took the whole output limit"
            elif line.completion:
                self.book.store.end(number, judge(line.completion), line.completion)
                answered += 1
            elif line.is_refused:
                self.book.store.end(number, State.REFUSED, why=problem)
                answered += 1
            missed = missed or problem
        self.book.close(stored.number)
        missing = stored.requests - answered
        example = f", such as {missed}" if missed else ""
        message = f"{missing} without an answer{example}" if missing else f"some refused{example}" if missed else ""
        self.report(BatchStatus(stored.number, "fetched", answered, stored.requests, message))
        return answered

    async def _retry(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Retry a request that can safely be repeated."""
        attempts = AsyncRetrying(
            retry=retry_if_exception(lambda error: bool((read := read_failure(error)) and read.is_temporary)),
            stop=stop_after_attempt(self._attempts),
            wait=wait_exponential(max=60),
            sleep=self.policy.sleep,
            reraise=True,
        )

        async def attempt() -> _T:  # tenacity awaits only async functions
            return await call()

        try:
            result: _T = await attempts(attempt)
        except Exception as error:
            if (failure := read_failure(error)) is None:
                raise
            tried = attempts.statistics["attempt_number"]
            explained = explain_failure(failure, self.spec, tried, longest_wait=60, away=failure.is_absence)
        else:
            self._attempts = _ATTEMPTS
            return result
        raise explained  # the SDK's error has a request with the key


@asynccontextmanager
async def open_batch_client(
    spec: ModelSpec,
    book: BatchBook,
    settings: ClientSettings,
    policy: PollPolicy | None = None,
    report: Callable[[BatchStatus], None] = print,
    live_cost: Callable[[Usage], int] | None = None,
    reservation_of: Callable[[str], Reservation | None] = lambda _: None,
) -> AsyncIterator[BatchClient]:
    """Open a client at the provider of a model.

    Raises ``ArgumentError`` for a provider without a batch API that is known here, ``MissingKey`` if there is no key.
    """
    protocol = spec.batch_protocol
    live = LiveModel(spec, settings, RetryPolicy(), Watch(None, ""))
    try:
        provider = _PROVIDERS[protocol](live.sdk, book)
        yield BatchClient(live, provider, spec, book, policy or PollPolicy(), report, live_cost, reservation_of)
    finally:
        await live.close()

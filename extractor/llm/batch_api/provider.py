"""A client of a provider's batch API: it uploads, creates, polls and fetches batches, and stores each step."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import httpx2
import openai
from openai.types import Batch
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential

from extractor.llm.limits import is_temporary
from extractor.llm.sdk import explain_failure, open_sdk
from extractor.llm.spec import ModelSpec
from extractor.llm.transport import NetworkTransport

from .requests import AnswerLine, BatchRequests, StoredBatch

_TAG = "extractor"
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_REFUSED = frozenset({400, 413, 422})
"""Refusals of the request itself, which would be refused again."""
_MAX_LISTED = 200
"""How many batches of the account are searched for one that may have been created already."""
_FIRST_ATTEMPTS, _ATTEMPTS = 3, 8
"""Attempts at a call before the provider's first answer, when the address may be wrong, and after it."""

_T = TypeVar("_T")
_TIMEOUT_S = 120.0
"""Seconds without a byte of a reply."""


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


@dataclass(slots=True)
class BatchClient:
    """Sends a run's planned batches to the provider and fetches their answers.

    It continues from the stored state. A batch is never created twice, even if the program ended before it stored the
    id. ``report`` is called with the status of batches.
    """

    client: openai.AsyncOpenAI
    spec: ModelSpec
    requests: BatchRequests
    policy: PollPolicy = field(default_factory=PollPolicy)
    report: Callable[[BatchStatus], None] = lambda _: None
    _attempts: int = field(default=_FIRST_ATTEMPTS, init=False)

    async def finish_all(self) -> int:
        """Finish all open batches. Returns how many requests they answered.

        Raises ``ModelAway`` if the provider cannot be reached, ``ModelUnavailable`` if it refuses. The stored state
        stays valid.
        """
        return sum([await self._watch(*pair) for pair in await self.submit_all()])

    async def submit_all(self) -> list[tuple[StoredBatch, str]]:
        """Submit the batches that are not submitted yet. Returns all open batches with their ids at the provider.

        Raises the errors of ``finish_all``.
        """
        return [(batch, batch.batch or await self._make(batch)) for batch in self.requests.open_batches()]

    async def _make(self, batch: StoredBatch) -> str:
        """Create the batch at the provider, and return its id there."""
        input_file = batch.input_file
        if input_file is None:
            lines = b"".join(self.requests.lines(batch.number))
            sent = await self._retry(
                lambda: self.client.files.create(file=(f"{batch.tag}.jsonl", lines), purpose="batch")
            )
            input_file = sent.id
            self.requests.note_sent(batch.number, input_file)
        made = await self._retry(lambda: self._find_or_create(batch, input_file))
        self.requests.note_made(batch.number, made)
        self.report(BatchStatus(batch.number, "submitted", 0, batch.requests))
        return made

    async def _find_or_create(self, batch: StoredBatch, input_file: str) -> str:
        """Search first, because an earlier attempt whose answer was lost may have created the batch."""
        seen = 0
        async for known in self.client.batches.list(limit=100):
            if (known.metadata or {}).get(_TAG) == batch.tag:
                return known.id
            seen += 1
            if seen >= _MAX_LISTED:
                break
        made = await self.client.batches.create(
            completion_window="24h",
            endpoint="/v1/chat/completions",
            input_file_id=input_file,
            metadata={_TAG: batch.tag},
        )
        return made.id

    async def _watch(self, stored: StoredBatch, name: str) -> int:
        """Poll a batch until it has ended, and store its answers."""
        wait = self.policy.first_wait
        last: BatchStatus | None = None
        while True:
            batch = await self._retry(lambda: self.client.batches.retrieve(name))
            status = _describe(stored, batch)
            if status != last:
                self.report(status)
            last = status
            if batch.status in _ENDED:
                return await self._fetch(stored, batch)
            await self.policy.sleep(wait)
            wait = min(wait * self.policy.growth, self.policy.longest_wait)

    async def _fetch(self, stored: StoredBatch, batch: Batch) -> int:
        """Store the completions and refusals of a batch, even if it failed or expired, because they are paid for."""
        content = b""
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            content += (await self._retry(lambda file=file: self.client.files.content(file))).content + b"\n"  # type: ignore[misc]
        answers = list(filter(None, map(AnswerLine.read, content.split(b"\n"))))
        missed = [answer.problem for answer in answers if answer.problem and answer.status not in _REFUSED]
        useful = (answer for answer in answers if not answer.problem or answer.status in _REFUSED)
        answered = self.requests.keep_answers(stored.number, useful)
        missing = stored.requests - answered
        message = f"{missing} without an answer" + (f", such as {missed[0]}" if missed else "") if missing else ""
        self.report(BatchStatus(stored.number, "fetched", answered, stored.requests, message))
        return answered

    async def _retry(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Retry a call that can safely be repeated."""
        attempts = AsyncRetrying(
            retry=retry_if_exception(_is_temporary),
            stop=stop_after_attempt(self._attempts),
            wait=wait_exponential(max=60),
            sleep=self.policy.sleep,
            reraise=True,
        )

        async def attempt() -> _T:  # tenacity awaits only async functions
            return await call()

        try:
            result: _T = await attempts(attempt)
        except (openai.APIError, httpx2.TransportError) as error:
            away = not isinstance(error, openai.APIStatusError)
            failure = explain_failure(error, self.spec, attempts.statistics["attempt_number"], away=away)
        else:
            self._attempts = _ATTEMPTS
            return result
        raise failure from None  # the SDK's error has a request with the key


@asynccontextmanager
async def open_batch_client(
    spec: ModelSpec,
    requests: BatchRequests,
    policy: PollPolicy | None = None,
    report: Callable[[BatchStatus], None] = print,
) -> AsyncIterator[BatchClient]:
    """Open a client at the provider of a model.

    Raises ``MissingKey`` if there is no key.
    """
    async with open_sdk(spec, NetworkTransport(), _TIMEOUT_S) as client:
        yield BatchClient(client, spec, requests, policy or PollPolicy(), report)


def _is_temporary(error: BaseException) -> bool:
    if isinstance(error, openai.APIStatusError):
        return is_temporary(error.status_code)
    return isinstance(error, openai.APIError | httpx2.TransportError)


def _describe(stored: StoredBatch, batch: Batch) -> BatchStatus:
    counts = batch.request_counts
    message = "; ".join(str(error.message) for error in (batch.errors.data or [])[:3]) if batch.errors else ""
    done = counts.completed + counts.failed if counts else 0
    return BatchStatus(stored.number, batch.status, done, stored.requests, message)

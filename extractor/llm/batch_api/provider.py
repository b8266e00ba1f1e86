"""A provider's batch API: files are sent, batches made, watched and fetched. Each step is noted before the next."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, Protocol, TypeVar

import httpx2
import openai
from openai.types import Batch
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_fixed

from extractor.errors import AnswerPending, BudgetReached, MissingKey
from extractor.llm.estimates import RequestSize, measure_body
from extractor.llm.failures import explain_failure
from extractor.llm.spec import ModelKind, ModelSpec
from extractor.llm.trace import Served, read_usage
from extractor.llm.transport import NetworkTransport
from extractor.schemas import Usage

from .requests import OK, AnswerLine, BatchAnswer, BatchRequests, StoredBatch, name_body

_TAG = "extractor"
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_TEMPORARY = frozenset({408, 409, 429})
_REFUSED = frozenset({400, 413, 422})
"""Refusals of the request as it is: asked again, it would be refused again."""
_LISTED = 200
"""Batches of the account that are searched for one that may have been made already."""

_T = TypeVar("_T")


class RequestBudget(Protocol):
    """A budget for the requests of a batch. All of them are under way at once, so nothing waits."""

    def set_aside(self, size: RequestSize) -> int:
        """Reserve what a request under way may take, whether there is room or not."""

    def try_reserve(self, size: RequestSize) -> int | None:
        """Reserve what a request may take, if there is room."""

    def charge(self, reservation: int, usage: Usage) -> None:
        """Release a reservation, and count what the request took."""


class BatchTransport(httpx2.AsyncBaseTransport):
    """Answers requests that earlier batches answered, and notes the others for the next batch.

    Raises ``AnswerPending`` for a request without an answer, ``BudgetReached`` if the budget has no room for it.
    """

    def __init__(self, requests: BatchRequests, budget: RequestBudget | None = None) -> None:
        self._requests, self._budget = requests, budget
        self._reserved: dict[str, int] = {}
        requests.forget_taken()
        if budget:
            self._reserved = {name: budget.set_aside(measure_body(body)) for name, body in requests.not_taken()}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(await request.aread())
        name = name_body(body)
        if answer := self._requests.find(name):
            return self._take(name, answer)
        if not self._requests.knows(name):
            if self._budget:
                reservation = self._budget.try_reserve(measure_body(body))
                if reservation is None:
                    raise BudgetReached("there is no room in the budget for another request")
                self._reserved[name] = reservation
            self._requests.add(body)
        raise AnswerPending("its answer is still to come: it is in a batch")

    def _take(self, name: str, answer: BatchAnswer) -> httpx2.Response:
        usage = read_usage(answer.content) if answer.status == OK else Usage()
        self._requests.note_taken(name)
        if name in self._reserved and self._budget:
            self._budget.charge(self._reserved.pop(name), usage)
        extensions = {"served": Served(usage, spent=not answer.taken and answer.status == OK)}
        headers = {"content-type": "application/json"}
        return httpx2.Response(answer.status, headers=headers, content=answer.content, extensions=extensions)


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """How often to poll: after ``first_wait`` seconds, then in growing intervals up to ``longest_wait``."""

    first_wait: float = 5.0
    growth: float = 1.5
    longest_wait: float = 300.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """A batch's number and state, requests done and in all, and the provider's message, for people."""

    number: int
    state: str
    done: int
    requests: int
    message: str = ""


@dataclass(slots=True)
class BatchClient:
    """Takes a run's planned batches to the provider and brings back their answers.

    It continues from what is noted: a batch is never made twice, even if the program ended between making it and noting
    it. ``report`` is called with the status of batches.
    """

    client: openai.AsyncOpenAI
    spec: ModelSpec
    requests: BatchRequests
    policy: PollPolicy = field(default_factory=PollPolicy)
    report: Callable[[BatchStatus], None] = lambda _: None
    _reached: bool = field(default=False, init=False)

    async def finish_all(self) -> int:
        """Bring all open batches to their end. Returns how many requests they answered.

        Raises ``ModelAway`` where the provider cannot be reached, ``ModelUnavailable`` where it refuses; notes stay.
        """
        made = [(batch, batch.batch or await self._make(batch)) for batch in self.requests.open_batches()]
        return sum([await self._watch(*pair) for pair in made])

    async def _make(self, batch: StoredBatch) -> str:
        """The provider's id of the batch, which it has after this."""
        input_file = batch.input_file
        if input_file is None:
            input_file = await self._retry(lambda: self._upload(batch))
            self.requests.note_sent(batch.number, input_file)
        made = await self._retry(lambda: self._find_or_create(batch, input_file))
        self.requests.note_made(batch.number, made)
        self.report(BatchStatus(batch.number, "submitted", 0, batch.requests))
        return made

    async def _upload(self, batch: StoredBatch) -> str:
        with tempfile.TemporaryFile() as file:
            file.writelines(self.requests.lines(batch.number))
            file.seek(0)
            return (await self.client.files.create(file=(f"{batch.tag}.jsonl", file), purpose="batch")).id

    async def _find_or_create(self, batch: StoredBatch, input_file: str) -> str:
        """An earlier attempt may have made the batch although its answer was lost, so look first."""
        seen = 0
        async for known in self.client.batches.list(limit=100):
            if (known.metadata or {}).get(_TAG) == batch.tag:
                return known.id
            seen += 1
            if seen >= _LISTED:
                break
        made = await self.client.batches.create(
            completion_window="24h",
            endpoint="/v1/chat/completions",
            input_file_id=input_file,
            metadata={_TAG: batch.tag},
        )
        return made.id

    async def _watch(self, stored: StoredBatch, name: str) -> int:
        """Poll a batch until it has ended, and keep its answers."""
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
        """Keep the answers of a batch, also of one that failed or expired: they are paid for."""
        missed: list[str] = []
        with tempfile.TemporaryFile() as lines:
            for file in (batch.output_file_id, batch.error_file_id):
                if file:
                    start = lines.seek(0, 2)
                    await self._retry(lambda file=file, start=start: self._download(file, lines, start))  # type: ignore[misc]
            lines.seek(0)
            answered = self.requests.keep_answers(stored.number, _read_answers(lines, missed))
        missing = stored.requests - answered
        message = f"{missing} without an answer" + (f", such as {missed[0]}" if missed else "") if missing else ""
        self.report(BatchStatus(stored.number, "fetched", answered, stored.requests, message))
        return answered

    async def _download(self, file: str, lines: IO[bytes], start: int) -> None:
        """Write a file to ``lines`` from ``start`` on, in place of what a failed attempt left there."""
        lines.seek(start)
        lines.truncate()
        async with self.client.files.with_streaming_response.content(file) as response:
            async for chunk in response.iter_bytes():
                lines.write(chunk)
        lines.write(b"\n")

    async def _retry(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """The result of a call that may be repeated without harm.

        A provider that never answered gets fewer and quicker attempts: probably its address is wrong.
        """
        attempts = AsyncRetrying(
            retry=retry_if_exception(_is_temporary),
            stop=stop_after_attempt(5 if self._reached else 3),
            wait=wait_exponential(self.policy.first_wait) if self._reached else wait_fixed(1.0),
            sleep=self.policy.sleep,
            reraise=True,
        )

        async def attempt() -> _T:  # tenacity does not await what a plain function returns
            return await call()

        try:
            result: _T = await attempts(attempt)
        except (openai.APIError, httpx2.TransportError) as error:
            away = not isinstance(error, openai.APIStatusError)
            failure = explain_failure(error, self.spec, attempts.statistics["attempt_number"], away=away)
        else:
            self._reached = True
            return result
        raise failure from None  # not chained to the SDK's error, whose request holds the key


@asynccontextmanager
async def open_batch_client(
    spec: ModelSpec,
    requests: BatchRequests,
    policy: PollPolicy | None = None,
    report: Callable[[BatchStatus], None] = print,
) -> AsyncIterator[BatchClient]:
    """A client at the provider of a model.

    Raises ``ValueError`` for a model of this machine or several servers, ``MissingKey`` where there is no key.
    """
    if spec.kind is ModelKind.LOCAL:
        raise ValueError("a model of this machine has no batch API; drop --batch")
    if spec.others:
        raise ValueError("a batch is given to one provider; name one server, or drop --batch")
    key = spec.api_key.get_secret_value() if spec.api_key else None
    try:
        client = openai.AsyncOpenAI(
            api_key=key or (None if spec.kind is ModelKind.HOSTED else "none"),
            base_url=spec.base_url,
            http_client=openai.DefaultAsyncHttpxClient(transport=NetworkTransport()),
            max_retries=0,
        )
    except openai.OpenAIError:
        raise MissingKey(f"model {spec.name}: there is no key for it; set OPENAI_API_KEY") from None
    async with client:
        yield BatchClient(client, spec, requests, policy or PollPolicy(), report)


def _is_temporary(error: BaseException) -> bool:
    if isinstance(error, openai.APIStatusError):
        return error.status_code in _TEMPORARY or error.status_code >= 500
    return isinstance(error, openai.APIError | httpx2.TransportError)


def _describe(stored: StoredBatch, batch: Batch) -> BatchStatus:
    counts = batch.request_counts
    message = "; ".join(str(error.message) for error in (batch.errors.data or [])[:3]) if batch.errors else ""
    done = counts.completed + counts.failed if counts else 0
    return BatchStatus(stored.number, batch.status, done, stored.requests, message)


def _read_answers(lines: Iterable[bytes], missed: list[str]) -> Iterator[tuple[str, BatchAnswer]]:
    """The completions and refusals in the lines of output and error files; other problems go to ``missed``."""
    for line in lines:
        answer = AnswerLine.read(line)
        if answer is None:
            continue  # a blank or broken line
        if not answer.problem or answer.status in _REFUSED:
            yield answer.name, BatchAnswer(answer.status, json.dumps(answer.body, ensure_ascii=False).encode("utf-8"))
        else:
            missed.append(answer.problem)

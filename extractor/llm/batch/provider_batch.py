"""A provider's batch API: files sent, batches made, watched, fetched. What happened is noted before the next step."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, Any, TypeVar

import httpx2
import openai
from openai.types import Batch
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from extractor.errors import MissingKey
from extractor.llm.failures import explain_failure
from extractor.llm.spec import ModelKind, ModelSpec
from extractor.llm.transport import NetworkTransport

from .batch_requests import BatchAnswer, BatchRequests, BatchState, KeptBatch

__all__ = ["BatchDesk", "BatchNews", "PollPolicy", "open_desk"]

_TAG = "extractor"
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
_TEMPORARY = frozenset({408, 409, 429})
_REFUSED = frozenset({400, 413, 422})
_RETRIES, _FIRST_TRIES = 5, 3
_FIRST_WAIT_S = 1.0
_OK = 200
_LISTED = 200
"""Batches of the account that are looked through for one of which it is not known whether it was made."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PollPolicy:
    """How often to look: after ``first_wait`` seconds, then in growing intervals up to ``longest_wait``. ``sleep`` is
    there for tests.
    """

    first_wait: float = 5.0
    growth: float = 1.5
    longest_wait: float = 300.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class BatchNews:
    """How a batch is doing, for people: its number, its state, requests done and in all, and what the provider said."""

    number: int
    state: str
    done: int
    requests: int
    told: str = ""


@dataclass(slots=True)
class BatchDesk:
    """Takes a run's planned batches to the provider and brings back what came of them.

    It goes on from whatever is noted: a batch that is made is never made again, even if the program ended between
    making it and noting it. ``tell`` is told how batches are doing.
    """

    client: openai.AsyncOpenAI
    spec: ModelSpec
    requests: BatchRequests
    policy: PollPolicy = field(default_factory=PollPolicy)
    tell: Callable[[BatchNews], None] = lambda _: None
    _was_reached: bool = field(default=False, init=False)

    async def finish_all(self) -> int:
        """See all open batches through to their end; how many requests they answered.

        Raises ``ModelAway`` where the provider cannot be reached, ``ModelUnavailable`` where it refuses; what is noted
        stays.
        """
        made = [await self._make(batch) for batch in self.requests.open_batches()]
        return sum([await self._see_through(*pair) for pair in made])

    async def _make(self, kept: KeptBatch) -> tuple[KeptBatch, str]:
        """The batch and its name at the provider, who has it after this."""
        if kept.batch:
            return kept, kept.batch
        input_file = kept.input_file
        found = await self._find(kept) if kept.state is BatchState.SENT else None
        if found is None:
            if input_file is None:
                input_file = await self._send_file(kept)
                self.requests.note_sent(kept.number, input_file)
            found = await self._create(kept, input_file)
        self.requests.note_made(kept.number, found)
        self.tell(BatchNews(kept.number, "submitted", 0, kept.requests))
        return kept, found

    async def _send_file(self, kept: KeptBatch) -> str:
        with tempfile.TemporaryFile() as file:
            file.writelines(self.requests.lines(kept.number))
            file.seek(0)
            return (await self._ask(lambda: self._upload(f"{kept.tag}.jsonl", file))).id

    async def _upload(self, name: str, file: IO[bytes]) -> openai.types.FileObject:
        file.seek(0)
        return await self.client.files.create(file=(name, file), purpose="batch")

    async def _create(self, kept: KeptBatch, input_file: str) -> str:
        """Make the batch, once: where it is not known whether it was made, look before trying again."""
        for attempt in range(_RETRIES):
            if attempt:
                await self.policy.sleep(self.policy.first_wait * 2**attempt)
                if found := await self._find(kept):
                    return found
            try:
                batch = await self.client.with_options(max_retries=0).batches.create(
                    completion_window="24h",
                    endpoint="/v1/chat/completions",
                    input_file_id=input_file,
                    metadata={_TAG: kept.tag},
                )
            except openai.APIError as error:
                if attempt == _RETRIES - 1 or not _is_temporary(error):
                    failure = explain_failure(error, self.spec, attempt + 1)
                    break
            else:
                return batch.id
        raise failure from None

    async def _find(self, kept: KeptBatch) -> str | None:
        """The provider's name of a batch that may have been made already."""

        async def look() -> str | None:
            seen = 0
            async for batch in self.client.batches.list(limit=100):
                if (batch.metadata or {}).get(_TAG) == kept.tag:
                    return batch.id
                seen += 1
                if seen >= _LISTED:
                    break
            return None

        return await self._ask(look)

    async def _see_through(self, kept: KeptBatch, name: str) -> int:
        """Watch a batch until it has ended, and keep what came of it."""
        wait = self.policy.first_wait
        before = ""
        while True:
            batch = await self._ask(lambda: self.client.batches.retrieve(name))
            news = _describe(kept, batch)
            if before != str(news):
                self.tell(news)
            before = str(news)
            if batch.status in _ENDED:
                return await self._fetch(kept, batch)
            await self.policy.sleep(wait)
            wait = min(wait * self.policy.growth, self.policy.longest_wait)

    async def _fetch(self, kept: KeptBatch, batch: Batch) -> int:
        """Keep the answers and errors of a batch; also of one that failed or expired, whose answers are paid for."""
        with tempfile.TemporaryFile() as lines:
            for file in (batch.output_file_id, batch.error_file_id):
                if file:
                    await self._ask(lambda file=file: self._download(file, lines))  # type: ignore[misc]
            lines.seek(0)
            missed: list[str] = []
            answered = self.requests.keep_answers(kept.number, _read_answers(lines, missed))
        told = f"{kept.requests - answered} without an answer" + (f", such as {missed[0]}" if missed else "")
        self.tell(BatchNews(kept.number, "fetched", answered, kept.requests, told if answered < kept.requests else ""))
        return answered

    async def _download(self, file: str, lines: IO[bytes]) -> None:
        """Append a file; nothing of it if it breaks off."""
        start = lines.seek(0, 2)
        try:
            async with self.client.files.with_streaming_response.content(file) as response:
                async for chunk in response.iter_bytes():
                    lines.write(chunk)
        except BaseException:
            lines.truncate(start)
            raise
        lines.write(b"\n")

    async def _ask(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """What the call gives, tried again where that can help: it may be made twice without harm."""
        attempts = AsyncRetrying(
            retry=retry_if_exception(_is_temporary),
            stop=lambda state: state.attempt_number >= (_RETRIES if self._was_reached else _FIRST_TRIES),
            wait=self._wait,
            sleep=self.policy.sleep,
            reraise=True,
        )
        try:
            return await attempts(self._note_contact, call)
        except (openai.APIError, httpx2.TransportError) as error:
            away = not isinstance(error, openai.APIStatusError)
            failure = explain_failure(error, self.spec, attempts.statistics["attempt_number"], away=away)
        raise failure from None

    async def _note_contact(self, call: Callable[[], Awaitable[_T]]) -> _T:
        try:
            result = await call()
        except openai.APIStatusError:
            self._was_reached = True
            raise
        self._was_reached = True
        return result

    def _wait(self, state: RetryCallState) -> float:
        """Seconds until the next attempt. A provider that never answered is hardly there: its address is wrong."""
        return self.policy.first_wait * 2 ** (state.attempt_number - 1) if self._was_reached else _FIRST_WAIT_S


@asynccontextmanager
async def open_desk(
    spec: ModelSpec,
    requests: BatchRequests,
    policy: PollPolicy | None = None,
    tell: Callable[[BatchNews], None] = print,
) -> AsyncIterator[BatchDesk]:
    """A desk at the provider of a model. Raises ``ValueError`` for a model of this machine, ``ModelUnavailable`` where
    there is no key.
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
        yield BatchDesk(client, spec, requests, policy or PollPolicy(), tell)


def _is_temporary(error: BaseException) -> bool:
    if isinstance(error, openai.APIStatusError):
        return error.status_code in _TEMPORARY or error.status_code >= 500
    return isinstance(error, openai.APIError | httpx2.TransportError)


def _describe(kept: KeptBatch, batch: Batch) -> BatchNews:
    counts = batch.request_counts
    told = "; ".join(str(error.message) for error in (batch.errors.data or [])[:3]) if batch.errors else ""
    return BatchNews(
        kept.number, batch.status, (counts.completed + counts.failed) if counts else 0, kept.requests, told
    )


def _read_answers(lines: IO[bytes], missed: list[str]) -> Iterator[tuple[str, BatchAnswer]]:
    """The answers in the lines of output and error files. What may come out otherwise another time is none, and the
    first of these tells why in ``missed``.
    """
    for line in lines:
        try:
            row = json.loads(line)
            name, response = str(row["custom_id"]), row.get("response") or {}
            status, body = int(response.get("status_code") or 0), response.get("body")
        except (ValueError, LookupError, TypeError, AttributeError):
            continue  # a blank or broken line
        if _is_answer(status, body):
            yield name, BatchAnswer(status, json.dumps(body, ensure_ascii=False).encode("utf-8"))
        elif not missed:
            missed.append(f"HTTP {status}: {_shorten(body)}" if status else _shorten(row.get("error")))


def _is_answer(status: int, body: Any) -> bool:
    """Whether the same request would get the same again: a completion, or a refusal of the request as it is."""
    if status == _OK:
        return isinstance(body, dict) and bool(body.get("choices"))
    return status in _REFUSED


def _shorten(told: object) -> str:
    error = told.get("error", told) if isinstance(told, dict) else told
    message = error.get("message") or error.get("code") if isinstance(error, dict) else error
    return " ".join(str(message).split())[:200]

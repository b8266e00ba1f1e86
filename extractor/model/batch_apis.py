"""The batch APIs of OpenAI and Anthropic: create a batch, look at it, download its answers.

OpenAI takes a file of requests, Anthropic the requests themselves; both answer in any order. What
they reply is read as plain data, because a proxy's page has none of the attributes that an SDK
promises.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from extractor.errors import ModelError
from extractor.model.batch_book import BatchBook, StoredBatch
from extractor.model.batch_download import Download
from extractor.model.batch_lines import write_line
from extractor.model.completions import GarbledReply, as_json, describe_garbled
from extractor.model.failures import read_failure

_TAG = "extractor"
_MAX_LISTED = 200
"""How many batches of the account are searched for one that may have been created already."""
_NO_ROOM = re.compile(
    r"enqueued (?:token|request)s?|token_limit|batch queue", re.IGNORECASE
)
"""What OpenAI and Azure say when an account has no room for further tokens that wait for an
answer.
"""
_GONE = re.compile(r"no such|not found|does not exist|deleted|expired", re.IGNORECASE)
_SLACK = timedelta(minutes=5)
"""By how much the clock of a provider may differ."""

Bodies = Callable[[], Iterator[tuple[str, Mapping[str, Any]]]]
"""Writes the requests of a batch: the name and the body of each."""


class Progress(NamedTuple):
    """The progress of a batch at its provider.

    ``done`` requests have ended. ``answers`` is the number of answers that its counts promise, None
    if they say nothing. ``message`` is what the provider says; ``has_failed`` means that it refused
    the whole batch.
    """

    state: str
    done: int
    has_ended: bool
    answers: int | None = None
    message: str = ""
    has_failed: bool = False


class NoRoom(Exception):
    """An account has no room for a batch now. The message is the provider's."""


class Gone(Exception):
    """A batch, or the file of its requests, is no longer at the provider, as the message says."""


class LostDownload(Exception):
    """A file is gone, or is broken in a way that no attempt now mends."""


def lacks_room(message: str) -> bool:
    """Return whether a provider refuses a batch only because too many tokens wait already.

    >>> lacks_room("Enqueued token limit reached for m. Limit: 90,000 enqueued tokens.")
    True
    """
    return bool(_NO_ROOM.search(message))


class OpenAIBatches:
    """OpenAI's batches of ``/v1/chat/completions``: a file of requests, one of answers and one
    of errors.
    """

    def __init__(self, sdk: Any, book: BatchBook) -> None:
        self._sdk = sdk
        self._book = book

    async def create(self, batch: StoredBatch, bodies: Bodies) -> str:
        """Create the batch, or find one that was created already. Return its id.

        The file of requests is uploaded once: its id is stored before the batch is created.
        """
        input_file = batch.input_file
        # an earlier command may have ended between the upload and the batch
        if input_file is None:
            lines = [write_line(name, body, "openai") for name, body in bodies()]
            file = (f"{batch.tag}.jsonl", b"".join(lines))
            uploaded = await self._sdk.files.create(file=file, purpose="batch")
            input_file = _read_text(_as_mapping(uploaded), "id")
            self._book.note_sent(batch.number, input_file)
        created = await self._find(batch.tag)
        if created:
            return created
        made = await self._sdk.batches.create(
            completion_window="24h",
            endpoint="/v1/chat/completions",
            input_file_id=input_file,
            metadata={_TAG: batch.tag},
        )
        return _read_text(_as_mapping(made), "id")

    async def look(self, name: str) -> Progress:
        """Return the progress of the batch with this id.

        A server that does not count leaves zeros beside a batch that is completed: its counts
        promise no number of answers.
        """
        batch = _as_mapping(await self._sdk.batches.retrieve(name))
        state = _read_text(batch, "status")
        counts = batch.get("request_counts")
        answers = _count(counts, "completed")
        done = _sum_counts(counts, "completed", "failed")
        if state == "completed" and done == 0:
            answers = None
        return Progress(
            state=state,
            done=done,
            has_ended=state in ("completed", "failed", "expired", "cancelled"),
            answers=answers,
            message=_join_errors(batch.get("errors")),
            has_failed=state == "failed",
        )

    async def download(self, name: str) -> Download:
        """Download the file of answers and the file of errors of a batch that has ended, as far as
        they are there. A file that is lost is the problem of the download.
        """
        batch = _as_mapping(await self._sdk.batches.retrieve(name))
        files = []
        problem = ""
        for kind, key in (("answers", "output_file_id"), ("errors", "error_file_id")):
            file = batch.get(key)
            if not isinstance(file, str) or not file:
                continue
            what = f"its file of {kind} ({file})"
            try:
                files.append(await _download(self._get_file(file), what))
            except LostDownload as error:
                problem = problem or str(error)
        return Download(files, problem)

    async def check(self) -> None:
        """Raise the error of the SDK if there is no batch API at the address."""
        async for _ in _list(self._sdk.batches.list(limit=1)):
            return

    async def _get_file(self, file: str) -> bytes:
        """Get the bytes of the file with this id."""
        reply = await self._sdk.files.content(file)
        return bytes(reply.content)

    async def _find(self, tag: str) -> str | None:
        """Return the id of the batch with this tag among the latest 200 of the account, None if
        there is none.
        """
        listed = 0
        async for batch in _list(self._sdk.batches.list(limit=100)):
            metadata = batch.get("metadata")
            if isinstance(metadata, Mapping) and metadata.get(_TAG) == tag:
                return _read_text(batch, "id")
            listed += 1
            if listed >= _MAX_LISTED:
                break
        return None


_ENDED = ("succeeded", "errored", "canceled", "expired")
"""How Anthropic's requests may end, as its counts name them."""


class AnthropicBatches:
    """Anthropic's message batches. They carry no tag: one of the same size, made since the plan,
    is taken for ours.
    """

    def __init__(self, sdk: Any, book: BatchBook) -> None:
        self._sdk = sdk
        self._book = book

    async def create(self, batch: StoredBatch, bodies: Bodies) -> str:
        """Create the batch, or find one that was created already. Return its id.

        That the requests are about to be sent is stored first. Only if it was stored before, a
        batch may be there already.
        """
        was_under_way = batch.input_file is not None
        if was_under_way:
            created = await self._find(batch)
            if created:
                return created
        self._book.note_sent(batch.number, "requests")
        requests = [{"custom_id": name, "params": body} for name, body in bodies()]
        made = await self._sdk.messages.batches.create(requests=requests)
        return _read_text(_as_mapping(made), "id")

    async def look(self, name: str) -> Progress:
        """Return the progress of the batch with this id. Counts of zero promise no number of
        answers.
        """
        batch = _as_mapping(await self._sdk.messages.batches.retrieve(name))
        state = _read_text(batch, "processing_status")
        counts = batch.get("request_counts")
        done = _sum_counts(counts, *_ENDED)
        answers = None
        if done:
            answers = _count(counts, "succeeded")
        return Progress(state, done, has_ended=state == "ended", answers=answers)

    async def download(self, name: str) -> Download:
        """Download the answers of a batch that has ended. If they are lost, that is the problem of
        the download.
        """
        try:
            file = await _download(self._get_results(name), "its file of answers")
        except LostDownload as error:
            return Download([], str(error))
        return Download([file])

    async def check(self) -> None:
        """Raise the error of the SDK if there is no batch API at the address."""
        async for _ in _list(self._sdk.messages.batches.list(limit=1)):
            return

    async def _get_results(self, name: str) -> bytes:
        """Get the answers from their own address, never from one that the reply names: the key
        goes with it.
        """
        address = f"/v1/messages/batches/{quote(name, safe='')}/results"
        return bytes(await self._sdk.get(address, cast_to=bytes))

    async def _find(self, batch: StoredBatch) -> str | None:
        """Return the id of a batch with as many requests, made since this one was planned (the
        clocks may differ by five minutes), that is none of this run's others. None if there is
        none.
        """
        others = self._book.known_batches()
        async for listed in _list(self._sdk.messages.batches.list(limit=100)):
            created = _read_time(listed, "created_at")
            name = _read_text(listed, "id")
            # older than the plan, or known as another batch of this run
            if created < batch.planned - _SLACK or name in others:
                continue
            counts = listed.get("request_counts")
            if _sum_counts(counts, "processing", *_ENDED) == batch.requests:
                return name
        return None


BatchApi = OpenAIBatches | AnthropicBatches
BATCH_APIS: Mapping[str, type[BatchApi]] = {
    "openai": OpenAIBatches,
    "anthropic": AnthropicBatches,
}


async def _download(getting: Awaitable[bytes], what: str) -> bytes:
    """Get a file, which messages call ``what``.

    Raises ``LostDownload`` if it is no longer there, or its bytes do not fit their headers. Other
    errors of the network stay, since another attempt may succeed.
    """
    try:
        return bytes(await getting)
    except ModelError:
        raise
    except Exception as error:
        failure = read_failure(error)
        if failure is None:
            problem = f"{what} cannot be read ({type(error).__name__})"
        elif is_gone(failure.status, failure.text):
            problem = (
                f"{what} is no longer there (HTTP {failure.status}: {failure.said})"
            )
        else:
            raise
    # here, since the SDK's error has a request with the key
    raise LostDownload(problem)


def is_gone(status: int | None, text: str) -> bool:
    """Return whether a reply says that what was asked for is not there, or no longer: by its status
    (404, 410), or by the words of a status 400.
    """
    if status in (404, 410):
        return True
    return status == 400 and bool(_GONE.search(text))


async def _list(pages: Any) -> AsyncIterator[Mapping[str, Any]]:
    """Yield the batches of an account, the latest first. Raises ``GarbledReply`` if the reply is
    no list.
    """
    try:
        async for batch in pages:
            yield _as_mapping(batch)
    except (AttributeError, TypeError) as error:
        raise GarbledReply("no list of batches") from error


def _as_mapping(reply: object) -> Mapping[str, Any]:
    """Return a reply as plain data. Raises ``GarbledReply`` if it is no object."""
    body = as_json(reply)
    if not isinstance(body, Mapping):
        raise GarbledReply(describe_garbled(body))
    return body


def _read_text(body: Mapping[str, Any], key: str) -> str:
    """Read a text that each reply of this kind has. Raises ``GarbledReply`` without it, with the
    error that the reply has instead.
    """
    value = body.get(key)
    if isinstance(value, str) and value:
        return value
    problem = f"no {key} in it"
    error = body.get("error")
    if error:
        problem += f"; {str(error)[:200]}"
    raise GarbledReply(problem)


def _read_time(body: Mapping[str, Any], key: str) -> datetime:
    """Read a time that each reply of this kind has, in UTC if it names no zone. Raises
    ``GarbledReply`` without it.
    """
    try:
        time = datetime.fromisoformat(_read_text(body, key))
    except ValueError as error:
        raise GarbledReply(f"no {key} in it") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _count(counts: object, key: str) -> int | None:
    """Read a count of requests. Return None for anything that is not one: no whole number, or a
    negative one.
    """
    if not isinstance(counts, Mapping):
        return None
    value = counts.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if value >= 0 else None


def _sum_counts(counts: object, *keys: str) -> int:
    """Sum counts of requests. What is no count adds nothing."""
    return sum(_count(counts, key) or 0 for key in keys)


def _join_errors(errors: object) -> str:
    """Join the first three errors of a batch that was refused, each with its code, in at most 500
    characters. Return "" if there are none.
    """
    if not isinstance(errors, Mapping):
        return ""
    listed = errors.get("data")
    if not isinstance(listed, list):
        return ""
    shown: list[str] = []
    for error in listed:
        if not isinstance(error, Mapping):
            continue
        words = [str(error[key]) for key in ("code", "message") if error.get(key)]
        shown.append(" ".join(words))
    return "; ".join(shown[:3])[:500]

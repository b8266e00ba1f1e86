"""OpenAI's batch API, which compatible servers also implement: create a batch, query its state, and
download its answers. Also write and read the lines of request and answer files.

Replies are validated here, because a proxy's page lacks the attributes that the SDK promises.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import quote

from pydantic import AliasPath, BaseModel, Field, ValidationError
from pydantic_core import from_json

from extractor.masking import hide_keys
from extractor.model.completions import (
    Completion,
    at,
    read_completion,
    read_garbled,
    read_stated_usage,
)
from extractor.model.pace import Failure, explain_status
from extractor.schemas import Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_TAG = "extractor"
ENDED = {"completed": True, "expired": True, "cancelled": False, "failed": False}
"""The final states of batches, and whether, in each of these states, the answer files contain a
line for each request.
"""
_LONGEST = 200
"""Maximum number of characters that a message quotes."""
_LONGEST_ID = 1_000
"""Maximum length of the id of a file or batch, which becomes part of an address."""
_LOWEST_ERROR = 400
"""Lower statuses do not show that a request failed."""
_NAME = re.compile(r'"custom_id"\s*:\s*"([^"\\]+)"')
"""The name of a request in a line that is not valid JSON, for example because it is cut."""


class Progress(NamedTuple):
    """A batch as its provider describes it: the state, the number of requests that have ended, the
    reason if the provider rejected the whole batch (otherwise ""), the paths of its answer files,
    and the number of requests that were ``answered``, or None if the provider does not state it.
    """

    state: str
    done: int
    message: str
    files: tuple[str, ...]
    answered: int | None = None


class _Reply(BaseModel):
    """A reply of the API. Members that are not declared are ignored."""

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read a reply. Raises ``Failure`` with its beginning if it does not have this form."""
        try:
            return cls.model_validate_json(content)
        except ValidationError:
            raise read_garbled(content.decode("utf-8", "replace")) from None


class _Named(_Reply):
    """A file or a batch. A batch whose reply does not state its id may exist nevertheless; it is
    then found by its tag.
    """

    id: str = Field(min_length=1, max_length=_LONGEST_ID)
    tag: object = Field(None, validation_alias=AliasPath("metadata", _TAG))
    input_file_id: object = None


class _Page(_Reply):
    """A part of the list of batches."""

    data: list[_Named]
    has_more: bool | None = None
    last_id: str | None = None


class _BatchState(_Reply):
    """The state of a batch. The provider states errors only if it rejects the whole batch."""

    status: str
    completed: int | None = Field(
        None, validation_alias=AliasPath("request_counts", "completed")
    )
    failed: int | None = Field(
        None, validation_alias=AliasPath("request_counts", "failed")
    )
    errors: list[object] | None = Field(
        None, validation_alias=AliasPath("errors", "data")
    )
    output_file_id: str | None = Field(None, max_length=_LONGEST_ID)
    error_file_id: str | None = Field(None, max_length=_LONGEST_ID)


class BatchApi:
    """The batch API of a provider's ``sdk``. Its methods raise the SDK's errors, and ``Failure``
    for a reply in an unexpected format.
    """

    def __init__(self, sdk: "AsyncOpenAI") -> None:
        self._sdk = sdk

    async def upload(self, tag: str, requests: Iterable[bytes]) -> str:
        """Upload the requests of a batch, and return the id of the file."""
        uploaded = await self._sdk.files.with_raw_response.create(
            file=(f"{tag}.jsonl", b"".join(requests)), purpose="batch"
        )
        return _Named.read(uploaded.content).id

    async def create(self, tag: str, file: str) -> str:
        """Create a batch of the requests in a file, and return its id."""
        body = {
            "completion_window": "24h",
            "endpoint": "/v1/chat/completions",
            "input_file_id": file,
            "metadata": {_TAG: tag},
        }
        created = await self._sdk.post("/batches", body=body, cast_to=bytes)
        return _Named.read(created).id

    async def find(self, tag: str, file: str) -> str | None:
        """Return the id of the batch with this tag or input file ("" if none was uploaded), or None
        if there is no such batch. If an earlier command was killed, the batch may exist although
        its id is not stored. Not all providers keep tags, or list batches.
        """
        path = "/batches?limit=100"
        seen = set[str]()
        # ends after a page without a next one, and if a server repeats a page
        while path not in seen:
            seen.add(path)
            content = await self.get(path)
            # not all providers list batches
            if content is None:
                break
            page = _Page.read(content)
            for listed in page.data:
                if listed.tag == tag or (file and listed.input_file_id == file):
                    return listed.id
            if page.has_more and page.data:
                last = page.last_id or page.data[-1].id
                path = f"/batches?limit=100&after={quote(last, safe='')}"
        return None

    async def look(self, name: str) -> Progress | None:
        """Return the progress of the batch with this id (``name``), or None if the provider does
        not know it.
        """
        reply = await self.get(f"/batches/{quote(name, safe='')}")
        if reply is None:
            return None
        batch = _BatchState.read(reply)
        done = (batch.completed or 0) + (batch.failed or 0)
        reasons = [
            f"{at(error, 'code')} {at(error, 'message')}"
            for error in batch.errors or ()
        ]
        # The request contains the key, so it is never sent to an address that a reply names.
        places = tuple(
            f"/files/{quote(file, safe='')}/content"
            for file in (batch.output_file_id, batch.error_file_id)
            if file
        )
        message = hide_keys("; ".join(reasons))
        return Progress(batch.status, done, message, places, batch.completed)

    async def get(self, path: str) -> bytes | None:
        """Return the content at a path of the API, or None if there is no such content or it no
        longer exists.
        """
        try:
            return bytes(await self._sdk.get(path, cast_to=bytes))
        except Exception as error:
            if getattr(error, "status_code", None) not in (404, 410):
                raise
        return None


class AnswerLine(NamedTuple):
    """A line of an answer file: the name of the request, or "" if the line is not an answer to a
    request, and either its completion or a description of the problem.

    ``usage`` is what the line states, or None. ``has_failed`` is True if the line shows that the
    request failed, so that no answer can have been paid for, except for the ``usage`` of the error.
    ``sha256`` is the digest of the line.
    """

    name: str
    completion: Completion | None = None
    problem: str = ""
    has_failed: bool = False
    usage: Usage | None = None
    sha256: str = ""

    @property
    def is_free(self) -> bool:
        """Whether the line shows that the request was not charged."""
        return self.has_failed and self.usage is None


def write_line(name: str, body: Mapping[str, object]) -> bytes:
    r"""Write a request as one line of a batch file.

    >>> write_line("a", {"model": "m"})[:35]
    b'{"custom_id": "a", "method": "POST"'
    """
    line = {
        "custom_id": name,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": body,
    }
    text = json.dumps(line, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def read_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, AnswerLine]]:
    """Yield (number, line) pairs for the lines of an answer file. Blank lines are skipped."""
    for number, line in enumerate(lines, 1):
        text = line.decode("utf-8-sig", "replace").strip()
        if text:
            digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            yield number, read_answer_line(text)._replace(sha256=digest)


def read_answer_line(text: str) -> AnswerLine:
    """Read a line of an answer file. What may have been answered is paid: a line shows that its
    request failed only with a status that says so, or with an error beside an empty response, and
    never if it contains an answer.

    >>> read_answer_line(
    ...     '{"custom_id": "a", "response": {"status_code": 429, "body": {}}}'
    ... )[2:4]
    ('status 429, no completion', True)
    >>> read_answer_line("<html>").problem
    "not an answer to a request: '<html>'"
    >>> read_answer_line('{"custom_id": "a", "response": {"status_code": 200, "bo').name
    'a'
    """
    try:
        row = from_json(text)
    except ValueError:
        row = None
    name = at(row, "custom_id")
    if not isinstance(name, str) or not name.strip():
        quoted = repr(hide_keys(text)[:_LONGEST])
        cut = _NAME.search(text)
        return AnswerLine(
            cut[1].strip() if cut else "",
            problem=f"not an answer to a request: {quoted}",
        )
    name = name.strip()
    status = _read_status(row)
    body = at(row, "response.body")
    usage = read_stated_usage(body, has_failed=status != 200)
    if status == 200:
        try:
            completion = read_completion(body)
        except Failure as garbled:
            return AnswerLine(name, problem=str(garbled), usage=usage)
        return AnswerLine(name, completion, usage=completion.stated_usage)
    error = at(row, "error", "response.body.error")
    message = at(error, "message", "code") or "no completion"
    words = hide_keys(" ".join(str(message).split()))[:_LONGEST]
    problem = f"status {status or 'unknown'}, {words}"
    has_failed = _shows_failure(row, status)
    return AnswerLine(name, problem=problem, has_failed=has_failed, usage=usage)


def _read_status(row: object) -> int | None:
    """Return the status of a line, also if it is written as text, or None if it states none.

    >>> _read_status({"response": {"status_code": "200"}})
    200
    """
    status = at(row, "response.status_code")
    if isinstance(status, str) and status.isdecimal() and len(status) == len("200"):
        return int(status)
    if type(status) is int:
        return status
    return None


def _shows_failure(row: Mapping[str, object], status: int | None) -> bool:
    """Return whether a line shows that its request failed, so that no answer can be paid for."""
    if _holds_answer(row):
        return False
    if status is not None:
        return status >= _LOWEST_ERROR and not explain_status(status).paid
    # without a status, the line says itself whether the request failed
    body = row.get("response")
    if isinstance(body, dict):
        body = body.get("body")
    is_empty = not body or bool(at(body, "error"))
    return is_empty and bool(row.get("error"))


def _holds_answer(part: object) -> bool:
    """Return whether there is a model's answer at any depth of a line."""
    if isinstance(part, list):
        return any(map(_holds_answer, part))
    if not isinstance(part, dict):
        return False
    try:
        read_completion(part)
    except Failure:
        return any(map(_holds_answer, part.values()))
    return True

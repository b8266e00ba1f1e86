"""OpenAI's batch API, which compatible servers also implement: create a batch, query its state, and
download its answers. Also write and read the lines of request and answer files.

Replies are validated here, because a proxy's page lacks the attributes that the SDK promises.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic_core import from_json

from extractor.masking import hide_keys
from extractor.model.completions import Completion, at, read_completion, read_garbled
from extractor.model.pace import Failure

_TAG = "extractor"
ENDED = {"completed": True, "expired": True, "cancelled": False, "failed": False}
"""The final states of batches, and whether, in each of these states, the answer files contain a
line for each request.
"""
_LONGEST = 200


class Progress(NamedTuple):
    """A batch as its provider describes it: the state, the number of requests that have ended, the
    reason if the provider rejected the whole batch (otherwise ""), and the paths of its answer
    files.
    """

    state: str
    done: int
    message: str
    files: tuple[str, ...]


class BatchApi:
    """The batch API of a provider's ``sdk``. Its methods raise the SDK's errors, and ``Failure``
    for a reply in an unexpected format.
    """

    def __init__(self, sdk: Any) -> None:
        self._sdk = sdk

    async def create(self, tag: str, requests: Iterable[bytes]) -> str:
        """Create a batch of requests, and return its id."""
        uploaded = await self._sdk.files.with_raw_response.create(
            file=(f"{tag}.jsonl", b"".join(requests)), purpose="batch"
        )
        body = {
            "completion_window": "24h",
            "endpoint": "/v1/chat/completions",
            "input_file_id": _read(uploaded.content, "id")["id"],
            "metadata": {_TAG: tag},
        }
        created = await self._sdk.post("/batches", body=body, cast_to=bytes)
        return str(_read(created, "id")["id"])

    async def find(self, tag: str) -> str | None:
        """Return the id of the batch with this tag, or None if there is no such batch. If an
        earlier command was killed, the batch may exist although its id is not stored.
        """
        # the list begins with the newest batches
        reply = await self._sdk.get("/batches?limit=100", cast_to=bytes)
        for listed in _read(reply, "data")["data"]:
            if at(listed, f"metadata {_TAG}") == tag:
                return str(listed["id"])
        return None

    async def look(self, name: str) -> Progress | None:
        """Return the progress of the batch with this id (``name``), or None if the provider does
        not know it.
        """
        reply = await self.get(f"/batches/{quote(name, safe='')}")
        if reply is None:
            return None
        body = _read(reply, "status")
        done = [
            at(body, f"request_counts {end}") or 0 for end in ("completed", "failed")
        ]
        errors = at(body, "errors data")
        reasons = [f"{at(error, 'code')} {at(error, 'message')}" for error in errors]
        # The request contains the key, so it is never sent to an address that a reply names.
        files = filter(None, (at(body, "output_file_id"), at(body, "error_file_id")))
        places = tuple(f"/files/{quote(file, safe='')}/content" for file in files)
        return Progress(
            body["status"], sum(done), hide_keys("; ".join(reasons)), places
        )

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


def _read(content: bytes, name: str) -> Any:
    """Read a reply, which must be a JSON object with a member ``name``. Otherwise, raise
    ``Failure`` with the beginning of the reply.
    """
    with suppress(ValueError):
        body = from_json(content)
        if isinstance(body, dict) and name in body:
            return body
    raise read_garbled(content.decode("utf-8", "replace"))


class AnswerLine(NamedTuple):
    """A line of an answer file: the name of the request, or "" if the line is not an answer to a
    request, and either its completion or a description of the problem.
    """

    name: str
    completion: Completion | None = None
    problem: str = ""


def write_line(name: str, body: Mapping[str, Any]) -> bytes:
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
            yield number, read_line(text)


def read_line(text: str) -> AnswerLine:
    """Read a line of an answer file.

    >>> read_line(
    ...     '{"custom_id": "a", "response": {"status_code": 429, "body": {}}}'
    ... ).problem
    'status 429, no completion'
    >>> read_line("<html>").problem
    "not an answer to a request: '<html>'"
    """
    try:
        row = from_json(text)
        name = row["custom_id"].strip()
    except (ValueError, LookupError, TypeError, AttributeError):
        message = f"not an answer to a request: {hide_keys(text)[:_LONGEST]!r}"
        return AnswerLine("", problem=message)
    status = at(row, "response status_code") or "unknown"
    if status == 200:
        try:
            return AnswerLine(name, read_completion(at(row, "response body")))
        except Failure as garbled:
            return AnswerLine(name, problem=str(garbled))
    error = at(row, "error", "response body error")
    message = at(error, "message", "code") or "no completion"
    words = hide_keys(" ".join(str(message).split()))[:_LONGEST]
    return AnswerLine(name, problem=f"status {status}, {words}")

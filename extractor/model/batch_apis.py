"""The batch APIs of OpenAI and Anthropic: create a batch, look at it, download its answers; and the
lines of their files: requests and answers.

Replies are checked here: a proxy's page has none of the attributes that an SDK promises.
"""

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic_core import from_json

from extractor.masking import hide_keys
from extractor.model.completions import Completion, at, read_completion, read_garbled
from extractor.model.pace import Failure

_TAG = "extractor"
_SLACK = timedelta(minutes=5)
"""The allowed difference of a provider's clock."""
ENDED = {
    "completed": True,
    "expired": True,
    "ended": True,
    "cancelled": False,
    "failed": False,
}
"""The states of batches that have ended, and whether each request then has a line."""


class Progress(NamedTuple):
    """A batch as its provider describes it: how many requests have ended, why the provider refused
    all of it ("" if it did not), and where its answers are.
    """

    state: str
    done: int
    message: str
    files: tuple[str, ...]


class BatchApi:
    """The batch API of a provider's ``sdk``, with OpenAI's protocol or Anthropic's. Raises the
    errors of the SDK, and ``Failure``.
    """

    def __init__(self, sdk: Any, protocol: str) -> None:
        self._sdk = sdk
        self._is_openai = protocol == "openai"
        self._path = "/batches" if self._is_openai else "/v1/messages/batches"

    async def create(self, tag: str, requests: Mapping[str, Mapping[str, Any]]) -> str:
        """Create a batch of requests by their names. Returns its id."""
        body: dict[str, Any]
        if self._is_openai:
            lines = [write_line(name, requests[name], "openai") for name in requests]
            uploaded = await self._sdk.files.with_raw_response.create(
                file=(f"{tag}.jsonl", b"".join(lines)), purpose="batch"
            )
            body = {
                "completion_window": "24h",
                "endpoint": "/v1/chat/completions",
                "input_file_id": _read(uploaded.content, "id"),
                "metadata": {_TAG: tag},
            }
        else:
            rows = [{"custom_id": name, "params": requests[name]} for name in requests]
            body = {"requests": rows}
        created = await self._sdk.post(self._path, body=body, cast_to=bytes)
        return str(_read(created, "id"))

    async def find(
        self, tag: str, size: int, planned: str, known: Container[str]
    ) -> str | None:
        """Find a batch that was created without its id being stored; None if there is none.

        Anthropic's batches have no tag: one of the same size that was created since the time
        ``planned``, and is none of those ``known``, is taken for it.
        """
        since = datetime.fromisoformat(planned) - _SLACK
        reply = await self._sdk.get(f"{self._path}?limit=100", cast_to=bytes)
        for listed in _read(reply, "data"):
            is_same = at(listed, f"metadata {_TAG}") == tag
            if not self._is_openai and listed["id"] not in known:
                is_new = datetime.fromisoformat(listed["created_at"]) > since
                is_same = is_new and sum(listed["request_counts"].values()) == size
            if is_same:
                return str(listed["id"])
        return None

    async def look(self, name: str) -> Progress | None:
        """Return the progress of the batch with this id, None if the provider does not have it."""
        path = f"{self._path}/{quote(name, safe='')}"
        reply = await self.get(path)
        if reply is None:
            return None
        state = _read(reply, "status" if self._is_openai else "processing_status")
        body = from_json(reply)
        counts = dict(at(body, "request_counts") or {})
        # all, and those that have not ended
        for other in ("total", "processing"):
            counts.pop(other, 0)
        errors = at(body, "errors data")
        shown = [f"{at(error, 'code')} {at(error, 'message')}" for error in errors]
        # The address is never one that a reply names: the key goes with it.
        files = [f"{path}/results"]
        if self._is_openai:
            ids = filter(None, (at(body, f"{k}_file_id") for k in ("output", "error")))
            files = [f"/files/{quote(file, safe='')}/content" for file in ids]
        message = hide_keys("; ".join(shown))
        return Progress(state, sum(counts.values()), message, tuple(files))

    async def get(self, path: str) -> bytes | None:
        """Return what is at a path of the API, None if it is not there (any longer)."""
        try:
            return bytes(await self._sdk.get(path, cast_to=bytes))
        except Exception as error:
            if getattr(error, "status_code", None) not in (404, 410):
                raise
        return None


def _read(content: bytes, name: str) -> Any:
    """Read a member of a reply. Raises ``Failure``, which quotes its beginning, without it."""
    try:
        return from_json(content)[name]
    except (ValueError, LookupError, TypeError):
        raise read_garbled(content.decode("utf-8", "replace")) from None


_LONGEST = 200
_STATUS = ("response status_code", "result type")
_BODY = ("response body", "result message")
_ERROR = (
    *("error", "response error", "response body error"),
    *("result error error", "result error"),
)
"""The place of each part in a line of OpenAI's or Anthropic's."""
_WELL = frozenset({200, "succeeded"})
_REFUSED = frozenset({400, 413, 422})
"""Statuses of a request that would be refused again."""


class AnswerLine(NamedTuple):
    """The answer to a request of a batch: the request's name ("" if it is not an answer to
    one), and its completion or the problem.

    A request that ``is_refused`` would be refused again.
    """

    name: str
    completion: Completion | None = None
    problem: str = ""
    is_refused: bool = False


def write_line(name: str, body: Mapping[str, Any], protocol: str) -> bytes:
    r"""Write a request as one line of a batch file, in Anthropic's or OpenAI's form.

    >>> write_line("a", {"model": "m"}, "anthropic")
    b'{"custom_id": "a", "params": {"model": "m"}}\n'
    """
    line: dict[str, Any] = {"custom_id": name}
    if protocol == "anthropic":
        line |= {"params": body}
    else:
        line |= {"method": "POST", "url": "/v1/chat/completions", "body": body}
    text = json.dumps(line, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def read_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, AnswerLine]]:
    """Read the lines of a file of answers, each with its number. Blank ones are left out."""
    for number, line in enumerate(lines, 1):
        text = line.decode("utf-8-sig", "replace").strip()
        if text:
            yield number, read_line(text)


def read_line(text: str) -> AnswerLine:
    """Read a line in the form of OpenAI's (``response``) or Anthropic's batches (``result``).

    >>> read_line(
    ...     '{"custom_id": "a", "response": {"status_code": 429, "body": {}}}'
    ... ).problem
    'status 429, no completion'
    >>> read_line("<html>").problem
    "no answer to a request: '<html>'"
    """
    try:
        row = from_json(text)
        name = row["custom_id"].strip()
    except (ValueError, LookupError, TypeError, AttributeError):
        said = f"no answer to a request: {hide_keys(text)[:_LONGEST]!r}"
        return AnswerLine("", problem=said)
    status = at(row, *_STATUS) or "unknown"
    if status in _WELL:
        try:
            return AnswerLine(name, read_completion(at(row, *_BODY)))
        except Failure as garbled:
            return AnswerLine(name, problem=str(garbled))
    error = at(row, *_ERROR)
    said = at(error, "message", "code") or "no completion"
    words = hide_keys(" ".join(str(said).split()))[:_LONGEST]
    is_refused = status in _REFUSED or at(error, "type") == "invalid_request_error"
    return AnswerLine(name, None, f"status {status}, {words}", is_refused)

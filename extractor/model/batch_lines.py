"""The lines of batch files, as OpenAI and Anthropic define them: requests and answers."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json

from extractor.masking import hide_keys
from extractor.model.completions import Completion, GarbledReply, read_completion

_WELL = frozenset({200, "succeeded"})
_REFUSED = frozenset({400, 413, 422})
"""Statuses of a request that would be refused again."""
_LONGEST_PROBLEM = 200
_SHOWN = 80
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


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


class AnswerLine(NamedTuple):
    """The answer to a request of a batch: the request's name ("" if it is no answer to one), and
    its completion or the problem.

    A request that ``is_refused`` would be refused again.
    """

    name: str
    completion: Completion | None
    problem: str = ""
    is_refused: bool = False


def read_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, AnswerLine]]:
    """Read the lines of a file of answers, each with its number. Blank ones are left out."""
    for number, text in enumerate(lines, 1):
        line = text.removeprefix(_BYTE_ORDER_MARK).strip()
        if line:
            yield number, read_line(line)


def read_line(line: bytes) -> AnswerLine:
    """Read a line in the form of OpenAI's (``response``) or Anthropic's batches (``result``).

    >>> read_line(b'{"custom_id": "a", "response": {"status_code": 429, "body": {}}}')
    AnswerLine(name='a', completion=None, problem='status 429, no completion', is_refused=False)
    >>> read_line(b"<html>").problem
    "no answer to a request: '<html>'"
    """
    try:
        row = from_json(line)
        name = row["custom_id"].strip()
    except (ValueError, LookupError, TypeError, AttributeError):
        beginning = hide_keys(line[:_SHOWN].decode("utf-8", "replace"))
        return AnswerLine("", None, f"no answer to a request: {beginning!r}")
    result = _get(row, "response") or _get(row, "result")
    status = _get(result, "status_code") or _get(result, "type") or "unknown"
    body = _get(result, "body") or _get(result, "message")
    if status in _WELL:
        try:
            return AnswerLine(name, read_completion(body))
        except GarbledReply as garbled:
            return AnswerLine(name, None, str(garbled))
    error: Any = next(
        filter(None, (_get(one, "error") for one in (row, result, body))), {}
    )
    # Anthropic's is in another one
    error = _get(error, "error") or error
    said = _get(error, "message") or _get(error, "code") or "no completion"
    words = hide_keys(" ".join(str(said).split()))[:_LONGEST_PROBLEM]
    is_refused = status in _REFUSED or _get(error, "type") == "invalid_request_error"
    return AnswerLine(name, None, f"status {status}, {words}", is_refused)


def _get(value: object, name: str) -> Any:
    """Return a member of a JSON object, an empty object if there is none."""
    return (value.get(name) if isinstance(value, Mapping) else None) or {}

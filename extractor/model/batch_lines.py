"""The lines of batch files, as OpenAI and Anthropic define them: requests and answers."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json

from extractor.masking import hide_keys
from extractor.model.completions import Completion, at, read_completion
from extractor.model.pace import Failure

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

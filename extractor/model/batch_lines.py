"""The lines of batch files, as OpenAI and Anthropic define them: requests and answers."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

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
    row: Mapping[str, Any] = {}
    with suppress(ValueError, RecursionError):
        row = _mapping(json.loads(line))
    name = row.get("custom_id")
    if not isinstance(name, str):
        beginning = hide_keys(line[:_SHOWN].decode("utf-8", "replace"))
        return AnswerLine("", None, f"no answer to a request: {beginning!r}")
    result = _mapping(row.get("response") or row.get("result"))
    status = result.get("status_code") or result.get("type") or "unknown"
    body = result.get("body") or result.get("message")
    if status in _WELL:
        try:
            return AnswerLine(name, read_completion(body))
        except GarbledReply as garbled:
            return AnswerLine(name, None, str(garbled))
    errors = (row.get("error"), result.get("error"), _mapping(body).get("error"))
    error = _mapping(next(filter(None, errors), None))
    # Anthropic's is in another one
    error = _mapping(error.get("error", error))
    words = str(error.get("message") or error.get("code") or "no completion").split()
    problem = f"status {status}, {hide_keys(' '.join(words))[:_LONGEST_PROBLEM]}"
    is_refused = status in _REFUSED or error.get("type") == "invalid_request_error"
    return AnswerLine(name, None, problem, is_refused)


def _mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object, an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}

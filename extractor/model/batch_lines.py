"""The lines of batch files, as OpenAI and Anthropic define them: requests and answers."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from extractor.model.completions import Completion, GarbledReply, read_completion

_REFUSED = frozenset({400, 413, 422})
"""Refusals of the request itself, which would be refused again."""
_LONGEST_SAID = 200


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
    """An answer of a batch: the call's name, and its completion or the problem.

    A call that ``is_refused`` would be refused again.
    """

    name: str
    completion: Completion | None
    problem: str = ""
    is_refused: bool = False


def read_line(row: Any) -> AnswerLine | None:
    """Read an answer in the form of OpenAI's or Anthropic's batches.

    Return None if it does not answer a request.

    >>> read_line({"custom_id": "a", "response": {"status_code": 429, "body": {}}})
    AnswerLine(name='a', completion=None, problem='status 429, no completion', is_refused=False)
    """
    if not isinstance(row, Mapping) or not isinstance(row.get("custom_id"), str):
        return None
    if isinstance(row.get("result"), Mapping):
        return _read_anthropic(row["custom_id"], row["result"])
    return _read_openai(row["custom_id"], row)


def load_row(line: bytes) -> Any:
    """Parse one JSON line. Return None if the line is not valid JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _read_anthropic(name: str, result: Mapping[str, Any]) -> AnswerLine:
    """Read the result of a line of Anthropic's: a message, or what became of the request and its
    error, which may be wrapped in another one.
    """
    kind = str(result.get("type") or "no completion")
    if kind == "succeeded":
        return _read_body(name, result.get("message"))
    error = result.get("error")
    is_refused = False
    if isinstance(error, Mapping):
        error = error.get("error", error)
    if isinstance(error, Mapping):
        is_refused = error.get("type") == "invalid_request_error"
    problem = f"{kind}, {_say(error)}"
    return AnswerLine(name, None, problem, is_refused=is_refused)


def _read_openai(name: str, row: Mapping[str, Any]) -> AnswerLine:
    """Read a line of OpenAI's: a response with status 200, or with another status and an error
    beside it or in its body, or an error alone.
    """
    response = row.get("response")
    if not isinstance(response, Mapping):
        return AnswerLine(name, None, _say(row.get("error")))
    body = response.get("body")
    status = response.get("status_code") or 200
    if status == 200:
        return _read_body(name, body)
    error = row.get("error")
    if not error and isinstance(body, Mapping):
        error = body.get("error")
    problem = f"status {status}, {_say(error)}"
    return AnswerLine(name, None, problem, is_refused=status in _REFUSED)


def _read_body(name: str, body: Any) -> AnswerLine:
    """Read the reply to the request called ``name``. A reply that is no answer is a problem."""
    try:
        return AnswerLine(name, read_completion(body))
    except GarbledReply as garbled:
        return AnswerLine(name, None, str(garbled))


def _say(error: Any) -> str:
    """Return what an error says, in one line."""
    if isinstance(error, Mapping):
        error = error.get("message") or error.get("code")
    return " ".join(str(error or "no completion").split())[:_LONGEST_SAID]

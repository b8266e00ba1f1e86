"""Lines of batch files, as OpenAI and Anthropic define them: a request with its name, and an answer to it."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from .completions import Completion, GarbledReply, read_completion

_REFUSED = frozenset({400, 413, 422})
"""Refusals of the request itself, which would be refused again."""


def write_line(name: str, body: Mapping[str, Any], protocol: str) -> bytes:
    r"""Write a request as one line of a batch file.

    >>> write_line("a", {"model": "m"}, "anthropic")
    b'{"custom_id": "a", "params": {"model": "m"}}\n'
    """
    openai = {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}
    line = {"custom_id": name, "params": body} if protocol == "anthropic" else openai
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


class AnswerLine(NamedTuple):
    """An answer of a batch: the call's name, and its completion or the problem, and whether the call is refused."""

    name: str
    completion: Completion | None
    problem: str = ""
    is_refused: bool = False


def read_line(row: Any) -> AnswerLine | None:
    """Read an answer in the form of OpenAI's or Anthropic's batches. None if it does not answer a request.

    >>> read_line({"custom_id": "a", "response": {"status_code": 429, "body": {}}})
    AnswerLine(name='a', completion=None, problem='status 429, no completion', is_refused=False)
    """
    if not isinstance(row, Mapping) or not isinstance(name := row.get("custom_id"), str):
        return None
    result = row.get("result")
    if isinstance(result, Mapping):  # Anthropic's
        status, body = (200, result.get("message")) if result.get("type") == "succeeded" else (0, None)
        error = result.get("error") or {}
        error = error.get("error", error) if isinstance(error, Mapping) else error
        refused = isinstance(error, Mapping) and error.get("type") == "invalid_request_error"
        problem = "" if status else str(result.get("type") or "no completion")
    else:
        response = row.get("response")
        response = response if isinstance(response, Mapping) else {}
        body, status = response.get("body"), response.get("status_code") or (200 if "body" in response else 0)
        error = row.get("error") or (body.get("error") if isinstance(body, Mapping) else None)
        refused, problem = status in _REFUSED, f"status {status}" if status not in (0, 200) else ""
    if status == 200:
        try:
            return AnswerLine(name, read_completion(body))
        except GarbledReply as garbled:
            return AnswerLine(name, None, str(garbled))
    said = error.get("message") or error.get("code") if isinstance(error, Mapping) else error
    reason = " ".join(str(said or "no completion").split())[:200]
    return AnswerLine(name, None, ", ".join(filter(None, (problem, reason))), refused)


def load_row(line: bytes) -> Any:
    """Parse one JSON line. Return None if the line is not valid JSON."""
    try:
        return json.loads(line)
    except ValueError:
        return None

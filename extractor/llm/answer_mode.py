"""How a server is told what an answer must look like."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

__all__ = ["AnswerMode", "told_mode"]


class AnswerMode(StrEnum):
    """How the answer's schema is told to the server, the surest way first.

    - ``lines``: as a grammar made for the very lines of the call, so that nothing else can be written. For the models
      that this program serves itself: other servers know no such grammars, or compile a schema once and keep it;
    - ``json_schema``: as a response format for all calls with such questions, which most servers decode under;
    - ``tools``: as a function that must be called;
    - ``json``: in the prompt, for servers that know neither.
    """

    LINES = "lines"
    JSON_SCHEMA = "json_schema"
    TOOLS = "tools"
    JSON = "json"


def told_mode(request: Mapping[str, Any]) -> AnswerMode:
    """The mode of a request that was sent.

    >>> told_mode({"grammar": "..."}).value, told_mode({"response_format": {"type": "json_object"}}).value
    ('lines', 'json')
    """
    if request.get("grammar"):
        return AnswerMode.LINES
    if request.get("tools"):
        return AnswerMode.TOOLS
    told = request.get("response_format") or {}
    return AnswerMode.JSON_SCHEMA if told.get("type") == "json_schema" else AnswerMode.JSON

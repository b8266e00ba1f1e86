"""Questions to a model, the calls that carry them, how the reply's schema is sent, and what comes back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from extractor.parse.parsed import Chunk
from extractor.schemas import Task, Usage

LINE_BREAK = " // "
"""Stands for a line break of the record where a prompt shows its text as one line."""
_DECORATION = ("title", "default")
_NAMED_SCHEMAS = ("properties", "$defs", "patternProperties")


class AnswerMode(StrEnum):
    """How the server learns the reply's schema, the most reliable way first.

    - ``json_schema``: as a response format, under which most servers decode;
    - ``tools``: as a function that the model must call;
    - ``json``: in the prompt.
    """

    JSON_SCHEMA = "json_schema"
    TOOLS = "tools"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Question:
    """Open fields of one numbered chunk. ``hint`` is context beside the chunk's text: its list, or its section."""

    task: Task
    chunk: Chunk
    fields: tuple[str, ...]
    hint: str = ""


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """A prompt file: its name, version, and SHA-256."""

    name: str
    version: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Call:
    """Questions about one record in one exchange.

    ``system`` holds the definitions for these questions, ``user`` the record's chunks. ``reply_model`` has a field
    ``items``, a list of models with the chunk's number ``n``; it is validated with ``context``.
    """

    prompt: PromptVersion
    questions: tuple[Question, ...]
    system: str
    user: str
    reply_model: type[BaseModel]
    max_output_tokens: int
    context: Mapping[str, object] = field(default_factory=dict)


Render = Callable[[Sequence[Question]], Call]
"""Makes the call for any part of a record's questions."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """The valid items of an answer, its usage, and why other items were dropped. ``pending``: more items will come."""

    items: tuple[BaseModel, ...]
    usage: Usage
    model: str
    rejected: tuple[str, ...] = ()
    pending: bool = False


def mode_of(request: Mapping[str, Any]) -> AnswerMode:
    """The mode of a request's body.

    >>> mode_of({"tools": [{}]}).value, mode_of({"response_format": {"type": "json_object"}}).value
    ('tools', 'json')
    """
    if request.get("tools"):
        return AnswerMode.TOOLS
    response_format = request.get("response_format") or {}
    return AnswerMode.JSON_SCHEMA if response_format.get("type") == "json_schema" else AnswerMode.JSON


def compact_schema(schema: Any) -> Any:
    """A JSON schema without the titles and defaults that pydantic adds. Fields with these names stay.

    >>> compact_schema({"title": "Item", "properties": {"title": {"type": "string", "title": "Title"}}})
    {'properties': {'title': {'type': 'string'}}}
    """
    if isinstance(schema, list):
        return [compact_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    compact = {}
    for key, value in schema.items():
        if key in _NAMED_SCHEMAS and isinstance(value, dict):
            compact[key] = {name: compact_schema(part) for name, part in value.items()}
        elif key in ("enum", "const", "required"):
            compact[key] = value
        elif key not in _DECORATION:
            compact[key] = compact_schema(value)
    return compact

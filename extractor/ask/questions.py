"""Questions to a model, and what comes back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel

from extractor.fields.declaration import CustomField
from extractor.llm.calls import Call
from extractor.parse.drafts import Chunk
from extractor.schemas import Task, Usage

LINE_BREAK = " // "
"""Stands for a line break of the record where a prompt shows its text as one line."""


@dataclass(frozen=True, slots=True)
class Question:
    """Open fields of one numbered chunk. ``hint`` is context beside the chunk's text: its list, or its section.

    ``fields`` are names; ``custom`` has the declarations of those that are the user's own.
    """

    task: Task
    chunk: Chunk
    fields: tuple[str, ...]
    hint: str = ""
    custom: tuple[CustomField, ...] = ()

    def asking(self, field: CustomField) -> "Question":
        """The question with a field of the user's own."""
        return replace(self, fields=(*self.fields, field.name), custom=(*self.custom, field))


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

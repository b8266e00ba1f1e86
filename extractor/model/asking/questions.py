"""Questions to a model, and what comes back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from extractor.concepts.own.declaration import CustomField
from extractor.evidence.drafts import Chunk
from extractor.model.calls import Call
from extractor.schemas import Task, Usage

LINE_BREAK = " // "
"""Replaces a line break of the record where a prompt shows its text as one line."""


@dataclass(frozen=True, slots=True)
class Question:
    """Ask for fields of one numbered chunk. Without ``fields``, the line is only shown.

    ``hint`` names its list or section; ``custom`` has the declarations of the user's own fields
    among the ``fields``.
    """

    task: Task
    chunk: Chunk
    fields: tuple[str, ...] = ()
    hint: str = ""
    custom: tuple[CustomField, ...] = ()

    @property
    def number(self) -> int:
        """The number of its chunk, which identifies the answer."""
        return self.chunk.number

    @property
    def guideline_fields(self) -> tuple[str, ...]:
        """The fields that are not the user's own, which come last."""
        return self.fields[: len(self.fields) - len(self.custom)]

    def add(self, own: CustomField) -> "Question":
        """Return the question that asks for a field of the user's own, too."""
        fields = (*self.fields, own.name)
        return replace(self, fields=fields, custom=(*self.custom, own))


Questions = Sequence[Question]
Render = Callable[[Questions], Call]
"""Makes the call for any part of a record's questions."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A model's reply to some questions.

    Attributes:
        items: The valid items.
        usage: Calls and tokens.
        dropped: Why other items were dropped, each with the number of its line; None if it concerns
            the whole answer.
        pending: How many answers are still to come.
        remarks: What is doubtful about how the reply was read.
    """

    items: tuple[Any, ...] = ()
    usage: Usage = field(default_factory=Usage)
    dropped: tuple[tuple[int | None, str], ...] = ()
    pending: int = 0
    remarks: tuple[str, ...] = ()

    def __add__(self, other: "ModelReply") -> "ModelReply":
        """Return one reply with what both have."""
        return ModelReply(
            self.items + other.items,
            self.usage + other.usage,
            self.dropped + other.dropped,
            self.pending + other.pending,
            self.remarks + other.remarks,
        )

    @property
    def is_useless(self) -> bool:
        """Whether something was dropped and nothing is left."""
        return bool(self.dropped) and not self.items and not self.pending

    @property
    def rejected(self) -> tuple[str, ...]:
        """Why items were dropped, in words."""
        return tuple(
            reason if number is None else f"{number}: {reason}"
            for number, reason in self.dropped
        )

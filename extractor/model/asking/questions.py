"""Questions to a model, and its replies."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from extractor.concepts.own.declaration import CustomField, CustomFields
from extractor.evidence.drafts import Chunk
from extractor.model.calls import Call
from extractor.schemas import Task, Usage


@dataclass(frozen=True, slots=True)
class Question:
    """A question about fields of one numbered line (``chunk``). If ``fields`` is empty, the line
    only provides context.

    ``hint`` names the list or section of the line, and ``custom`` contains the declarations of the
    custom fields among the ``fields``. A question about the structure of a text has ``places``: the
    offsets at which an item might begin, which the answer names by their numbers from 1.
    """

    task: Task
    chunk: Chunk
    fields: tuple[str, ...] = ()
    hint: str = ""
    custom: CustomFields = ()
    places: tuple[int, ...] = ()

    @property
    def number(self) -> int:
        """The number of the line, which identifies the answer."""
        return self.chunk.number

    @property
    def item_numbers(self) -> Iterable[int]:
        """The numbers that items of the answer may have."""
        if self.places:
            return range(1, len(self.places) + 1)
        return (self.number,)

    @property
    def guideline_fields(self) -> tuple[str, ...]:
        """The guideline fields, which precede the custom fields in ``fields``."""
        return self.fields[: len(self.fields) - len(self.custom)]

    def add(self, field: CustomField) -> "Question":
        """Return the question with an additional custom field."""
        fields = (*self.fields, field.name)
        return replace(self, fields=fields, custom=(*self.custom, field))


Questions = Sequence[Question]
Render = Callable[[Questions], Call]
"""Creates the call for any subset of a record's questions."""


class AnswerItem(NamedTuple):
    """What an answer says about the line, or place, with number ``n``: validated values by key."""

    n: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A model's reply to some questions.

    Attributes:
        items: The valid items.
        usage: The calls and tokens.
        dropped: The reasons for dropping other items, each with the number of its line, or None if
            the reason concerns the whole answer.
        pending: The number of answers that are not available yet.
        remarks: Remarks about uncertainties in reading the reply.
    """

    items: tuple[AnswerItem, ...] = ()
    usage: Usage = field(default_factory=Usage)
    dropped: tuple[tuple[int | None, str], ...] = ()
    pending: int = 0
    remarks: tuple[str, ...] = ()

    def __add__(self, other: "ModelReply") -> "ModelReply":
        """Return a reply that combines the two replies."""
        return ModelReply(
            self.items + other.items,
            self.usage + other.usage,
            self.dropped + other.dropped,
            self.pending + other.pending,
            self.remarks + other.remarks,
        )

    @property
    def is_useless(self) -> bool:
        """Whether the answer or some of its items were dropped, no items remain, and none are
        pending.
        """
        if self.items or self.pending:
            return False
        return bool(self.dropped)

    @property
    def rejected(self) -> tuple[str, ...]:
        """The reasons for dropping items, as messages."""
        return tuple(
            reason if number is None else f"{number}: {reason}"
            for number, reason in self.dropped
        )


Replies = Sequence[ModelReply | None]
"""A reply for each call in a round, or None for a call that the budget did not cover."""


def is_lacking(replies: Replies) -> bool:
    """Return True if an answer is missing, refused, invalid or pending, in which case the next run
    asks about the record again.
    """
    return any(reply is None or reply.pending or reply.dropped for reply in replies)

"""Questions to a model, and its replies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import add
from typing import Any, NamedTuple, Protocol

from extractor.concepts.own.declaration import CustomField, CustomFields
from extractor.evidence.drafts import Chunk
from extractor.model.calls import Call
from extractor.schemas import Task, Usage


@dataclass(frozen=True, slots=True)
class Question:
    """A question about fields of one numbered line (``chunk``).

    ``hint`` names the section of the line, and ``custom`` contains the declarations of the custom
    fields among the ``fields``.
    """

    task: Task
    chunk: Chunk
    fields: tuple[str, ...] = ()
    hint: str = ""
    custom: CustomFields = ()

    @property
    def number(self) -> int:
        """The number of the line, which identifies the answer."""
        return self.chunk.number

    @property
    def guideline_fields(self) -> tuple[str, ...]:
        """The guideline fields, which precede the custom fields in ``fields``."""
        return self.fields[: len(self.fields) - len(self.custom)]

    def add(self, field: CustomField) -> "Question":
        """Return the question with an additional custom field."""
        fields = (*self.fields, field.name)
        return replace(self, fields=fields, custom=(*self.custom, field))


Questions = Sequence[Question]


class AnswerItem(NamedTuple):
    """What an answer says about the line, or place, with number ``n``: validated values by key."""

    n: int
    values: Mapping[str, Any]


class ModelReply(NamedTuple):
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
    usage: Usage = Usage()
    dropped: tuple[tuple[int | None, str], ...] = ()
    pending: int = 0
    remarks: tuple[str, ...] = ()

    def __add__(self, other: "ModelReply") -> "ModelReply":  # type: ignore[override]  # not as tuples
        """Return a reply that combines the two replies, field by field."""
        return ModelReply(*map(add, self, other))

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
        messages: list[str] = []
        for number, reason in self.dropped:
            if number is None:
                messages.append(reason)
            else:
                messages.append(f"{number}: {reason}")
        return tuple(messages)


class AskedLines(Protocol):
    """A request in parts, each a range of the numbers of lines, or places, that may have items."""

    def render(self, part: range) -> Call:
        """Return the call for a part."""

    def count_items(self, part: range) -> int:
        """Return the number of items that are expected of a part."""

    def allows_one(self, number: int) -> bool:
        """Return whether a number has one item."""

    def needs_items(self, part: range) -> bool:
        """Return whether a reply about a part must have items."""

    def halve(self, part: range) -> tuple[range, ...]:
        """Return two halves of a part; the part itself if it cannot be cut."""


Replies = Sequence[ModelReply | None]
"""A reply for each part of a request, or None for a part that the budget did not cover."""


def is_lacking(replies: Replies) -> bool:
    """Return True if an answer is missing, refused, invalid or pending, in which case the next run
    asks about the record again.
    """
    return any(reply is None or reply.pending or reply.dropped for reply in replies)

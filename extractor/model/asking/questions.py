"""Questions to a model, and what comes back."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from pydantic import BaseModel

from extractor.concepts.own.declaration import CustomField
from extractor.evidence.drafts import Chunk
from extractor.model.calls import Call
from extractor.schemas import Task, Usage

LINE_BREAK = " // "
"""Stands for a line break of the record where a prompt shows its text as one line."""


@dataclass(frozen=True, slots=True)
class Question:
    """Ask for fields of one numbered chunk. ``hint`` says where it stands: its list, or its
    section.

    ``fields`` are names; ``custom`` has the declarations of the user's own fields among them.
    """

    task: Task
    chunk: Chunk
    fields: tuple[str, ...]
    hint: str = ""
    custom: tuple[CustomField, ...] = ()

    @property
    def number(self) -> int:
        """The number of its chunk, which identifies the answer."""
        return self.chunk.number

    def asking(self, field: CustomField) -> "Question":
        """Return the question with a field of the user's own."""
        return replace(
            self, fields=(*self.fields, field.name), custom=(*self.custom, field)
        )


Render = Callable[[Sequence[Question]], Call]
"""Makes the call for any part of a record's questions."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A model's reply to some questions.

    Attributes:
        items: The valid items.
        usage: Calls and tokens.
        model: The model that answered.
        dropped: Why other items were dropped, each with the number of its line; None if it concerns
            the whole answer.
        pending: More items will come.
        remarks: What is doubtful about how the reply was read.
    """

    items: tuple[BaseModel, ...] = ()
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    dropped: tuple[tuple[int | None, str], ...] = ()
    pending: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def rejected(self) -> tuple[str, ...]:
        """Why items were dropped, in words."""
        reasons = []
        for number, reason in self.dropped:
            if number is None:
                reasons.append(reason)
            else:
                reasons.append(f"{number}: {reason}")
        return tuple(reasons)

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the lines whose items are all valid."""
        valid = {item_number(item) for item in self.items}
        spoiled = {number for number, _ in self.dropped}
        return frozenset(number for number in valid - spoiled if number is not None)

    def completed_by(self, other: "ModelReply") -> "ModelReply":
        """Add the items that another reply to the same questions has for lines without an item
        here, and its remarks.

        A reason why an item was dropped here is forgotten if an item of its line is added. What the
        other reply dropped is left out.
        """
        answered = {item_number(item) for item in self.items}
        added: list[BaseModel] = []
        for item in other.items:
            if item_number(item) in answered:
                continue
            added.append(item)
        helped = {item_number(item) for item in added}
        dropped: list[tuple[int | None, str]] = []
        for number, reason in self.dropped:
            if number in helped:
                continue
            dropped.append((number, reason))
        return replace(
            self,
            items=(*self.items, *added),
            dropped=tuple(dropped),
            remarks=other.remarks + self.remarks,
        )

    def joined_with(self, other: "ModelReply") -> "ModelReply":
        """Join the replies to different questions, with the model of the other one if it has one.

        What one reply drops about a line is forgotten if the other answers the line. The usage is
        left at zero: whoever sends the calls sums it.
        """
        answered_here = self.numbers
        answered_there = other.numbers
        dropped = [drop for drop in self.dropped if drop[0] not in answered_there]
        dropped += [drop for drop in other.dropped if drop[0] not in answered_here]
        return ModelReply(
            items=self.items + other.items,
            model=other.model or self.model,
            dropped=tuple(dropped),
            pending=self.pending or other.pending,
            remarks=self.remarks + other.remarks,
        )


def item_number(item: BaseModel) -> int | None:
    """Return the number of the line that an item is about, None if it has none."""
    return getattr(item, "n", None)


@dataclass(slots=True, eq=False)
class Session:
    """The answers about one record: the valid items, each with its question and the model that gave
    it.

    ``lacking`` means that an answer is missing, refused or invalid; ``pending``, that one will come
    later.
    """

    answers: list[tuple[Question, BaseModel, str]] = field(default_factory=list)
    lacking: bool = False
    pending: bool = False


_session: ContextVar[Session | None] = ContextVar("session", default=None)


@contextmanager
def session() -> Iterator[Session]:
    """Open a session: inside the block, the answers about a record are collected. Each task has its
    own.

    >>> with session() as asked:
    ...     current_session() is asked
    True
    """
    opened = Session()
    token = _session.set(opened)
    try:
        yield opened
    finally:
        _session.reset(token)


def current_session() -> Session:
    """Return the current session, or a new one outside of all."""
    return _session.get() or Session()

"""The answers about one record, and sums of usage.

The session of a record is a context variable, so each task has its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from pydantic import BaseModel

from extractor.schemas import Usage

from .requests import Question


@dataclass(frozen=True, slots=True)
class NotedAnswer:
    """A valid item of an answer, its question, and the model that gave it."""

    question: Question
    item: BaseModel
    model: str


@dataclass(slots=True, eq=False)
class Session:
    """The answers about one record.

    ``lacking`` means that an answer is missing, refused or invalid, ``pending`` that an answer will come later.
    """

    record_id: str | None = None
    answers: list[NotedAnswer] = field(default_factory=list)
    lacking: bool = False
    pending: bool = False


class UsageTally:
    """A running sum of usage. Usage of this run is also added to ``parent``."""

    def __init__(self, parent: "UsageTally | None" = None) -> None:
        self.usage = Usage()
        self._parent = parent

    def add(self, usage: Usage, *, spent: bool = True) -> None:
        """Add ``usage``. Without ``spent``, the parent does not count it."""
        self.usage = self.usage + usage
        if self._parent and spent:
            self._parent.add(usage)


_session: ContextVar[Session | None] = ContextVar("session", default=None)


@contextmanager
def session(record_id: str) -> Iterator[Session]:
    """Open a session: inside the block, the answers about this record are collected.

    >>> with session("NCT00000001") as asked:
    ...     current_session() is asked
    True
    """
    opened = Session(record_id)
    token = _session.set(opened)
    try:
        yield opened
    finally:
        _session.reset(token)


def current_session() -> Session:
    """The current session, or a new one without a record."""
    return _session.get() or Session()

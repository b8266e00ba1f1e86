"""The answers about one record. The session of a record is a context variable, so each task has its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from pydantic import BaseModel

from .questions import Question


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

    answers: list[NotedAnswer] = field(default_factory=list)
    lacking: bool = False
    pending: bool = False


_session: ContextVar[Session | None] = ContextVar("session", default=None)


@contextmanager
def session() -> Iterator[Session]:
    """Open a session: inside the block, the answers about a record are collected.

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
    """The current session, or a new one outside of all."""
    return _session.get() or Session()

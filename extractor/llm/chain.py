"""For whom a request is sent: what the layers below the SDK must know of it and the SDK cannot carry.

A record's questions are put in calls. A call is a chain of requests: the first, those sent again after a fault, the
re-asks. The chain under way, and the record it is for, are context variables, so that each task has its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum

from instructor.core.exceptions import IncompleteOutputException
from pydantic import BaseModel

from extractor.errors import AnswerPending, BudgetReached, CassetteError, ModelAway, ModelUnavailable, StoreError
from extractor.schemas import Usage

from .call import PromptVersion, Question
from .sending.failures import ModeRefused, RequestTooLong

__all__ = [
    "Asker",
    "Chain",
    "NotedAnswer",
    "Served",
    "Verdict",
    "asked_with",
    "asking_for",
    "current_asker",
    "current_chain",
    "current_prompt",
    "resumed",
]


class Verdict(StrEnum):
    """How a chain ended. Only the answers of a valid one count as answers.

    - ``valid``: its last answer kept the schema;
    - ``truncated``: it was cut off, and is asked again in halves;
    - ``rejected``: it broke the schema to the end, or the model refused;
    - ``pending``: it was put down in a file;
    - ``too_long``, ``mode_refused``: the server did not take the request, and might take another;
    - ``failed``: the server could not be reached or used.
    """

    VALID = "valid"
    TRUNCATED = "truncated"
    REJECTED = "rejected"
    PENDING = "pending"
    TOO_LONG = "too_long"
    MODE_REFUSED = "mode_refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NotedAnswer:
    """A valid item of an answer, the question it answers, and the model that gave it."""

    question: Question
    item: BaseModel
    model: str


@dataclass(slots=True, eq=False)
class Asker:
    """The record whose questions are put. ``lacking``: some answer is missing, refused or invalid; ``pending``: some
    is still to come.
    """

    record_id: str | None = None
    answers: list[NotedAnswer] = field(default_factory=list)
    lacking: bool = False
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """A reply that was not asked for now: what it cost when it was. ``spent`` where that counts for this run, too."""

    cost: Usage
    spent: bool

    @property
    def spent_now(self) -> Usage:
        """What of the cost counts for this run."""
        return self.cost if self.spent else Usage()


@dataclass(slots=True, eq=False)
class Chain:
    """The requests of one call. A transport that serves a kept reply says so in ``served``; ``exchanges`` were
    begun with a server.
    """

    prompt: PromptVersion
    asker: Asker
    served: Served | None = None
    exchanges: int = 0
    endings: list[Callable[[Verdict | None, str], None]] = field(default_factory=list)

    def take_served(self) -> Served | None:
        """What was served since it was last taken."""
        served, self.served = self.served, None
        return served

    def end(self, error: BaseException | None) -> None:
        """Tell those who wait for it how the chain ended."""
        verdict, why = (Verdict.VALID, "") if error is None else _judge(error)
        for ending in self.endings:
            ending(verdict, why)


_asker: ContextVar[Asker | None] = ContextVar("asker", default=None)
_chain: ContextVar[Chain | None] = ContextVar("chain", default=None)


@contextmanager
def asking_for(record_id: str) -> Iterator[Asker]:
    """Says, inside the block, for which record is asked, and collects its answers.

    >>> with asking_for("NCT00000001") as asker:
    ...     current_asker() is asker
    True
    """
    asker = Asker(record_id)
    token = _asker.set(asker)
    try:
        yield asker
    finally:
        _asker.reset(token)


def current_asker() -> Asker:
    """The record under way, or one without a name."""
    return _asker.get() or Asker()


@contextmanager
def asked_with(prompt: PromptVersion) -> Iterator[Chain]:
    """Says, inside the block, which prompt the requests of a call are made of. It is never sent."""
    chain = Chain(prompt, current_asker())
    token = _chain.set(chain)
    try:
        yield chain
    except BaseException as error:
        chain.end(error)
        raise
    else:
        chain.end(None)
    finally:
        _chain.reset(token)


@contextmanager
def resumed(chain: Chain) -> Iterator[None]:
    """Inside the block requests belong to a chain that has begun elsewhere, and ends elsewhere."""
    asker, under_way = _asker.set(chain.asker), _chain.set(chain)
    try:
        yield
    finally:
        _chain.reset(under_way)
        _asker.reset(asker)


def current_chain() -> Chain | None:
    """The chain of the request under way."""
    return _chain.get()


def current_prompt() -> PromptVersion | None:
    """The prompt of the request under way."""
    chain = _chain.get()
    return chain.prompt if chain else None


def _judge(error: BaseException) -> tuple[Verdict | None, str]:
    """The verdict on a chain that ended with an error; None for one that was given up."""
    if not isinstance(error, Exception):
        return None, ""
    if isinstance(error.__cause__ or error, BudgetReached | ModelAway):
        return None, ""  # it goes on where it stopped, once there is budget, or a server
    if isinstance(error, IncompleteOutputException):
        return Verdict.TRUNCATED, "the answer did not fit into the output limit"
    cause = error.__cause__ or error  # instructor wraps what ended its attempts
    # What a server said about itself may hold its address, which is not for an audit trail.
    found = next((verdict for kind, verdict in _VERDICTS.items() if isinstance(cause, kind)), None)
    return (found, "") if found else (Verdict.REJECTED, str(cause)[:2000])


_VERDICTS = {
    AnswerPending: Verdict.PENDING,
    RequestTooLong: Verdict.TOO_LONG,
    ModeRefused: Verdict.MODE_REFUSED,
    ModelUnavailable: Verdict.FAILED,
    CassetteError: Verdict.FAILED,
    StoreError: Verdict.FAILED,
}

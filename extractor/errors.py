"""Every error that Extractor raises on purpose.

::

    ExtractorError
     +-- RecordError            an input cannot be read: file, place, remedy
     |    +-- RepeatedRecord    a record was read before: both places
     +-- PromptError            a prompt file is broken
     +-- ModelError             a model gave nothing usable
     |    +-- ModelUnavailable  it could not be reached, or is not installed here
     |    |    +-- ModelAway    its server does not answer: a run stops, to go on later
     |    |    +-- MissingKey   there is no key for it
     |    +-- AnswerRejected    it answered, and no part of the answer could be used
     |    +-- AnswerPending     it was asked by file, and has not answered yet
     +-- CassetteError          a recording cannot serve
     |    +-- CassetteMiss      a request was never recorded
     |    +-- CassetteStale     the prompt or schema changed since
     +-- BudgetReached          the run's token or money limit
     +-- StoreError             a run's folder cannot be used
     |    +-- SettingsDiffer    it was made with other settings
     +-- EngineError            what extracts records has broken down: a run stops
     +-- UnexpectedError        a fault of this program, at one record
     +-- MissingExtra           a library of an extra is not installed
     +-- GoldError              a gold annotation is broken

A caller's mistake (a wrong argument) is a ``ValueError``. Exceptions of libraries stay behind the
stage that uses them.
"""

from collections import deque
from pathlib import PurePath
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from extractor.schemas import Usage

__all__ = [
    "AnswerPending",
    "AnswerRejected",
    "BudgetReached",
    "CassetteError",
    "CassetteMiss",
    "CassetteStale",
    "EngineError",
    "ExtractorError",
    "GoldError",
    "MissingExtra",
    "MissingKey",
    "ModelAway",
    "ModelError",
    "ModelUnavailable",
    "PromptError",
    "RecordError",
    "RepeatedRecord",
    "SettingsDiffer",
    "StoreError",
    "UnexpectedError",
    "as_extractor_error",
]

_MOST_FRAMES = 20
"""A recursion without end has a thousand, which are all alike."""


class ExtractorError(Exception):
    """Base of all errors of this package."""


class RecordError(ExtractorError):
    """An input that cannot be read as a trial record.

    >>> print(RecordError("trials.json", "the JSON ends too early", "download the file again", place="byte 812"))
    trials.json, byte 812: the JSON ends too early; download the file again
    """

    def __init__(self, path: str, problem: str, remedy: str, *, place: str | None = None) -> None:
        self.path, self.problem, self.remedy, self.place = path, problem, remedy, place
        super().__init__(f"{path}{f', {place}' if place else ''}: {problem}; {remedy}")


class RepeatedRecord(RecordError):
    """A record whose id an earlier one has, at ``first``; the earlier one is taken.

    >>> print(RepeatedRecord("b.json", "NCT1", "a.json, record 2", same_text=False))
    b.json: the record NCT1 was already read from a.json, record 2, with other text; leave one of the two out
    """

    def __init__(
        self,
        path: str,
        record_id: str,
        first: str,
        *,
        same_text: bool,
        place: str | None = None,
        remedy: str = "leave one of the two out",
    ) -> None:
        self.record_id, self.first, self.same_text = record_id, first, same_text
        problem = f"the record {record_id} was already read from {first}" + ", with other text" * (not same_text)
        super().__init__(path, problem, remedy, place=place)


class PromptError(ExtractorError):
    """A prompt file that is missing, lacks a placeholder, or whose examples break its schema."""


class ModelError(ExtractorError):
    """A model gave nothing usable. ``usage`` is what the attempts took, where that is known."""

    def __init__(self, message: str, usage: "Usage | None" = None) -> None:
        self.usage = usage
        super().__init__(message)


class ModelUnavailable(ModelError):
    """A model that cannot be reached, is not installed, or does not take a request.

    ``lasting`` says that no other request would fare better: there is no connection, no such model, or no
    right to use it.
    """

    def __init__(self, message: str, usage: "Usage | None" = None, *, lasting: bool = True) -> None:
        self.lasting = lasting
        super().__init__(message, usage)


class ModelAway(ModelUnavailable):
    """A server that cannot be reached, or stopped answering for longer than one waits; an account without credit; a
    limit of the day.

    Nothing is wrong with the record that was asked about: it is no failure of it, and the run can go on later.
    """


class MissingKey(ModelUnavailable):
    """A hosted model for which the environment has no key."""


class AnswerRejected(ModelError):
    """An answer of which no part passed validation, after all re-asks."""


class AnswerPending(ModelError):
    """A question that was put by file, and whose answer is not there yet."""


class CassetteError(ExtractorError):
    """A recording that cannot serve."""


class CassetteMiss(CassetteError):
    """A request that was never recorded. The message shows the nearest recorded one and what differs."""


class CassetteStale(CassetteError):
    """A recording made with another prompt or schema than today's."""


class BudgetReached(ExtractorError):
    """The run's limit of tokens or money is reached."""


class StoreError(ExtractorError):
    """A run's folder that cannot be used."""


class SettingsDiffer(StoreError):
    """A run's folder that was made with other settings than those that shall continue it."""


class MissingExtra(ExtractorError):
    """A library that is not installed. The message names the extra that brings it."""


class EngineError(ExtractorError):
    """What extracts records has broken down, as where its processes cannot start. No record is at fault: the run
    stops, and can go on later.
    """


class UnexpectedError(ExtractorError):
    """A fault of this program, or of a library that it uses, at one record.

    ``kind`` is the class of the original error, ``frames`` its traceback as ``file:line:function``, innermost first.
    The message of the original error is left out, since it may quote the record or hold a key.

    >>> str(UnexpectedError("KeyError", ("parse/scoring.py:40:find_word",)))
    'unexpected KeyError at parse/scoring.py:40:find_word; please report this with the record'
    """

    def __init__(self, kind: str, frames: tuple[str, ...]) -> None:
        self.kind, self.frames = kind, frames
        place = f" at {frames[0]}" if frames else ""
        super().__init__(f"unexpected {kind}{place}; please report this with the record")

    def __reduce__(self) -> tuple[Any, ...]:
        return UnexpectedError, (self.kind, self.frames)  # worker processes send it


class GoldError(ExtractorError):
    """A gold annotation that is broken."""


def as_extractor_error(error: BaseException) -> ExtractorError:
    """The error itself if it was raised on purpose, else an ``UnexpectedError`` that stands for it.

    A task or a future cannot hold a ``StopIteration``, a ``SystemExit`` would end the event loop, and not every
    library's error can be sent to another process. An ``ExtractorError`` can be held by all of them.

    >>> as_extractor_error(StopIteration()).kind
    'StopIteration'
    """
    if isinstance(error, ExtractorError):
        return error
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration):
        error = error.__cause__  # Python wraps what leaves a generator or a coroutine
    frames = deque(walk_tb(error.__traceback__), maxlen=_MOST_FRAMES)
    places = (f"{_shorten(frame.f_code.co_filename)}:{line}:{frame.f_code.co_name}" for frame, line in reversed(frames))
    return UnexpectedError(type(error).__name__, tuple(places))


def _shorten(path: str) -> str:
    """The file and its folder: what lies above names a machine or a person."""
    return "/".join(PurePath(path).parts[-2:])

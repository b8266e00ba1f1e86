"""What the service and its processes tell each other."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath
from traceback import extract_tb

from extractor.errors import ExtractorError, ModelError, RecordError
from extractor.llm.estimates import RequestSize
from extractor.options import ExtractionOptions
from extractor.schemas import Usage

__all__ = [
    "Answer",
    "Crash",
    "Ended",
    "Ending",
    "GiveUp",
    "Grant",
    "Progress",
    "Ready",
    "Reserve",
    "Settle",
    "Stop",
    "Trouble",
    "TroubleKind",
    "Wish",
    "describe_unexpected",
    "find_place",
]


@dataclass(frozen=True, slots=True)
class Ready:
    """A process can be asked now."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A body to be extracted, for a caller; ``name`` is that of the file it would be."""

    number: int
    caller: str
    name: str
    body: bytes
    options: ExtractionOptions


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nobody waits any more for the wish of that number."""

    number: int


class TroubleKind(StrEnum):
    """Why a wish was not fulfilled: the body, the model, or this program.

    The process died of this wish alone, or with several under way, or cannot be started.
    """

    UNREADABLE = "unreadable"
    MODEL = "model"
    DIED = "died"
    DIED_WITH_OTHERS = "died with others"
    NOT_STARTED = "not started"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong, in words that may be told to the caller."""

    kind: TroubleKind
    detail: str
    place: str | None = None
    remedy: str | None = None

    @classmethod
    def of(cls, error: BaseException) -> "Trouble":
        """The trouble that an error tells of. Of an unexpected one its class is told, and where it was raised.

        >>> Trouble.of(RecordError("a.json", "the JSON ends too early", "send it again", place="line 3")).place
        'line 3'
        >>> Trouble.of(KeyError("a word of the record")).detail
        'an unexpected KeyError'
        """
        if isinstance(error, RecordError):
            return cls(TroubleKind.UNREADABLE, error.problem, error.place, error.remedy)
        if isinstance(error, ModelError):
            return cls(TroubleKind.MODEL, "the model cannot be used at the moment")
        if isinstance(error, ExtractorError):
            return cls(TroubleKind.FAILED, type(error).__name__)
        return cls(TroubleKind.FAILED, f"an unexpected {describe_unexpected(error)}", remedy="please report it")


def describe_unexpected(error: BaseException) -> str:
    """An error's class, and the line of a program that raised it. Not its text, which may be that of a record.

    >>> describe_unexpected(KeyError("a word of the record"))
    'KeyError'
    """
    if isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration):
        error = error.__cause__  # which Python lets out of no coroutine
    place = find_place(error)
    return type(error).__name__ + (f" at {place}" if place else "")


def find_place(error: BaseException) -> str | None:
    """The file and the line that raised an error; None for one that was not raised."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{PurePath(error.filename).name}:{error.lineno}"
    frames = [frame for frame in extract_tb(error.__traceback__) if not frame.filename.startswith("<")]  # of imports
    return f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None


@dataclass(frozen=True, slots=True)
class Crash:
    """The last words of a process that ends by an error: what that is, in words that may be told to the caller."""

    cause: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The extraction that a wish was for, as JSON, or why there is none."""

    number: int
    result: bytes | Trouble


@dataclass(frozen=True, slots=True)
class Reserve:
    """Asks whether a request of that size may be sent to the model, for that caller."""

    number: int
    caller: str
    size: RequestSize


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to ``Reserve``; ``why_not`` is None where it may."""

    number: int
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Settle:
    """What the request of that ``Reserve`` took."""

    number: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Stop:
    """End in order: nothing new is begun, what is under way is finished."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a job has done so far, over all its starts. Calls and tokens are of this start."""

    extracted: int = 0
    failed: int = 0
    usage: Usage = field(default_factory=Usage)


class Ending(StrEnum):
    """How a job's process ended its work."""

    DONE = "done"
    STOPPED = "stopped"
    PAUSED = "paused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a job's process, and why, in words that may be told to the caller."""

    ending: Ending
    progress: Progress
    reason: str | None = None

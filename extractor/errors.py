"""Every error that Extractor raises deliberately.

::

    ExtractorError
     +-- RecordError             an input cannot be read: file, place, remedy
     |    +-- RepeatedRecord     a record was already read: both places
     |    +-- RecordTooLarge     it exceeds a size limit
     |    +-- RecordTooSlow      it exceeds the time limit
     +-- RegistryError           a registry cannot be read over the network
     |    +-- RegistryRefused    it rejects the parameters of a request
     +-- ModelError              a model did not return a usable answer
     |    +-- ModelUnavailable   it cannot be reached or is not installed
     |    |    +-- ModelAway     its server does not answer; the run can continue later
     |    |    |    +-- RunStopped    the user stopped the run
     |    |    +-- MissingKey         its key is missing
     |    |    +-- RequestTooLong     the questions do not fit in its context window
     |    +-- BatchUnfinished    a provider's batches left questions unanswered
     |    +-- AnswerRejected     its answer could not be used at all
     |    +-- AnswerPending      the request was written to a file and is not answered yet
     +-- AnswersError            the answers in a run or a file cannot be used
     |    +-- AnswerMissing      the replayed run has no answer to a call
     +-- BudgetReached           the run reached its spending limit
     +-- StoreError              a run's folder cannot be used
     |    +-- SettingsDiffer     it was created with different settings
     |    +-- FolderInUse        another process is writing to it
     |    +-- FolderNotWritable  it cannot be created or opened for writing
     |    +-- DiskFull           its disk is full
     +-- RuleError               a rule of this package is broken; also a ValueError
     +-- EngineError             worker processes cannot be started
     +-- UnexpectedError         a bug in this program affected a record
     +-- MissingExtra            an optional library is not installed
     +-- GoldError               a gold annotation is invalid
     +-- ArgumentError           an argument is invalid; also a ValueError
          +-- WrongType          it has the wrong type; also a TypeError
          +-- NoResult           a record has no result; also a KeyError
          +-- FieldError         the declaration of a custom field is invalid

Each stage converts exceptions raised by the libraries that it uses into these errors.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path, PurePath
from traceback import walk_tb
from typing import TYPE_CHECKING

from extractor.masking import mask

if TYPE_CHECKING:
    from extractor.schemas import Usage

_MAX_FRAMES = 20
"""The traceback of an infinite recursion has a thousand similar frames."""


class ExtractorError(Exception):
    """Base class of all errors that this package raises deliberately. The message states the
    problem, its location and the remedy.

    Credentials in the message are masked, whether they come from a server, a library or the user.
    """

    def __init__(self, *arguments: object) -> None:
        masked = [
            mask(argument) if isinstance(argument, str) else argument
            for argument in arguments
        ]
        super().__init__(*masked)

    def __reduce__(self) -> tuple[object, ...]:
        # Worker processes pickle errors. By default, pickle would call the class with ``args``,
        # which differ from the parameters of its constructor.
        kind = type(self)
        return kind.__new__, (kind, *self.args), vars(self)


class RecordError(ExtractorError):
    """An input could not be read as a trial record. ``record_id`` is the id of a record without
    text, or None if it is unknown.

    >>> print(
    ...     RecordError(
    ...         "trials.json",
    ...         "the JSON ends too early",
    ...         "download the file again",
    ...         place="byte 812",
    ...     )
    ... )
    trials.json, byte 812: the JSON ends too early; download the file again
    """

    record_id: str | None = None

    def __init__(
        self, path: str, problem: str, remedy: str, *, place: str | None = None
    ) -> None:
        self.path = path
        self.problem = problem
        self.remedy = remedy
        self.place = place
        where = f"{path}, {place}" if place else path
        super().__init__(f"{where}: {problem}; {remedy}")


class RecordTooLarge(RecordError):
    """A record has more characters, sections, lines or items than any genuine record; see
    ``extractor.schemas.record_limits`` for the limits.
    """


class RecordTooSlow(RecordError):
    """A step in processing a record exceeded the time limit."""


class RepeatedRecord(RecordError):
    """A record has the same id as an earlier record; ``first`` is the place of the earlier record.
    The earlier record is used.

    >>> print(RepeatedRecord("b.json", "NCT1", "a.json, record 2", same_text=False))
    b.json: the record NCT1 was already read from a.json, record 2, with different text; ...
    """

    def __init__(
        self,
        path: str,
        record_id: str,
        first: str,
        *,
        same_text: bool,
        place: str | None = None,
    ) -> None:
        self.same_text = same_text
        problem = f"the record {record_id} was already read from {first}"
        if not same_text:
            problem += ", with different text"
        super().__init__(path, problem, "remove one of the two", place=place)


class RegistryError(ExtractorError):
    """A registry could not be read: the connection failed, or the reply does not match the
    registry's API.
    """


class RegistryRefused(RegistryError):
    """A registry rejected a request, for example because of an unknown parameter. The message is
    the registry's own.
    """


class ModelError(ExtractorError):
    """A model did not return a usable answer. ``usage`` is the usage of all attempts, or None if it
    is unknown.
    """

    def __init__(self, message: str, usage: "Usage | None" = None) -> None:
        self.usage = usage
        super().__init__(message)


class ModelUnavailable(ModelError):
    """A model could not be reached, is not installed, or rejected a request.

    ``lasting`` means that all other requests would fail too: the connection failed, the model does
    not exist, or you are not allowed to use it.
    """

    def __init__(
        self, message: str, usage: "Usage | None" = None, *, lasting: bool = True
    ) -> None:
        self.lasting = lasting
        super().__init__(message, usage)


class ModelAway(ModelUnavailable):
    """A server has been unreachable or silent for too long, the account has run out of credit, or a
    daily limit has been reached.

    The record is not the cause and is not counted as failed. The run can continue later.
    """


class RunStopped(ModelAway):
    """The user stopped the run, so no further requests are sent. Records that still need a request
    remain unfinished.
    """


class BatchUnfinished(ModelError):
    """A provider's batches left questions unanswered. Answers that were paid for are kept, and the
    run can continue.
    """


class MissingKey(ModelUnavailable):
    """The environment does not contain a key for a model, or the provider rejects the key. The run
    can continue with another key.
    """


class RequestTooLong(ModelUnavailable):
    """The questions do not fit in the model's context window. Fewer questions might fit."""


class AnswerRejected(ModelError):
    """No part of an answer passed validation."""


class AnswerPending(ModelError):
    """A question was written to a file and has not been answered yet."""


class AnswersError(ExtractorError):
    """The answers in an earlier run or in a file cannot be used."""


class AnswerMissing(AnswersError):
    """The replayed run has no answer for a call."""


class BudgetReached(ExtractorError):
    """The run reached its spending limit."""


class StoreError(ExtractorError):
    """A run's folder cannot be used."""


class SettingsDiffer(StoreError):
    """A run's folder was created with settings that differ from the current settings."""


class FolderInUse(StoreError):
    """Another process is writing to a run's folder."""


class FolderNotWritable(StoreError):
    """A file or the folder of a run cannot be created or written, or a file in it is a link."""


class DiskFull(StoreError):
    """The disk that contains a run's folder is full."""


class MissingExtra(ExtractorError):
    """A library is not installed. ``need`` states what requires it, and ``extra`` is the name of
    the extra that installs it.

    >>> print(MissingExtra("FHIR needs fhir.resources", "fhir"))
    FHIR needs fhir.resources; in the folder of your clone, run: pip install '.[fhir]'
    """

    def __init__(self, need: str, extra: str) -> None:
        self.remedy = f"pip install '.[{extra}]'"
        super().__init__(f"{need}; in the folder of your clone, run: {self.remedy}")


class RuleError(ExtractorError, ValueError):
    """A rule, or a file of rules, is broken. The message states the file, the rule and the mistake.

    >>> from extractor.language.patterns import make_rule
    >>> make_rule(name="washout", pattern="within 5 days", book={}).expression
    Traceback (most recent call last):
    extractor.errors.RuleError: rule washout: cannot read '5 days'
    >>> make_rule(name="washout", pattern="<duration>", book={}).expression
    Traceback (most recent call last):
    extractor.errors.RuleError: rule washout refers to 'duration', which does not exist
    >>> book = {}
    >>> book["washout"] = make_rule(name="washout", pattern="<washout>", book=book)
    >>> book["washout"].expression
    Traceback (most recent call last):
    extractor.errors.RuleError: rule washout refers to itself
    """


class EngineError(ExtractorError):
    """Worker processes cannot be started. The records are not the cause; the run stops and can
    continue later.
    """


class UnexpectedError(ExtractorError):
    """A bug in this program, or in a library that it uses, affected a record.

    ``kind`` is the class name of the original error, and ``frames`` is its traceback as
    ``file:line:function``, innermost frame first. The original message is omitted because it may
    quote the record or contain a key.

    >>> str(UnexpectedError("KeyError", ("parse/scoring.py:40:find_word",)))
    'unexpected KeyError at parse/scoring.py:40:find_word; please report this with the record'
    """

    def __init__(self, kind: str, frames: tuple[str, ...]) -> None:
        self.kind = kind
        self.frames = frames
        place = f" at {frames[0]}" if frames else ""
        super().__init__(
            f"unexpected {kind}{place}; please report this with the record"
        )


class GoldError(ExtractorError):
    """A gold annotation is invalid."""


class ArgumentError(ExtractorError, ValueError):
    """An argument is invalid. The message names the argument and states what to pass instead."""


class WrongType(ArgumentError, TypeError):
    """An argument has the wrong type."""


class NoResult(ArgumentError, KeyError):
    """There is no result for a record, because it failed or is not part of the run."""

    # a KeyError would show its message in quotation marks
    __str__ = Exception.__str__


class FieldError(ArgumentError):
    """The declaration of a custom field is invalid. The message names the field and shows how to
    declare it.
    """


@contextmanager
def naming_file(
    path: Path, error_type: type[StoreError] = FolderNotWritable
) -> Iterator[None]:
    """Re-raise an ``OSError`` as an error of ``error_type`` that states the file name, the reason
    and a remedy. An error about a full disk becomes ``DiskFull``, whatever the type.
    """
    try:
        yield
    except OSError as error:
        place = str(error.filename or path)
        # the user does not know the name of an unfinished file
        if f"/.{path.name}." in place:
            place = str(path)
        problem = f"{place}: {error.strerror}"
        if error.errno in (ENOSPC, EDQUOT):
            raise DiskFull(
                f"{problem}; free some space on its disk, and run the same command again"
            ) from error
        raise error_type(f"{problem}; fix this, or choose another place") from error


def as_extractor_error(error: BaseException) -> ExtractorError:
    """Return an ``ExtractorError`` unchanged, and any other error as an ``UnexpectedError``.

    Some errors cannot be raised by a task: a future rejects ``StopIteration``, ``SystemExit``
    would end the event loop, and some libraries' errors cannot be pickled.

    >>> as_extractor_error(StopIteration()).kind
    'StopIteration'
    """
    if isinstance(error, ExtractorError):
        return error
    frames = [
        # the parent folders may contain the name of a machine or a person
        f"{'/'.join(PurePath(frame.f_code.co_filename).parts[-2:])}:{line}:{frame.f_code.co_name}"
        for frame, line in walk_tb(error.__traceback__)
    ]
    innermost_first = frames[: -_MAX_FRAMES - 1 : -1]
    return UnexpectedError(type(error).__name__, tuple(innermost_first))

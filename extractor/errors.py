"""Every error that Extractor raises on purpose.

::

    ExtractorError
     +-- RecordError            an input cannot be read: file, place, remedy
     |    +-- RepeatedRecord    a record was read before: both places
     |    +-- RecordTooLarge    it has more of something than a record may have
     |    +-- RecordTooSlow     it takes longer than a record may
     +-- RegistryError          a registry cannot be read over the network
     |    +-- RegistryRefused   it refuses the parameters of a request
     +-- ModelError             a model returned nothing usable
     |    +-- ModelUnavailable  it cannot be reached or is not installed
     |    |    +-- ModelAway    its server does not answer: the run stops and can continue later
     |    |    |    +-- RunStopped  the user stops the run
     |    |    +-- MissingKey   there is no key for it
     |    |    +-- RequestTooLong  the questions do not fit its context
     |    +-- BatchUnfinished   a provider's batches left questions without an answer
     |    +-- AnswerRejected    no part of its answer could be used
     |    +-- AnswerPending     the request is in a file that has not been answered yet
     +-- AnswersError           answers of a run or a file cannot be used
     |    +-- AnswerMissing     a run that is replayed has no answer to a call
     +-- BudgetReached          the run reached its token or money limit
     +-- StoreError             a run's folder cannot be used
     |    +-- SettingsDiffer    it was created with other settings
     |    +-- FolderInUse       another process writes to it
     |    +-- DiskFull          its disk has no room
     +-- EngineError            no process can extract records: the run stops
     +-- UnexpectedError        a bug of this program, at one record
     +-- MissingExtra           a library of an extra is not installed
     +-- GoldError              a gold annotation is broken
     +-- ArgumentError         an argument is wrong; also a ValueError
          +-- WrongType        it is of a wrong type; also a TypeError
          +-- FieldError       a user's own field is declared wrongly

Each stage converts the exceptions of the libraries that it uses.
"""

from pathlib import PurePath
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from extractor.masking import mask

if TYPE_CHECKING:
    from extractor.schemas import Usage

_MAX_FRAMES = 20
"""An endless recursion has a thousand frames, all alike."""


class ExtractorError(Exception):
    """Base of all errors that this package raises on purpose. The message states what is wrong,
    where, and what to do.

    No message contains a credential: what servers, libraries and the user say in it is masked.
    """

    def __init__(self, *arguments: Any) -> None:
        masked = [
            mask(argument) if isinstance(argument, str) else argument
            for argument in arguments
        ]
        super().__init__(*masked)

    def __reduce__(self) -> tuple[Any, ...]:
        # Worker processes pickle it. By default, pickle would call the class with ``args``, which
        # are not the arguments that the class takes.
        kind = type(self)
        return kind.__new__, (kind, *self.args), vars(self)


class RecordError(ExtractorError):
    """An input that cannot be read as a trial record.

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
    """A record has more characters, sections, lines or items than any genuine one: see
    ``extractor.schemas.record_limits``.
    """


class RecordTooSlow(RecordError):
    """A step of a record exceeds the time limit."""


class RepeatedRecord(RecordError):
    """A record with the id of an earlier record, at ``first``. The earlier one is used.

    >>> print(RepeatedRecord("b.json", "NCT1", "a.json, record 2", same_text=False))
    b.json: the record NCT1 was already read from a.json, record 2, with other text; ...
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
        self.record_id = record_id
        self.first = first
        self.same_text = same_text
        problem = f"the record {record_id} was already read from {first}"
        if not same_text:
            problem += ", with other text"
        super().__init__(path, problem, remedy, place=place)


class RegistryError(ExtractorError):
    """A registry cannot be read: there is no connection, or its reply is not what the API
    promises.
    """


class RegistryRefused(RegistryError):
    """A registry refuses a request, such as one with an unknown parameter. The message is the
    registry's.
    """


class ModelError(ExtractorError):
    """A model returned no usable answer. ``usage`` is the usage of the attempts, None if
    unknown.
    """

    def __init__(self, message: str, usage: "Usage | None" = None) -> None:
        self.usage = usage
        super().__init__(message)


class ModelUnavailable(ModelError):
    """A model cannot be reached, is not installed, or refuses a request.

    ``lasting`` means that every other request would fail too: there is no connection, no such
    model, or no permission to use it.
    """

    def __init__(
        self, message: str, usage: "Usage | None" = None, *, lasting: bool = True
    ) -> None:
        self.lasting = lasting
        super().__init__(message, usage)


class ModelAway(ModelUnavailable):
    """A server is unreachable or silent for too long, the account has no credit, or a daily limit
    is reached.

    The record is not at fault and does not count as failed. The run can continue later.
    """


class RunStopped(ModelAway):
    """The user stops the run, so no further request is sent. The records that lack one are not
    finished.
    """


class BatchUnfinished(ModelError):
    """A provider's batches left questions without an answer. Paid answers are kept, and the run can
    continue.
    """


class MissingKey(ModelUnavailable):
    """The environment has no key for a hosted model."""


class RequestTooLong(ModelUnavailable):
    """The questions do not fit the model's context. Fewer questions may."""


class AnswerRejected(ModelError):
    """No part of an answer passed validation, even after all re-asks."""


class AnswerPending(ModelError):
    """A question was written to a file, and its answer has not arrived yet."""


class AnswersError(ExtractorError):
    """The answers of an earlier run, or a file of answers, cannot be used."""


class AnswerMissing(AnswersError):
    """The run that is replayed has no answer to a call. The message names the nearest call and
    what it lacks.
    """


class BudgetReached(ExtractorError):
    """The run reached its limit of tokens or money."""


class StoreError(ExtractorError):
    """A run's folder cannot be used."""


class SettingsDiffer(StoreError):
    """A run's folder was created with other settings than those of this invocation."""


class FolderInUse(StoreError):
    """Another process writes to a run's folder."""


class DiskFull(StoreError):
    """The disk of a run's folder is full."""


class MissingExtra(ExtractorError):
    """A library is not installed. ``need`` states what needs it, ``extra`` names the extra that
    installs it.

    >>> print(MissingExtra("FHIR needs fhir.resources", "fhir"))
    FHIR needs fhir.resources; run in the folder of your clone: pip install '.[fhir]'
    """

    def __init__(self, need: str, extra: str) -> None:
        self.remedy = f"pip install '.[{extra}]'"
        super().__init__(f"{need}; run in the folder of your clone: {self.remedy}")


class EngineError(ExtractorError):
    """No process can extract records. The records are not the cause: the run stops and can
    continue later.
    """


class UnexpectedError(ExtractorError):
    """A bug of this program, or of a library that it uses, at one record.

    ``kind`` is the class of the original error, ``frames`` its traceback as ``file:line:function``,
    innermost first. The original message is left out because it may quote the record or contain a
    key.

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
    """A gold annotation is broken."""


class ArgumentError(ExtractorError, ValueError):
    """An argument is wrong. The message names it, and states what to give instead."""


class WrongType(ArgumentError, TypeError):
    """An argument is of a wrong type."""


class FieldError(ArgumentError):
    """A user's own field is declared wrongly. The message states which one, and how to write it."""


def as_extractor_error(error: BaseException) -> ExtractorError:
    """Return an ``ExtractorError`` as it is, and any other error as an ``UnexpectedError``.

    A task or future cannot hold a ``StopIteration``, a ``SystemExit`` would end the event loop, and
    some libraries' errors cannot be pickled. An ``ExtractorError`` has none of these problems.

    >>> as_extractor_error(StopIteration()).kind
    'StopIteration'
    """
    if isinstance(error, ExtractorError):
        return error
    frames = [
        # the folders above a file may name a machine or a person
        f"{'/'.join(PurePath(frame.f_code.co_filename).parts[-2:])}:{line}:{frame.f_code.co_name}"
        for frame, line in walk_tb(error.__traceback__)
    ]
    return UnexpectedError(type(error).__name__, tuple(frames[: -_MAX_FRAMES - 1 : -1]))

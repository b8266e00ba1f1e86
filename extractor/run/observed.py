"""An extraction that tells what becomes of each record."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from extractor.errors import ExtractorError, UnexpectedError, as_extractor_error
from extractor.events import Event, Fact, tell
from extractor.schemas import TrialRecord

from .extracted import Extracted

__all__ = ["contain_errors", "observe"]

_Extract = Callable[[TrialRecord], Awaitable[Extracted]]


def observe(extract: _Extract) -> _Extract:
    """The same extraction, told as events. One that is given up ends without another event."""

    async def observed(record: TrialRecord) -> Extracted:
        tell(Event.RECORD_STARTED, record_id=record.record_id)
        since = monotonic()
        try:
            with contain_errors():
                extracted = await extract(record)
        except ExtractorError as error:
            seconds = round(monotonic() - since, 3)
            tell(Event.RECORD_FAILED, record_id=record.record_id, **_describe(error), seconds=seconds)
            raise
        tell(Event.RECORD_DONE, record_id=record.record_id, seconds=round(monotonic() - since, 3))
        return extracted

    return observed


@contextmanager
def contain_errors() -> Iterator[None]:
    """Raise every error of a record as an ``ExtractorError``, also one that would end the event loop or is lost in it.

    What stops the run as a whole passes.
    """
    try:
        yield
    except (ExtractorError, asyncio.CancelledError, GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise as_extractor_error(error) from error


def _describe(error: ExtractorError) -> dict[str, Fact]:
    if isinstance(error, UnexpectedError):
        return {"error": error.kind, "traceback": " < ".join(error.frames)}
    return {"error": type(error).__name__}

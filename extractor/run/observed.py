"""An extraction that tells what becomes of each record."""

from collections.abc import Awaitable, Callable
from time import monotonic

from extractor.events import Event, tell
from extractor.schemas import TrialRecord

from .extracted import Extracted

__all__ = ["observe"]

_Extract = Callable[[TrialRecord], Awaitable[Extracted]]


def observe(extract: _Extract) -> _Extract:
    """The same extraction, told as events. One that is given up ends without another event."""

    async def observed(record: TrialRecord) -> Extracted:
        tell(Event.RECORD_STARTED, record_id=record.record_id)
        since = monotonic()
        try:
            extracted = await extract(record)
        except Exception as error:
            seconds = round(monotonic() - since, 3)
            tell(Event.RECORD_FAILED, record_id=record.record_id, error=type(error).__name__, seconds=seconds)
            raise
        tell(Event.RECORD_DONE, record_id=record.record_id, seconds=round(monotonic() - since, 3))
        return extracted

    return observed

"""Which record a task asks for, and what it was answered."""

from collections.abc import Awaitable, Callable

from extractor.llm.trace import Session, session
from extractor.schemas import TrialRecord

from .extracted import Extracted

__all__ = ["Extract", "attend"]

Extract = Callable[[TrialRecord], Awaitable[Extracted]]


def attend(extract: Extract, note: Callable[[Session], None]) -> Extract:
    """The same extraction, and ``note`` is told what was answered about each record that was extracted."""

    async def attended(record: TrialRecord) -> Extracted:
        with session(record.record_id) as asker:
            extraction = await extract(record)
        note(asker)
        return extraction

    return attended

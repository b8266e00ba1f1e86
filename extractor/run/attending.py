"""Which record a task asks for, and what it was answered."""

from collections.abc import Awaitable, Callable

from extractor.llm.chain import Asker, asking_for
from extractor.schemas import TrialRecord

from .extracted import Extracted

__all__ = ["Extract", "attend"]

Extract = Callable[[TrialRecord], Awaitable[Extracted]]


def attend(extract: Extract, note: Callable[[Asker], None]) -> Extract:
    """The same extraction, and ``note`` is told what was answered about each record that was extracted."""

    async def attended(record: TrialRecord) -> Extracted:
        with asking_for(record.record_id) as asker:
            extraction = await extract(record)
        note(asker)
        return extraction

    return attended

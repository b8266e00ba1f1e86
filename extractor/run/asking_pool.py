"""Extraction with a model on many cores: workers parse, ground and assemble, and only this process asks."""

import asyncio
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Self

from extractor.api import OpenExtractor
from extractor.llm.dialogue import QuestionBatch
from extractor.llm.querying import query_batch
from extractor.schemas import TrialRecord

from .extracted import Extracted, ExtractedLine
from .rounds_clerk import Begin, Forget, Proceed, RoundsClerk, Turn, Unknown
from .seat import Seat, WorkerLost
from .workers import A_HANDFUL, describe_breakdown, describe_death

__all__ = ["MOST_PROCESSES", "AskingPool"]

MOST_PROCESSES = 5
"""The one that asks, and as many others as it keeps busy."""
_AHEAD = 48
"""Records for each worker that may be parsed, grounded or assembled beside those whose requests are under way."""
_BLAMED = 2
"""So often a process dies of one record before it is given up: the first time something else may have killed it."""
_LOOK_S = 0.1
"""How often a record of which a process died looks for another."""
_GREETING = Forget(0)


class AskingPool:
    """Extracts the records it is called with like ``extract``, which asks; all else is done in ``workers`` processes.

    They are started once ``alone`` records have come, and until the first one is ready, records are extracted here; not
    later, since a record of which a process dies must not end this one. A process that dies is replaced, and what it
    had is extracted anew, at no cost where a run's store has the answers. All who wait get an ``EngineError`` if a task
    that serves ends otherwise.
    """

    def __init__(self, extract: OpenExtractor, workers: int, alone: int = A_HANDFUL) -> None:
        assert extract.model, "somebody answers"
        self._extract, self._model, self._alone = extract, extract.model, alone
        clerk = partial(RoundsClerk, extract.options)
        self._seats = [Seat(clerk) for _ in range(workers)]
        self._serving: list[asyncio.Task[None]] = []
        self._numbers = count(1)
        self._has_started = False

    def ahead(self, concurrency: int) -> int:
        """How many more records than requests to have under way, so that a worker's time costs no request's."""
        return min(concurrency, _AHEAD * len(self._seats))

    async def __call__(self, record: TrialRecord) -> Extracted:
        self._alone -= 1
        if self._alone < 0 and not self._serving:
            self._serving = [asyncio.ensure_future(seat.serve(_GREETING)) for seat in self._seats]
        blamed = 0
        while blamed < _BLAMED:
            self._check_serving()
            seats = [seat for seat in self._seats if seat.is_ready]
            self._has_started = self._has_started or bool(seats)
            has_seats = not all(serving.done() for serving in self._serving)
            if not blamed and not (self._has_started and has_seats):
                return await self._extract(record)
            if not has_seats:
                break
            try:
                return await self._extract_at(min(seats or self._seats, key=lambda seat: seat.records), record)
            except WorkerLost as lost:
                blamed += lost.blamed
                await asyncio.sleep(0 if seats else _LOOK_S)
        raise describe_death(record)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        for seat in self._seats:
            seat.close()

    def _check_serving(self) -> None:
        """Raise ``EngineError`` where a seat was not given up in order."""
        for serving in self._serving:
            if serving.done() and (serving.cancelled() or serving.exception()):
                raise describe_breakdown(serving)

    async def _extract_at(self, seat: Seat, record: TrialRecord) -> ExtractedLine:
        number = next(self._numbers)
        seat.records += 1
        try:
            turn: Turn = await seat.say(Begin(number, record.model_dump_json().encode()))
            while isinstance(turn, QuestionBatch):
                try:
                    replies = await query_batch(turn, self._model, self._extract.may_ask)
                except Exception:
                    with suppress(WorkerLost):
                        await seat.say(Forget(number))
                    raise
                turn = await seat.say(Proceed(number, replies))
        finally:
            seat.records -= 1
        if isinstance(turn, Unknown):
            raise WorkerLost(blamed=False)
        return turn

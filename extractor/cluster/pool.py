"""Many workers as one extraction: records go to whoever has room, and what a lost worker had goes to another."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Self

from extractor.errors import ModelAway, ModelUnavailable, RecordError, as_extractor_error
from extractor.events import Event, tell
from extractor.llm.sending.clearance import ClearanceDesk
from extractor.llm.trace import Session
from extractor.run.extracted import ExtractedLine
from extractor.schemas import TrialRecord, Usage

from .messages import Assignment
from .seat import Colleague, Order, Seat, WorkerLost
from .worker import Greeting, introduce

__all__ = ["ClusterPool"]

_SUSPECT, _GUILTY = 2, 3
"""After so many lost workers a record is extracted apart from others, and given up."""
_START_S, _LOOK_S = 120.0, 1.0
"""How long a run goes on without any worker, and how often that is looked at."""
_FRUITLESS = 3
"""Workers in a row that were lost before they did anything: then the cluster is at fault."""


_REMEDY = "see that every node has this program, in the same version"


class ClusterPool:
    """Extracts the records it is called with on ``count`` workers, each with the ``assignment``.

    ``hire`` starts a worker somewhere. One that is lost is replaced; its records are extracted anew by others, which
    costs nothing that was answered: the ``desk`` has it. ``note`` is told what was answered about each record.
    Raises ``ModelAway`` where no worker lives, or one runs another program than this process.
    """

    def __init__(
        self,
        hire: Callable[[], Colleague],
        count: int,
        assignment: Assignment,
        desk: ClearanceDesk | None,
        note: Callable[[Session], None],
    ) -> None:
        self._hire, self._assignment, self._desk, self._note = hire, assignment, desk, note
        self._seats = [Seat(desk, self._hand_out) for _ in range(count)]
        self._waiting: deque[Order] = deque()
        self._suspects: deque[Order] = deque()
        self._staffing: list[asyncio.Task[None]] = []
        self._fruitless = 0
        self._failure: Exception | None = None
        self.lost = 0

    @property
    def concurrency(self) -> int:
        """Records under way that keep all workers busy."""
        return self._assignment.room * len(self._seats)

    @property
    def usage(self) -> Usage:
        """What was asked of the model so far, by all workers."""
        return self._desk.usage if self._desk else Usage()

    async def __call__(self, record: TrialRecord) -> ExtractedLine:
        line: asyncio.Future[ExtractedLine] = asyncio.get_running_loop().create_future()
        order = Order(record, record.model_dump_json().encode(), line, Session(record.record_id))
        self._waiting.append(order)
        self._hand_out()
        finished = await line
        self._note(order.asker)
        return finished

    async def __aenter__(self) -> Self:
        work = (*map(self._staff, self._seats), self._watch())
        self._staffing = [asyncio.ensure_future(one) for one in work]
        for staffing in self._staffing:
            staffing.add_done_callback(self._note_end)
        return self

    async def __aexit__(self, *_: object) -> None:
        for staffing in self._staffing:
            staffing.cancel()
        await asyncio.gather(*self._staffing, return_exceptions=True)
        for seat in self._seats:
            await seat.clear()
        if self._desk:
            self._desk.close()

    async def _staff(self, seat: Seat) -> None:
        """Keep a worker on a seat, one after the other."""
        while self._failure is None:
            seat.has_served = False
            try:
                _check_program(await seat.employ(self._hire(), self._assignment))
                tell(Event.WORKER_STARTED)
                await seat.converse()
            except WorkerLost as error:
                await self._replace(seat, error)
            except ModelUnavailable as error:
                self._fail(error)

    def _note_end(self, staffing: "asyncio.Task[None]") -> None:
        """Whatever ended it: who waits for its worker would wait for ever."""
        if not staffing.cancelled() and (error := staffing.exception()):
            self._fail(ModelAway(f"the conversation with a worker broke off ({as_extractor_error(error)})"))

    async def _watch(self) -> None:
        """Give up where no worker is to be had."""
        missed = 0.0
        while missed < _START_S:
            await asyncio.sleep(_LOOK_S)
            missed = 0.0 if any(seat.is_ready for seat in self._seats) else missed + _LOOK_S
        why = "no node of the cluster has a free core, or workers cannot start there"
        self._fail(ModelAway(f"no worker within {_START_S:g} seconds: {why}"))

    async def _replace(self, seat: Seat, error: WorkerLost) -> None:
        tell(Event.WORKER_LOST)
        self.lost += 1
        self._fruitless = 0 if seat.has_served else self._fruitless + 1
        for order in reversed(await seat.clear()):
            self._take_back(order)
        if self._fruitless > _FRUITLESS * len(self._seats):
            self._fail(ModelAway(f"the workers of the cluster die before they do anything ({error}); {_REMEDY}"))
        self._hand_out()

    def _take_back(self, order: Order) -> None:
        order.losses += 1
        if order.line.done():
            return
        if order.losses >= _GUILTY:
            order.line.set_exception(_describe_death(order.record))
        elif order.losses >= _SUSPECT:
            self._suspects.append(order)
        else:
            self._waiting.appendleft(order)

    def _fail(self, failure: Exception) -> None:
        """No worker will do any more: all who wait learn it."""
        self._failure = failure
        for order in (*self._waiting, *self._suspects, *(o for seat in self._seats for o in seat.under_way.values())):
            if not order.line.done():
                order.line.set_exception(failure)

    def _hand_out(self) -> None:
        """Give records to those who have room, the idlest first. A suspect gets a worker for itself."""
        if self._failure:
            self._fail(self._failure)
            return
        seats = [seat for seat in self._seats if seat.is_ready]
        if self._suspects and seats:
            apart = min(seats, key=lambda seat: len(seat.under_way))
            seats.remove(apart)
            if not apart.under_way:
                apart.hand_over(self._suspects.popleft())
        while self._waiting and seats:
            idlest = min(seats, key=lambda seat: len(seat.under_way))
            if len(idlest.under_way) >= self._assignment.room:
                return
            order = self._waiting.popleft()
            if not order.line.done():
                idlest.hand_over(order)


def _check_program(greeting: Greeting) -> None:
    if greeting != introduce():
        problem = "another version of this program, or other rules"
        raise ModelAway(f"a worker of the cluster runs {problem}; install the same one on every node")


def _describe_death(record: TrialRecord) -> RecordError:
    problem = f"{_GUILTY} workers were lost while they extracted {record.record_id}"
    remedy = "run this record alone, without --engine ray"
    return RecordError(record.source.path, problem, remedy, place=record.source.place)

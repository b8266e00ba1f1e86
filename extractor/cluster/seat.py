"""One place for a worker, and the conversation with whoever sits there."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from extractor.errors import ExtractorError
from extractor.llm.sending.clearance import ClearanceDesk
from extractor.llm.sending.relay import RelayedReply, Unanswered
from extractor.llm.trace import Session
from extractor.run.extracted import ExtractedLine
from extractor.schemas import TrialRecord

from .messages import (
    Answered,
    Assignment,
    ChainEnded,
    Extract,
    Extracted,
    Failed,
    FromWorker,
    Go,
    Refused,
    Replied,
    ToWorker,
    Wish,
)
from .worker import Greeting

__all__ = ["Colleague", "Order", "Seat", "WorkerLost"]


class WorkerLost(Exception):
    """A worker, or the machine it was on, is gone."""


class Colleague(Protocol):
    """A worker as the driver sees it. All methods raise ``WorkerLost`` when it is gone."""

    async def greet(self, assignment: Assignment) -> Greeting:
        """Wait until it is there and can be used. Raises ``ModelUnavailable`` where its model cannot."""

    async def exchange(self, inbox: ToWorker) -> FromWorker:
        """Tell it something, and wait for what it says."""

    async def hear(self, inbox: ToWorker) -> None:
        """Tell it something."""

    def dismiss(self) -> None:
        """End it at once."""


@dataclass(eq=False, slots=True)
class Order:
    """A record on its way, and how many workers were lost with it."""

    record: TrialRecord
    content: bytes
    line: "asyncio.Future[ExtractedLine]"
    asker: Session
    losses: int = 0


@dataclass(eq=False)
class Seat:
    """A worker's place. ``colleague`` is who sits there; what it has ``under_way`` it is told to extract.

    ``on_room`` is called whenever it can take another record.
    """

    desk: ClearanceDesk | None
    on_room: Callable[[], None]
    under_way: dict[int, Order] = field(default_factory=dict)
    is_ready: bool = False
    has_served: bool = False
    _colleague: Colleague | None = None
    _inbox: list[Extract | Go | Answered | Refused] = field(default_factory=list)
    _mail: asyncio.Event = field(default_factory=asyncio.Event)
    _sent: dict[int, "asyncio.Future[RelayedReply | Unanswered]"] = field(default_factory=dict)
    _wishes: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)
    _numbers: int = 0

    async def employ(self, colleague: Colleague, assignment: Assignment) -> Greeting:
        """Wait until a worker is there, and let it introduce itself."""
        self._colleague = colleague
        return await colleague.greet(assignment)

    async def converse(self) -> None:
        """Take records, and talk until the worker is lost, which raises ``WorkerLost``."""
        self.is_ready = True
        self.on_room()
        feeding = asyncio.ensure_future(self._feed())
        listening = asyncio.ensure_future(self._listen())
        try:
            await asyncio.gather(feeding, listening)
        finally:
            feeding.cancel()
            listening.cancel()
            await asyncio.gather(feeding, listening, return_exceptions=True)

    def hand_over(self, order: Order) -> None:
        """Have a record extracted."""
        self._numbers += 1
        self.under_way[self._numbers] = order
        self._post(Extract(self._numbers, order.content))

    async def clear(self) -> list[Order]:
        """Dismiss who sits here, and say what was under way."""
        self.is_ready = False
        if self._colleague:
            self._colleague.dismiss()
        for wish in self._wishes.values():
            wish.cancel()
        await asyncio.gather(*self._wishes.values(), return_exceptions=True)
        if self.desk:
            self.desk.forget(self)
        left = list(self.under_way.values())
        for waiting in (self.under_way, self._wishes, self._sent, self._inbox):
            waiting.clear()
        return left

    async def _listen(self) -> None:
        assert self._colleague, "it was employed"
        while True:
            for message in await self._colleague.exchange(self._take_inbox()):
                await self._take(message)
            await asyncio.sleep(0)  # answers that need no waiting go with the next exchange

    async def _feed(self) -> None:
        """What comes up while the worker is waited for is told at once."""
        assert self._colleague, "it was employed"
        while True:
            await self._mail.wait()
            await asyncio.sleep(0)
            if inbox := self._take_inbox():
                await self._colleague.hear(inbox)

    async def _take(self, message: object) -> None:
        match message:
            case Wish():
                self._wishes[message.number] = asyncio.ensure_future(self._serve(message))
            case Replied(number, outcome):
                await self._note_reply(number, outcome)
            case ChainEnded(chain, verdict, why):
                if self.desk:
                    self.desk.end(self, chain, verdict, why)
            case Extracted(number, line, answers, lacking):
                order = self.under_way.pop(number)
                order.asker.answers, order.asker.lacking = list(answers), lacking
                self._finish(order, line)
            case Failed(number, error):
                self._finish(self.under_way.pop(number), error)

    async def _note_reply(self, number: int, outcome: RelayedReply | Unanswered) -> None:
        """Have a reply kept before anything that follows from it is told."""
        reply, wish = self._sent.pop(number, None), self._wishes.get(number)
        if reply and wish and not reply.done():
            reply.set_result(outcome)
            await asyncio.wait([wish])

    def _finish(self, order: Order, outcome: ExtractedLine | Exception) -> None:
        self.has_served = True
        if not order.line.done():
            if isinstance(outcome, Exception):
                order.line.set_exception(outcome)
            else:
                order.line.set_result(outcome)
        self.on_room()

    async def _serve(self, wish: Wish) -> None:
        assert self.desk, "only who has a model asks"

        async def send() -> RelayedReply | Unanswered:
            reply: asyncio.Future[RelayedReply | Unanswered] = asyncio.get_running_loop().create_future()
            self._sent[wish.number] = reply
            self._post(Go(wish.number))
            return await reply

        try:
            answer = await self.desk.serve(self, wish.request, send)
        except ExtractorError as error:
            self._post(Refused(wish.number, error))
        except Exception as error:  # noqa: BLE001 - or the worker would wait for ever
            self._post(Refused(wish.number, ExtractorError(f"an unexpected {type(error).__name__} of the driver")))
        else:
            if answer:
                self._post(Answered(wish.number, answer))
        finally:
            self._wishes.pop(wish.number, None)

    def _post(self, message: Extract | Go | Answered | Refused) -> None:
        self._inbox.append(message)
        self._mail.set()

    def _take_inbox(self) -> list[Extract | Go | Answered | Refused]:
        self._mail.clear()
        taken, self._inbox = self._inbox, []
        return taken

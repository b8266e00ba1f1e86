"""Single records, extracted in processes of which each is replaced when it dies or takes too long."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from extractor.options import Assist

from .asking import AskingPlan, extract_with_model
from .extracting import extract_by_rules_alone
from .messages import Answer, GiveUp, Ready, Reserve, Settle, Trouble, TroubleKind, Wish
from .process import ChildProcess, Life
from .purse import Purse, Teller
from .settings import ServiceSettings

__all__ = ["Extractions", "QueueFull", "TooSlow"]

_logger = logging.getLogger(__name__)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
_MOST_TEXT = 1_000_000
"""Characters of one record: the registry's longest texts have a fifth of it, and while one is read others wait."""


class QueueFull(Exception):
    """As many extractions are under way or wait as the service takes."""


class TooSlow(Exception):
    """An extraction took longer than it may."""


@dataclass(frozen=True, slots=True)
class _Post:
    """What a process does, and whether one that is too slow has to be killed: it does nothing else meanwhile."""

    life: Life
    plan: Any
    alone: bool


class _Station:
    """One process after the other at a post. The wishes that one has when it dies are told so."""

    def __init__(self, post: _Post, purse: Purse) -> None:
        self._post, self._purse = post, purse
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[bytes | Trouble]] = {}
        self._changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._closed = False
        self._pause = _FIRST_PAUSE_S
        self.is_ready = False
        self.trouble: str | None = None
        """Why the last process died before it was ready; None once one is."""
        self._start()

    async def ask(self, wish: Wish) -> bytes | Trouble:
        """What becomes of a wish."""
        while not self.is_ready:
            if self.trouble:
                return Trouble(TroubleKind.NOT_STARTED, f"the processes that extract cannot start ({self.trouble})")
            await self._changed.wait()
        number = next(self._numbers)
        answer: asyncio.Future[bytes | Trouble] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._child.send(replace(wish, number=number))
        try:
            return await answer
        except asyncio.CancelledError:
            self._give_up(number)
            raise
        finally:
            del self._waiting[number]

    async def close(self) -> None:
        """End it for good."""
        self._closed = True
        self._child.kill()
        await self._ended.wait()

    def _give_up(self, number: int) -> None:
        if self._post.alone:
            self.is_ready = False
            self._child.kill()
        else:
            self._child.send(GiveUp(number))

    def _tell_change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _start(self) -> None:
        self._was_ready = False
        self._child = ChildProcess(self._post.life, self._post.plan, self._hear, self._bury)
        self._teller = Teller(self._purse, self._child.send)

    def _hear(self, message: Any) -> None:
        if isinstance(message, Answer):
            answer = self._waiting.get(message.number)
            if answer and not answer.done():
                answer.set_result(message.result)
        elif isinstance(message, Reserve | Settle):
            self._teller.hear(message)
        elif isinstance(message, Ready):
            self._pause = _FIRST_PAUSE_S
            self._was_ready, self.is_ready, self.trouble = True, True, None
            self._tell_change()

    def _bury(self, cause: str) -> None:
        self.is_ready = False
        self._teller.close()
        if not self._was_ready and not self._closed:
            if cause != self.trouble:
                _logger.error("a process that extracts cannot start (%s); it is tried again and again", cause)
            self.trouble = cause
        died = f"the process that extracted it died ({cause})"
        if self._post.alone:
            trouble = Trouble(TroubleKind.DIED, died, remedy="send no other record like it, and report it")
        else:
            trouble = Trouble(TroubleKind.DIED_WITH_OTHERS, died, remedy="send it again, or as a job")
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result(trouble)
        self._tell_change()
        if self._closed:
            self._ended.set()
            return
        asyncio.get_running_loop().call_later(self._pause, self._replace)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_S)

    def _replace(self) -> None:
        if self._closed:
            self._ended.set()
        else:
            self._start()


class Extractions:
    """Takes wishes as they come, and fulfils as many at once as there are processes, or the model is asked at once.

    ``note`` is told how many are under way or wait, whenever that changes.
    """

    def __init__(self, settings: ServiceSettings, purse: Purse, note: Callable[[int], None]) -> None:
        self._settings, self._purse, self._note = settings, purse, note
        self._stations: list[_Station] = []
        self._by_rules: asyncio.Queue[_Station] = asyncio.Queue()
        self._with_model: asyncio.Queue[_Station] = asyncio.Queue()
        self._taken = 0

    def start(self) -> None:
        """Start the processes; wishes may come already."""
        bounds, model = self._settings.bounds, self._settings.model
        rules = _Post(extract_by_rules_alone, _MOST_TEXT, alone=True)
        for _ in range(bounds.workers):
            self._by_rules.put_nowait(self._open(rules))
        if model:
            plan = AskingPlan(model, self._settings.asking, bounds.concurrency, _MOST_TEXT)
            asking = self._open(_Post(extract_with_model, plan, alone=False))
            for _ in range(bounds.concurrency):
                self._with_model.put_nowait(asking)

    @property
    def is_ready(self) -> bool:
        """Whether all processes can be asked."""
        return bool(self._stations) and all(station.is_ready for station in self._stations)

    @property
    def trouble(self) -> str | None:
        """Why a process cannot start."""
        return next((station.trouble for station in self._stations if station.trouble), None)

    async def extract(self, wish: Wish) -> bytes | Trouble:
        """The extraction as JSON, or why there is none. Raises ``QueueFull`` or ``TooSlow``."""
        if self._taken >= self._settings.bounds.queue:
            raise QueueFull
        asks = self._settings.model is not None and wish.options.assist is not Assist.NEVER
        free = self._with_model if asks else self._by_rules
        self._count(1)
        try:
            try:
                async with asyncio.timeout(self._settings.bounds.timeout_s):
                    station = await free.get()
            except TimeoutError:
                raise QueueFull from None
            try:
                return await asyncio.wait_for(station.ask(wish), self._settings.bounds.timeout_s)
            except TimeoutError:
                raise TooSlow from None
            finally:
                free.put_nowait(station)
        finally:
            self._count(-1)

    async def close(self) -> None:
        """End all processes."""
        await asyncio.gather(*(station.close() for station in self._stations))

    def _count(self, change: int) -> None:
        self._taken += change
        self._note(self._taken)

    def _open(self, post: _Post) -> _Station:
        station = _Station(post, self._purse)
        self._stations.append(station)
        return station

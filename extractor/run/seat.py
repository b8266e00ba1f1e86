"""A process that answers messages one after the other, and the place for one such process after another."""

import asyncio
import pickle
import signal
import socket
from collections import deque
from collections.abc import Callable
from itertools import count
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from extractor.errors import ExtractorError
from extractor.events import Event, tell

from .garbage import spare_what_stays
from .worker import interrupts_blocked, make_portable

__all__ = ["Clerk", "Seat", "WorkerLost"]

Clerk = Callable[[Any], Any]
"""Answers messages in a process of its own. What it raises is an answer, too."""

_WARM = 16
"""Messages after which all that stays is loaded."""
_HEAD = 4
"""Bytes before each message, which tell its length."""


class WorkerLost(Exception):
    """The process died, and did not answer. ``blamed``: this message was the one that it worked at."""

    def __init__(self, *, blamed: bool) -> None:
        super().__init__()
        self.blamed = blamed


class Seat:
    """Has messages answered by the clerk that ``open_clerk`` makes, in a process that is replaced when it dies.

    Messages and answers are a stream, so that the process never waits for the loop, nor the loop for it; a thread for
    them would wait for the interpreter at each of its steps. ``records`` are under way here.
    """

    def __init__(self, open_clerk: Callable[[], Clerk]) -> None:
        self._open_clerk = open_clerk
        self._process: BaseProcess | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self.is_ready = False
        self.records = 0

    async def say(self, message: Any) -> Any:
        """The answer to a message. Raises what the clerk raised, or ``WorkerLost``."""
        if self._writer is None:
            raise WorkerLost(blamed=False)
        frame = _frame(message)
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._writer.write(frame)
        return await answer

    async def serve(self, greeting: Any) -> None:
        """Keep a process here, each ready once it has answered a greeting, until one dies before that."""
        was_ready = True
        while was_ready:
            try:
                await self._converse(await self._hire(greeting))
            except (EOFError, OSError):  # it died
                tell(Event.WORKER_LOST)
            finally:  # or else, whatever ends this, those who wait would wait for ever
                was_ready = self.is_ready
                self.close()

    def close(self) -> None:
        """End the process. What it did not answer raises ``WorkerLost``."""
        was_ready, self.is_ready = self.is_ready, False
        lost, self._waiting = self._waiting, deque()
        for place, answer in enumerate(lost):
            _settle(answer, WorkerLost(blamed=was_ready and place == 0))
        if self._writer:
            self._writer.close()
            self._writer = None
        if self._process:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None

    async def _hire(self, greeting: Any) -> asyncio.StreamReader:
        """Start a process and greet it."""
        ours, theirs = socket.socketpair()
        with theirs, interrupts_blocked():
            process = get_context("spawn").Process(target=_answer_all, args=(theirs, self._open_clerk), daemon=True)
            process.start()
        self._process = process
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._writer.write(_frame(greeting))
        return reader

    async def _converse(self, reader: asyncio.StreamReader) -> None:
        """Hand out answers until there are no more. Raises ``IncompleteReadError``, or ``OSError``, then."""
        greeted = await _receive(reader)
        if isinstance(greeted, ExtractorError):
            raise greeted
        self.is_ready = True
        while True:
            answer = await _receive(reader)
            _settle(self._waiting.popleft(), answer)


async def _receive(reader: asyncio.StreamReader) -> Any:
    length = int.from_bytes(await reader.readexactly(_HEAD))
    return pickle.loads(await reader.readexactly(length))  # noqa: S301 - our own process


def _settle(waiting: "asyncio.Future[Any]", answer: Any) -> None:
    if waiting.done():
        return  # it was given up
    if isinstance(answer, Exception):
        waiting.set_exception(answer)
    else:
        waiting.set_result(answer)


def _frame(message: Any) -> bytes:
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return len(content).to_bytes(_HEAD) + content


def _answer_all(line: socket.socket, open_clerk: Callable[[], Clerk]) -> None:
    """The life of the process: it answers until nobody asks. Ctrl-C is not for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    clerk, numbers = open_clerk(), count()
    with line, line.makefile("rb") as heard:
        while head := heard.read(_HEAD):
            if next(numbers) == _WARM:
                spare_what_stays()
            message = pickle.loads(heard.read(int.from_bytes(head)))  # noqa: S301 - from our own parent
            try:
                line.sendall(_frame(_answer(message, clerk)))
            except OSError:
                return  # nobody is there any more


def _answer(message: Any, clerk: Clerk) -> Any:
    try:
        return clerk(message)
    except BaseException as error:  # noqa: BLE001 - told to whoever asked, who writes it down; a SystemExit, too
        return make_portable(error)

"""A worker: it extracts the records that it is given, and asks the driver before it asks the model."""

import asyncio
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from itertools import count
from typing import Any

from extractor.api import Extractor, OpenExtractor
from extractor.llm.sending.relay import KeptAnswer, RelayedReply, RelayedRequest, RelayTransport, Unanswered
from extractor.llm.trace import NotedAnswer, Verdict, session
from extractor.llm.transport import Route
from extractor.run.settings import digest_rules
from extractor.run.tally import to_line
from extractor.run.worker import make_portable
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

__all__ = ["Greeting", "Worker", "introduce"]

_GATHER_S = 0.008
"""A message waits so long for others to go with it: each turn of the conversation costs a millisecond of both."""
_SILENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Greeting:
    """Which program a process runs: two that differ would extract differently."""

    version: str
    rules: str


def introduce() -> Greeting:
    """The program of this process."""
    return Greeting(version("trial-extractor"), digest_rules())


class Worker:
    """Lives in the event loop of its process. ``greet`` comes first, then any number of ``exchange``s."""

    def __init__(self) -> None:
        self._outbox: list[Wish | Replied | ChainEnded | Extracted | Failed] = []
        self._something = asyncio.Event()
        self._waiting: dict[int, asyncio.Future[KeptAnswer | int]] = {}
        self._numbers = count(1)
        self._entrance = asyncio.Lock()
        self._running: set[asyncio.Task[None]] = set()
        self._opened: asyncio.Future[OpenExtractor] | None = None

    async def greet(self, assignment: Assignment) -> Greeting:
        """Open the model. Raises ``ModelUnavailable`` if it cannot be used from here."""
        self._opened = asyncio.get_running_loop().create_future()
        self._start(self._hold_open(assignment, self._opened))
        await self._opened
        return introduce()

    async def exchange(self, inbox: ToWorker) -> FromWorker:
        """Take what the driver says, and wait, for a while, until there is something to say."""
        self.hear_now(inbox)
        try:
            async with asyncio.timeout(_SILENCE_S):
                await self._something.wait()
        except TimeoutError:
            return ()
        await asyncio.sleep(_GATHER_S)
        self._something.clear()
        told, self._outbox = self._outbox, []
        return told

    async def hear(self, inbox: ToWorker) -> None:
        """Take what the driver says while an ``exchange`` waits."""
        self.hear_now(inbox)

    def hear_now(self, inbox: ToWorker) -> None:
        """Begin what is to be done."""
        for message in inbox:
            match message:
                case Extract():
                    self._start(self._extract(message))
                case Go(number):
                    self._settle(number, number)
                case Answered(number, answer):
                    self._settle(number, answer)
                case Refused(number, error):
                    if not (waiting := self._waiting.pop(number)).done():
                        waiting.set_exception(error)

    async def clear(self, request: RelayedRequest) -> KeptAnswer | int:
        """Ask the driver whether a request may go."""
        number = next(self._numbers)
        waiting: asyncio.Future[KeptAnswer | int] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        self._say(Wish(number, request))
        return await waiting

    def report(self, number: int, outcome: RelayedReply | Unanswered) -> None:
        """Tell the driver what came back."""
        self._say(Replied(number, outcome))

    def end(self, chain: int, verdict: Verdict | None, why: str) -> None:
        """Tell the driver how a chain ended."""
        self._say(ChainEnded(chain, verdict, why))

    async def _hold_open(self, assignment: Assignment, opened: asyncio.Future[OpenExtractor]) -> None:
        most = assignment.concurrency
        route = Route(around=lambda network: RelayTransport(self, network, most))
        try:
            extractor = Extractor(assignment.spec, **asdict(assignment.options), cache_dir=assignment.cache_dir)
            async with extractor.open(most, route=route, asking=assignment.asking) as extract:
                opened.set_result(extract)
                await asyncio.get_running_loop().create_future()
        except BaseException as error:
            if not opened.done():  # whatever it is: who greets would wait for ever
                opened.set_exception(make_portable(error))
            raise

    async def _extract(self, order: Extract) -> None:
        assert self._opened, "it was greeted"
        async with self._entrance:
            await asyncio.sleep(0)  # to extract takes a while, and the conversation goes on in between
        try:
            record = TrialRecord.model_validate_json(order.record)
            with session(record.record_id) as asker:
                extraction = await self._opened.result()(record)
            answers = tuple(map(_strip_question, asker.answers))
            self._say(Extracted(order.number, to_line(extraction), answers, asker.lacking))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - told to the driver, which writes it down
            self._say(Failed(order.number, make_portable(error)))

    def _settle(self, number: int, told: KeptAnswer | int) -> None:
        if not (waiting := self._waiting.pop(number)).done():
            waiting.set_result(told)

    def _say(self, message: Wish | Replied | ChainEnded | Extracted | Failed) -> None:
        self._outbox.append(message)
        self._something.set()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._note_end)

    def _note_end(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # told already; else asyncio complains


def _strip_question(answer: NotedAnswer) -> NotedAnswer:
    """The answer without what only the asking of its question needs."""
    return replace(answer, question=replace(answer.question, options={}))

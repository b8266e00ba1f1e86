"""The life of the process that extracts single records with the model, many at once."""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import Any

from extractor.api import Extractor, extract_record
from extractor.errors import BudgetReached
from extractor.llm.client import ClientSettings, Model
from extractor.llm.plan.request_sizes import RequestSize
from extractor.llm.spec import ModelSpec
from extractor.llm.transport import Route
from extractor.schemas import Usage

from .extracting import read_single
from .messages import Answer, GiveUp, Grant, Ready, Reserve, Settle, Trouble, Wish
from .process import ChildLine

__all__ = ["AskingPlan", "ServiceMeter", "extract_with_model"]


@dataclass(frozen=True, slots=True)
class AskingPlan:
    """The model, how it is asked, and how much is taken at once and in one body."""

    spec: ModelSpec
    asking: ClientSettings
    concurrency: int
    most_text: int


class ServiceMeter:
    """Asks the service before each request to a model whether the caller's limit allows it.

    Once it does not, the meter is ``reached``, and says so without asking.
    """

    def __init__(self, send: Callable[[object], None], caller: Callable[[], str]) -> None:
        self._send, self._caller = send, caller
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Grant]] = {}
        self.reached: str | None = None

    async def reserve(self, size: RequestSize) -> int:
        """Wait until the service grants a request. Raises ``BudgetReached`` if it does not."""
        number = next(self._numbers)
        granted = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._send(Reserve(number, self._caller(), size))
        try:
            grant = await granted
        except asyncio.CancelledError:
            self.settle(number, Usage())
            raise
        finally:
            del self._waiting[number]
        if grant.why_not is not None:
            self.reached = grant.why_not
            raise BudgetReached(grant.why_not)
        return number

    def settle(self, reservation: int, usage: Usage) -> None:
        """Tell what a request took."""
        self._send(Settle(reservation, usage))

    def hear(self, grant: Grant) -> None:
        """Take the service's answer."""
        if (granted := self._waiting.get(grant.number)) and not granted.done():
            granted.set_result(grant)


_caller: ContextVar[str] = ContextVar("caller")


def extract_with_model(line: ChildLine, plan: AskingPlan) -> None:
    """Answer wishes until the service is gone."""
    asyncio.run(_answer_all(line, plan))


async def _answer_all(line: ChildLine, plan: AskingPlan) -> None:
    loop = asyncio.get_running_loop()
    meter = ServiceMeter(line.send, _caller.get)
    extractor = Extractor(plan.spec)
    under_way: dict[int, asyncio.Task[None]] = {}
    async with extractor.open(plan.concurrency, None, Route(meter), plan.asking) as opened:

        def hear(message: Any) -> None:
            if isinstance(message, Grant):
                meter.hear(message)
            elif isinstance(message, GiveUp) and message.number in under_way:
                under_way[message.number].cancel()
            elif isinstance(message, Wish):
                task = loop.create_task(_answer(line, plan, opened.model, message))
                under_way[message.number] = task
                task.add_done_callback(lambda _: under_way.pop(message.number))

        line.listen(lambda message: loop.call_soon_threadsafe(hear, message))
        line.send(Ready())
        await loop.create_future()


async def _answer(line: ChildLine, plan: AskingPlan, model: Model | None, wish: Wish) -> None:
    _caller.set(wish.caller)
    result: bytes | Trouble
    try:
        record = read_single(wish.name, wish.body, plan.most_text)
        extraction = await extract_record(record, model, wish.options)
        result = extraction.model_dump_json().encode()
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever befell one wish, the others go on
        result = Trouble.of(error)
    line.send(Answer(wish.number, result))

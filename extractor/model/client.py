"""The entry point to every model: a call goes in, its answer and usage come out. The bill of a call
has its requests, each at its highest cost from sending to its reply.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakValueDictionary

from extractor.errors import AnswerPending, ModelError
from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.cost.budget import Budget, Meter
from extractor.model.pace import RetryPolicy
from extractor.model.patience import Watch
from extractor.model.spec import ClientSettings, ModelSpec, name_model
from extractor.model.store import CallStore, OpenStore
from extractor.schemas import Usage

if TYPE_CHECKING:
    from extractor.model.sending import Sender


@dataclass
class Bill:
    """The requests of one ``call``, one after another, and what they cost.

    Each has a reservation in the budget before it is sent, and a row in the store, so that a killed
    process leaves it behind. ``number`` is that of the call in the store, 0 if it is in none;
    ``stated`` is the usage that the last reply states, ``usage`` that of all; ``sent`` counts them.
    """

    call: Call
    model: str
    meter: Meter
    store: CallStore | None
    number: int = 0
    stated: Usage = field(default_factory=Usage)
    usage: Usage = field(default_factory=Usage)
    sent: int = 0
    _cost: Usage | None = None
    _paid: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """Send one request inside the block: wait until the budget has room for its highest cost,
        and store it at that. What the block does not settle counts at the highest cost.

        Raises ``BudgetReached``, and errors of the store, after which nothing may be sent.
        """
        reservation = await self.meter.reserve(self.call)
        self.settle(Usage())
        row = 0
        try:
            if self.store:
                self.number = self.number or self.store.begin(self.call, self.model)
                row = self.store.send(self.number, reservation.most)
            self.sent += 1
            self._cost = None
            yield
        finally:
            self.meter.settle(reservation, self._cost)
            self.usage += self.stated
            if self._cost is not None:
                self._paid.append(row)

    def settle(self, usage: Usage, *, is_believed: bool = True) -> None:
        """Note what the reply states; implausible usage leaves the cost at its maximum."""
        self.stated = usage
        self._cost = usage if is_believed else None

    def close(self, answer: Completion | None) -> None:
        """Store how the call ended: its answer, and what it cost."""
        if self.store and self.number:
            self.store.end(self.number, answer, self.usage, self._paid)


class Answer(NamedTuple):
    """An answer, its number in the store, and whether it came now, not from the store."""

    completion: Completion
    number: int
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """The budget that requests must fit, and what answers calls instead of the live model: an
    earlier run, files, or, later, a batch.

    ``answer`` returns a completion, or raises ``AnswerPending`` if it comes later. With
    ``queues``, a call that waits in the store for a batch is not asked again.
    """

    meter: Meter | None = None
    answer: Callable[[Call], Completion] | None = None
    queues: bool = False


@dataclass(eq=False)
class Model:
    """A language model: it answers calls, through a store and within a budget.

    It is an asynchronous context manager, open while it is used, in several event loops one after
    another, but not in two at once. ``usage`` is the sum over all calls that were sent, including
    failed ones; ``watch`` ends calls before they are answered; ``sender`` exists only while a live
    model is open. ``store`` opens the store of calls, ``route`` has the budget, and what answers
    instead of the live model.
    """

    spec: ModelSpec
    settings: ClientSettings = field(default_factory=ClientSettings)
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    store: OpenStore | None = field(default=None, kw_only=True)
    route: Route = field(default_factory=Route, kw_only=True)
    usage: Usage = field(default_factory=Usage, init=False)
    sender: "Sender | None" = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.name = self.spec.name
        patience = self.settings.patience
        self.watch = Watch(patience, name_model(self.spec), self.policy.clock)
        self._meter = self.route.meter or Budget()
        self._asked: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __aenter__(self) -> "Model":
        self._slots = asyncio.Semaphore(self.settings.concurrency)
        if self.route.answer is None:
            from extractor.model.sending import Sender  # noqa: PLC0415 - slow

            self.sender = Sender(self.spec, self.settings, self.policy, self.watch)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.sender:
            await self.sender.close()
        self.sender = None

    async def complete(self, call: Call) -> Answer:
        """Answer a call from the store, or ask the model within the budget. Equal calls wait for
        one another; with a store, they share an answer.

        Raises ``ModelUnavailable`` if the provider cannot be reached or refuses the call,
        ``RequestTooLong`` if it is too long for the model (all with the usage of the attempts),
        ``BudgetReached`` if the budget has no room, ``AnswerPending`` if the answer comes later,
        and ``AnswerMissing`` if a replay has none.
        """
        store = self.store() if self.store else None
        lock = self._asked.setdefault(call.key_for(self.name), asyncio.Lock())
        async with lock:
            stored = store.find(call, self.name) if store else None
            if stored and stored.completion:
                return Answer(stored.completion, stored.number)
            # a command that sends no batches asks anew
            if stored and self.route.queues:
                raise AnswerPending("the answer has not arrived yet")
            # only what may be sent now is stored
            async with self._slots:
                return await self._ask(Bill(call, self.name, self._meter, store))

    def reject(self, answer: Answer) -> None:
        """Mark an answer as unusable, so that the next run asks again."""
        if self.store:
            self.store().reject(answer.number)

    async def _ask(self, bill: Bill) -> Answer:
        """Ask for a new answer within the budget.

        The call is stored before it is sent, with its outcome afterwards: its answer, or what a
        failed one has cost.
        """
        completion = None
        try:
            if self.route.answer:
                completion = self.route.answer(bill.call)
                async with bill.request():
                    usage = completion.usage
                    bill.settle(usage, is_believed=completion.has_usage)
            else:
                assert self.sender, "the model is open"
                with self.watch.calling():
                    completion = await self.sender.send(bill)
        except ModelError as error:
            error.usage = bill.usage
            raise
        finally:
            bill.close(completion)
            self.usage += bill.usage
        return Answer(replace(completion, usage=bill.usage), bill.number, is_new=True)

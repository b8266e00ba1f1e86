"""The entry point to every model: a call goes in, its answer and usage come out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakValueDictionary

from extractor.errors import AnswerPending, ModelError, ModelUnavailable, RequestTooLong
from extractor.model.calls import MOST_CALLS, Call
from extractor.model.completions import Completion
from extractor.model.cost.budget import Budget, Meter
from extractor.model.failures import TOO_LONG
from extractor.model.ledger import Bill
from extractor.model.pace import RetryPolicy
from extractor.model.patience import Watch
from extractor.model.spec import ClientSettings, ModelSpec, name_model
from extractor.model.store import OpenStore, State
from extractor.schemas import Usage

if TYPE_CHECKING:
    from extractor.model.sending import Sender


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
    failed ones; ``watch`` ends calls before their answers; ``sender`` is there while a live model
    is open. ``store`` opens the store of calls, ``route`` has the budget, and what answers instead
    of the live model.
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

    async def complete(self, call: Call, most: int = MOST_CALLS) -> Answer:
        """Answer a call from the store, or ask the model, at most ``most`` times and within the
        budget. Equal calls wait for one another; with a store, they share an answer.

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
                if stored.state is State.WAITING:
                    raise AnswerPending("the answer has not arrived yet")
                said = f"{self.watch.name}: a batch refused this call"
                raise ModelUnavailable(f"{said}: {stored.why}", lasting=False)
            # only what may be sent now is stored
            async with self._slots:
                return await self._ask(Bill(call, self.name, self._meter, store), most)

    def reject(self, answer: Answer) -> None:
        """Mark an answer as unusable, so that the next run asks again."""
        if self.store:
            self.store().reject(answer.number)

    async def _ask(self, bill: Bill, most: int) -> Answer:
        """Ask for a new answer within the budget.

        The call is stored before it is sent, with its outcome afterwards: its answer, or what a
        failed one has cost.
        """
        completion = None
        why = ""
        try:
            if self.route.answer:
                completion = self.route.answer(bill.call)
                async with bill.request():
                    usage = completion.usage
                    bill.settle(usage, is_believed=completion.has_usage)
            else:
                assert self.sender, "the model is open"
                with self.watch.calling():
                    completion = await self.sender.send(bill, most)
        except ModelError as error:
            error.usage = bill.usage
            if isinstance(error, RequestTooLong):
                bill.begin()
                why = TOO_LONG
            raise
        finally:
            bill.close(completion, why)
            self.usage += bill.usage
        return Answer(replace(completion, usage=bill.usage), bill.number, is_new=True)

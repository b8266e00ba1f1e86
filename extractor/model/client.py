"""The door to every model: a call goes in, its answer with its usage comes out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
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
from extractor.model.store import CallStore, OpenStore, State
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
    """The budget that requests must fit, and what answers calls in place of the live model: an
    earlier run, files, or, later, a batch.

    ``answer`` returns a completion, or raises ``AnswerPending`` if it comes later. With
    ``queues``, a call that waits in the store for a batch is not asked again.
    """

    meter: Meter | None = None
    answer: Callable[[Call], Completion] | None = None
    queues: bool = False


class Model:
    """A language model: it answers calls, through a store and within a budget.

    Use it as an asynchronous context manager to keep connections open between calls. It works in
    several event loops one after another, but not in two at once. ``usage`` is the sum over all
    calls that were sent, including failed ones; ``watch`` ends calls before their answers;
    ``sender`` is there while a live model is open. ``store`` opens the store of calls, ``route``
    has the budget, and what answers in place of the live model.
    """

    def __init__(
        self,
        spec: ModelSpec,
        settings: ClientSettings | None = None,
        policy: RetryPolicy | None = None,
        *,
        store: OpenStore | None = None,
        route: Route | None = None,
    ) -> None:
        self.spec = spec
        self.name = spec.name
        self.usage = Usage()
        self.sender: Sender | None = None
        self._settings = settings or ClientSettings()
        self._policy = policy or RetryPolicy()
        self.watch = Watch(self._settings.patience, name_model(spec))
        self.watch.clock = self._policy.clock
        self._route = route or Route()
        self._meter = self._route.meter or Budget()
        self._open_store = store
        self._store: CallStore | None = None
        self._users = 0
        # a semaphore of the event loop takes its place in __aenter__
        self._slots = asyncio.Semaphore(1)
        self._asked: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __aenter__(self) -> "Model":
        if self._users == 0:
            self._slots = asyncio.Semaphore(self._settings.concurrency)
            if self._route.answer is None:
                from extractor.model.sending import Sender  # noqa: PLC0415 - slow

                self.sender = Sender(
                    self.spec, self._settings, self._policy, self.watch
                )
        self._users += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self._users -= 1
        sender = self.sender
        if self._users == 0 and sender:
            self.sender = None
            await sender.close()

    async def complete(self, call: Call, most: int = MOST_CALLS) -> Answer:
        """Answer a call from the store, or ask the model, at most ``most`` times and within the
        budget. Equal calls wait
        for one another; with a store, they share an answer.

        Raises ``ModelUnavailable`` if the provider cannot be reached or refuses the call,
        ``RequestTooLong`` if it is too long for the model (all with the usage of the attempts),
        ``BudgetReached`` if the budget has no room, ``AnswerPending`` if the answer comes later,
        and ``AnswerMissing`` if a replay has none.
        """
        if self._open_store and self._store is None:
            self._store = self._open_store()
        lock = self._asked.setdefault(call.key_for(self.name), asyncio.Lock())
        async with self, lock:
            stored = self._store.find(call, self.name) if self._store else None
            if stored and stored.completion:
                return Answer(stored.completion, stored.number)
            # a command that sends no batches asks anew
            if stored and self._route.queues:
                if stored.state is State.WAITING:
                    raise AnswerPending("the answer has not arrived yet")
                said = f"{name_model(self.spec)}: a batch refused this call"
                raise ModelUnavailable(f"{said}: {stored.why}", lasting=False)
            # only what may be sent now is stored
            async with self._slots:
                return await self._ask(call, most)

    def reject(self, answer: Answer) -> None:
        """Mark an answer as unusable, so that the next run asks again."""
        if self._store:
            self._store.reject(answer.number)

    async def _ask(self, call: Call, most: int) -> Answer:
        """Ask for a new answer within the budget.

        The call is stored before it is sent, with its outcome afterwards: its answer, or what a
        failed one has cost.
        """
        bill = Bill(call, self.name, self._meter, self._store)
        completion = None
        why = ""
        try:
            if self._route.answer:
                completion = self._route.answer(call)
                async with bill.request() as request:
                    usage = completion.usage
                    request.settle(usage, is_believed=completion.has_usage)
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

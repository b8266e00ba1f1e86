"""The entry point to every model: it takes a call, and returns the answer and the call's usage."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from extractor.errors import ModelError, RequestTooLong
from extractor.model.bill import Bill
from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.cost.budget import Budget, Meter
from extractor.model.pace import RetryPolicy
from extractor.model.patience import Watch
from extractor.model.spec import ClientSettings, ModelSpec, name_model
from extractor.model.store import Answer, OpenStore, State
from extractor.schemas import Usage

if TYPE_CHECKING:
    from extractor.model.batch_apis import AnswerLine
    from extractor.model.sending import Sender


@dataclass(frozen=True, slots=True)
class Route:
    """The budget that requests must fit into, and the function that answers calls in place of the
    live model: from an earlier run or from files, or later, through a batch.

    ``answer`` returns a completion, or raises ``AnswerPending`` if the answer will be received
    later. If ``is_usable`` returns True, its answer is used instead of a stored one.
    ``list_unused`` returns, once, the lines of files that may be paid answers to a call but were
    not used. If ``queues`` is True, a call that is waiting for a batch is not sent again.
    """

    meter: Meter | None = None
    answer: Callable[[Call], Completion] | None = None
    is_usable: Callable[[Call], bool] = lambda _: False
    list_unused: "Callable[[Call], Iterable[AnswerLine]]" = lambda _: ()
    queues: bool = False


@dataclass(eq=False)
class Model:
    """A language model that answers calls within a budget, using a store.

    A model is an asynchronous context manager. It can be used in several event loops in
    succession, but not in two at the same time. ``store`` opens the store of calls, and ``route``
    contains the budget and the function that answers instead of the live model. ``usage`` is the
    total usage of all calls that were sent, including failed ones; ``watch`` can end calls before
    they are answered; ``sender`` exists only while a live model is open.
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
        patience, timeout = self.settings.patience, self.settings.timeout
        name = name_model(self.spec)
        self.watch = Watch(patience, name, self.policy.clock, timeout)
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
        """Answer a call from the store, or ask the model within the budget. Identical calls wait
        for each other; with a store, they share an answer.

        Raises ``ModelUnavailable`` if the provider cannot be reached or rejects the call, and
        ``RequestTooLong`` if the call is too long for the model, both with the usage of the
        attempts. Raises ``BudgetReached`` if the call does not fit into the budget,
        ``AnswerPending`` if the answer will be received later, and ``AnswerMissing`` if a replay
        does not have an answer.
        """
        store = self.store() if self.store else None
        lock = self._asked.setdefault(call.key_for(self.name), asyncio.Lock())
        async with lock:
            stored = None
            if store and not self.route.is_usable(call):
                # outside a batch run, a waiting call is sent live
                stored = store.find(call, self.name, in_batches=self.route.queues)
            bill = partial(Bill, call, self.name, self._meter, store)
            try:
                if stored:
                    return stored
                # wait for a free connection before the call is stored
                async with self._slots:
                    return await self._ask(bill())
            finally:
                for line in self.route.list_unused(call):
                    await self._count_line(line, bill())

    async def _count_line(self, line: "AnswerLine", bill: Bill) -> None:
        """Count a line of an answer file that may be an unused paid answer, unless an
        earlier run in the same folder has counted it. Without a stated usage, it is counted at its
        maximum cost.
        """
        if bill.store and bill.store.find_line(bill.call, self.name, line.sha256):
            return
        async with bill.request():
            bill.settle(line.usage)
        bill.close(None, why=line.sha256)
        self.usage += bill.usage

    def note_useless(self, call: Call, problem: str) -> None:
        """Report an unusable answer to the watch. It does not count if the store has an earlier one
        to the same call, but usable answers to others.
        """
        is_known = self.store and self.store().is_repeatedly_useless(call, self.name)
        self.watch.note_useless(problem, counts=not is_known)

    def reject(self, answer: Answer) -> None:
        """Mark an answer as unusable, so that the next run asks again. Without a store, there is
        nothing to mark.
        """
        if self.store:
            self.store().reject(answer.number)

    async def _ask(self, bill: Bill) -> Answer:
        """Ask for a new answer within the budget.

        The call is stored before it is sent. Afterwards, its answer is stored, or only its cost if
        the call failed.
        """
        completion = None
        state = State.ASKED
        try:
            if self.route.answer:
                completion = self.route.answer(bill.call)
                line = completion.line
                if bill.store and line:
                    number = bill.store.find_line(bill.call, self.name, line)
                    # an earlier run in the same folder has counted this line of a file
                    if number:
                        return Answer(completion, number)
                async with bill.request():
                    bill.settle(completion.stated_usage)
            else:
                assert self.sender, "the model is open"
                with self.watch.calling():
                    completion = await self.sender.send(bill)
        except ModelError as error:
            error.usage = bill.usage
            if isinstance(error, RequestTooLong):
                state = State.REJECTED
            raise
        finally:
            bill.close(completion, state)
            self.usage += bill.usage
        return Answer(
            replace(completion, stated_usage=bill.usage), bill.number, is_new=True
        )

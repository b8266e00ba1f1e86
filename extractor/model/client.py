"""The door to every model: a call goes in, its answer with its usage comes out.

The path of a call: ``Model.complete`` -> the store -> the budget -> ``LiveModel`` (pace, retries,
instructor, the provider's SDK) -> the store.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from weakref import WeakValueDictionary

from extractor.errors import AnswerPending, ModelUnavailable, RequestTooLong
from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.failures import TOO_LONG, is_too_long
from extractor.model.metering import Answerer, Meter, Requests, Reservation
from extractor.model.pace import RetryPolicy
from extractor.model.patience import MOST_CALLS, Watch
from extractor.model.spec import ClientSettings, ModelSpec, name_model
from extractor.model.store import CallStore, OpenStore, State, judge
from extractor.schemas import Usage


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, its number in the store, and how many answers it took now: 0 for a stored one."""

    completion: Completion
    number: int
    calls: int = 0


class Model:
    """A language model: it answers calls, through a store and within a budget.

    Use it as an asynchronous context manager to keep connections open between calls. It works in
    several event loops one after another, but not in two at once. ``usage`` is the sum over all
    calls that were sent, including failed ones, ``lost`` the most that requests without a reply may
    have used, and ``unmetered`` the same of those whose reply states no usage; ``watch`` says what
    it waits for. ``answerer`` opens what answers the calls (default: the provider's live model),
    ``store`` opens the store of calls, and ``meter`` is the budget that each call must fit.
    """

    def __init__(
        self,
        spec: ModelSpec,
        settings: ClientSettings | None = None,
        policy: RetryPolicy | None = None,
        *,
        answerer: Callable[[], Answerer] | None = None,
        store: OpenStore | None = None,
        meter: Meter | None = None,
    ) -> None:
        self.spec = spec
        self._settings = settings or ClientSettings()
        policy = policy or RetryPolicy()
        self.watch = Watch(self._settings.patience, name_model(spec))
        self._policy = replace(policy, sleep=self.watch.pausing(policy.sleep))
        self._make = answerer or self._open_live
        self._open_store = store
        self._meter = meter
        self._store: CallStore | None = None
        self.usage = Usage()
        self.lost = Usage()
        self.unmetered = Usage()
        self._users = 0
        self._answerer: Answerer | None = None
        # a semaphore of the event loop takes its place in __aenter__
        self._slots = asyncio.Semaphore(1)
        self._asked: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def __repr__(self) -> str:
        return f"Model({str(self.spec)!r})"

    @property
    def name(self) -> str:
        """The provider's name for the model."""
        return self.spec.name

    async def __aenter__(self) -> "Model":
        if self._answerer is None:
            self._answerer = self._make()
            self._slots = asyncio.Semaphore(self._settings.concurrency)
        self._users += 1
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._users -= 1
        if self._users == 0 and self._answerer is not None:
            answerer = self._answerer
            self._answerer = None
            await answerer.close()

    async def complete(self, call: Call, most: int = MOST_CALLS) -> Answer:
        """Answer a call from the store, or ask the model, at most ``most`` times and within the
        budget. Equal calls wait for one another, and share an answer.

        Raises ``ModelUnavailable`` if the provider cannot be reached or refuses the call,
        ``RequestTooLong`` if it is too long for the model (all with the usage of the attempts),
        ``BudgetReached`` if the meter refuses, ``AnswerPending`` if the answer comes later, and
        ``AnswerMissing`` if a replay has none.
        """
        if self._open_store and self._store is None:
            self._store = self._open_store()
        lock = self._asked.setdefault(call.key_for(self.name), asyncio.Lock())
        async with self, lock:
            stored = self._find(call)
            if stored:
                return stored
            # only what may be sent now is stored
            async with self._slots:
                return await self._send(call, most)

    def reject(self, answer: Answer) -> None:
        """Mark an answer as unusable, so that the next run asks again."""
        if self._store:
            self._store.reject(answer.number)

    def _find(self, call: Call) -> Answer | None:
        """Find a stored answer, which costs nothing now; None if the call must be asked.

        A call that waits for a batch, or that a batch refused, is asked anew by a command that
        sends no batches. To one that does, it raises ``AnswerPending``, or the refusal as
        ``RequestTooLong`` or ``ModelUnavailable``.
        """
        assert self._answerer is not None, "complete() holds the model open"
        if self._store is None:
            return None
        stored = self._store.find(call, self.name)
        if stored is None:
            return None
        if stored.completion is None and not self._answerer.queues:
            return None
        if stored.state is State.REFUSED:
            kind = RequestTooLong if is_too_long(stored.why) else ModelUnavailable
            problem = f"a batch refused this call: {stored.why}"
            raise kind(f"{name_model(self.spec)}: {problem}", lasting=False)
        if stored.completion is None:
            raise AnswerPending("the answer has not arrived yet")
        return Answer(stored.completion, stored.number)

    async def _send(self, call: Call, most: int) -> Answer:
        """Ask for a new answer within the budget.

        The call is stored before it is sent, with its outcome afterwards: the answer, that it waits
        for a batch, or what a failed one has cost. A call whose answer a replay lacks is taken out
        of the store again. Whatever happens, the sums are raised, and the reservation is released.
        """
        assert self._answerer is not None
        reservation = Reservation()
        if self._meter:
            reservation = await self._meter.reserve(call)
        number = 0
        if self._store:
            number = self._store.begin(call, self.name)
        requests = Requests(call, self._store, number, reservation, self._meter)
        spent = Usage()
        try:
            completion, calls = await self._answerer(call, most, requests)
            spent = completion.usage
            # A live request without usage was noted. This one was sent by others, as a file.
            if not completion.has_usage and not requests.unmetered.calls:
                requests.note_sent()
                requests.note_unmetered()
        except AnswerPending:
            if self._store and self._answerer.queues:
                self._store.end(number, State.WAITING)
            elif self._store:
                self._store.withdraw(number)
            raise
        # also a cancellation
        except BaseException as error:
            spent = getattr(error, "usage", None) or Usage()
            if self._store:
                why = TOO_LONG if isinstance(error, RequestTooLong) else ""
                self._store.charge(number, spent, why, requests.replied)
            raise
        finally:
            self.usage += spent
            self.lost += requests.lost
            self.unmetered += requests.unmetered
            requests.release(spent)
        if self._store:
            state = judge(completion)
            self._store.end(number, state, completion, replied=requests.replied)
        return Answer(completion, number, calls)

    def _open_live(self) -> Answerer:
        from extractor.model.live import LiveModel  # noqa: PLC0415 - slow

        return LiveModel(self.spec, self._settings, self._policy, self.watch)

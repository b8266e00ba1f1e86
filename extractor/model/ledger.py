"""The bill of one call: its requests, each at its highest cost from sending to its reply."""

from dataclasses import replace

from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.cost.budget import Meter, Reservation
from extractor.model.store import CallStore, State, judge
from extractor.schemas import Usage


class Bill:
    """The requests of one ``call``, one after another, and what they cost.

    Each has a reservation in the budget before it is sent, and a row in the store's ledger, so that
    a killed process leaves it behind.

    Attributes:
        answer: The last answer, with the usage of all.
        count: The number of answers.
        number: The call in the store; 0 if it is in none, or is not stored yet.
        usage: What all replies state.
        uncounted: The most of the requests whose cost no reply states.
        exchanges: How often the call was sent. An exchange is a request with its re-asks.
    """

    def __init__(
        self, call: Call, model: str, meter: Meter, store: CallStore | None
    ) -> None:
        self.call = call
        self._model = model
        self._meter = meter
        self._store = store
        self._reservation: Reservation | None = None
        self._row: int | None = None
        self._paid: list[int] = []
        self.answer: Completion | None = None
        self.count = 0
        self.number = 0
        self.usage = Usage()
        self.uncounted = Usage()
        self.exchanges = 0

    @property
    def is_reserved(self) -> bool:
        """Whether the next request may be sent."""
        return self._reservation is not None and self._row is None

    @property
    def is_under_way(self) -> bool:
        """Whether a request was sent whose reply was not read yet."""
        return self._row is not None

    async def reserve(self, extra_room: int = 0) -> None:
        """Wait until the budget has room for a request, which may think for so many tokens more
        than was forecast. The first one stores the call. Raises ``BudgetReached``.
        """
        if self._reservation is None:
            self._reservation = await self._meter.reserve(self._enlarge(extra_room))
        if self._store and not self.number:
            self.number = self._store.begin(self.call, self._model)

    def may_repeat(self, extra_room: int) -> bool:
        """Reserve another request if the budget has room for it now."""
        self._reservation = self._meter.try_reserve(self._enlarge(extra_room))
        return self._reservation is not None

    def _enlarge(self, extra_room: int) -> Call:
        most_tokens = self.call.max_output_tokens + extra_room
        return replace(self.call, max_output_tokens=most_tokens)

    def send(self) -> None:
        """Note that the reserved request is about to be sent: in the store, at its highest cost."""
        assert self._reservation
        self._row = 0
        if self._store:
            self._row = self._store.send(self.number, self._reservation.most)

    def add(self, answer: Completion) -> None:
        """Count an answer. Without a usage, its request counts at its highest cost."""
        self.count += 1
        self.usage += answer.usage
        self.answer = replace(answer, usage=self.usage)
        self._settle(answer.usage if answer.has_usage else None)

    def charge(self, usage: Usage) -> None:
        """Count what a reply without an answer states."""
        self.usage += usage
        self._settle(usage)

    def fail(self, *, is_paid: bool) -> None:
        """Count the request under way as failed: at its highest cost if a model may have been paid
        for it, else as nothing. One that was not sent is nothing.
        """
        self._settle(None if is_paid and self.is_under_way else Usage())

    def _settle(self, usage: Usage | None) -> None:
        """End the last request, and release its reservation."""
        if self._reservation is None:
            return
        if usage is None:
            self.uncounted += self._reservation.most.model_copy(update={"calls": 1})
        elif self._row is not None:
            self._paid.append(self._row)
        self._meter.settle(self._reservation, usage)
        self._reservation = None
        self._row = None

    def close(self, *, is_answered: bool, why: str) -> None:
        """Store how the call ended: its answer, or ``why`` it has none, and what it cost. A request
        that is still under way counts at its highest cost.
        """
        self.fail(is_paid=True)
        if self._store is None or not self.number:
            return
        answer = self.answer if is_answered else None
        self._store.end(
            self.number,
            judge(answer) if answer else State.ASKED,
            answer,
            usage=self.usage,
            why=why,
            paid=self._paid,
        )

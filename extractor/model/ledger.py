"""The bill of one call: its requests, each at its highest cost from sending to its reply."""

from dataclasses import dataclass, field, replace

from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.cost.budget import Meter, Reservation
from extractor.model.store import CallStore, State, judge
from extractor.schemas import Usage


@dataclass
class Bill:
    """The requests of one ``call``, one after another, and what they cost.

    Each has a reservation in the budget before it is sent, and a row in the store, so that a killed
    process leaves it behind.

    Attributes:
        answer: The last answer, with the usage of all.
        count: The number of answers.
        number: The call in the store; 0 if it is in none, or is not stored yet.
        usage: What all replies state.
        extra_room: Output tokens that its requests may use beyond the call's limit.
        exchanges: How often the call was sent. An exchange is a request with its re-asks.
        is_under_way: Whether a request was sent whose reply was not read yet.
    """

    call: Call
    model: str
    meter: Meter
    store: CallStore | None
    answer: Completion | None = None
    count: int = 0
    number: int = 0
    usage: Usage = field(default_factory=Usage)
    extra_room: int = 0
    exchanges: int = 0
    is_under_way: bool = False
    _reservation: Reservation | None = None
    _rows: list[int] = field(default_factory=list)
    _paid: list[int] = field(default_factory=list)

    @property
    def is_reserved(self) -> bool:
        """Whether the next request may be sent."""
        return self._reservation is not None and not self.is_under_way

    async def reserve(self) -> None:
        """Wait until the budget has room for a request. The first one stores the call. Raises
        ``BudgetReached``.
        """
        if self._reservation is None:
            self._reservation = await self.meter.reserve(self._enlarge())
        if self.store and not self.number:
            self.number = self.store.begin(self.call, self.model)

    def may_repeat(self) -> bool:
        """Reserve another request if the budget has room for it now."""
        self._reservation = self.meter.try_reserve(self._enlarge())
        return self._reservation is not None

    def _enlarge(self) -> Call:
        most = self.call.max_output_tokens + self.extra_room
        return replace(self.call, max_output_tokens=most)

    def send(self) -> None:
        """Note that the reserved request is about to be sent: in the store, at its highest cost."""
        assert self._reservation
        self.is_under_way = True
        if self.store:
            self._rows = [self.store.send(self.number, self._reservation.most)]

    def add(self, answer: Completion) -> None:
        """Count an answer. Without a usage, its request counts at its highest cost."""
        self.count += 1
        self.settle(answer.usage if answer.has_usage else None, answer.usage)
        self.answer = replace(answer, usage=self.usage)

    def settle(self, cost: Usage | None, stated: Usage | None = None) -> None:
        """End the last request, if there is one, and release its reservation.

        Args:
            cost: What it cost; None is the most.
            stated: What its reply states; by default, what it cost.
        """
        if self._reservation is None:
            return
        self.usage += stated or cost or Usage()
        if cost is not None:
            self._paid += self._rows
        self.meter.settle(self._reservation, cost)
        self._reservation = None
        self._rows = []
        self.is_under_way = False

    def fail(self, *, is_paid: bool) -> None:
        """Count the request under way as failed: at its highest cost if a model may have been paid
        for it, else as nothing. One that was not sent is nothing.
        """
        self.settle(None if is_paid and self.is_under_way else Usage())

    def close(self, *, is_answered: bool, why: str) -> None:
        """Store how the call ended: its answer, or ``why`` it has none, and what it cost. A request
        that is still under way counts at its highest cost.
        """
        self.fail(is_paid=True)
        if self.store is None or not self.number:
            return
        answer = self.answer if is_answered else None
        state = judge(answer) if answer else State.ASKED
        self.store.end(
            self.number, state, answer, usage=self.usage, why=why, paid=self._paid
        )

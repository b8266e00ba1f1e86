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
        answer: The last answer, with the usage of all; None while a request is under way.
        count: The number of answers.
        number: The call in the store; 0 if it is in none, or is not stored yet.
        usage: What all replies state.
        exchanges: The number of requests.
    """

    call: Call
    model: str
    meter: Meter
    store: CallStore | None
    answer: Completion | None = None
    count: int = 0
    number: int = 0
    usage: Usage = field(default_factory=Usage)
    exchanges: int = 0
    _reservation: Reservation | None = None
    _row: int = 0
    _paid: list[int] = field(default_factory=list)

    def begin(self) -> None:
        """Store the call, if it is not stored yet."""
        if self.store and not self.number:
            self.number = self.store.begin(self.call, self.model)

    async def send(self, extra_room: int = 0) -> None:
        """Note that a request is about to be sent: wait until the budget has room for its highest
        cost, and store it at that. Its output may have ``extra_room`` beyond the call's limit.

        Raises ``BudgetReached``, and errors of the store, after which nothing may be sent.
        """
        most = self.call.max_output_tokens + extra_room
        call = replace(self.call, max_output_tokens=most)
        reservation = await self.meter.reserve(call)
        try:
            self.begin()
            if self.store:
                self._row = self.store.send(self.number, reservation.most)
        except BaseException:
            self.meter.settle(reservation, Usage())
            raise
        self._reservation = reservation
        self.exchanges += 1
        self.answer = None

    def add(self, answer: Completion) -> None:
        """Count an answer. Without a usage, its request counts at its highest cost."""
        self.count += 1
        self.settle(answer.usage if answer.has_usage else None, answer.usage)
        self.answer = replace(answer, usage=self.usage)

    def settle(self, cost: Usage | None, stated: Usage | None = None) -> None:
        """End the request under way, if there is one, and release its reservation.

        Args:
            cost: What it cost; None is the most.
            stated: What its reply states; by default, what it cost.
        """
        if self._reservation is None:
            return
        self.usage += stated or cost or Usage()
        if cost is not None:
            self._paid.append(self._row)
        self.meter.settle(self._reservation, cost)
        self._reservation = None

    def close(self, why: str) -> None:
        """Store how the call ended: its answer, or ``why`` it has none, and what it cost. A request
        that is still under way counts at its highest cost.
        """
        self.settle(None)
        if self.store and self.number:
            state = judge(self.answer) if self.answer else State.ASKED
            self.store.end(
                *(self.number, state, self.answer),
                usage=self.usage,
                why=why,
                paid=self._paid,
            )

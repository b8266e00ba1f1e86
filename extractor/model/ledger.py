"""The bill of one call: its requests, each at its highest cost from sending to its reply."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.cost.budget import Meter
from extractor.model.store import CallStore, State, judge
from extractor.schemas import Usage


@dataclass
class Bill:
    """The requests of one ``call``, one after another, and what they cost.

    Each has a reservation in the budget before it is sent, and a row in the store, so that a killed
    process leaves it behind. ``number`` is that of the call in the store, 0 if it is in none;
    ``stated`` is the usage that the last reply states, ``usage`` that of all; ``answers`` counts
    those that are one, ``sent`` all.
    """

    call: Call
    model: str
    meter: Meter
    store: CallStore | None
    number: int = 0
    stated: Usage = field(default_factory=Usage)
    usage: Usage = field(default_factory=Usage)
    answers: int = 0
    sent: int = 0
    _cost: Usage | None = None
    _paid: list[int] = field(default_factory=list)

    def begin(self) -> None:
        """Store the call, if it is not stored yet."""
        if self.store and not self.number:
            self.number = self.store.begin(self.call, self.model)

    @asynccontextmanager
    async def request(self, extra_room: int = 0) -> AsyncIterator[None]:
        """Send one request inside the block: wait until the budget has room for its highest cost,
        and store it at that. Its output may have ``extra_room`` beyond the call's limit. What the
        block does not settle counts at the highest cost.

        Raises ``BudgetReached``, and errors of the store, after which nothing may be sent.
        """
        limit = self.call.max_output_tokens + extra_room
        reservation = await self.meter.reserve(
            replace(self.call, max_output_tokens=limit)
        )
        self.settle(Usage())
        row = 0
        try:
            self.begin()
            if self.store:
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

    def close(self, answer: Completion | None, why: str = "") -> None:
        """Store how the call ended: its answer, or ``why`` it has none, and what it cost."""
        if self.store and self.number:
            state = judge(answer) if answer else State.ASKED
            self.store.end(self.number, state, answer, self.usage, why, paid=self._paid)

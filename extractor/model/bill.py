"""The bill of a call: it records the requests of the call, and until the reply arrives, it counts
each request at its maximum cost.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.cost.budget import Meter
from extractor.model.store import CallStore, State
from extractor.schemas import Usage


@dataclass
class Bill:
    """The successive requests of one ``call``, and their cost.

    Before a request is sent, its cost is reserved in the budget and the request is stored as a
    row, which remains if the process is killed. ``number`` is the number of the call in the store,
    or 0 if it is not stored; ``stated`` is the usage in the last reply, ``usage`` is the usage of
    all requests, and ``sent`` is their number.
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
        """Send one request inside the block: wait until the request's maximum cost fits into the
        budget, and store the request at that cost. If the block does not settle the request, the
        maximum cost is counted.

        Raises ``BudgetReached``, or errors from the store; after either, no request may be sent.
        """
        reservation = await self.meter.reserve(self.call)
        # until it is sent, it costs nothing: the store may fail
        self.settle(Usage())
        row = 0
        try:
            if self.store:
                self.number = self.number or self.store.begin(self.call, self.model)
                row = self.store.add_request(self.number, reservation.most)
            self.sent += 1
            # from now on, the provider may charge the maximum
            self._cost = None
            yield
        finally:
            self.meter.settle(reservation, self._cost)
            self.usage += self.stated
            if self._cost is not None:
                self._paid.append(row)

    def settle(self, usage: Usage | None) -> None:
        """Record the usage that the reply states. If it states no plausible usage (None), the cost
        stays at its maximum, and a call without tokens is recorded.
        """
        self.stated = usage or Usage(calls=1)
        self._cost = usage

    def close(
        self, answer: Completion | None, state: State = State.ASKED, why: str = ""
    ) -> None:
        """Store the outcome of the call: its answer, or its ``state`` and ``why`` there is none;
        and its cost. A call of which no request was stored is skipped. For an answer in a file, a
        row without a cost says that its line was counted.
        """
        if not self.store or not self.number:
            return
        with self.store.database.transaction():
            self.store.end(self.number, answer, self.usage, self._paid, state, why)
            if answer and answer.line:
                line = self.store.begin(self.call, self.model)
                self.store.end(line, None, Usage(), (), why=answer.line)

"""What answers calls, and the meter of its requests: from sending to reply, each counts at its
highest cost.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Protocol

from extractor.model.calls import Call
from extractor.model.completions import Completion
from extractor.model.store import CallStore
from extractor.schemas import Usage


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """The most that one request of a call may use. Equal only to itself."""

    most: Usage = field(default_factory=Usage)


class Meter(Protocol):
    """A budget, which decides whether a request may be sent."""

    async def reserve(self, call: Call) -> Reservation:
        """Wait for room, and reserve what a request may use. Raises ``BudgetReached`` if there
        will be no room.
        """

    def allows(self, reservation: Reservation) -> bool:
        """Return whether there is room now for another request like this one."""

    def lose(self, reservation: Reservation, *, replied: bool = False) -> None:
        """Count a request at the most that it may have used: it got no reply, or ``replied``
        without a usage.
        """

    def charge(self, reservation: Reservation, usage: Usage) -> None:
        """Release a reservation, and count the usage that replies reported."""


class Requests:
    """The requests of one call, one after another, and the reservation of the one that is under
    way.

    Each is stored before it is sent, so that a killed process leaves it behind. The numbers in the
    store of those that have ``replied`` with their usage are kept until the end of the call;
    ``lost`` is the most that those without a reply may have used, ``unmetered`` the same of those
    whose reply does not say it. Their ``calls`` count them.
    """

    def __init__(
        self,
        call: Call,
        store: CallStore | None = None,
        number: int = 0,
        reservation: Reservation | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._call = call
        self._store = store
        self._number = number
        self._meter = meter
        self._reservation = reservation
        self._most = reservation.most if reservation else Usage()
        self.replied: list[int] = []
        self._charged = self.lost = self.unmetered = Usage()

    async def renew(self, usage: Usage) -> None:
        """Count what the call has used in all, and reserve anew before a request is repeated.
        Without a meter nothing happens.

        Raises the errors of ``Meter.reserve``.
        """
        if self._meter:
            self.release(usage)
            self._reservation = await self._meter.reserve(self._call)

    def release(self, usage: Usage) -> None:
        """Release the reservation, if there is one, and count what the call has used since the last
        release. ``usage`` is what it has used in all.
        """
        if self._meter is None or self._reservation is None:
            return
        charged = self._charged.model_dump()
        added = {}
        for name, count in usage.model_dump().items():
            added[name] = count - charged[name]
        self._meter.charge(self._reservation, Usage(**added))
        self._reservation = None
        self._charged = usage

    def may_repeat(self) -> bool:
        """Return whether there is room for one more request of this call. Without a meter there
        is.
        """
        if self._meter is None or self._reservation is None:
            return True
        return self._meter.allows(self._reservation)

    def note_sent(self) -> None:
        """Note that the next request is about to be sent: in the store, at its highest cost."""
        number = 0
        if self._store:
            number = self._store.note_request(self._number, self._most)
        self.replied.append(number)

    def note_lost(self) -> None:
        """Note that the last request got no reply. It counts at its highest cost, and stays so in
        the store.
        """
        self.replied.pop()
        self.lost += self._most.model_copy(update={"calls": 1})
        if self._meter and self._reservation:
            self._meter.lose(self._reservation)

    def note_unmetered(self) -> None:
        """Note that the reply to the last request does not say what it cost. It counts at its
        highest cost.
        """
        number = self.replied.pop()
        if self._store:
            self._store.note_unmetered(number)
        self.unmetered += self._most.model_copy(update={"calls": 1})
        if self._meter and self._reservation:
            self._meter.lose(self._reservation, replied=True)


class Answerer(ABC):
    """Anything that answers a call: a live model, an earlier run, or, later, a batch that
    ``queues`` it.
    """

    queues = False

    @abstractmethod
    async def __call__(
        self, call: Call, most: int, requests: Requests
    ) -> tuple[Completion, int]:
        """Ask, at most ``most`` times. Return the last answer with the usage of all, and their
        number.
        """

    async def close(self) -> None:  # noqa: B027 - most hold nothing
        """Release what it holds."""

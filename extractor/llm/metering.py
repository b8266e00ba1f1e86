"""Meters requests: each is counted at the most that it may cost from before it is sent until its reply comes."""

from dataclasses import dataclass, field
from typing import Protocol

from extractor.schemas import Usage

from .calls import Call
from .store import CallStore


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """What one request of a call may use at most. Equal only to itself."""

    most: Usage = field(default_factory=Usage)


class Meter(Protocol):
    """A budget, which decides whether a call may be sent."""

    async def reserve(self, call: Call) -> Reservation:
        """Wait for room, and reserve what a call may use. Raises ``BudgetReached`` if there will be no room."""

    def lose(self, reservation: Reservation) -> None:
        """Count a request without a reply at the most that it may have used."""

    def charge(self, reservation: Reservation, usage: Usage) -> None:
        """Release a reservation, and count the usage that replies reported."""


class Requests:
    """The requests of one call, one after another.

    Each is stored before it is sent, so that a killed process leaves it behind. The numbers in the store of those that
    have ``replied`` are kept until the end of the call; ``lost`` is the most that the others may have used, and its
    ``calls`` count them.
    """

    def __init__(
        self,
        store: CallStore | None = None,
        call: int = 0,
        reservation: Reservation | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._store, self._call, self._meter = store, call, meter
        self._reservation = reservation or Reservation()
        self.replied: list[int] = []
        self.lost = Usage()

    def note_sent(self) -> None:
        """Note that the next request is about to be sent."""
        self.replied.append(self._store.note_request(self._call, self._reservation.most) if self._store else 0)

    def note_lost(self) -> None:
        """Note that the last request was lost."""
        self.replied.pop()
        self.lost += self._reservation.most.model_copy(update={"calls": 1})
        if self._meter:
            self._meter.lose(self._reservation)

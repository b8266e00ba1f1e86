"""What the callers of a service spend together, over all its starts."""

from pathlib import Path

from aiolimiter import AsyncLimiter

from extractor.cost.budget import Budget, Pricing
from extractor.llm.calls import Call
from extractor.llm.database import Database
from extractor.llm.metering import Reservation
from extractor.llm.store import Spending
from extractor.options import Effort
from extractor.schemas import Usage

from .problems import ProblemError

SPENT = "the service's limit of money is reached"
_FILE, _VERSION = "spending.sqlite", 1
_TABLES = """
CREATE TABLE IF NOT EXISTS spending (  -- of a call, the most until its end, or the sum of all before this start
    id INTEGER PRIMARY KEY, picodollars INTEGER NOT NULL
);
"""


class SharedMeter:
    """The ``Meter`` of a service: the requests of all callers and jobs to the model, and what they cost.

    Each cost is stored in ``root``, so that the limit of money holds over all starts of the service: a call that a
    killed process began counts at the most that it may have cost. Raises ``StoreError`` if the file cannot be used.
    """

    def __init__(self, root: Path, pricing: Pricing, requests_per_minute: float | None) -> None:
        self._database = Database.open(root / _FILE, _TABLES, _VERSION)
        (root / _FILE).chmod(0o600)
        with self._database.transaction():
            spent = int(self._database.value("SELECT coalesce(sum(picodollars), 0) FROM spending"))
            self._database.execute("DELETE FROM spending")
            self._add(spent)
        self.budget = Budget(pricing.limits, pricing.rates(), pricing.price, Spending(picodollars=spent))
        self._cost, self._numbers = pricing.cost or (lambda _: 0), dict[Reservation, int]()
        burst = max(1.0, (requests_per_minute or 0) / 6)  # the requests of ten seconds
        self._limiter = AsyncLimiter(burst, 60 * burst / requests_per_minute) if requests_per_minute else None

    def _add(self, picodollars: int) -> int:
        number = self._database.execute("INSERT INTO spending VALUES (NULL, ?)", (picodollars,)).lastrowid
        assert number is not None
        return number

    def check(self, effort: Effort | float) -> None:
        """Raise ``ProblemError`` if the model may be asked and the money is spent."""
        if effort is not Effort.NONE and self.budget.reached:
            remedy = "ask the operator for a higher limit, or use effort=none"
            raise ProblemError("spending-limit", SPENT, remedy=remedy)

    async def reserve(self, call: Call) -> Reservation:
        """Wait for room, and reserve what a call may use. Raises ``BudgetReached`` if there will be no room."""
        if self._limiter:
            await self._limiter.acquire()
        reservation = await self.budget.reserve(call)
        self._numbers[reservation] = self._add(self._cost(reservation.most))
        return reservation

    def allows(self, reservation: Reservation) -> bool:
        """Whether there is room now for another request like this one."""
        return self.budget.allows(reservation)

    def lose(self, reservation: Reservation) -> None:
        """Count a request without a reply at the most that it may have used."""
        self.budget.lose(reservation)
        self._add(self._cost(reservation.most))

    def charge(self, reservation: Reservation, usage: Usage) -> None:
        """Release a reservation, and count the usage that replies reported."""
        self.budget.charge(reservation, usage)
        cost = self._cost(usage), self._numbers.pop(reservation)
        self._database.execute("UPDATE spending SET picodollars = ? WHERE id = ?", cost)

    def close(self) -> None:
        self._database.close()

"""What callers may still spend: asked before each request to the model, by every process that sends some."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from extractor.errors import BudgetReached
from extractor.llm.cache import Spending
from extractor.llm.plan.request_sizes import RequestSize
from extractor.run.budget import Budget, Limits, Pricing
from extractor.schemas import Usage

from .callers import Caller, CallerBook, this_month
from .messages import Grant, Reserve, Settle

__all__ = ["Purse", "Teller"]

_REACHED = "the caller's limit of money for this month is reached"


@dataclass(frozen=True, slots=True)
class _Reservation:
    caller: str
    budget: Budget | None
    number: int = 0


class Purse:
    """The budgets of callers whose money is limited, for the month; ``note`` is told what each call took and cost."""

    def __init__(self, book: CallerBook, pricing: Pricing, note: Callable[[Usage, int | None], None]) -> None:
        self._book, self._pricing, self._note = book, pricing, note
        self._budgets: dict[str, tuple[str, float, Budget]] = {}

    def is_empty(self, caller: Caller) -> bool:
        """Whether nothing may be asked for a caller any more this month."""
        usd = caller.limits.max_usd
        if usd is None:
            return False
        if self._pricing.price is None:
            return True  # what costs nobody knows how much fits no limit
        budget = self._find(caller.name, usd)
        return budget.reached or self._book.spent(caller.name).picodollars >= usd * 1e12

    async def reserve(self, name: str, size: RequestSize) -> _Reservation:
        """Set aside what a request may take, once there is room. Raises ``BudgetReached`` if there will be none."""
        caller = self._book.get(name)
        usd = caller.limits.max_usd if caller else None
        if usd is None:
            return _Reservation(name, None)
        if self._pricing.price is None:
            raise BudgetReached(_REACHED)
        budget = self._find(name, usd)
        return _Reservation(name, budget, await budget.reserve(size))

    def settle(self, reservation: _Reservation, usage: Usage) -> None:
        """Count what a request took."""
        if reservation.budget:
            reservation.budget.settle(reservation.number, usage)
        if usage.calls:
            cost = self._pricing.cost(usage) if self._pricing.cost else None
            self._book.spend(reservation.caller, usage, cost)
            self._note(usage, cost)

    def _find(self, name: str, usd: float) -> Budget:
        known = self._budgets.get(name)
        if known and known[:2] == (this_month(), usd):
            return known[2]
        spent = self._book.spent(name)
        spending = Spending(spent.usage, spent.picodollars)
        budget = Budget(Limits.of(usd, None), self._pricing.rates(), self._pricing.price, spending)
        self._budgets[name] = (this_month(), usd, budget)
        return budget


class Teller:
    """Answers what one process asks of the purse. Where the process ends, what it had set aside is given back."""

    def __init__(self, purse: Purse, send: Callable[[object], None]) -> None:
        self._purse, self._send = purse, send
        self._waiting: dict[int, asyncio.Task[None]] = {}
        self._reserved: dict[int, _Reservation] = {}

    def hear(self, message: Reserve | Settle) -> None:
        """Take a message of the process."""
        if isinstance(message, Reserve):
            self._waiting[message.number] = asyncio.ensure_future(self._reserve(message))
        elif waiting := self._waiting.get(message.number):
            waiting.cancel()
        elif reserved := self._reserved.pop(message.number, None):
            self._purse.settle(reserved, message.usage)

    def close(self) -> None:
        """The process has ended."""
        for waiting in self._waiting.values():
            waiting.cancel()
        for reserved in self._reserved.values():
            self._purse.settle(reserved, Usage())
        self._reserved.clear()

    async def _reserve(self, asked: Reserve) -> None:
        try:
            self._reserved[asked.number] = await self._purse.reserve(asked.caller, asked.size)
            grant = Grant(asked.number)
        except BudgetReached:
            grant = Grant(asked.number, _REACHED)
        finally:
            del self._waiting[asked.number]
        self._send(grant)

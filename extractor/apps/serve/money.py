"""What callers spend on the model, and the limits: one of the service, and one of each caller."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from extractor.apps.serve.keys import REFUSED, Keys
from extractor.apps.serve.problems import ProblemError
from extractor.errors import RunStopped
from extractor.model.calls import Call
from extractor.model.cost.budget import Budget, Pricing, Reservation
from extractor.model.database import Database
from extractor.model.events import Fact
from extractor.model.store import Spending
from extractor.schemas import Usage
from extractor.schemas.vocabulary import Effort


@dataclass(slots=True)
class Account:
    """Who pays for the calls of a request or a job, and what those with an answer took."""

    caller: str = ""
    usage: Usage = field(default_factory=Usage)
    usd: float | None = None

    @property
    def facts(self) -> dict[str, Fact]:
        """Calls, tokens and dollars for an event."""
        names = {"calls", "prompt_tokens", "cached_tokens", "output_tokens"}
        price = None if self.usd is None else round(self.usd, 6)
        return self.usage.model_dump(include=names) | {"usd": price}


account: ContextVar[Account] = ContextVar("account")
"""The account of this task, and of the tasks that it begins."""


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A call under way: who pays, the payer's budget with the reservation there, and its row."""

    payer: Account
    budget: Budget
    reservation: Reservation
    row: int


class Money:
    """The ``Meter`` of all requests to the model. A call must fit the service's limit and that of
    its caller, whose key must be valid.

    Each call is stored before it is sent, at the most that it may cost, and at its cost after it
    has ended. So limits survive ``kill -9``.
    """

    def __init__(self, store: Database, keys: Keys, pricing: Pricing) -> None:
        self._store = store
        self._keys = keys
        self._pricing = pricing
        self._cost = pricing.cost or (lambda _: 0)
        # one row for all that a caller has spent before this start
        with store.transaction():
            sql = "SELECT caller, total(dollars) FROM spending GROUP BY caller"
            self._spent = dict(store.execute(sql).fetchall())
            store.execute("DELETE FROM spending")
            sql = "INSERT INTO spending (caller, dollars) VALUES (?, ?)"
            store.execute_many(sql, self._spent.items())
        self._all = self._open_budget(sum(self._spent.values()), pricing.max_usd)
        self._budgets: dict[str, Budget] = {}
        self._under_way: dict[Reservation, _UnderWay] = {}

    def _open_budget(self, spent: float, max_usd: float | None) -> Budget:
        rates = self._pricing.rates.high
        return Budget(max_usd, rates, self._pricing.price, Spending(dollars=spent))

    def budget_of(self, caller: str) -> Budget:
        """Return the budget of a caller, at the limit that the caller has now. If no price is
        known, a limit leaves no room.
        """
        budget = self._budgets.get(caller)
        if budget is None:
            budget = self._open_budget(self._spent.get(caller, 0), None)
            self._budgets[caller] = budget
        sql = "SELECT max_usd FROM callers WHERE id = ?"
        limit = self._store.value(sql, (caller,))
        if limit is not None and self._pricing.price is None:
            # below what was spent, so that nothing fits
            limit = -1.0
        budget.change_limit(limit)
        return budget

    def explain(self) -> str:
        """Return which spending limit is reached."""
        if self._all.is_spent:
            return "the service's limit of money is reached"
        return "the caller's limit of money is reached"

    def check(self, effort: Effort, caller: str) -> None:
        """Raise ``ProblemError`` if the request may use the model and the service's or the caller's
        budget is spent.
        """
        if effort is Effort.NONE or self._pricing.spec is None:
            return
        if self._all.is_spent or self.budget_of(caller).is_spent:
            remedy = "ask the operator for a higher limit, or use effort=none"
            raise ProblemError("spending-limit", self.explain(), remedy=remedy)

    async def reserve(self, call: Call) -> Reservation:
        """Wait for room, reserve what a request may use, and store the most that it may cost.

        Raises ``BudgetReached`` if there will be no room, and ``RunStopped`` if the caller's key is
        not valid.
        """
        payer = account.get()
        if not self._keys.is_valid(payer.caller):
            raise RunStopped(REFUSED)
        budget = self.budget_of(payer.caller)
        own = await budget.reserve(call)
        try:
            reservation = await self._all.reserve(call)
        except BaseException:
            budget.settle(own, Usage())
            # so that the caller's jobs end, too
            budget.reached |= self._all.reached
            raise
        sql = "INSERT INTO spending (caller, dollars) VALUES (?, ?)"
        most = (payer.caller, self._cost(reservation.most))
        row = self._store.execute(sql, most).lastrowid or 0
        self._under_way[reservation] = _UnderWay(payer, budget, own, row)
        # it may have been revoked meanwhile
        if not self._keys.is_valid(payer.caller):
            self.settle(reservation, Usage())
            raise RunStopped(REFUSED)
        return reservation

    def settle(self, reservation: Reservation, usage: Usage | None) -> None:
        """Release a reservation, and count what its request used. None (no reply states the
        cost) counts as the maximum.
        """
        call = self._under_way.pop(reservation)
        call.budget.settle(call.reservation, usage)
        self._all.settle(reservation, usage)
        if usage is None:
            return
        cost = self._cost(usage)
        call.payer.usage += usage
        if self._pricing.cost:
            call.payer.usd = (call.payer.usd or 0) + cost
        sql = "UPDATE spending SET dollars = ? WHERE id = ?"
        self._store.execute(sql, (cost, call.row))

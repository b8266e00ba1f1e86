"""Callers' spending on the model, and the spending limits of the service and of each caller."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from extractor.apps.serve.keys import KEY_INVALID, Keys
from extractor.apps.serve.problems import ProblemError
from extractor.errors import RunStopped
from extractor.face import Budget, Call, Database, Fact, Pricing, Reservation, Spending
from extractor.schemas import Usage
from extractor.schemas.vocabulary import Effort


@dataclass(slots=True)
class Account:
    """The caller who pays for a request or a job, and the usage of the request's or job's answered
    calls. ``usd`` is their cost, or None if no call was answered or the price is unknown.
    """

    caller: str = ""
    usage: Usage = field(default_factory=Usage)
    usd: float | None = None

    @property
    def facts(self) -> dict[str, Fact]:
        """The numbers of calls and tokens, and the cost in dollars, for an event."""
        names = {"calls", "prompt_tokens", "cached_tokens", "output_tokens"}
        price = None if self.usd is None else round(self.usd, 6)
        return self.usage.model_dump(include=names) | {"usd": price}


account: ContextVar[Account] = ContextVar("account")
"""The account of the current task and of the tasks that it starts."""


@dataclass(frozen=True, slots=True)
class _PendingCall:
    """A call in progress: the account that pays for it, the reservation in the caller's budget, and
    the id of its row in the store.
    """

    payer: Account
    budget: Budget
    reservation: Reservation
    row: int


class Money:
    """The ``Meter`` for all model requests. A call must fit within the service's limit and its
    caller's limit, and the caller's key must be valid.

    Each call is stored at its maximum cost before it is sent, and at its actual cost after it has
    ended, so that limits survive ``kill -9``.
    """

    def __init__(self, store: Database, keys: Keys, pricing: Pricing) -> None:
        self._store = store
        self._keys = keys
        self._pricing = pricing
        self._cost = pricing.cost or (lambda _: 0)
        # merge each caller's earlier spending into one row: calls that were in progress stay at
        # their maximum cost
        with store.transaction():
            sql = "SELECT caller, total(dollars) FROM spending GROUP BY caller"
            self._spent_before = dict(store.execute(sql).fetchall())
            store.execute("DELETE FROM spending")
            sql = "INSERT INTO spending (caller, dollars) VALUES (?, ?)"
            for row in self._spent_before.items():
                store.execute(sql, row)
        self._service_budget = self._open_budget(
            sum(self._spent_before.values()), pricing.max_usd
        )
        self.usage = Usage()
        """The usage of all calls that were answered since the start."""
        self.usd: float | None = 0.0
        """The cost of all calls since the start, as in the store, or None if the price of the model
        is unknown.
        """
        if pricing.spec and pricing.cost is None:
            self.usd = None
        self._budgets: dict[str, Budget] = {}
        self._pending: dict[Reservation, _PendingCall] = {}

    def _open_budget(self, spent: float, max_usd: float | None) -> Budget:
        """Return a budget with the limit ``max_usd`` (None for no limit) and with ``spent``
        dollars already used.
        """
        pricing = self._pricing
        return Budget(
            max_usd, pricing.rates.high, pricing.price, Spending(dollars=spent)
        )

    def budget_of(self, caller: str) -> Budget:
        """Return a caller's budget with the caller's current limit. If a limit is set but the
        maximum cost of a call is unknown, the budget does not admit any call.
        """
        new = self._open_budget(self._spent_before.get(caller, 0), None)
        budget = self._budgets.setdefault(caller, new)
        sql = "SELECT max_usd FROM callers WHERE id = ?"
        limit = self._store.value(sql, (caller,))
        if limit is not None and not self._pricing.is_bounded:
            # less than any amount spent
            limit = -1.0
        budget.change_limit(limit)
        # replies to other callers may have cost more than was reserved
        budget.scale = max(budget.scale, self._service_budget.scale)
        return budget

    def explain_limit(self) -> str:
        """Return a message that states which spending limit has been reached."""
        if self._service_budget.is_spent:
            return "the service's spending limit has been reached"
        return "the caller's spending limit has been reached"

    def check(self, effort: Effort, caller: str) -> None:
        """Raise ``ProblemError`` if a request could use the model but the service's or the
        caller's budget is exhausted.
        """
        if effort is Effort.NONE:
            return
        if self._pricing.spec is None:
            return
        for budget in (self._service_budget, self.budget_of(caller)):
            if not budget.is_spent:
                continue
            detail = f"{self.explain_limit()}: {budget}"
            if not self._pricing.is_bounded:
                detail = "the caller has a spending limit, and what a call may cost is unknown"
            raise ProblemError(
                "spending-limit",
                detail,
                remedy="ask the operator for a higher limit, or use effort=none",
            )

    async def reserve(self, call: Call) -> Reservation:
        """Wait until a call fits within the budgets, reserve its maximum usage, and store its
        maximum cost.

        Raises ``BudgetReached`` if the call cannot fit, and ``RunStopped`` if the caller's key is
        not valid.
        """
        payer = account.get()
        budget = self.budget_of(payer.caller)
        caller_reservation = await budget.reserve(call)
        try:
            reservation = await self._service_budget.reserve(call)
        except BaseException:
            budget.settle(caller_reservation, Usage())
            # the run of a job watches the caller's budget alone, and must end in this case, too
            budget.reached |= self._service_budget.reached
            raise
        try:
            row = self._store.insert(
                "spending", caller=payer.caller, dollars=caller_reservation.dollars
            )
        except BaseException:
            # nothing is sent
            budget.settle(caller_reservation, Usage())
            self._service_budget.settle(reservation, Usage())
            raise
        self._pending[reservation] = _PendingCall(
            payer, budget, caller_reservation, row
        )
        # checked last, because the key may be revoked during the wait
        if not self._keys.is_valid(payer.caller):
            self.settle(reservation, Usage())
            raise RunStopped(KEY_INVALID)
        return reservation

    def settle(self, reservation: Reservation, usage: Usage | None) -> None:
        """Release a reservation, and count the usage of its call. If ``usage`` is None because no
        reply states it, the maximum is counted.
        """
        call = self._pending.pop(reservation)
        call.budget.settle(call.reservation, usage)
        self._service_budget.settle(reservation, usage)
        cost = self._cost(call.reservation.most if usage is None else usage)
        if self.usd is not None:
            self.usd += cost
        if usage is None:
            return
        self.usage += usage
        call.payer.usage += usage
        if self._pricing.cost:
            call.payer.usd = (call.payer.usd or 0) + cost
        self._store.execute(
            "UPDATE spending SET dollars = ? WHERE id = ?", (cost, call.row)
        )

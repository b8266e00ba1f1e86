"""The requests of all callers and jobs to the model: how many a minute, and what they may cost together."""

from extractor.cost.budget import Pricing
from extractor.llm.calls import Call
from extractor.options import Assist
from extractor.schemas import Usage

from .callers import limit_rate
from .problems import ProblemError

SPENT = "the service's limit of money is reached"


class SharedMeter:
    """The ``Meter`` of a service. Its ``budget`` counts from the start; it is None without a limit of money."""

    def __init__(self, pricing: Pricing, requests_per_minute: float | None) -> None:
        self.budget = pricing.open_budget()
        self._limiter = limit_rate(requests_per_minute) if requests_per_minute else None

    def check(self, assist: Assist) -> None:
        """Raise ``ProblemError`` if the model may be asked and the money is spent."""
        if assist is not Assist.NEVER and self.budget and self.budget.reached:
            remedy = "ask the operator for a higher limit, or use assist=never"
            raise ProblemError("spending-limit", SPENT, remedy=remedy)

    async def reserve(self, call: Call) -> int:
        """Wait for room, and reserve what a call may use. Raises ``BudgetReached`` if there will be no room."""
        if self._limiter:
            await self._limiter.acquire()
        return await self.budget.reserve(call) if self.budget else 0

    def charge(self, reservation: int, usage: Usage) -> None:
        """Release a reservation, and count the actual usage."""
        if self.budget:
            self.budget.charge(reservation, usage)

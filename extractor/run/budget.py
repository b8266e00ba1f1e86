"""A run's limit of money or tokens: asked before each call, so that what is under way cannot overshoot it."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from extractor.errors import BudgetReached
from extractor.llm.cache import Spending
from extractor.llm.plan.forecast import Rates, forecast_request
from extractor.llm.plan.request_sizes import RequestSize
from extractor.schemas import Usage

from .prices import PICO, Price

__all__ = ["Budget", "Limits"]

_ENOUGH = 10
"""Calls after which their forecasts are corrected by what they took."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may take over all its invocations."""

    usd: Decimal | None = None
    tokens: int | None = None

    @classmethod
    def of(cls, usd: float | None, tokens: int | None) -> "Limits":
        """The limits in plain numbers, as people write them.

        >>> Limits.of(0.1, None)
        Limits(usd=Decimal('0.1'), tokens=None)
        """
        return cls(None if usd is None else Decimal(str(usd)), tokens)

    def __bool__(self) -> bool:
        return self.usd is not None or self.tokens is not None


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a call will probably take, and at most: by unit."""

    expected: Mapping[str, float]
    most: Mapping[str, float]


class Budget:
    """What is spent, what calls under way may take, and what is left.

    A call goes if there is room for what it will probably take beside the most that those under way can take; if there
    is none, it waits for them to take less. So a limit is overshot by no more than what one call takes beyond
    expectation. Once a call finds no room with none under way, the budget is ``reached``, and no other call goes.

    ``spent`` is what earlier invocations of the run took. Raises ``ValueError`` for a limit in money without a price.
    """

    def __init__(self, limits: Limits, rates: Rates, price: Price | None, spent: Spending | None = None) -> None:
        spent = spent or Spending()
        if limits.usd is not None and (price is None or spent.unpriced):
            raise ValueError("a limit in money needs the price of the model; --prices FILE can tell it, see README")
        self._limits, self._rates, self._price = limits, rates, price
        tokens = spent.usage.prompt_tokens + spent.usage.output_tokens
        self._spent: dict[str, float] = {"tokens": tokens, "picodollars": spent.picodollars}
        self._most = {"tokens": limits.tokens, "picodollars": None if limits.usd is None else int(limits.usd * PICO)}
        self._claims: dict[int, _Claim] = {}
        self._number = self._answered = 0
        self._told = dict.fromkeys(self._spent, 0.0)
        self._guessed = dict.fromkeys(self._spent, 0.0)
        self._settled = asyncio.Event()
        self.reached = False

    async def reserve(self, size: RequestSize) -> int:
        """Set aside what a request may take, once there is room. Raises ``BudgetReached`` if there will be none."""
        claim = self._claim(size)
        while self.reached or not self._has_room(claim):
            if self.reached or not self._claims:
                self.reached = True
                self._wake()
                raise BudgetReached(str(self))
            await self._settled.wait()
        return self._set_aside(claim)

    def try_reserve(self, size: RequestSize) -> int | None:
        """The same without waiting: None if there is no room."""
        claim = self._claim(size)
        if self._has_room(claim):
            return self._set_aside(claim)
        self.reached |= not self._claims
        return None

    def set_aside(self, size: RequestSize) -> int:
        """Set aside what a request that is on its way already may take, whether there is room or not."""
        return self._set_aside(self._claim(size))

    def settle(self, reservation: int, usage: Usage) -> None:
        """Give back what was set aside, and count what the request took."""
        claim = self._claims.pop(reservation)
        for unit, amount in self._amounts(usage).items():
            self._spent[unit] += amount
            self._told[unit] += amount
            self._guessed[unit] += claim.expected[unit]
        self._answered += usage.prompt_tokens > 0
        self._wake()

    def __str__(self) -> str:
        parts = []
        if self._limits.usd is not None:
            spent = self._spent["picodollars"] / PICO
            parts.append(f"${spent:.4f} of ${self._limits.usd} are spent")
        if self._limits.tokens is not None:
            parts.append(f"{self._spent['tokens']:.0f} tokens are spent, the limit is {self._limits.tokens}")
        return ", ".join(parts) + "; the next call may not fit" * self.reached

    def _has_room(self, claim: _Claim) -> bool:
        return all(
            self._spent[unit] + _sum(unit, self._claims.values()) + self._expect(claim, unit) <= most
            for unit, most in self._most.items()
            if most is not None
        )

    def _expect(self, claim: _Claim, unit: str) -> float:
        """What a call will probably take, as the calls before it did."""
        if self._answered < _ENOUGH or not self._guessed[unit]:
            return claim.expected[unit]
        return min(claim.expected[unit] * self._told[unit] / self._guessed[unit], claim.most[unit])

    def _set_aside(self, claim: _Claim) -> int:
        self._number += 1
        self._claims[self._number] = claim
        return self._number

    def _claim(self, size: RequestSize) -> _Claim:
        forecast = forecast_request(size, self._rates)
        prompt, output = forecast.prompt_tokens, forecast.output_tokens
        expected = Usage(prompt_tokens=round(prompt.expected), output_tokens=round(output.expected))
        # Answers are cut at their bound, with what some models think before them.
        most = Usage(prompt_tokens=round(prompt.high), output_tokens=max(size.most_tokens, round(output.high)))
        return _Claim(self._amounts(expected), self._amounts(most))

    def _amounts(self, usage: Usage) -> dict[str, float]:
        tokens = usage.prompt_tokens + usage.output_tokens
        return {"tokens": tokens, "picodollars": self._price.cost(usage) if self._price else 0}

    def _wake(self) -> None:
        self._settled.set()
        self._settled = asyncio.Event()


def _sum(unit: str, claims: Iterable[_Claim]) -> float:
    return sum(claim.most[unit] for claim in claims)

"""The budget of a run: a limit of money, checked before each call, at the model's prices."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from extractor.errors import ArgumentError, BudgetReached
from extractor.model.calls import Call
from extractor.model.cost.prices import PICO, ListedPrice, Price, PriceList
from extractor.model.cost.tokens import (
    Cases,
    Rates,
    RequestSize,
    Tokens,
    calibrate,
    forecast_request,
    load_rates,
    measure_call,
    measure_texts,
)
from extractor.model.metering import Reservation
from extractor.model.providers import Reasoning
from extractor.model.spec import ModelSpec
from extractor.model.store import CallStore, Spending
from extractor.schemas import Usage

_MAX_CALLS = 2000
_THOUGHT = 8
"""A call is assumed to think an eighth of the room that its effort of reasoning gives it, at
most all of it.
"""


class Budget:
    """Tracks the spent amount and the reservations of calls in flight.

    ``max_usd`` is the limit in US dollars over all invocations of the run, None for no limit. A
    call is sent if its expected cost fits beside the maximum cost of all calls in flight; otherwise
    it waits for their end. The limit is therefore exceeded at most by one call's cost beyond
    expectation. Once a reply stated no usage, a call counts at its maximum cost, so it is sent only
    if that fits. If a call does not fit with no other in flight, the budget is ``reached``, and no
    further call is sent.

    Requests without a reply, also those of a killed process, and those whose reply states no usage,
    count at the most that they may have used.

    ``spent`` is the cost of the run's earlier invocations. Raises ``ArgumentError`` for a limit
    without a price.
    """

    def __init__(
        self,
        max_usd: float | None,
        rates: Cases[Rates],
        price: Price | None,
        spent: Spending | None = None,
    ) -> None:
        spent = spent or Spending()
        if max_usd is not None and (price is None or spent.unpriced):
            raise ArgumentError(
                "a money limit needs the price of the model; give it with --prices FILE, see README"
            )
        self._max_usd = max_usd
        self._rates = rates
        self._price = price
        self._picodollars = spent.picodollars
        self._lost_picodollars = self._cost(spent.lost)
        self._unmetered_picodollars = self._cost(spent.unmetered)
        self._in_flight: set[Reservation] = set()
        self._ended = asyncio.Event()
        self.reached = False

    async def reserve(self, call: Call) -> Reservation:
        """Wait for room, and reserve what a call may use. Raises ``BudgetReached`` if there will
        be no room.
        """
        while (reservation := self.try_reserve(call)) is None:
            if self.reached:
                self._wake()
                raise BudgetReached(str(self))
            await self._ended.wait()
        return reservation

    def try_reserve(self, call: Call, times: int = 1) -> Reservation | None:
        """Reserve ``times`` the cost of a call, or return None if there is no room now."""
        size = sum([measure_call(call)] * times, RequestSize())
        is_counted_at_most = self._unmetered_picodollars > 0
        needed = self._forecast_most(size) if is_counted_at_most else self._forecast_expected(size)
        if not self.reached and self._has_room(needed):
            return self._set_aside(size)
        self.reached |= not self._in_flight
        return None

    def set_aside(self, call: Call) -> Reservation:
        """Reserve what a call in flight may use, even without room."""
        return self._set_aside(measure_call(call))

    def _cost(self, usage: Usage) -> int:
        return self._price.cost(usage) if self._price else 0

    def _forecast_expected(self, size: RequestSize) -> Usage:
        return _use(forecast_request(size, self._rates.expected))

    def _forecast_most(self, size: RequestSize) -> Usage:
        most = forecast_request(size, self._rates.high)
        # The output limit includes the thinking of some models.
        return _use(replace(most, output=max(size.most_tokens, most.output)))

    def _set_aside(self, size: RequestSize) -> Reservation:
        reservation = Reservation(self._forecast_most(size))
        self._in_flight.add(reservation)
        return reservation

    def allows(self, reservation: Reservation) -> bool:
        """Return whether there is room now for another request like this one."""
        return self._has_room(reservation.most)

    def lose(self, reservation: Reservation, *, replied: bool = False) -> None:
        """Count a request at the most that it may have used: it got no reply, or ``replied``
        without a usage.
        """
        most = self._cost(reservation.most)
        if replied:
            self._unmetered_picodollars += most
        else:
            self._lost_picodollars += most

    def charge(self, reservation: Reservation, usage: Usage) -> None:
        """Release a reservation, and count the usage that replies reported."""
        self._in_flight.remove(reservation)
        self._picodollars += self._cost(usage)
        self._wake()

    def __str__(self) -> str:
        lost = self._lost_picodollars
        unmetered = self._unmetered_picodollars
        open_ = f", and up to ${lost / PICO:.4f} by calls without a reply" if lost else ""
        open_ += (
            f", and up to ${unmetered / PICO:.4f} by calls whose replies state no usage"
            if unmetered
            else ""
        )
        spent = f"${self._picodollars / PICO:.4f} of ${self._max_usd} are spent{open_}"
        return spent + "; the next call may not fit" * self.reached

    def _has_room(self, expected: Usage) -> bool:
        if self._max_usd is None:
            return True
        usages = [*(reservation.most for reservation in self._in_flight), expected]
        spent = self._picodollars + self._lost_picodollars + self._unmetered_picodollars
        return spent + sum(map(self._cost, usages)) <= round(self._max_usd * PICO)

    def _wake(self) -> None:
        self._ended.set()
        self._ended = asyncio.Event()


def _use(tokens: Tokens) -> Usage:
    """Return a request's usage if all of its static part is written into a cache."""
    parts = {
        "prompt_tokens": tokens.prompt,
        "written_tokens": tokens.static,
        "output_tokens": tokens.output,
    }
    return Usage(**{name: round(part) for name, part in parts.items()})


@dataclass(frozen=True, slots=True)
class Pricing:
    """The model of a run, its listed price if known, the run's limit of money, and how much the
    model thinks.

    ``in_batches`` selects the provider's batch price. ``reasoning`` is None for the default of the
    model's family.
    """

    spec: ModelSpec | None = None
    listed: ListedPrice | None = None
    max_usd: float | None = None
    in_batches: bool = False
    reasoning: Reasoning | None = None

    @classmethod
    def of(
        cls,
        spec: ModelSpec | None,
        prices: PriceList,
        max_usd: float | None = None,
        reasoning: Reasoning | None = None,
        *,
        in_batches: bool = False,
        spell: Callable[[str], str] = str,
    ) -> "Pricing":
        """Return the pricing of a model. ``spell`` returns the name that the user writes for an
        option.

        Raises ``ArgumentError`` for a limit without a known price.

        >>> Pricing.of(None, PriceList(), max_usd=1)
        Traceback (most recent call last):
        extractor.errors.ArgumentError: max_usd: there is no model that costs anything; name one with model
        """
        listed = prices.find(spec) if spec else None
        if max_usd is not None and spec is None:
            problem = f"there is no model that costs anything; name one with {spell('model')}"
            raise ArgumentError(f"{spell('max_usd')}: {problem}")
        if max_usd is not None and listed is None:
            remedy = (
                f"write it into a file and name that with {spell('prices')} "
                "(docs/how-to/cost.md shows one)"
            )
            raise ArgumentError(f"{spell('max_usd')}: the price of {spec} is unknown; {remedy}")
        return cls(spec, listed, max_usd, in_batches, reasoning)

    @property
    def price(self) -> Price | None:
        """The price of tokens in this run."""
        if self.listed is None:
            return None
        return self.listed.price.batched() if self.in_batches else self.listed.price

    @property
    def cost(self) -> Callable[[Usage], int] | None:
        """Return the cost of a usage in picodollars, or None if no price is known."""
        return self.price.cost if self.price else None

    @property
    def live_cost(self) -> Callable[[Usage], int] | None:
        """Return the cost of a call that is sent live, which a run in batches also makes."""
        return self.listed.price.cost if self.listed else None

    @property
    def thinking(self) -> Cases[int]:
        """The assumed tokens of thinking per call: as the user's prices state them, or by the
        effort of reasoning.

        >>> Pricing(ModelSpec.parse("gpt-5-mini")).thinking  # its default effort is low
        Cases(low=0, expected=500, high=4000)
        """
        if self.listed and self.listed.price.thinking:
            return Cases(*self.listed.price.thinking)
        room = self.spec.family.think(self.reasoning)[1] if self.spec else 0
        return Cases(0, room // _THOUGHT, room)

    def rates(self, store: CallStore | None = None) -> Cases[Rates]:
        """Return the token rates of requests, calibrated on the run's own calls if there are
        enough.
        """
        rates = load_rates(self.spec, self.thinking)
        calls = store.latest_calls(_MAX_CALLS) if store else ()
        return calibrate(
            rates,
            (
                (
                    measure_texts(one.system, one.user, one.schema, one.output_limit),
                    one.usage,
                    one.is_recheck,
                )
                for one in calls
            ),
        )

    def open_budget(self, store: CallStore | None = None) -> Budget:
        """Open the budget of all invocations of a run, whose calls are in ``store``."""
        if self.max_usd is None or store is None:
            return Budget(self.max_usd, self.rates(), self.price)
        store.price_unpriced()
        return Budget(self.max_usd, self.rates(store), self.price, store.spending)

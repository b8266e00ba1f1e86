"""The budget of a run: a limit of money, checked before each call, at the model's prices."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from extractor.errors import ArgumentError, BudgetReached
from extractor.model.calls import Call
from extractor.model.cost.prices import ListedPrice, Price, PriceList
from extractor.model.cost.tokens import Cases, Rates, load_rates, measure_call
from extractor.model.metering import Reservation
from extractor.model.providers import Reasoning
from extractor.model.spec import ModelSpec
from extractor.model.store import CallStore, Spending
from extractor.schemas import Usage

_THOUGHT = 8
"""A call is assumed to think an eighth of the room that its effort of reasoning gives it."""


class Budget:
    """Tracks what was spent, and what calls in flight may cost.

    ``max_usd`` is the limit in US dollars over all invocations of the run, None for no limit. A
    call is sent if the most that it may cost fits beside all that was spent and the most that all
    calls in flight may cost; otherwise it waits for their end. So the limit is never exceeded. If a
    call does not fit with no other in flight, the budget is ``reached``, and no further call is
    sent.

    Requests without a reply, also those of a killed process, and those whose reply states no usage,
    count at the most that they may have used. ``rates`` are those of the highest case, ``spent`` is
    the cost of the run's earlier invocations. Raises ``ArgumentError`` for a limit without a price.
    """

    def __init__(
        self,
        max_usd: float | None,
        rates: Rates,
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
        self._spent = spent.dollars
        self._lost = self._cost(spent.lost)
        self._unmetered = self._cost(spent.unmetered)
        self._in_flight: set[Reservation] = set()
        self._ended = asyncio.Event()
        self.reached = False

    async def reserve(self, call: Call) -> Reservation:
        """Wait for room, and reserve what a call may use. Raises ``BudgetReached`` if there will
        be no room, and wakes the calls that wait, so that they learn it, too.
        """
        reservation = self.try_reserve(call)
        while reservation is None:
            if self.reached:
                self._wake()
                raise BudgetReached(str(self))
            await self._ended.wait()
            reservation = self.try_reserve(call)
        return reservation

    def try_reserve(self, call: Call, times: int = 1) -> Reservation | None:
        """Reserve ``times`` the cost of a call, or return None if there is no room now. If no other
        call is in flight, there will be none, and the budget is reached.
        """
        most = self._forecast(call, times)
        if self.reached or not self._has_room(most):
            self.reached |= not self._in_flight
            return None
        return self._set_aside(most)

    def change_limit(self, max_usd: float | None) -> None:
        """Set another limit. Calls may be sent again if it leaves room; those that wait now look
        at once.
        """
        if max_usd == self._max_usd:
            return
        self._max_usd = max_usd
        self.reached = False
        self._wake()

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left, or less than the next call may cost."""
        if self._max_usd is None:
            return self.reached
        dollars = self._spent + self._lost + self._unmetered
        return self.reached or dollars >= self._max_usd

    def set_aside(self, call: Call) -> Reservation:
        """Reserve what a call in flight may use, even without room."""
        return self._set_aside(self._forecast(call))

    def allows(self, reservation: Reservation) -> bool:
        """Return whether there is room now for another request like this one."""
        return self._has_room(reservation.most)

    def lose(self, reservation: Reservation, *, replied: bool = False) -> None:
        """Count a request at the most that it may have used: it got no reply, or ``replied``
        without a usage.
        """
        most = self._cost(reservation.most)
        if replied:
            self._unmetered += most
        else:
            self._lost += most

    def charge(self, reservation: Reservation, usage: Usage) -> None:
        """Release a reservation, and count the usage that replies reported."""
        self._in_flight.remove(reservation)
        self._spent += self._cost(usage)
        self._wake()

    def __str__(self) -> str:
        parts = [f"${self._spent:.4f} of ${self._max_usd} are spent"]
        if self._lost:
            parts.append(f", and up to ${self._lost:.4f} by calls without a reply")
        if self._unmetered:
            parts.append(
                f", and up to ${self._unmetered:.4f} by calls whose replies state no usage"
            )
        if self.reached:
            parts.append("; the next call may not fit")
        return "".join(parts)

    def _forecast(self, call: Call, times: int = 1) -> Usage:
        """Return the most that a request may use, if all of its static part is written into a
        cache.
        """
        size = measure_call(call)
        schema = size.schema * self._rates.schema
        prompt = size.messages * self._rates.messages + schema
        static = size.system * self._rates.messages + schema
        # The output limit of some models includes their thinking.
        output = size.most_tokens + self._rates.thinking
        return Usage(
            prompt_tokens=round(prompt) * times,
            written_tokens=round(static) * times,
            output_tokens=output * times,
        )

    def _cost(self, usage: Usage) -> float:
        """Return the cost of a usage in dollars, 0 without a price."""
        if self._price is None:
            return 0.0
        return self._price.cost(usage)

    def _has_room(self, most: Usage) -> bool:
        """Return whether a request that may use ``most`` fits beside all that was spent or lost,
        and all requests in flight. Without a limit it does.
        """
        if self._max_usd is None:
            return True
        dollars = self._spent + self._lost + self._unmetered
        in_flight = sum(self._cost(reservation.most) for reservation in self._in_flight)
        return dollars + in_flight + self._cost(most) <= self._max_usd

    def _set_aside(self, most: Usage) -> Reservation:
        """Reserve what a request may use, without asking for room."""
        reservation = Reservation(most)
        self._in_flight.add(reservation)
        return reservation

    def _wake(self) -> None:
        """Wake the calls that wait for room now; later ones wait for the next time."""
        self._ended.set()
        self._ended = asyncio.Event()


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
        extractor.errors.ArgumentError: max_usd: there is no model that costs anything...
        """
        listed = None
        if spec:
            listed = prices.find(spec)
        if max_usd is not None and spec is None:
            problem = (
                f"there is no model that costs anything; name one with {spell('model')}"
            )
            raise ArgumentError(f"{spell('max_usd')}: {problem}")
        if max_usd is not None and listed is None:
            remedy = (
                f"write it into a file and name that with {spell('prices')} "
                "(docs/how-to/cost.md shows one)"
            )
            raise ArgumentError(
                f"{spell('max_usd')}: the price of {spec} is unknown; {remedy}"
            )
        return cls(spec, listed, max_usd, in_batches, reasoning)

    @property
    def price(self) -> Price | None:
        """The price of tokens in this run, None if it is unknown."""
        if self.listed is None:
            return None
        if self.in_batches:
            return self.listed.price.batched()
        return self.listed.price

    @property
    def cost(self) -> Callable[[Usage], float] | None:
        """The cost of a usage in dollars, or None if no price is known."""
        if self.price is None:
            return None
        return self.price.cost

    @property
    def live_cost(self) -> Callable[[Usage], float] | None:
        """The cost of a call that is sent live, which a run in batches also makes; None if no price
        is known.
        """
        if self.listed is None:
            return None
        return self.listed.price.cost

    @property
    def thinking(self) -> Cases[int]:
        """The assumed tokens of thinking per call: as the user's prices state them, or by the
        effort of reasoning.

        >>> Pricing(ModelSpec.parse("gpt-5-mini")).thinking  # its default effort is low
        Cases(low=0, expected=500, high=4000)
        """
        if self.listed and self.listed.price.thinking:
            return Cases(*self.listed.price.thinking)
        room = 0
        if self.spec:
            _, room = self.spec.family.think(self.reasoning)
        return Cases(0, room // _THOUGHT, room)

    @property
    def rates(self) -> Cases[Rates]:
        """The token rates of the model's requests."""
        return load_rates(self.spec, self.thinking)

    def open_budget(self, store: CallStore | None = None) -> Budget:
        """Open the budget of all invocations of a run, whose calls are in ``store``. With a limit,
        what earlier ones spent counts; calls without a price get the current one before.
        """
        most = self.rates.high
        if self.max_usd is None or store is None:
            return Budget(self.max_usd, most, self.price)
        store.price_unpriced()
        return Budget(self.max_usd, most, self.price, store.spending)

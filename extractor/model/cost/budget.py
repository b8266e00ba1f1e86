"""The budget of a run: a limit of money, checked before each request, at the model's prices."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from threading import Lock
from typing import Protocol

from extractor.errors import ArgumentError, BudgetReached
from extractor.model.calls import Call
from extractor.model.cost.prices import ListedPrice, Price, PriceList
from extractor.model.cost.tokens import Cases, Rates, load_rates, measure_call
from extractor.model.providers import Reasoning
from extractor.model.spec import ClientSettings, ModelSpec
from extractor.model.store import CallStore, Spending
from extractor.schemas import Usage

_LOOK_S = 0.05
"""Seconds after which a request that waits for room looks again."""
_THOUGHT = 8
"""A call is assumed to use an eighth of the thinking tokens that its reasoning effort allows."""


_SIZES_REPLY = re.compile(
    r'"(max_?(?:\w+_)?(?:output_?)?tokens|n|best_of|candidate_?count|num_predict)":',
    re.IGNORECASE,
)
"""Parameters of how long a reply may be, and how many answers it has, wherever they are."""
_USUAL = ClientSettings()


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """The most that one request may use, and cost. Equal only to itself."""

    most: Usage = field(default_factory=Usage)
    dollars: float = 0.0


class Meter(Protocol):
    """A budget: each request has a reservation before it is sent, which is settled once."""

    async def reserve(self, call: Call) -> Reservation:
        """Wait for room, and reserve what a request may use. Raises ``BudgetReached`` if there
        will be no room.
        """

    def settle(self, reservation: Reservation, usage: Usage | None) -> None:
        """Release a reservation, and count what its request used. None (no reply states the
        cost) counts as the maximum.
        """


@dataclass(eq=False)
class Budget:
    """A limit of ``max_usd`` US dollars over all invocations of a run; None means no limit.

    A request is sent if the most that it may cost fits beside all that was spent and the most that
    all requests in flight may cost; otherwise it waits for their end. So the limit is never
    exceeded. If a request does not fit with no other in flight, the budget is ``reached``, and no
    further request is sent. Event loops in several threads may share it.

    ``rates`` are those of the highest case, ``spent`` is the cost of earlier invocations; calls
    without a price count at the ``price`` of today. Raises ``ArgumentError`` for a limit without a
    price.
    """

    max_usd: float | None = None
    rates: Rates | None = None
    price: Price | None = None
    spent: InitVar[Spending | None] = None
    reached: bool = field(default=False, init=False)

    def __post_init__(self, spent: Spending | None) -> None:
        if self.max_usd is not None and self.price is None:
            raise ArgumentError("a money limit needs the price of the model")
        self._in_flight: set[Reservation] = set()
        self._lock = Lock()
        self.count(spent or Spending())

    def count(self, spent: Spending) -> None:
        """Recount what was spent so far. Calls may be sent again if it leaves room."""
        self._spent = spent.dollars + self._cost(spent.unpriced)
        self._uncounted = spent.most_dollars + self._cost(spent.most_unpriced)
        self.reached = False

    def _cost(self, usage: Usage) -> float:
        return self.price.cost(usage) if self.price else 0.0

    async def reserve(self, call: Call) -> Reservation:
        """Wait for room, and reserve what a request may use. Raises ``BudgetReached`` if there will
        be no room.
        """
        while True:
            reservation = self.try_reserve(call)
            if reservation:
                return reservation
            if self.reached:
                raise BudgetReached(str(self))
            # threads have loops of their own, and no event wakes several
            await asyncio.sleep(_LOOK_S)

    def try_reserve(self, call: Call) -> Reservation | None:
        """Reserve what a request may use, or return None if there is no room now."""
        most = self._forecast(call)
        reservation = Reservation(most, self._cost(most))
        with self._lock:
            asked = (*self._in_flight, reservation)
            total = self._used + sum(one.dollars for one in asked)
            has_room = self.max_usd is None or total <= self.max_usd
            # with no other in flight, there will be no room later
            self.reached |= not has_room and not self._in_flight
            if self.reached or not has_room:
                return None
            self._in_flight.add(reservation)
        return reservation

    def settle(self, reservation: Reservation, usage: Usage | None) -> None:
        """Release a reservation, and count what its request used; None counts as the most."""
        with self._lock:
            self._in_flight.remove(reservation)
            if usage is None:
                self._uncounted += reservation.dollars
            else:
                self._spent += self._cost(usage)

    def change_limit(self, max_usd: float | None) -> None:
        """Set another limit. Calls may be sent again if it leaves room."""
        if max_usd != self.max_usd:
            self.max_usd = max_usd
            self.reached = False

    @property
    def _used(self) -> float:
        return self._spent + self._uncounted

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left, or less than the next call may cost."""
        return self.reached or (self.max_usd is not None and self._used >= self.max_usd)

    def __str__(self) -> str:
        spent = f"${self._spent:.4f} of ${self.max_usd} are spent"
        if self._uncounted:
            spent += f", and up to ${self._uncounted:.4f} by calls whose cost no reply states"
        return spent + ("; the next call may not fit" if self.reached else "")

    def _forecast(self, call: Call) -> Usage:
        """Return the most that a request may use, if all of its static part is written into a
        cache. Nothing without rates.
        """
        rates = self.rates
        if rates is None:
            return Usage()
        size = measure_call(call)
        schema = size.schema * rates.schema
        return Usage(
            prompt_tokens=round(size.messages * rates.messages + schema),
            written_tokens=round(size.system * rates.messages + schema),
            # The output limit of some models includes their thinking.
            output_tokens=size.most_tokens + rates.thinking,
        )


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
        asking: ClientSettings = _USUAL,
        *,
        in_batches: bool = False,
        spell: Callable[[str], str] = str,
    ) -> "Pricing":
        """Return the pricing of a model. ``spell`` returns the name that the user writes for an
        option.

        Raises ``ArgumentError`` for a limit without a known price, and for one beside a parameter
        of requests that sets how much a reply may have: then the maximum cost is unknown.

        >>> Pricing.of(None, PriceList(), max_usd=1)
        Traceback (most recent call last):
        extractor.errors.ArgumentError: max_usd: no model that costs money is set...
        """
        listed = prices.find(spec) if spec else None
        if max_usd is not None and listed is None:
            problem = (
                f"the price of {spec} is unknown; write it into a file and name that with "
                f"{spell('prices')} (docs/how-to/cost.md shows one)"
            )
            if spec is None:
                problem = f"no model that costs money is set; choose one with {spell('model')}"
            raise ArgumentError(f"{spell('max_usd')}: {problem}")
        lifted = _SIZES_REPLY.search(json.dumps(dict(asking.options), default=str))
        if max_usd is not None and lifted:
            raise ArgumentError(
                f"{lifted[1]}: it changes what a call may cost at most; leave it out, or the limit "
                "of money"
            )
        return cls(spec, listed, max_usd, in_batches, asking.reasoning)

    @property
    def price(self) -> Price | None:
        """The price of tokens in this run, None if it is unknown."""
        if self.listed is None:
            return None
        price = self.listed.price
        return price.batched() if self.in_batches else price

    @property
    def cost(self) -> Callable[[Usage], float] | None:
        """The cost of a usage in dollars, or None if no price is known."""
        return self.price.cost if self.price else None

    @property
    def thinking(self) -> Cases[int]:
        """The assumed tokens of thinking per call, by the effort of reasoning.

        >>> Pricing(ModelSpec.parse("gpt-5-mini")).thinking  # its default effort is low
        Cases(low=0, expected=500, high=4000)
        """
        room = self.spec.family.think(self.reasoning)[1] if self.spec else 0
        return Cases(0, room // _THOUGHT, room)

    @property
    def rates(self) -> Cases[Rates]:
        """The token rates of the model's requests."""
        return load_rates(self.spec, self.thinking)

    def open_budget(self, store: CallStore | None = None) -> Budget:
        """Open the budget of all invocations of a run, whose calls are in ``store``. With a limit,
        what earlier ones spent counts.
        """
        is_limited = self.max_usd is not None
        spent = store.spending if store and is_limited else None
        return Budget(self.max_usd, self.rates.high, self.price, spent)

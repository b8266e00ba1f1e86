"""The budget of a run: a spending limit that is checked before each request."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from math import ceil, inf
from threading import Lock
from typing import Protocol

from extractor.errors import ArgumentError, BudgetReached
from extractor.model.calls import Call
from extractor.model.cost.prices import ListedPrice, Price, PriceList
from extractor.model.cost.tokens import (
    Cases,
    Rates,
    count_most,
    load_rates,
    measure_call,
)
from extractor.model.providers import Reasoning
from extractor.model.spec import ClientSettings, ModelSpec
from extractor.model.store import CallStore, Spending
from extractor.resources import read_toml
from extractor.schemas import Usage

_LOOK_S = 0.05
"""Number of seconds between checks while a request is waiting for the budget."""
_ROUNDING = 1e-9
_THOUGHT = 8
"""A call is expected to use one eighth of the reasoning tokens that its reasoning effort allows."""
_PARAMETERS = read_toml(__package__, "parameters.toml")
_USUAL = ClientSettings()


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """The maximum usage and cost of one request, multiplied by ``scale``. Each reservation is equal
    only to itself.
    """

    most: Usage = field(default_factory=Usage)
    dollars: float = 0.0
    scale: float = 1.0


class Meter(Protocol):
    """A budget. Each request makes a reservation before it is sent, and settles it once."""

    async def reserve(self, call: Call) -> Reservation:
        """Wait until a request fits within the budget, and reserve its maximum usage. Raises
        ``BudgetReached`` if the request will never fit.
        """

    def settle(self, reservation: Reservation, usage: Usage | None) -> None:
        """Release a reservation, and add the actual usage of its request. ``None`` means that no
        reply stated the usage; the maximum is then added.
        """


@dataclass(eq=False)
class Budget:
    """A spending limit in US dollars that applies to all invocations of a run together. If
    ``max_usd`` is None, spending is unlimited.

    A request is sent only if its maximum cost, the amount spent so far and the maximum cost of all
    requests in flight together do not exceed the limit; otherwise, it waits until other requests
    have ended. Therefore, the limit is never exceeded. If a request does not fit even though no
    other request is in flight, the budget is ``reached`` and no further requests are sent. Event
    loops in several threads can share a budget.

    If a reply states a higher cost than was reserved, because a server does not observe the output
    limit, for example, later requests reserve more in proportion (``scale``).

    ``rates`` are the token rates for the highest case, and ``spent`` is the amount spent by earlier
    invocations; calls that were stored without a price are counted at the current ``price``, which
    is required if there is a limit.
    """

    max_usd: float | None = None
    rates: Rates | None = None
    price: Price | None = None
    spent: InitVar[Spending | None] = None
    reached: bool = field(default=False, init=False)

    def __post_init__(self, spent: Spending | None) -> None:
        self._price = self.price or Price(prompt=0, output=0)
        self._in_flight: set[Reservation] = set()
        self.scale = 1.0
        self._next = 0.0
        self._lock = Lock()
        self.set_spent(spent or Spending())

    def set_spent(self, spent: Spending) -> None:
        """Set the amount spent so far."""
        self._spent = spent.dollars + self._price.cost(spent.unpriced)
        self._uncounted = spent.most_dollars + self._price.most(spent.most_unpriced)

    async def reserve(self, call: Call) -> Reservation:
        """Wait until a request fits within the budget, and reserve its maximum usage. Raises
        ``BudgetReached`` if the request will never fit.
        """
        while True:
            reservation = self.try_reserve(call)
            if reservation:
                return reservation
            if self.reached:
                raise BudgetReached(str(self))
            # each thread has its own event loop, and an asyncio event cannot wake several loops
            await asyncio.sleep(_LOOK_S)

    def try_reserve(self, call: Call) -> Reservation | None:
        """Reserve the maximum usage of a request, or return None if it does not fit now. If it does
        not fit although no other request is in flight, the budget is ``reached``.
        """
        most = self._forecast(call)
        reservation = Reservation(most, self._price.most(most), self.scale)
        with self._lock:
            reservations = (*self._in_flight, reservation)
            total = self._used + sum(each.dollars for each in reservations)
            has_room = total <= self._limit
            if not has_room and not self._in_flight:
                # no request that costs less than its maximum will make room later
                self.reached = True
            if self.reached or not has_room:
                self._next = reservation.dollars
                return None
            self._in_flight.add(reservation)
        return reservation

    def settle(self, reservation: Reservation, usage: Usage | None) -> None:
        """Release a reservation, and add the actual usage of its request. If the usage is None,
        the maximum is added.
        """
        with self._lock:
            self._in_flight.remove(reservation)
            if usage is None:
                self._uncounted += reservation.dollars
                return
            cost = self._price.cost(usage)
            self._spent += cost
            # if it cost more than was reserved, later requests reserve more
            if reservation.dollars:
                ratio = reservation.scale * cost / reservation.dollars
                self.scale = max(self.scale, ratio)

    def price_most(self, call: Call) -> float:
        """Return the maximum cost of a request, in dollars."""
        return self._price.most(self._forecast(call))

    def spend(self, dollars: float) -> bool:
        """Count the maximum cost of a request that may be sent without this program, and return
        True. If it does not fit, the budget is ``reached``.
        """
        self._next = dollars
        self.reached = self._used + dollars > self._limit
        if not self.reached:
            self._uncounted += dollars
        return not self.reached

    def change_limit(self, max_usd: float | None) -> None:
        """Change the limit. After this, calls can be sent again if they fit within the budget."""
        if max_usd != self.max_usd:
            self.max_usd = max_usd
            self.reached = False

    @property
    def _limit(self) -> float:
        if self.max_usd is None:
            return inf
        return self.max_usd

    @property
    def _used(self) -> float:
        return self._spent + self._uncounted

    @property
    def is_exceeded(self) -> bool:
        """Whether more than the limit may have been spent. Sums that differ only in the order of
        their parts are equal.
        """
        return self._used > self._limit * (1 + _ROUNDING)

    @property
    def is_spent(self) -> bool:
        """Whether the budget is used up or too small for the next call."""
        return self.reached or self._used >= self._limit

    def __str__(self) -> str:
        limit = Decimal(str(self._limit))
        spent = f"${self._spent:.4f} of ${limit:f} are spent"
        if self._uncounted:
            spent += (
                f", and up to ${self._uncounted:.4f} by calls whose replies do not state "
                "a cost"
            )
        if self.reached:
            spent += f"; the next call might exceed the limit (up to ${self._next:.4f})"
        return spent

    def _forecast(self, call: Call) -> Usage:
        """Return the maximum usage of a request. The rate of tokens is known for its static part,
        but not for the text of a record. The maximum usage is zero if the rates are unknown.
        """
        rates = self.rates
        if rates is None:
            return Usage()
        schema = measure_call(call).schema * rates.schema
        static = count_most(call.prompt.system, rates.messages) + schema
        # the output limit of a request includes this room for reasoning
        output = call.max_output_tokens + rates.thinking
        return Usage(
            prompt_tokens=ceil((static + count_most(call.user)) * self.scale),
            output_tokens=ceil(output * self.scale),
        )


@dataclass(frozen=True, slots=True)
class Pricing:
    """The model of a run, its listed price (if known), the run's spending limit, and the model's
    reasoning effort.

    If the run uses the provider's batches (``in_batches``), the price is the one for batches. If
    ``reasoning`` is None, the default of the model's family applies. ``changed_by`` is a request
    parameter with which the maximum cost of a call is unknown, or "" if there is none.
    """

    spec: ModelSpec | None = None
    listed: ListedPrice | None = None
    max_usd: float | None = None
    in_batches: bool = False
    reasoning: Reasoning | None = None
    changed_by: str = ""

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
        """Return the pricing of a model. In messages, ``spell`` converts the name of an option to
        the form that the user writes.

        Raises ``ArgumentError`` if there is a limit but the maximum cost of a call is unknown,
        either because the price is unknown or because of a request parameter.

        >>> Pricing.of(None, PriceList(), max_usd=1)
        Traceback (most recent call last):
        extractor.errors.ArgumentError: max_usd: no paid model is set; choose a model with model
        """
        listed = prices.find(spec) if spec else None
        if max_usd is not None and listed is None:
            problem = (
                f"the price of {spec} is unknown; write it to a file and pass the file with "
                f"{spell('prices')} (docs/how-to/cost.md shows an example)"
            )
            if spec is None:
                problem = f"no paid model is set; choose a model with {spell('model')}"
            raise ArgumentError(f"{spell('max_usd')}: {problem}")
        parameter = next(_list_costly(asking.options, spec), "")
        if max_usd is not None and parameter:
            raise ArgumentError(
                f"{parameter}: it may change the price or the maximum cost of a call; remove "
                f"either this parameter or the spending limit ({spell('model')} selects a model, "
                f"and {spell('reasoning')} sets how much it thinks)"
            )
        if listed and in_batches:
            listed = listed.in_batches()
        return cls(spec, listed, max_usd, in_batches, asking.reasoning, parameter)

    @property
    def is_bounded(self) -> bool:
        """Whether the maximum cost of a call is known."""
        if self.listed is None:
            return False
        return not self.changed_by

    @property
    def price(self) -> Price | None:
        """The token price that applies to this run, or None if it is unknown."""
        if self.listed:
            return self.listed.price
        return None

    @property
    def cost(self) -> Callable[[Usage], float] | None:
        """A function that returns the cost, in dollars, of a given usage, or None if there is no
        price.
        """
        if self.price:
            return self.price.cost
        return None

    @property
    def thinking(self) -> Cases[int]:
        """The assumed number of reasoning tokens per call, given the reasoning effort.

        >>> Pricing(ModelSpec.parse("gpt-5-mini")).thinking  # its default effort is low
        Cases(low=0, expected=500, high=4000)
        """
        room = self.spec.family.think(self.reasoning).room if self.spec else 0
        return Cases(0, room // _THOUGHT, room)

    @property
    def rates(self) -> Cases[Rates]:
        """The token rates of the model's requests."""
        return load_rates(self.spec, self.thinking)

    def open_budget(self, store: CallStore | None = None) -> Budget:
        """Open the budget that all invocations of a run share; the run's calls are in ``store``.
        If there is a limit, the spending of earlier invocations is included.
        """
        spent = None
        if store and self.max_usd is not None:
            spent = store.spending
        return Budget(self.max_usd, self.rates.high, self.price, spent)


def _list_costly(
    options: Mapping[str, object], spec: ModelSpec | None
) -> Iterator[str]:
    """Yield the names of the request parameters that may change the maximum cost of a call.
    Parameters that contain others are searched. Headers for the user's own server are left out, and
    so are switches of a chat template that are all off, because they can only end thinking.

    >>> list(
    ...     _list_costly({"seed": 1, "extra_body": {"service_tier": "priority"}}, None)
    ... )
    ['service_tier']
    """
    for name, value in options.items():
        if name in _PARAMETERS["costless"]:
            continue
        # a hosted provider may take a header as an order for another price
        if name == "extra_headers" and spec and spec.is_server:
            continue
        if isinstance(value, Mapping):
            if name in _PARAMETERS["nesting"]:
                yield from _list_costly(value, spec)
                continue
            if name == "chat_template_kwargs" and not any(value.values()):
                continue
        yield name

"""Doses that cannot be: amounts beyond what anybody is given, by unit and route
(``concepts/doses/rules/dose_ceilings.toml``).

The check knows nothing of who read a value, and holds for the rules and for a model.
"""

from dataclasses import dataclass
from functools import cache

from extractor.language.book import read_table
from extractor.language.units import convert, read_unit
from extractor.schemas import Amount, Route

_FLOWS = ("/h", "/min", "/s")
"""Ends of units that state a rate of infusion, which lasts for less than a day."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most of one giving or one day, in a UCUM ``unit``; no ``routes`` means all others."""

    unit: str
    most: float
    source: str
    routes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The ceiling for a reader: "20 mg"."""
        return f"{self.most:,.15g} {self.unit.strip('{}[]')}"


@cache
def list_ceilings() -> tuple[Ceiling, ...]:
    """Return all rows of the table, those of a route first."""
    rows = (
        Ceiling(row["unit"], row["most"], row["source"], tuple(row.get("routes", ())))
        for row in read_table("dose_ceilings")["ceiling"]
    )
    return tuple(sorted(rows, key=lambda row: not row.routes))


def find_exceeded(amount: Amount, route: Route | None = None) -> Ceiling | None:
    """Return the ceiling that an amount is beyond, or None. Amounts in units without a row have no
    ceiling.

    >>> find_exceeded(Amount(low=900, high=900, unit="g"), Route.INTRAVENOUS).most
    500
    >>> find_exceeded(Amount(low=4, high=4, unit="mg"), Route.INTRAVITREAL) is None
    True
    """
    unit = read_unit(amount.unit)
    value = max(amount.low or 0, amount.high or 0)
    if unit is None or unit.endswith(_FLOWS):
        return None
    rows = [row for row in list_ceilings() if not row.routes or route in row.routes]
    for each in (unit, unit.removesuffix("/d")):
        for row in rows:
            if (converted := convert(value, each, row.unit)) is not None:
                return row if converted > row.most else None
    return None

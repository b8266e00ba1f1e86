"""Measure how many limits get a canonical quantity and unit, and list the most common misses.

    python -m benchmarks.quantities --data DIR [--misses 30] [--sample 150] [--seed 0]
    python -m benchmarks.quantities --data DIR --ranges

Reads every record below DIR/records with the rules alone. ``specific`` names are of one quantity; the others are
general names such as duration, dose or count. ``--misses`` is the number of misses printed for each kind; ``--sample``
prints that many names with their quotes, for a reader to judge. ``--ranges`` prints instead, for each quantity with at
least 20 limits, between which values the middle 80 % of them lie, in its canonical unit: the ``usual`` range of
``rulebook/quantity_names`` is this one, ten times as wide at either end. Numbers with two readings do not count.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from statistics import quantiles
from typing import NamedTuple

from benchmarks.data import RULES, format_table, parse_options, read_areas, read_once
from extractor.pipeline import extract_by_rules
from extractor.schemas import Constraint, TrialRecord
from extractor.text.quantity_names import KnownQuantity, name_quantity
from extractor.text.units import read_unit

_LEAST = 100
"""Fewest limits of an area that is shown."""


class Limit(NamedTuple):
    """A limit of a record with its canonical quantity and unit, or None."""

    record_id: str
    limit: Constraint
    quote: str
    unit: str | None
    quantity: KnownQuantity | None


def main() -> None:
    """Print the shares, the misses and the sample."""
    chosen = parse_options(__doc__, data=..., misses=30, sample=0, seed=0, ranges=False)
    limits = [limit for record in read_once(chosen.data) for limit in read_limits(record)]
    if chosen.ranges:
        print(format_ranges(limits))
        return
    areas = read_areas(chosen.data)
    by_area = {"all": limits}
    for area, count in Counter(areas.get(limit.record_id, "") for limit in limits).most_common():
        if area and count >= _LEAST:
            by_area[area] = [limit for limit in limits if areas.get(limit.record_id) == area]
    print(format_shares(by_area))
    unnamed = Counter(f"{limit.limit.quantity} [{limit.limit.unit or ''}]" for limit in limits if not limit.quantity)
    unread = Counter(limit.limit.unit or "" for limit in limits if limit.limit.unit and not limit.unit)
    for title, misses in (("no quantity", unnamed), ("no unit", unread)):
        print(f"\n{title}: {misses.total()}")
        for name, count in misses.most_common(chosen.misses):
            print(f"{count:6} {' '.join(name.split())}")
    named = [limit for limit in limits if limit.quantity]
    for limit in random.Random(chosen.seed).sample(named, min(chosen.sample, len(named))):
        print(_show(limit))


def read_limits(record: TrialRecord) -> Iterator[Limit]:
    """Yield the limits of a record's criteria, as the rules read them."""
    for criterion in extract_by_rules(record, RULES).eligibility.criteria:
        for limit in criterion.constraints:
            unit = read_unit(limit.unit) if limit.unit else None
            quantity = name_quantity(limit.quantity, unit, criterion.quote, limit.value)
            yield Limit(record.record_id, limit, criterion.quote, unit, quantity)


def format_shares(groups: dict[str, list[Limit]]) -> str:
    """Format one line per group: limits, the shares with a quantity and with a specific one, and units with a code."""
    rows = []
    for name, limits in groups.items():
        named = [limit.quantity for limit in limits if limit.quantity]
        units = [limit.unit for limit in limits if limit.limit.unit]
        whole, specific = max(1, len(limits)), sum(not quantity.general for quantity in named)
        coded = sum(unit is not None for unit in units) / max(1, len(units))
        rows.append((name, len(limits), len(named) / whole, specific / whole, len(units), coded))
    return format_table(("area", "limits", "quantity", "specific", "units", "code"), rows)


def format_ranges(limits: Sequence[Limit]) -> str:
    """Format, by quantity, how many values have its canonical unit and where the middle 80 % of them lie."""
    found: dict[str, list[float]] = defaultdict(list)
    for limit in limits:
        quantity, read = limit.quantity, limit.limit
        if quantity and not quantity.general and not _TWO_WAYS.search(limit.quote):
            values = (quantity.to_canonical(value, limit.unit) for value in (read.value, read.value_high) if value)
            found[quantity.name] += (value for value in values if value)
    rows = []
    for name, stated in sorted(found.items()):
        if len(stated) >= _LEAST_VALUES:
            low, *_, high = quantiles(stated, n=10)
            rows.append((name, len(stated), f"{low:.2g}", f"{high:.2g}"))
    return format_table(("quantity", "values", "low", "high"), rows)


_LEAST_VALUES = 20
_TWO_WAYS = re.compile(r"\d[.·]\d{3}(?!\d)")


def _show(limit: Limit) -> str:
    read, quote = limit.limit, " ".join(limit.quote.split())
    high = f"-{read.value_high}" if read.value_high is not None else ""
    start = max(0, quote.find(" ".join(read.quantity.split())) - 60)
    name = limit.quantity.name if limit.quantity else ""
    shown = f"{name} <- {read.quantity} {read.comparator.value} {read.value}{high} {read.unit or ''} | "
    return " ".join(f"{shown}{quote[start : start + 200]}".split())


if __name__ == "__main__":
    main()

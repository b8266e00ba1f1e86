"""Whether two statements tell of one way of giving an agent, or of two."""

import re

from extractor.schemas import Frequency, Period, TimeUnit

from .facts import Fact, Statement
from .settling import fits, settle_frequency

__all__ = ["count_days", "is_same_way"]

_DAYS = {TimeUnit.DAY: 1, TimeUnit.WEEK: 7, TimeUnit.MONTH: 30}
_REPEATS = re.compile(r"\b(?:repeat(?:s|ed)?|recycled?)\s(?:[\w-]+\s){0,3}$", re.IGNORECASE)
_LEAD = 40
"""How many characters before a frequency can tell that it is that of cycles."""
_RATES = ("/h", "/min")


def is_same_way(first: Statement, second: Statement) -> bool:
    """Whether two statements of an agent can tell of one way of giving it: nothing that both say differs."""
    if first.section == second.section and first.step != second.step and not _only_dose_changes(first, second):
        return False
    if first.route and second.route and first.route.value != second.route.value:
        return False
    if first.days and second.days and _differ(first, second):
        return False
    if first.cycle and second.cycle and count_days(first.cycle) != count_days(second.cycle):
        return False
    if first.amounts and second.amounts and (_last_differently(first, second) or _counts_otherwise(first, second)):
        return False
    one, other = _firm_frequency(first), _firm_frequency(second)
    alike = one is None or other is None or one == other
    return alike or _is_repeated(first, second) or _is_repeated(second, first)


def count_days(cycle: Fact) -> float | None:
    """The days of a cycle, if they are known.

    >>> from .marks import Mark
    >>> count_days(Fact(Mark(Period(value=3, unit=TimeUnit.WEEK), 0, 7), "arms[0]"))
    21
    """
    period: Period | None = cycle.value
    return period.value * _DAYS[period.unit] if period and period.unit in _DAYS else None


def _only_dose_changes(first: Statement, second: Statement) -> bool:
    """Whether two steps state doses and the same frequency: "1 mg daily for 4 weeks, then 0.5 mg daily for 4 weeks"."""
    if not (first.amounts and second.amounts and first.frequency and second.frequency):
        return False
    return first.frequency.value == second.frequency.value and first.levels[0].unit == second.levels[0].unit


def _last_differently(first: Statement, second: Statement) -> bool:
    """Whether both say how long the agent is given, and not the same: "5 mg for 4 weeks", "5 mg for a year"."""
    one, other = first.length, second.length
    timed = all(statement.frequency or statement.days for statement in (first, second))
    return bool(timed and one and other and one.value and other.value and one.value != other.value)


def _counts_otherwise(first: Statement, second: Statement) -> bool:
    """Whether one is a rate and the other is not: "1 mg/kg at first, then 0.5 mg/kg/h"."""
    return first.levels[0].unit.endswith(_RATES) != second.levels[0].unit.endswith(_RATES)


def _differ(first: Statement, second: Statement) -> bool:
    """Whether two lists of days are two ways of giving; beside a dose, one day without is often the first of many."""
    one: tuple[int, ...] = first.days.value if first.days else ()
    other: tuple[int, ...] = second.days.value if second.days else ()
    if (len(one) > 1 and len(other) > 1) or (first.amounts and second.amounts):
        return one != other
    if first.amounts:
        return min(one) < 0 < max(other) or min(other) < 0 < max(one)
    return one[0] != other[0]


def _firm_frequency(statement: Statement) -> Frequency | None:
    """Without "once" that only follows from a single day: the cycle may stand elsewhere."""
    days: tuple[int, ...] = statement.days.value if statement.days else ()
    if statement.frequency is None and len(days) == 1 and statement.cycle is None:
        return None
    return settle_frequency(statement)


def _is_repeated(part: Statement, cycle: Statement) -> bool:
    """Whether ``cycle`` only says when the other comes again: "for 5 days. Therapy repeats every 7 days"."""
    fact = cycle.frequency
    if fact is None or cycle.days or fact.section != cycle.section or not (part.length and cycle.cycle):
        return False
    if not fits(part.length.value, cycle.cycle.value):
        return False
    return _REPEATS.search(cycle.clause.text, max(0, fact.mark.start - _LEAD), fact.mark.start) is not None

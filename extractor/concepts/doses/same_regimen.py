"""Whether two statements about an agent can describe one regimen: they contradict each other in
nothing.
"""

from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.days import count_days
from extractor.concepts.doses.timing import (
    is_rate,
    resolve_frequency,
    resolve_length,
    value_of,
)
from extractor.schemas import Frequency


def is_same_regimen(first: Statement, second: Statement) -> bool:
    """Return whether nothing that two statements of one agent say keeps them apart. What only one
    of them states keeps nothing apart; amounts do so only if one is a rate.
    """
    if _are_other_steps(first, second):
        return False
    # "5 mg orally or IV once daily"
    if _differ(value_of(first.route), value_of(second.route)):
        return False
    if _differ_in_days(first, second):
        return False
    if _differ(count_cycle(first), count_cycle(second)):
        return False
    # a bolus and an infusion
    if first.amounts and second.amounts and is_rate(first) != is_rate(second):
        return False
    if _differ_in_length(first, second):
        return False
    return not _differ(_firm_frequency(first), _firm_frequency(second))


def _differ(one: object, other: object) -> bool:
    """Return whether both are stated, and are not the same."""
    return one is not None and other is not None and one != other


def count_cycle(statement: Statement) -> object:
    """Return the length of a cycle, comparable with that of another one: its days, else the period
    as stated; None without a cycle.
    """
    cycle = value_of(statement.cycle)
    if cycle is None:
        return None
    return count_days(cycle) or cycle


def _differ_in_length(first: Statement, second: Statement) -> bool:
    """Return whether two arms get an agent for different times, each by its own text."""
    if first.section == second.section:
        return False
    for statement in (first, second):
        if not statement.section.startswith("arms["):
            return False
    return _differ(_own_length(first), _own_length(second))


def _own_length(statement: Statement) -> object:
    """Return the length of treatment that the statement's own clause states, or None."""
    length = resolve_length(statement)
    return length.value if length and statement.holds(length) else None


def _are_other_steps(first: Statement, second: Statement) -> bool:
    """Return whether two statements of one section are steps of a sequence ("5 mg for a week, then
    10 mg weekly") with a schedule of their own.
    """
    if first.section != second.section or first.step == second.step:
        return False
    return not _only_dose_changes(first, second)


def _only_dose_changes(first: Statement, second: Statement) -> bool:
    """Return whether two steps differ in the dose alone: both have one in the same unit, and the
    same frequency, or only one of them says when it is given: "1 mg daily for 4 weeks, then 0.5 mg
    daily".
    """
    if not (first.amounts and second.amounts):
        return False
    if first.levels[0].unit != second.levels[0].unit:
        return False
    if first.frequency and second.frequency:
        return bool(first.frequency.value == second.frequency.value)
    return not (_is_timed(first) and _is_timed(second))


def _is_timed(statement: Statement) -> bool:
    return bool(statement.frequency or statement.days or statement.length)


def _differ_in_days(first: Statement, second: Statement) -> bool:
    """Return whether two lists of days are two regimens. They are not if either has no days, or if
    frequency and amounts are the same.
    """
    one = value_of(first.days)
    other = value_of(second.days)
    if not one or not other:
        return False
    stated = value_of(first.frequency)
    is_as_often = bool(stated) and stated == value_of(second.frequency)
    # "10 mg once daily on days 1 to 7. 10 mg once daily on days 15 to 21."
    if is_as_often and first.levels == second.levels:
        return False
    if len(one) > 1 and len(other) > 1:
        return bool(one != other)
    if first.amounts and second.amounts:
        return bool(one != other)
    # A single day without a dose is often the first of many.
    if first.amounts:
        return _crosses_start(one, other) or _crosses_start(other, one)
    return bool(one[0] != other[0])


def _crosses_start(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Return whether some days are before day 0, such as those of conditioning, and others after
    it.
    """
    return min(before) < 0 < max(after)


def _firm_frequency(statement: Statement) -> Frequency | None:
    """Return the frequency; None without one, and for a "once" that follows only from a single day:
    another clause may state the cycle.
    """
    days = value_of(statement.days)
    is_single = days is not None and len(days) == 1
    if is_single and statement.frequency is None and statement.cycle is None:
        return None
    return resolve_frequency(statement)

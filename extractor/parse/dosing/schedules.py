"""The frequency that words, listed days and the cycle amount to together."""

from dataclasses import dataclass

from extractor.schemas import Frequency, Period

from .days import code_days

__all__ = ["Schedule", "code_schedule"]

_LENGTHS_OF_CYCLES = frozenset(
    {
        Frequency.Q2W,
        Frequency.Q3W,
        Frequency.Q4W,
        Frequency.Q5W,
        Frequency.Q6W,
        Frequency.Q8W,
        Frequency.QM,
        Frequency.OTHER,
    }
)
"""Codes that beside a list of days only give the length of the cycle."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is said of when an agent is given: a frequency in words, days, the cycle.

    ``cyclic`` holds where the text speaks of cycles, or doses are per body surface or AUC, as in cycles they are.
    """

    stated: Frequency | None
    days: tuple[int, ...] = ()
    cycle: Period | None = None
    cyclic: bool = False


def code_schedule(schedule: Schedule) -> Frequency | None:
    """The frequency, or None: a single day of a cycle whose length is not known does not tell.

    >>> code_schedule(Schedule(Frequency.Q4W, days=(1, 8, 15))).value
    'QW'
    >>> code_schedule(Schedule(None, days=(1,), cyclic=True)) is None
    True
    """
    if len(schedule.days) > 1:
        return _code_several(schedule)
    if not schedule.days or (schedule.stated and (schedule.stated is not Frequency.ONCE or not schedule.cycle)):
        return schedule.stated
    if schedule.cyclic and schedule.cycle is None and schedule.days[0] > 0:
        return None
    return code_days(schedule.days, schedule.cycle)


def _code_several(schedule: Schedule) -> Frequency:
    listed = code_days(schedule.days, None)
    if schedule.stated is None or schedule.stated is Frequency.ONCE:  # "once on days 1, 8 and 15"
        return listed
    if schedule.stated is Frequency.QW and listed is Frequency.QD:  # "days 1-5 every week"
        return Frequency.OTHER
    if schedule.stated is Frequency.OTHER and schedule.cycle is None and listed is Frequency.QD:
        return Frequency.OTHER  # "once or twice daily on days 8-180"
    if schedule.stated in _LENGTHS_OF_CYCLES and listed is not Frequency.OTHER:
        return listed
    return schedule.stated

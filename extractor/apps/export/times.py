"""Convert times to days."""

import re
from collections.abc import Sequence

from extractor.face import DAYS
from extractor.schemas import (
    Age,
    Endpoint,
    Frequency,
    Period,
    Regimen,
    TimeKind,
    TimePoint,
    TimeUnit,
    TimeWindow,
)

Days = dict[str, float | None]
"""Times in days, by column."""
_IN_CYCLE = re.compile(r"\bc(?:ycles?\b|\d)", re.IGNORECASE)
"""Part of a time frame in which days are counted within a cycle, such as "Cycle 2 Day 15" or
"C2D15".
"""

_LATER_START = re.compile(
    r"(?:from|start\w*|begin\w*|commenc\w*|initiated)\s(?:(?:on|at|from|in)\s)?"
    r"(?:week|month|day)\s?(?![01]\b)\d",
    re.IGNORECASE,
)
"""Words at the beginning of a time that say that something is given from a later time on."""


def to_days(time: Age | Period | TimePoint | TimeWindow | None) -> float | None:
    """Return a time in days, or None for half-lives and cycles. ``time`` is None, or has a
    ``value`` and a ``unit``.

    >>> (
    ...     to_days(TimePoint(value=2, unit="week")),
    ...     to_days(TimePoint(value=2, unit="cycle")),
    ... )
    (14.0, None)
    """
    if time is None or time.unit not in DAYS:
        return None
    return float(time.value * DAYS[time.unit])


def describe_regimen_times(regimen: Regimen) -> Days:
    """Return the length of a regimen's cycle, and the regimen's duration, in days."""
    cycle_days = to_days(regimen.cycle)
    duration = regimen.duration
    days = to_days(duration)
    if duration and duration.unit == TimeUnit.CYCLE and cycle_days:
        days = duration.value * cycle_days
    return {"cycle_days": cycle_days, "duration_days": days}


def measure_step(regimen: Regimen) -> float | None:
    """Return the length of a regimen in days; 0 for a single dose, and None if it is unknown."""
    days = describe_regimen_times(regimen)["duration_days"]
    if days is None and regimen.frequency is Frequency.ONCE:
        return 0.0
    return days


def list_step_starts(regimens: Sequence[Regimen]) -> list[float | None]:
    """Return, for each regimen, the days from the first dose of its agent to its own, or None if
    they are unknown, as behind "from week 8", before which other doses may have been given.

    >>> steps = [
    ...     {"step": 1, "duration": {"value": 2, "unit": "week"}},
    ...     {"step": 2, "frequency": "QD"},
    ... ]
    >>> common = {"agent": "A", "section": "arms[0]", "quote": "A"}
    >>> list_step_starts([Regimen.model_validate(common | step) for step in steps])
    [0.0, 14.0]
    """
    starts: list[float | None] = []
    reached: dict[tuple[str, int], float | None] = {}
    for regimen in regimens:
        agent = regimen.agent.casefold()
        start: float | None = 0.0
        if regimen.step and regimen.step > 1:
            start = reached.get((agent, regimen.step - 1))
        elif _LATER_START.match(regimen.timing or ""):
            start = None
        starts.append(start)
        if regimen.step is None:
            continue
        end: float | None = None
        days = measure_step(regimen)
        if start is not None and days is not None:
            end = start + days
        # several arms may have steps with this number: their ends must be the same
        key = (agent, regimen.step)
        if reached.get(key, end) != end:
            end = None
        reached[key] = end
    return starts


def find_cycle_days(regimens: Sequence[Regimen]) -> float | None:
    """Return the length of a cycle in days if all regimens that state a length agree, and otherwise
    None.
    """
    lengths = {to_days(regimen.cycle) for regimen in regimens} - {None}
    if len(lengths) == 1:
        return lengths.pop()
    return None


def describe_times(endpoint: Endpoint, cycle_days: float | None) -> list[Days]:
    """Return the cells of each time point of an endpoint: the time in days and, if the time starts
    a range, the end of the range.

    ``cycle_days`` is the length of the record's cycles, or None if it is unknown.

    >>> endpoint = Endpoint.model_validate(
    ...     {
    ...         "rank": "primary",
    ...         "index": 0,
    ...         "time_frame": "4-8 weeks after the last dose",
    ...         "time_kind": "from_to",
    ...         "time_points": [
    ...             {"value": 4, "unit": "week"},
    ...             {"value": 8, "unit": "week"},
    ...         ],
    ...     }
    ... )
    >>> describe_times(endpoint, None)
    [{'days': 28.0, 'days_high': 56.0}, {'days': 56.0, 'days_high': None}]
    """
    days = [_count_days(point, endpoint, cycle_days) for point in endpoint.time_points]
    times: list[Days] = [{"days": day, "days_high": None} for day in days]
    if endpoint.time_kind == TimeKind.FROM_TO and len(days) == 2:
        times[0]["days_high"] = days[1]
    return times


def _count_days(
    point: TimePoint, endpoint: Endpoint, cycle_days: float | None
) -> float | None:
    """Return a time in days, or None if it is relative to a cycle whose start or length is
    unknown.
    """
    if point.unit == TimeUnit.CYCLE:
        # "Cycle 3" may be its start or its end; only "up to 3 cycles" has a length.
        is_length = endpoint.time_kind == TimeKind.UP_TO
        if cycle_days and is_length:
            return point.value * cycle_days
        return None
    # "Day 15 of cycle 2" is not a day of the trial.
    if point.unit == TimeUnit.DAY and _IN_CYCLE.search(endpoint.time_frame or ""):
        return None
    return to_days(point)

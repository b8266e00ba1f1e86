"""Days and moments of giving, and the frequency that listed days imply."""

from collections.abc import Iterator
from itertools import pairwise

from extractor.concepts.doses.marks import Mark, drop_overlaps
from extractor.language.book import rule
from extractor.language.lexer import NAME_NUMBER, NUMBER, Tokens
from extractor.language.numbers import (
    DAYS,
    WHOLE_DAYS,
    has_minus,
    read_number,
    read_time_unit,
)
from extractor.schemas import Frequency, Period, TimeUnit

Days = tuple[int, ...]
"""Days of giving, counted from the start; weeks and months as their days."""
_MOST = 400
"""The most days of a range that are counted one by one."""
_LATEST = 3650
_NUMBERS = NUMBER + NAME_NUMBER
_INTERVALS = {
    1: Frequency.QD,
    2: Frequency.QOD,
    7: Frequency.QW,
    14: Frequency.Q2W,
    21: Frequency.Q3W,
    28: Frequency.Q4W,
    30: Frequency.QM,
    35: Frequency.Q5W,
    42: Frequency.Q6W,
    56: Frequency.Q8W,
    84: Frequency.Q12W,
    90: Frequency.Q3M,
    180: Frequency.Q6M,
    365: Frequency.QY,
    360: Frequency.QY,
}
"""The code of a dose every so many days."""
_PER_WEEK = {2: Frequency.BIW, 3: Frequency.TIW}
"""The code of so many days in each week."""
_LONGEST_OF_TWO = 14
"""The longest interval that two days imply, in days. Whole months are exceptions."""
_MONTHLY = frozenset({28, 30, 56, 84, 90, 168, 180})
_LENGTH_OF = {code: days for days, code in _INTERVALS.items()}
"""The days from one dose to the next, by code."""
_LENGTHS_OF_CYCLES = frozenset(
    {
        Frequency.Q2W,
        Frequency.Q3W,
        Frequency.Q4W,
        Frequency.Q5W,
        Frequency.Q6W,
        Frequency.Q8W,
        Frequency.QM,
    }
    | {Frequency.OTHER}
)
"""Codes that give only the cycle length beside a list of days."""


def find_moments(tokens: Tokens) -> tuple[Mark[str], ...]:
    """Return the moments of giving as their words, in reading order.

    >>> from extractor.language.book import read_text
    >>> [mark.value for mark in find_moments(read_text("5 mg with food, at bedtime"))]
    ['with food', 'at bedtime']
    """
    moments = [
        Mark(found.text, found.first, found.end)
        for found in rule("dose_moment").find(tokens)
    ]
    for lead in rule("days_lead").find(tokens):
        days = _read_list(tokens, lead.first, lead.end, 1)
        # "starting on day 7"
        if days and lead.has("start"):
            moments.append(
                Mark(tokens.read(days.first, days.end), days.first, days.end)
            )
    return drop_overlaps(moments)


def find_days(tokens: Tokens) -> tuple[Mark[Days], ...]:
    """Return the days of giving, in reading order. A range lists every day.

    >>> from extractor.language.book import read_text
    >>> [
    ...     mark.value
    ...     for mark in find_days(read_text("on days 1, 8 and 15, or day -3 to 1"))
    ... ]
    [(1, 8, 15), (-3, -2, -1, 0, 1)]
    """
    return drop_overlaps([*_find_listed(tokens), *_find_times(tokens)])


def _find_listed(tokens: Tokens) -> Iterator[Mark[Days]]:
    for lead in rule("days_lead").find(tokens):
        days = _read_list(tokens, lead.first, lead.end, 1)
        if days and not lead.has("start"):
            yield days
    for lead in rule("weeks_lead").find(tokens):
        if rule("week_range").starts(tokens, lead.end):
            continue
        unit = TimeUnit.WEEK if "week" in lead.text.lower() else TimeUnit.MONTH
        days = _read_list(tokens, lead.first, lead.end, WHOLE_DAYS[unit])
        if days and not rule("during_before").ends(tokens, lead.first):
            yield days
    for found in rule("first_day").find(tokens):
        yield Mark((1,), found.first, found.end)


def _find_times(tokens: Tokens) -> Iterator[Mark[Days]]:
    """Yield lists of times with their unit behind them: "at 0, 4 and 8 weeks"."""
    for name in ("times_list", "schedule_list"):
        for found in rule(name).find(tokens):
            days = _read_times(tokens, found.first, found.end)
            if days:
                yield days


def _read_list(tokens: Tokens, first: int, at: int, factor: int) -> Mark[Days] | None:
    """Return the days whose numbers begin at a token; None if they are no days."""
    days: list[int] = []
    end = at
    through = False
    while True:
        read = _read_day(tokens, at)
        if read is None:
            break
        day, behind = read
        if rule("no_day_after").starts(tokens, behind):
            break
        # "days 1-5, six 21-day cycles"
        if days and tokens.codes[behind : behind + 1] == NUMBER:
            break
        if through and days and 0 < day - days[-1] <= _MOST and factor == 1:
            days += range(days[-1] + 1, day)
        days.append(day)
        end = behind
        aside = rule("day_aside").starts(tokens, behind)
        if aside:
            end = aside.end
        joint = rule("day_joint").starts(tokens, end)
        if joint is None:
            break
        through = rule("day_through").search(tokens, joint.first, joint.end) is not None
        at = joint.end
        # the sign of the next number
        if tokens.gap(at) == "-" and joint.end == joint.first:
            through = True
    if not days:
        return None
    cycle = rule("of_cycle").starts(tokens, end)
    if cycle:
        end = cycle.end
    return Mark(tuple(day * factor for day in days), first, end)


def _read_times(tokens: Tokens, first: int, at: int) -> Mark[Days] | None:
    """Return the days of a list of numbers with their unit behind it: "at 0, 4 and 8 weeks"."""
    start = at if tokens.codes[at] in _NUMBERS else first
    numbers: list[int] = []
    while at < len(tokens):
        read = _read_day(tokens, at)
        if read is None:
            break
        numbers.append(read[0])
        at = read[1]
        joint = rule("day_joint").starts(tokens, at)
        if joint is None:
            break
        at = joint.end
    if at < len(tokens) and tokens.codes[at] == "-":
        at += 1
    unit = read_time_unit(tokens.words[at]) if at < len(tokens) else None
    if len(numbers) < 2 or unit is None or unit not in WHOLE_DAYS:
        return None
    days = tuple(number * WHOLE_DAYS[unit] for number in numbers)
    return Mark(days, min(first, start), at + 1)


def _read_day(tokens: Tokens, at: int) -> tuple[int, int] | None:
    """Return the number of a day and the token behind it; None if there is none."""
    sign = 1
    while at < len(tokens) and tokens.codes[at] in "-+\\(":
        sign = -1 if tokens.codes[at] == "-" else sign
        at += 1
    if at >= len(tokens) or tokens.codes[at] not in _NUMBERS:
        return None
    number = read_number(tokens.words[at])
    if number is None or number != int(number) or number > _LATEST:
        return None
    if has_minus(tokens, at):
        sign = -1
    return sign * int(number), at + 1


def code_interval(days: float) -> Frequency:
    """Return the code for one dose every ``days`` days.

    >>> code_interval(21).value, code_interval(10).value
    ('Q3W', 'other')
    """
    return _INTERVALS.get(days, Frequency.OTHER)  # type: ignore[call-overload,no-any-return]


def code_days(days: Days, cycle: Period | None) -> Frequency:
    """Return the frequency of a list of days, within a cycle if there is one: the code of the gap
    between the days, "other" if the gaps differ or imply no rhythm. A single day is once, or once a
    cycle.

    >>> weeks = [Period(value=value, unit=TimeUnit.WEEK) for value in (2, 3)]
    >>> [
    ...     code_days((1, 8), cycle).value for cycle in weeks
    ... ]  # in a cycle of three weeks, the second gap is longer
    ['QW', 'other']
    """
    length = None
    if cycle and cycle.unit in WHOLE_DAYS:
        length = cycle.value * WHOLE_DAYS[cycle.unit]
    gaps = {after - before for before, after in pairwise(days)}
    if not gaps:
        return code_interval(length) if length else Frequency.ONCE
    shortest = min(gaps)
    # days 1 and 8 of 3 weeks: the gap to the next cycle is another
    if length and len(days) == 2 and shortest not in (1, length / 2):
        return Frequency.OTHER
    if len(gaps) > 1:
        return _code_weekdays(days)
    # two days far apart imply no rhythm, unless they are whole months apart
    is_near = shortest <= _LONGEST_OF_TWO or shortest in _MONTHLY
    if len(days) > 2 or is_near:
        return code_interval(shortest)
    return _code_weekdays(days)


def _code_weekdays(days: Days) -> Frequency:
    """Return the frequency of the same two or three days of each week ("days 1, 3, 8 and 10"), else
    "other".
    """
    weeks: dict[int, set[int]] = {}
    for day in days:
        week, weekday = divmod(day - days[0], 7)
        weeks.setdefault(week, set()).add(weekday)
    first_week = weeks[0]
    are_alike = all(weekdays == first_week for weekdays in weeks.values())
    # "according to a 0-1-6 month schedule" has no frequency
    if len(weeks) < 2 or not are_alike:
        return Frequency.OTHER
    return _PER_WEEK.get(len(first_week), Frequency.OTHER)


def code_schedule(
    stated: Frequency | None, days: Days, cycle: Period | None, *, cyclic: bool
) -> Frequency | None:
    """Return the frequency implied by words, listed days and the cycle.

    ``stated`` is what words say. ``cyclic``: the text mentions cycles, or doses are per body
    surface or AUC, which is typical of cycles. Returns None if nothing is stated, and for a single
    day of a cycle of unknown length.

    >>> [
    ...     code_schedule(Frequency.Q4W, days, None, cyclic=True).value
    ...     for days in ((1, 8, 15), (1, 2, 3, 8))
    ... ]
    ['QW', 'other']
    >>> code_schedule(None, (1,), None, cyclic=True) is None
    True
    """
    if len(days) > 1:
        return _code_listed(stated, days, cycle)
    # "500 mg daily on the first day"
    if stated is Frequency.QD and cycle is None and _is_one_day(days):
        return Frequency.ONCE
    if not days:
        return stated
    # "once on day 1" of a cycle is once a cycle
    is_once_a_cycle = stated is Frequency.ONCE and cycle is not None
    # "once daily on day 1 of each 21-day cycle"
    if stated and not is_once_a_cycle:
        return stated
    is_of_unknown_cycle = cyclic and cycle is None and days[0] > 0
    if is_of_unknown_cycle:
        return None
    return code_days(days, cycle)


def _code_listed(
    stated: Frequency | None, days: Days, cycle: Period | None
) -> Frequency:
    """Return the frequency of several days beside the one that words state: that of the days if
    none is stated, or if the stated one is how often cycles come; else the stated one.

    Two wordings have no code: days in a row of each week, and an open rhythm on days in a row.
    """
    listed = code_days(days, cycle)
    # "once on days 1, 8 and 15"
    if stated is None or stated is Frequency.ONCE:
        return listed
    # "every 14 days on days 1-43"
    if _spans_intervals(days, stated):
        return stated
    if listed is Frequency.QD:
        is_open = stated is Frequency.OTHER and cycle is None
        # "days 1-5 every week", "once or twice daily on days 8-180"
        if stated is Frequency.QW or is_open:
            return Frequency.OTHER
    # "every 28 days, days 1, 8 and 15"
    if stated in _LENGTHS_OF_CYCLES:
        return listed
    return stated


def _spans_intervals(days: Days, stated: Frequency) -> bool:
    """Return whether days in a row go on beyond an interval, so that they only say how long:
    "every 14 days on days 1-43".
    """
    interval = _LENGTH_OF.get(stated)
    if interval is None:
        return False
    is_in_a_row = days[-1] - days[0] == len(days) - 1
    return is_in_a_row and len(days) > interval


def _is_one_day(days: Days) -> bool:
    """Return whether days are a single one, and not the last day of a week: "5 mg daily in week
    1" is daily.
    """
    if len(days) != 1:
        return False
    return days[0] == 0 or days[0] % 7 != 0


def count_days(period: Period | None) -> float | None:
    """Return the length in days of a period in days, weeks or months; None for others.

    >>> count_days(Period(value=3, unit=TimeUnit.WEEK))
    21.0
    """
    if period is None:
        return None
    if period.unit not in {TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH}:
        return None
    return period.value * DAYS[period.unit]

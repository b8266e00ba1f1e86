"""Days and moments of giving: "on days 1, 8 and 15", "30 minutes before infusion"."""

from itertools import pairwise

from extractor.concepts.doses.marks import Mark, drop_overlaps
from extractor.concepts.doses.rhythms import code_interval
from extractor.language.book import rule
from extractor.language.lexer import NAME_NUMBER, NUMBER, Tokens
from extractor.language.numbers import (
    WHOLE_DAYS,
    has_minus,
    read_number,
    read_time_unit,
)
from extractor.schemas import Frequency, Period, TimeUnit

_MOST = 60
"""The most days of a range that are counted one by one."""
_NUMBERS = NUMBER + NAME_NUMBER


def find_moments(tokens: Tokens) -> list[Mark]:
    """Return the moments of giving as their words.

    >>> from extractor.language.book import read_text
    >>> [mark.value for mark in find_moments(read_text("5 mg with food, at bedtime"))]
    ['with food', 'at bedtime']
    """
    marks = [
        Mark("timing", found.text, found.first, found.end, 0.6)
        for found in rule("dose_moment").find(tokens)
    ]
    return drop_overlaps(marks)


def find_days(tokens: Tokens) -> list[Mark]:
    """Return the days of giving, as numbers of days from the start.

    >>> from extractor.language.book import read_text
    >>> [
    ...     mark.value
    ...     for mark in find_days(read_text("days 1, 8 and 15, then on days -3 to 1"))
    ... ]
    [(1, 8, 15), (-3, -2, -1, 0, 1)]
    """
    marks: list[Mark] = []
    for lead in rule("days_lead").find(tokens):
        mark = _read_list(tokens, lead.first, lead.end, 1)
        if mark and not lead.has("start"):
            marks.append(mark)
    for lead in rule("weeks_lead").find(tokens):
        if rule("week_range").starts(tokens, lead.end):
            continue
        unit = TimeUnit.WEEK if "week" in lead.text.lower() else TimeUnit.MONTH
        mark = _read_list(tokens, lead.first, lead.end, WHOLE_DAYS[unit])
        if mark and not rule("during_before").ends(tokens, lead.first):
            marks.append(mark)
    for name in ("times_list", "schedule_list"):
        for found in rule(name).find(tokens):
            mark = _read_times(tokens, found.first, found.end)
            if mark:
                marks.append(mark)
    marks += [
        Mark("days", (1,), found.first, found.end, 0.7)
        for found in rule("first_day").find(tokens)
    ]
    return drop_overlaps(marks)


def _read_list(tokens: Tokens, first: int, at: int, factor: int) -> Mark | None:
    """Return the days whose numbers begin at a token; None if they are no days."""
    days: list[int] = []
    end = at
    through = False
    while True:
        read = _read_day(tokens, at)
        if read is None:
            break
        day, behind = read
        # "days 1-5, six 21-day cycles"
        is_count = bool(days) and tokens.codes[behind : behind + 1] == NUMBER
        if is_count or rule("no_day_after").starts(tokens, behind):
            break
        days += _fill_range(days, day) if through and factor == 1 else [day]
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
    return Mark("days", tuple(day * factor for day in days), first, end, 0.85)


def _fill_range(days: list[int], last: int) -> list[int]:
    """Return the days behind those of a list up to the last one of a range."""
    if days and 0 < last - days[-1] <= _MOST:
        return list(range(days[-1] + 1, last + 1))
    return [last]


def _read_times(tokens: Tokens, first: int, at: int) -> Mark | None:
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
    return Mark("days", days, min(first, start), at + 1, 0.85)


def _read_day(tokens: Tokens, at: int) -> tuple[int, int] | None:
    """Return the number of a day and the token behind it; None if there is none."""
    sign = 1
    while at < len(tokens) and tokens.codes[at] in "-+\\(":
        sign = -1 if tokens.codes[at] == "-" else sign
        at += 1
    if at >= len(tokens) or tokens.codes[at] not in _NUMBERS:
        return None
    number = read_number(tokens.words[at])
    if number is None or number != int(number) or number > 1000:
        return None
    if has_minus(tokens, at):
        sign = -1
    return sign * int(number), at + 1


def code_days(days: tuple[int, ...], cycle: Period | None) -> Frequency:
    """Return the code of days of giving, within a cycle if there is one.

    >>> three_weeks = Period(value=21, unit=TimeUnit.DAY)
    >>> [
    ...     str(code_days(days, cycle))
    ...     for days, cycle in [
    ...         ((1,), None),
    ...         ((1,), three_weeks),
    ...         ((1, 8), three_weeks),
    ...     ]
    ... ]
    ['once', 'Q3W', 'QW']
    """
    length = None
    if cycle and cycle.unit in WHOLE_DAYS:
        length = cycle.value * WHOLE_DAYS[cycle.unit]
    if len(days) == 1:
        if length:
            return code_interval(length, TimeUnit.DAY)
        return Frequency.ONCE
    gaps = {later - day for day, later in pairwise(days)}
    if len(gaps) == 1:
        [gap] = gaps
        return code_interval(gap, TimeUnit.DAY)
    return Frequency.OTHER

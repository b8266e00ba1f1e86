"""Days and moments of giving, and the frequency that listed days imply."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from extractor.concepts.doses.marks import Mark, drop_overlaps, starts_any
from extractor.language.book import rule
from extractor.language.lexer import NAME_NUMBER, NUMBER, UNKNOWN, Tokens
from extractor.language.numbers import (
    DAYS,
    WHOLE_DAYS,
    has_minus,
    read_number,
    read_time_unit,
)
from extractor.language.patterns import Found
from extractor.schemas import Frequency, Period, TimeUnit

Days = tuple[int, ...]
"""Days of giving, counted from the start; weeks and months as their days."""
_MOST = 400
"""The most days of a range that are counted one by one."""
_LATEST = 3650
_NUMBERS = NUMBER + NAME_NUMBER
_OF_LENGTH = frozenset({"for", "over", "of", "every", "each"})
"""Words before a length of time."""
_MOMENTS = frozenset({"bedtime", "hs", "qhs"})
_RATE_REACH = 16
"""How many tokens beside listed weeks can say that a dose is daily."""
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
        Mark(tokens.read(first, end), first, end)
        for first, end in _read_moments(tokens)
    ]
    for lead in rule("days_lead").find(tokens):
        days = _read_list(tokens, lead.first, lead.end, 1)
        if days and _is_limit(tokens, lead, days):
            span = rule("up_to_week").starts(tokens, days.end)
            end = span.end if span else days.end
            moments.append(Mark(tokens.read(days.first, end), days.first, end))
    return drop_overlaps(moments)


def _is_limit(tokens: Tokens, lead: Found, days: Mark[Days]) -> bool:
    """Return whether days only say from when on: "starting on day 7", "day 0 up to week 48"."""
    if lead.has("start"):
        return True
    return starts_any(("onwards", "up_to_week"), tokens, days.end)


def _read_moments(tokens: Tokens) -> Iterator[tuple[int, int]]:
    """Yield the tokens of words for a moment, without what says how long it lasts ("for 7 days
    before surgery" is "before surgery"). A lone word counts only if it names a time by itself.
    """
    for found in rule("dose_moment").find(tokens):
        first = found.first
        before = tokens.words[first - 1].lower() if first else ""
        if tokens.codes[first] == NUMBER and before in _OF_LENGTH:
            event = rule("around_event").search(tokens, first, found.end)
            if event is None:
                continue
            first = event.first
        span = rule("span_of_weeks").starts(tokens, first)
        end = max(found.end, span.end if span else 0)
        word = tokens.words[first].lower()
        is_alone = word in _MOMENTS or word.endswith("operatively")
        if end - first > 1 or is_alone:
            yield first, end


def find_days(tokens: Tokens) -> tuple[Mark[Days], ...]:
    """Return the days of giving, in reading order. A range lists every day.

    >>> from extractor.language.book import read_text
    >>> [
    ...     mark.value
    ...     for mark in find_days(read_text("on days 1, 8 and 15; day -3 to 1"))
    ... ]
    [(1, 8, 15), (-3, -2, -1, 0, 1)]
    """
    return drop_overlaps([*_find_listed(tokens), *_find_times(tokens)])


def _find_listed(tokens: Tokens) -> Iterator[Mark[Days]]:
    for lead in rule("days_lead").find(tokens):
        if _is_code(tokens, lead):
            continue
        days = _read_list(tokens, lead.first, lead.end, 1)
        if days and not _is_limit(tokens, lead, days):
            yield days
    for lead in rule("weeks_lead").find(tokens):
        start = max(0, lead.first - _RATE_REACH)
        is_daily = rule("daily_rate").search(tokens, start, lead.end + _RATE_REACH)
        if is_daily or rule("week_range").starts(tokens, lead.end):
            continue
        unit = TimeUnit.WEEK if "week" in lead.text.lower() else TimeUnit.MONTH
        days = _read_list(tokens, lead.first, lead.end, WHOLE_DAYS[unit])
        if days and not rule("during_before").ends(tokens, lead.first):
            yield days
    for found in rule("first_day").find(tokens):
        yield Mark((1,), found.first, found.end)


def _is_code(tokens: Tokens, lead: Found) -> bool:
    """Return whether a "d" is a part of a name: "Fel d 1", "AB12-34D5"."""
    if lead.text.lower() != "d" or lead.first == 0:
        return False
    before = tokens.words[lead.first - 1]
    # "C1D8"
    if lead.first > 1 and tokens.words[lead.first - 2] in ("C", "c"):
        return False
    if tokens.codes[lead.first - 1] == UNKNOWN or before.istitle():
        return True
    return tokens.joined(lead.first) and before[-1].isalnum()


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
    while read := _read_day(tokens, at):
        day, behind = read
        # "days 1-5, six 21-day cycles"
        is_followed = bool(days) and tokens.codes[behind : behind + 1] == NUMBER
        if is_followed or rule("no_day_after").starts(tokens, behind):
            break
        if through and factor == 1:
            days += _list_between(days, day)
        days.append(day)
        aside = rule("day_aside").starts(tokens, behind)
        end = aside.end if aside else behind
        joint = rule("day_joint").starts(tokens, end)
        if joint is None:
            break
        at = joint.end
        # the hyphen of "1-5" may be no token
        is_glued = tokens.gap(at) == "-" and joint.end == joint.first
        says_through = rule("day_through").search(tokens, joint.first, joint.end)
        through = is_glued or says_through is not None
    if not days:
        return None
    cycle = rule("of_cycle").starts(tokens, end)
    return Mark(tuple(day * factor for day in days), first, cycle.end if cycle else end)


def _list_between(days: Sequence[int], last: int) -> Sequence[int]:
    """Return the days between the last one of some days and another one."""
    is_range = bool(days) and 0 < last - days[-1] <= _MOST
    return range(days[-1] + 1, last) if is_range else ()


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
    is_age = [word.lower() for word in tokens.words[at + 1 : at + 3]] == ["of", "age"]
    if len(numbers) < 2 or unit is None or unit not in WHOLE_DAYS or is_age:
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
    # "D-5"
    follows_day = tokens.gap(at) == "-" and tokens.words[at - 1].lower() in ("d", "day")
    if has_minus(tokens, at) or follows_day:
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

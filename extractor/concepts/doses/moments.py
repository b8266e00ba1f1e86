"""Find days and times of administration: "on days 1, 8 and 15", "30 minutes before infusion"."""

from collections.abc import Iterator
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
"""Ranges with more days than this are not expanded into individual days."""
_LARGEST = 1000
"""The largest number that can be a day."""
_MOMENT = 0.6
"""The confidence of a time such as "at bedtime", set by judgement: it may be the time of another
agent in the clause.
"""
_NUMBERS = NUMBER + NAME_NUMBER


def find_moments(tokens: Tokens) -> list[Mark]:
    """Return the times of administration; the value of each mark is its words in the text.

    >>> from extractor.language.book import read_text
    >>> [mark.value for mark in find_moments(read_text("5 mg with food, at bedtime"))]
    ['with food', 'at bedtime']
    """
    marks = [
        Mark("timing", match.text, match.first, match.end, _MOMENT)
        for match in rule("dose_moment").find(tokens)
    ]
    return drop_overlaps(marks)


def find_days(tokens: Tokens) -> list[Mark]:
    """Return the days of administration, counted from the start of treatment.

    >>> from extractor.language.book import read_text
    >>> [
    ...     mark.value
    ...     for mark in find_days(read_text("days 1, 8 and 15, then on days -3 to 1"))
    ... ]
    [(1, 8, 15), (-3, -2, -1, 0, 1)]
    """
    marks = [
        Mark("days", (1,), match.first, match.end, 0.7)
        for match in rule("first_day").find(tokens)
    ]
    marks += _find_listed(tokens)
    return drop_overlaps(marks)


def _find_listed(tokens: Tokens) -> Iterator[Mark]:
    """Yield the days listed after their unit: "on days 1-5", "at weeks 0 and 4"."""
    leads = [*rule("days_lead").find(tokens), *rule("weeks_lead").find(tokens)]
    listed = range(0)
    for lead in leads:
        # in "day 1, day 2", the second unit does not begin another list
        if lead.first in listed:
            continue
        unit = read_time_unit(lead.read("unit") or "") or TimeUnit.DAY
        days, end = _read_days(tokens, lead.end)
        if not days:
            continue
        if lead.has("start"):
            continue
        is_range = rule("week_range").starts(tokens, lead.end)
        is_time = is_range or rule("during_before").ends(tokens, lead.first)
        # "during weeks 1 to 12" is a duration
        if is_time and unit is not TimeUnit.DAY:
            continue
        cycle = rule("of_cycle").starts(tokens, end)
        value = tuple(day * WHOLE_DAYS[unit] for day in days)
        yield Mark("days", value, lead.first, cycle.end if cycle else end, 0.85)
        listed = range(lead.first, end)


def _read_days(tokens: Tokens, at: int) -> tuple[list[int], int]:
    """Return the numbers in a list that begins at token ``at``, and the token after the list. All
    numbers in a range are included.
    """
    days: list[int] = []
    end = at
    is_range = False
    while read := _read_day(tokens, at):
        day, following = read
        # in "days 1-5, six 21-day cycles", "six" is not a day
        is_count = bool(days) and tokens.codes[following : following + 1] == NUMBER
        if is_count:
            break
        if rule("no_day_after").starts(tokens, following):
            break
        if is_range and 0 < day - days[-1] <= _MOST:
            days += range(days[-1] + 1, day)
        days.append(day)
        end = following
        joint = rule("day_joint").starts(tokens, end)
        if joint is None:
            break
        at = joint.end
        is_hyphen = tokens.gap(at) == "-" and joint.end == joint.first
        is_range = is_hyphen or bool(rule("day_through").search(tokens, end, at))
    return days, end


def _read_day(tokens: Tokens, at: int) -> tuple[int, int] | None:
    """Return the number of a day and the token after it; None if token ``at`` does not begin
    a day. A minus sign, as in "day -3", makes the number negative.
    """
    signs = at
    while at < len(tokens) and tokens.codes[at] in "-+\\(":
        at += 1
    if at >= len(tokens):
        return None
    if tokens.codes[at] not in _NUMBERS:
        return None
    number = read_number(tokens.words[at])
    if number is None or number > _LARGEST:
        return None
    day = int(number)
    if number != day:
        return None
    if "-" in tokens.codes[signs:at] or has_minus(tokens, at):
        day = -day
    return day, at + 1


def code_days(days: tuple[int, ...], cycle: Period | None) -> Frequency:
    """Return the frequency code for days of administration, which repeat with the cycle if there is
    one.

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
    gaps = {later - day for day, later in pairwise(days)}
    if len(days) == 1 and (cycle is None or cycle.unit not in WHOLE_DAYS):
        return Frequency.ONCE
    if len(days) == 1 and cycle:
        return code_interval(cycle.value, cycle.unit)
    if len(gaps) == 1:
        return code_interval(gaps.pop(), TimeUnit.DAY)
    return Frequency.OTHER

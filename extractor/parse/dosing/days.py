"""Listed days of giving ("days 1, 8 and 15", "D-5 to -3"), and the frequency that they amount to."""

import re
from itertools import pairwise

from extractor.parse.memory import remember
from extractor.parse.words import find_at, places_of
from extractor.schemas import Frequency, Period, TimeUnit

from .intervals import code_interval
from .marks import Mark, drop_overlaps

__all__ = ["code_days", "find_dates", "find_days"]

# A tolerance, or what else the day is called: "days 7 (+/-3) and 21", "day 0 (week 1)".
_ASIDE = r"(?:\s?\(\s?(?:[+±-]|week\s|wk\s?|visit\s)[^()\n]{1,12}\)|\s?±\s?\d{1,2}(?!\d))?"
_NUMBERS = (
    r"-?\s?\d{1,3}(?!\d|\.\d|%|w\b|\s?(?:days|weeks|months|hours|mg|mcg|ug|μg|ml|g(?!-CSF)|x|IU|Gy|units?)\b)"
    + _ASIDE
    + r"(?:[^\S\n]?(?:,|and|&|or|/|\+|-|to|through|until|till|~)+\s?(?:and\s)?(?:again\s)?(?:on\s)?"
    r"(?:days?\s?|D\s?|weeks?\s)?"
    r"-?\d{1,3}(?!\d|\.\d|%|-(?!day|week)[a-z]{3}|\s?(?:mg|mcg|ug|μg|ml|g(?!-CSF)|x|IU|Gy|units?|-?\s?days?|-?\s?weeks?|months?|hours?|cycles|doses|patients)\b)"
    + _ASIDE
    + ")*"
)
_COUNT = r"(?:\d{1,2}|two|three|four|six)"
_OF_CYCLE = (
    r"(?:\s?,?\s?(?:of|in|for)\s(?:the\s)?(?:each|every|all|an?)?\s?(?:subsequent\s)?"
    rf"(?:{_COUNT}[\s-]?(?:days?|weeks?|wk)?[\s-]?)?(?:treatment\s|dosing\s|induction\s)?(?:cycles?|courses?)"
    r"(?:[ ]\d\b(?![.\d]|\s?(?:m?[cg]?g|ml|IU|Gy|x)\b))?"
    rf"|(?P<interval>,?\s(?:every|q)\s?{_COUNT}[\s-](?:days|weeks)(?:\scycles?)?)|\severy\sweek)?"
)
_START = (
    r"(?P<start>\b(?:starting|starts?|beginning|begins?|begin|started|initiated|commencing)\s(?:on\s|from\s|at\s)?)"
)
_UP_TO = r"(?P<span>\s(?:up\s)?(?:to|until|through)\s(?:week|month)\s\d{1,3})"
_DAYS = re.compile(
    rf"(?:{_START}|\b(?:on|from)\s)?(?:\bcycles?\s\d{{1,2}}(?:-\d{{1,2}})?[,:]?\s)?"
    r"(?:\b(?:study\s)?days?\s?\(?|(?<!vitamin )(?-i:(?<!\b[A-Z][a-z]{2}\s))(?:\bd\.?\s?|(?-i:\b(?:C\d{1,2})?D)\s?))"
    rf"(?P<list>{_NUMBERS}){_UP_TO}?\)?{_OF_CYCLE}",
    re.IGNORECASE,
)
_DAYS_OF = re.compile(
    rf"\bon\s(?P<start>)(?P<span>)?(?P<list>\d{{1,2}}\s?-\s?\d{{1,2}})\sdays\b{_OF_CYCLE}", re.IGNORECASE
)
# "at 0, 4 and 8 weeks": only a list from the start is one of givings, and not of visits.
_TIMES = re.compile(
    r"\b(?:at|on)\s(?P<list>0(?:\s?,\s?\d{1,3}){0,8},?\s(?:and|&)\s\d{1,3})\s(?P<unit>days|weeks|months)\b",
    re.IGNORECASE,
)
_WEEK_NUMBERS = _NUMBERS.replace(r"(?:days?\s?|D\s?|weeks?\s)?", r"(?:weeks?\s|months?\s)?")
_WEEKS = re.compile(
    r"(?:\b(?:on|at|from)\s)?(?<!to )(?<!until )(?<!through )(?<!till )\b(?:weeks?|(?P<month>months?))\s"
    rf"(?P<list>{_WEEK_NUMBERS})",
    re.IGNORECASE,
)
_START_WORDS = ("starting", "start", "starts", "beginning", "begin", "begins", "started", "initiated", "commencing")
_DAY_WORDS = (*_START_WORDS, "on", "from", "study", "cycle", "cycles", "day", "days", "d", "c")
_WEEK_WORDS = ("on", "at", "from", "week", "weeks", "month", "months")
_DAY = re.compile(r"\d{1,3}")
_TRUST = 0.87
"""Share of lists of days, in the words about a labelled dose, that are its timing word for word."""

_ASIDES = re.compile(r"\([^()]*\)|±\s?\d+")
_WEEK = re.compile(r"\bweeks?\s$", re.IGNORECASE)
_THROUGH = re.compile(r"\b(?:to|through|until|till)\b|~|^\s?-", re.IGNORECASE)


def find_days(text: str) -> tuple[Mark[tuple[int, ...]], ...]:
    """Lists of days (or of weeks, as days), each as the days themselves; a range holds every day.

    >>> [m.value for m in find_days("days 1, 8, 15 and then D-5 to -3, at weeks 0, 4")]
    [(1, 8, 15), (-5, -4, -3), (0, 28)]
    """
    return tuple(mark for mark in find_dates(text) if mark.value)


@remember
def find_dates(text: str) -> tuple[Mark[tuple[int, ...]], ...]:
    """As ``find_days``, and with no days the limits that list none.

    >>> [m.value for m in find_dates("daily starting on day 7; from day 0 up to week 48")]
    [(), ()]
    """
    if not any(map(str.isdecimal, text)):
        return ()
    marks = [_mark_days(found) for found in find_at(_DAYS, text, places_of(_DAY_WORDS, text))]
    marks += [_mark_days(found) for found in find_at(_DAYS_OF, text, places_of(("on",), text))]
    for found in find_at(_WEEKS, text, places_of(_WEEK_WORDS, text)):
        marks.append(Mark(_read_list(found["list"], 30 if found["month"] else 7), found.start(), found.end(), _TRUST))
    for found in find_at(_TIMES, text, places_of(("at", "on"), text)):
        factor = {"d": 1, "w": 7, "m": 30}[found["unit"][0].lower()]
        marks.append(Mark(_read_list(found["list"], factor), found.start(), found.end(), _TRUST))
    return drop_overlaps(marks)


def _mark_days(found: re.Match[str]) -> Mark[tuple[int, ...]]:
    """A first or last day alone ("starting on day 7") lists no days, but says when."""
    value = () if found["start"] or found["span"] else _read_list(found["list"], 1)
    end = found.end()
    if len(value) == 1 and found["interval"]:  # "day 1 every 21 days": the interval is no part of one day
        end = found.start("interval")
    is_closed = found[0].endswith(")") and "(" not in found[0]
    return Mark(value, found.start(), end - is_closed, _TRUST)


def _read_list(text: str, factor: int) -> tuple[int, ...]:
    days: list[int] = []
    done = 0
    if "(" in text or "±" in text:
        text = _ASIDES.sub(lambda aside: " " * len(aside[0]), text)
    for found in _DAY.finditer(text):
        between, value = text[done : found.start()].lstrip(), int(found[0])
        if factor == 1 and days and _WEEK.search(between):
            factor = 7  # "day 1, week 4 and week 8"
        if re.search(r"\bor\b", between):
            break  # "day 1 or 2" is a single day
        through = bool(days) and bool(_THROUGH.search(between))
        dashes = between.count("-") - (1 if through and re.match(r"\s?-", between) else 0)
        if dashes > 0 or (through and days[-1] < 0 and value < -days[-1] and "-" in between):
            value = -value
        days += range(days[-1] + 1, min(value, days[-1] + 400) + 1) if through and factor == 1 else [value * factor]
        done = found.end()
    return tuple(days)


_PER_WEEK = {2: Frequency.BIW, 3: Frequency.TIW}
_LONGEST_OF_TWO = 14
"""Two givings further apart, in days, are two givings and no interval."""


def code_days(days: tuple[int, ...], cycle: Period | None) -> Frequency:
    """The frequency that a list of days amounts to, within a cycle if there is one.

    >>> code_days((1, 8, 15), None).value, code_days((1,), Period(value=21, unit=TimeUnit.DAY)).value
    ('QW', 'Q3W')
    """
    gaps = {after - before for before, after in pairwise(days)}
    if len(gaps) == 1 and (len(days) > 2 or min(gaps) <= _LONGEST_OF_TWO):
        return code_interval(gaps.pop())
    if gaps:
        return _PER_WEEK.get(_count_weekdays(days), Frequency.OTHER)
    length = _in_days(cycle)
    return code_interval(length) if length else Frequency.ONCE


def _count_weekdays(days: tuple[int, ...]) -> int:
    """How many days of the week are listed, the same ones in each week of two or more; else 0."""
    weeks: dict[int, set[int]] = {}
    for day in days:
        weeks.setdefault((day - days[0]) // 7, set()).add((day - days[0]) % 7)
    same = len(weeks) > 1 and all(listed == weeks[0] for listed in weeks.values())
    return len(weeks[0]) if same else 0


def _in_days(period: Period | None) -> float | None:
    factors = {TimeUnit.DAY: 1, TimeUnit.WEEK: 7, TimeUnit.MONTH: 30}
    return period.value * factors[period.unit] if period and period.unit in factors else None

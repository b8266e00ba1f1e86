"""Listed days of giving ("days 1, 8 and 15", "D-5 to -3"), and the frequency that they amount to."""

import re
from functools import lru_cache
from itertools import pairwise

from extractor.parse.words import find_at, places_of
from extractor.schemas import Frequency, Period, TimeUnit

from .frequencies import code_interval
from .marks import Mark, drop_overlaps

__all__ = ["code_days", "find_days"]

_NUMBERS = (
    r"-?\s?\d{1,3}(?!\d|\.\d|%|\s?(?:mg|mcg|ug|μg|ml|g|x|IU|Gy|units?)\b)"
    r"(?:\s?(?:,|and|&|or|/|\+|-|to|through|until|till|~)+\s?(?:and\s)?(?:on\s)?(?:days?\s?|D\s?)?"
    r"-?\d{1,3}(?!\d|\.\d|%|\s?(?:mg|mcg|ug|μg|ml|g|x|IU|Gy|units?|-?\s?days?|-?\s?weeks?|months?|hours?|cycles|doses|patients)\b))*"
)
_OF_CYCLE = (
    r"(?:\s?,?\s?(?:of|in)\s(?:the\s)?(?:each|every|an?)?\s?(?:\d+|three|two|four)?[- ]?(?:days?|weeks?|wk)?\s?"
    r"(?:treatment\s)?(?:cycles?|courses?))?"
)
_DAYS = re.compile(
    rf"(?:\b(?:on|from)\s)?(?:\b(?:study\s)?days?\s?\(?|\bd\.?\s?|(?-i:\bD)\s?)(?P<list>{_NUMBERS})\)?{_OF_CYCLE}",
    re.IGNORECASE,
)
_WEEK_NUMBERS = _NUMBERS.replace(r"(?:days?\s?|D\s?)?", r"(?:weeks?\s)?")
_WEEKS = re.compile(rf"(?:\b(?:on|at|from)\s)?\bweeks?\s(?P<list>{_WEEK_NUMBERS})", re.IGNORECASE)
_DAY = re.compile(r"\d{1,3}")
_THROUGH = re.compile(r"\b(?:to|through|until|till)\b|~|^\s?-", re.IGNORECASE)


@lru_cache(maxsize=64)
def find_days(text: str) -> tuple[Mark[tuple[int, ...]], ...]:
    """Lists of days (or of weeks, as days), each as the days themselves; a range holds every day.

    >>> [m.value for m in find_days("days 1, 8, 15 and then D-5 to -3, at weeks 0, 4")]
    [(1, 8, 15), (-5, -4, -3), (0, 28)]
    """
    if not any(map(str.isdecimal, text)):
        return ()
    places = places_of(("on", "from", "study", "day", "days", "d"), text)
    weeks = places_of(("on", "at", "from", "week", "weeks"), text)
    days = [Mark(_read_list(found["list"], 1), found.start(), found.end()) for found in find_at(_DAYS, text, places)]
    days += [Mark(_read_list(found["list"], 7), found.start(), found.end()) for found in find_at(_WEEKS, text, weeks)]
    return drop_overlaps(mark for mark in days if mark.value)


def _read_list(text: str, factor: int) -> tuple[int, ...]:
    days: list[int] = []
    done = 0
    for found in _DAY.finditer(text):
        between, value = text[done : found.start()], int(found[0])
        if re.search(r"\bor\b", between):
            break  # "day 1 or 2" is a single day
        through = bool(days) and bool(_THROUGH.search(between))
        dashes = between.count("-") - (1 if through and re.match(r"\s?-", between) else 0)
        if dashes > 0 or (through and days[-1] < 0 and value < -days[-1] and "-" in between):
            value = -value
        days += range(days[-1] + 1, min(value, days[-1] + 400) + 1) if through and factor == 1 else [value * factor]
        done = found.end()
    return tuple(days)


def code_days(days: tuple[int, ...], cycle: Period | None) -> Frequency:
    """The frequency that a list of days amounts to, within a cycle if there is one.

    >>> code_days((1, 8, 15), None).value, code_days((1,), Period(value=21, unit=TimeUnit.DAY)).value
    ('QW', 'Q3W')
    """
    gaps = {after - before for before, after in pairwise(days)}
    if len(gaps) == 1:
        return code_interval(gaps.pop())
    if gaps:
        return Frequency.OTHER
    length = _in_days(cycle)
    return code_interval(length) if length else Frequency.ONCE


def _in_days(period: Period | None) -> float | None:
    factors = {TimeUnit.DAY: 1, TimeUnit.WEEK: 7, TimeUnit.MONTH: 30}
    return period.value * factors[period.unit] if period and period.unit in factors else None

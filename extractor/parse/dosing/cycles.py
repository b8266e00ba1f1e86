"""Lengths of treatment cycles: "each 21-day cycle", "days 1 and 8 every 3 weeks", "3 weeks on, 1 week off"."""

import re
from collections.abc import Iterator

from extractor.parse.durations import Duration, find_durations
from extractor.parse.numbers import number_places, read_number
from extractor.parse.requirements import Guarded
from extractor.parse.words import find_at, find_words, places_of
from extractor.schemas import Period, TimeUnit

from .days import find_days
from .marks import Mark, drop_overlaps

__all__ = ["find_cycles"]

_COUNT = r"\d{1,2}|two|three|four|six"
_KIND = r"(?:(?:treatment|dosing|chemotherapy|therapy|induction)\s)?"
_BEFORE = Guarded(
    r"(?:(?:cycles?|(?<!over the )(?<!over a )(?<!during a )(?<!for a )courses?)(?:\s(?:length|duration|regimen))?\s?"
    r"(?:\(?\s?(?:of|is|was|are|were|=|:|every|last(?:s|ing)?|with|in|will be|consist(?:s|ing|ed) of)\s?)"
    r"(?:an?\s|every\s)?|\bcycle\s(?:(?:length|duration)\s|(?:is|was|will be)\sdefined\s(?:as|by)\s(?:an?\s)?)\(?"
    r"|(?:repeat(?:s|ed|ing)?|recycled?|recycles)\s(?:[\w-]+\s){0,3}?(?:every|each|q)\s?|\bin\san?\s|\bof\s(?:each|every|an?)\s"
    r"|(?:1|one|each|every)\s(?:cycle|course)\s?(?:=|is|:)\s?"
    r"|\bdays?\s?\d[\d,\s&andto-]{0,30}(?:of\s)?(?:every|each|q)\s?|\b\d{1,2}\sdays\severy\s)$"
)
_AFTER = re.compile(
    rf"(?:[\s-]|\s?/\s?)?{_KIND}(?:cycles?|(?P<course>courses?))\b(?!\s\d)"
    r"|\sas\s(?:an?|one)\s(?:treatment\s)?cycle\b"
    r"|\s?(?:\(|=|\speriod is|\sis|equals?)\s?(?:1|one|an?|each)\s(?:treatment\s)?(?:cycle|course)\b",
    re.IGNORECASE,
)
_EACH_BEFORE = re.compile(r"\b(?:each|every|per|subsequent)\s$", re.IGNORECASE)
# "every 21 days for 6 cycles"; weeks are rather those between two givings.
_EVERY_BEFORE = re.compile(r"\b(?:every|q)\s?$", re.IGNORECASE)
_COUNTED_AFTER = re.compile(
    r"\s(?:for|during)\s(?:up to\s|an?\s|total of\s|maximum of\s|at least\s){0,3}[\w-]+\s(?:cycles|courses)\b",
    re.IGNORECASE,
)
_REPEATED_BEFORE = re.compile(r"\brepeat\w*\s(?:\w+\s){0,2}?(?:at|in|with)\s$", re.IGNORECASE)
_OPENED_BEFORE = re.compile(r"\bcycles?\s?\(\s?$", re.IGNORECASE)
_TRUST = 0.98
"""Share of right cycles among those that stand in the words about a labelled dose."""

_LEAD = 60
"""How many characters before a duration can tell that it is that of a cycle."""

_EVERY = rf"(?:every|q)\s?(?P<value>{_COUNT})[\s-]?(?P<unit>days?|weeks?|wks?|w|d)\b"
# Several days and an interval are a cycle: "d1, 8, q3w". So is an interval beside the first day of each cycle.
_INTERVAL = re.compile(rf"\s?,?\s?(?:\[[^\]]{{1,30}}\]\s?|\([^)]{{1,30}}\)\s?)?(?:once\s)?{_EVERY}", re.IGNORECASE)
_EACH_CYCLE = re.compile(rf"\b(?:each|every)\s{_KIND}cycle$", re.IGNORECASE)
_ON_FIRST_DAY = re.compile(
    rf"{_EVERY}(?:\s?\([^)]{{1,12}}\))?,?\s(?:starting\s)?on\sday\s1\sof\s(?:each|every)\s{_KIND}cycle\b", re.IGNORECASE
)
_WEEKLY = re.compile(rf"\b(?P<value>{_COUNT})[\s-](?P<unit>w)eekly\s{_KIND}cycles?\b", re.IGNORECASE)
_NAKED = re.compile(r"\b(?:each|every|an?|of)\s(?P<value>14|21|28|35|42)(?P<unit>)-cycle\b", re.IGNORECASE)  # days
_DAYS_EVERY = re.compile(
    rf"\b\d{{1,2}}\s(?:consecutive\s)?days\severy\s(?P<value>{_COUNT})[\s-](?P<unit>days|weeks)\b", re.IGNORECASE
)
_ON_OFF = re.compile(
    rf"\b(?P<on>{_COUNT}|one)\s(?P<unit>day|week)s?(?:\s(?:on|of\streatment))?(?:,|\s?/|\sand|,?\sthen|,?\sfollowed\sby)\s?"
    rf"(?P<off>{_COUNT}|one)\s(?:day|week)s?\s(?:off|of\srest|rest|break)\b",
    re.IGNORECASE,
)


def find_cycles(text: str) -> tuple[Mark[Period | None], ...]:
    """Lengths of treatment cycles in cleaned text; a range reads as None.

    >>> [(m.value.value, m.value.unit.value) for m in find_cycles("Day 1 of each 21-day cycle; d1, 8, q4w")]
    [(21, 'day'), (4, 'week')]
    """
    marks = drop_overlaps([*_read_named(text), *_read_intervals(text), *_read_breaks(text)])
    return tuple(Mark(mark.value, mark.start, mark.end, _TRUST) for mark in marks)


def _read_named(text: str) -> Iterator[Mark[Period | None]]:
    for duration in find_durations(text):
        if duration.unit in {TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH}:
            after = _AFTER.match(text, duration.end)
            if _is_cycle(text, duration, after):
                period = Period(value=duration.high, unit=duration.unit) if duration.low == duration.high else None
                yield Mark(period, duration.start, after.end() if after else duration.end)


def _is_cycle(text: str, duration: Duration, after: re.Match[str] | None) -> bool:
    before = max(0, duration.start - _LEAD), duration.start
    if after and after["course"]:  # "a 10-day course" is the length of all
        return _EACH_BEFORE.search(text, *before) is not None
    if after or _BEFORE.search(text, *before):
        return True
    if duration.unit is TimeUnit.DAY and _OPENED_BEFORE.search(text, *before):
        return True
    if duration.unit is TimeUnit.DAY and _EVERY_BEFORE.search(text, *before):
        return _COUNTED_AFTER.match(text, duration.end) is not None
    return text.startswith(" interval", duration.end) and _REPEATED_BEFORE.search(text, *before) is not None


def _read_intervals(text: str) -> Iterator[Mark[Period | None]]:
    for days in find_days(text):
        found = _INTERVAL.match(text, days.end)
        if found and (len(days.value) > 1 or _EACH_CYCLE.search(text, days.start, days.end)):
            yield from _mark(found, found["value"])
    if not {"cycle", "cycles"}.isdisjoint(find_words(text)):
        for found in find_at(_ON_FIRST_DAY, text, places_of(("every", "q"), text)):
            yield from _mark(found, found["value"])
        for found in find_at(_WEEKLY, text, number_places(text)):
            yield from _mark(found, found["value"])
        for found in find_at(_NAKED, text, places_of(("each", "every", "a", "an", "of"), text)):
            yield from _mark(found, found["value"])
    # "5 days every 28 days" is a moment as well: the cycle has to begin with it, or it would be part of that.
    for found in find_at(_DAYS_EVERY, text, number_places(text) if "every" in find_words(text) else ()):
        yield from _mark(found, found["value"])


def _read_breaks(text: str) -> Iterator[Mark[Period | None]]:
    """Weeks with and without treatment make a cycle together."""
    places = () if {"off", "rest", "break"}.isdisjoint(find_words(text)) else number_places(text)
    for found in find_at(_ON_OFF, text, places):
        yield from _mark(found, found["on"], found["off"])


def _mark(found: re.Match[str], *counts: str) -> Iterator[Mark[Period | None]]:
    values = [value for count in counts if (value := read_number(count)) is not None]
    if len(values) == len(counts):
        unit = TimeUnit.WEEK if found["unit"].lower().startswith("w") else TimeUnit.DAY
        yield Mark(Period(value=sum(values), unit=unit), found.start(), found.end())

"""Lengths in which giving is counted: of a cycle, of the whole treatment; and moments of giving."""

import re
from collections.abc import Iterator

from extractor.parse.durations import Duration, find_durations
from extractor.parse.numbers import NUMBER, number_places, read_number
from extractor.parse.words import find_at, find_words, places_of
from extractor.schemas import Period, TimeUnit

from .marks import Mark, drop_overlaps

__all__ = ["find_cycles", "find_lengths", "find_moments"]

_CONSECUTIVE = re.compile(
    rf"\bfor\s(?P<value>{NUMBER})\s(?:\(\d+\)\s)?consecutive\s(?P<unit>day|week|month)s?\b", re.IGNORECASE
)

_BEFORE_CYCLE = re.compile(
    r"(?:(?:cycles?|courses?)(?:\s(?:length|duration))?\s?(?:\(?\s?(?:of|is|was|are|were|=|:|every|last(?:s|"
    r"ing)?|with|in|will be)\s?)(?:an?\s|every\s)?"
    r"|(?:repeat(?:s|ed|ing)?|recycled?)\s(?:[\w-]+\s){0,3}?(?:every|each|q)\s?|\bin\san?\s|\bof\s(?:each|"
    r"every|an?)\s|(?:1|one|each|every)\s(?:cycle|course)\s?(?:=|is|:)\s?"
    r"|\bdays?\s?\d[\d,\s&andto-]{0,30}(?:of\s)?(?:every|each|q)\s?|\b\d{1,2}\sdays\severy\s)$",
    re.IGNORECASE,
)
_AFTER_CYCLE = re.compile(r"[\s-]?(?:treatment\s|dosing\s|chemotherapy\s)?(?:cycles?|courses?)\b", re.IGNORECASE)
_BEFORE_LENGTH = re.compile(
    r"(?:\bfor|\bover|\bduring|\bthroughout|up to|max(?:imum|\.)?(?: of)?|total of|until a maximum of|lasting|"
    r"lasts|period of|"
    r"duration(?: of [\w\s]{0,20})?(?: is| was| will be|:)?(?: of)?|continued to|to complete|at most|received|"
    r"receive|,|\+|;)"
    r"\s*(?:\(|an?\s|the\s|up to\s|about\s|approximately\s|a total of\s|a maximum of\s|a further\s|at least\s|"
    r"the first\s|total\s|consecutive\s|-)*$",
    re.IGNORECASE,
)
_WEAK_BEFORE = re.compile(r"(?:received|receive|,|\+|;)\s*(?:an?\s|the\s)*$", re.IGNORECASE)
_AFTER_LENGTH = re.compile(
    r"[\s-]?(?:consecutive\s|total\s)?(?:(?:double[- ]blind(?:ed)?\s)?treatment(?:\speriod|\sphase)?\b|"
    r"course of\b|in total\b|daily admin|administration\b)",
    re.IGNORECASE,
)
_NO_LENGTH_AFTER = re.compile(
    r"[\s-]*(?:before|prior|after|later|apart|following|intervals?|old|of age|cycle|course|post|from|"
    r"of (?:each|every|a)|follow|washout|ago|on[, ]|off)",
    re.IGNORECASE,
)
_NO_LENGTH_BEFORE = re.compile(
    r"(?:every|each|follow(?:ed)?(?:[- ]up)?(?: of| for)?|age[ds]?|last(?:ed)?|after|within|previous|past|"
    r"infused (?:for|over))\s*$",
    re.IGNORECASE,
)
_COUNTED_CYCLES = re.compile(
    rf"(?P<value>{NUMBER})\s(?:\(\d+\)\s)?(?:(?:[1-9]\d?|three|four|two)[- ](?:day|week)[- ]|treatment\s|"
    rf"\w+day\s|full\s|additional\s)?(?:cycles|courses)\b",
    re.IGNORECASE,
)
_MOMENT = re.compile(
    r"(?:\b(?:approximately\s|about\s|at\sleast\s|within\s)*[\d-]+\s(?:to\s\d+\s)?(?:min(?:ute)?s?|hours?|"
    r"hrs?|h|days?|weeks?)\s"
    r"(?:before|prior\sto|after|following|post)\s[^.,;)(]{2,60}"
    r"|\b(?:before|after|with|without|between)\s(?:the\s)?(?:each\s)?(?:meals?|food|breakfast|lunch|dinner|eating)\b"
    r"|\bat\s(?:bedtime|night|the same time each day)\b|\bin\sthe\s(?:morning|evening)s?\b"
    r"|\b(?:prior\sto|before|after)\s(?:each\s|the\s)?[\w-]*\s?(?:infusion|transplant|surgery|chemotherapy|"
    r"lymphodepletion|radiotherapy)\b"
    r"|\bduring\s(?:pregnancy|radiotherapy|radiation|the pollen season)\b|\buntil\s[^.,;()]{3,60})",
    re.IGNORECASE,
)
_MOMENT_WORDS = (
    "approximately", "about", "at", "within", "before", "after", "with", "without", "between", "in", "prior", "during",
    "until",
)  # fmt: skip
_NUMERAL = re.compile(r"[\d-]+")
_LONG = frozenset({TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH, TimeUnit.YEAR, TimeUnit.CYCLE})


def _numerals(text: str) -> Iterator[int]:
    return (found.start() for found in _NUMERAL.finditer(text))


def find_cycles(text: str) -> tuple[Mark[Period | None], ...]:
    """Lengths of treatment cycles; a range reads as None.

    >>> [(m.value.value, m.value.unit.value) for m in find_cycles("Day 1 of each 21-day cycle")]
    [(21, 'day')]
    """
    return tuple(_read_cycles(text))


def _read_cycles(text: str) -> Iterator[Mark[Period | None]]:
    for duration in find_durations(text):
        if duration.unit in {TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH}:
            after = _AFTER_CYCLE.match(text, duration.end)
            if after or _BEFORE_CYCLE.search(text, max(0, duration.start - 60), duration.start):
                yield Mark(_period(duration), duration.start, after.end() if after else duration.end)


def _period(duration: Duration) -> Period | None:
    return Period(value=duration.high, unit=duration.unit) if duration.low == duration.high else None


def find_lengths(text: str) -> tuple[Mark[Period | None], ...]:
    """Lengths of the treatment; a range reads as None.

    >>> [(m.value.value, m.value.unit.value) for m in find_lengths("daily for 12 weeks; up to 6 cycles")]
    [(12, 'week'), (6, 'cycle')]
    """
    return drop_overlaps([*_read_lengths(text), *_read_cycle_counts(text), *_read_consecutive(text)])


def _read_lengths(text: str) -> Iterator[Mark[Period | None]]:
    for duration in find_durations(text):
        if duration.unit not in _LONG or duration.unit is TimeUnit.CYCLE:
            continue
        before = _BEFORE_LENGTH.search(text, max(0, duration.start - 50), duration.start)
        after = _AFTER_LENGTH.match(text, duration.end)
        if before and _WEAK_BEFORE.fullmatch(before[0]) and not after:
            before = None
        if not (before or after) or _NO_LENGTH_AFTER.match(text, duration.end):
            continue
        if not _NO_LENGTH_BEFORE.search(text, max(0, duration.start - 30), duration.start):
            yield Mark(_period(duration), before.start() if before else duration.start, duration.end)


def _read_cycle_counts(text: str) -> Iterator[Mark[Period | None]]:
    for found in find_at(_COUNTED_CYCLES, text, number_places(text)):
        value = read_number(found["value"])
        is_range = re.search(
            r"(?:\d|\b(?:one|two|three|four|five|six))\s?(?:-|to|or)\s?$",
            text[max(0, found.start() - 10) : found.start()],
        )
        if value is not None:
            period = None if is_range else Period(value=value, unit=TimeUnit.CYCLE)
            yield Mark(period, found.start(), found.end())


def _read_consecutive(text: str) -> Iterator[Mark[Period | None]]:
    for found in find_at(_CONSECUTIVE, text, find_words(text).get("for", ())):
        value = read_number(found["value"])
        if value is not None:
            yield Mark(Period(value=value, unit=TimeUnit(found["unit"].lower())), found.start(), found.end())


def find_moments(text: str) -> tuple[Mark[str], ...]:
    """Moments of giving that are not counted days: "30 minutes before infusion", "after meals".

    >>> [m.value for m in find_moments("30 minutes before infusion, with food")]
    ['30 minutes before infusion', 'with food']
    """
    return tuple(
        Mark(found[0].rstrip(), found.start(), found.start() + len(found[0].rstrip()))
        for found in find_at(_MOMENT, text, sorted({*places_of(_MOMENT_WORDS, text), *_numerals(text)}))
    )

"""Lengths of the whole treatment: "for 12 weeks", "up to 6 cycles", "through week 48"."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

from extractor.parse.durations import Duration, find_durations
from extractor.parse.numbers import NUMBER, number_places, read_number
from extractor.parse.requirements import Guarded
from extractor.parse.words import find_at, find_words, places_of
from extractor.schemas import Period, TimeUnit

from .marks import Mark, drop_overlaps, number_sentences

__all__ = ["find_lengths"]

_BEFORE = Guarded(
    r"(?:\bfor|\bover(?: the course of| a period of)?|\bduring|\bthroughout|up to|max(?:imum|\.)?(?: of)?|total of|"
    r"until a maximum of|lasting|lasts|period of|"
    r"duration(?: of [\w\s]{0,20})?(?: is| was| will be|:)?(?: of)?|continued to|to complete|at most|received|"
    r"receive|,|\+|;|\b(?:daily|weekly|day|week|month|days|weeks|administration)\s(?:with)?in)"
    r"\s*(?:\(|an?\s|the\s|up to\s|about\s|approximately\s|a total of\s|a maximum of\s|a further\s|at least\s|"
    r"the first\s|total\s|consecutive\s|-)*$"
)
_WEAK_BEFORE = re.compile(r"(?:received|receive|,|\+|;)\s*(?:an?\s|the\s)*$", re.IGNORECASE)
_AFTER = re.compile(
    r"[\s-]?(?:consecutive\s|total\s)?(?:(?:of\s)?(?:(?:double|single|open)[\w-]*\s){0,2}treatment(?:\speriod|\sphase)?\b(?!\scycle)|"
    r"course of\b|in total\b|daily admin|administration\b)",
    re.IGNORECASE,
)
_LISTED_AFTER = re.compile(r"\s?[,;.)]|\s?$")
_NOT_AFTER = re.compile(
    r"[\s-]*(?:before|prior|after|later|apart|following|intervals?|old|of age|cycle|post|from|as an? |"
    r"(?:treatment|dosing|chemotherapy)\scycle|courses\b|/\s?cycle|"
    r"of (?:each|every|a|follow)|follow|washout|ago|on[, ]|off|"
    r",?\s(?:then|followed by)\s[\w-]+\s\w+\s(?:off|rest|break))",
    re.IGNORECASE,
)
_NOT_BEFORE = Guarded(
    r"(?:every|each|follow(?:ed)?(?:[- ]up)?(?: of| for)?|age[ds]?|last(?:ed)?|after|previous|past|"
    r"(?<!day )(?<!daily )(?<!weekly )(?<!days )(?<!week )within|infused (?:for|over))\s*$"
)
# Giving can last until, or from, an event: "given for 7 days before surgery".
_EVENT_AFTER = re.compile(r"\s(?:before|prior to|after|following|from)\s", re.IGNORECASE)
_FIRM_BEFORE = re.compile(r"\b(?:for|over)\s(?:\w+\s)?$", re.IGNORECASE)
# How long participants are watched, not treated.
_WATCHED_BEFORE = Guarded(
    r"\b(?:(?<!regimen was )(?<!regimen is )(?<!schedule was )(?<!diet was )(?<!protocol was )follow(?:ed|ing)?"
    r"(?:[\s-]?ups?)?\b(?!\s(?:by|this|the)\b)|monitor(?:ed|ing)\b|observ(?:ed|ation)\b|visits?\b|"
    r"(?:re-?)?assess(?:ed|ments?)\b|evaluated\b|survival\b|wash-?out\b|stop\sdosing\b|off\sthe\sdrug\b)"
    r"(?:(?!\b(?:receiv|dos(?:e|ing)|mg|administ|infus|inject|treat|tak(?!e\splace)|given|daily|therapy))[^.;:\n]){0,60}$"
)
_NO_GIVING = re.compile(r"\b(?:follow|monitor|observ|wash|abst|surviv|discontinu|stop|rest\b|wait)", re.IGNORECASE)

_CONSECUTIVE = re.compile(
    rf"\bfor\s(?P<value>{NUMBER})\s(?:\(\d+\)\s)?consecutive\s(?P<unit>day|week|month)s?\b", re.IGNORECASE
)
_CYCLES = re.compile(
    rf"(?P<value>{NUMBER})\s(?:\(\d+\)\s)?(?:(?:[1-9]\d?|three|four|two)[- ](?:day|week)[- ]|treatment\s|"
    rf"\w+day\s|full\s|additional\s)?(?:cycles|courses)\b(?!\s(?:of\s\S+\s)?(?:beyond\s|past\s|after\s|minimum\b))",
    re.IGNORECASE,
)
_RANGE_BEFORE = re.compile(r"(?:\d|\b(?:one|two|three|four|five|six))\s?(?:-|to|or)\s?$")
_TO_WEEK = re.compile(
    r"\b(?:up\sto|until|through|till|to)\s(?:the\send\sof\s)?(?P<unit>week|month)\s(?P<value>\d{1,3})\b", re.IGNORECASE
)
_TRUST, _TRUST_OF_STEP = 0.92, 0.3
"""Shares of right lengths among those that stand in the words about a labelled dose: one in a sentence, several."""

_TOTAL = re.compile(r"\w+\s(?:an?\s)?total of\s", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.;]\s|\n")


def find_lengths(text: str) -> tuple[Mark[Period | None], ...]:
    """Lengths of the treatment in cleaned text; a range reads as None.

    >>> [(m.value.value, m.value.unit.value) for m in find_lengths("daily for 12 weeks; up to 6 cycles")]
    [(12, 'week'), (6, 'cycle')]
    """
    counted = (*_read_week_limits(text), *_read_cycle_counts(text), *_read_consecutive(text))
    given = [mark for mark in (*_read_lengths(text), *counted) if not _is_watched(text, mark)]
    return _trust(text, _drop_parts(text, drop_overlaps(given)))


def _is_watched(text: str, mark: Mark[Period | None]) -> bool:
    if mark.value and mark.value.unit is TimeUnit.CYCLE:
        return False
    return _WATCHED_BEFORE.search(text, max(0, mark.start - 80), mark.start) is not None


def _trust(text: str, lengths: Sequence[Mark[Period | None]]) -> tuple[Mark[Period | None], ...]:
    """Several lengths in one sentence are steps of a treatment: none of them is that of the whole."""
    sentences = number_sentences(text, lengths)
    shared = {one for one, other in pairwise(sentences) if one == other}
    return tuple(
        Mark(mark.value, mark.start, mark.end, _TRUST_OF_STEP if sentence in shared else _TRUST)
        for mark, sentence in zip(lengths, sentences, strict=True)
    )


def _drop_parts(text: str, lengths: Sequence[Mark[Period | None]]) -> tuple[Mark[Period | None], ...]:
    """Without the lengths of which a sentence gives the sum: "for 12 weeks, then for 4, for a total of 16 weeks"."""
    sums = [mark.start for mark in lengths if _TOTAL.match(text, mark.start)]
    kept = []
    for mark in lengths:
        place = bisect_left(sums, mark.end)
        if mark.start in sums or place == len(sums) or _SENTENCE_END.search(text, mark.end, sums[place]):
            kept.append(mark)
    return tuple(kept)


def _read_lengths(text: str) -> Iterator[Mark[Period | None]]:
    for duration in find_durations(text):
        if duration.unit in {TimeUnit.MINUTE, TimeUnit.HOUR, TimeUnit.CYCLE}:
            continue
        before = _find_lead(text, duration)
        if not before and not _AFTER.match(text, duration.end) and not _is_bracketed(text, duration):
            continue
        if _NOT_AFTER.match(text, duration.end) and not _ends_at_event(text, duration):
            continue
        if not _NOT_BEFORE.search(text, max(0, duration.start - 30), duration.start):
            period = Period(value=duration.high, unit=duration.unit) if duration.low == duration.high else None
            yield Mark(period, before.start() if before else duration.start, duration.end)


def _find_lead(text: str, duration: Duration) -> re.Match[str] | None:
    """The words that make a duration that of a treatment; a comma does only with more words behind."""
    before = _BEFORE.search(text, max(0, duration.start - 50), duration.start)
    listed = duration.unit is not TimeUnit.DAY and _LISTED_AFTER.match(text, duration.end)
    if before and _WEAK_BEFORE.fullmatch(before[0]) and not (listed or _AFTER.match(text, duration.end)):
        return None
    return before


def _is_bracketed(text: str, duration: Duration) -> bool:
    """Whether it stands alone in brackets: "24 doses (24 weeks)"."""
    around = text[max(0, duration.start - 1) : duration.start] + text[duration.end : duration.end + 1]
    return around == "()" and duration.unit is not TimeUnit.DAY


def _ends_at_event(text: str, duration: Duration) -> bool:
    lead = max(0, duration.start - 70), duration.start
    if not _EVENT_AFTER.match(text, duration.end) or not _FIRM_BEFORE.search(text, *lead):
        return False
    return not _NO_GIVING.search(text, *lead)


def _read_week_limits(text: str) -> Iterator[Mark[Period | None]]:
    names = not {"week", "month"}.isdisjoint(find_words(text))
    for found in find_at(_TO_WEEK, text, places_of(("up", "until", "through", "till", "to"), text) if names else ()):
        unit = TimeUnit.WEEK if found["unit"][0] in "wW" else TimeUnit.MONTH
        yield Mark(Period(value=int(found["value"]), unit=unit), found.start(), found.end())


def _read_cycle_counts(text: str) -> Iterator[Mark[Period | None]]:
    places = () if {"cycles", "courses"}.isdisjoint(find_words(text)) else number_places(text)
    for found in find_at(_CYCLES, text, places):
        value = read_number(found["value"])
        if value is not None:
            is_range = _RANGE_BEFORE.search(text, max(0, found.start() - 10), found.start())
            period = None if is_range else Period(value=value, unit=TimeUnit.CYCLE)
            yield Mark(period, found.start(), found.end())


def _read_consecutive(text: str) -> Iterator[Mark[Period | None]]:
    words = find_words(text)
    for found in find_at(_CONSECUTIVE, text, words.get("for", ()) if "consecutive" in words else ()):
        value = read_number(found["value"])
        if value is not None:
            yield Mark(Period(value=value, unit=TimeUnit(found["unit"].lower())), found.start(), found.end())

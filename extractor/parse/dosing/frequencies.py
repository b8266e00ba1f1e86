"""How often an agent is given, as a code of the guideline."""

import re
from collections.abc import Iterator, Sequence

from extractor.parse.numbers import NUMBER, number_places, read_number
from extractor.parse.vocabulary import load_vocabulary
from extractor.parse.words import find_at, find_words, places_of
from extractor.schemas import Frequency

from .days import find_days
from .intervals import find_intervals
from .marks import Mark, drop_overlaps, number_sentences

__all__ = ["find_frequencies"]

_FIXED = load_vocabulary("frequencies")
_PER_DAY = {1: Frequency.QD, 2: Frequency.BID, 3: Frequency.TID, 4: Frequency.QID}
_PER_WEEK = {1: Frequency.QW, 2: Frequency.BIW, 3: Frequency.TIW, 7: Frequency.QD}

_RANGE_BEFORE = re.compile(r"(?:\d|\b(?:one|two|three|four))\s?(?:-|to|or)\s?$", re.IGNORECASE)
_EITHER_BEFORE = re.compile(r"\bonce\s(?:or|to)\s$", re.IGNORECASE)
_TIMES = re.compile(
    rf"(?:(?P<low>{NUMBER})\s?(?:x|times?"
    r"|(?:days|doses?|applications?|injections?|infusions?|servings?|sessions?|fractions?|treatments?|workouts?)(?=\s?/|\s(?:per|by|an?|each|every)\s))"
    r"|\bx\s?(?P<high>\d))\s?(?:/|per|by|an?|each|every)?\s?"
    r"\b(?P<unit>daily|day|weekly|week|month)\b",
    re.IGNORECASE,
)

# "2 x 200 mg daily" is given twice.
_TIMES_DOSE = re.compile(
    r"\b(?P<low>[2-4])\s?x\s?\d+(?:\.\d+)?\s?(?:[mu]?g|mcg|ml|IU|tablets?|tabs?|capsules?|drops|puffs?|sprays?)"
    r"\s?(?:/|per|an?|each|every)?\s?\b(?P<unit>daily|day)\b",
    re.IGNORECASE,
)
_LENGTH = re.compile(r"x\s?\d\s(?:day|week|month)", re.IGNORECASE)
# "25 mg/m2 for 3 days": given on each of these days, where nothing else says how often.
_EACH_DAY = re.compile(
    r"\b(?:mg|g|[mu]?cg|[uμ]g|mL|IU|units?|kg|m\^?[2²]|cells)\)?\b"
    r"(?:(?!\bday|\bfollow|\bmonitor|\bobserv|\bevery\b|\bsingle\b|\bcontinu)[^.;\n]){0,50}?"
    r"(?P<span>\b(?:for|x)\s(?:\w+\s\(\d+\)|[2-9]|1[0-4]|two|three|four|five|six|seven|ten)\s(?:consecutive\s)?days)\b"
    r"(?!\s(?:before|prior|after|following|post|of\s(?:each|every|a)))"
    r"|\b(?P<consecutive>(?:for|on|x)\s(?:[2-9]|1[0-4]|two|three|four|five|six|seven|ten)\s(?:\(\d+\)\s)?consecutive\sdays)\b",
    re.IGNORECASE,
)
_DIVIDED = re.compile(r",?\s(?:\w+\s){0,2}?(?=(?:in|divided)\b)", re.IGNORECASE)
_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|(?-i:Mon|Tues?|Wed|Thurs?|Fri|Sat|Sun))"
_WEEKDAYS = re.compile(
    rf"\b{_WEEKDAY}(?P<through>\s?-\s?|\s(?:to|through)\s)?"
    rf"(?(through){_WEEKDAY}|(?:[\s,/&]{{1,2}}(?:and\s)?{_WEEKDAY}){{1,3}})\b",
    re.IGNORECASE,
)
_WEEKDAY_WORDS = tuple(
    word
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for word in (day, day + "s", day[:3], day[:4], day[:5])
)
_TIME_WORDS = frozenset({"daily", "day", "weekly", "week", "month"})
"""Without one of them no number is counted in a time."""

_COMMON = (Frequency.QD, Frequency.BID, Frequency.QW, Frequency.Q2W, Frequency.Q3W, Frequency.Q4W)
_TRUST = dict.fromkeys(Frequency, 0.95) | dict.fromkeys(_COMMON, 0.98) | {Frequency.ONCE: 0.92, Frequency.OTHER: 0.94}
_TRUST_OF_SEVERAL = 0.75
"""Shares of right codes among those that stand in the words about a labelled dose, without listed days."""

_PER_WEEKDAYS = {2: Frequency.BIW, 3: Frequency.TIW}


def find_frequencies(text: str) -> tuple[Mark[Frequency], ...]:
    """Every stated frequency in cleaned text, left to right.

    >>> [m.value.value for m in find_frequencies("q12h, then every three weeks, 3 times a week, b.i.d.")]
    ['Q12H', 'Q3W', 'TIW', 'BID']
    """
    marks = drop_overlaps([*find_intervals(text), *_find_counts(text), *_find_weekdays(text), *_find_fixed(text)])
    stated = _drop_totals(text, marks)
    return _trust(text, drop_overlaps([*stated, *_find_each_day(text, stated)]))


def _drop_totals(text: str, marks: Sequence[Mark[Frequency]]) -> Sequence[Mark[Frequency]]:
    """Without the "per day" of a total that is divided: "40 mg per day in two divided doses"."""
    divided = {mark.start for mark in marks if "divided" in text[mark.start : mark.end].lower()}
    if not divided:
        return marks
    kept = []
    for mark in marks:
        gap = _DIVIDED.match(text, mark.end)
        if mark.value is not Frequency.QD or gap is None or gap.end() not in divided:
            kept.append(mark)
    return kept


def _find_each_day(text: str, marks: Sequence[Mark[Frequency]]) -> Iterator[Mark[Frequency]]:
    """The days on each of which a dose is given, in sentences that neither state a frequency nor list days."""
    if "days" not in find_words(text):
        return
    found = [
        Mark(Frequency.QD, *match.span("span" if match["span"] else "consecutive"))
        for match in _EACH_DAY.finditer(text)
    ]
    if not found:
        return
    others = [*marks, *find_days(text)]
    numbers = number_sentences(text, [*found, *others])
    stated = set(numbers[len(found) :])
    yield from (mark for mark, sentence in zip(found, numbers, strict=False) if sentence not in stated)


def _trust(text: str, marks: Sequence[Mark[Frequency]]) -> tuple[Mark[Frequency], ...]:
    """A code that is the only one of its sentence is surer than the first of two."""
    sentences = number_sentences(text, marks)
    codes: dict[int, set[Frequency]] = {}
    for mark, sentence in zip(marks, sentences, strict=True):
        codes.setdefault(sentence, set()).add(mark.value)
    return tuple(
        Mark(mark.value, mark.start, mark.end, _TRUST_OF_SEVERAL if len(codes[sentence]) > 1 else _TRUST[mark.value])
        for mark, sentence in zip(marks, sentences, strict=True)
    )


def _find_fixed(text: str) -> Iterator[Mark[Frequency]]:
    for found in _FIXED.find(text):
        either = _EITHER_BEFORE.search(text, max(0, found.start - 9), found.start) if found.value == "BID" else None
        if either:  # "once or twice daily"
            yield Mark(Frequency.OTHER, either.start(), found.end)
        else:
            yield Mark(Frequency(found.value), found.start, found.end)


def _find_counts(text: str) -> Iterator[Mark[Frequency]]:
    words = find_words(text)
    if _TIME_WORDS.isdisjoint(words):
        return
    for found in find_at(_TIMES, text, sorted((*number_places(text), *words.get("x", ())))):
        count = read_number(found["low"] or found["high"])
        if count is None or (found["high"] and _LENGTH.fullmatch(found[0])):
            continue
        unit = found["unit"][0].lower()
        table = _PER_DAY if unit == "d" else _PER_WEEK if unit == "w" else {1: Frequency.QM}
        span_before = _RANGE_BEFORE.search(text, max(0, found.start() - 9), found.start())
        value = Frequency.OTHER if span_before else table.get(int(count), Frequency.OTHER)
        yield Mark(value, span_before.start() if span_before else found.start(), found.end())
    for found in find_at(_TIMES_DOSE, text, number_places(text) if "x" in words else ()):
        yield Mark(_PER_DAY[int(found["low"])], found.start(), found.end())


def _find_weekdays(text: str) -> Iterator[Mark[Frequency]]:
    for found in find_at(_WEEKDAYS, text, places_of(_WEEKDAY_WORDS, text)):
        days = 0 if found["through"] else len(re.findall(_WEEKDAY, found[0], re.IGNORECASE))
        yield Mark(_PER_WEEKDAYS.get(days, Frequency.OTHER), found.start(), found.end())

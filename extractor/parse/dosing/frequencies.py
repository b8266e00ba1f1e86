"""How often an agent is given, as a code of the guideline."""

import re
from collections.abc import Iterator, Sequence

from extractor.parse.numbers import NUMBER, number_places, read_number
from extractor.parse.vocabulary import load_vocabulary
from extractor.parse.words import find_at, find_words, places_of
from extractor.schemas import Frequency

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
    r"|(?:days|doses|applications|injections|infusions|servings|sessions|fractions)(?=\s?/|\s(?:per|by|an?|each|every)\s))"
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
    return _trust(text, marks)


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
        if count is None:
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

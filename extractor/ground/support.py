"""Derive a single value again from the text: where it stands, or None if nothing there supports it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

from extractor.parse.dosing.frequencies import find_frequencies
from extractor.parse.dosing.marks import Mark
from extractor.parse.eligibility.windows import read_window
from extractor.parse.parsed import Reading, Span
from extractor.parse.passage import Passage
from extractor.parse.vocabulary import Match, load_vocabulary
from extractor.schemas import (
    Age,
    Amount,
    Constraint,
    Frequency,
    Instrument,
    Period,
    Route,
    Support,
    TimePoint,
    TimeWindow,
)
from extractor.text.book import read_text
from extractor.text.clean import clean_text
from extractor.text.passage import Passage as TokenPassage
from extractor.text.passage import Section

from .locate import find_quote, find_quotes
from .quantities import Derived, Place, find_amount, find_limit, find_together
from .subjects import is_said_of
from .times import find_time

__all__ = ["Supported", "find_support", "find_window"]

_VERSION_REACH = 60


@dataclass(frozen=True, slots=True)
class Supported:
    """A value with the characters that support it."""

    value: Any
    span: Span
    support: Support


@singledispatch
def find_support(value: Any, passage: Passage) -> Supported | None:
    """The support for ``value`` in ``passage``, or None.

    A member of a closed set rests on the passage as a whole; a quote must stand in it; every number
    of a value must stand in it.
    """
    return Supported(value, passage.whole, Support.INFERRED)


@find_support.register
def _quote(value: str, passage: Passage) -> Supported | None:
    if type(value) is not str:  # a member of a StrEnum
        return Supported(value, passage.whole, Support.INFERRED)
    span = find_quote(passage, value)
    return Supported(passage.raw[span.start : span.end], span, Support.LITERAL) if span else None


@find_support.register
def _constraint(value: Constraint, passage: Passage) -> Supported | None:
    quantity = find_quote(passage, value.quantity)
    if quantity is None and not _names_quantity(passage.text, value.quantity):
        return None
    place = find_limit(passage.text, value.comparator, (value.value, value.value_high), value.unit)
    if place and not _is_said_of(passage.text, value.quantity, place):
        place = place._replace(support=Support.INFERRED)
    return _supported(value, passage, place, quantity)


def _is_said_of(text: str, quantity: str, place: Derived) -> bool:
    """Whether a number is said of one of the nearest places that name the quantity; an age need not be named."""
    named = list(_find_words(quantity.lower(), text.lower()))
    nearest = sorted(named, key=lambda span: abs(span[0] - place.start))[:2]
    return not named or any(is_said_of(text, subject, (place.start, place.end)) for subject in nearest)


def _find_words(words: str, text: str) -> Iterator[Place]:
    """Every place of these words."""
    start = text.find(words) if words else -1
    while start >= 0:
        yield start, start + len(words)
        start = text.find(words, start + len(words))


def _names_quantity(text: str, quantity: str) -> bool:
    """Whether every word of a quantity stands in the text, in whatever order.

    An age need not be named: "2 to 18 years old".
    """
    words = re.findall(r"\w+", clean_text(quantity).text.lower())
    return quantity.lower() == "age" or (bool(words) and set(words) <= set(re.findall(r"\w+", text.lower())))


@find_support.register
def _amount(value: Amount, passage: Passage) -> Supported | None:
    return _supported(value, passage, find_amount(passage, value))


@find_support.register(Period)
@find_support.register(TimePoint)
def _time(value: Period | TimePoint, passage: Passage) -> Supported | None:
    return _supported(value, passage, find_time(passage.text, value.value, value.unit))


def _supported(value: Any, passage: Passage, place: Derived | None, also: Span | None = None) -> Supported | None:
    if place is None:
        return None
    span = passage.span(place.start, place.end)
    if also:
        span = Span(span.section, min(span.start, also.start), max(span.end, also.end))
    return Supported(value, span, place.support)


@find_support.register
def _instrument(value: Instrument, passage: Passage) -> Supported | None:
    named = find_quotes(passage, value.name)
    spelled = [passage.span(m.start, m.end) for m in load_vocabulary("instruments").find(passage.text)
               if m.value.lower() == value.name.lower()]  # fmt: skip
    if value.version and (together := find_quote(passage, value.name + value.version)):
        return Supported(value, together, Support.LITERAL)  # "RECIST1.1"
    for span in (*named, *spelled):
        if _states_version(value.version, passage, span):
            return Supported(value, span, Support.LITERAL if span in named else Support.PARSED)
    return None


def _states_version(version: str | None, passage: Passage, name: Span) -> bool:
    """Whether a version stands right behind the instrument's name."""
    behind = passage.cleaned.clean_position(name.end)
    near = replace(passage, start=behind, end=min(passage.end, behind + _VERSION_REACH))
    return version is None or any(find_quote(near, mark + version) for mark in ("", "v", "v.", "version"))


@find_support.register
def _window(value: TimeWindow, passage: Passage) -> Supported | None:
    found = find_window(value.quote, passage)
    if found is None:
        return None
    same = (value.comparator, value.value, value.unit) == (found.value.comparator, found.value.value, found.value.unit)
    return found if same else None


@find_support.register
def _age(value: Age, passage: Passage) -> Supported | None:
    if place := find_time(passage.text, value.value, value.unit):
        return _supported(value, passage, place)
    bare = next((Derived(*place, Support.INFERRED) for place in find_together(passage.text, (value.value,))), None)
    return _supported(value, passage, bare)  # "Age 18-65": the unit is understood


@find_support.register
def _frequency(value: Frequency, passage: Passage) -> Supported | None:
    return _read_code(value, passage, find_frequencies(passage.text))


@find_support.register
def _route(value: Route, passage: Passage) -> Supported | None:
    return _read_code(value, passage, load_vocabulary("routes").find(passage.text))


def _read_code(value: str, passage: Passage, read: Iterable[Mark[Frequency] | Match]) -> Supported | None:
    """A code that the rules read in the same words is parsed; any other is the reader's conclusion."""
    mark = next((mark for mark in read if mark.value == value), None)
    if mark is None:
        return Supported(value, passage.whole, Support.INFERRED)
    return Supported(value, passage.span(mark.start, mark.end), Support.PARSED)


def find_window(quote: str, passage: Passage) -> Supported | None:
    """The time window that a quoted part of the passage states, read from the quote by the rules, or None."""
    span = find_quote(passage, quote)
    if span is None:
        return None
    start, end = passage.cleaned.clean_position(span.start), passage.cleaned.clean_position(span.end)
    # What stands around a window tells it from an age; but the first window of a passage may be another one.
    whole = _read_window(passage)
    there = whole.value is not None and all(one.start < span.end and span.start < one.end for one in whole.spans)
    window = whole.value if there else _read_window(replace(passage, start=start, end=end)).value
    if window is None:
        return None
    quoted = window.model_copy(update={"quote": passage.raw[span.start : span.end]})
    return Supported(quoted, span, Support.PARSED)


def _read_window(passage: Passage) -> Reading[TimeWindow | None]:
    section = Section(passage.section, passage.raw, passage.cleaned, read_text(passage.cleaned.text))
    tokens = section.tokens
    return read_window(TokenPassage(section, tokens.at(passage.start), tokens.before(passage.end)).alone())

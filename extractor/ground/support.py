"""Derive a single value again from the text: where it stands, or None if nothing there supports it."""

import re
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

from extractor.parse.clean import clean_text
from extractor.parse.eligibility.windows import read_window
from extractor.parse.parsed import Span
from extractor.parse.passage import Passage
from extractor.parse.vocabulary import load_vocabulary
from extractor.schemas import Amount, Constraint, Instrument, Period, Support, TimePoint

from .locate import find_quote
from .quantities import Derived, find_amount, find_limit, find_time
from .subjects import is_said_of

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
    """Whether a number is said of one of the places that name the quantity, or of none, as an age may be."""
    named = [found.span() for found in re.finditer(re.escape(quantity), text, re.IGNORECASE)]
    return not named or any(is_said_of(text, subject, (place.start, place.end)) for subject in named)


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
    span = find_quote(passage, value.name)
    spelled = span or _find_spelled_out(value.name, passage)
    if spelled is None or not _states_version(value.version, passage, spelled):
        return None
    return Supported(value, spelled, Support.LITERAL if span else Support.INFERRED)


def _states_version(version: str | None, passage: Passage, name: Span) -> bool:
    """Whether a version stands right behind the instrument's name."""
    behind = passage.cleaned.clean_position(name.end)
    near = replace(passage, start=behind, end=min(passage.end, behind + _VERSION_REACH))
    return version is None or any(find_quote(near, mark + version) for mark in ("", "v", "v.", "version"))


def _find_spelled_out(name: str, passage: Passage) -> Span | None:
    """The words for which ``name`` is the usual short form."""
    named = load_vocabulary("instruments").find(passage.text)
    return next((passage.span(m.start, m.end) for m in named if m.value.lower() == name.lower()), None)


def find_window(quote: str, passage: Passage) -> Supported | None:
    """The time window that a quoted part of the passage states, read from the quote by the rules, or None."""
    span = find_quote(passage, quote)
    if span is None:
        return None
    start, end = passage.cleaned.clean_position(span.start), passage.cleaned.clean_position(span.end)
    window = read_window(replace(passage, start=start, end=end)).value
    if window is None:
        return None
    whole = window.model_copy(update={"quote": passage.raw[span.start : span.end]})
    return Supported(whole, span, Support.PARSED)

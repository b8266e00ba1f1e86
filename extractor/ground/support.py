"""Derive a single value again from the text: where it stands, or None if nothing there supports it."""

from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

from extractor.parse.eligibility.windows import read_window
from extractor.parse.parsed import Span
from extractor.parse.passage import Passage
from extractor.parse.vocabulary import load_vocabulary
from extractor.schemas import Amount, Constraint, Instrument, Period, Support, TimePoint

from .locate import find_number, find_quote

__all__ = ["Supported", "find_support", "find_window"]


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
    return _numbers(value, (value.value, value.value_high), passage, quantity)


@find_support.register
def _amount(value: Amount, passage: Passage) -> Supported | None:
    return _numbers(value, (value.low, value.high), passage)


@find_support.register(Period)
@find_support.register(TimePoint)
def _time(value: Period | TimePoint, passage: Passage) -> Supported | None:
    return _numbers(value, (value.value,), passage)


@find_support.register
def _instrument(value: Instrument, passage: Passage) -> Supported | None:
    span = find_quote(passage, value.name)
    spelled = span or _find_spelled_out(value.name, passage)
    if spelled is None or not _states_version(value.version, passage):
        return None
    return Supported(value, spelled, Support.LITERAL if span else Support.INFERRED)


def _states_version(version: str | None, passage: Passage) -> bool:
    return version is None or any(find_quote(passage, mark + version) for mark in ("", "v", "v.", "version"))


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


def _numbers(
    value: Any, numbers: tuple[float | None, ...], passage: Passage, near: Span | None = None
) -> Supported | None:
    spans = [near] if near else []
    for number in numbers:
        if number is None:
            continue
        span = find_number(passage, number, spans[-1] if spans else None)
        if span is None:
            return None
        spans.append(span)
    if not spans:
        return None
    whole = Span(passage.section, min(span.start for span in spans), max(span.end for span in spans))
    return Supported(value, whole, Support.PARSED)

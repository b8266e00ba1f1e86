"""Derive a single value again from the text: where it stands, or None if nothing there supports it."""

from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from extractor.parse.parsed import Span
from extractor.schemas import Amount, Constraint, Instrument, Period, Support, TimePoint

from .passage import Passage

__all__ = ["Supported", "find_support"]


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
    span = passage.locate(value)
    return Supported(passage.quote(span), span, Support.LITERAL) if span else None


@find_support.register
def _constraint(value: Constraint, passage: Passage) -> Supported | None:
    quantity = passage.locate(value.quantity)
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
    span = passage.locate(value.name)
    if span:
        return Supported(value, span, Support.LITERAL)
    # The usual short form may stand for a name that is written out.
    return Supported(value, passage.whole, Support.INFERRED)


def _numbers(
    value: Any, numbers: tuple[float | None, ...], passage: Passage, near: Span | None = None
) -> Supported | None:
    spans = [near] if near else []
    for number in numbers:
        if number is None:
            continue
        span = passage.locate_number(number, spans[-1] if spans else None)
        if span is None:
            return None
        spans.append(span)
    if not spans:
        return None
    whole = Span(passage.section, min(span.start for span in spans), max(span.end for span in spans))
    return Supported(value, whole, Support.PARSED)

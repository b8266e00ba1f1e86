"""Why a value was refused: which token of it the text has otherwise, and where."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from extractor.parse.dosing.amounts import find_amounts
from extractor.parse.durations import find_durations
from extractor.parse.parsed import Span
from extractor.parse.passage import Passage
from extractor.schemas import Amount, Constraint, Instrument, Period, TimePoint

from .critical import ConflictKind, TokenConflict
from .locate import find_quote
from .numerals import find_numbers
from .quantities import Place, find_comparator, find_together
from .quotes import QuoteStatus, verify_quote
from .unit_words import has_unit, stands_bare

__all__ = ["Refusal", "explain_refusal"]

_BEHIND = 24
_VERSION = re.compile(r"\W{0,3}(?:v(?:ersion|\.)?\s?)?(?P<number>\d+(?:\.\d+)*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A conflict with what stands at ``nearest``, or the absence of anything like the value."""

    status: QuoteStatus = QuoteStatus.ABSENT
    conflicts: tuple[TokenConflict, ...] = ()
    nearest: Span | None = None


@singledispatch
def explain_refusal(value: Any, passage: Passage) -> Refusal:  # noqa: ARG001  # of a class there is nothing to say
    """What in the passage contradicts a value that it does not support.

    >>> from extractor.parse.passage import passage_of
    >>> refusal = explain_refusal("ECOG 0-1", passage_of("ECOG 0-2 or better"))
    >>> refusal.status.value, refusal.conflicts[0].stated
    ('conflict', '2')
    """
    return Refusal()


@explain_refusal.register
def _quote(value: str, passage: Passage) -> Refusal:
    whole = passage.whole
    check = verify_quote(value, passage.raw[whole.start : whole.end])
    if check.status is not QuoteStatus.CONFLICT or check.start is None or check.end is None:
        return Refusal()
    nearest = Span(passage.section, whole.start + check.start, whole.start + check.end)
    return Refusal(check.status, check.conflicts, nearest)


@explain_refusal.register
def _constraint(value: Constraint, passage: Passage) -> Refusal:
    text, bounds = passage.text, (value.value, value.value_high)
    for place in find_together(text, bounds):
        if not (stands_bare(text, place) if value.unit is None else has_unit(text, place, value.unit)):
            return _refuse(passage, place, ConflictKind.UNIT, value.unit or "", _words_behind(text, place))
        stated = find_comparator(text, place)
        if stated is not value.comparator:
            return _refuse(passage, place, ConflictKind.COMPARATOR, value.comparator, stated or "")
    return _refuse_bound(bounds, value.quantity, passage)


def _refuse_bound(bounds: tuple[float, float | None], quantity: str, passage: Passage) -> Refusal:
    """The bound that stands nowhere, against the number nearest to the other one, or else to the quantity."""
    numbers = list(find_numbers(passage.text))
    missing = [bound for bound in bounds if bound is not None and all(number != bound for number, _, _ in numbers)]
    standing = [start for number, start, _ in numbers if number in bounds]
    others = [(start, end) for number, start, end in numbers if number not in bounds]
    named = find_quote(passage, quantity)
    if not missing or not others or not (named or standing):
        return Refusal()
    anchor = standing[0] if standing else passage.cleaned.clean_position(named.end) - passage.start if named else 0
    nearest = min(others, key=lambda place: abs(place[0] - anchor))
    return _refuse(passage, nearest, ConflictKind.NUMBER, f"{missing[0]:g}", passage.text[slice(*nearest)])


@explain_refusal.register
def _amount(value: Amount, passage: Passage) -> Refusal:
    bounds = value.low, value.high if value.high != value.low else None
    for place in find_together(passage.text, bounds):
        return _refuse(passage, place, ConflictKind.UNIT, value.unit, _words_behind(passage.text, place))
    stated = [(mark.start, mark.end) for mark in find_amounts(passage.text)]
    return _refuse_number(value.low if value.low is not None else value.high, stated, passage)


@explain_refusal.register(Period)
@explain_refusal.register(TimePoint)
def _time(value: Period | TimePoint, passage: Passage) -> Refusal:
    for place in find_together(passage.text, (value.value,)):
        return _refuse(passage, place, ConflictKind.TIME_UNIT, value.unit, _words_behind(passage.text, place))
    return _refuse_number(value.value, [(d.start, d.end) for d in find_durations(passage.text)], passage)


@explain_refusal.register
def _instrument(value: Instrument, passage: Passage) -> Refusal:
    named = find_quote(passage, value.name)
    if named is None:
        return Refusal()
    start = passage.cleaned.clean_position(named.end) - passage.start
    found = _VERSION.match(passage.text, start)
    place = found.span("number") if found else (start, start)
    return _refuse(passage, place, ConflictKind.NUMBER, value.version or "", passage.text[slice(*place)])


def _refuse_number(value: float | None, stated: list[Place], passage: Passage) -> Refusal:
    for place in stated:
        return _refuse(passage, place, ConflictKind.NUMBER, f"{value:g}", passage.text[slice(*place)])
    return Refusal()


def _refuse(passage: Passage, place: Place, kind: ConflictKind, quoted: str, stated: str) -> Refusal:
    return Refusal(QuoteStatus.CONFLICT, (TokenConflict(kind, quoted, stated),), passage.span(*place))


def _words_behind(text: str, place: Place) -> str:
    """The two words behind a number, as what stands there for a unit."""
    return " ".join(_words(text[place[1] : place[1] + _BEHIND]))


def _words(text: str) -> Iterator[str]:
    yield from re.split(r"[,;.()]", text, maxsplit=1)[0].split()[:2]

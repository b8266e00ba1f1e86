"""Why a value was refused: which token of it the text has otherwise, and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from extractor.parse.parsed import Span
from extractor.schemas import Amount, Constraint, Instrument, Period, TimePoint
from extractor.text.book import rule
from extractor.text.lexer import Tokens
from extractor.text.numbers import find_durations
from extractor.text.passage import Passage

from .critical import ConflictKind, TokenConflict
from .locate import find_quote, read_tokens, span_of
from .quotes import QuoteStatus, verify_quote
from .values import Place, find_comparator, find_numbers, find_together, has_unit, stands_bare

__all__ = ["Refusal", "explain_refusal"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A conflict with what stands at ``nearest``, or the absence of anything like the value."""

    status: QuoteStatus = QuoteStatus.ABSENT
    conflicts: tuple[TokenConflict, ...] = ()
    nearest: Span | None = None


@singledispatch
def explain_refusal(value: Any, passage: Passage) -> Refusal:  # noqa: ARG001  # of a class there is nothing to say
    """What in the passage contradicts a value that it does not support.

    >>> from extractor.text.passage import read_passage
    >>> refusal = explain_refusal("ECOG 0-1", read_passage("ECOG 0-2 or better"))
    >>> refusal.status.value, refusal.conflicts[0].stated
    ('conflict', '2')
    """
    return Refusal()


@explain_refusal.register
def _quote(value: str, passage: Passage) -> Refusal:
    first = passage.raw_span[0]
    check = verify_quote(value, passage.raw)
    if check.status is not QuoteStatus.CONFLICT or check.start is None or check.end is None:
        return Refusal()
    return Refusal(check.status, check.conflicts, Span(passage.section.name, first + check.start, first + check.end))


@explain_refusal.register
def _constraint(value: Constraint, passage: Passage) -> Refusal:
    tokens, bounds = read_tokens(passage), (value.value, value.value_high)
    for place in find_together(tokens, bounds):
        if not (stands_bare(tokens, place) if value.unit is None else has_unit(tokens, place, value.unit)):
            return _refuse(passage, tokens, place, ConflictKind.UNIT, value.unit or "")
        stated = find_comparator(tokens, place)
        if stated is not value.comparator:
            return _refuse(passage, tokens, place, ConflictKind.COMPARATOR, value.comparator, stated or "")
    return _refuse_bound(bounds, value.quantity, passage, tokens)


def _refuse_bound(bounds: tuple[float, float | None], quantity: str, passage: Passage, tokens: Tokens) -> Refusal:
    """The bound that stands nowhere, against the number nearest to the other one, or else to the quantity."""
    numbers = find_numbers(tokens)
    missing = [bound for bound in bounds if bound is not None and all(number.value != bound for number in numbers)]
    standing = [number.first for number in numbers if number.value in bounds]
    others = [(number.first, number.end) for number in numbers if number.value not in bounds]
    named = find_quote(passage, quantity)
    if not missing or not others or not (named or standing):
        return Refusal()
    anchor = standing[0] if standing else tokens.at(passage.section.cleaned.clean_position(named.end)) if named else 0
    nearest = min(others, key=lambda place: abs(place[0] - anchor))
    return _refuse(passage, tokens, nearest, ConflictKind.NUMBER, f"{missing[0]:g}", tokens.read(*nearest))


@explain_refusal.register
def _amount(value: Amount, passage: Passage) -> Refusal:
    tokens, bounds = read_tokens(passage), (value.low, value.high if value.high != value.low else None)
    for place in find_together(tokens, bounds):
        return _refuse(passage, tokens, place, ConflictKind.UNIT, value.unit)
    measured = [place for found in rule("measured").find(tokens) if (place := (found.first, found.end))]
    return _refuse_number(value.low if value.low is not None else value.high, measured, passage, tokens)


@explain_refusal.register(Period)
@explain_refusal.register(TimePoint)
def _time(value: Period | TimePoint, passage: Passage) -> Refusal:
    tokens = read_tokens(passage)
    for place in find_together(tokens, (value.value,)):
        return _refuse(passage, tokens, place, ConflictKind.TIME_UNIT, value.unit)
    return _refuse_number(value.value, [(d.first, d.end) for d in find_durations(tokens)], passage, tokens)


@explain_refusal.register
def _instrument(value: Instrument, passage: Passage) -> Refusal:
    named = find_quote(passage, value.name)
    if named is None:
        return Refusal()
    tokens = read_tokens(passage)
    at = tokens.at(passage.section.cleaned.clean_position(named.end))
    found = rule("version_behind").starts(tokens, at)
    conflict = TokenConflict(ConflictKind.NUMBER, value.version or "", (found.read("number") or "") if found else "")
    place = found.part("number") if found else None
    span = span_of(passage, tokens, *place) if place else Span(named.section, named.end, named.end)
    return Refusal(QuoteStatus.CONFLICT, (conflict,), span)


def _refuse_number(value: float | None, stated: Sequence[Place], passage: Passage, tokens: Tokens) -> Refusal:
    for place in stated:
        return _refuse(passage, tokens, place, ConflictKind.NUMBER, f"{value:g}", tokens.read(*place))
    return Refusal()


def _refuse(
    passage: Passage, tokens: Tokens, place: Place, kind: ConflictKind, quoted: str, stated: str | None = None
) -> Refusal:
    """A conflict at a place; without ``stated``, with the two words behind it, as what stands there for a unit."""
    if stated is None:
        end = place[1]
        while end < min(place[1] + 4, len(tokens)) and tokens.words[end] not in ",;.()":
            end += 1
        stated = " ".join(tokens.read(place[1], end).split()[:2])
    return Refusal(QuoteStatus.CONFLICT, (TokenConflict(kind, quoted, stated),), span_of(passage, tokens, *place))

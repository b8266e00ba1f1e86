"""Why a value is refused, and where the text says otherwise."""

from collections.abc import Iterator
from typing import Any

from extractor.concepts.limits.mentions import find_mentions
from extractor.concepts.limits.owners import is_own
from extractor.concepts.limits.rows import find_numbers, find_rows
from extractor.concepts.places import cut, find_quote, locate
from extractor.evidence.drafts import ConflictKind, Refusal, Span, Why
from extractor.evidence.quotes import QuoteStatus, verify_quote
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.language.numbers import find_durations
from extractor.language.passage import Passage
from extractor.schemas import (
    Age,
    Amount,
    Constraint,
    Period,
    Quantity,
    TimePoint,
    TimeWindow,
)

_WHY = {
    ConflictKind.NUMBER: Why.OTHER_NUMBER,
    ConflictKind.UNIT: Why.OTHER_UNIT,
    ConflictKind.TIME_UNIT: Why.OTHER_UNIT,
    ConflictKind.COMPARATOR: Why.OTHER_COMPARATOR,
}
"""What a quote has instead of the text's; all other tokens are words."""
CONFLICTS = frozenset({*_WHY.values(), Why.OTHER_WORDS})
"""Reasons for which an answer nearly stands at the place that is named."""


def explain_refusal(value: Any, passage: Passage) -> Refusal:
    """Find what in the passage contradicts an unsupported value.

    Words are compared with the text. The same numbers elsewhere have another unit, comparator or
    owner; without them, another number of the same quantity or kind is found. A value of any other
    type, such as a word of a closed set, is only not stated.

    >>> from extractor.language.passage import read_passage
    >>> passage = read_passage("ECOG 0-2 or better")
    >>> refusal = explain_refusal("ECOG 0-1", passage)
    >>> refusal.why.value, passage.raw[refusal.nearest.start : refusal.nearest.end]
    ('another number', 'ECOG 0-2')
    """
    match value:
        case str() if type(value) is str:
            return _explain_quote(value, passage)
        case TimeWindow():
            place = find_quote(passage, value.quote)
            return Refusal(Why.OTHER_VALUE, place) if place else Refusal()
        case Constraint() | Quantity():
            return _explain_limit(value, passage)
        case Amount():
            bounds = (value.low or value.high, value.high)
        case Age() | Period() | TimePoint():
            bounds = (value.value, value.value)
        case _:
            return Refusal()
    tokens = cut(passage)
    wanted = (bounds[0], None if bounds[0] == bounds[1] else bounds[1])
    for first, end, readings in find_rows(tokens, find_numbers(tokens)):
        if wanted in readings:
            is_age = isinstance(value, Age)
            why = Why.OTHER_OWNER if is_age else Why.OTHER_UNIT
            return Refusal(why, locate(passage, first, end))
    for first, end in _list_measures(tokens, is_dose=isinstance(value, Amount)):
        return Refusal(Why.OTHER_NUMBER, locate(passage, first, end))
    return Refusal()


def _list_measures(tokens: Tokens, *, is_dose: bool) -> Iterator[Range]:
    """Yield the numbers with a unit, or the lengths of time."""
    stated = rule("measured").find(tokens) if is_dose else find_durations(tokens)
    for one in stated:
        yield one.first, one.end


def _explain_quote(quote: str, passage: Passage) -> Refusal:
    """Find nearly the same words, with another number, unit, comparator or word: the first
    difference is the reason.
    """
    check = verify_quote(quote, passage.raw)
    if check.status is not QuoteStatus.CONFLICT:
        return Refusal()
    if check.start is None or check.end is None:
        return Refusal()
    offset, _ = passage.raw_span
    place = Span(passage.section.name, offset + check.start, offset + check.end)
    return Refusal(_WHY.get(check.conflicts[0].kind, Why.OTHER_WORDS), place)


def _explain_limit(limit: Constraint | Quantity, passage: Passage) -> Refusal:
    """Find what contradicts a limit: the first mention of its numbers, else another number of its
    quantity.
    """
    tokens = cut(passage)
    mentions = find_mentions(tokens)
    for mention in mentions:
        if (limit.value, limit.value_high) in mention.bounds:
            place = locate(passage, *mention.number)
            if limit.comparator not in mention.comparators:
                return Refusal(Why.OTHER_COMPARATOR, place)
            if limit.unit and limit.unit not in passage.text:
                return Refusal(Why.OTHER_UNIT, place)
            # without a place: a second answer would only name another quantity for the same words
            return Refusal(Why.OTHER_OWNER)
    name = limit.quantity if isinstance(limit, Constraint) else ""
    for mention in mentions:
        if is_own(name, mention, tokens):
            return Refusal(Why.OTHER_NUMBER, locate(passage, *mention.number))
    return Refusal()

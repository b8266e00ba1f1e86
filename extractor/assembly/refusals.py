"""Why a value is refused, and where the text says otherwise."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from extractor.concepts.groups.read import read_words
from extractor.concepts.limits.mentions import Mention, find_mentions
from extractor.concepts.limits.owners import is_own
from extractor.concepts.limits.prove import has_unit_of
from extractor.concepts.limits.rows import find_numbers, find_rows
from extractor.concepts.places import cut, find_quote, list_mentions, locate
from extractor.concepts.windows.prove_times import find_age, find_length
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
    CriterionGroup,
    Instrument,
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

    A value of a type that has no explanation, such as a word of a closed set, is only not stated.

    >>> from extractor.language.passage import read_passage
    >>> passage = read_passage("ECOG 0-2 or better")
    >>> refusal = explain_refusal("ECOG 0-1", passage)
    >>> refusal.why.value, passage.raw[refusal.nearest.start : refusal.nearest.end]
    ('another number', 'ECOG 0-2')
    """
    explain = _EXPLAIN.get(type(value))
    return explain(value, passage) if explain else Refusal()


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
    difference = check.conflicts[0].kind
    return Refusal(_WHY.get(difference, Why.OTHER_WORDS), place)


def _explain_version(instrument: Instrument, passage: Passage) -> Refusal:
    """Find the version that the text gives to the first mention of a named instrument; without a
    version, the mention itself is cited.
    """
    for name, _ in list_mentions(instrument.name, passage):
        tokens = cut(passage)
        behind = tokens.at(passage.section.cleaned.clean_position(name.end))
        version = rule("version_after").starts(tokens, behind)
        number = version.part("number") if version else None
        if number is None:
            return Refusal(nearest=name)
        return Refusal(Why.OTHER_NUMBER, locate(passage, *number))
    return Refusal()


def _explain_window(window: TimeWindow, passage: Passage) -> Refusal:
    """Find the words of a time window: they say another length, or are no limit of time."""
    place = find_quote(passage, window.quote)
    return Refusal(Why.OTHER_VALUE, place) if place else Refusal()


def _explain_age(age: Age, passage: Passage) -> Refusal:
    """Find an age in the passage: it is not that of all participants."""
    place = find_age(cut(passage), age)
    if place is None:
        return Refusal()
    return Refusal(Why.OTHER_OWNER, locate(passage, place.first, place.end))


def _explain_time_point(point: TimePoint, passage: Passage) -> Refusal:
    """Find a length of time that is no moment of the time frame; without one, another number."""
    length = Period(value=point.value, unit=point.unit)
    place = find_length(cut(passage), length)
    if place is None:
        return _explain_length(length, passage)
    return Refusal(Why.OTHER_OWNER, locate(passage, place.first, place.end))


def _explain_group(_: CriterionGroup, passage: Passage) -> Refusal:
    return Refusal(Why.OTHER_WORDS if read_words(cut(passage)) else Why.NOT_STATED)


def _explain_quantity(quantity: Quantity, passage: Passage) -> Refusal:
    return _explain_limit(Constraint(quantity="", **quantity.model_dump()), passage)


def _explain_limit(limit: Constraint, passage: Passage) -> Refusal:
    """Find what contradicts a limit.

    The first mention of the same numbers decides: it has another unit, another comparator, or the
    limit of something else. Else another number of the same quantity is found, unless all numbers
    of the limit are stated, though not together.
    """
    tokens = cut(passage)
    bounds = (limit.value, limit.value_high)
    mentions = find_mentions(tokens)
    for mention in mentions:
        if bounds not in mention.bounds:
            continue
        place = locate(passage, *mention.number)
        if not has_unit_of(limit, limit.quantity, mention, tokens):
            return Refusal(Why.OTHER_UNIT, place)
        if limit.comparator not in mention.comparators:
            return Refusal(Why.OTHER_COMPARATOR, place)
        # Without a place: a second answer would only name another quantity for the same words.
        return Refusal(Why.OTHER_OWNER if mention.subject else Why.NOT_STATED)
    stated: set[float | None] = set()
    for mention in mentions:
        for pair in mention.bounds:
            stated.update(pair)
    if stated.issuperset(bounds):
        return Refusal()
    other = _find_other_number(limit, mentions, tokens)
    if other is None:
        return Refusal()
    return Refusal(Why.OTHER_NUMBER, locate(passage, *other))


def _find_other_number(
    limit: Constraint, mentions: Sequence[Mention], tokens: Tokens
) -> Range | None:
    """Return the tokens of the first number that a mention of the limit's own quantity has and the
    limit has not, or None.
    """
    numbers = find_numbers(tokens)
    for mention in mentions:
        if not is_own(limit.quantity, mention, tokens):
            continue
        for number in numbers:
            is_inside = mention.first <= number.first and number.end <= mention.end
            if is_inside and number.value not in (limit.value, limit.value_high):
                return number.first, number.end
    return None


def _explain_amount(amount: Amount, passage: Passage) -> Refusal:
    """Find another unit of an amount, else the first number with a unit."""
    tokens = cut(passage)
    bounds: tuple[float | None, float | None]
    if amount.low is None or amount.low == amount.high:
        bounds = (amount.high, None)
    else:
        bounds = (amount.low, amount.high)
    measures = [
        (measured.first, measured.end) for measured in rule("measured").find(tokens)
    ]
    return _explain_measure(bounds, measures, passage, tokens)


def _explain_length(length: Period, passage: Passage) -> Refusal:
    """Find another unit of a length of time, else the first length of time."""
    tokens = cut(passage)
    durations = [(stated.first, stated.end) for stated in find_durations(tokens)]
    return _explain_measure((length.value, None), durations, passage, tokens)


def _explain_measure(
    bounds: tuple[float | None, float | None],
    measures: Iterable[Range],
    passage: Passage,
    tokens: Tokens,
) -> Refusal:
    """Find another unit at the place of the same numbers, else another number at the first measure
    that is stated.

    Args:
        bounds: The number and None, or both numbers of a range.
        measures: Where the passage states a number with a unit of this kind, as tokens.
        passage: The passage.
        tokens: Its tokens.
    """
    for first, end, readings in find_rows(tokens, find_numbers(tokens)):
        if bounds in readings:
            return Refusal(Why.OTHER_UNIT, locate(passage, first, end))
    for first, end in measures:
        return Refusal(Why.OTHER_NUMBER, locate(passage, first, end))
    return Refusal()


_EXPLAIN: Mapping[type, Callable[[Any, Passage], Refusal]] = {
    str: _explain_quote,
    Instrument: _explain_version,
    CriterionGroup: _explain_group,
    TimeWindow: _explain_window,
    Constraint: _explain_limit,
    Quantity: _explain_quantity,
    Age: _explain_age,
    TimePoint: _explain_time_point,
    Period: _explain_length,
    Amount: _explain_amount,
}
"""All other values, such as words of closed sets, are only not stated."""

"""Why a value is refused: what the text says instead, with its place."""

from collections.abc import Sequence
from typing import Any

from extractor.concepts.groups.read import read_words
from extractor.concepts.limits.mentions import find_mentions
from extractor.concepts.limits.owners import is_own
from extractor.concepts.limits.prove import has_unit_of
from extractor.concepts.limits.rows import find_numbers, find_rows
from extractor.concepts.places import cut, find_quote, list_mentions, locate
from extractor.concepts.windows.prove import find_window
from extractor.concepts.windows.prove_times import find_age, find_length
from extractor.evidence.drafts import ConflictKind, Refusal, Span, TokenConflict
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

_Conflict = tuple[ConflictKind, str, str, Range]
"""The kind, the value's token, the text's token, and the place of the number in the text."""


def explain_refusal(value: Any, passage: Passage) -> Refusal:
    """Find what in the passage contradicts an unsupported value.

    >>> from extractor.language.passage import read_passage
    >>> refusal = explain_refusal("ECOG 0-1", read_passage("ECOG 0-2 or better"))
    >>> refusal.conflicts[0].stated
    '2'
    """
    match value:
        case str():
            check = verify_quote(value, passage.raw)
            first = passage.raw_span[0]
            if check.status is not QuoteStatus.CONFLICT or check.start is None or check.end is None:
                return Refusal()
            return Refusal(
                check.conflicts, Span(passage.section.name, first + check.start, first + check.end)
            )
        case Instrument():
            return _refuse_version(value, passage, cut(passage))
        case TimePoint() | Age() | TimeWindow() if refusal := _refuse_time(value, passage):
            return refusal
    tokens = cut(passage)
    found = _contradict(value, tokens)
    if found is None or isinstance(found, str):
        return Refusal(reason=found or "")
    kind, quoted, states, place = found
    return Refusal((TokenConflict(kind, quoted, states),), locate(passage, *place))


def _refuse_time(value: TimePoint | Age | TimeWindow, passage: Passage) -> Refusal | None:
    """Say that a time stands in the text, and what it is there; None if it does not."""
    tokens = cut(passage)
    if isinstance(value, TimeWindow):
        span = find_quote(passage, value.quote)
        read = find_window(value.quote, passage)
        says = _show_window(read.value) if read else "no time limit"
        reason = f"the words stand in the text, but say {says}, not {_show_window(value)}"
        return Refusal(nearest=span, reason=reason) if span else None
    if isinstance(value, Age):
        place = find_age(tokens, value)
        what = "not this limit of all participants' ages"
    else:
        length = Period(value=value.value, unit=value.unit)
        place = find_length(tokens, length)
        what = "no moment or limit of the time frame"
    reason = f"it stands in the text, but is {what}"
    return (
        Refusal(nearest=locate(passage, place.first, place.end), reason=reason) if place else None
    )


def _show_window(window: TimeWindow) -> str:
    low = f"{window.comparator.value} {window.value:g}"
    number = low if window.value_high is None else f"{window.value:g}-{window.value_high:g}"
    return f"{number} {window.unit.value}"


def _contradict(value: Any, tokens: Tokens) -> _Conflict | str | None:
    match value:
        case Constraint():
            return _contradict_limit(value, tokens)
        case Quantity():
            return _contradict_limit(Constraint(quantity="", **value.model_dump()), tokens)
        case CriterionGroup():
            return f"the line says {str(said[0])!r}" if (said := read_words(tokens)) else None
        case Amount(low=low, high=high, unit=unit):
            stated = [(each.first, each.end) for each in rule("measured").find(tokens)]
            return _contradict_measure(
                tokens, (low, high if high != low else None), (ConflictKind.UNIT, unit), stated
            )
        case Period(value=number, unit=unit) | TimePoint(value=number, unit=unit):
            stated = [(duration.first, duration.end) for duration in find_durations(tokens)]
            return _contradict_measure(
                tokens, (number, None), (ConflictKind.TIME_UNIT, unit), stated
            )
    return None


def _contradict_limit(value: Constraint, tokens: Tokens) -> _Conflict | str | None:
    """What the mention of the same numbers says otherwise, else the number that the nearest
    mention has instead.
    """
    bounds = (value.value, value.value_high)
    mentions = find_mentions(tokens)
    for one in (each for each in mentions if bounds in each.bounds):
        if not has_unit_of(value, value.quantity, one, tokens):
            return ConflictKind.UNIT, value.unit or "", _read_unit(tokens, one.number), one.number
        if value.comparator not in one.comparators:
            stated = one.comparators[0] if one.stated else ""
            return ConflictKind.COMPARATOR, value.comparator, stated, one.number
        return f"the text says it of {tokens.read(*one.subject)!r}" if one.subject else None
    known = {number for one in mentions for pair in one.bounds for number in pair}
    missing = next((bound for bound in bounds if bound is not None and bound not in known), None)
    owned = [one for one in mentions if is_own(value.quantity, one, tokens)]
    inside = [
        one
        for each in owned
        for one in find_numbers(tokens)
        if each.first <= one.first and one.end <= each.end
    ]
    others = [one for one in inside if one.value not in bounds]
    if missing is None or not others:
        return None
    other = others[-1 if missing == value.value_high else 0]
    return (
        ConflictKind.NUMBER,
        f"{missing:g}",
        tokens.read(other.first, other.end),
        (other.first, other.end),
    )


def _contradict_measure(
    tokens: Tokens,
    bounds: tuple[float | None, float | None],
    unit: tuple[ConflictKind, str],
    stated: Sequence[Range],
) -> _Conflict | None:
    """Return a unit conflict at the first place of the numbers, else a conflict with the first
    stated number.
    """
    wanted = (bounds[1], None) if bounds[0] is None else bounds
    for first, end, said in find_rows(tokens, find_numbers(tokens)):
        if wanted in said:
            return *unit, _read_unit(tokens, (first, end)), (first, end)
    value = bounds[1] if bounds[0] is None else bounds[0]
    return (
        (ConflictKind.NUMBER, f"{value:g}", tokens.read(*stated[0]), stated[0]) if stated else None
    )


def _read_unit(tokens: Tokens, place: Range) -> str:
    """Return the two words after a number, where the text has a unit."""
    end = place[1]
    while end < min(place[1] + 4, len(tokens)) and tokens.words[end] not in ",;.()":
        end += 1
    return " ".join(tokens.read(place[1], end).split()[:2])


def _refuse_version(value: Instrument, passage: Passage, tokens: Tokens) -> Refusal:
    named = next((span for span, _ in list_mentions(value.name, passage)), None)
    if named is None:
        return Refusal()
    found = rule("version_after").starts(
        tokens, tokens.at(passage.section.cleaned.clean_position(named.end))
    )
    place = found.part("number") if found else None
    conflict = TokenConflict(
        ConflictKind.NUMBER, value.version or "", tokens.read(*place) if place else ""
    )
    span = locate(passage, *place) if place else Span(named.section, named.end, named.end)
    return Refusal((conflict,), span)

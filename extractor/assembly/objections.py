"""Explain why a value is rejected, and where the text contradicts it."""

from dataclasses import replace

from extractor.assembly.grounding import list_numbers
from extractor.assembly.support import list_opposites
from extractor.concepts.limits.mentions import NumberMention, find_mentions
from extractor.concepts.limits.ownership import Ownership, judge_owner
from extractor.concepts.places import find_quote, locate
from extractor.evidence.drafts import ConflictKind, Objection, Span, Why
from extractor.evidence.quotes import QuoteCheck, QuoteStatus, verify_quote
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.language.numbers import find_durations
from extractor.language.passage import Passage
from extractor.schemas import (
    Age,
    Amount,
    Constraint,
    FindingKind,
    Period,
    Quantity,
    TimePoint,
    TimeWindow,
)
from extractor.wire.value_forms import show_value

_Measured = Amount | Constraint | Quantity | Age | Period | TimePoint
_WHY = {
    ConflictKind.NUMBER: Why.OTHER_NUMBER,
    ConflictKind.UNIT: Why.OTHER_UNIT,
    ConflictKind.TIME_UNIT: Why.OTHER_UNIT,
    ConflictKind.COMPARATOR: Why.OTHER_COMPARATOR,
}
"""The reason for each kind of conflicting token; all other tokens are treated as words."""
_CONFLICTS = frozenset({*_WHY.values(), Why.OTHER_WORDS})
"""Reasons that indicate that the cited place nearly states the answer."""


def explain_objection(value: object, passage: Passage) -> Objection:
    """Return the reason why a value is not supported, together with the contradicting place if the
    passage contains one.

    Words are compared with the text. If the passage contains the same numbers, the reason is that
    they have a different unit, comparator or owner. Otherwise, another number of the same quantity
    or kind is cited. A value of any other type, such as a member of a closed set, is simply
    reported as not stated.

    >>> from extractor.language.passage import read_passage
    >>> passage = read_passage("ECOG 0-2 or better")
    >>> objection = explain_objection("ECOG 0-1", passage)
    >>> (
    ...     objection.why.value,
    ...     passage.raw[objection.nearest.start : objection.nearest.end],
    ... )
    ('another number', 'ECOG 0-2')
    >>> passage = read_passage("Fictumab at least 40 mg daily")
    >>> explain_objection(Amount(low=None, high=40, unit="mg"), passage).why.value
    'another comparator'
    """
    if type(value) is str:
        return _explain_quote(value, passage)
    if isinstance(value, TimeWindow):
        place = find_quote(passage, value.quote)
        if place:
            return Objection(Why.OTHER_VALUE, place)
        return Objection()
    if isinstance(value, _Measured):
        return _explain_number(value, passage)
    return Objection()


def _explain_quote(quote: str, passage: Passage) -> Objection:
    """Find words that are nearly the same as the quote but differ in a number, unit, comparator or
    word. The first difference is the reason.
    """
    check = verify_quote(quote, passage.raw)
    place = locate_check(check, passage)
    if check.status is not QuoteStatus.CONFLICT:
        return Objection()
    return Objection(_WHY.get(check.conflicts[0].kind, Why.OTHER_WORDS), place)


def locate_check(check: QuoteCheck, passage: Passage) -> Span | None:
    """Return the place at which a check of a passage's text found a quote, or nearly found it."""
    if check.start is None or check.end is None:
        return None
    first, _ = passage.raw_span
    return Span(passage.section.name, first + check.start, first + check.end)


def _explain_number(value: _Measured, passage: Passage) -> Objection:
    """Find the first mention of the same numbers or, failing that, another number of the same
    quantity, another dose or another duration.
    """
    tokens = passage.cut()
    bounds = list_numbers(value)
    for mention in find_mentions(tokens):
        if bounds not in mention.bounds:
            continue
        place = locate(passage, *mention.number)
        if _has_other_comparator(value, mention):
            return Objection(Why.OTHER_COMPARATOR, place)
        owner_differs = isinstance(value, Age)
        if isinstance(value, Constraint | Quantity):
            owner_differs = not value.unit or value.unit in passage.text
        if owner_differs:
            # the place is omitted, because a re-ask would only name another owner for the same
            # words
            return Objection(Why.OTHER_OWNER)
        return Objection(Why.OTHER_UNIT, place)
    for number in _list_same_kind(value, tokens):
        return Objection(Why.OTHER_NUMBER, locate(passage, *number))
    return Objection()


def _has_other_comparator(value: _Measured, mention: NumberMention) -> bool:
    """Return whether the words around a number do not allow the comparator of a limit, or state the
    opposite of the open end of an amount.
    """
    if isinstance(value, Constraint | Quantity):
        return value.comparator not in mention.comparators
    if not isinstance(value, Amount):
        return False
    if not mention.stated:
        return False
    return mention.comparators[0] in list_opposites(value)


def _list_same_kind(value: _Measured, tokens: Tokens) -> list[Range]:
    """Return the numbers in a line that are of the same kind as the value: limits of the same
    quantity, doses or durations.
    """
    if isinstance(value, Constraint | Quantity):
        name = getattr(value, "quantity", "")
        return [
            mention.number
            for mention in find_mentions(tokens)
            if judge_owner(name, mention, tokens) is Ownership.OWN
        ]
    # any other dose of the line may have been meant
    if isinstance(value, Amount):
        return [(dose.first, dose.end) for dose in rule("measured").find(tokens)]
    return [(length.first, length.end) for length in find_durations(tokens)]


def describe_objection(objection: Objection, field: str, value: object) -> Objection:
    """Return a rejection with the rejected value, its field, and the kind of finding, which is a
    conflict if the text contains nearly the same words as the value. If only a part is rejected,
    the value is shown together with that part.
    """
    kind = FindingKind.VALUE_NOT_IN_QUOTE
    # the text says nearly the same: the finding shows both
    if objection.nearest and objection.why in _CONFLICTS:
        kind = FindingKind.QUOTE_CONFLICT
    elif isinstance(value, str):
        kind = FindingKind.QUOTE_NOT_FOUND
    shown = show_value(value)
    if objection.part:
        shown = f"{shown}, {objection.value}"
    return replace(objection, field=field, value=shown, kind=kind)

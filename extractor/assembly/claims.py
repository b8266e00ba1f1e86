"""Verify a model's claims about custom fields against the text: against the claim's quote or,
failing that, against its line.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from extractor.assembly.objections import (
    describe_objection,
    explain_objection,
    locate_check,
)
from extractor.assembly.support import find_support, support_at
from extractor.concepts.limits.written_numbers import Number, find_numbers
from extractor.concepts.own.attributes import Attribute, AttributeSet
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.places import (
    Derived,
    Found,
    read_supported,
    support_quote,
)
from extractor.confidence import CUSTOM, find_most
from extractor.evidence.drafts import Objection, Reading, Span, Supported, Why
from extractor.evidence.items import OwnReadings
from extractor.evidence.quotes import QuoteStatus, verify_quote
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import find_durations
from extractor.language.passage import Passage, read_passage
from extractor.language.values import list_members
from extractor.schemas import (
    Age,
    Comparator,
    FieldRef,
    Period,
    Quantity,
    Support,
    TimePoint,
)

_CONTENT_WORD = re.compile(
    r"\b(?!(?:a|an|and|any|as|at|by|for|from|in|is|are|it|of|on|or|that|the|this|to|was|were|will"
    r"|with|be)\b)[^\W_]",
    re.IGNORECASE,
)
"""The first letter of a word that can serve as evidence, unlike the words in "of the"."""
_ZEROS = (Quantity(comparator=Comparator.EQUAL, value=0), 0)
"""The values that words such as "no" and "without" can express."""
_NAME = re.compile(
    r"\b(?:(?:type|stage|grade|class|phase)\s+\w+|[^\W\d]+[-/]?\d\S*|[IVX]+\b)",
    re.IGNORECASE,
)
"""A name that contains a number, such as "IL-6", "CDK4/6", "type 2" or "stage IV"."""
_NOWHERE = Span("", 0, 0)
"""The words of an object that has none of its own."""


def check_claim(
    claim: Mapping[str, object], field: CustomField, here: Passage
) -> tuple[OwnReadings, list[Objection]]:
    """Check each value of a claim. Returns the supported readings, keyed by the path of their
    attribute, such as ``methods[0].name``, and the rejected values.

    A conclusion, such as a member of a closed set, is supported if the passage contains the
    claim's quote; a number or a text value must be supported by its own words. The whole claim is
    rejected if the passage does not contain the quote, or if the quote consists only of words such
    as "of the"; the quote is then recorded as the rejected value. The whole claim is also rejected
    if a required attribute does not have a supported value. A nested object is checked against its
    own quote in the same way.

    Args:
        claim: The model's values, keyed by attribute, and its ``quote``.
        field: The declaration of the custom field.
        here: The passage that the model was asked about.

    >>> from extractor.concepts.own.models import read_fields
    >>> (field,) = read_fields("extractor.catalogue:Blinding")
    >>> claim = {"quote": "masked for 4 weeks", "level": "open"}
    >>> check_claim(claim, field, read_passage("Staff are masked for 4 weeks"))[0][
    ...     "level"
    ... ].support.value
    'inferred'
    >>> check_claim(
    ...     claim, field, read_passage("Staff are masked for 6 weeks")
    ... )  # doctest: +ELLIPSIS
    ({}, [Objection(why=<Why.OTHER_NUMBER: 'another number'>, ...)])
    """
    checker = _Checker(field.name, here)
    quote = checker.find_quote(claim)
    if claim.get("quote") and quote is None:
        return {}, checker.objections
    return checker.check(claim, field, quote), checker.objections


class _Checker:
    """Checks the values of a claim about a custom field, and collects the values that the passage
    ``here`` does not support.
    """

    def __init__(self, field: str, here: Passage) -> None:
        self.objections: list[Objection] = []
        self._field = field
        self._here = here

    def check(
        self,
        values: Mapping[str, object],
        declared: AttributeSet,
        quote: Span | None,
        own: Span | None = None,
        place: str = "",
    ) -> OwnReadings:
        """Return the supported readings of an object, keyed by their paths, which begin with
        ``place``; nothing if a required attribute does not have a supported value. A value outside
        its ``own`` words, if any, may belong to another object.
        """
        readings: dict[str, Reading[object]] = {}
        is_whole = True
        for attribute in declared.attributes:
            members = list_members(values.get(attribute.name))
            path = f"{place}{attribute.name}"
            check = self._check_values
            if attribute.attributes:
                check = self._check_objects
            found = check(members, attribute, quote, own, path)
            readings |= found
            if attribute.required and not found:
                is_whole = False
        if is_whole:
            return readings
        return {}

    def _check_values(
        self,
        members: Sequence[Any],
        attribute: Attribute,
        quote: Span | None,
        own: Span | None,
        path: str,
    ) -> OwnReadings:
        """Return the reading of an attribute; nothing if no value is supported."""
        supported: list[Supported[object]] = []
        for value in members:
            proven: Found = None
            is_conclusion = attribute.kind.support is Support.INFERRED
            # a number or a text must be stated itself; a choice follows from the words of the quote
            if not is_conclusion:
                proven = find_claimed(value, self._here, quote)
            elif quote:
                proven = Supported(value, quote, Support.INFERRED)
            if proven is None:
                why = None
                if is_conclusion:
                    why = Why.UNQUOTED
                self._reject(value, path, why)
                continue
            if own and not own.contains(proven.span):
                most = find_most(CUSTOM, "untied")
                proven = replace(proven, confidence=min(proven.confidence, most))
            supported.append(proven)
        if not supported:
            return {}
        return {path: read_supported(supported, many=attribute.many)}

    def _check_objects(
        self,
        members: Sequence[Any],
        attribute: Attribute,
        quote: Span | None,
        own: Span | None,
        path: str,
    ) -> OwnReadings:
        """Return the readings of nested objects. An object whose own quote is not in the passage is
        rejected as a whole.
        """
        distinct = [
            member for at, member in enumerate(members) if member not in members[:at]
        ]
        quotes = [self.find_quote(member, path) for member in distinct]
        readings: dict[str, Reading[object]] = {}
        position = 0
        for member, words in zip(distinct, quotes, strict=True):
            # its quote was rejected, and with it the object
            if member.get("quote") and words is None:
                continue
            own_words = own
            # objects without quotes, such as a list of names, cannot be mixed up
            if attribute.needs_quote:
                own_words = _find_own(words, quotes, own)
            place = path
            if attribute.many:
                place = f"{path}[{position}]"
            found = self.check(
                member, attribute, words or quote, own_words, f"{place}."
            )
            if found:
                readings |= found
                position += 1
        return readings

    def find_quote(self, member: Mapping[str, object], path: str = "") -> Span | None:
        """Return the place of an object's own quote, or None if it has none or if the quote is
        rejected. ``path`` is empty for the claim itself.
        """
        words = str(member.get("quote") or "")
        if not words:
            return None
        quote = _find_words(words, self._here)
        if quote is None:
            self._reject(words, path)
        # "of the" proves nothing, although the text contains it
        elif not _CONTENT_WORD.search(words):
            self._reject(words, path, Why.UNQUOTED)
            quote = None
        return quote

    def _reject(self, value: object, path: str, why: Why | None = None) -> None:
        objection = Objection(why) if why else explain_objection(value, self._here)
        objection = replace(objection, attribute=FieldRef(path).path)
        self.objections.append(describe_objection(objection, self._field, value))


def _find_own(
    quote: Span | None, quotes: Sequence[Span | None], around: Span | None
) -> Span | None:
    """Return the words that may state only this one of several nested objects: its ``quote``, or no
    words if another of the ``quotes`` overlaps it, or if it is outside the words of the object
    ``around`` it. The words of a single object are those of the object around it.
    """
    is_inside = quote is None or around is None or around.contains(quote)
    if len(quotes) == 1 and is_inside:
        return around
    sharing = [other for other in quotes if quote and other and quote.overlaps(other)]
    if is_inside and sharing == [quote]:
        return quote
    return _NOWHERE


def find_claimed(value: object, here: Passage, quote: Span | None) -> Found:
    """Find a number, text or another literal value in the quote of its claim or, failing that, in
    the line that contains the quote. Returns None if neither the quote nor the line states it.

    A number outside the quote is rejected if the quote itself states a value of the same kind, such
    as another duration. Otherwise, it is treated as inferred instead of parsed, with a lower
    confidence if the quote contains a number of another kind. Zero is inferred if the quote does
    not contain a number and expresses "none", as in "no prior chemotherapy". If there is no quote,
    the value is searched for in the line.
    """
    in_line = _find(value, here)
    if quote is None:
        return in_line
    quoted = here.section.between(quote.start, quote.end)
    inside = _find(value, quoted)
    if inside:
        return inside
    # the quote of a text value need not contain it
    if isinstance(value, str):
        return in_line
    tokens = read_passage(_NAME.sub(" ", quoted.raw)).tokens
    numbers = find_numbers(tokens)
    if not numbers and value in _ZEROS and _states_none(quoted.cut()):
        return Supported(value, quote, Support.INFERRED)
    if in_line is None:
        return None
    # nothing in the quote speaks against the number beside it
    if not numbers or in_line.span.overlaps(quote):
        return replace(in_line, support=Support.INFERRED)
    if _states_kind(value, tokens, numbers):
        return None
    most = find_most(CUSTOM, "beside a quote with a number")
    return replace(in_line, support=Support.INFERRED, confidence=most)


def _states_none(tokens: Tokens) -> bool:
    """Return True if the words state that something is absent and do not state that anything is
    present.
    """
    is_none = rule("states_none").occurs(tokens)
    return is_none and not rule("states_some").occurs(tokens)


def _states_kind(value: object, tokens: Tokens, numbers: Sequence[Number]) -> bool:
    """Return True if a quote states a value of the same kind. For a time or an age, this is a
    duration or a number that does not count anything, unlike the number in "two methods". For any
    other value, it is a number that is not part of a duration.
    """
    lengths = [range(length.first, length.end) for length in find_durations(tokens)]
    others = [
        number
        for number in numbers
        if not any(number.first in length for length in lengths)
    ]
    if not isinstance(value, Age | Period | TimePoint):
        return bool(others)
    # the number of "two methods" is no length
    counted = rule("counted_noun")
    if lengths:
        return True
    return any(counted.starts(tokens, number.end) is None for number in others)


def _find_words(quote: str, here: Passage) -> Span | None:
    """Return the span of a quote in a passage, or None if the passage does not contain its words,
    contains a different number, or negates them.
    """
    check = verify_quote(quote, here.raw)
    is_found = check.status in (QuoteStatus.EXACT, QuoteStatus.FOLDED)
    if is_found:
        return locate_check(check, here)
    return None


def _find(value: object, here: Passage) -> Found:
    """Find a value in the passage by deriving it from the passage's words; return None if this
    fails.

    A text value must appear word for word.
    """
    if isinstance(value, str):
        return support_quote(here, _find_words(value, here))
    if isinstance(value, int | float):
        for number in find_numbers(here.cut()):
            if number.value == value:
                return support_at(Derived(number.first, number.end), value, here)
        return None
    return find_support(value, here)

"""Verify a model's claims about custom fields against the text: against the claim's quote or,
failing that, against its line.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from extractor.assembly.objections import describe_objection, explain_objection
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
    readings = checker.check(claim, field, _Scope(quote))
    return readings or {}, checker.objections


class _Scope(NamedTuple):
    """The words that state an object, and the maximum confidence of its values inside and outside
    these words. ``quote`` is None if no words are known, and any words then count as inside.
    """

    quote: Span | None
    inside: float = 1.0
    outside: float = 1.0

    def limit(self, span: Span) -> float:
        """Return the maximum confidence of a value that is stated at ``span``."""
        if self.quote is None or self.quote.contains(span):
            return self.inside
        return self.outside

    def narrow(self, quote: Span | None, quotes: Sequence[Span | None]) -> "_Scope":
        """Return the scope of a nested object with its own ``quote``, if any. If there are several
        ``quotes``, a value outside the object's quote, or inside a quote that overlaps another one,
        may belong to another object.
        """
        inside = self.inside
        if quote:
            inside = self.limit(quote)
        outside = inside
        if len(quotes) > 1:
            others = [other for other in quotes if other and other is not quote]
            outside = min(inside, find_most(CUSTOM, "untied"))
            # even the words within the quote may belong to another object
            if quote is None or any(map(quote.overlaps, others)):
                inside = outside
        return _Scope(quote or self.quote, inside, outside)


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
        scope: _Scope,
        place: str = "",
    ) -> OwnReadings | None:
        """Return the supported readings of an object, keyed by their paths, which begin with
        ``place``; None if a required attribute does not have a supported value.
        """
        readings: dict[str, Reading[object]] = {}
        is_whole = True
        for attribute in declared.attributes:
            members = list_members(values.get(attribute.name))
            path = f"{place}{attribute.name}"
            if attribute.attributes:
                objects = [each for each in members if isinstance(each, Mapping)]
                found = self._check_objects(objects, attribute, scope, path)
            else:
                found = self._check_values(members, attribute, scope, path)
            readings |= found
            if attribute.required and not found:
                is_whole = False
        if is_whole:
            return readings
        return None

    def _check_values(
        self, members: Iterable[object], attribute: Attribute, scope: _Scope, path: str
    ) -> OwnReadings:
        """Return the reading of an attribute; nothing if no value is supported."""
        supported: list[Supported[object]] = []
        for value in members:
            proven = None
            why = None
            # a number or a text must be stated itself; a choice follows from the words of the quote
            if attribute.kind.support is not Support.INFERRED:
                proven = find_claimed(value, self._here, scope.quote)
            elif scope.quote:
                proven = Supported(value, scope.quote, Support.INFERRED)
            else:
                why = Why.UNQUOTED
            if proven is None:
                self._reject(value, path, why)
                continue
            most = min(proven.confidence, scope.limit(proven.span))
            supported.append(replace(proven, confidence=most))
        if not supported:
            return {}
        return {path: read_supported(supported, many=attribute.many)}

    def _check_objects(
        self,
        members: Sequence[Mapping[str, object]],
        attribute: Attribute,
        scope: _Scope,
        path: str,
    ) -> OwnReadings:
        """Return the readings of nested objects. An object whose own quote is not in the passage is
        rejected as a whole.
        """
        distinct = [
            member for at, member in enumerate(members) if member not in members[:at]
        ]
        quotes = [self.find_quote(member, path) for member in distinct]
        # objects without quotes, such as a list of names, cannot be mixed up
        tied: Sequence[Span | None] = ()
        if attribute.needs_quote:
            tied = quotes
        readings: dict[str, Reading[object]] = {}
        position = 0
        for member, quote in zip(distinct, quotes, strict=True):
            # its quote was rejected, and with it the object
            if member.get("quote") and quote is None:
                continue
            place = path
            if attribute.many:
                place = f"{path}[{position}]"
            own = scope.narrow(quote, tied)
            found = self.check(member, attribute, own, f"{place}.")
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


def find_claimed(value: object, here: Passage, quote: Span | None = None) -> Found:
    """Find a number, text or another literal value in the quote of its claim or, failing that, in
    the line that contains the quote. Returns None if neither the quote nor the line states it.

    A number outside the quote is rejected if the quote itself states a value of the same kind, such
    as another duration. Otherwise, it is treated as inferred instead of parsed, with a lower
    confidence if the quote contains a number of another kind. Zero is inferred if the quote does
    not contain a number and expresses "none", as in "no prior chemotherapy". If there is no quote,
    the value is searched for in the line.
    """
    quoted = here
    if quote:
        quoted = here.section.between(quote.start, quote.end)
    inside = _find(value, quoted)
    if inside or quote is None:
        return inside
    in_line = _find(value, here)
    if isinstance(value, str):  # the quote of a text value need not contain it
        return in_line
    tokens = read_passage(_NAME.sub(" ", quoted.raw)).tokens
    numbers = list(find_numbers(tokens))
    if not numbers and value in _ZEROS and _states_none(quoted.cut()):
        return Supported(value, quote, Support.INFERRED)
    if in_line is None:
        return None
    confidence = in_line.confidence
    if not in_line.span.overlaps(quote):
        if _states_kind(value, tokens, numbers):
            return None
        if numbers:
            reduced = find_most(CUSTOM, "beside a quote with a number")
            confidence = min(confidence, reduced)
    return replace(in_line, support=Support.INFERRED, confidence=confidence)


def _states_none(tokens: Tokens) -> bool:
    """Return True if the words state that something is absent and do not state that anything is
    present.
    """
    is_none = rule("states_none").search(tokens) is not None
    return is_none and rule("states_some").search(tokens) is None


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
    bare = [number for number in others if counted.starts(tokens, number.end) is None]
    return bool(lengths or bare)


def _find_words(quote: str, here: Passage) -> Span | None:
    """Return the span of a quote in a passage, or None if the passage does not contain its words,
    contains a different number, or negates them.
    """
    check = verify_quote(quote, here.raw)
    is_found = check.status in (QuoteStatus.EXACT, QuoteStatus.FOLDED)
    if not is_found or check.start is None or check.end is None:
        return None
    first, _ = here.raw_span
    return Span(here.section.name, first + check.start, first + check.end)


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

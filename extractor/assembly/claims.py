"""Check what is stated about custom fields against the text: in the quote of the claim, else in its
line.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from extractor.assembly.support import find_support, support_at
from extractor.concepts.limits.rows import Number, find_numbers
from extractor.concepts.own.attributes import list_members
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.places import Derived, Supported, cut, read_supported
from extractor.evidence.drafts import Reading, Span
from extractor.evidence.quotes import QuoteStatus, verify_quote
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import find_durations
from extractor.language.passage import Passage, read_passage
from extractor.schemas import Age, Comparator, Period, Quantity, Support, TimePoint

_UNQUOTED = "the supporting words are missing; give them as quote"
_WORDLESS = "these words prove nothing; quote the decisive ones"
_CONTENT_WORD = re.compile(
    r"\b(?!(?:a|an|and|any|as|at|by|for|from|in|is|are|it|of|on|or|that|the|this|to|was|were|will"
    r"|with|be)\b)[^\W_]",
    re.IGNORECASE,
)
"""The first letter of a word that can support something, unlike "of the"."""
_ZEROS = (Quantity(comparator=Comparator.EQUAL, value=0), 0)
"""The values that words such as "no" and "without" may state."""
_NAME = re.compile(
    r"\b(?:(?:type|stage|grade|class|phase)\s+\w+|[^\W\d]+[-/]?\d\S*|[IVX]+\b)",
    re.IGNORECASE,
)
"""A name that has a number: "IL-6", "CDK4/6", "type 2", "stage IV"."""
_NO_MOMENT = re.compile(r"(?<![\w)])[-\u2212]$|(?:\u00b1|\+\s?/\s?-)\s?$")
"""Before the number of no time point: "Day -14" is not day 14, and "Day 28 (+/- 3 days)" is not
day 3.
"""


class RefusedValue(NamedTuple):
    """A value that a text does not support, with the reason, empty if the text lacks the value,
    and the attribute that it was given for.
    """

    value: Any
    reason: str = ""
    attribute: str = ""


def check_claim(
    claim: Mapping[str, Any], field: CustomField, here: Passage
) -> tuple[dict[str, Reading[Any]], list[RefusedValue]]:
    """Check each value of a claim: return what the text supports, by attribute, and the refused
    values with reasons.

    A conclusion, such as a member of a closed set, needs the claim's quote in the passage; a number
    or a text needs its own words. If the passage lacks the quote, or the quote has only words such
    as "of the", the claim is refused as a whole, and the quote is reported in its place. The
    same applies if no value of a required attribute is supported. A reason is empty if the text
    lacks the value or the quote.

    Args:
        claim: The model's values by the names of attributes, and its ``quote``.
        field: The declaration of the user's field.
        here: The text that was asked about.

    >>> from extractor.concepts.own.models import read_fields
    >>> (field,) = read_fields("extractor.catalogue:Blinding")
    >>> claim = {"quote": "masked for 4 weeks", "level": "open"}
    >>> check_claim(claim, field, read_passage("Staff are masked for 4 weeks"))[0][
    ...     "level"
    ... ].support.value
    'inferred'
    >>> check_claim(claim, field, read_passage("Staff are masked for 6 weeks"))
    ({}, [RefusedValue(value='masked for 4 weeks', reason='', attribute='')])
    """
    words = claim.get("quote")
    quote = _find_words(words, here) if words else None
    if words and quote is None:
        return {}, [RefusedValue(words)]
    if words and not _CONTENT_WORD.search(words):
        return {}, [RefusedValue(words, _WORDLESS)]
    readings: dict[str, Reading[Any]] = {}
    refused: list[RefusedValue] = []
    is_whole = True
    for attribute in field.attributes:
        supported: list[Supported] = []
        for value in list_members(claim.get(attribute.name)):
            proven = None
            reason = ""
            if not attribute.type.is_concluded:
                proven = find_claimed(value, here, quote)
            elif quote:
                proven = Supported(value, quote, Support.INFERRED)
            else:
                reason = _UNQUOTED
            if proven:
                supported.append(proven)
            else:
                refused.append(RefusedValue(value, reason, attribute.name))
        if supported:
            readings[attribute.name] = read_supported(supported, many=attribute.many)
        elif attribute.required:
            is_whole = False
    return readings if is_whole else {}, refused


def find_claimed(
    value: Any, here: Passage, quote: Span | None = None
) -> Supported | None:
    """Find a number, a text or another literal value in the quote of its claim, else in the line
    around the quote; None if neither states it.

    A number outside the quote is refused if the quote itself states a value of the same kind, such
    as another length of time. Otherwise it is inferred instead of read, and less sure if the quote
    has a number of another kind. Zero is inferred from a quote without numbers that states
    "no": "no prior chemotherapy". Without a quote, the value is looked for in the line.
    """
    quoted = here.section.between(quote.start, quote.end) if quote else here
    inside = _find(value, quoted)
    if inside or quote is None:
        return inside
    around = _find(value, here)
    if isinstance(value, str):
        return around
    tokens = read_passage(_NAME.sub(" ", quoted.raw)).tokens
    stated = list(find_numbers(tokens))
    if not stated and value in _ZEROS and _states_none(cut(quoted)):
        return Supported(value, quote, Support.INFERRED)
    if around is None:
        return None
    confidence = around.confidence
    if not around.span.overlaps(quote):
        if _states_kind(value, tokens, stated):
            return None
        if stated:
            beside = measured("own", "beside a quote with a number")
            confidence = min(confidence, beside)
    return replace(around, support=Support.INFERRED, confidence=confidence)


def _states_none(tokens: Tokens) -> bool:
    """Return whether words say that there is none of something, and nowhere that there is some."""
    if rule("states_none").search(tokens) is None:
        return False
    return rule("states_some").search(tokens) is None


def _states_kind(value: Any, tokens: Tokens, stated: Sequence[Number]) -> bool:
    """Return whether a quote states a value of the same kind. For a time or an age, that is a
    length of time, or a number that counts nothing; "two methods" has none. For any other value it
    is a number that is part of no length of time.
    """
    lengths = list(find_durations(tokens))
    if isinstance(value, Age | Period | TimePoint):
        counted = rule("counted_noun")
        bare = [one for one in stated if counted.starts(tokens, one.end) is None]
        return bool(lengths or bare)
    timed = [range(length.first, length.end) for length in lengths]
    return any(not any(one.first in length for length in timed) for one in stated)


def _find_words(quote: str, here: Passage) -> Span | None:
    """Return where a passage has the words of a quote; None if it lacks them, has another number,
    or denies them.
    """
    check = verify_quote(quote, here.raw)
    is_there = check.status in (QuoteStatus.EXACT, QuoteStatus.FOLDED)
    if not is_there or check.start is None or check.end is None:
        return None
    first, _ = here.raw_span
    return Span(here.section.name, first + check.start, first + check.end)


def _find(value: Any, here: Passage) -> Supported | None:
    """Find a value that the passage states, if it can be derived again from the words found.

    A text must be there word for word. A time point may be a length ("every 28 days"); one
    after a minus or "+/-" is none.
    """
    if isinstance(value, str):
        span = _find_words(value, here)
        if span is None:
            return None
        quote = here.section.raw[span.start : span.end]
        return Supported(quote, span, Support.LITERAL)
    if isinstance(value, int | float):
        for number in find_numbers(cut(here)):
            if number.value == value:
                return support_at(Derived(number.first, number.end), value, here)
        return None
    stated = find_support(value, here)
    if not isinstance(value, TimePoint):
        return stated
    if stated is None:
        length = find_support(Period(value=value.value, unit=value.unit), here)
        stated = replace(length, value=value) if length else None
    if stated and _NO_MOMENT.search(here.section.raw, 0, stated.span.start):
        return None
    return stated

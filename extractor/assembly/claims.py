"""Check what is said of users' fields against the text: in the quote of the claim, else in its
line.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from extractor.assembly.support import find_support, support_at
from extractor.concepts.limits.rows import Number, find_numbers, skip_unit
from extractor.concepts.own.attributes import Attribute, list_members
from extractor.concepts.own.declaration import CustomField, Example
from extractor.concepts.own.value_forms import show_value
from extractor.concepts.places import Derived, Supported, cut, locate, read_supported
from extractor.errors import FieldError
from extractor.evidence.drafts import Reading, Span, span_of
from extractor.evidence.quotes import QuoteStatus, verify_quote
from extractor.evidence.scoring import measured
from extractor.language.book import find_terms, rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import find_durations, read_number, read_time_unit
from extractor.language.passage import Passage, read_passage
from extractor.language.patterns import Found
from extractor.language.quantities import find_quantity_lists
from extractor.schemas import (
    Age,
    Amount,
    Comparator,
    Constraint,
    Period,
    Quantity,
    Support,
    TimePoint,
)

_UNQUOTED = "the words that bear it out are missing; give them as quote"
_WORDLESS = "these words bear out nothing; give those that decide it"
_CONTENT_WORD = re.compile(
    r"\b(?!(?:a|an|and|any|as|at|by|for|from|in|is|are|it|of|on|or|that|the|this|to|was|were|will"
    r"|with|be)\b)[^\W_]",
    re.IGNORECASE,
)
"""The first letter of a word that can bear something out, unlike "of the"."""


def check_examples(fields: Iterable[CustomField]) -> tuple[CustomField, ...]:
    """Return the fields if the text of each of their examples bears out the example's answer.

    An answer is checked as a model's answer would be. An answer without a quote has the whole text
    as its quote. Raises ``FieldError`` with the first fault.

    >>> from extractor.concepts.own.models import read_fields
    >>> [
    ...     field.name
    ...     for field in check_examples(read_fields("extractor.catalogue:Blinding"))
    ... ]
    ['blinding']
    """
    checked = tuple(fields)
    for field in checked:
        for example in field.examples:
            for fault in _list_faults(field, example):
                raise FieldError(
                    f"{field.name}: in the example {example.text!r}: {fault}"
                )
    return checked


def _list_faults(field: CustomField, example: Example) -> Iterator[str]:
    """Yield what is wrong with an answer: that it has no value, and each value that the text does
    not bear out.
    """
    claims, _ = field.read(field.complete_answers(example))
    if example.value is not None and not claims:
        yield "there is no value; leave it out if the text states nothing"
    unstated = "the text does not bear it out, so that the same answer of a model would be refused"
    passage = read_passage(example.text)
    for claim in claims:
        _, refused = check_claim(claim, field, passage)
        for value, reason, _ in refused:
            fault = reason or unstated
            yield f"{show_value(value)}: {fault}"


def check_claim(
    claim: Mapping[str, Any], field: CustomField, here: Passage
) -> tuple[dict[str, Reading[Any]], "Refused"]:
    """Check each value of a claim: return what the text bears out, by attribute, and the refused
    values with reasons.

    A conclusion, such as a member of a closed set, needs the claim's quote in the passage; a number
    or a text needs its own words. If the passage lacks the quote, or the quote has only words such
    as "of the", the claim is refused as a whole, and the quote stands for it. A reason is empty if
    the text lacks the value or the quote.

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
    words = claim.get("quote") if field.needs_quote else None
    if not words:
        return _prove_attributes(claim, field.attributes, here, quote=None)
    quote = _find_words(words, here)
    if quote is None:
        return {}, [RefusedValue(words)]
    if not _CONTENT_WORD.search(words):
        return {}, [RefusedValue(words, _WORDLESS)]
    return _prove_attributes(claim, field.attributes, here, quote)


class RefusedValue(NamedTuple):
    """A value that a text does not bear out, with the reason, empty if the text lacks the value,
    and the attribute that it was given for.
    """

    value: Any
    reason: str = ""
    attribute: str = ""


Refused = list[RefusedValue]


def _prove_attributes(
    values: Mapping[str, Any],
    attributes: Iterable[Attribute],
    here: Passage,
    quote: Span | None,
) -> tuple[dict[str, Reading[Any]], Refused]:
    """Return what the text bears out, by attribute, and what is refused.

    Of a list, the members that are borne out stay. If no value of a required attribute is borne
    out, nothing is returned of the others either. ``quote`` is the place of the claim's quote, None
    for a claim without one.
    """
    readings: dict[str, Reading[Any]] = {}
    refused: Refused = []
    is_whole = True
    for attribute in attributes:
        name = attribute.name
        supported: list[Supported] = []
        for member in list_members(values.get(name)):
            proven, others = _prove_value(member, attribute, here, quote)
            for value in others:
                refused.append(value._replace(attribute=name))
            if proven:
                supported.append(proven)
        if supported:
            readings[name] = read_supported(supported, many=attribute.many)
        elif attribute.required:
            is_whole = False
    if not is_whole:
        return {}, refused
    return readings, refused


def _prove_value(
    value: Any, attribute: Attribute, here: Passage, quote: Span | None
) -> tuple[Supported | None, Refused]:
    """Return a value of an attribute with its words, or None, and what is refused of it.

    A text or a number is proven by its own words. A conclusion stands at the
    claim's quote, and is refused without one.
    """
    if not attribute.type.is_concluded:
        claimed = find_claimed(value, here, quote)
        if claimed is None:
            return None, [RefusedValue(value)]
        return claimed, []
    if quote is None:
        return None, [RefusedValue(value, _UNQUOTED)]
    return Supported(value, quote, Support.INFERRED), []


def find_claimed(
    value: Any, here: Passage, quote: Span | None = None
) -> Supported | None:
    """Find a number, a text or another literal value in the quote of its claim, else in the line
    around the quote; None if neither states it.

    A text is looked for in the whole line. A number outside the quote is refused if the quote
    itself states a value of the same kind, such as another length of time. Otherwise it is inferred
    instead of read, and less sure if the quote has a number of another kind. Zero is inferred from
    a quote without numbers that says "no": "no prior chemotherapy". Without a quote, the value is
    looked for in the line.
    """
    if quote is None:
        return _find(value, here)
    quoted = here.section.between(quote.start, quote.end)
    inside = _find(value, quoted)
    if inside:
        return inside
    if isinstance(value, str):
        return _find(value, here)
    tokens = cut(quoted)
    stated = [
        number
        for number in find_numbers(tokens)
        if not _is_of_a_name(tokens, number.first)
    ]
    if not stated and value in _ZEROS and _states_none(tokens):
        return Supported(value, quote, Support.INFERRED)
    around = _find(value, here)
    if around is None:
        return None
    # "two effective methods until 6 months after": the quote "two effective methods" says nothing
    # of how long, so 6 months may stand beside it.
    has_rival = _states_kind(value, tokens, stated)
    is_beside = not around.span.overlaps(quote)
    if has_rival and is_beside:
        return None
    confidence = around.confidence
    if stated and is_beside:
        confidence = min(confidence, measured("own", "beside a quote with a number"))
    return replace(around, support=Support.INFERRED, confidence=confidence)


_ZEROS = (Quantity(comparator=Comparator.EQUAL, value=0), 0)
"""The values that words such as "no" and "without" may state."""


def _states_none(tokens: Tokens) -> bool:
    """Return whether words say that there is none of something, and nowhere that there is some."""
    if rule("states_none").search(tokens) is None:
        return False
    return rule("states_some").search(tokens) is None


def _states_kind(value: Any, tokens: Tokens, stated: Sequence[Number]) -> bool:
    """Return whether a quote states a value of the same kind.

    For a time or an age, that is a length of time, or a number that counts nothing in the quote.
    For an amount it is a quantity with its unit, for any other number a number that is not part of
    a length of time.

    Args:
        value: The value that is claimed.
        tokens: The quote.
        stated: The numbers in the quote that are not part of a name.
    """
    lengths = list(find_durations(tokens))
    if isinstance(value, Age | Period | TimePoint):
        if lengths:
            return True
        # The quote "26-35" of "26-35, 36-45 years old" states ages, whose unit stands behind it;
        # "two methods" states none.
        counted = rule("counted_noun")
        return any(counted.starts(tokens, number.end) is None for number in stated)
    if isinstance(value, Amount):
        return any(find_quantity_lists(tokens))
    # tokens that are part of a length of time
    timed: set[int] = set()
    for length in lengths:
        timed.update(range(length.first, length.end))
    return any(number.first not in timed for number in stated)


_KINDS = frozenset({"type", "stage", "grade", "class", "phase"})


def _is_of_a_name(tokens: Tokens, at: int) -> bool:
    """Return whether the number at a token is part of a name: "IL-6", "CDK4/6", "type 2",
    "stage IV".
    """
    is_roman = set(tokens.words[at]) <= set("IVX")
    if is_roman:
        return True
    if at == 0:
        return False
    before = tokens.words[at - 1]
    if before.lower() in _KINDS:
        return True
    is_joined = tokens.gap(at) in ("", "-")
    return is_joined and (before.isalnum() or before in "-/")


def _find_words(quote: str, here: Passage) -> Span | None:
    """Return where a passage has the words of a quote; None if it lacks them, has another number,
    or denies them.
    """
    check = verify_quote(quote, here.raw)
    if check.status not in (QuoteStatus.EXACT, QuoteStatus.FOLDED):
        return None
    if check.start is None or check.end is None:
        return None
    first, _ = here.raw_span
    return Span(here.section.name, first + check.start, first + check.end)


_COMPARED = 14
"""How many tokens before or after a number may compare it."""
_RHYTHMS = {
    "daily": (1, "day"),
    "weekly": (1, "week"),
    "monthly": (1, "month"),
    "quarterly": (3, "month"),
}
_RHYTHMS |= dict.fromkeys(("fortnight", "fortnightly"), (2, "week"))
_RHYTHMS |= dict.fromkeys(("yearly", "annual", "annually"), (1, "year"))


def _recurs(value: Period, rhythm: Found) -> bool:
    """Return whether words of the rule ``rhythm`` state this length of time: "monthly",
    "6-monthly", "every other week".
    """
    wanted = (value.value, value.unit)
    # "every other week": the week
    second = rhythm.read("second")
    if second:
        return wanted == (2, read_time_unit(second))
    # "6-monthly" is six times the month of "monthly"
    adverb = rhythm.read("unit") or ""
    length, unit = _RHYTHMS[adverb.lower()]
    count = read_number(rhythm.read("count") or "") or 1
    return wanted == (count * length, unit)


_NO_MOMENT = re.compile(r"(?<![\w)])[-\u2212]$|(?:\u00b1|\+\s?/\s?-)\s?$")
"""Before the number of no time point: "Day -14" is not day 14, and "Day 28 (+/- 3 days)" is not
day 3.
"""


def _find(value: Any, here: Passage) -> Supported | None:
    """Find a value that the passage states, if it can be derived again from the words found.

    A text must stand there word for word. A length of time may be a rhythm ("monthly"), and a time
    point a length ("every 28 days"); a time point behind a minus or "+/-" is none. The words of a
    number are widened to their unit and comparator.
    """
    if isinstance(value, str):
        span = _find_words(value, here)
        if span is None:
            return None
        quote = here.section.raw[span.start : span.end]
        return Supported(quote, span, Support.LITERAL)
    if isinstance(value, Period):
        recurring = _find_rhythm(value, here)
        if recurring:
            return recurring
    if isinstance(value, int | float):
        stated = _find_number(value, here)
    else:
        stated = find_support(value, here)
    if stated is None and isinstance(value, TimePoint):
        # "every 28 days"
        length = find_support(Period(value=value.value, unit=value.unit), here)
        if length:
            stated = replace(length, value=value)
    if stated is None:
        return None
    if isinstance(value, TimePoint):
        start = stated.span.start
        before = here.section.raw[max(0, start - 5) : start]
        if _NO_MOMENT.search(before):
            return None
    return _widen(stated, here)


def _find_rhythm(value: Period, here: Passage) -> Supported | None:
    """Find a length of time that an adverb states, such as "monthly" or "6-monthly"."""
    for rhythm in rule("rhythm").find(cut(here)):
        if _recurs(value, rhythm):
            place = locate(here, rhythm.first, rhythm.end)
            return Supported(value, place, Support.INFERRED)
    return None


def _find_number(value: float, here: Passage) -> Supported | None:
    """Find the first number of a passage with this value, whatever it counts."""
    for number in find_numbers(cut(here)):
        if number.value == value:
            return support_at(Derived(number.first, number.end), value, here)
    return None


def _widen(stated: Supported, here: Passage) -> Supported:
    """Add to a number the words that say what it means: "at least 50 %", not "50"; "Day 1", not
    "1".

    The unit behind it and a unit of time before it are added to every value, a comparator before
    ("at least") or behind ("or more") only to a quantity or limit.
    """
    number = here.section.between(stated.span.start, stated.span.end)
    tokens = here.tokens
    first = number.first
    end = skip_unit(tokens, number.end)
    # "Day" of "Day 1"
    if first > here.first and read_time_unit(tokens.words[first - 1]):
        first -= 1
    if isinstance(stated.value, Quantity | Constraint):
        earliest = max(here.first, first - _COMPARED)
        latest = min(here.end, end + _COMPARED)
        comparison = rule("comparison").ends(tokens, first, earliest)
        suffixes = find_terms(tokens, "comparator_suffixes", end, latest)
        if comparison:
            first = comparison.first
        if suffixes and suffixes[0].first == end:
            end = suffixes[0].end
    # no word behind the passage, unless the number itself reaches behind it
    end = min(end, max(here.end, number.end))
    return replace(stated, span=span_of(here.part(first, end)))

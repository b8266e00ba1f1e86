"""Check what is said of users' fields against the text: in the quote of the claim, else in its
line.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from extractor.assembly.support import find_support, support_at
from extractor.concepts.limits.rows import Number, find_numbers, skip_unit
from extractor.concepts.own.attributes import Attribute, AttributeType, list_members
from extractor.concepts.own.declaration import CustomField, Example
from extractor.concepts.own.value_forms import show_value
from extractor.concepts.places import Derived, Supported, cut, locate, read_supported
from extractor.errors import FieldError
from extractor.evidence.drafts import Reading, Span, find_weakest, span_of
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
_SAYS = re.compile(
    r"\b(?!(?:a|an|and|any|as|at|by|for|from|in|is|are|it|of|on|or|that|the|this|to|was|were|will"
    r"|with|be)\b)[^\W_]",
    re.IGNORECASE,
)
"""A word that can bear something out."""


def check_examples(fields: Iterable[CustomField]) -> tuple[CustomField, ...]:
    """Return the fields if the text of each example bears out its answer, as that of a model.
    Raises ``FieldError``.

    An answer without a quote has the whole text as its quote.

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
    """Yield what is wrong with an example's answer, in its form or by its text."""
    yield from field.list_faults(example)
    claims, _ = field.read(field.complete_answers(example))
    if example.value is not None and not claims:
        yield "there is no value; leave it out if the text states nothing"
    unstated = "the text does not bear it out, so that the same answer of a model would be refused"
    for claim in claims:
        _, refused = check_claim(claim, field, read_passage(example.text))
        for value, reason, _ in refused:
            yield f"{show_value(value)}: {reason or unstated}"


def check_claim(
    claim: Mapping[str, Any], field: CustomField, here: Passage
) -> tuple[dict[str, Reading[Any]], "Refused"]:
    """Check each value of a claim: return what the text bears out, by attribute, and the refused
    values with reasons.

    A conclusion needs the claim's quote in the passage, a quantity its own words. A reason is empty
    if the text lacks the value.

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
        return _prove_all(claim, field.attributes, here, None)
    quote = _find_words(words, here)
    if quote is None:
        return {}, [RefusedValue(words)]
    if not _SAYS.search(words):
        return {}, [RefusedValue(words, _WORDLESS)]
    return _prove_all(claim, field.attributes, here, quote)


class RefusedValue(NamedTuple):
    """A value that a text does not bear out, with the reason, empty if the text lacks the value,
    and the attribute that it was given for.
    """

    value: Any
    reason: str = ""
    attribute: str = ""


Refused = list[RefusedValue]


def _prove_all(
    values: Mapping[str, Any],
    attributes: Iterable[Attribute],
    here: Passage,
    quote: Span | None,
) -> tuple[dict[str, Reading[Any]], Refused]:
    """Return what the text bears out, by attribute; nothing without one that is required."""
    readings: dict[str, Reading[Any]] = {}
    refused: Refused = []
    is_whole = True
    for attribute in attributes:
        name = attribute.name
        supported: list[Supported] = []
        for member in list_members(values.get(name)):
            proven, others = _prove(member, attribute, here, quote)
            refused += [value._replace(attribute=name) for value in others]
            if proven:
                supported.append(proven)
        if supported:
            readings[name] = read_supported(supported, many=attribute.many)
        elif attribute.required:
            is_whole = False
    return readings if is_whole else {}, refused


def _prove(
    value: Any, attribute: Attribute, here: Passage, quote: Span | None
) -> tuple[Supported | None, Refused]:
    """Return a value with its words, or None, and what is refused of it."""
    if attribute.parts:
        return _prove_object(value, attribute, here, quote)
    if not attribute.type.is_concluded:
        claimed = find_claimed(value, here, quote)
        return claimed, [] if claimed else [RefusedValue(value)]
    if quote is None:
        return None, [RefusedValue(value, _UNQUOTED)]
    if attribute.type is AttributeType.DATE:
        quoted = here.section.between(quote.start, quote.end)
        if not _states_date(value, quoted):
            return None, [RefusedValue(value)]
    return Supported(value, quote, Support.INFERRED), []


def _prove_object(
    value: Mapping[str, Any], attribute: Attribute, here: Passage, quote: Span | None
) -> tuple[Supported | None, Refused]:
    """Prove the parts of an object, which stands at all of their words."""
    readings, refused = _prove_all(value, attribute.parts, here, quote)
    if not readings:
        return None, refused
    spans = [span for reading in readings.values() for span in reading.spans]
    start = min(span.start for span in spans)
    end = max(span.end for span in spans)
    parts = {name: reading.value for name, reading in readings.items()}
    support = find_weakest(reading.support for reading in readings.values())
    return Supported(parts, Span(spans[0].section, start, end), support), refused


def _states_date(day: str, quoted: Passage) -> bool:
    """Return whether words have the year and the day of a date; its month may be a name or a
    number.
    """
    year, _, of_month = (int(part) for part in day.split("-"))
    numbers = {number.value for number in find_numbers(cut(quoted))}
    written = {int(part) for part in re.findall(r"\d+", quoted.raw)}
    return {year, of_month} <= numbers | written


def find_claimed(
    value: Any, here: Passage, quote: Span | None = None
) -> Supported | None:
    """Find a value in the quote of its claim, else in the line around it.

    A value beside the quote is another one if the quote states one of its kind itself; else it is a
    conclusion, as is the zero of "no prior chemotherapy": the two methods of "two effective methods
    until 6 months after" say nothing of how long. The unit of a number in the quote may stand
    behind it: "26-35" of "26-35, 36-45 years old".
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
    if not stated and _is_none(value) and _states_none(tokens):
        return Supported(value, quote, Support.INFERRED)
    around = _find(value, here)
    if around is None:
        return None
    has_rival = _states_kind(value, tokens, stated)
    is_beside = not around.span.overlaps(quote)
    if has_rival and is_beside:
        return None
    confidence = around.confidence
    if stated and is_beside:
        confidence = min(confidence, measured("own", "beside a quote with a number"))
    return replace(around, support=Support.INFERRED, confidence=confidence)


def _is_none(value: Any) -> bool:
    """Return whether a value is zero, as a number or as a quantity."""
    return value in (Quantity(comparator=Comparator.EQUAL, value=0), 0)


def _states_none(tokens: Tokens) -> bool:
    """Return whether words say that there is none of something."""
    if rule("states_none").search(tokens) is None:
        return False
    return rule("states_some").search(tokens) is None


def _states_kind(value: Any, tokens: Tokens, stated: Sequence[Number]) -> bool:
    """Return whether a quote states a value of the same kind: a length of time, a dose, another
    number.
    """
    lengths = list(find_durations(tokens))
    if isinstance(value, Age | Period | TimePoint):
        if lengths:
            return True
        # "26-35" of "26-35, 36-45 years old" has its unit behind the quote
        counted = rule("counted_noun")
        return any(counted.starts(tokens, number.end) is None for number in stated)
    if isinstance(value, Amount):
        return any(find_quantity_lists(tokens))
    timed: set[int] = set()
    for length in lengths:
        timed.update(range(length.first, length.end))
    return any(number.first not in timed for number in stated)


_KINDS = frozenset({"type", "stage", "grade", "class", "phase"})


def _is_of_a_name(tokens: Tokens, at: int) -> bool:
    """Return whether a number counts nothing: "IL-6", "CDK4/6", "type 2", "stage IV"."""
    is_roman = set(tokens.words[at]) <= set("IVX")
    if is_roman or at == 0:
        return is_roman
    before = tokens.words[at - 1]
    if before.lower() in _KINDS:
        return True
    is_joined = tokens.gap(at) in ("", "-")
    return is_joined and (before.isalnum() or before in "-/")


def _find_words(quote: str, here: Passage) -> Span | None:
    """Return where a passage has a quote, and does not deny it."""
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
    """Return whether words such as "monthly", "6-monthly" and "every other week" state a length
    of time.
    """
    second = rhythm.read("second")
    if second:  # "every other week"
        return (value.value, value.unit) == (2, read_time_unit(second))
    length, unit = _RHYTHMS[(rhythm.read("unit") or "").lower()]
    count = read_number(rhythm.read("count") or "") or 1
    return (value.value, value.unit) == (count * length, unit)


_NO_MOMENT = re.compile(r"(?<![\w)])[-\u2212]$|(?:\u00b1|\+\s?/\s?-)\s?$")
"""Before the number of no time point: "Day -14" is not day 14, and "Day 28 (+/- 3 days)" is not
day 3.
"""


def _find(value: Any, here: Passage) -> Supported | None:
    """Find a value that the passage states, if it can be derived again from the words found."""
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
    if stated is None and isinstance(value, TimePoint):  # "every 28 days"
        length = find_support(Period(value=value.value, unit=value.unit), here)
        stated = replace(length, value=value) if length else None
    if stated is None:
        return None
    before = here.section.raw[max(0, stated.span.start - 5) : stated.span.start]
    if isinstance(value, TimePoint) and _NO_MOMENT.search(before):
        return None
    return _widen(stated, here)


def _find_rhythm(value: Period, here: Passage) -> Supported | None:
    """Find a length of time that words state without a number, such as "monthly"."""
    for rhythm in rule("rhythm").find(cut(here)):
        if _recurs(value, rhythm):
            place = locate(here, rhythm.first, rhythm.end)
            return Supported(value, place, Support.INFERRED)
    return None


def _find_number(value: float, here: Passage) -> Supported | None:
    for number in find_numbers(cut(here)):
        if number.value == value:
            return support_at(Derived(number.first, number.end), value, here)
    return None


def _widen(stated: Supported, here: Passage) -> Supported:
    """Add to a number the words that say what it means: "at least 50 %", not "50"; "Day 1", not
    "1".
    """
    number = here.section.between(stated.span.start, stated.span.end)
    tokens = here.tokens
    first = number.first
    end = skip_unit(tokens, number.end)
    if first > here.first and read_time_unit(tokens.words[first - 1]):
        first -= 1
    if isinstance(stated.value, Quantity | Constraint):
        least = max(here.first, first - _COMPARED)
        most = min(here.end, end + _COMPARED)
        comparison = rule("comparison").ends(tokens, first, least)
        suffixes = find_terms(tokens, "comparator_suffixes", end, most)
        if comparison:
            first = comparison.first
        if suffixes and suffixes[0].first == end:
            end = suffixes[0].end
    end = min(end, max(here.end, number.end))
    return replace(stated, span=span_of(here.part(first, end)))

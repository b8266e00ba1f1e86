"""Check what is said of users' fields against the text: in the quote of the claim, else in its
line.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
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
            if fault := next(_list_faults(field, example), None):
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
    for claim in claims:
        refused = check_claim(claim, field, read_passage(example.text))[1]
        for value, reason, _ in refused:
            shown = reason or (
                "the text does not bear it out, so that the same answer of a model would be refused"
            )
            yield f"{show_value(value)}: {shown}"


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
    quote = _find_words(words, here) if words else None
    if words and (quote is None or not _SAYS.search(words)):
        return {}, [RefusedValue(words, _WORDLESS if quote else "")]
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
        found: list[Supported] = []
        for member in list_members(values.get(attribute.name)):
            supported, others = _prove(member, attribute, here, quote)
            refused += (one._replace(attribute=attribute.name) for one in others)
            if supported:
                found.append(supported)
        if found:
            readings[attribute.name] = read_supported(found, many=attribute.many)
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
        found = find_claimed(value, here, quote)
    elif quote is None:
        return None, [RefusedValue(value, _UNQUOTED)]
    elif attribute.type is AttributeType.DATE and not _states_date(
        value, here.section.between(quote.start, quote.end)
    ):
        found = None
    else:
        found = Supported(value, quote, Support.INFERRED)
    return found, [] if found else [RefusedValue(value)]


def _prove_object(
    value: Mapping[str, Any], attribute: Attribute, here: Passage, quote: Span | None
) -> tuple[Supported | None, Refused]:
    """Prove the parts of an object, which stands at all of their words."""
    readings, refused = _prove_all(value, attribute.parts, here, quote)
    if not readings:
        return None, refused
    spans = [span for reading in readings.values() for span in reading.spans]
    whole = Span(
        spans[0].section, min(one.start for one in spans), max(one.end for one in spans)
    )
    kept = {name: reading.value for name, reading in readings.items()}
    return Supported(
        kept, whole, find_weakest(one.support for one in readings.values())
    ), refused


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
    inside = here.section.between(quote.start, quote.end)
    if isinstance(value, str):
        return _find(value, inside) or _find(value, here)
    found = _find(value, inside)
    if found:
        return found
    tokens = cut(inside)
    stated = [
        number
        for number in find_numbers(tokens)
        if not _is_of_a_name(tokens, number.first)
    ]
    none = (Quantity(comparator=Comparator.EQUAL, value=0), 0)
    if (
        not stated
        and value in none
        and rule("states_none").search(tokens)
        and not rule("states_some").search(tokens)
    ):
        return Supported(value, quote, Support.INFERRED)
    found = _find(value, here)
    if found is None:
        return None
    has_rival = _states_kind(value, tokens, stated)
    if has_rival and not found.span.overlaps(quote):
        return None
    is_beside = bool(stated) and not found.span.overlaps(quote)
    sure = measured("own", "beside a quote with a number") if is_beside else 1.0
    return replace(
        found, support=Support.INFERRED, confidence=min(found.confidence, sure)
    )


def _states_kind(value: Any, tokens: Tokens, stated: Sequence[Number]) -> bool:
    """Return whether a quote states a value of the same kind: a length of time, a dose, another
    number.
    """
    lengths = list(find_durations(tokens))
    if isinstance(value, Age | Period | TimePoint):
        # "26-35" of "26-35, 36-45 years old" has its unit behind the quote
        return bool(lengths) or any(
            rule("counted_noun").starts(tokens, number.end) is None for number in stated
        )
    if isinstance(value, Amount):
        doses = find_quantity_lists(tokens)
        return any(each for each in doses)
    timed = {at for one in lengths for at in range(one.first, one.end)}
    return any(number.first not in timed for number in stated)


_KINDS = frozenset({"type", "stage", "grade", "class", "phase"})


def _is_of_a_name(tokens: Tokens, at: int) -> bool:
    """Return whether a number counts nothing: "IL-6", "CDK4/6", "type 2", "stage IV"."""
    before = tokens.words[at - 1] if at else ""
    between = tokens.gap(at) if at else " "
    is_joined = between in ("", "-") and (before.isalnum() or before in "-/")
    return is_joined or before.lower() in _KINDS or set(tokens.words[at]) <= set("IVX")


def _find_words(quote: str, here: Passage) -> Span | None:
    """Return where a passage has a quote, and does not deny it."""
    check = verify_quote(quote, here.raw)
    first = here.raw_span[0]
    if check.status not in (QuoteStatus.EXACT, QuoteStatus.FOLDED):
        return None
    if check.start is None:
        return None
    if check.end is None:
        return None
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
    return (value.value, value.unit) == (
        (read_number(rhythm.read("count") or "") or 1) * length,
        unit,
    )


_NO_MOMENT = re.compile(r"(?<![\w)])[-\u2212]$|(?:\u00b1|\+\s?/\s?-)\s?$")
"""Before the number of no time point: "Day -14" is not day 14, and "Day 28 (+/- 3 days)" is not
day 3.
"""


def _find(value: Any, here: Passage) -> Supported | None:
    """Find a value that the passage states, if it can be derived again from the words found."""
    if isinstance(value, str):
        span = _find_words(value, here)
        if span:
            return Supported(
                here.section.raw[span.start : span.end], span, Support.LITERAL
            )
        return None
    tokens = cut(here)
    rhythms = rule("rhythm").find(tokens) if isinstance(value, Period) else ()
    rhythm = next(filter(partial(_recurs, value), rhythms), None)
    if rhythm:
        return Supported(
            value, locate(here, rhythm.first, rhythm.end), Support.INFERRED
        )
    if isinstance(value, int | float):
        stated = next((one for one in find_numbers(tokens) if one.value == value), None)
        found = (
            support_at(Derived(stated.first, stated.end), value, here)
            if stated
            else None
        )
    else:
        found = find_support(value, here)
    if found is None and isinstance(value, TimePoint):  # "every 28 days"
        found = find_support(Period(value=value.value, unit=value.unit), here)
        found = replace(found, value=value) if found else None
    if found is None:
        return None
    before = here.section.raw[max(0, found.span.start - 5) : found.span.start]
    if isinstance(value, TimePoint) and _NO_MOMENT.search(before):
        return None
    return _widen(found, here)


def _widen(found: Supported, here: Passage) -> Supported:
    """Add to a number the words that say what it means: "at least 50 %", not "50"; "Day 1", not
    "1".
    """
    number = here.section.between(found.span.start, found.span.end)
    tokens = here.tokens
    first = number.first
    end = skip_unit(tokens, number.end)
    if first > here.first and read_time_unit(tokens.words[first - 1]):
        first -= 1
    if isinstance(found.value, Quantity | Constraint):
        compared = rule("comparison").ends(
            tokens, first, max(here.first, first - _COMPARED)
        )
        suffix = next(
            iter(
                find_terms(
                    tokens, "comparator_suffixes", end, min(here.end, end + _COMPARED)
                )
            ),
            None,
        )
        first = compared.first if compared else first
        end = suffix.end if suffix and suffix.first == end else end
    return replace(
        found, span=span_of(here.part(first, min(end, max(here.end, number.end))))
    )

"""Check what is said of users' fields against the text: in the quote of the claim, else in its
line.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from extractor.assembly.support import find_support, support_at
from extractor.concepts.limits.rows import find_numbers, skip_unit
from extractor.concepts.own.declaration import CustomField, Example
from extractor.concepts.own.value_forms import show_value
from extractor.concepts.places import (
    MODEL_CONFIDENCE,
    Derived,
    Supported,
    cut,
    locate,
    read_supported,
)
from extractor.errors import FieldError
from extractor.evidence.drafts import Reading, Span, span_of
from extractor.evidence.quotes import QuoteStatus, verify_quote
from extractor.language.book import find_terms, rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import read_number, read_time_unit
from extractor.language.passage import Passage, read_passage
from extractor.language.patterns import Found
from extractor.schemas import Comparator, Constraint, Origin, Period, Quantity, Support, TimePoint
from extractor.schemas.arguments import suggest

_UNQUOTED = "the words that bear it out are missing; give them as quote"
_WORDLESS = "these words bear out nothing; give those that decide it"
_SAYS = re.compile(
    r"\b(?!(?:a|an|and|any|as|at|by|for|from|in|is|are|it|of|on|or|that|the|this|to|was|were|will"
    r"|with|be)\b)[^\W_]",
    re.IGNORECASE,
)
"""A word that can bear something out."""


def check_examples(fields: Iterable[CustomField], where: str = "") -> tuple[CustomField, ...]:
    """Return the fields if the text of each example bears out its answer, as that of a model.
    Raises ``FieldError``.

    A bare value has the whole text as its quote. ``where`` stands before the field's name in
    messages.

    >>> from extractor.concepts.own import read_fields
    >>> [field.name for field in check_examples(read_fields("blinding"))]
    ['blinding']
    """
    checked = tuple(fields)
    for field, example in ((one, example) for one in checked for example in one.examples):
        fault = next(_list_faults(field, example), None)
        if fault:
            raise FieldError(f"{where}{field.name}, example {example.text!r}: {fault}")
    return checked


def _list_faults(field: CustomField, example: Example) -> Iterator[str]:
    """Yield what is wrong with an example's answer, in its form or by its text."""
    answers = field.list_answers(example.value, quote=example.text)
    known = ("quote", *(one.name for one in field.attributes))
    for name in (
        name for one in answers if isinstance(one, dict) for name in one if name not in known
    ):
        yield f"{name} is no attribute{suggest(name, known)}; write {', '.join(a.describe() for a in field.attributes)}"
    claims, broken = field.read(answers)
    yield from (fault for _, fault in broken)
    if example.value is not None and not claims:
        yield "no value"
    for claim in claims:
        for value, reason in check_claim(claim, field, read_passage(example.text))[1]:
            shown = reason or (
                "the text does not bear it out, so that the same answer of a model would be refused"
            )
            yield f"{show_value(value)}: {shown}"


def check_claim(
    claim: Mapping[str, Any], field: CustomField, here: Passage
) -> tuple[dict[str, Reading[Any]], list[tuple[Any, str]]]:
    """Check each value of a claim: return what the text bears out, by attribute, and the refused
    values with reasons.

    A conclusion needs the claim's quote in the passage, a quantity its own words. A reason is empty
    if the text lacks the value.

    >>> from extractor.concepts.own import read_fields
    >>> (field,) = read_fields("blinding")
    >>> claim = {"quote": "masked for 4 weeks", "value": "open"}
    >>> check_claim(claim, field, read_passage("Staff are masked for 4 weeks"))[0][
    ...     "value"
    ... ].support.value
    'inferred'
    >>> check_claim(claim, field, read_passage("Staff are masked for 6 weeks"))
    ({}, [('masked for 4 weeks', '')])
    """
    words = claim.get("quote") if field.needs_quote else None
    quote = _find_words(words, here) if words else None
    if words and (quote is None or not _SAYS.search(words)):
        return {}, [(words, _WORDLESS if quote else "")]
    readings: dict[str, Reading[Any]] = {}
    refused: list[tuple[Any, str]] = []
    for attribute in field.attributes:
        value = claim.get(attribute.name)
        concluded = attribute.type.is_concluded
        if isinstance(value, tuple):
            members = value
        elif value is None:
            members = ()
        else:
            members = (value,)
        if concluded and not quote and field.judgement and members:
            readings[attribute.name] = Reading(
                value, MODEL_CONFIDENCE, support=Support.UNPROVEN, origin=Origin.MODEL
            )
            continue
        found: list[Supported] = []
        for member in members:
            inferred = Supported(member, quote, Support.INFERRED) if quote else None
            supported = inferred if concluded else find_claimed(member, here, quote)
            if supported:
                found.append(supported)
            else:
                refused.append((member, _UNQUOTED if concluded else ""))
        if found:
            readings[attribute.name] = read_supported(found, many=attribute.many)
    is_whole = all(one.name in readings for one in field.attributes if one.required)
    return readings if is_whole else {}, refused


def find_claimed(value: Any, here: Passage, quote: Span | None = None) -> Supported | None:
    """Find a value in the quote of its claim, else in the line around it.

    A number beside the quote is another one if the quote states one itself; else it is a
    conclusion, as is the zero of "no prior chemotherapy". The unit of a number in the quote may
    stand behind it: "26-35" of "26-35, 36-45 years old".
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
    stated = [number for number in find_numbers(tokens) if not _is_of_a_name(tokens, number.first)]
    none = (Quantity(comparator=Comparator.EQUAL, value=0), 0)
    if (
        not stated
        and value in none
        and rule("states_none").search(tokens)
        and not rule("states_some").search(tokens)
    ):
        return Supported(value, quote, Support.INFERRED)
    found = _find(value, here)
    if found and stated and not found.span.overlaps(quote):
        return None
    return replace(found, support=Support.INFERRED) if found else None


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
    if (
        check.status not in (QuoteStatus.EXACT, QuoteStatus.FOLDED)
        or check.start is None
        or check.end is None
    ):
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
            return Supported(here.section.raw[span.start : span.end], span, Support.LITERAL)
        return None
    tokens = cut(here)
    rhythms = rule("rhythm").find(tokens) if isinstance(value, Period) else ()
    rhythm = next(filter(partial(_recurs, value), rhythms), None)
    if rhythm:
        return Supported(value, locate(here, rhythm.first, rhythm.end), Support.INFERRED)
    if isinstance(value, int | float):
        stated = next((one for one in find_numbers(tokens) if one.value == value), None)
        found = support_at(Derived(stated.first, stated.end), value, here) if stated else None
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
        compared = rule("comparison").ends(tokens, first, max(here.first, first - _COMPARED))
        suffix = next(
            iter(find_terms(tokens, "comparator_suffixes", end, min(here.end, end + _COMPARED))),
            None,
        )
        first = compared.first if compared else first
        end = suffix.end if suffix and suffix.first == end else end
    return replace(found, span=span_of(here.part(first, min(end, max(here.end, number.end)))))

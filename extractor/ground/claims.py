"""Check what is said of the user's own fields against the text: in the quote of the claim, else in its line."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from extractor.fields.declaration import CustomField
from extractor.mentions.rows import find_numbers, skip_unit
from extractor.parse.drafts import Reading, Span
from extractor.schemas import Comparator, Constraint, Origin, Period, Quantity, Support, TimePoint
from extractor.text.book import find_terms, rule
from extractor.text.lexer import Tokens
from extractor.text.numbers import read_number, read_time_unit
from extractor.text.passage import Passage
from extractor.text.patterns import Found

from .constraints import find_limit, has_other_reading
from .places import MODEL_CONFIDENCE, Derived, Supported, read_supported, span_of
from .quotes import QuoteStatus, verify_quote
from .support import find_support


@dataclass(frozen=True, slots=True)
class CheckedClaim:
    """What the text bears out of a claim, by attribute, and the refused values, each with a reason if one is known."""

    readings: Mapping[str, Reading[Any]] = dataclasses.field(default_factory=dict)
    refused: tuple[tuple[Any, str], ...] = ()


_UNQUOTED = "the words that bear it out are missing; give them as quote"
_WORDLESS = "these words bear out nothing; give those that decide it"
_SAYS = re.compile(
    r"\b(?!(?:a|an|and|any|as|at|by|for|from|in|is|are|it|of|on|or|that|the|this|to|was|were|will|with|be)\b)[^\W_]",
    re.IGNORECASE,
)
"""A word that can bear something out."""


def check_claim(claim: Mapping[str, Any], field: CustomField, here: Passage) -> CheckedClaim:
    """Check each value of a claim. A conclusion needs the claim's quote in the passage, a quantity its own words.

    >>> from extractor.fields import read_fields
    >>> from extractor.text.passage import read_passage
    >>> (field,) = read_fields("blinding")
    >>> claim = {"quote": "masked for 4 weeks", "value": "open"}
    >>> check_claim(claim, field, read_passage("Staff are masked for 4 weeks")).readings["value"].support.value
    'inferred'
    >>> check_claim(claim, field, read_passage("Staff are masked for 6 weeks")).readings
    {}
    """
    words = claim.get("quote") if field.needs_quote else None
    quote = _find_words(words, here) if words else None
    if words and (quote is None or not _SAYS.search(words)):
        return CheckedClaim(refused=((words, _WORDLESS if quote else ""),))
    readings: dict[str, Reading[Any]] = {}
    refused: list[tuple[Any, str]] = []
    for attribute in field.attributes:
        value, concluded = claim.get(attribute.name), attribute.type.is_concluded
        members = value if isinstance(value, tuple) else () if value is None else (value,)
        if concluded and not quote and field.judgement and members:
            readings[attribute.name] = Reading(value, MODEL_CONFIDENCE, support=Support.UNPROVEN, origin=Origin.MODEL)
            continue
        found: list[Supported] = []
        for member in members:
            inferred = Supported(member, quote, Support.INFERRED) if quote else None
            if supported := inferred if concluded else find_claimed(member, here, quote):
                found.append(supported)
            else:
                refused.append((member, _UNQUOTED if concluded else ""))
        if found:
            readings[attribute.name] = read_supported(found, many=attribute.many)
    is_whole = all(one.name in readings for one in field.attributes if one.required)
    return CheckedClaim(readings if is_whole else {}, tuple(refused))


def find_claimed(value: Any, here: Passage, quote: Span | None = None) -> Supported | None:
    """A value in the quote of its claim, else in the line around it.

    A number beside the quote is another one if the quote states one itself; else it is a conclusion, as is the zero of
    "no prior chemotherapy". The unit of a number in the quote may stand behind it: "26-35" of "26-35, 36-45 years old".
    """
    if quote is None:
        return _find(value, here)
    inside = here.section.between(quote.start, quote.end)
    if isinstance(value, str):
        return _find(value, inside) or _find(value, here)
    if found := _find(value, inside):
        return found
    tokens = inside.tokens.cut(inside.first, inside.end)
    stated = [number for number in find_numbers(tokens) if not _is_of_a_name(tokens, number.first)]
    if not stated and _is_none(value) and rule("states_none").search(tokens) and not rule("states_some").search(tokens):
        return Supported(value, quote, Support.INFERRED)
    found = _find(value, here)
    if found and stated and not found.span.overlaps(quote):
        return None
    return replace(found, support=Support.INFERRED) if found else None


_KINDS = frozenset({"type", "stage", "grade", "class", "phase"})


def _is_of_a_name(tokens: Tokens, at: int) -> bool:
    """Whether a number counts nothing: "IL-6", "CDK4/6", "type 2", "stage IV"."""
    before = tokens.words[at - 1] if at else ""
    between = tokens.gap(at) if at else " "
    is_joined = between in ("", "-") and (before.isalnum() or before in "-/")
    return is_joined or before.lower() in _KINDS or set(tokens.words[at]) <= set("IVX")


def _is_none(value: Any) -> bool:
    if isinstance(value, Quantity):
        is_zero = (value.comparator, value.value, value.value_high) == (Comparator.EQUAL, 0, None)
        return is_zero and value.unit is None
    return isinstance(value, int | float) and value == 0


def _find_words(quote: str, here: Passage) -> Span | None:
    """Where a passage has a quote, and does not deny it."""
    check = verify_quote(quote, here.raw)
    if check.status not in (QuoteStatus.EXACT, QuoteStatus.FOLDED) or check.start is None or check.end is None:
        return None
    first = here.raw_span[0]
    return Span(here.section.name, first + check.start, first + check.end)


_COMPARED = 14
"""How many tokens before or after a number may compare it."""
_RHYTHMS = {"daily": (1, "day"), "weekly": (1, "week"), "monthly": (1, "month"), "quarterly": (3, "month")}
_RHYTHMS |= dict.fromkeys(("fortnight", "fortnightly"), (2, "week"))
_RHYTHMS |= dict.fromkeys(("yearly", "annual", "annually"), (1, "year"))


def _recurs(value: Period, rhythm: Found) -> bool:
    """Whether words such as "monthly", "6-monthly" and "every other week" state a length of time."""
    if second := rhythm.read("second"):  # "every other week"
        return (value.value, value.unit) == (2, read_time_unit(second))
    length, unit = _RHYTHMS[(rhythm.read("unit") or "").lower()]
    return (value.value, value.unit) == ((read_number(rhythm.read("count") or "") or 1) * length, unit)


_NO_MOMENT = re.compile(r"(?<![\w)])[-\u2212]$|(?:\u00b1|\+\s?/\s?-)\s?$")
"""Before the number of no time point: "Day -14" is not day 14, and "Day 28 (+/- 3 days)" is not day 3."""


def _find(value: Any, here: Passage) -> Supported | None:
    """A value that the passage states, if it can be derived again from the words found."""
    tokens = here.tokens.cut(here.first, here.end)
    match value:
        case Quantity():
            place = find_limit(tokens, value)
            return _support(value, here, tokens, place) if place else None
        case int() | float():
            stated = next((number for number in find_numbers(tokens) if number.value == value), None)
            return _support(value, here, tokens, Derived(stated.first, stated.end)) if stated else None
        case str():
            span = _find_words(value, here)
            return Supported(here.section.raw[span.start : span.end], span, Support.LITERAL) if span else None
        case Period() if rhythm := next(filter(partial(_recurs, value), rule("rhythm").find(tokens)), None):
            span = span_of(here, tokens, rhythm.first, rhythm.end)
            return Supported(value, span, Support.INFERRED) if span else None
    found = find_support(value, here)
    if found is None and isinstance(value, TimePoint):  # "every 28 days"
        found = find_support(Period(value=value.value, unit=value.unit), here)
        found = replace(found, value=value) if found else None
    if found is None:
        return None
    before = here.section.raw[max(0, found.span.start - 5) : found.span.start]
    return None if isinstance(value, TimePoint) and _NO_MOMENT.search(before) else _widen(found, here)


def _support(value: Any, here: Passage, tokens: Tokens, place: Derived) -> Supported:
    support = Support.INFERRED if has_other_reading(tokens, place) else place.support
    return _widen(Supported(value, span_of(here, tokens, place.first, place.end), support), here)


def _widen(found: Supported, here: Passage) -> Supported:
    """A number with the words that say what it means: "at least 50 %", not "50"; "Day 1", not "1"."""
    number, tokens = here.section.between(found.span.start, found.span.end), here.tokens
    first, end = number.first, skip_unit(tokens, number.end)
    if first > here.first and read_time_unit(tokens.words[first - 1]):
        first -= 1
    if isinstance(found.value, Quantity | Constraint):
        compared = rule("comparison").ends(tokens, first, max(here.first, first - _COMPARED))
        suffix = next(iter(find_terms(tokens, "comparator_suffixes", end, min(here.end, end + _COMPARED))), None)
        first = compared.first if compared else first
        end = suffix.end if suffix and suffix.first == end else end
    return replace(found, span=span_of(here, tokens, first, min(end, max(here.end, number.end))))

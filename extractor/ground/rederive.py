"""Every value derived again from its own evidence: how it follows from its quote, if it does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from extractor.parse.parsed import Span
from extractor.schemas import Frequency, Item, Route, Support, TrialExtraction, TrialRecord
from extractor.text.passage import Passage, Section, read_section

from .fold import fold_clean
from .quotes import is_clean_cut
from .support import clean_span, cut_lines, find_support

_FIELD = re.compile(r"(?P<name>\w+)(?:\[(?P<position>\d+)\])?")
_READ_CODES = (Frequency, Route)
"""Closed sets that a grammar reads; a member of any other is a reader's conclusion."""


@dataclass(frozen=True, slots=True)
class DerivedValue:
    """A value's path in the extraction, and how it follows from its quote; None if it does not."""

    path: str
    support: Support | None


def derive_support(value: Any, span: Span, section: Section) -> Support | None:
    """How a value follows from its quote ``section.raw[span.start:span.end]``; None if it does not.

    A quote is read in its line: the unit of "30" may be further on, in "days 30, 60 and 90". What only other words of
    that line support is inferred.

    >>> from extractor.schemas import Amount
    >>> section = read_section("arms[0]", "Examplumab 5 mg/kg daily")
    >>> whole, part = Span("arms[0]", 11, 18), Span("arms[0]", 11, 15)
    >>> derive_support(Amount(low=5, high=5, unit="mg/kg"), whole, section).value
    'parsed'
    >>> derive_support(Amount(low=5, high=5, unit="mg"), part, section)
    """
    if value == section.raw[span.start : span.end]:
        return Support.LITERAL
    if isinstance(value, bool) or (isinstance(value, StrEnum) and not isinstance(value, _READ_CODES)):
        return Support.INFERRED
    quote = section.between(span.start, span.end)
    if _is_clean(quote) and (alone := find_support(value, quote)):
        return alone.support
    codes = quote.tokens.codes
    first, end = codes.rfind("\n", 0, quote.first) + 1, codes.find("\n", quote.end)
    within = find_support(value, quote.part(first, end if end >= 0 else len(codes)))
    if within is None:
        return None
    return within.support if within.span.overlaps(span) else Support.INFERRED


def _is_clean(quote: Passage) -> bool:
    """Whether a quote cuts through nothing in its line."""
    if quote.end <= quote.first:
        return False
    (lines, begin), (start, end) = cut_lines(quote), clean_span(quote)
    folded = fold_clean(lines)
    tokens, place = folded.tokens, folded.folded.clean_position
    return is_clean_cut(folded, tokens.at(place(start - begin)), tokens.before(place(end - begin)))


def derive_values(extraction: TrialExtraction, record: TrialRecord) -> Iterator[DerivedValue]:
    """How each value with evidence follows from it."""
    sections = {section.name: read_section(section.name, section.text) for section in record.sections}
    for path, item in list_items(extraction):
        for evidence in item.evidence:
            value, section = _value_at(item, evidence.field), sections.get(evidence.section)
            if value is None:
                continue
            support = None
            if section and section.raw[evidence.start : evidence.end] == evidence.quote:
                support = derive_support(value, Span(section.name, evidence.start, evidence.end), section)
            yield DerivedValue(f"{path}.{evidence.field}", support)


def _value_at(item: Item, field: str) -> Any:
    found = _FIELD.fullmatch(field)
    value = getattr(item, found["name"]) if found else None
    if found is None or found["position"] is None or not isinstance(value, tuple):
        return value
    return value[int(found["position"])] if int(found["position"]) < len(value) else None


def list_items(extraction: TrialExtraction) -> Iterator[tuple[str, Item]]:
    """Every item of an extraction, with its path."""
    yield "eligibility", extraction.eligibility
    yield from ((f"eligibility.criteria[{n}]", one) for n, one in enumerate(extraction.eligibility.criteria))
    yield from ((f"dosing[{n}]", one) for n, one in enumerate(extraction.dosing))
    yield from ((f"endpoints[{n}]", one) for n, one in enumerate(extraction.endpoints))

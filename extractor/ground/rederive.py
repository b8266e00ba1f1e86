"""Every value derived again from its own evidence, whoever read it: how it follows from its quote, if it does."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from extractor.parse.parsed import Span
from extractor.parse.passage import Passage, passage_of, read_passage
from extractor.schemas import Evidence, Frequency, Item, Route, Support, TrialExtraction, TrialRecord
from extractor.text.clean import CleanText, clean_text

from .edges import is_clean_cut
from .support import find_support

__all__ = ["DerivedValue", "derive_support", "derive_values", "list_items"]

_FIELD = re.compile(r"(?P<name>\w+)(?:\[(?P<position>\d+)\])?")
_READ_CODES = (Frequency, Route)
"""Closed sets that a grammar reads; a member of any other is a reader's conclusion."""


@dataclass(frozen=True, slots=True)
class DerivedValue:
    """A value's path in the extraction, and how it follows from its quote; None if it does not."""

    path: str
    support: Support | None


def derive_support(value: Any, span: Span, raw: str, cleaned: CleanText) -> Support | None:
    """How a value follows from its quote ``raw[span.start:span.end]``: literally, by parsing, by inference, or not.

    ``raw`` is the text of the span's section, ``cleaned`` the same cleaned. A quote is read in its line: the unit of
    "30" may stand further on, in "days 30, 60 and 90". What only other words of that line bear out is inferred.

    >>> from extractor.schemas import Amount
    >>> text = "Examplumab 5 mg/kg daily"
    >>> whole, part = Span("arms[0]", 11, 18), Span("arms[0]", 11, 15)
    >>> derive_support(Amount(low=5, high=5, unit="mg/kg"), whole, text, clean_text(text)).value
    'parsed'
    >>> derive_support(Amount(low=5, high=5, unit="mg"), part, text, clean_text(text))
    """
    words = raw[span.start : span.end]
    if value == words:
        return Support.LITERAL
    if isinstance(value, bool) or (isinstance(value, StrEnum) and not isinstance(value, _READ_CODES)):
        return Support.INFERRED
    quote = read_passage(span.section, raw, cleaned, span.start, span.end)
    whole = is_clean_cut(cleaned.text, quote.start, quote.end)
    if whole and (alone := _derive_alone(value, words)):
        return alone
    within = find_support(value, _line_around(quote))
    if within is None:
        return None
    return within.support if _overlap(within.span, span) else Support.INFERRED


def derive_values(
    extraction: TrialExtraction, record: TrialRecord, cleaned: Mapping[str, CleanText] | None = None
) -> Iterator[DerivedValue]:
    """How each value with evidence follows from it. ``cleaned`` holds the cleaned sections, if they are at hand."""
    cleaned = cleaned or {section.name: clean_text(section.text) for section in record.sections}
    for path, item in list_items(extraction):
        for evidence in item.evidence:
            value = _value_at(item, evidence.field)
            if value is not None:
                yield DerivedValue(f"{path}.{evidence.field}", _derive(value, evidence, record, cleaned))


@lru_cache(maxsize=4096)
def _derive_alone(value: Any, words: str) -> Support | None:
    """How a value follows from a quote that cuts through nothing. Registry language repeats: the last are kept."""
    found = find_support(value, passage_of(words))
    return found.support if found else None


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def list_items(extraction: TrialExtraction) -> Iterator[tuple[str, Item]]:
    """Every item of an extraction, with its path."""
    yield "eligibility", extraction.eligibility
    yield from ((f"eligibility.criteria[{n}]", one) for n, one in enumerate(extraction.eligibility.criteria))
    yield from ((f"dosing[{n}]", one) for n, one in enumerate(extraction.dosing))
    yield from ((f"endpoints[{n}]", one) for n, one in enumerate(extraction.endpoints))


def _value_at(item: Item, field: str) -> Any:
    found = _FIELD.fullmatch(field)
    value = getattr(item, found["name"]) if found else None
    if found is None or found["position"] is None or not isinstance(value, tuple):
        return value
    return value[int(found["position"])] if int(found["position"]) < len(value) else None


def _derive(value: Any, evidence: Evidence, record: TrialRecord, cleaned: Mapping[str, CleanText]) -> Support | None:
    section = record.section(evidence.section)
    if section is None or section.text[evidence.start : evidence.end] != evidence.quote:
        return None
    span = Span(section.name, evidence.start, evidence.end)
    return derive_support(value, span, section.text, cleaned[section.name])


def _line_around(quote: Passage) -> Passage:
    """The quote with the rest of the lines that it stands in."""
    text = quote.cleaned.text
    start, end = text.rfind("\n", 0, quote.start) + 1, text.find("\n", quote.end)
    return Passage(quote.section, quote.raw, quote.cleaned, start, end if end >= 0 else len(text))

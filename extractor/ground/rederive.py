"""Every value of a finished extraction, derived again from its own evidence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from extractor.parse.clean import CleanText, clean_text
from extractor.parse.passage import Passage, read_passage
from extractor.schemas import Evidence, Item, Support, TrialExtraction, TrialRecord

from .support import find_support

__all__ = ["DerivedValue", "derive_values"]

_FIELD = re.compile(r"(?P<name>\w+)(?:\[(?P<position>\d+)\])?")


@dataclass(frozen=True, slots=True)
class DerivedValue:
    """A value's path in the extraction, and how it follows from its quote; None if it does not."""

    path: str
    support: Support | None


def derive_values(extraction: TrialExtraction, record: TrialRecord) -> Iterator[DerivedValue]:
    """How each value with evidence follows from it: literally, by parsing, by inference, or not at all.

    A quote is read in its line: the unit of "30" may stand further on, in "days 30, 60 and 90". What only other
    words of that line bear out is inferred.
    """
    cleaned = {section.name: clean_text(section.text) for section in record.sections}
    for path, item in _list_items(extraction):
        for evidence in item.evidence:
            value = _value_at(item, evidence.field)
            if value is not None:
                yield DerivedValue(f"{path}.{evidence.field}", _derive(value, evidence, record, cleaned))


def _list_items(extraction: TrialExtraction) -> Iterator[tuple[str, Item]]:
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


def _derive(value: Any, evidence: Evidence, record: TrialRecord, cleaned: dict[str, CleanText]) -> Support | None:
    section = record.section(evidence.section)
    if section is None or section.text[evidence.start : evidence.end] != evidence.quote:
        return None
    quote = read_passage(section.name, section.text, cleaned[section.name], evidence.start, evidence.end)
    if alone := find_support(value, quote):
        return alone.support
    within = find_support(value, _line_around(quote))
    if within is None:
        return None
    here = within.span.start < evidence.end and evidence.start < within.span.end
    return within.support if here else Support.INFERRED


def _line_around(quote: Passage) -> Passage:
    """The quote with the rest of the lines that it stands in."""
    text = quote.cleaned.text
    start, end = text.rfind("\n", 0, quote.start) + 1, text.find("\n", quote.end)
    return Passage(quote.section, quote.raw, quote.cleaned, start, end if end >= 0 else len(text))

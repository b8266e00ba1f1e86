"""One record for the page: its text, its items with values and evidence, its empty fields and its findings."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from extractor.pages import to_utf16
from extractor.run.finished import TextState
from extractor.schemas import (
    Citation,
    Endpoint,
    Evidence,
    ExtractedItem,
    RegistryFields,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.values import Value, list_values

Json = dict[str, Any]

RECORD = "record"
"""Field name for statements about the whole record."""
_PATH = re.compile(r"(?:eligibility|dosing|endpoints|custom)(?:\[\d+\])?(?:\.[a-z]\w*(?:\[\d+\])?)*")
_GAP = " … "
_LARGE = 10_000
"""Numbers from here on are shown with thousands separators."""


@dataclass(frozen=True)
class RunRecord:
    """A result and, if its text is the one that the run read, its record."""

    extraction: TrialExtraction
    record: TrialRecord | None
    text: TextState

    @cached_property
    def items(self) -> list[tuple[str, ExtractedItem, list[Value]]]:
        """All items with their paths and values, in the order of the guideline."""
        return [(path, item, list(list_values(path, item))) for path, item in self.extraction.list_items()]

    @property
    def title(self) -> str:
        """The record's title; empty if it has none, or its text is not available."""
        return " ".join((self.record.raw_text("title") or "").split()) if self.record else ""


@lru_cache(maxsize=4096)
def name_field(path: str) -> str:
    """Return the field of a path, without indices and without the words that a finding puts around the path.

    >>> name_field("endpoints[2].time_points[0]"), name_field("dosing: dosing.route of arms[1][0:9]"), name_field("")
    ('endpoints.time_points', 'dosing', 'record')
    """
    found = _PATH.match(path)
    return re.sub(r"\[\d+\]", "", found[0]) if found else RECORD


def name_value(path: str, value: Value) -> str:
    """Return the field of a value of the item at ``path``. All values of a user's own field have its name.

    >>> name_value("custom.assay[1]", Value("custom.assay[1].values.value", "value", "22C3", ()))
    'custom.assay'
    """
    name = name_field(path)
    return name if name.startswith("custom.") else f"{name}.{value.name}"


def name_absence(path: str) -> str:
    """Return the field of an absence; that of a user's own field may stand at a criterion, a regimen or an endpoint.

    >>> name_absence("eligibility.criteria[2].custom.assay")
    'custom.assay'
    """
    _, custom, name = path.rpartition("custom.")
    return f"{custom}{name}" if custom else name_field(path)


class _Section(NamedTuple):
    """A shown text, and a function that maps an offset in the raw text to one in it, in UTF-16 units."""

    text: str
    place: Callable[[int], int]


def _show_text(record: TrialRecord) -> dict[str, _Section]:
    """Return all sections of a record, and the structured registry fields that have a value."""
    texts = {section.name: section.text for section in record.sections}
    fields = {f"registry.{name}": record.registry.text(name) for name in RegistryFields.model_fields}
    texts |= {name: text for name, text in fields.items() if text}
    return {name: _Section(text, to_utf16(text)) for name, text in texts.items()}


def _show_quotes(extraction: TrialExtraction) -> dict[str, _Section]:
    """Return the quotes from each section, in text order, with dots where text is left out."""
    quoted: Iterable[Evidence | Citation] = chain(
        (one for _, item in extraction.list_items() for one in item.evidence),
        (one for finding in extraction.findings for one in finding.citations),
    )
    quotes: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for one in quoted:
        quotes[one.section].append((one.start, one.quote))
    return {name: _join(parts) for name, parts in quotes.items()}


def _join(quotes: Iterable[tuple[int, str]]) -> _Section:
    """Join quotes; those that overlap or touch become one piece."""
    text, pieces, end = "", list[tuple[int, int]](), -1  # where each piece starts in the raw text, and where here
    for start, quote in sorted(quotes, key=lambda pair: (pair[0], -len(pair[1]))):
        if start > end:
            text += _GAP if pieces else ""
            pieces.append((start, len(text)))
            end = start
        text, end = text + quote[end - start :], max(end, start + len(quote))
    units = to_utf16(text)

    def place(offset: int) -> int:
        raw, here = pieces[bisect_right(pieces, offset, key=itemgetter(0)) - 1]
        return units(here + offset - raw)

    return _Section(text, place)


class _Spans:
    """Spans of the shown text, without duplicates: section number, start and end, and the offsets in the raw text."""

    def __init__(self, sections: Mapping[str, _Section]) -> None:
        self._sections = sections
        self._names = list(sections)
        self.found: dict[tuple[int, int, int, int, int], int] = {}

    def number(self, quoted: Evidence | Citation) -> int | None:
        """Return the number of the quote's span; None if the quote is not in the text."""
        section = self._sections.get(quoted.section)
        if section is None or quoted.start >= quoted.end:
            return None
        shown = section.place(quoted.start), section.place(quoted.end)
        span = (self._names.index(quoted.section), *shown, quoted.start, quoted.end)
        return self.found.setdefault(span, len(self.found))


def show_record(one: RunRecord) -> Json:
    """Return the page's data for a record. ``spans`` are section, start and end in UTF-16 units, and start and end in
    the raw text; values and findings refer to them by position.
    """
    extraction, source, coverage = one.extraction, one.extraction.source, one.extraction.coverage
    sections = _show_text(one.record) if one.record else _show_quotes(extraction)
    spans = _Spans(sections)
    return {
        "id": extraction.record_id,
        "title": one.title,
        "source": ", ".join(filter(None, (source.path, source.place))) if source else "",
        "text": one.text.value,
        "sections": [{"name": name, "text": section.text} for name, section in sections.items()],
        "items": [
            {
                "path": path,
                "origin": item.origin,
                "confidence": item.confidence,
                "of": getattr(item, "of", None),
                "rank": [item.rank, item.index] if isinstance(item, Endpoint) else None,
                "values": [_show_value(value, spans) for value in values],
            }
            for path, item, values in one.items
        ],
        "findings": [
            finding.model_dump(mode="json", exclude={"citations"})
            | {"quotes": [[cited.section, cited.quote, spans.number(cited)] for cited in finding.citations]}
            for finding in extraction.findings
        ],
        "absences": [[absence.field, absence.reason, list(absence.sections)] for absence in extraction.absences],
        "spans": list(spans.found),
        "coverage": [coverage.characters, coverage.claimed, coverage.boilerplate] if coverage else None,
        "usage": {name: count for name, count in (extraction.usage or ()) if count},
    }


def _show_value(value: Value, spans: _Spans) -> Json:
    numbers = map(spans.number, value.evidence)
    return {
        "path": value.path,
        "name": value.name,
        "value": value.value.model_dump(mode="json") if hasattr(value.value, "model_dump") else value.value,
        "support": value.evidence[0].support if value.evidence else None,
        "spans": [number for number in numbers if number is not None],
    }


def gather_words(shown: Json) -> str:
    """Return the distinct words of a shown record, in lower case and sorted.

    A search matches parts of words, so these words give the same answer as the whole text.

    >>> value = {"value": {"quantity": "ECOG", "value": 2.0}}
    >>> sections = [{"name": "eligibility", "text": "ECOG <= 2, or Karnofsky >= 60"}]
    >>> gather_words({"id": "A1", "sections": sections, "items": [{"values": [value]}], "findings": []})
    '2 2, 60 <= >= a1 ecog karnofsky or'
    """
    texts = [shown["id"], *(section["text"] for section in shown["sections"])]
    texts += [finding["message"] for finding in shown["findings"]]
    texts += [text for item in shown["items"] for value in item["values"] for text in _list_texts(value["value"])]
    return " ".join(sorted(set("\n".join(texts).lower().split())))


def _list_texts(value: Any) -> Iterator[str]:
    """Yield the texts and numbers of a value; a large number also with thousands separators, as the page shows it."""
    if isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _list_texts(part)
    elif isinstance(value, float) and value.is_integer():
        yield from _list_texts(int(value))
    elif value is not None:
        yield str(value)
        if isinstance(value, int | float) and abs(value) >= _LARGE:
            yield f"{value:,}"

"""One record as the page's script draws it: sections, items with their values, what is empty, findings."""

from typing import Any

from extractor.schemas import Citation, Endpoint, Evidence, Finding, Item, TrialExtraction

from .run_records import RunRecord
from .shown_text import ShownText, show_quotes, show_text
from .values import Value

__all__ = ["Json", "show_record", "tell_title"]

Json = dict[str, Any]


def show_record(one: RunRecord) -> Json:
    """All that is shown of a record. ``spans`` are section, first character and the one past the last, in UTF-16;
    values and findings name theirs by position.
    """
    extraction = one.extraction
    text = show_text(one.record) if one.record else show_quotes(extraction)
    spans = _Spans(text)
    items = [_show_item(path, item, values, spans) for path, item, values in one.items]
    findings = [_show_finding(finding, spans) for finding in extraction.findings]
    return {
        "id": extraction.record_id,
        "title": tell_title(one),
        "source": _tell_source(extraction),
        "text": one.text.value,
        "sections": text.export(),
        "items": items,
        "findings": findings,
        "absences": [[absence.field, absence.reason, list(absence.sections)] for absence in extraction.absences],
        "spans": spans.found,
        "coverage": _show_coverage(extraction),
        "usage": {name: count for name, count in (extraction.usage or ()) if count},
    }


def tell_title(one: RunRecord) -> str:
    """The record's title; nothing where its text is not at hand, or it has none."""
    return " ".join((one.record.raw_text("title") or "").split()) if one.record else ""


class _Spans:
    """Spans, each once, in the order in which they are first needed."""

    def __init__(self, text: ShownText) -> None:
        self.found: list[list[int]] = []
        self._text = text
        self._numbers: dict[tuple[str, int, int], int | None] = {}

    def number(self, quoted: Evidence | Citation) -> int | None:
        key = (quoted.section, quoted.start, quoted.end)
        if key not in self._numbers:
            place = self._text.place(quoted)
            self._numbers[key] = None if place is None else len(self.found)
            self.found += [] if place is None else [place]
        return self._numbers[key]

    def list_numbers(self, quoted: tuple[Evidence, ...] | tuple[Citation, ...]) -> list[int]:
        return [number for one in quoted if (number := self.number(one)) is not None]


def _show_item(path: str, item: Item, values: list[Value], spans: _Spans) -> Json:
    return {
        "path": path,
        "origin": item.origin,
        "confidence": item.confidence,
        "rank": [item.rank, item.index] if isinstance(item, Endpoint) else None,
        "values": [_show_value(value, spans) for value in values],
    }


def _show_value(value: Value, spans: _Spans) -> Json:
    first = value.evidence[0] if value.evidence else None
    plain = value.value.model_dump(mode="json") if hasattr(value.value, "model_dump") else value.value
    return {
        "path": value.path,
        "name": value.name,
        "value": plain,
        "support": first.support if first else None,
        "spans": spans.list_numbers(value.evidence),
    }


def _show_finding(finding: Finding, spans: _Spans) -> Json:
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "field": finding.field,
        "message": finding.message,
        "sections": list(finding.sections),
        "quotes": [[one.section, one.quote, spans.number(one)] for one in finding.citations],
    }


def _tell_source(extraction: TrialExtraction) -> str:
    source = extraction.source
    return ", ".join(filter(None, (source.path, source.place))) if source else ""


def _show_coverage(extraction: TrialExtraction) -> list[int] | None:
    coverage = extraction.coverage
    return [coverage.characters, coverage.claimed, coverage.boilerplate] if coverage else None

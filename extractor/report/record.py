"""One record as the page shows it: its text, its items with their values and evidence, what is empty, findings."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from operator import itemgetter
from os import PathLike
from typing import Any

from extractor.pages import to_utf16
from extractor.run.finished import FinishedRun, TextState
from extractor.schemas import (
    Citation,
    Endpoint,
    Evidence,
    Finding,
    Item,
    RegistryFields,
    Task,
    TrialExtraction,
    TrialRecord,
)

RECORD = "record"
"""The field of statements about a record as a whole."""
_PATH = re.compile(r"(?:eligibility|dosing|endpoints)(?:\[\d+\])?(?:\.[a-z_]+(?:\[\d+\])?)*")
_ROOT = re.compile(r"[.\[]")
_TASKS = {task.value: task for task in Task}
_PLACES = frozenset({"section", "rank", "index", "criteria"})


@dataclass(frozen=True, slots=True)
class Value:
    """One stated value: one member where the field is a list. ``evidence`` is what supports it."""

    path: str
    name: str
    value: Any
    evidence: tuple[Evidence, ...]


ItemValues = tuple[str, Item, list[Value]]
"""An item's path, the item, and its values."""


def list_values(extraction: TrialExtraction) -> list[ItemValues]:
    """Every item with its path and its values, in the order of the guideline."""
    return [(path, item, list(_list_of_item(path, item))) for path, item in extraction.list_items()]


@lru_cache(maxsize=4096)
def name_field(path: str) -> str:
    """The field that a path leads to, without numbers. A finding's words around a path are left out.

    >>> name_field("endpoints[2].time_points[0]"), name_field("dosing: dosing.route of arms[1][0:9]"), name_field("")
    ('endpoints.time_points', 'dosing', 'record')
    """
    found = _PATH.match(path)
    return re.sub(r"\[\d+\]", "", found[0]) if found else RECORD


def name_task(field: str) -> Task | None:
    """The task of a field; None for statements about the record as a whole.

    >>> name_task("endpoints.time_points").value
    'endpoints'
    """
    return _TASKS.get(field.partition(".")[0])


def _list_of_item(path: str, item: Item) -> Iterator[Value]:
    proof: dict[str, list[Evidence]] = defaultdict(list)
    for one in item.evidence:
        proof[_ROOT.split(one.field, maxsplit=1)[0]].append(one)
    for name in _name_attributes(type(item)):
        value = getattr(item, name)
        if value is None or value == ():
            continue
        if not isinstance(value, tuple):
            yield Value(f"{path}.{name}", name, value, tuple(proof[name]))
            continue
        for number, one in enumerate(value):
            member = f"{name}[{number}]"
            yield Value(f"{path}.{member}", name, one, _find_evidence(proof[name], member, name))


@cache
def _name_attributes(kind: type[Item]) -> tuple[str, ...]:
    return tuple(name for name in kind.model_fields if name not in Item.model_fields and name not in _PLACES)


def _find_evidence(proof: list[Evidence], member: str, name: str) -> tuple[Evidence, ...]:
    """Of the member itself or its parts, else of the list as a whole."""
    own = tuple(one for one in proof if one.field == member or one.field.startswith((f"{member}.", f"{member}[")))
    return own or tuple(one for one in proof if one.field == name)


@dataclass(frozen=True)
class RunRecord:
    """A result and, where it is the same as the run read it, the record it is of."""

    extraction: TrialExtraction
    record: TrialRecord | None
    text: TextState

    @cached_property
    def items(self) -> list[ItemValues]:
        """All items with their values."""
        return list_values(self.extraction)


def read_run(run: FinishedRun, inputs: Sequence[str | PathLike[str]]) -> Iterator[RunRecord]:
    """The results of a run, each once: those found in ``inputs`` in their order, then the others.

    Raises ``StoreError`` for a result that this version cannot read.
    """
    for one in run.reread(inputs):
        yield RunRecord(run.read_result(one.record_id, TrialExtraction), one.record, one.text)


_GAP = " … "
_REGISTRY = "registry."
_Quoted = Evidence | Citation


@dataclass(frozen=True, slots=True)
class _Section:
    """``text`` holds ``pieces`` of the raw text: where each starts there, and where it starts here."""

    number: int
    text: str
    pieces: tuple[tuple[int, int], ...] = ((0, 0),)

    def place(self, offset: int) -> int:
        """The first character of a quote in the raw text as one in what is shown."""
        position = bisect_right(self.pieces, offset, key=itemgetter(0)) - 1
        raw, here = self.pieces[position]
        return here + offset - raw


class ShownText:
    """Sections by name, in the order in which they are shown."""

    def __init__(self, sections: dict[str, _Section]) -> None:
        self._sections = sections
        self._units = {name: to_utf16(section.text) for name, section in sections.items()}

    def export(self) -> list[dict[str, Any]]:
        """Name and text of each section."""
        return [{"name": name, "text": section.text} for name, section in self._sections.items()]

    def place(self, quoted: _Quoted) -> list[int] | None:
        """Number of the section, first character and the one past the last, in units of UTF-16; None if not there."""
        section = self._sections.get(quoted.section)
        if section is None or quoted.start >= quoted.end:
            return None
        units = self._units[quoted.section]
        start = section.place(quoted.start)
        return [section.number, units(start), units(start + quoted.end - quoted.start)]


def show_text(record: TrialRecord) -> ShownText:
    """All sections of a record, and the structured fields of the registry that hold something."""
    texts = {section.name: section.text for section in record.sections}
    fields = {name: record.registry.text(name) for name in RegistryFields.model_fields}
    texts |= {_REGISTRY + name: text for name, text in fields.items() if text}
    return ShownText({name: _Section(number, text) for number, (name, text) in enumerate(texts.items())})


def show_quotes(extraction: TrialExtraction) -> ShownText:
    """What an extraction quotes of each section, in the order of the text, with dots where something is left out."""
    quotes: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for one in _list_quoted(extraction):
        quotes[one.section].append((one.start, one.quote))
    return ShownText({name: _join(number, parts) for number, (name, parts) in enumerate(quotes.items())})


def _list_quoted(extraction: TrialExtraction) -> Iterator[_Quoted]:
    for _, item in extraction.list_items():
        yield from item.evidence
    for finding in extraction.findings:
        yield from finding.citations


def _join(number: int, quotes: Iterable[tuple[int, str]]) -> _Section:
    """Quotes that overlap or touch become one piece."""
    text, pieces, end = "", list[tuple[int, int]](), -1
    for start, quote in sorted(quotes, key=lambda pair: (pair[0], -len(pair[1]))):
        if start > end:
            text += _GAP if pieces else ""
            pieces.append((start, len(text)))
            text, end = text + quote, start + len(quote)
        elif start + len(quote) > end:
            text, end = text + quote[end - start :], start + len(quote)
    return _Section(number, text, tuple(pieces))


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
        "title": read_title(one),
        "source": _describe_source(extraction),
        "text": one.text.value,
        "sections": text.export(),
        "items": items,
        "findings": findings,
        "absences": [[absence.field, absence.reason, list(absence.sections)] for absence in extraction.absences],
        "spans": spans.found,
        "coverage": _show_coverage(extraction),
        "usage": {name: count for name, count in (extraction.usage or ()) if count},
    }


def read_title(one: RunRecord) -> str:
    """The record's title; nothing if its text is not available, or it has none."""
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


def _describe_source(extraction: TrialExtraction) -> str:
    source = extraction.source
    return ", ".join(filter(None, (source.path, source.place))) if source else ""


def _show_coverage(extraction: TrialExtraction) -> list[int] | None:
    coverage = extraction.coverage
    return [coverage.characters, coverage.claimed, coverage.boilerplate] if coverage else None


_LARGE = 10_000


def gather_words(shown: Json) -> str:
    """All different words of a record as it is shown, in small letters, in the order of the alphabet.

    A search asks for words, each of which may be a part of one; so these answer it as the whole text would.

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
    """The texts and numbers of a value; a large number also with its thousands apart, as the page shows it."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _list_texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _list_texts(part)
    elif isinstance(value, float) and value.is_integer():
        yield from _list_texts(int(value))
    elif value is not None:
        yield str(value)
        if isinstance(value, int | float) and abs(value) >= _LARGE:
            yield f"{value:,}"

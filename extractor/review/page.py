"""The data of the page: the form, made from the schemas, and records with their texts, items and marks."""

import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from extractor.evaluation.highlight import Clue, RecordText, name_field
from extractor.evaluation.standoff import name_home
from extractor.pages import name_label, to_utf16
from extractor.parse import parse_record
from extractor.parse.parsed import ParsedCriterion, Reading, Span
from extractor.schemas import Citation, Comparison, Finding, Origin, TrialRecord

from .draft import FIELDS, GROUPS, ActionKind, Base, BaseItem, Draft, DraftItem, ItemKind, ItemState, Json
from .journal import check_draft, shape_gold
from .queue import read_title

_GUESSED = {ItemKind.CRITERION: "category", ItemKind.REGIMEN: "role", ItemKind.ENDPOINT: "concept"}
"""The least certain field of an item that the rules read from marked words."""

Mark = tuple[str, str, int, int]
"""Field, section, and offsets as JavaScript counts them."""


@cache
def describe_form() -> Json:
    """The fields of each kind of item, in the order of the schema.

    ``widget`` is text, number, flag, choice or group; ``many`` says that it is a list of these, ``optional`` that
    it may be left empty.

    >>> [field["widget"] for field in describe_form()["people"]]
    ['group', 'group', 'choice', 'flag']
    """
    return {
        kind.value: [_describe_field(name, GROUPS[kind].model.model_fields[name], kind) for name in fields]
        for kind, fields in FIELDS.items()
    }


def _describe_field(name: str, field: FieldInfo, kind: ItemKind) -> Json:
    inner, many, optional = _unwrap(field.annotation)
    meaning = _definitions()["fields"][kind].get(name) or field.description or ""
    described = {"name": name, "label": name_label(name), "help": meaning, "many": many, "optional": optional}
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        parts = [_describe_field(part, info, kind) for part, info in inner.model_fields.items()]
        return described | {"widget": "group", "fields": parts}
    if isinstance(inner, type) and issubclass(inner, StrEnum):
        meanings = _definitions()["words"].get(inner.__name__, {})
        options = [{"value": word.value, "meaning": meanings.get(word.value, "")} for word in inner]
        return described | {"widget": "choice", "options": options}
    return described | {"widget": "flag" if inner is bool else "text" if inner is str else "number"}


def _unwrap(annotation: Any) -> tuple[Any, bool, bool]:
    """The type of a field's values, whether it is a list, and whether it may be empty."""
    arguments = get_args(annotation)
    if get_origin(annotation) is tuple:
        return _unwrap(arguments[0])[0], True, True
    if hasattr(annotation, "__metadata__"):
        return _unwrap(arguments[0])
    if arguments:
        inner, many, _ = _unwrap(next(one for one in arguments if one is not NoneType))
        return inner, many, NoneType in arguments
    return annotation, False, False


@cache
def _definitions() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "definitions.toml").read_text("utf-8"))


class OpenedRecord:
    """A record with its text and all that does not change while it is reviewed."""

    def __init__(self, record: TrialRecord, base: Base, findings: tuple[Finding, ...]) -> None:
        self.record, self.base = record, base
        self._text = RecordText(record)
        self._offsets = {section.name: to_utf16(section.text) for section in record.sections}
        self._doubts = _list_doubts(record, base.items)
        self.findings = [
            {
                "severity": finding.severity.value,
                "message": finding.message,
                "citations": [{"quote": one.quote, "place": self._export(one)} for one in finding.citations],
            }
            for finding in findings
        ]

    def list_doubts(self, item: DraftItem) -> dict[str, float | None]:
        """The doubtful fields of an open item with their confidence; None for a guess from marked words.

        A field that was given another value was looked at.
        """
        if item.state is not ItemState.OPEN:
            return {}
        if item.base is None:
            return {_GUESSED[item.kind]: None}
        predicted = item.base.value
        doubts = self._doubts.get(item.id, {}).items()
        return {name: confidence for name, confidence in doubts if item.value.get(name) == predicted.get(name)}

    def describe_sections(self) -> list[Json]:
        """The texts, with the places where items begin in a section that holds several."""
        starts: dict[str, set[int]] = {}
        for name, span in self._text.places.items():
            if name.endswith("]"):
                starts.setdefault(span.section, set()).add(self._offsets[span.section](span.start))
        several = {name: sorted(found) for name, found in starts.items() if len(found) > 1}
        return [{"name": s.name, "text": s.text, "starts": several.get(s.name, [])} for s in self.record.sections]

    def list_marks(self, item: DraftItem) -> list[Mark]:
        """The evidence of values that are as predicted, and the quotes of all others."""
        base = item.base
        # Empty fields have evidence, too, of where they were looked for: it is not marked.
        kept = {name for name, value in item.value.items() if value and base and base.value.get(name) == value}
        proof = [one for one in (base.evidence if base else ()) if name_field(one) in kept]
        marks = [(name_field(one), Span(one.section, one.start, one.end)) for one in proof]
        proven = {name for name, _ in marks}
        marks += [pair for pair in self._locate_quotes(item) if pair[0] not in proven]
        return [(name, *place) for name, span in marks if (place := self._export(span))]

    def _export(self, span: Span | Citation) -> tuple[str, int, int] | None:
        """Section and offsets as JavaScript counts them; None for a citation of no section."""
        to_units = self._offsets.get(span.section)
        return (span.section, to_units(span.start), to_units(span.end)) if to_units else None

    def _locate_quotes(self, item: DraftItem) -> Iterator[tuple[str, Span]]:
        home = name_home(item.value)
        if home is None:
            return
        main = item.value.get("quote") or item.value.get("measure")
        near = self._locate(home, main, None)
        for name, value in item.value.items():
            for quote in _list_quotes(item.kind, name, value):
                if span := self._locate(home, quote, near):
                    yield name, span

    def _locate(self, home: str, quote: Any, near: Span | None) -> Span | None:
        if not isinstance(quote, str) or not quote.strip():
            return None
        return self._text.locate(Clue(home, quote), (near,) if near else ())


def _list_quotes(kind: ItemKind, name: str, value: Any) -> list[Any]:
    """The words of the record in a field: quotes, and what names an instrument."""
    if isinstance(value, dict):
        return [value.get("quote") or value.get("name")]
    if FIELDS[kind][name].metadata.comparison is not Comparison.TEXT:
        return []
    return value if isinstance(value, list) else [value]


def _list_doubts(record: TrialRecord, items: tuple[BaseItem, ...]) -> dict[str, dict[str, float]]:
    """By item: the fields of which the rules are not certain, with their confidence. A model's values are left out."""
    parsed = parse_record(record)
    outcomes = {(one.rank, one.index): one for one in parsed.outcomes}
    found: dict[str, dict[str, float]] = {}
    for item in items:
        source: Any = None
        if item.kind is ItemKind.ENDPOINT:
            source = outcomes.get((item.value["rank"], item.value["index"]))
        elif item.kind is ItemKind.CRITERION:
            source = _find_criterion(parsed.eligibility.criteria, item)
        elif item.kind is ItemKind.PEOPLE:
            source = parsed.eligibility
        by_model = {name_field(one) for one in item.evidence if one.origin is not Origin.RULE}
        readings = {name: getattr(source, name, None) for name in FIELDS[item.kind] if name not in by_model}
        found[item.id] = {
            name: reading.confidence
            for name, reading in readings.items()
            if isinstance(reading, Reading) and not reading.certain
        }
    return found


def _find_criterion(criteria: tuple[ParsedCriterion, ...], item: BaseItem) -> ParsedCriterion | None:
    quotes = [one for one in item.evidence if one.field == "quote"]
    for one in criteria:
        span = one.chunk.span
        if any(quote.section == span.section and span.start <= quote.start < span.end for quote in quotes):
            return one
    return None


def describe_record(opened: OpenedRecord, draft: Draft, reviewer: str) -> Json:
    """A record with its text, its present items, what is wrong with them, and what the reviewer may undo."""
    record = opened.record
    order = {name: place for place, name in enumerate(shape_gold(record.record_id, draft, record)[1].values())}
    predicted = list(draft.items)
    kinds = list(ItemKind)

    def rank(item: DraftItem) -> tuple[int, int, str]:
        # Within a kind as in gold, a rejected item where it was predicted.
        return kinds.index(item.kind), order.get(item.id, predicted.index(item.id)), item.id

    return describe_version(record.record_id, draft) | {
        "title": read_title(record),
        "sections": opened.describe_sections(),
        "items": [_describe_item(item, opened) for item in sorted(draft.items.values(), key=rank)],
        "findings": opened.findings,
        "flaws": [asdict(flaw) | {"item": item} for item, flaw in check_draft(draft, record)],
        "undo": [asdict(edit) for edit in draft.find_step(reviewer, ActionKind.UNDO)],
        "redo": [asdict(edit) for edit in draft.find_step(reviewer, ActionKind.REDO)],
    }


def describe_version(record_id: str, draft: Draft) -> Json:
    """The version and progress of a record, and who acted last, to notice changes of others."""
    by = draft.actions[-1].reviewer if draft.actions else None
    return {"record": record_id, "version": draft.version, "by": by, "progress": draft.describe_progress()}


def _describe_item(item: DraftItem, opened: OpenedRecord) -> Json:
    base = item.base
    return {
        "id": item.id,
        **item.content(),
        "version": item.version,
        "by": item.reviewer,
        "predicted": base.value if base else None,
        "confidence": base.confidence if base else None,
        "doubts": opened.list_doubts(item),
        "marks": opened.list_marks(item),
    }

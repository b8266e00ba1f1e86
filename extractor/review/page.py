"""Data for the page: the form, derived from the schemas, and records with their texts, items and marks."""

import tomllib
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from functools import cache, cached_property
from importlib.resources import files
from types import NoneType
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from extractor.evaluation.highlight import Clue, RecordText, name_field
from extractor.evaluation.standoff import name_home
from extractor.fields import CustomField, Of
from extractor.fields.attributes import Attribute
from extractor.pages import name_label, to_utf16
from extractor.parse import ParsedRecord, parse_record
from extractor.parse.drafts import CERTAIN, Draft, Span
from extractor.schemas import Citation, Comparison, Finding, Origin, TrialRecord

from .custom import Fields, Json, fill_attribute, list_words
from .draft import FIELDS, GROUPS, KINDS, ItemKind, ReviewDraft, ReviewItem
from .gold import check_draft, shape_gold
from .queue import read_title
from .selection import Selection

_GUESSED: dict[ItemKind, str] = {"criterion": "category", "regimen": "role", "endpoint": "concept"}
"""The least certain field of each kind of item that the rules read from marked words."""
_HOMES: dict[Of, ItemKind] = {Of.CRITERION: "criterion", Of.REGIMEN: "regimen", Of.OUTCOME: "endpoint"}
"""The kind of the items that have a user's own field."""

Mark = tuple[str, str, int, int]
"""Field, section, and offsets as JavaScript counts them."""


@cache
def describe_form() -> Json:
    """Return the fields of each kind of item, in schema order.

    ``widget`` is text, number, flag, choice, section (one of the record's) or group. ``many`` means a list,
    ``optional`` that the field may be empty, ``fixed`` that it stays as predicted, and ``marked`` that words marked in
    the text may fill it.

    >>> [field["widget"] for field in describe_form()["people"]]
    ['group', 'group', 'choice', 'flag']
    """
    definitions = tomllib.loads((files(__package__) / "definitions.toml").read_text("utf-8"))

    def describe(name: str, field: FieldInfo, kind: ItemKind) -> Json:
        held, many, optional = _unwrap(field.annotation)
        meaning = definitions["fields"][kind].get(name) or field.description or ""
        described = {"name": name, "label": name_label(name), "help": meaning, "many": many, "optional": optional}
        if issubclass(held, BaseModel):
            parts = [describe(part, info, kind) for part, info in held.model_fields.items()]
            return described | {"widget": "group", "fields": parts}
        if issubclass(held, StrEnum):
            meanings = definitions["words"].get(held.__name__, {})
            options = [{"value": word.value, "meaning": meanings.get(word.value, "")} for word in held]
            return described | {"widget": "choice", "options": options}
        return described | {"widget": "flag" if held is bool else "text" if held is str else "number"}

    def describe_field(name: str, kind: ItemKind) -> Json:
        field = describe(name, GROUPS[kind].model.model_fields[name], kind)
        if name == "section":
            field["widget"] = name
        is_marked = kind != "people" and field["widget"] in {"text", "group"}
        return field | {"fixed": name in {"rank", "index"}, "marked": is_marked}

    return {kind: [describe_field(name, kind) for name in fields] for kind, fields in FIELDS.items()}


def _unwrap(annotation: Any) -> tuple[type[Any], bool, bool]:
    """Return the type of a field's values, whether it is a list, and whether it may be empty."""
    arguments = get_args(annotation)
    if not arguments:
        return annotation, False, False
    held, many, optional = _unwrap(next(one for one in arguments if one is not NoneType))
    is_list = get_origin(annotation) is tuple
    return held, many or is_list, optional or is_list or NoneType in arguments


class OpenedRecord:
    """A record with its text, its draft, the findings and doubts of the extraction, and the user's own fields."""

    def __init__(self, record: TrialRecord, draft: ReviewDraft, findings: tuple[Finding, ...], fields: Fields) -> None:
        self.record, self.draft, self.fields = record, draft, fields
        self._text = RecordText(record)
        self._to_units = {section.name: to_utf16(section.text) for section in record.sections}
        self.findings = [
            {
                "severity": finding.severity.value,
                "message": finding.message,
                "citations": [{"quote": one.quote, "place": self._export(one)} for one in finding.citations],
            }
            for finding in findings
        ]

    @cached_property
    def _doubts(self) -> dict[str, dict[str, float]]:
        parsed = parse_record(self.record)
        return {item.id: _list_doubts(parsed, item) for item in self.draft.base.items}

    def list_doubts(self, item: ReviewItem) -> dict[str, float | None]:
        """Return the doubtful fields of an open item with their confidence; None for a guess from marked words.

        A field whose value differs from the prediction has been checked.
        """
        if item.state != "open":
            return {}
        if item.base is None:
            return {} if item.custom else {_GUESSED[item.kind]: None}
        predicted, doubts = item.base.value, self._doubts[item.id]
        return {name: doubt for name, doubt in doubts.items() if item.value.get(name) == predicted.get(name)}

    def describe_sections(self) -> list[Json]:
        """Return the texts, with the starts of the items in a section that holds several."""
        starts: dict[str, set[int]] = {}
        for name, span in self._text.places.items():
            if name.endswith("]"):
                starts.setdefault(span.section, set()).add(self._to_units[span.section](span.start))
        several = {name: sorted(found) for name, found in starts.items() if len(found) > 1}
        return [{"name": s.name, "text": s.text, "starts": several.get(s.name, [])} for s in self.record.sections]

    def list_marks(self, item: ReviewItem) -> list[Mark]:
        """Return the evidence of predicted values, and the quotes of changed ones."""
        predicted = item.base.value if item.base else {}
        # The evidence of an empty field is the text that was searched for it: it is not marked.
        kept = {name for name, value in item.value.items() if value and predicted.get(name) == value}
        proof = [(name_field(one), Span(one.section, one.start, one.end)) for one in item.evidence]
        marks = [(name, span) for name, span in proof if name in kept]
        proven = {name for name, _ in marks}
        marks += [(name, span) for name, span in self._locate_quotes(item) if name not in proven]
        if item.custom and "words" in item.custom:
            marks.append(("quote", Span(**item.custom["words"])))
        return [(name, *place) for name, span in marks if (place := self._export(span))]

    def list_attributes(self, item: ReviewItem) -> dict[str, Attribute]:
        """Return the attributes of a user's own field by name; none for other items."""
        field = self.fields.get(item.custom["field"]) if item.custom else None
        return {one.name: one for one in field.attributes} if field else {}

    def fill_attribute(self, item: ReviewItem, name: str, words: str) -> Any:
        """Return the new value of an attribute from marked words. Raises ``ValueError`` if there is none."""
        attribute = self.list_attributes(item).get(name)
        if attribute is None:
            raise ValueError(f"{name!r}: no such field")
        return fill_attribute(attribute, item.value.get(name), words)

    def find_home(self, field: CustomField, selection: Selection, current: str | None) -> str | None:
        """Return the id of the item of which marked words state a user's own field; None for the record.

        It is one that quotes these words, of several the open one; if none does, the open one. Raises ``ValueError``.
        """
        if field.of is Of.RECORD:
            return None
        kind = _HOMES[field.of]
        kept = self.draft.list_kept(kind)
        quoting = [item.id for item in kept if any(map(selection.overlaps, self.list_marks(item)))]
        known = quoting or [item.id for item in kept if item.id == current]
        if not known:
            raise ValueError(f"no {field.of} quotes these words; open the {field.of} to which they belong first")
        return current if current in known else known[0]

    def _export(self, span: Span | Citation) -> tuple[str, int, int] | None:
        """Return section and offsets as JavaScript counts them; None for a citation of no section."""
        to_units = self._to_units.get(span.section)
        return (span.section, to_units(span.start), to_units(span.end)) if to_units else None

    def _locate_quotes(self, item: ReviewItem) -> Iterator[tuple[str, Span]]:
        if item.custom:
            yield from self._locate_words(item)
            return
        home = name_home(item.value)
        near: tuple[Span, ...] = ()
        main = item.value.get("quote") or item.value.get("measure")
        quotes = [(name, quote) for name, value in item.value.items() for quote in _list_quotes(item.kind, name, value)]
        for name, quote in [("", main), *quotes] if home else ():
            span = (
                self._text.locate(Clue(home or "", quote), near) if isinstance(quote, str) and quote.strip() else None
            )
            if span and name:
                yield name, span
            elif span:
                near = (span,)

    def _locate_words(self, item: ReviewItem) -> Iterator[tuple[str, Span]]:
        """Yield the record's words in a user's own field, by attribute: those near its evidence, else the first."""
        near = [Span(one.section, one.start, one.end) for one in item.evidence]
        sections = dict.fromkeys([*(span.section for span in near), *(one.name for one in self.record.sections)])
        for name, words in list_words(self.fields.get((item.custom or {})["field"]), item.value):
            found = (self._text.locate(Clue(section, words), near) for section in sections)
            if span := next(filter(None, found), None):
                yield name, span


def _list_quotes(kind: ItemKind, name: str, value: Any) -> list[Any]:
    """Return the record's words in a field: quotes, and the name of an instrument."""
    if isinstance(value, dict):
        return [value.get("quote") or value.get("name")]
    if FIELDS[kind][name].metadata.comparison not in (Comparison.TEXT, Comparison.EXTENT):
        return []
    return value if isinstance(value, list) else [value]


def _list_doubts(parsed: ParsedRecord, item: ReviewItem) -> dict[str, float]:
    """Return the fields of an item that the rules doubt, with their confidence. Fields from a model are left out."""
    if item.custom:
        return {name_field(one): sure for one in item.evidence if (sure := one.confidence or 0.0) < CERTAIN}
    source: Draft | None = None
    if item.kind == "people":
        source = parsed.whole
    elif item.kind == "endpoint":
        place = item.value["rank"], item.value["index"]
        source = next(
            (one for one in parsed.outcomes if (one.read("rank").value, one.read("index").value) == place), None
        )
    elif item.kind == "criterion":
        quotes = [(one.section, one.start) for one in item.evidence if one.field == "quote"]
        spans = ((one, one.chunk.span) for one in parsed.criteria)
        holding = (
            one
            for one, span in spans
            for name, start in quotes
            if name == span.section and span.start <= start < span.end
        )
        source = next(holding, None)
    by_model = {name_field(one) for one in item.evidence if one.origin is not Origin.RULE}
    readings = {name: source.rules.get(name) for name in FIELDS[item.kind] if name not in by_model} if source else {}
    return {name: one.confidence for name, one in readings.items() if one and not one.certain}


def describe_record(opened: OpenedRecord, reviewer: str) -> Json:
    """Return a record's text, its current items with their flaws, and the steps that the reviewer may undo."""
    record, draft = opened.record, opened.draft
    order = {name: place for place, name in enumerate(shape_gold(draft, record, opened.fields)[1].values())}
    predicted = list(draft.items)

    def rank(item: ReviewItem) -> tuple[int, int, str]:
        # Within a kind in the order of gold; a rejected item stays where it was predicted.
        return KINDS.index(item.kind), order.get(item.id, predicted.index(item.id)), item.id

    return draft.describe() | {
        "record": record.record_id,
        "title": read_title(record),
        "sections": opened.describe_sections(),
        "items": [_describe_item(item, opened) for item in sorted(draft.items.values(), key=rank)],
        "findings": opened.findings,
        "flaws": [asdict(flaw) | {"item": item} for item, flaw in check_draft(draft, record, opened.fields)],
        "undo": [asdict(action) for action in draft.find_step(reviewer, "undo")],
        "redo": [asdict(action) for action in draft.find_step(reviewer, "redo")],
    }


def _describe_item(item: ReviewItem, opened: OpenedRecord) -> Json:
    return {
        "id": item.id,
        **item.content(),
        "version": item.version,
        "by": item.reviewer,
        "predicted": item.base.value if item.base else None,
        "confidence": item.confidence,
        "doubts": opened.list_doubts(item),
        "marks": opened.list_marks(item),
    }

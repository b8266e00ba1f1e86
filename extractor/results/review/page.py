"""Data for the page: records with their texts, items and marks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

from extractor.fields import CustomField
from extractor.pages.view import ShownText, view
from extractor.pages.words import say, write_number
from extractor.results.evaluation.highlight import Clue, RecordText, name_field
from extractor.results.evaluation.standoff import name_home
from extractor.schemas import Finding, Origin, TrialRecord
from extractor.stages.parse import ParsedRecord, parse_record
from extractor.stages.parse.drafts import CERTAIN, Draft, Span
from extractor.text.clean import clean_text

from .draft import ReviewDraft, ReviewItem, name_item, read_words
from .forms import FIELDS, KINDS, PATHS, Fields, Form, Json, list_forms, list_words
from .gold import check_draft, shape_gold
from .queue import read_title
from .selection import MarkedWords

_TOLD = frozenset(
    {"section", "quote", "agent", "measure", "lead_in", "description", "time_frame", "rank", "index", "kind"}
)
_LABELLED = frozenset({"minimum_age", "maximum_age", "sex", "cycle", "duration", "start_event", "end_events"})
"""Fields whose values say too little without their label."""


class OpenedRecord:
    """A record with its text, its draft, the findings and doubts of the extraction, and the user's own fields."""

    def __init__(self, record: TrialRecord, draft: ReviewDraft, findings: tuple[Finding, ...], fields: Fields) -> None:
        self.record, self.draft, self.findings, self.fields = record, draft, findings, fields
        self._forms, self._text = list_forms(fields), RecordText(record)

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
            # Of what the rules read from marked words, what every item has is the least certain.
            decided = [name for name, field in self.find_form(item).items() if field.info.metadata.decided]
            return dict.fromkeys(decided[:1])
        predicted, doubts = item.base.value, self._doubts[item.id]
        return {name: doubt for name, doubt in doubts.items() if item.value.get(name) == predicted.get(name)}

    def list_marks(self, item: ReviewItem) -> list[tuple[str, Span]]:
        """Return the evidence of predicted values, and the quotes of changed ones, each with its field."""
        predicted = item.base.value if item.base else {}
        # The evidence of an empty field is the text that was searched for it: it is not marked.
        kept = {name for name, value in item.value.items() if value and predicted.get(name) == value}
        proof = [(name_field(one), Span(one.section, one.start, one.end)) for one in item.evidence]
        marks = [(name, span) for name, span in proof if name in kept]
        proven = {name for name, _ in marks}
        marks += [(name, span) for name, span in self._locate_words(item) if name not in proven]
        if item.custom and "words" in item.custom:
            marks.append(("quote", Span(**item.custom["words"])))
        return marks

    def list_starts(self) -> dict[str, list[int]]:
        """Return where the items start in a section that holds several, as the page counts characters."""
        starts: dict[str, set[int]] = {}
        for name, span in self._text.places.items():
            if name.endswith("]"):
                text = ShownText(self.record.raw_text(span.section) or "")
                starts.setdefault(span.section, set()).add(text.place(span.start))
        return {name: sorted(found) for name, found in starts.items() if len(found) > 1}

    def find_form(self, item: ReviewItem) -> Form:
        """Return the form of an item; an empty one for a field that the run does not declare."""
        return self._forms.get(item.form, {})

    def find_home(self, field: CustomField, words: MarkedWords, current: str | None) -> str | None:
        """Return the id of the item of which marked words state a user's own field; None for the record.

        It is one that quotes these words, of several the open one; if none does, the open one. Raises ``ValueError``.
        """
        if field.group.of is None:
            return None
        kept = self.draft.list_kept(PATHS[field.group.of])
        marked = Span(words.section.name, words.start, words.end)
        quoting = [item.id for item in kept if any(marked.overlaps(span) for _, span in self.list_marks(item))]
        known = quoting or [item.id for item in kept if item.id == current]
        if not known:
            raise ValueError(f"no {field.of} quotes these words; open the {field.of} to which they belong first")
        return current if current in known else known[0]

    def _locate_words(self, item: ReviewItem) -> Iterator[tuple[str, Span]]:
        """Yield the record's words in an item by field: those beside its quote or its evidence, else the first."""
        home = None if item.custom else name_home(item.value)
        near = [Span(one.section, one.start, one.end) for one in item.evidence]
        anywhere = [*(span.section for span in near), *(one.name for one in self.record.sections)]
        sections = [home] if home else list(dict.fromkeys(anywhere))

        def locate(words: str) -> Span | None:
            return next(filter(None, (self._text.locate(Clue(section, words), near) for section in sections)), None)

        words = dict(list_words(item.value, self.find_form(item)))
        main = words.get("quote") or words.get("measure")
        if main and (span := locate(main)):
            near = [span]
        for name, one in list_words(item.value, self.find_form(item)):
            if span := locate(one):
                yield name, span


def _list_doubts(parsed: ParsedRecord, item: ReviewItem) -> dict[str, float]:
    """Return the fields of an item that the rules doubt, with their confidence. Fields from a model are left out."""
    if item.custom:
        return {name_field(one): sure for one in item.evidence if (sure := one.confidence or 0.0) < CERTAIN}
    quotes = [Span(one.section, one.start, one.end) for one in item.evidence if one.field == "quote"]

    def is_of(draft: Draft) -> bool:
        if item.kind == "criterion":
            return any(map(draft.chunk.span.overlaps, quotes))
        return all(draft.read(name).value == item.value.get(name) for name in ("rank", "index"))

    drafts = {"people": (parsed.whole,), "criterion": parsed.criteria, "endpoint": parsed.outcomes}.get(item.kind, ())
    readings = next((draft.rules for draft in drafts if is_of(draft)), {})
    by_model = {name_field(one) for one in item.evidence if one.origin is not Origin.RULE}
    known = [(name, readings[name]) for name in FIELDS[item.kind] if name in readings and name not in by_model]
    return {name: one.confidence for name, one in known if not one.certain}


def describe_record(opened: OpenedRecord, reviewer: str) -> Json:
    """Return a record's text, its current items with their flaws, and the steps that the reviewer may undo."""
    record, draft = opened.record, opened.draft
    order = {name: place for place, name in enumerate(shape_gold(draft, record, opened.fields)[1].values())}
    predicted = list(draft.items)

    def rank(item: ReviewItem) -> tuple[int, int, str]:
        # Within a kind in the order of gold; a rejected item stays where it was predicted.
        return KINDS.index(item.kind), order.get(item.id, predicted.index(item.id)), item.id

    listed = sorted(draft.items.values(), key=lambda item: (rank(draft.items.get(item.of or "") or item), rank(item)))
    marks = [(item.id, *mark) for item in listed for mark in opened.list_marks(item)]
    cited = [one for finding in opened.findings for one in finding.citations]
    names = {section.name for section in record.sections}
    shown = view(record, (), [*(span for *_, span in marks), *cited], sections=names)
    numbers = iter(shown["marks"])
    marked = [(item, field, number) for (item, field, _), number in zip(marks, numbers, strict=False)]
    starts = opened.list_starts()
    return draft.describe() | {
        "record": record.record_id,
        "title": read_title(record),
        "sections": [one | {"starts": starts.get(one["name"], [])} for one in shown["sections"]],
        "spans": shown["spans"],
        "items": [
            _describe_item(item, opened)
            | {"marks": [(field, number) for of, field, number in marked if of == item.id and number is not None]}
            for item in listed
        ],
        "findings": [
            {
                "severity": finding.severity.value,
                "message": finding.message,
                "citations": [{"quote": say(one.quote), "span": next(numbers)} for one in finding.citations],
            }
            for finding in opened.findings
        ],
        "flaws": [asdict(flaw) | {"item": item} for item, flaw in check_draft(draft, record, opened.fields)],
        "undo": [asdict(action) for action in draft.find_step(reviewer, "undo")],
        "redo": [asdict(action) for action in draft.find_step(reviewer, "redo")],
    }


def _describe_item(item: ReviewItem, opened: OpenedRecord) -> Json:
    """Return an item with its values in words and as its form shows them."""
    form, value, before = opened.find_form(item), item.value, item.base.value if item.base else {}
    quotes = {
        name: [
            *(one.quote for one in item.evidence if name_field(one) == name),
            *(words for part in ("quote", "time_frame", "measure") if isinstance(words := value.get(part), str)),
        ]
        for name in value
    }
    changed = [name for name in value if item.base and value[name] != before.get(name)]
    return {
        "id": item.id,
        **item.content(),
        "version": item.version,
        "by": item.reviewer,
        "name": name_item(item.id, item.content()),
        "words": read_words(item.content()),
        "tags": list(_list_tags(item, form, quotes)),
        "shown": {name: _write(one, quotes[name]) for name, one in value.items()},
        "before": {name: say(before.get(name), quotes[name]) for name in changed},
        "predicted": item.base is not None,
        "confidence": item.confidence,
        "doubts": opened.list_doubts(item),
    }


def _list_tags(item: ReviewItem, form: Form, quotes: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield the values of an item in words, without those that its name and its words tell."""
    for name, value in item.value.items():
        if value in (None, [], "") or (not item.custom and (name in _TOLD or (value is False and name == "censored"))):
            continue
        said = say(value, quotes[name])
        is_labelled = not item.custom and (name in _LABELLED or isinstance(value, bool))
        yield f"{form[name].info.label}: {said}" if is_labelled else said


def _write(value: Any, quotes: Sequence[str]) -> Any:
    """Return a value as its form shows it: a number as the text writes it, with its digits if they differ."""
    if isinstance(value, dict):
        return {name: _write(one, quotes) for name, one in value.items()}
    if isinstance(value, list):
        return [_write(one, quotes) for one in value]
    if isinstance(value, str):
        return clean_text(value).text
    return value if value is None or isinstance(value, bool) else write_number(value, quotes)

"""Data for the page: a record's view, with what a reviewer may do with its items."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import cached_property

from extractor.apps.evaluation.errors import name_field
from extractor.apps.evaluation.highlight import Clue, RecordText
from extractor.apps.evaluation.places import name_home
from extractor.apps.pages.view import (
    Json,
    ShownText,
    list_arm_labels,
    name_record,
    show_findings,
    view,
)
from extractor.apps.pages.words import say
from extractor.apps.review.draft import ReviewDraft, ReviewItem
from extractor.apps.review.forms import (
    FIELDS,
    Fields,
    Form,
    list_forms,
    list_words,
    write_numbers,
)
from extractor.apps.review.gold import check_draft, shape_gold
from extractor.apps.review.selection import MarkedWords
from extractor.concepts.parse import ParsedRecord, parse_record
from extractor.evidence.drafts import CERTAIN, Draft, Span
from extractor.schemas import Evidence, Finding, Origin, Support, TrialRecord


class OpenedRecord:
    """A record with its text, its draft, the findings and doubts of the extraction, and the
    user's own fields.
    """

    def __init__(
        self,
        record: TrialRecord,
        draft: ReviewDraft,
        findings: tuple[Finding, ...],
        fields: Fields,
    ) -> None:
        self.record = record
        self.draft = draft
        self.findings = findings
        self.fields = fields
        self.forms = list_forms(fields)
        self._text = RecordText(record)

    @cached_property
    def _parsed(self) -> ParsedRecord:
        return parse_record(self.record)

    def list_doubts(self, item: ReviewItem) -> dict[str, float | None]:
        """Return the doubtful fields of an open item with their confidence; None for a guess from
        marked words.

        A field whose value differs from the prediction has been checked.
        """
        if item.state != "open":
            return {}
        if item.base is None:
            # Of what the rules read from marked words, what every item has is the least certain.
            decided = [
                name
                for name, field in self.find_form(item).items()
                if field.info.metadata.decided
            ]
            return dict.fromkeys(decided[:1])
        doubts = _list_doubts(self._parsed, item.base)
        predicted = item.base.value
        return {
            name: doubt
            for name, doubt in doubts.items()
            if item.value.get(name) == predicted.get(name)
        }

    def prove(self, item: ReviewItem) -> tuple[Evidence, ...]:
        """Return the evidence of predicted values, and of changed ones the place of their words."""
        predicted = item.base.value if item.base else {}
        # The evidence of an empty field is the text that was searched for it: it is not marked.
        kept = {
            name
            for name, value in item.value.items()
            if value and predicted.get(name) == value
        }
        proof = [one for one in item.evidence if name_field(one.field) in kept]
        proven = {name_field(one.field) for one in proof}
        return (
            *proof,
            *(
                one
                for one in self._locate_words(item)
                if name_field(one.field) not in proven
            ),
        )

    def list_starts(self) -> dict[str, list[int]]:
        """Return where the items start in a section that holds several, as the page counts
        characters.
        """
        starts: dict[str, set[int]] = {}
        for name, span in self._text.places.items():
            if name.endswith("]"):
                text = ShownText(self.record.raw_text(span.section) or "")
                starts.setdefault(span.section, set()).add(text.place(span.start))
        return {name: sorted(found) for name, found in starts.items() if len(found) > 1}

    def find_form(self, item: ReviewItem) -> Form:
        """Return the form of an item; an empty one for a field that the run does not declare."""
        return self.forms.get(item.group, {})

    def find_home(
        self, group: str, words: MarkedWords, current: str | None
    ) -> str | None:
        """Return the path of the item whose user's own field the marked words state, or None for
        the record.

        It is one that quotes these words, of several the open one; if none does, the open one.
        Raises ``ValueError``.
        """
        field = self.fields[group.removeprefix("custom.")]
        if field.group.of is None:
            return None
        kept = self.draft.list_kept(field.group.of)
        marked = Span(words.section.name, words.start, words.end)
        quoting = [
            item.path
            for item in kept
            if any(marked.overlaps(_place(one)) for one in self.prove(item))
        ]
        known = quoting or [item.path for item in kept if item.path == current]
        if not known:
            raise ValueError(
                f"no {field.of} quotes these words; open the {field.of} to which they belong first"
            )
        return current if current in known else known[0]

    def _locate_words(self, item: ReviewItem) -> Iterator[Evidence]:
        """Yield the place of the words in each value: beside the item's quote or its evidence,
        else the first.
        """
        home = name_home(item.value) if item.group in FIELDS else None
        near = [_place(one) for one in item.evidence]
        anywhere = [
            *(span.section for span in near),
            *(one.name for one in self.record.sections),
        ]
        sections = [home] if home else list(dict.fromkeys(anywhere))
        words = dict(list_words(item.value, self.find_form(item)))
        for name in sorted(words, key=lambda name: name not in {"quote", "measure"}):
            found = (
                self._text.locate(Clue(section, words[name]), near)
                for section in sections
            )
            span = next(filter(None, found), None)
            if span:
                near = [span] if name in {"quote", "measure"} else near
                quote = (self.record.raw_text(span.section) or "")[
                    span.start : span.end
                ]
                known: Json = {
                    "origin": Origin.RULE,
                    "support": Support.LITERAL,
                    "quote": quote,
                }
                field = name if item.group in FIELDS else f"values.{name}"
                yield Evidence(
                    field=field,
                    section=span.section,
                    start=span.start,
                    end=span.end,
                    **known,
                )


def _place(evidence: Evidence) -> Span:
    return Span(evidence.section, evidence.start, evidence.end)


def _list_doubts(parsed: ParsedRecord, item: ReviewItem) -> dict[str, float]:
    """Return the fields of an item that the rules doubt, with their confidence. Fields from a
    model are left out.
    """
    if item.group not in FIELDS:
        sure = ((name_field(one.field), one.confidence or 0.0) for one in item.evidence)
        return {name: confidence for name, confidence in sure if confidence < CERTAIN}
    draft = _find_draft(parsed, item)
    if draft is None:
        return {}
    by_model = {
        name_field(one.field) for one in item.evidence if one.origin is not Origin.RULE
    }
    doubts: dict[str, float] = {}
    for name, field in FIELDS[item.group].items():
        reading = draft.rules.get(name)
        if reading and not (field.is_derived or name in by_model or reading.certain):
            doubts[name] = reading.confidence
    return doubts


def _find_draft(parsed: ParsedRecord, item: ReviewItem) -> Draft | None:
    """Return what the rules read where an item stands."""
    if item.group == "eligibility":
        return parsed.whole
    if item.group == "eligibility.criteria":
        quotes = [_place(one) for one in item.evidence if one.field == "quote"]
        of = (
            one for one in parsed.criteria if any(map(one.chunk.span.overlaps, quotes))
        )
        return next(of, None)
    if item.group == "endpoints":
        place = [item.value.get(name) for name in ("rank", "index")]
        for outcome in parsed.outcomes:
            if [outcome.read(name).value for name in ("rank", "index")] == place:
                return outcome
    return None


def describe_record(opened: OpenedRecord, reviewer: str) -> Json:
    """Return a record's view, its items with their flaws, and the steps that the reviewer may
    undo.
    """
    record = opened.record
    draft = opened.draft
    order = {
        path: place
        for place, path in enumerate(
            shape_gold(draft, record, opened.fields)[1].values()
        )
    }
    groups = list(FIELDS)
    predicted = list(draft.items)

    def rank(item: ReviewItem) -> tuple[int, int, str]:
        # Within a group in the order of gold; a rejected item stays where it was predicted.
        group = groups.index(item.group) if item.group in groups else len(groups)
        return group, order.get(item.path, predicted.index(item.path)), item.path

    listed = sorted(
        draft.items.values(),
        key=lambda item: (rank(draft.items.get(item.of or "") or item), rank(item)),
    )
    added = [Span(**item.words) for item in listed if item.words]
    cited = [one for finding in opened.findings for one in finding.citations]
    names = {section.name for section in record.sections}
    built = [(item.path, item.build(opened.prove(item))) for item in listed]
    shown = view(record, built, [*added, *cited], sections=names)
    marks = iter(shown.pop("marks"))
    starts = opened.list_starts()
    words = {item.path: next(marks) for item in listed if item.words}
    said = [
        one
        for one in draft.items["eligibility"].value.get("groups") or ()
        if isinstance(one, dict)
    ]
    return draft.describe() | {
        "record": record.record_id,
        "title": name_record(record),
        "sections": [
            one | {"starts": starts.get(one["name"], [])} for one in shown["sections"]
        ],
        "spans": shown["spans"],
        "choices": {
            "section": [(one["name"], one["title"]) for one in shown["sections"]],
            "arm": [(label, say(label)) for label in list_arm_labels(record)],
            "member": [(one["id"], f"{one['id']}: {say(one)}") for one in said],
        },
        "items": [
            one | _describe_item(item, opened) | {"added": words.get(item.path)}
            for one, item in zip(shown["items"], listed, strict=True)
        ],
        "findings": show_findings(opened.findings, marks),
        "flaws": [
            asdict(flaw) | {"item": item}
            for item, flaw in check_draft(draft, record, opened.fields)
        ],
        "undo": [asdict(action) for action in draft.find_step(reviewer, "undo")],
        "redo": [asdict(action) for action in draft.find_step(reviewer, "redo")],
    }


def _describe_item(item: ReviewItem, opened: OpenedRecord) -> Json:
    """Return what a review adds to an item's view: its state, and its values as its form shows
    them.
    """
    value = item.value
    before = item.base.value if item.base else {}
    own = [
        words
        for part in ("quote", "time_frame", "measure")
        if isinstance(words := value.get(part), str)
    ]
    quotes = {
        name: [
            *(one.quote for one in item.evidence if name_field(one.field) == name),
            *own,
        ]
        for name in value
    }
    changed = [name for name in value if item.base and value[name] != before.get(name)]
    return {
        "group": item.group,
        "name": opened.draft.name(item),
        "state": item.state,
        "version": item.version,
        "value": value,
        "written": {
            name: write_numbers(one, quotes[name]) for name, one in value.items()
        },
        "before": {name: say(before.get(name), quotes[name]) for name in changed},
        "predicted": item.base is not None,
        "doubts": opened.list_doubts(item),
    }

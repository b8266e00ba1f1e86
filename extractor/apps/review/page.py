"""Data for the page: a record's view, with what a reviewer may do with its items."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

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
from extractor.apps.review.draft import (
    WHOLE,
    ReviewDraft,
    ReviewItem,
    name_group,
    say_field,
)
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
from extractor.evidence.drafts import CERTAIN, Draft, Reading, Span
from extractor.schemas import Evidence, Finding, Origin, Support, TrialRecord

_WHOLE = frozenset({"quote", "measure"})
"""Fields with the words that an item is."""
_ALIKE = 0.005
"""Confidences that differ by at most so much are the same in percent."""


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
        """Return the doubtful fields of an open item with their confidence; none of a decided item.

        A field whose value differs from the prediction has been checked; a doubt of the item as a
        ``WHOLE`` stays until it is accepted or rejected. An item that was added from marked words
        has one doubtful field, with a confidence of None.
        """
        if item.state != "open":
            return {}
        if item.base is None:
            # Of what the rules read from marked words, what every item has is the least certain.
            for name, field in self.find_form(item).items():
                if field.info.metadata.decided:
                    return {name: None}
            return {}
        predicted = item.base.value
        doubts = _list_doubts(self._parsed, item.base)
        return {
            name: doubt
            for name, doubt in doubts.items()
            if item.value.get(name) == predicted.get(name)
        }

    def prove(self, item: ReviewItem) -> tuple[Evidence, ...]:
        """Return the evidence of values that are as predicted and not empty, and of the others
        the place of their words, where these are found.
        """
        predicted = item.base.value if item.base else {}
        kept = set()
        for name, value in item.value.items():
            # The evidence of an empty field is the text that was searched for it: it is not marked.
            if value and predicted.get(name) == value:
                kept.add(name)
        proof: list[Evidence] = []
        proven = set()
        for piece in item.evidence:
            name = name_field(piece.field)
            if name in kept:
                proof.append(piece)
                proven.add(name)
        for piece in self._locate_words(item):
            if name_field(piece.field) in proven:
                continue
            proof.append(piece)
        return tuple(proof)

    def list_starts(self) -> dict[str, list[int]]:
        """Return, by section, where the items of a list in one cell start, in characters as the
        page counts them. Sections with fewer than two items are left out.
        """
        starts = defaultdict[str, set[int]](set)
        for name, span in self._text.places.items():
            # An item of a list, such as arms[0].
            if not name.endswith("]"):
                continue
            text = ShownText(self.record.raw_text(span.section) or "")
            starts[span.section].add(text.place(span.start))
        return {
            section: sorted(of_section)
            for section, of_section in starts.items()
            if len(of_section) > 1
        }

    def find_form(self, item: ReviewItem) -> Form:
        """Return the form of an item; an empty one for a field that the run does not declare."""
        return self.forms.get(item.group, {})

    def find_home(
        self, group: str, words: MarkedWords, current: str | None
    ) -> str | None:
        """Return the path of the item whose user's own field the marked words state, or None for
        the record.

        Of the items that quote these words, the open one (``current``) counts, else the first. If
        none quotes them, it is the open one; raises ``ValueError`` if none is open.
        """
        field = self.fields[group.removeprefix("custom.")]
        if field.group.of is None:
            return None
        kept = self.draft.list_kept(field.group.of)
        marked = Span(words.section.name, words.start, words.end)
        quoting = []
        for item in kept:
            places = [_place(piece) for piece in self.prove(item)]
            if any(map(marked.overlaps, places)):
                quoting.append(item.path)
        # Words that no item quotes are of the item that the reviewer has open.
        is_open = any(item.path == current for item in kept)
        if is_open and (current in quoting or not quoting):
            return current
        if not quoting:
            raise ValueError(
                f"no {field.of} quotes these words; open the {field.of} to which they belong first"
            )
        return quoting[0]

    def _locate_words(self, item: ReviewItem) -> Iterator[Evidence]:
        """Yield evidence for the words in each value of an item, where they are found: in its
        section, beside its quote or evidence, else at the first place. The words of a user's own
        value are looked for in all sections, those of its evidence first.
        """
        is_own = item.group not in FIELDS
        near = [_place(piece) for piece in item.evidence]
        home = None if is_own else name_home(item.value)
        sections = self._list_sections(near)
        if home:
            sections = [home]
        words = dict(list_words(item.value, self.find_form(item)))
        # The item's quote first: its other words stand beside it.
        for name in sorted(words, key=lambda name: name not in _WHOLE):
            searched = sections
            # An agent, say, may be named in another section than the dose.
            if home and name not in _WHOLE:
                searched = [home, *self._list_sections(near)]
            span = self._locate(words[name], searched, near)
            if span is None:
                continue
            if name in _WHOLE:
                near = [span]
            raw = self.record.raw_text(span.section) or ""
            yield Evidence(
                field=f"values.{name}" if is_own else name,
                section=span.section,
                start=span.start,
                end=span.end,
                origin=Origin.RULE,
                support=Support.LITERAL,
                quote=raw[span.start : span.end],
            )

    def _list_sections(self, near: Sequence[Span]) -> list[str]:
        """Return all sections, those of the evidence first."""
        names = [span.section for span in near]
        names += [section.name for section in self.record.sections]
        return list(dict.fromkeys(names))

    def _locate(
        self, words: str, sections: Sequence[str], near: Sequence[Span]
    ) -> Span | None:
        """Return the place of words in the first section that has them."""
        for section in sections:
            span = self._text.locate(Clue(section, words), near)
            if span:
                return span
        return None


def _place(evidence: Evidence) -> Span:
    return Span(evidence.section, evidence.start, evidence.end)


def _list_doubts(parsed: ParsedRecord, item: ReviewItem) -> dict[str, float]:
    """Return the fields of a predicted item that may be wrong, with their confidence: that of the
    least certain piece of evidence, or of the rules' reading if that is less. Fields from a model
    have that of their evidence alone, since the rules do not doubt what it said.

    The least of them is the confidence of the item. If none is as low, the item may be wrong as a
    whole, and has the doubt ``WHOLE``.
    """
    least: dict[str, float] = {}
    by_model = set()
    for piece in item.evidence:
        name = _name_in_form(piece.field)
        least[name] = min(least.get(name, 1.0), piece.confidence or 0.0)
        if piece.origin is not Origin.RULE:
            by_model.add(name)
    draft = _find_draft(parsed, item)
    readings = draft.rules if draft else {}
    names = FIELDS.get(item.group) or least
    sure = 0.0 if item.confidence is None else item.confidence
    doubts: dict[str, float] = {}
    for name in names:
        confidence = least.get(name, 1.0)
        reading = None if name in by_model else readings.get(name)
        # Where the item is surer, something else has decided on the field later.
        if reading and reading.confidence > sure - _ALIKE:
            is_as_read = bool(reading.value) == bool(item.value.get(name))
            if is_as_read:
                confidence = min(confidence, reading.confidence)
        if confidence < CERTAIN:
            shown = _name_in_form(name)
            doubts[shown] = min(doubts.get(shown, 1.0), confidence)
    lowest = min(doubts.values(), default=1.0)
    if 0 < sure < CERTAIN and lowest - sure > _ALIKE:
        doubts[WHOLE] = sure
    return doubts


def _name_in_form(field: str) -> str:
    """Return the field of the form that has what a piece of evidence bears out. ``time_window`` is
    the first of ``time_windows``.
    """
    name = name_field(field)
    return "time_windows" if name == "time_window" else name


def _find_draft(parsed: ParsedRecord, item: ReviewItem) -> Draft | None:
    """Return what the rules read where an item stands; None if they read nothing there."""
    if item.group == "eligibility":
        return parsed.whole
    if item.group == "eligibility.criteria":
        return _find_criterion(parsed, item)
    if item.group == "dosing":
        return _find_regimen(parsed, item)
    if item.group == "endpoints":
        return _find_outcome(parsed, item)
    return None


def _find_regimen(parsed: ParsedRecord, item: ReviewItem) -> Draft | None:
    """Return the regimen of the rules whose agent stands where that of an item does; of several
    the one that also has the item's quote.
    """
    agents = [_place(piece) for piece in item.evidence if piece.field == "agent"]
    quotes = [_place(piece) for piece in item.evidence if piece.field == "quote"]
    of_agent = [
        regimen
        for regimen in parsed.regimens
        if _stands_at(regimen.read("agent"), agents)
    ]
    for regimen in of_agent:
        if _stands_at(regimen.read("quote"), quotes):
            return regimen
    return of_agent[0] if of_agent else None


def _stands_at(reading: Reading[Any], places: Sequence[Span]) -> bool:
    """Return whether the words of a reading overlap one of these places."""
    return any(span.overlaps(place) for span in reading.spans for place in places)


def _find_criterion(parsed: ParsedRecord, item: ReviewItem) -> Draft | None:
    """Return the criterion of the rules that has words of an item's quote."""
    quotes = [_place(piece) for piece in item.evidence if piece.field == "quote"]
    for criterion in parsed.criteria:
        if any(map(criterion.chunk.span.overlaps, quotes)):
            return criterion
    return None


def _find_outcome(parsed: ParsedRecord, item: ReviewItem) -> Draft | None:
    """Return the outcome of the rules with the rank and the index of an item."""
    for outcome in parsed.outcomes:
        if outcome.read("rank").value != item.value.get("rank"):
            continue
        if outcome.read("index").value == item.value.get("index"):
            return outcome
    return None


def describe_record(opened: OpenedRecord, reviewer: str) -> Json:
    """Return all that the page shows of a record: its text with marks, its items as they now are,
    what each field may be chosen from, its findings and flaws, and the steps that the reviewer may
    undo or redo.
    """
    record = opened.record
    draft = opened.draft
    items = _sort_items(opened)
    added = [Span(**item.words) for item in items if item.words]
    cited = [citation for finding in opened.findings for citation in finding.citations]
    names = {section.name for section in record.sections}
    built = [(item.path, item.build(opened.prove(item))) for item in items]
    shown = view(record, built, [*added, *cited], sections=names)
    # The view has a mark for each span: first those of the words of added values.
    marks = iter(shown.pop("marks"))
    words = {item.path: next(marks) for item in items if item.words}
    described = []
    for in_view, item in zip(shown["items"], items, strict=True):
        added_words = {"added": words.get(item.path)}
        described.append(in_view | _describe_item(item, opened) | added_words)
    starts = opened.list_starts()
    sections = [
        section | {"starts": starts.get(section["name"], [])}
        for section in shown["sections"]
    ]
    flaws = check_draft(draft, record, opened.fields)
    return draft.describe() | {
        "record": record.record_id,
        "title": name_record(record),
        "sections": sections,
        "spans": shown["spans"],
        "choices": _list_choices(opened, sections),
        "items": described,
        "findings": show_findings(opened.findings, marks),
        "flaws": [asdict(flaw) | {"item": path} for path, flaw in flaws],
        "undo": [asdict(action) for action in draft.find_step(reviewer, "undo")],
        "redo": [asdict(action) for action in draft.find_step(reviewer, "redo")],
    }


def _sort_items(opened: OpenedRecord) -> list[ReviewItem]:
    """Return the items as the page lists them: by group, and in a group as gold has them.

    A rejected item stays where it was predicted, and a user's value stands behind its item.
    """
    draft = opened.draft
    _, paths = shape_gold(draft, opened.record, opened.fields)
    in_gold = {path: number for number, path in enumerate(paths.values())}
    predicted = list(draft.items)
    groups = list(FIELDS)

    def rank(item: ReviewItem) -> tuple[int, int, str]:
        # The user's own fields stand behind all groups.
        group = len(groups)
        if item.group in groups:
            group = groups.index(item.group)
        number = in_gold.get(item.path, predicted.index(item.path))
        return group, number, item.path

    def rank_with_host(item: ReviewItem) -> tuple[Any, ...]:
        host = draft.items.get(item.of or "") or item
        return rank(host), rank(item)

    return sorted(draft.items.values(), key=rank_with_host)


def _list_choices(opened: OpenedRecord, sections: Sequence[Json]) -> Json:
    """Return what the record has to choose from, each with its name for readers: sections, arms,
    and groups of criteria.
    """
    stated = opened.draft.items["eligibility"].value.get("groups") or ()
    # A reviewer may have typed anything.
    groups = [group for group in stated if isinstance(group, dict)]
    members = []
    for group in groups:
        name = group["id"]
        members.append((name, f"{name_group(str(name))}: {say(group)}"))
    return {
        "section": [(section["name"], section["title"]) for section in sections],
        "arm": [
            (label, _say_arm(opened.record, label))
            for label in list_arm_labels(opened.record)
        ],
        "member": members,
    }


def _say_arm(record: TrialRecord, label: str) -> str:
    """Return the label of an arm with its registered type: "Saline (placebo comparator)"."""
    for section in record.sections:
        if (section.part("label") or "").strip() != label:
            continue
        kind = section.part("type")
        if kind and section.name.startswith("arms["):
            return f"{say(label)} ({kind.strip().replace('_', ' ').lower()})"
    return say(label)


def _describe_item(item: ReviewItem, opened: OpenedRecord) -> Json:
    """Return what a review adds to an item's view: its name and state, its values and as its form
    writes them, its doubtful fields, and what the changed fields of a predicted item were before.
    """
    values = item.value
    before = item.base.value if item.base else {}
    own_words = []
    for name in ("quote", "time_frame", "measure"):
        text = values.get(name)
        if isinstance(text, str):
            own_words.append(text)
    written = {}
    changed = {}
    for name, value in values.items():
        # A number is shown as the quotes of its field write it, or those of the item.
        quotes = [
            piece.quote for piece in item.evidence if name_field(piece.field) == name
        ]
        quotes += own_words
        written[name] = write_numbers(value, quotes)
        if item.base and value != before.get(name):
            changed[name] = say_field(name, before.get(name), quotes)
    return {
        "group": item.group,
        "name": opened.draft.name(item),
        "state": item.state,
        "version": item.version,
        "value": values,
        "written": written,
        "before": changed,
        "predicted": item.base is not None,
        "doubts": opened.list_doubts(item),
        "others": item.others,
        "unsettled": sorted(item.list_unsettled()),
        "left": item.left,
    }

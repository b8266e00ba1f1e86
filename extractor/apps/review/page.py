"""The page's data for a record: the text with highlights, and the items with their doubts and
flaws.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import NamedTuple

from extractor.apps.pages.view import (
    list_arm_labels,
    name_item,
    show_texts,
    view,
)
from extractor.apps.pages.words import say_value
from extractor.apps.review.adjudication import Difference, pair_paths
from extractor.apps.review.draft import (
    CHECKED,
    Patch,
    ReviewedRecord,
    list_draft_items,
    read_field,
    start_draft,
)
from extractor.apps.review.forms import Form
from extractor.apps.review.gold import find_flaws, read_gold
from extractor.apps.values import doubt_item, weigh_evidence
from extractor.face import (
    CustomField,
    complete_gold,
    describe_criteria,
    find_meaning,
    group_pairs,
    show_canonical_names,
)
from extractor.schemas import Evidence, FieldRef, TrialExtraction, TrialRecord
from extractor.schemas.base import JsonObject

_MAY_BE_OF_SOME = {
    find_meaning("eligibility.criteria.constraints", feature)
    for feature in ("a second limit of its quantity", "an age of some people")
}
"""The doubts about whether a limit applies to everybody."""


class Highlight(NamedTuple):
    """A range of characters in a section's raw text that supports an item."""

    section: str
    start: int
    end: int
    item: str


class ExtractedFields:
    """The data that the run extracted for the items of a draft, keyed by the items' paths in the
    draft: the values and the doubt of an item, and the evidence of a field or the reason why the
    field is empty.
    """

    def __init__(
        self,
        extraction: TrialExtraction,
        start: JsonObject,
        fields: Sequence[CustomField],
    ) -> None:
        items = dict(extraction.list_items())
        of_some = set(_list_of_some(extraction))
        gold = start_draft(extraction)
        # the draft may start with a gold file, whose items have other positions
        pairs = pair_paths(read_gold(start), extraction, fields)
        self.values: dict[str, JsonObject] = {}
        self.evidence = defaultdict[tuple[str, str], list[Evidence]](list)
        self.doubts: dict[str, JsonObject] = {}
        self.reasons: dict[tuple[str, str], str] = {}
        draft_paths = {}
        for path, counterpart in pairs.items():
            draft_paths[counterpart] = path
            gold_items = dict(list_draft_items(gold, FieldRef(counterpart).path))
            self.values[path] = gold_items[counterpart]
            item = items[counterpart]
            self.doubts[path] = {
                "confidence": item.confidence,
                "doubt": doubt_item(item),
                "for_some": counterpart in of_some,
            }
            for evidence in item.evidence:
                self.evidence[path, _name_field(evidence.field)].append(evidence)
        for absence in extraction.absences:
            host, _, field = absence.field.rpartition(".")
            if host in draft_paths:
                self.reasons[draft_paths[host], field] = absence.reason.value

    def list_evidence(self, path: str, name: str, item: JsonObject) -> list[Evidence]:
        """Return a field's evidence, unless the reviewer has changed the field."""
        extracted = self.values.get(path)
        if extracted is None:
            return []
        if read_field(extracted, name) != read_field(item, name):
            return []
        return self.evidence[path, name]


def _list_of_some(extraction: TrialExtraction) -> Iterator[str]:
    """Yield the paths of the criteria with a limit that admits some people only, or may do so."""
    people = complete_gold(extraction).eligibility
    described = describe_criteria(people)
    for number, (criterion, derived) in enumerate(
        zip(people.criteria, described, strict=True)
    ):
        doubts = {doubt for piece in criterion.evidence for doubt in piece.doubts}
        admits_some = any(limit.get("admits_some") for limit in derived.limits)
        if admits_some or not doubts.isdisjoint(_MAY_BE_OF_SOME):
            yield f"eligibility.criteria[{number}]"


def _name_field(place: str) -> str:
    """Return the form field that contains a path within an item, such as ``constraints`` for
    ``constraints[1]``. ``time_window`` belongs to the list of windows.
    """
    names = FieldRef(place).names
    if names[0] == "values":
        return ".".join(names[:2])
    if names[0] == "time_window":
        return "time_windows"
    return names[0]


def describe_record(
    draft: ReviewedRecord,
    record: TrialRecord,
    extracted: ExtractedFields,
    forms: Mapping[str, Form],
    fields: Sequence[CustomField],
    differences: Iterable[Difference],
) -> JsonObject:
    """Return a record's data for the page: the sections and ``spans`` of ``view``, and ``items``
    with their values, as JSON and in words, and their doubts, flaws, highlights and differences.
    """
    data = draft.build()
    changed = draft.list_changed()
    items: dict[str, JsonObject] = {}
    highlights: list[Highlight] = []
    for group, form in forms.items():
        for path, item in list_draft_items(data, group):
            highlights += _list_highlights(path, item, form, extracted, record)
            items[path] = {
                "path": path,
                "group": group,
                "name": name_item(path, SimpleNamespace(**item)),
                "of": item.get("of"),
                "checked": item.get(CHECKED, False),
                "confidence": None,
                **extracted.doubts.get(path, {}),
                "fields": _describe_fields(path, item, form, extracted, changed),
                # filled below
                "marks": [],
                "differences": [],
                "flaws": [],
            }
    viewed = view(record, marks=highlights)
    for highlight, span in zip(highlights, viewed["marks"], strict=True):
        # None if the place is not in the text
        if span is not None:
            items[highlight.item]["marks"].append(span)
    for difference in differences:
        described = difference._asdict() | {"said": say_value(difference.value)}
        items[difference.item]["differences"].append(described)
    flaws: list[JsonObject] = []
    for flaw in find_flaws(draft, record, fields):
        # a flaw of the whole record has no item
        listed = flaws
        if flaw.item in items:
            listed = items[flaw.item]["flaws"]
        listed.append(flaw._asdict())
    return {
        "sections": viewed["sections"],
        "spans": viewed["spans"],
        "items": list(items.values()),
        "flaws": flaws,
        "version": draft.version,
        "finished": draft.is_finished,
        "suggestions": _suggest(record, data),
    }


def _describe_fields(
    path: str,
    item: JsonObject,
    form: Form,
    extracted: ExtractedFields,
    changed: Mapping[tuple[str, str], Patch],
) -> JsonObject:
    """Return each field's value, as JSON and in words, with its doubts."""
    described = {}
    for name in form.fields:
        value = read_field(item, name)
        evidence = extracted.list_evidence(path, name, item)
        said = say_value(value, [proof.quote for proof in evidence])
        if name == "constraints":
            # by the position of the limit in the list
            proofs = group_pairs(
                (FieldRef(proof.field).position, proof) for proof in evidence
            )
            said += show_canonical_names(
                (limit, proofs.get(at, [])) for at, limit in enumerate(value or ())
            )
        last = changed.get((path, name))
        described[name] = {
            "value": value,
            "said": said,
            **weigh_evidence(evidence),
            "reason": extracted.reasons.get((path, name)),
            "typed": last is not None and last.typed,
        }
    return described


def _list_highlights(
    path: str,
    item: JsonObject,
    form: Form,
    extracted: ExtractedFields,
    record: TrialRecord,
) -> Iterator[Highlight]:
    """Yield the places in the text that support an item: the evidence of its values and, for each
    text field that the reviewer changed, the first occurrence of its value in the item's section.
    """
    section = record.section(str(item.get("section")))
    for name, field in form.fields.items():
        evidence = extracted.list_evidence(path, name, item)
        for proof in evidence:
            yield Highlight(proof.section, proof.start, proof.end, path)
        value = read_field(item, name)
        if evidence or section is None:
            continue
        is_text = field["kind"] == "text" and isinstance(value, str)
        # an empty text would be found at the beginning
        if not is_text or not value:
            continue
        start = section.text.find(value)
        if start >= 0:
            yield Highlight(section.name, start, start + len(value), path)


def read_selection(record: TrialRecord, section: str, start: int, end: int) -> str:
    """Return the raw text of a selection on the page. ``start`` and ``end`` are offsets in UTF-16
    code units.

    Raises ``ValueError`` if the section does not exist or nothing is selected.
    """
    text = show_texts(record).get(section)
    if text is None:
        raise ValueError(f"there is no section {section[:80]!r}")
    raw_start, raw_end = text.read(start, end)
    words = text.raw[raw_start:raw_end].strip()
    if not words:
        raise ValueError("no words are selected")
    return words


def _suggest(record: TrialRecord, data: JsonObject) -> JsonObject:
    """Return suggestions by field: sections, arms, and groups of criteria."""
    groups = [
        group["id"]
        for group in data["eligibility"].get("groups") or []
        if isinstance(group, dict) and group.get("id")
    ]
    return {
        "section": [section.name for section in record.sections],
        "arms": list_arm_labels(record),
        "group": groups,
        "parent": groups,
    }

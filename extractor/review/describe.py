"""Records under review as the page is told of them."""

from dataclasses import asdict
from typing import Any

from extractor.evaluation.highlight import RecordText
from extractor.schemas import Finding, TrialRecord

from .doubts import list_doubtful_fields
from .draft import Draft, DraftItem
from .gold import check_draft, shape_gold
from .items import Base, ItemKind, ItemState, Json
from .marks import RecordMarks
from .records import read_title

__all__ = ["OpenedRecord", "describe_progress", "describe_record", "describe_version"]


_GUESSED = {ItemKind.CRITERION: "category", ItemKind.REGIMEN: "role", ItemKind.ENDPOINT: "concept"}
"""What is least sure of an item that the rules read from marked words."""


class OpenedRecord:
    """A record with its text, as far as it does not change while it is reviewed."""

    def __init__(self, record: TrialRecord, base: Base, findings: tuple[Finding, ...]) -> None:
        self.record, self.base = record, base
        self.marks = RecordMarks(RecordText(record))
        self.starts = self.marks.list_starts()
        self._doubts = list_doubtful_fields(record, base.items)
        self.findings = [_describe_finding(finding, self.marks) for finding in findings]

    def list_doubts(self, item: DraftItem) -> dict[str, float | None]:
        """The fields of an open item that want a look, and how sure the rules are; None for a guess from marked words.

        A field that was given another value was looked at.
        """
        if item.state is not ItemState.OPEN:
            return {}
        if item.base is None:
            return {_GUESSED[item.kind]: None}
        predicted = item.base.value
        doubts = self._doubts.get(item.id, {}).items()
        return {name: sure for name, sure in doubts if item.value.get(name) == predicted.get(name)}


def describe_record(opened: OpenedRecord, draft: Draft, reviewer: str) -> Json:
    """A record with its text, its items as they stand, what is wrong with them, and what the reviewer may undo."""
    record = opened.record
    shape = shape_gold(record.record_id, draft, record)
    order = {name: place for place, name in enumerate(shape.items.values())}
    items = sorted(draft.items.values(), key=lambda item: _rank(item, order, draft))
    return describe_version(record.record_id, draft) | {
        "title": read_title(record),
        "sections": [
            {"name": one.name, "text": one.text, "starts": opened.starts.get(one.name, [])} for one in record.sections
        ],
        "items": [_describe_item(item, opened) for item in items],
        "findings": opened.findings,
        "flaws": [asdict(flaw) | {"item": item} for item, flaw in check_draft(shape, draft, record)],
        "undo": [asdict(edit) for edit in draft.find_undo(reviewer)],
        "redo": [asdict(edit) for edit in draft.find_redo(reviewer)],
    }


def describe_version(record_id: str, draft: Draft) -> Json:
    """Which state of a record this is, to tell whether somebody went on."""
    by = draft.actions[-1].reviewer if draft.actions else None
    return {"record": record_id, "version": draft.version, "by": by, "progress": describe_progress(draft)}


def describe_progress(draft: Draft) -> Json:
    """How far a record is: open, begun, finished, or changed since it was: its items are not what its gold says."""
    decided = sum(item.state is not ItemState.OPEN for item in draft.items.values())
    state = "begun" if draft.actions else "open"
    if draft.written is not None:
        state = "finished" if draft.finished else "changed"
    return {"state": state, "decided": decided, "items": len(draft.items)}


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
        "marks": opened.marks.list_marks(item),
    }


def _describe_finding(finding: Finding, marks: RecordMarks) -> Json:
    cited = [{"quote": one.quote, "place": marks.export(one)} for one in finding.citations]
    return {"severity": finding.severity.value, "message": finding.message, "citations": cited}


def _rank(item: DraftItem, order: dict[str, int], draft: Draft) -> tuple[Any, ...]:
    """People, criteria, doses, endpoints; within them as in gold, a rejected item where it was predicted."""
    kinds = list(type(item.kind))
    rejected = list(draft.items).index(item.id)
    return kinds.index(item.kind), order.get(item.id, rejected), item.id

"""The actions of the page: list, show, change, undo, finish."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from extractor.apps.review.adjudication import Adjudication, Difference
from extractor.apps.review.draft import (
    CHECKED,
    Draft,
    Patch,
    check_patch,
    find_list,
    list_items,
    start_draft,
)
from extractor.apps.review.forms import Json, list_forms
from extractor.apps.review.gold import (
    digest_gold,
    find_flaws,
    make_finder,
    name_gold,
    read_gold,
    shape_gold,
    write_gold,
)
from extractor.apps.review.journal import Journal
from extractor.apps.review.page import ExtractedFields, describe_record, read_words
from extractor.apps.review.queue import Doubt, RunRecords
from extractor.errors import GoldError
from extractor.schemas import FieldRef, Rank, TrialExtraction, TrialRecord
from extractor.schemas.base import FrozenModel


class Words(FrozenModel):
    """Selected words: characters of a section as the page shows it, in UTF-16 units."""

    section: str = Field(max_length=300)
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Change(FrozenModel):
    """A change that the page asks for: a patch, based on a version of the draft. A new item may get
    its values from selected ``words``.
    """

    version: int
    patch: Patch
    words: Words | None = None


class Stale(Exception):
    """Another window of the same review has changed these fields in the meantime."""


class Unfinished(Exception):
    """A record cannot be finished, or ``may_finish`` if the reviewer confirms its flaws."""

    def __init__(self, message: str, *, may_finish: bool = False) -> None:
        super().__init__(message)
        self.may_finish = may_finish


class Review:
    """A review of those records of a run that have ``doubts``, in this order. Finished ones go
    into the folder ``gold``.
    """

    def __init__(
        self,
        records: RunRecords,
        gold: Path,
        journal: Journal,
        doubts: Mapping[str, Doubt],
        adjudication: Adjudication | None = None,
    ) -> None:
        self.records = records
        self.forms = list_forms(records.fields)
        self._gold = gold
        self._journal = journal
        self._adjudication = adjudication
        self._drafts: dict[str, Draft] = {}
        self._doubts = doubts

    def list_queue(self) -> list[Json]:
        """Return the records in order, each with its title, its doubts and its progress."""
        begun = self._journal.list_begun()
        rows = []
        for record_id, doubt in self._doubts.items():
            state = "open"
            if record_id not in self.records.titles:
                state = "no text"
            elif name_gold(record_id) in begun:
                state = "finished" if self._open(record_id).is_finished else "begun"
            elif (self._gold / name_gold(record_id)).is_file():
                state = "finished"
            rows.append(
                {
                    "id": record_id,
                    "title": self.records.titles.get(record_id),
                    "expected": doubt.expected,
                    "reasons": doubt.reasons,
                    "state": state,
                }
            )
        return rows

    def describe(self, record_id: str) -> Json:
        """Return what the page shows of a record."""
        record, draft = self._read(record_id)
        extraction = self.records.read_extraction(record_id)
        fields = self.records.fields
        known = ExtractedFields(extraction, draft.start, fields)
        differences = list(self._list_open(record_id, draft))
        shown = describe_record(draft, record, known, self.forms, fields, differences)
        findings = [
            [finding.severity.value, finding.message] for finding in extraction.findings
        ]
        return shown | {
            "id": record_id,
            "title": self.records.titles[record_id],
            "findings": findings,
        }

    def read_words(self, record_id: str, words: Words) -> str:
        """Return the raw text under a selection."""
        record = self.records.read_text(record_id)
        return read_words(record, words.section, words.start, words.end)

    def change(self, record_id: str, change: Change) -> str:
        """Make a change, and return the path of its item.

        Raises ``ValueError`` for a change that cannot be made, and ``Stale`` if another window has
        changed the field. A text that is saved because the page is closed is always kept.
        """
        record, draft = self._read(record_id)
        patch = change.patch.model_copy(
            update={"time": datetime.now(UTC).isoformat(timespec="seconds")}
        )
        data = draft.build()
        value = patch.value
        if patch.path in self.forms and patch.path != "eligibility":
            value = self._begin_item(record, data, change) | (value or {})
        patch = patch.model_copy(update={"value": value})
        check_patch(patch, data, self.forms)
        newer = draft.list_changed(since=change.version)
        if not patch.typed and any(
            (patch.path, name) in newer for name in patch.value or {}
        ):
            raise Stale(
                "Another window has changed this value; it is shown now. Yours was not saved."
            )
        self._append(record_id, draft, {"patch": patch.model_dump()})
        draft.add(patch)
        if patch.path in self.forms and patch.path != "eligibility":
            return f"{patch.path}[{len(find_list(draft.build(), patch.path)) - 1}]"
        return patch.path

    def undo(self, record_id: str) -> str | None:
        """Undo the last change, and return the path that it had; None without one."""
        _, draft = self._read(record_id)
        if not draft.patches:
            return None
        path = draft.patches[-1][1].path
        self._append(record_id, draft, {"undo": True})
        draft.undo()
        return path

    def finish(self, record_id: str, *, anyway: bool) -> None:
        """Write the gold of a record. Raises ``Unfinished`` for open differences and flaws; with
        ``anyway``, only for those that break the schema.
        """
        record, draft = self._read(record_id)
        left = list(self._list_open(record_id, draft))
        if left:
            raise Unfinished(f"Differences to decide: {len(left)}")
        gold, _ = shape_gold(draft, record, self.records.fields)
        flaws = find_flaws(draft, record, self.records.fields)
        try:
            read = read_gold(gold)
        except ValueError as error:
            raise Unfinished(f"Not finished. {error}") from None
        if flaws and not anyway:
            raise Unfinished(f"Flaws in this record: {len(flaws)}", may_finish=True)
        digest = write_gold(self._gold / name_gold(record_id), read.to_gold())
        self._append(record_id, draft, {"finished": digest})
        draft.finish(digest)

    def _read(self, record_id: str) -> tuple[TrialRecord, Draft]:
        if record_id not in self._doubts:
            raise ValueError(f"{record_id[:80]!r}: no such record in the queue")
        return self.records.read_text(record_id), self._open(record_id)

    def _open(self, record_id: str) -> Draft:
        """Return the draft of a record: that of its journal; otherwise its gold file; otherwise
        what the run or the first annotator has. Another gold file replaces a finished draft.
        """
        draft = self._drafts.get(record_id) or self._journal.read(record_id)
        path = self._gold / name_gold(record_id)
        digest = digest_gold(path)
        is_replaced = (
            draft is not None and draft.is_finished and draft.written != digest
        )
        if draft is None or is_replaced:
            draft = Draft(self._begin(record_id, path), digest)
        self._drafts[record_id] = draft
        return draft

    def _begin(self, record_id: str, path: Path) -> Json:
        if path.is_file():
            try:
                extraction = TrialExtraction.model_validate_json(path.read_bytes())
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                raise GoldError(f"{path}: is not gold: {first['msg']}") from None
            return start_draft(extraction)
        if self._adjudication:
            start, _ = self._adjudication.begin(record_id)
            return start
        return start_draft(self.records.read_extraction(record_id))

    def _append(self, record_id: str, draft: Draft, entry: Json) -> None:
        entries = [entry]
        if not draft.is_kept:
            entries = [{"start": draft.start, "written": draft.written}, entry]
            draft.is_kept = True
        self._journal.append(record_id, *entries)

    def _list_open(self, record_id: str, draft: Draft) -> Iterator[Difference]:
        """Yield the differences that are not decided: no change has touched the field, and the item
        is neither checked nor deleted.
        """
        if not self._adjudication:
            return
        start, differences = self._adjudication.begin(record_id)
        if draft.start != start:
            raise GoldError(
                f"{record_id}: its review did not begin with these two golds; name another --gold"
            )
        data = draft.build()
        changed = draft.list_changed()
        for difference in differences:
            items = dict(list_items(data, FieldRef(difference.item).path))
            item = items.get(difference.item)
            is_changed = (difference.item, difference.field) in changed
            if item is not None and not item.get(CHECKED) and not is_changed:
                yield difference

    def _begin_item(
        self, record: TrialRecord, data: Json, change: Change
    ) -> dict[str, Any]:
        """Return the values of a new item: empty ones, and those that selected words give."""
        group = change.patch.path
        fields = self.forms[group].fields
        values: Json = {
            name: [] if field.get("many") else None for name, field in fields.items()
        }
        if not change.words:
            return values
        section, start, end = dict(change.words).values()
        words = read_words(record, section, start, end)
        return values | self._quote(group, record, data, section, words)

    def _quote(
        self, group: str, record: TrialRecord, data: Json, section: str, words: str
    ) -> dict[str, Any]:
        """Return the values of a new item that selected words give."""
        if group == "endpoints":
            return _place_endpoint(section, data) | {"measure": words}
        quoted = {"section": section, "quote": words}
        if group == "dosing":
            return quoted | {"agent": words}
        if group == "eligibility.criteria":
            find_place = make_finder(record)
            kind = "inclusion"
            # A criterion belongs to the list of the one before it.
            for _, criterion in list_items(data, group):
                if find_place(criterion) <= find_place(quoted):
                    kind = criterion.get("kind") or kind
            return quoted | {"kind": kind}
        for name, field in self.forms[group].fields.items():
            if field["kind"] == "text":
                return {name: [words] if field.get("many") else words}
        return {}


def _place_endpoint(section: str, data: Json) -> dict[str, Any]:
    """Return rank and index of a new endpoint: those of its section, or of a section with several
    outcomes the first index that no endpoint has.
    """
    place = FieldRef(section)
    rank = place.path.removesuffix("_outcomes")
    if rank not in list(Rank):
        raise ValueError("an endpoint must be made of words of a registered outcome")
    if place.position is not None:
        return {"rank": rank, "index": place.position}
    endpoints = [item for _, item in list_items(data, "endpoints")]
    taken = [item.get("index") for item in endpoints if item.get("rank") == rank]
    free = next(index for index in count() if index not in taken)
    return {"rank": rank, "index": free}

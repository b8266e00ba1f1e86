"""The actions of the review page: list, show, change, undo and finish."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from pydantic import Field, ValidationError

from extractor.apps.review.adjudication import Adjudication, Difference
from extractor.apps.review.draft import (
    CHECKED,
    Patch,
    ReviewedRecord,
    check_patch,
    find_list,
    list_draft_items,
    start_draft,
)
from extractor.apps.review.forms import list_forms
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
from extractor.apps.review.page import ExtractedFields, describe_record, read_selection
from extractor.apps.review.queue import Doubt, RunRecords
from extractor.errors import GoldError
from extractor.schemas import FieldRef, Rank, TrialExtraction, TrialRecord
from extractor.schemas.base import FrozenModel, JsonObject, find_fault


class ReviewSelection(FrozenModel):
    """A selection of characters in a section as shown on the page; offsets are in UTF-16 code
    units.
    """

    section: str = Field(max_length=300)
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Correction(FrozenModel):
    """A change that the page requests: a patch, based on a version of the draft. For a new item,
    the selected ``words`` provide values.
    """

    version: int
    patch: Patch
    words: ReviewSelection | None = None


class Stale(Exception):
    """Another window of the same review has changed these fields."""


class Unfinished(Exception):
    """A record cannot be finished. If ``may_finish`` is true, it can be finished once the reviewer
    confirms its flaws.
    """

    def __init__(self, message: str, *, may_finish: bool = False) -> None:
        super().__init__(message)
        self.may_finish = may_finish


class Review:
    """A review of the records in ``doubts``; those with the most doubts come first. Finished
    records are written to the folder ``gold``.
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
        self._drafts: dict[str, ReviewedRecord] = {}
        pairs = sorted(doubts.items(), key=lambda pair: -pair[1].number)
        self._doubts = dict(pairs)

    def list_queue(self) -> list[JsonObject]:
        """Return the records in queue order, each with its title, doubts and progress."""
        begun = self._journal.list_started()
        rows = []
        for record_id, doubt in self._doubts.items():
            state = "open"
            if record_id not in self.records.titles:
                state = "no text"
            elif name_gold(record_id) in begun:
                state = "begun"
                if self._open_draft(record_id).is_finished:
                    state = "finished"
            elif (self._gold / name_gold(record_id)).is_file():
                state = "finished"
            rows.append(
                {
                    "id": record_id,
                    "title": self.records.titles.get(record_id),
                    "reasons": doubt.reasons,
                    "state": state,
                }
            )
        return rows

    def describe(self, record_id: str) -> JsonObject:
        """Return a record's data for the page."""
        record, draft = self._read_record(record_id)
        extraction = self.records.read_extraction(record_id)
        fields = self.records.fields
        extracted = ExtractedFields(extraction, draft.start, fields)
        differences = list(self._list_open(record_id, draft))
        described = describe_record(
            draft, record, extracted, self.forms, fields, differences
        )
        return described | {
            "id": record_id,
            "title": self.records.titles[record_id],
            "findings": [finding.message for finding in extraction.findings],
        }

    def read_words(self, record_id: str, words: ReviewSelection) -> str:
        """Return the raw text of a selection."""
        record = self.records.read_text(record_id)
        return read_selection(record, words.section, words.start, words.end)

    def change(self, record_id: str, change: Correction) -> str:
        """Apply a change, and return the path of its item.

        Raises ``ValueError`` if the change is invalid, and ``Stale`` if another window has changed
        the field since the version on which the change is based. Text that is saved because the
        reviewer leaves the page is always kept.
        """
        record, draft = self._read_record(record_id)
        data = draft.build()
        value = change.patch.value
        # the path of a group, such as dosing; eligibility is a single item, not a group of items
        is_new = change.patch.path in self.forms and change.patch.path != "eligibility"
        if is_new:
            value = self._start_item(record, data, change) | (value or {})
        time = datetime.now(UTC).isoformat(timespec="seconds")
        patch = change.patch.model_copy(update={"value": value, "time": time})
        check_patch(patch, data, self.forms)
        newer = draft.list_changed(since=change.version)
        is_stale = any((patch.path, name) in newer for name in patch.value or {})
        if is_stale and not patch.typed:
            raise Stale(
                "This value was changed in another window. The new value is now shown; your "
                "change was not saved."
            )
        self._append(record_id, draft, {"patch": patch.model_dump()})
        draft.add(patch)
        if is_new:
            return f"{patch.path}[{len(find_list(draft.build(), patch.path)) - 1}]"
        return patch.path

    def undo(self, record_id: str) -> str | None:
        """Undo the last change, and return the path that it applied to, or None if there is no
        change to undo.
        """
        _, draft = self._read_record(record_id)
        if not draft.patches:
            return None
        path = draft.patches[-1][1].path
        self._append(record_id, draft, {"undo": True})
        draft.undo()
        return path

    def finish(self, record_id: str, *, anyway: bool) -> None:
        """Write a record's gold. Raises ``Unfinished`` if there are open differences or flaws.
        With ``anyway``, flaws other than schema violations are ignored.
        """
        record, draft = self._read_record(record_id)
        unresolved = list(self._list_open(record_id, draft))
        if unresolved:
            raise Unfinished(f"Unresolved differences: {len(unresolved)}")
        gold, _ = shape_gold(draft, record, self.records.fields)
        flaws = find_flaws(draft, record, self.records.fields)
        try:
            extraction = read_gold(gold)
        except ValueError as error:
            raise Unfinished(f"Not finished. {error}") from None
        if flaws and not anyway:
            raise Unfinished(f"Flaws in this record: {len(flaws)}", may_finish=True)
        digest = write_gold(self._gold / name_gold(record_id), extraction.to_gold())
        self._append(record_id, draft, {"finished": digest})
        draft.finish(digest)

    def _read_record(self, record_id: str) -> tuple[TrialRecord, ReviewedRecord]:
        if record_id not in self._doubts:
            raise ValueError(f"{record_id[:80]!r}: no such record in the queue")
        return self.records.read_text(record_id), self._open_draft(record_id)

    def _open_draft(self, record_id: str) -> ReviewedRecord:
        """Return a record's draft: from its journal, or else from its gold file, or else from the
        first annotator or the run. If the gold file of a finished draft has been changed, the file
        replaces the draft.
        """
        draft = self._drafts.get(record_id) or self._journal.read(record_id)
        path = self._gold / name_gold(record_id)
        digest = digest_gold(path)
        if draft and draft.is_finished and draft.gold_digest != digest:
            draft = None
        if draft is None:
            draft = ReviewedRecord(self._start_json(record_id, path), digest)
        self._drafts[record_id] = draft
        return draft

    def _start_json(self, record_id: str, path: Path) -> JsonObject:
        """Return the JSON with which a draft starts. ``path`` is the path of the record's gold."""
        if path.is_file():
            try:
                extraction = TrialExtraction.model_validate_json(path.read_bytes())
            except ValidationError as error:
                _, problem = find_fault(error)
                raise GoldError(f"{path}: is not gold: {problem}") from None
            return start_draft(extraction)
        if self._adjudication:
            start, _ = self._adjudication.start_record(record_id)
            return start
        return start_draft(self.records.read_extraction(record_id))

    def _append(self, record_id: str, draft: ReviewedRecord, entry: JsonObject) -> None:
        """Append an entry to the record's journal, which begins with the start of the draft."""
        entries = [entry]
        if not draft.is_in_journal:
            entries = [{"start": draft.start, "written": draft.gold_digest}, entry]
            draft.is_in_journal = True
        self._journal.append(record_id, *entries)

    def _list_open(self, record_id: str, draft: ReviewedRecord) -> Iterator[Difference]:
        """Yield the unresolved differences. A difference counts as resolved if its field was
        changed, or if its item was checked or deleted.
        """
        if not self._adjudication:
            return
        start, differences = self._adjudication.start_record(record_id)
        if draft.start != start:
            raise GoldError(
                f"{record_id}: its review was started with different gold annotations; choose "
                "another --gold"
            )
        data = draft.build()
        changed = draft.list_changed()
        for difference in differences:
            items = dict(list_draft_items(data, FieldRef(difference.item).path))
            item = items.get(difference.item)
            if item is None or item.get(CHECKED):
                continue
            if (difference.item, difference.field) not in changed:
                yield difference

    def _start_item(
        self, record: TrialRecord, data: JsonObject, change: Correction
    ) -> dict[str, object]:
        """Return the values of a new item, all of which are empty except for those that can be
        filled from the selected words, if any words are selected.
        """
        group = change.patch.path
        fields = self.forms[group].fields
        values: JsonObject = dict.fromkeys(fields)
        for name, field in fields.items():
            if field.get("many"):
                values[name] = []
        if not change.words:
            return values
        section = change.words.section
        words = read_selection(record, section, change.words.start, change.words.end)
        return values | self._use_words(group, record, data, section, words)

    def _use_words(
        self,
        group: str,
        record: TrialRecord,
        data: JsonObject,
        section: str,
        words: str,
    ) -> JsonObject:
        """Return those values of a new item that can be derived from the selected words."""
        if group == "endpoints":
            return _place_endpoint(section, data) | {"measure": words}
        quoted = {"section": section, "quote": words}
        if group == "dosing":
            return quoted | {"agent": words}
        if group == "eligibility.criteria":
            find_place = make_finder(record)
            kind = "inclusion"
            # a criterion belongs to the same list as the preceding criterion
            for _, criterion in list_draft_items(data, group):
                if find_place(criterion) <= find_place(quoted):
                    kind = criterion.get("kind") or kind
            return quoted | {"kind": kind}
        # the words fill the first text of a custom field
        for name, field in self.forms[group].fields.items():
            if field["kind"] != "text":
                continue
            if field.get("many"):
                return {name: [words]}
            return {name: words}
        return {}


def _place_endpoint(section: str, data: JsonObject) -> dict[str, object]:
    """Return the rank and index of a new endpoint, derived from its section. If the section
    contains several outcomes, the index is the first unused index.
    """
    place = FieldRef(section)
    rank = place.path.removesuffix("_outcomes")
    # words outside the registered outcomes give an endpoint neither rank nor index
    if rank not in list(Rank):
        raise ValueError(
            "select the words of a registered outcome to create an endpoint"
        )
    if place.position is not None:
        return {"rank": rank, "index": place.position}
    endpoints = [item for _, item in list_draft_items(data, "endpoints")]
    used_indices = [item.get("index") for item in endpoints if item.get("rank") == rank]
    free_index = next(index for index in count() if index not in used_indices)
    return {"rank": rank, "index": free_index}

"""What a reviewer sees and does, record by record."""

from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from extractor.errors import GoldError
from extractor.evaluation.gold_files import open_extractions
from extractor.schemas import TrialRecord

from .changes import Add, Change, Decide, Read, Set, find_item, plan_decision, plan_set, plan_step
from .describe import OpenedRecord, describe_progress, describe_record, describe_version
from .draft import Draft, replay
from .gold import check_draft, digest_gold, name_gold, shape_gold, write_gold
from .items import Base, ItemKind, ItemState, Json, list_items
from .journal import ActionKind, Edit, Journal
from .queue import Queue, Way
from .records import RunRecords
from .selection import find_words, propose_item, read_value, refuse_endpoint

__all__ = ["NotReady", "ReviewDesk"]

_OPEN_AT_ONCE = 32


class NotReady(GoldError):
    """A record that cannot be finished yet."""


class ReviewDesk:
    """A run under review by one person; what others do in the same folder of gold is seen at once.

    ``journal`` is the folder's; gold files and nothing else are written beside it.
    """

    def __init__(self, records: RunRecords, gold: Path, journal: Journal, reviewer: str) -> None:
        self.reviewer = reviewer
        self._records, self._gold, self._journal = records, gold, journal
        self._queue = Queue(records, gold, journal, lambda name: describe_progress(self._replay(name)))
        self._open: Callable[[str], OpenedRecord] = lru_cache(_OPEN_AT_ONCE)(self._prepare)

    def list_queue(self, words: str = "", *, unfinished: bool = False, start: int = 0, count: int = 50) -> Json:
        """A page of the records, those with the likeliest errors first."""
        page = self._queue.list_page(words, unfinished=unfinished, start=start, count=count)
        about = {"reviewer": self.reviewer, "gold": str(self._gold), "incomplete": self._records.incomplete}
        return about | page

    def find(self, record_id: str, way: Way) -> str | None:
        """The record before or behind one in the queue, or the next one that is not finished; None for no other."""
        self._check(record_id)
        return self._queue.find(record_id, way)

    def describe(self, record_id: str) -> Json:
        """A record with all that is needed to review it."""
        opened, draft = self._load(record_id)
        return describe_record(opened, draft, self.reviewer)

    def describe_version(self, record_id: str) -> Json:
        """Which state of a record this is, to tell whether somebody went on."""
        return describe_version(record_id, self._replay(record_id))

    def list_history(self, record_id: str) -> list[Json]:
        """Who did what to a record and when, the last action first."""
        actions = [asdict(action) for action in self._replay(record_id).actions]
        return [action.pop("edit") | action for action in reversed(actions)]

    def change(self, record_id: str, change: Change) -> str | None:
        """Do what is asked, at once and as a whole; the item concerned, if it is one.

        Raises ``Overtaken`` if somebody else was faster, ``ValueError`` for what cannot be done.
        """
        with self._journal.transaction():
            opened, draft = self._load(record_id)
            edits = self._plan(opened, draft, change)
            self._note(record_id, opened, edits)
        return edits[0].item if len(edits) == 1 else None

    def step(self, record_id: str, kind: ActionKind) -> str | None:
        """Undo or redo what this reviewer did last. Raises ``Overtaken``."""
        with self._journal.transaction():
            opened, draft = self._load(record_id)
            find = draft.find_undo if kind is ActionKind.UNDO else draft.find_redo
            edits = plan_step(draft, find(self.reviewer), kind)
            self._note(record_id, opened, edits)
        return edits[0].item if len(edits) == 1 else None

    def finish(self, record_id: str) -> None:
        """Write the record's gold. Raises ``NotReady`` while something is open or wrong with it."""
        with self._journal.transaction():
            opened, draft = self._load(record_id)
            shape = shape_gold(record_id, draft, opened.record)
            left = [item for item in draft.items.values() if item.state is ItemState.OPEN]
            flaws = list(check_draft(shape, draft, opened.record))
            if left:
                raise NotReady(f"{_count(len(left), 'item is', 'items are')} not decided yet.")
            if flaws:
                raise NotReady(f"{_count(len(flaws), 'thing is', 'things are')} wrong with it: {flaws[0][1].problem}.")
            path = self._gold / name_gold(record_id)
            self._refuse_foreign(path, opened.base, draft)
            digest = {"sha256": write_gold(path, shape.data)}
            self._note(record_id, opened, [Edit("", ActionKind.FINISH, path.name, None, digest)])

    def _plan(self, opened: OpenedRecord, draft: Draft, change: Change) -> list[Edit]:
        if isinstance(change, Set):
            doubts = opened.list_doubts(find_item(draft, change.item))
            return plan_set(draft, change, {change.path: change.value}, doubts)
        if isinstance(change, Read):
            item, words = find_item(draft, change.item), find_words(opened.record, change.selection)
            values = {change.path: read_value(item.kind, item.value, change.path, words)}
            # A quote takes the place of its words with it.
            place = {"section": words.section.name} if change.path == "quote" else {}
            return plan_set(draft, change, values | place, opened.list_doubts(item))
        if isinstance(change, Decide):
            return plan_decision(draft, change)
        return [self._plan_addition(opened.record, draft, change)]

    @staticmethod
    def _plan_addition(record: TrialRecord, draft: Draft, change: Add) -> Edit:
        words = find_words(record, change.selection)
        if change.add is ItemKind.ENDPOINT:
            refuse_endpoint(words, [item.value for item in draft.list_standing(ItemKind.ENDPOINT)])
        proposed = propose_item(change.add, words)
        state = ItemState.ADDED if proposed.is_certain else ItemState.OPEN
        new = {"kind": change.add.value, "state": state.value, "value": proposed.value}
        return Edit(f"{change.add}-added-{draft.version + 1}", ActionKind.ADD, "", None, new)

    def _note(self, record_id: str, opened: OpenedRecord, edits: list[Edit]) -> None:
        if edits:
            self._journal.add(record_id, opened.base, self.reviewer, edits)

    def _refuse_foreign(self, path: Path, base: Base, draft: Draft) -> None:
        """A gold file that another program changed is not written over."""
        noted = (draft.finish.edit.new or {}).get("sha256") if draft.finish else base.gold_sha256
        if (found := digest_gold(path)) not in {None, noted}:
            raise NotReady(f"{path} was changed by another program (sha256 {found}); move it away to finish here.")

    def _check(self, record_id: str) -> None:
        if record_id not in self._records.doubts:
            raise ValueError(f"the run has no record {record_id!r}")

    def _load(self, record_id: str) -> tuple[OpenedRecord, Draft]:
        self._check(record_id)
        if not self._records.has_text(record_id):
            raise ValueError("its text is not at hand, or not what the run read; name it with --records INPUT")
        opened, noted = self._open(record_id), self._journal.read_base(record_id)
        if noted is not None and noted != opened.base:
            # Another review began it meanwhile, from another run or from gold that is gone.
            opened = self._prepare(record_id)
        return opened, replay(opened.base, self._journal.list_actions(record_id))

    def _replay(self, record_id: str) -> Draft:
        """A record as it stands, without what it takes to show it."""
        self._check(record_id)
        return replay(self._find_base(record_id), self._journal.list_actions(record_id))

    def _prepare(self, record_id: str) -> OpenedRecord:
        findings = self._records.read_extraction(record_id).findings
        return OpenedRecord(self._records.read_text(record_id), self._find_base(record_id), findings)

    def _find_base(self, record_id: str) -> Base:
        return self._journal.read_base(record_id) or self._read_base(record_id)

    def _read_base(self, record_id: str) -> Base:
        """Gold that is there already is what is reviewed; else what was predicted."""
        path = self._gold / name_gold(record_id)
        digest = digest_gold(path)
        if digest is None:
            return Base(items=list_items(self._records.read_extraction(record_id)))
        found = open_extractions(path, str(path)).get(record_id)
        if found is None:
            raise GoldError(f"{path}: is gold of another record; correct its name")
        return Base(items=list_items(found, ItemState.ACCEPTED), gold_sha256=digest)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"

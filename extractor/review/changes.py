"""The actions of a reviewer: requests of the page become edits of items, unless another reviewer was faster."""

from collections.abc import Callable, Collection
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from extractor.errors import ExtractorError, GoldError
from extractor.evaluation.gold_files import open_extractions

from .draft import FIELDS, ActionKind, Base, Draft, DraftItem, Edit, ItemKind, ItemState, Json, list_items, replay
from .journal import Journal, check_draft, digest_gold, name_gold, shape_gold, write_gold
from .page import OpenedRecord, describe_record, describe_version
from .queue import Direction, Queue, RunRecords
from .selection import Selection, find_words, propose_item, read_value, refuse_endpoint

_OPEN_AT_ONCE = 32


class Conflict(ExtractorError):
    """Another reviewer changed the item first. ``item`` is its present state, None if it is gone."""

    def __init__(self, message: str, item: DraftItem | None = None) -> None:
        super().__init__(message)
        self.item = item


class NotReady(GoldError):
    """A record that cannot be finished yet."""


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Seen(_Request):
    """An item and the version of it that the reviewer saw."""

    item: str
    version: int


class Set(Seen):
    """Give a field another value; ``old`` is what the reviewer saw."""

    kind: Literal["set"]
    path: str
    old: Any = None
    value: Any = None


class Read(Seen):
    """Fill a field from marked words: as they are for a quote, read by the rules for a value."""

    kind: Literal["read"]
    path: str
    selection: Selection


class Decide(_Request):
    """Accept, reject or restore items, all at once or none."""

    kind: Literal["accept", "reject", "restore"]
    items: tuple[Seen, ...] = Field(min_length=1)


class Add(_Request):
    """A new item of marked words."""

    kind: Literal["add"]
    add: Literal[ItemKind.CRITERION, ItemKind.REGIMEN, ItemKind.ENDPOINT]
    selection: Selection


Change = Annotated[Set | Read | Decide | Add, Field(discriminator="kind")]


class Review:
    """A run under review by one person. Changes of others in the same folder of gold are visible at once.

    ``journal`` is the folder's; gold files and nothing else are written beside it.
    """

    def __init__(self, records: RunRecords, gold: Path, journal: Journal, reviewer: str) -> None:
        self.reviewer = reviewer
        self._records, self._gold, self._journal = records, gold, journal
        self._queue = Queue(records, gold, journal, lambda name: self._replay(name).describe_progress())
        self._open: Callable[[str], OpenedRecord] = lru_cache(_OPEN_AT_ONCE)(self._prepare)

    def list_queue(self, words: str = "", *, unfinished: bool = False, start: int = 0, count: int = 50) -> Json:
        """A page of the records, those with the likeliest errors first."""
        page = self._queue.list_page(words, unfinished=unfinished, start=start, count=count)
        about = {"reviewer": self.reviewer, "gold": str(self._gold), "incomplete": self._records.incomplete}
        return about | page

    def find(self, record_id: str, direction: Direction) -> str | None:
        """The record before or behind one in the queue, or the next one that is not finished; None for no other."""
        self._check_id(record_id)
        return self._queue.find(record_id, direction)

    def describe(self, record_id: str) -> Json:
        """A record with all that is needed to review it."""
        return describe_record(*self._load(record_id), self.reviewer)

    def describe_version(self, record_id: str) -> Json:
        """The version and progress of a record, to notice changes of others."""
        return describe_version(record_id, self._replay(record_id))

    def list_history(self, record_id: str) -> list[Json]:
        """Who did what to a record and when, the last action first."""
        actions = [asdict(action) for action in self._replay(record_id).actions]
        return [action.pop("edit") | action for action in reversed(actions)]

    def change(self, record_id: str, change: Change) -> str | None:
        """Carry out a change as a whole, and return the item concerned, if it is one.

        Raises ``Conflict`` if another reviewer was faster, ``ValueError`` for what cannot be done.
        """
        with self._journal.transaction():
            opened, draft = self._load(record_id)
            return self._note(record_id, opened, _plan(opened, draft, change))

    def step(self, record_id: str, kind: ActionKind) -> str | None:
        """Undo or redo what this reviewer did last. Raises ``Conflict``."""
        with self._journal.transaction():
            opened, draft = self._load(record_id)
            steps = draft.find_step(self.reviewer, kind)
            edits = []
            for step in steps if kind is ActionKind.REDO else reversed(steps):
                left, back = (step.old, step.new) if kind is ActionKind.REDO else (step.new, step.old)
                item = draft.items.get(step.item)
                if (item.content() if item else None) != left:
                    raise _conflict(item) if item else Conflict("The item is gone.")
                edits.append(Edit(step.item, kind, step.path, left, back))
            return self._note(record_id, opened, edits)

    def finish(self, record_id: str) -> None:
        """Write the record's gold. Raises ``NotReady`` while something is open or wrong with it."""
        with self._journal.transaction():
            opened, draft = self._load(record_id)
            left = sum(item.state is ItemState.OPEN for item in draft.items.values())
            if left:
                raise NotReady(f"{left} {'item is' if left == 1 else 'items are'} not decided yet.")
            if flaws := list(check_draft(draft, opened.record)):
                things = "1 thing is" if len(flaws) == 1 else f"{len(flaws)} things are"
                raise NotReady(f"{things} wrong with it: {flaws[0][1].problem}.")
            path = self._gold / name_gold(record_id)
            noted = (draft.finish.edit.new or {}).get("sha256") if draft.finish else opened.base.gold_sha256
            if (found := digest_gold(path)) not in {None, noted}:
                raise NotReady(f"{path} was changed by another program (sha256 {found}); move it away to finish here.")
            digest = {"sha256": write_gold(path, shape_gold(record_id, draft, opened.record)[0])}
            self._note(record_id, opened, [Edit("", ActionKind.FINISH, path.name, None, digest)])

    def _note(self, record_id: str, opened: OpenedRecord, edits: list[Edit]) -> str | None:
        if edits:
            self._journal.add(record_id, opened.base, self.reviewer, edits)
        return edits[0].item if len(edits) == 1 else None

    def _check_id(self, record_id: str) -> None:
        if record_id not in self._records.doubts:
            raise ValueError(f"the run has no record {record_id!r}")

    def _load(self, record_id: str) -> tuple[OpenedRecord, Draft]:
        self._check_id(record_id)
        if not self._records.has_text(record_id):
            raise ValueError("its text is not at hand, or not what the run read; name it with --records INPUT")
        opened, noted = self._open(record_id), self._journal.read_base(record_id)
        if noted is not None and noted != opened.base:
            # Another review began it meanwhile, from another run or from gold that is gone.
            opened = self._prepare(record_id)
        return opened, replay(opened.base, self._journal.list_actions(record_id))

    def _replay(self, record_id: str) -> Draft:
        """The draft of a record, without its text."""
        self._check_id(record_id)
        return replay(self._find_base(record_id), self._journal.list_actions(record_id))

    def _prepare(self, record_id: str) -> OpenedRecord:
        findings = self._records.read_extraction(record_id).findings
        return OpenedRecord(self._records.read_text(record_id), self._find_base(record_id), findings)

    def _find_base(self, record_id: str) -> Base:
        """Where the review of a record began; if it did not yet, gold that exists, or else the prediction."""
        if noted := self._journal.read_base(record_id):
            return noted
        path = self._gold / name_gold(record_id)
        digest = digest_gold(path)
        if digest is None:
            return Base(items=list_items(self._records.read_extraction(record_id)))
        found = open_extractions(path, str(path)).get(record_id)
        if found is None:
            raise GoldError(f"{path}: is gold of another record; correct its name")
        return Base(items=list_items(found, ItemState.ACCEPTED), gold_sha256=digest)


def _plan(opened: OpenedRecord, draft: Draft, change: Change) -> list[Edit]:
    if isinstance(change, Decide):
        return _plan_decision(draft, change)
    if isinstance(change, Add):
        return [_plan_addition(opened, draft, change)]
    item = _find_item(draft, change.item)
    if isinstance(change, Set):
        return _plan_set(opened, item, change, {change.path: change.value})
    words = find_words(opened.record, change.selection)
    values = {change.path: read_value(item.kind, item.value, change.path, words)}
    # A quote takes the place of its words with it.
    place = {"section": words.section.name} if change.path == "quote" else {}
    return _plan_set(opened, item, change, values | place)


def _plan_set(opened: OpenedRecord, item: DraftItem, change: Set | Read, values: Json) -> list[Edit]:
    """New values of fields of one item. A field that nobody else changed since the reviewer saw it may be changed.

    An item that is open stays so while any of its doubtful fields was not looked at.
    """
    if unknown := sorted(set(values) - set(FIELDS[item.kind])):
        raise ValueError(f"{unknown[0]!r}: no such field")
    is_as_seen = not isinstance(change, Set) or item.value.get(change.path) == change.old
    if item.version != change.version and (not is_as_seen or item.state is ItemState.REJECTED):
        raise _conflict(item)
    value = item.value | values
    doubtful: Collection[str] = set(opened.list_doubts(item)) - set(values)
    is_left = item.state is ItemState.OPEN and bool(doubtful)
    edit = _edit(item, ActionKind.SET, change.path, value, ItemState.OPEN if is_left else None)
    return [] if value == item.value else [edit]


def _plan_decision(draft: Draft, change: Decide) -> list[Edit]:
    """Accept, reject or restore. Items that are so already are left alone."""
    edits = []
    for seen in change.items:
        item = _find_item(draft, seen.item)
        if item.version != seen.version:
            raise _conflict(item)
        kind = ActionKind(change.kind)
        if kind is ActionKind.REJECT and item.kind is ItemKind.PEOPLE:
            raise ValueError("who may take part cannot be rejected: empty its fields instead")
        value = item.base.value if kind is ActionKind.RESTORE and item.base else item.value
        edit = _edit(item, kind, "", value)
        edits += [edit] if edit.old != edit.new else []
    return edits


def _plan_addition(opened: OpenedRecord, draft: Draft, change: Add) -> Edit:
    words = find_words(opened.record, change.selection)
    if change.add is ItemKind.ENDPOINT:
        refuse_endpoint(words, [item.value for item in draft.list_kept(ItemKind.ENDPOINT)])
    value, is_certain = propose_item(change.add, words)
    state = ItemState.ADDED if is_certain else ItemState.OPEN
    new = {"kind": change.add.value, "state": state.value, "value": value}
    return Edit(f"{change.add}-added-{draft.version + 1}", ActionKind.ADD, "", None, new)


def _find_item(draft: Draft, name: str) -> DraftItem:
    if name not in draft.items:
        raise Conflict("The item is gone: somebody undid its addition.")
    return draft.items[name]


def _conflict(item: DraftItem) -> Conflict:
    return Conflict(f"{item.reviewer or 'Somebody'} changed this item in the meantime.", item)


def _edit(item: DraftItem, kind: ActionKind, path: str, value: Json, state: ItemState | None = None) -> Edit:
    new = {"kind": item.kind.value, "state": (state or _next_state(item, kind, value)).value, "value": value}
    return Edit(item.id, kind, path, item.content(), new)


def _next_state(item: DraftItem, kind: ActionKind, value: Json) -> ItemState:
    """An item that a reviewer changed is corrected, unless it is again as predicted."""
    if kind is ActionKind.REJECT:
        return ItemState.REJECTED
    if item.base is None:
        return ItemState.ADDED
    if kind is ActionKind.RESTORE:
        return item.base.state
    return ItemState.ACCEPTED if value == item.base.value else ItemState.CORRECTED

"""Apply a reviewer's requests to items, unless another reviewer was faster."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from extractor.apps.evaluation.gold_files import open_extractions
from extractor.apps.pages.view import Json
from extractor.apps.review.adjudication import Adjudication
from extractor.apps.review.draft import (
    Action,
    ActionKind,
    Base,
    ItemState,
    ReviewDraft,
    ReviewItem,
    add_fields,
    describe_action,
    list_items,
    replay,
    say_field,
    tell_state,
)
from extractor.apps.review.flaws import tell_flaw
from extractor.apps.review.forms import FIELDS, derive_window
from extractor.apps.review.gold import (
    check_draft,
    digest_gold,
    name_gold,
    shape_gold,
    write_gold,
)
from extractor.apps.review.gold_state import GoldFolder
from extractor.apps.review.journal import Journal
from extractor.apps.review.page import OpenedRecord, describe_record
from extractor.apps.review.queue import RunRecords
from extractor.apps.review.selection import (
    Selection,
    find_words,
    propose_item,
    propose_own,
    read_value,
    refuse_endpoint,
)
from extractor.errors import ExtractorError, GoldError

_DONE = frozenset({"finished", "without_text"})


class Conflict(ExtractorError):
    """Another reviewer changed the item first.

    Attributes:
        item: Its current state, None if it is gone.
        rows: What differs in words: the field, the other reviewer's value, and this one's.
    """

    def __init__(
        self, message: str, item: ReviewItem | None = None, *rows: tuple[str, str, str]
    ) -> None:
        super().__init__(message)
        self.item = item
        self.rows = rows


class NotReady(GoldError):
    """The record cannot be finished yet."""


class StillRed(NotReady):
    """Nothing is wrong for certain, but fields are marked red; a reviewer may finish all the
    same.
    """


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Seen(_Request):
    """An item, and the version of it that the reviewer saw."""

    item: str
    version: int


class Set(Seen):
    """Set a field; ``old`` is the value that the reviewer saw. ``left`` says that the page was
    left while the value was typed, so that it may be half of it.
    """

    kind: Literal["set"]
    path: str
    old: Any = None
    value: Any = None
    left: bool = False


class Read(Seen):
    """Fill a field from marked words: a quote takes the words themselves, a value is read from
    them by the rules.
    """

    kind: Literal["read"]
    path: str
    selection: Selection


class Decide(_Request):
    """Accept, reject or restore items, all or none."""

    kind: Literal["accept", "reject", "restore"]
    items: tuple[Seen, ...] = Field(min_length=1)


class Finish(_Request):
    """Write the gold; with ``anyway`` although fields are marked red."""

    anyway: bool = False


class Add(_Request):
    """Create an item of a ``group`` from marked words; ``item`` is the open one, to which a
    user's value may belong.
    """

    kind: Literal["add"]
    group: str
    item: str | None = None
    selection: Selection


Change = Annotated[Set | Read | Decide | Add, Field(discriminator="kind")]


class Review:
    """A run under review by one person. Other reviewers' changes in the same gold folder are
    visible at once.

    Args:
        records: The records of the run.
        gold: Folder of the gold files; no other files are written.
        journal: The actions of all reviewers in that folder.
        reviewer: Name of this reviewer.
        adjudication: The golds of two annotators, of which one is made; else the run is reviewed.
    """

    def __init__(
        self,
        records: RunRecords,
        gold: Path,
        journal: Journal,
        reviewer: str,
        adjudication: Adjudication | None = None,
    ) -> None:
        self.reviewer = reviewer
        self.fields = records.fields
        self._records = records
        self._gold = gold
        self._files = GoldFolder(gold)
        self._journal = journal
        self._adjudication = adjudication

    def list_queue(self) -> Json:
        """Return a row for each record. Records with more expected errors come first. No result
        and no text is read.
        """
        records = self._records
        rows = []
        for record_id, progress in self._list_progress():
            row = {
                "record": record_id,
                "title": records.titles.get(record_id),
                "progress": progress,
                "differs": self._adjudication is not None,
            }
            rows.append(row | records.doubts[record_id]._asdict())
        return {
            "reviewer": self.reviewer,
            "gold": str(self._gold),
            "incomplete": records.incomplete,
            "annotators": self._adjudication.names if self._adjudication else None,
            "records": rows,
        }

    def find(self, record_id: str, direction: str) -> str | None:
        """Return the ``previous`` or ``next`` record in the queue whose text is there, or the
        next ``unfinished`` one, from whose end the search goes on at the beginning; None without
        one.
        """
        self._check_id(record_id)
        queue = list(self._records.doubts)
        place = queue.index(record_id)
        before = queue[:place]
        behind = queue[place + 1 :]
        if direction == "unfinished":
            progress = dict(self._list_progress())
            # From the end of the queue, the search goes on at its beginning.
            for name in [*behind, *before]:
                if progress[name]["state"] not in _DONE:
                    return name
            return None
        if direction == "previous":
            neighbours = before[::-1]
        elif direction == "next":
            neighbours = behind
        else:
            raise ValueError(f"{direction!r}: no such direction")
        for name in neighbours:
            if self._records.has_text(name):
                return name
        return None

    def _list_progress(self) -> Iterator[tuple[str, Json]]:
        """Yield each record with its progress, in the order of the queue."""
        begun = self._journal.list_begun()
        gold = self._files.list_names()
        for name, doubt in self._records.doubts.items():
            file = name_gold(name)
            if not self._records.has_text(name):
                yield name, {"state": "without_text", "decided": 0, "items": 0}
                continue
            if name in begun:
                yield name, self._complete(self._replay(name), name)
                continue
            if file not in gold:
                yield name, {"state": "open", "decided": 0, "items": doubt.items}
                continue
            fault = self._files.find_fault(file, name)
            if fault:
                yield (
                    name,
                    {
                        "state": "broken",
                        "problem": f"its gold file {fault}",
                        "decided": 0,
                        "items": doubt.items,
                    },
                )
            elif self.fields:  # gold may lack fields declared later
                yield name, self._complete(self._replay(name), name)
            else:
                items = doubt.items
                yield name, {"state": "finished", "decided": items, "items": items}

    def describe(self, record_id: str) -> Json:
        """Return a record with all data for its review."""
        opened = self._load(record_id)
        return describe_record(opened, self.reviewer) | {
            "progress": self._complete(opened.draft, record_id)
        }

    def describe_version(self, record_id: str) -> Json:
        """Return the version and progress of a record, to detect changes by others."""
        draft = self._replay(record_id)
        progress = {"progress": self._complete(draft, record_id)}
        return {"record": record_id} | draft.describe() | progress

    def _complete(self, draft: ReviewDraft, record_id: str) -> Json:
        return self._files.complete(draft, name_gold(record_id), record_id)

    def list_history(self, record_id: str) -> list[Json]:
        """Return the actions on a record with reviewer and time, the last first."""
        draft = self._replay(record_id)
        return [describe_action(action, draft) for action in reversed(draft.actions)]

    def change(self, record_id: str, change: Change) -> str | None:
        """Apply a change as a whole, and return the item concerned, if there is exactly one.

        Raises ``Conflict`` if another reviewer was faster, ``ValueError`` for an invalid change.
        """
        # Read and write as one: between them, no other reviewer can act.
        with self._journal.transaction():
            opened = self._load(record_id)
            if isinstance(change, Decide):
                actions = _plan_decision(opened.draft, change)
            elif isinstance(change, Add):
                actions = [_plan_addition(opened, change)]
            else:
                item = _find_item(opened.draft, change.item)
                actions = _plan_value(opened, item, change)
            return self._note(opened.draft, record_id, actions)

    def step(self, record_id: str, kind: ActionKind) -> str | None:
        """Undo or redo all actions of this reviewer's last step, and return the item concerned,
        if there is exactly one. Raises ``Conflict`` if an item is not as that step left it.
        """
        with self._journal.transaction():
            draft = self._load(record_id).draft
            done = draft.find_step(self.reviewer, kind)
            if kind == "undo":
                # The last action is undone first.
                done.reverse()
            actions = []
            for action in done:
                before = action.new
                after = action.old
                if kind == "redo":
                    before = action.old
                    after = action.new
                item = draft.items.get(action.item)
                content = item.content() if item else None
                if content != before:
                    raise _conflict(item) if item else Conflict("The item is gone.")
                actions.append(Action(action.item, kind, action.path, before, after))
            return self._note(draft, record_id, actions)

    def finish(self, record_id: str, *, anyway: bool = False) -> str | None:
        """Write the record's gold.

        Raises ``NotReady`` while something is open or wrong with it, and ``StillRed`` while a
        warning marks a field red, unless ``anyway``.
        """
        with self._journal.transaction():
            opened = self._load(record_id)
            draft = opened.draft
            self._refuse_open(opened, anyway=anyway)
            path = self._gold / name_gold(record_id)
            digest = digest_gold(path)
            # Only the file that this review wrote, or began with, is replaced.
            if digest not in {None, draft.gold_sha256}:
                raise NotReady(
                    f"{path} was changed by another program (sha256 {digest}); move it away to "
                    "finish here."
                )
            gold, _ = shape_gold(draft, opened.record, self.fields)
            written = {"sha256": write_gold(path, gold)}
            action = Action("", "finish", path.name, None, written)
            return self._note(draft, record_id, [action])

    def _refuse_open(self, opened: OpenedRecord, *, anyway: bool) -> None:
        """Raise ``NotReady`` while an item is not decided or something is wrong, and ``StillRed``
        while only warnings mark fields red, unless ``anyway``.
        """
        draft = opened.draft
        states = [item.state for item in draft.items.values()]
        left = states.count("open")
        if left:
            things = "1 item is" if left == 1 else f"{left} items are"
            raise NotReady(f"{things} not decided yet.")
        # The same checks as `extractor evaluate --check`, and empty rows.
        flaws = list(check_draft(draft, opened.record, self.fields))
        wrong = [(path, flaw) for path, flaw in flaws if not flaw.warns]
        if wrong:
            things = "1 thing is" if len(wrong) == 1 else f"{len(wrong)} things are"
            path, flaw = wrong[0]
            told = tell_flaw(draft, path, flaw)
            raise NotReady(f"{things} wrong with it: {told}.")
        if flaws and not anyway:
            things = "1 field is" if len(flaws) == 1 else f"{len(flaws)} fields are"
            path, flaw = flaws[0]
            told = tell_flaw(draft, path, flaw)
            raise StillRed(f"{things} still red: {told}.")

    def _note(
        self, draft: ReviewDraft, record_id: str, actions: list[Action]
    ) -> str | None:
        """Write the actions of a step, if there are any, and return the path of the item concerned;
        None for several items, and for an action of the whole record.
        """
        if actions:
            self._journal.add(record_id, draft.base, self.reviewer, actions)
        if len(actions) != 1:
            return None
        return actions[0].item or None

    def _check_id(self, record_id: str) -> None:
        if record_id not in self._records.doubts:
            raise ValueError(f"the run has no record {record_id!r}")

    def _load(self, record_id: str) -> OpenedRecord:
        """Return a record with its text and its draft. Raises ``ValueError`` without its text."""
        self._check_id(record_id)
        if not self._records.has_text(record_id):
            raise ValueError(
                "its text is missing or has changed since the run; give it with --records INPUT"
            )
        findings = self._records.read_extraction(record_id).findings
        text = self._records.read_text(record_id)
        return OpenedRecord(text, self._replay(record_id), findings, self.fields)

    def _replay(self, record_id: str) -> ReviewDraft:
        """Return the draft of a record: what it was before the first action, with all actions in
        the journal. Fields of the user's own that were declared later are added to it.
        """
        self._check_id(record_id)
        base = self._journal.read_base(record_id)
        if base is None:
            base = self._make_base(record_id)
        if self.fields.keys() - set(base.fields):
            extraction = self._records.read_extraction(record_id)
            base = add_fields(base, extraction, self.fields)
        return replay(base, self._journal.list_actions(record_id))

    def _make_base(self, record_id: str) -> Base:
        """Return a record before the first action: the existing gold, whose items are accepted, or
        else the prediction. Raises ``GoldError`` for a gold file of another record.
        """
        path = self._gold / name_gold(record_id)
        digest = digest_gold(path)
        if digest is None and self._adjudication:
            record = self._records.read_text(record_id)
            items = self._adjudication.make_items(record)
            return Base(items=items, fields=tuple(self.fields))
        if digest is None:
            extraction = self._records.read_extraction(record_id)
            items = list_items(extraction, fields=self.fields)
            return Base(items=items, fields=tuple(self.fields))
        gold = open_extractions(path, str(path)).get(record_id)
        if gold is None:
            raise GoldError(f"{path}: is gold of another record; correct its name")
        items = list_items(gold, "accepted", self.fields)
        return Base(items=items, gold_sha256=digest, fields=tuple(gold.custom))


def _plan_value(
    opened: OpenedRecord, item: ReviewItem, change: Set | Read
) -> list[Action]:
    """Return the action that sets a field of one item; none if its value stays the same.

    Fields that follow from it are set, too: the section of a quote, the first of time windows. An
    open item stays open until every doubtful field is checked. Raises ``Conflict`` if another
    reviewer changed the field, or rejected the item, since the reviewer saw it; ``ValueError`` for
    a field that there is not, or that follows from another.
    """
    name = change.path
    field = opened.find_form(item).get(name)
    if field is None or field.is_derived:
        raise ValueError(f"{name!r}: no such field")
    if isinstance(change, Set):
        value = field.take(change.value)
        is_as_seen = item.value.get(name) == change.old
    else:
        words = find_words(opened.record, change.selection)
        first = item.base.value if item.base else {}
        value = field.take(read_value(item.value, field, words, first))
        is_as_seen = True
    values = {name: value}
    # A user's own field has no other fields that follow from it.
    if item.group in FIELDS:
        if isinstance(change, Read) and name == "quote":
            values["section"] = words.section.name
        if name == "time_windows":
            values["time_window"] = derive_window(value)
    # Another reviewer may have changed other fields of the item meanwhile, but not this one.
    is_changed = not is_as_seen or item.state == "rejected"
    if is_changed and item.version != change.version:
        theirs = say_field(name, item.value.get(name))
        mine = "the selected words"
        if isinstance(change, Set):
            mine = say_field(name, change.value)
        raise _conflict(item, (field.info.label, theirs, mine))
    changed = item.value | values
    if changed == item.value:
        return []
    left = _list_left(item, change)
    state = _decide_by_value(opened, item, changed, names=set(values))
    if left:
        state = "open"
    return [_act(item, "set", name, changed, state, left=left)]


def _list_left(item: ReviewItem, change: Set | Read) -> list[str]:
    """Return the fields in which the page was left in the middle of a text, after a change."""
    left = set(item.left) - {change.path}
    if isinstance(change, Set) and change.left:
        left.add(change.path)
    return sorted(left)


def _decide_by_value(
    opened: OpenedRecord, item: ReviewItem, value: Json, *, names: set[str]
) -> ItemState | None:
    """Return the state of an item that gets a new ``value``, of which the fields ``names`` are
    changed.

    It is that of the beginning if the value is; "open" for an open item while one of its doubtful
    fields was never changed; else None: then the change itself decides the item.
    """
    first = _find_first(opened.draft, item)
    # A row that was added and removed, or a value that was set back, decides nothing.
    if value == first["value"]:
        state: ItemState = first["state"]
        return state
    if item.state != "open":
        return None
    unchecked = (set(opened.list_doubts(item)) | item.list_unsettled()) - names
    if unchecked:
        return "open"
    return None


def _find_first(draft: ReviewDraft, item: ReviewItem) -> Json:
    """Return an item as it was before the review, or when a reviewer added it."""
    if item.base:
        return item.base.content()
    additions = [action for action in draft.actions if action.kind == "add"]
    return next(
        action.new for action in additions if action.new and action.item == item.path
    )


def _plan_decision(draft: ReviewDraft, change: Decide) -> list[Action]:
    """Return the actions that accept, reject or restore items; none for items already in that
    state.

    Values of the user's own fields are rejected, and restored after a rejection, with the item to
    which they belong. Raises ``Conflict`` if another reviewer changed one of the items, and
    ``ValueError`` for a rejection of who may take part.
    """
    actions = []
    for seen in change.items:
        item = _find_item(draft, seen.item)
        if item.version != seen.version:
            theirs = tell_state(item.state)
            mine = f"{change.kind} it"
            raise _conflict(item, ("state", theirs, mine))
        if change.kind == "reject" and item.path == "eligibility":
            raise ValueError(
                "who may take part cannot be rejected: empty its fields instead"
            )
        concerned = [item]
        restores_rejected = change.kind == "restore" and item.state == "rejected"
        if change.kind == "reject" or restores_rejected:
            concerned += [own for own in draft.items.values() if own.of == item.path]
        for decided in concerned:
            value = decided.value
            if change.kind == "restore" and decided.base:
                value = decided.base.value
            actions.append(_act(decided, change.kind, "", value))
    return [action for action in actions if action.old != action.new]


def _plan_addition(opened: OpenedRecord, change: Add) -> Action:
    """Return the action that adds an item, or a value of a user's own field: what the rules read
    from the marked words, or an empty one. It is decided if the rules read it with certainty, else
    open. Raises ``ValueError`` for a group that there is not, and for words from which no such item
    can be made.
    """
    words = find_words(opened.record, change.selection)
    group = change.group
    form = opened.forms.get(group)
    if form is None or group == "eligibility":
        raise ValueError(f"{group!r}: no such items")
    of = None
    marked = None
    if group in FIELDS:
        if group == "endpoints":
            endpoints = [item.value for item in opened.draft.list_kept(group)]
            refuse_endpoint(words, endpoints)
        value, is_whole = propose_item(group, words)
    else:
        of = opened.find_home(group, words, change.item)
        marked = {"section": words.section.name, "start": words.start, "end": words.end}
        value, is_whole = propose_own(form, words)
    new = {
        "state": "added" if is_whole else "open",
        "value": value,
        "of": of,
        "words": marked,
    }
    return Action(f"{group}[+{opened.draft.version + 1}]", "add", "", None, new)


def _find_item(draft: ReviewDraft, name: str) -> ReviewItem:
    if name not in draft.items:
        raise Conflict("The item is gone: somebody undid its addition.")
    return draft.items[name]


def _conflict(item: ReviewItem, *rows: tuple[str, str, str]) -> Conflict:
    return Conflict(
        f"{item.reviewer or 'Somebody'} changed this item in the meantime.", item, *rows
    )


def _act(
    item: ReviewItem,
    kind: ActionKind,
    path: str,
    value: Json,
    state: ItemState | None = None,
    *,
    left: Sequence[str] = (),
) -> Action:
    """Return an action that gives an item a ``value``. Its new state is that of ``_decide``;
    ``left`` are the fields in which the page was left in the middle of a text.
    """
    before = item.content()
    new_state = _decide(item, kind, value, state)
    after = before | {"state": new_state, "value": value}
    after.pop("left", None)
    if left:
        after["left"] = list(left)
    return Action(item.path, kind, path, before, after)


def _decide(
    item: ReviewItem, kind: ActionKind, value: Json, state: ItemState | None
) -> ItemState:
    """Return the state of an item after an action: "rejected" by a rejection, the first one by a
    restoration; else the ``state`` that is given; without one "added" for an added item,
    "accepted" if the value is the predicted one, "corrected" if not.
    """
    if kind == "reject":
        return "rejected"
    if item.base is None:
        return state or "added"
    if kind == "restore":
        return item.base.state
    if state:
        return state
    if value == item.base.value:
        return "accepted"
    return "corrected"

"""A record under review: its predicted items with every action of the reviewers applied."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from extractor.apps.evaluation.alignment import align
from extractor.apps.evaluation.fields import GROUPS
from extractor.apps.pages.view import Json, name_item
from extractor.apps.pages.words import say
from extractor.apps.review.forms import Fields, list_forms, write_item
from extractor.schemas import (
    Criterion,
    CustomItem,
    Eligibility,
    Endpoint,
    Evidence,
    ExtractedItem,
    FieldRef,
    Regimen,
    TrialExtraction,
)

ItemState = Literal["open", "accepted", "corrected", "added", "rejected"]
"""States of an item. No reviewer has decided ``open`` ones; ``rejected`` ones do not become
gold.
"""
ActionKind = Literal[
    "set", "accept", "reject", "restore", "add", "undo", "redo", "finish"
]
"""Kinds of a reviewer's actions."""


_MODELS: dict[str, type[ExtractedItem]] = {
    "eligibility": Eligibility,
    "eligibility.criteria": Criterion,
    "dosing": Regimen,
    "endpoints": Endpoint,
}
_WORDS = {"eligibility.criteria": "quote", "dosing": "agent", "endpoints": "measure"}
"""The field with the words of the record that an item is."""
WHOLE = "item"
"""The name of a doubt that is of no field: the item may be wrong as a whole."""
_OF_GROUPS = frozenset({"group", "parent"})
"""Fields that name a group of criteria by its id."""


class ReviewItem(BaseModel):
    """An item under review.

    Attributes:
        path: Its path in the extraction, such as ``dosing[0]``; that of an added item is
            ``dosing[+7]``.
        state: The decision on it.
        value: The fields of the guideline; of a user's own field, its attributes as a person writes
            them.
        of: Path of the item of which a user's own field says this; None for what is said of the
            record.
        words: Section, start and end of the words from which a value of a user's own field was
            added.
        others: What another annotator says, by field, if this is one of two golds: in words
            (``said``), as the form has it (``value``), and whether that can be taken over
            (``may_take``); ``is_same`` if it is the same in other words. That one of them lacks the
            item stands under ``WHOLE``.
        left: The fields whose text was saved because the page was left in the middle of it: it may
            be half a word.
        evidence: Evidence of the predicted values.
        confidence: Confidence of the prediction.
        base: The item before the review; None for an added item, and for a base itself.
        version: The number of the last action on it, 0 if there was none.
        reviewer: The last reviewer who acted on it.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    state: ItemState
    value: Json
    of: str | None = None
    words: Json | None = None
    others: Json = Field(default_factory=dict)
    left: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    confidence: float | None = None
    base: "ReviewItem | None" = None
    version: int = 0
    reviewer: str | None = None

    @property
    def group(self) -> str:
        """The path of its group, such as ``dosing`` or ``custom.assay``, which is also the name
        of its form.
        """
        return FieldRef(self.path).path

    def content(self) -> Json:
        """Return the part that actions change: their ``old`` or ``new``."""
        content: Json = self.model_dump(include={"state", "value", "of", "words"})
        # Journals of earlier versions do not have the key.
        if self.left:
            content["left"] = list(self.left)
        return content

    def list_unsettled(self) -> set[str]:
        """Return the fields in which two annotators differ and that nobody has changed since."""
        if self.state != "open":
            return set()
        first = self.base.value if self.base else {}
        differing = [
            name for name, note in self.others.items() if not note.get("is_same")
        ]
        return {
            name
            for name in differing
            if name == WHOLE or self.value.get(name) == first.get(name)
        }

    def build(self, evidence: tuple[Evidence, ...] = ()) -> ExtractedItem:
        """Return the item as pages show it. Its values are not validated: a reviewer may type
        anything.
        """
        values: Json = {}
        for name, value in self.value.items():
            values[name] = tuple(value) if isinstance(value, list) else value
        proof: Json = {"evidence": evidence, "confidence": self.confidence}
        model = _MODELS.get(self.group)
        if model:
            return model.model_construct(**values, **proof)
        return CustomItem.model_construct(of=self.of, values=values, **proof)


class Base(BaseModel):
    """A record before the review, the SHA-256 of its gold file if it had one, and the names of
    its own fields.
    """

    model_config = ConfigDict(frozen=True)

    items: tuple[ReviewItem, ...]
    gold_sha256: str | None = None
    fields: tuple[str, ...] = ()


def list_items(
    extraction: TrialExtraction,
    state: ItemState = "open",
    fields: Fields = MappingProxyType({}),
) -> tuple[ReviewItem, ...]:
    """Return the items of an extraction. ``fields`` are the user's own.

    >>> [
    ...     item.path
    ...     for item in list_items(TrialExtraction(record_id="A", eligibility={}))
    ... ]
    ['eligibility']
    """
    forms = list_forms(fields)
    return tuple(
        ReviewItem(
            path=path,
            state=state,
            value=write_item(item, forms.get(FieldRef(path).path)),
            of=getattr(item, "of", None),
            evidence=item.evidence,
            confidence=item.confidence,
        )
        for path, item in extraction.list_items()
    )


def add_fields(base: Base, extraction: TrialExtraction, fields: Fields) -> Base:
    """Add the predicted values of fields that were declared after the record was read.

    The criteria, regimens and endpoints of the base and of the prediction are paired as in
    evaluation, and each value moves to the partner of its item. Values of items without a partner
    are left out.
    """
    predicted = list_items(extraction, fields=fields)
    same = pair_items(base.items, predicted)
    new = fields.keys() - set(base.fields)
    groups = {f"custom.{name}" for name in new}
    items = list(base.items)
    for item in predicted:
        if item.group not in groups or item.of not in same:
            continue
        items.append(item.model_copy(update={"of": same[item.of]}))
    names = (*base.fields, *sorted(new))
    return base.model_copy(update={"items": tuple(items), "fields": names})


def pair_items(
    ours: Sequence[ReviewItem], theirs: Sequence[ReviewItem]
) -> dict[str | None, str | None]:
    """Return, by the path of each criterion, regimen and endpoint of theirs, the path of the same
    item of ours, paired as in evaluation; None, the record, is its own partner.
    """
    same = dict[str | None, str | None]({None: None})
    for group in GROUPS:
        our_items = [item for item in ours if item.group == group.path]
        their_items = [item for item in theirs if item.group == group.path]
        for pair in align(group, _validate(our_items), _validate(their_items)):
            if not pair.old or not pair.new:
                continue
            our_item = our_items[pair.old[0].position]
            their_item = their_items[pair.new[0].position]
            same[their_item.path] = our_item.path
    return same


def _validate(items: Iterable[ReviewItem]) -> list[ExtractedItem]:
    """Return the items of an extraction that these are."""
    return [_MODELS[item.group].model_validate(item.value) for item in items]


@dataclass(frozen=True, slots=True)
class Action:
    """A change of one item. The journal fills in ``number``, ``step``, ``time`` and ``reviewer``.

    Attributes:
        item: The item's path.
        kind: The kind of action.
        path: The field, empty for the whole item.
        old: The item before, None if it did not exist.
        new: The item afterwards, None if it no longer exists.
        number: The position in the journal.
        step: Shared by all actions that a reviewer made at once.
        time: Time of the action, in UTC.
        reviewer: Name of the reviewer.
    """

    item: str
    kind: ActionKind
    path: str
    old: Json | None
    new: Json | None
    number: int = 0
    step: int = 0
    time: str = ""
    reviewer: str = ""


@dataclass(frozen=True, slots=True)
class ReviewDraft:
    """All items of a record. ``written`` has the values in its gold file, and ``gold_sha256``
    that file's digest.
    """

    base: Base
    items: dict[str, ReviewItem]
    actions: tuple[Action, ...]
    written: dict[str, Json] | None = None
    gold_sha256: str | None = None

    @property
    def version(self) -> int:
        """The number of the last action on the record."""
        if not self.actions:
            return 0
        return self.actions[-1].number

    def describe(self) -> Json:
        """Return the record's version, progress and last reviewer, to detect changes by others."""
        by = None
        if self.actions:
            by = self.actions[-1].reviewer
        return {"version": self.version, "by": by, "progress": self.describe_progress()}

    def describe_progress(self) -> Json:
        """Return how many items are decided, and the record's state: open or begun without a
        gold file; with one finished, or changed if an item is open or differs from the file.
        """
        decided = 0
        for item in self.items.values():
            if item.state != "open":
                decided += 1
        state = "begun" if self.actions else "open"
        # A finished record may be changed, and finished again.
        if self.written is not None:
            state = "changed"
            is_as_written = self.written == _list_values(self.items)
            if is_as_written and decided == len(self.items):
                state = "finished"
        return {"state": state, "decided": decided, "items": len(self.items)}

    def list_kept(self, group: str) -> list[ReviewItem]:
        """Return the items of a group that become gold."""
        kept = []
        for item in self.items.values():
            if item.group != group or item.state == "rejected":
                continue
            kept.append(item)
        return kept

    def name(self, item: ReviewItem) -> str:
        """Return the name of an item for readers, with that of the item to which it belongs."""
        name = name_item(item.path, item.build())
        host = self.items.get(item.of or "")
        if host is None:
            return name
        return f"{name} of {self.name(host)}"

    def find_step(self, reviewer: str, kind: ActionKind) -> list[Action]:
        """Return the actions of the step that the reviewer can undo ("undo") or redo next; none if
        there is no such step. Only the reviewer's own steps count, and a step that wrote the gold
        cannot be undone.
        """
        # The actions of a step are of one kind.
        kinds: dict[int, ActionKind] = {}
        for action in self.actions:
            if action.reviewer == reviewer:
                kinds[action.step] = action.kind
        undo: list[int] = []
        redo: list[int] = []
        for step, done in kinds.items():
            if done == "undo":
                redo.append(undo.pop())
            elif done == "redo":
                undo.append(redo.pop())
            elif done != "finish":
                # After a new change, what was undone before it cannot come back.
                undo.append(step)
                redo.clear()
        steps = undo if kind == "undo" else redo
        if not steps:
            return []
        return [action for action in self.actions if action.step == steps[-1]]


def replay(base: Base, actions: Iterable[Action]) -> ReviewDraft:
    """Return the record after all these actions, in their order. An action without a new item
    removes it. An action "finish" keeps the values that were written as gold, by which later
    changes are told.

    >>> item = ReviewItem(path="eligibility", state="open", value={"sex": None})
    >>> new = {"state": "corrected", "value": {"sex": "all"}}
    >>> action = Action(
    ...     "eligibility", "set", "sex", None, new, number=1, step=1, reviewer="anna"
    ... )
    >>> replay(Base(items=(item,)), [action]).items["eligibility"].value
    {'sex': 'all'}
    """
    done = tuple(actions)
    items = {item.path: item.model_copy(update={"base": item}) for item in base.items}
    digest = base.gold_sha256
    written = _list_values(items) if digest else None
    for action in done:
        path = action.item
        new = action.new
        if action.kind == "finish":
            digest = (new or {}).get("sha256")
            written = _list_values(items)
        elif new is None:
            items.pop(path, None)
        else:
            before = items.get(path) or ReviewItem(path=path, **new)
            by = {"version": action.number, "reviewer": action.reviewer}
            left = {"left": tuple(new.get("left", ()))}
            items[path] = before.model_copy(update=new | left | by)
    return ReviewDraft(base, items, done, written, digest)


def _list_values(items: dict[str, ReviewItem]) -> dict[str, Json]:
    """Return the values that become gold."""
    return {
        name: item.value for name, item in items.items() if item.state != "rejected"
    }


def describe_action(action: Action, draft: ReviewDraft) -> Json:
    """Return an action with the name of its item, and what it was and became in words. An action
    of no item wrote the gold; its name is that of the file.
    """
    item = None
    name = action.path
    if action.item:
        content = action.new or action.old or {}
        item = ReviewItem(path=action.item, **content)
        name = draft.name(item)
    return asdict(action) | {
        "name": name,
        "was": _tell_side(action, action.old, item),
        "now": _tell_side(action, action.new, item),
    }


def _tell_side(
    action: Action, side: Json | None, item: ReviewItem | None
) -> str | None:
    """Return one side of an action in words: the value of its field, or the state of the item,
    with the item's words if it came or went. None where there was nothing before, as for gold.
    """
    if item is None:
        return "gold written" if side else None
    if not side:
        return "not there" if side is action.new else None
    if action.path:
        return say_field(action.path, side["value"].get(action.path))
    state = tell_state(side["state"])
    if action.old and action.new:
        return state
    # An item that came or went is told by its words.
    words = side["value"].get(_WORDS.get(item.group))
    if not words:
        return state
    return f"{state}: “{say(words)}”"


def say_field(name: str, value: Any, quotes: Iterable[str] = ()) -> str:
    """Return the value of a field in words: a group of criteria by its name for readers.

    >>> say_field("group", "g2"), say_field("sex", "male")
    ('group 2', 'male')
    """
    if name in _OF_GROUPS and isinstance(value, str):
        return name_group(value)
    return say(value, quotes)


def name_group(group_id: str) -> str:
    """Return the name of a group of criteria for readers; the page's form writes the same.

    >>> name_group("g2")
    'group 2'
    """
    number = group_id.removeprefix("g")
    return f"group {number}" if number.isdecimal() else group_id


def tell_state(state: ItemState) -> str:
    """Return a state in words."""
    return "to decide" if state == "open" else state

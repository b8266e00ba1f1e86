"""A record under review: its items as they were predicted, with every action of the reviewers applied."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from extractor.evaluation import fields as evaluation
from extractor.schemas import Evidence, FieldInfo, Origin, Task, TrialExtraction, list_fields

Json = dict[str, Any]


class ItemKind(StrEnum):
    """What an item is. ``people`` are the facts on who may take part that stand beside the criteria."""

    PEOPLE = "people"
    CRITERION = "criterion"
    REGIMEN = "regimen"
    ENDPOINT = "endpoint"


class ItemState(StrEnum):
    """What became of an item: nobody has looked at ``open`` ones, ``rejected`` ones do not become gold."""

    OPEN = "open"
    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    ADDED = "added"
    REJECTED = "rejected"


class ActionKind(StrEnum):
    """What a reviewer did."""

    SET = "set"
    ACCEPT = "accept"
    REJECT = "reject"
    RESTORE = "restore"
    ADD = "add"
    UNDO = "undo"
    REDO = "redo"
    FINISH = "finish"


GROUPS = dict(zip(ItemKind, evaluation.GROUPS, strict=True))
"""Where the items of each kind are in an extraction, and their model."""
FIELDS: dict[ItemKind, dict[str, FieldInfo]] = {
    kind: {
        info.name: info
        for info in list_fields(Task(group.path.partition(".")[0]))
        if info.group == group.path and info.metadata.in_gold
    }
    for kind, group in GROUPS.items()
}
"""The fields of the guideline, which a curator fills in, in the order of the schema."""


class BaseItem(BaseModel):
    """An item as the review found it."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: ItemKind
    state: ItemState
    value: Json
    evidence: tuple[Evidence, ...] = ()
    confidence: float | None = None
    origin: Origin | None = None


class Base(BaseModel):
    """A record as the review found it, and the SHA-256 of its gold file if it had one."""

    model_config = ConfigDict(frozen=True)

    items: tuple[BaseItem, ...]
    gold_sha256: str | None = None


def list_items(extraction: TrialExtraction, state: ItemState = ItemState.OPEN) -> tuple[BaseItem, ...]:
    """The items of an extraction, each with an id that does not change.

    >>> [item.id for item in list_items(TrialExtraction(record_id="A", eligibility={}))]
    ['people']
    """
    return tuple(
        BaseItem(
            id=str(kind) if kind is ItemKind.PEOPLE else f"{kind}-{number}",
            kind=kind,
            state=state,
            value=item.model_dump(mode="json", include=set(FIELDS[kind])),
            evidence=item.evidence,
            confidence=item.confidence,
            origin=item.origin,
        )
        for kind, group in GROUPS.items()
        for number, item in enumerate(group.items(extraction))
    )


@dataclass(frozen=True, slots=True)
class Edit:
    """One item before and after; None where it does not exist. ``path`` is the field, empty for the whole item."""

    item: str
    kind: ActionKind
    path: str
    old: Json | None
    new: Json | None


@dataclass(frozen=True, slots=True)
class Action:
    """An edit as it was noted: edits that a reviewer made at once have one ``step``."""

    number: int
    step: int
    time: str
    reviewer: str
    edit: Edit


@dataclass(frozen=True, slots=True)
class DraftItem:
    """An item in its present state. ``version`` is the number of the last action on it, 0 if there was none."""

    id: str
    kind: ItemKind
    state: ItemState
    value: Json
    base: BaseItem | None = None
    version: int = 0
    reviewer: str | None = None

    def content(self) -> Json:
        """What an action changes: the item before or after it."""
        return {"kind": self.kind.value, "state": self.state.value, "value": self.value}


@dataclass(frozen=True, slots=True)
class Draft:
    """All items of a record; ``finish`` is the action that last wrote its gold, ``written`` the values in that gold."""

    base: Base
    items: dict[str, DraftItem]
    actions: tuple[Action, ...]
    finish: Action | None
    written: dict[str, Json] | None = None

    @property
    def version(self) -> int:
        """The number of the last action on the record."""
        return self.actions[-1].number if self.actions else 0

    def describe_progress(self) -> Json:
        """How far a record is: open, begun, finished, or changed: its items are not what its gold says."""
        decided = sum(item.state is not ItemState.OPEN for item in self.items.values())
        state = "begun" if self.actions else "open"
        if self.written is not None:
            is_finished = decided == len(self.items) and self.written == _list_values(self.items)
            state = "finished" if is_finished else "changed"
        return {"state": state, "decided": decided, "items": len(self.items)}

    def list_kept(self, kind: ItemKind) -> list[DraftItem]:
        """The items of one kind that are to become gold."""
        return [item for item in self.items.values() if item.kind is kind and item.state is not ItemState.REJECTED]

    def find_step(self, reviewer: str, kind: ActionKind) -> list[Edit]:
        """The edits of the step that the reviewer can undo, or redo, next. Nothing was done since a step to redo."""
        undo: list[int] = []
        redo: list[int] = []
        kinds = {a.step: a.edit.kind for a in self.actions if a.reviewer == reviewer}
        for step, done in kinds.items():
            if done is ActionKind.UNDO:
                redo.append(undo.pop())
            elif done is ActionKind.REDO:
                undo.append(redo.pop())
            elif done is not ActionKind.FINISH:
                undo.append(step)
                redo.clear()
        steps = undo if kind is ActionKind.UNDO else redo
        return [action.edit for action in self.actions if action.step in steps[-1:]]


def replay(base: Base, actions: Iterable[Action]) -> Draft:
    """The record after all actions on it.

    >>> item = BaseItem(id="people", kind=ItemKind.PEOPLE, state=ItemState.OPEN, value={"sex": None})
    >>> new = {"kind": "people", "state": "corrected", "value": {"sex": "all"}}
    >>> action = Action(1, 1, "2026-01-01", "anna", Edit("people", ActionKind.SET, "sex", None, new))
    >>> replay(Base(items=(item,)), [action]).items["people"].value
    {'sex': 'all'}
    """
    done = tuple(actions)
    items = {item.id: DraftItem(item.id, item.kind, item.state, item.value, item) for item in base.items}
    written = None if base.gold_sha256 is None else _list_values(items)
    finish = None
    for action in done:
        name, new = action.edit.item, action.edit.new
        if action.edit.kind is ActionKind.FINISH:
            finish, written = action, _list_values(items)
        elif new is None:
            items.pop(name, None)
        else:
            state, value = ItemState(new["state"]), new["value"]
            known = items.get(name) or DraftItem(name, ItemKind(new["kind"]), state, value)
            items[name] = replace(known, state=state, value=value, version=action.number, reviewer=action.reviewer)
    return Draft(base, items, done, finish, written)


def _list_values(items: dict[str, DraftItem]) -> dict[str, Json]:
    """The values that become gold."""
    return {name: item.value for name, item in items.items() if item.state is not ItemState.REJECTED}

"""A record under review: its items as they were predicted, with every action of the reviewers applied."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

from extractor.evaluation import fields as evaluation
from extractor.schemas import Evidence, FieldInfo, Task, TrialExtraction, list_fields

Json = dict[str, Any]


ItemKind = Literal["people", "criterion", "regimen", "endpoint"]
"""What an item is. ``people`` are the facts on who may take part that stand beside the criteria."""
ItemState = Literal["open", "accepted", "corrected", "added", "rejected"]
"""What became of an item. Nobody has looked at ``open`` ones; ``rejected`` ones do not become gold."""
ActionKind = Literal["set", "accept", "reject", "restore", "add", "undo", "redo", "finish"]
"""What a reviewer did."""
KINDS: tuple[ItemKind, ...] = get_args(ItemKind)
GROUPS = dict(zip(KINDS, evaluation.GROUPS, strict=True))
"""Where the items of each kind are in an extraction, and their model."""
FIELDS: dict[ItemKind, dict[str, FieldInfo]] = {
    kind: {
        info.name: info
        for info in list_fields(Task(group.path.partition(".")[0]))
        if info.group == group.path and info.metadata.in_gold
    }
    for kind, group in GROUPS.items()
}
"""The fields that a reviewer fills in, in the order of the schema."""


class ReviewItem(BaseModel):
    """An item under review.

    Attributes:
        id: The same for as long as the review lasts.
        kind: What it is.
        state: What became of it.
        value: The fields of the guideline.
        evidence: What supports the predicted values.
        confidence: That of the prediction.
        base: The item as it was before the review; None for an added one, and for that item itself.
        version: The number of the last action on it, 0 if there was none.
        reviewer: Who acted last.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: ItemKind
    state: ItemState
    value: Json
    evidence: tuple[Evidence, ...] = ()
    confidence: float | None = None
    base: "ReviewItem | None" = None
    version: int = 0
    reviewer: str | None = None

    def content(self) -> Json:
        """What an action changes: the ``old`` or ``new`` of one."""
        return {"kind": self.kind, "state": self.state, "value": self.value}


class Base(BaseModel):
    """A record as it was before the review, and the SHA-256 of its gold file if it had one."""

    model_config = ConfigDict(frozen=True)

    items: tuple[ReviewItem, ...]
    gold_sha256: str | None = None


def list_items(extraction: TrialExtraction, state: ItemState = "open") -> tuple[ReviewItem, ...]:
    """The items of an extraction, each with an id that does not change.

    >>> [item.id for item in list_items(TrialExtraction(record_id="A", eligibility={}))]
    ['people']
    """
    return tuple(
        ReviewItem(
            id=kind if kind == "people" else f"{kind}-{number}",
            kind=kind,
            state=state,
            value=item.model_dump(mode="json", include=set(FIELDS[kind])),
            evidence=item.evidence,
            confidence=item.confidence,
        )
        for kind, group in GROUPS.items()
        for number, item in enumerate(group.items(extraction))
    )


@dataclass(frozen=True, slots=True)
class Action:
    """A change of one item. The journal fills in ``number``, ``step``, ``time`` and ``reviewer``.

    Attributes:
        item: The item's id.
        kind: What the reviewer did.
        path: The field, empty for the whole item.
        old: The item before, None where it did not exist.
        new: The item afterwards, None where it does not exist.
        number: The place in the journal.
        step: The same number for all actions that a reviewer carried out at once.
        time: When, in UTC.
        reviewer: Who.
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
class Draft:
    """All items of a record. ``written`` has the values in its gold file, and ``gold_sha256`` that file's digest."""

    base: Base
    items: dict[str, ReviewItem]
    actions: tuple[Action, ...]
    written: dict[str, Json] | None = None
    gold_sha256: str | None = None

    @property
    def version(self) -> int:
        """The number of the last action on the record."""
        return self.actions[-1].number if self.actions else 0

    def describe(self) -> Json:
        """The version and progress of the record, and who acted last, to notice changes of others."""
        by = self.actions[-1].reviewer if self.actions else None
        return {"version": self.version, "by": by, "progress": self.describe_progress()}

    def describe_progress(self) -> Json:
        """The record's state: open, begun, finished, or changed, where its items differ from its gold file."""
        decided = sum(item.state != "open" for item in self.items.values())
        state = "begun" if self.actions else "open"
        if self.written is not None:
            is_finished = decided == len(self.items) and self.written == _list_values(self.items)
            state = "finished" if is_finished else "changed"
        return {"state": state, "decided": decided, "items": len(self.items)}

    def list_kept(self, kind: ItemKind) -> list[ReviewItem]:
        """The items of one kind that become gold."""
        return [item for item in self.items.values() if item.kind == kind and item.state != "rejected"]

    def find_step(self, reviewer: str, kind: ActionKind) -> list[Action]:
        """The actions of the step that the reviewer can undo, or redo, next."""
        undo: list[int] = []
        redo: list[int] = []
        kinds = {action.step: action.kind for action in self.actions if action.reviewer == reviewer}
        for step, done in kinds.items():
            if done == "undo":
                redo.append(undo.pop())
            elif done == "redo":
                undo.append(redo.pop())
            elif done != "finish":
                undo.append(step)
                redo.clear()
        steps = undo if kind == "undo" else redo
        return [action for action in self.actions if action.step in steps[-1:]]


def replay(base: Base, actions: Iterable[Action]) -> Draft:
    """The record after all actions on it.

    >>> item = ReviewItem(id="people", kind="people", state="open", value={"sex": None})
    >>> new = {"kind": "people", "state": "corrected", "value": {"sex": "all"}}
    >>> action = Action("people", "set", "sex", None, new, number=1, step=1, reviewer="anna")
    >>> replay(Base(items=(item,)), [action]).items["people"].value
    {'sex': 'all'}
    """
    done = tuple(actions)
    items = {item.id: item.model_copy(update={"base": item}) for item in base.items}
    digest = base.gold_sha256
    written = _list_values(items) if digest else None
    for action in done:
        name, new = action.item, action.new
        if action.kind == "finish":
            digest, written = (new or {}).get("sha256"), _list_values(items)
        elif new is None:
            items.pop(name, None)
        else:
            known = items.get(name) or ReviewItem(id=name, **new)
            items[name] = known.model_copy(update=new | {"version": action.number, "reviewer": action.reviewer})
    return Draft(base, items, done, written, digest)


def _list_values(items: dict[str, ReviewItem]) -> dict[str, Json]:
    """The values that become gold."""
    return {name: item.value for name, item in items.items() if item.state != "rejected"}

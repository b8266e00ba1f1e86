"""A record under review: its predicted items with every action of the reviewers applied."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from extractor.pages import name_label
from extractor.pages.words import say
from extractor.schemas import CustomItem, Evidence, TrialExtraction

from .forms import PATHS, Fields, ItemKind, Json, list_forms, write_item

ItemState = Literal["open", "accepted", "corrected", "added", "rejected"]
"""States of an item. No reviewer has decided ``open`` ones; ``rejected`` ones do not become gold."""
ActionKind = Literal["set", "accept", "reject", "restore", "add", "undo", "redo", "finish"]
"""Kinds of a reviewer's actions."""


class ReviewItem(BaseModel):
    """An item under review.

    Attributes:
        id: Constant during the review.
        kind: The kind of item.
        state: The decision on it.
        value: The fields of the guideline; of a custom item, its attributes as a person writes them.
        custom: Of a custom item, its ``field``, the id of the item ``of`` which it is, and the ``words`` that add it.
        evidence: Evidence of the predicted values.
        confidence: Confidence of the prediction.
        base: The item before the review; None for an added item, and for a base itself.
        version: The number of the last action on it, 0 if there was none.
        reviewer: The last reviewer who acted on it.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: ItemKind
    state: ItemState
    value: Json
    custom: Json | None = None
    evidence: tuple[Evidence, ...] = ()
    confidence: float | None = None
    base: "ReviewItem | None" = None
    version: int = 0
    reviewer: str | None = None

    @property
    def form(self) -> str:
        """The name of its form: its kind, or that of a user's own field."""
        return f"custom.{self.custom['field']}" if self.custom else self.kind

    @property
    def of(self) -> str | None:
        """The id of the item of which a user's own field says this; None for what is said of the record."""
        return self.custom["of"] if self.custom else None

    def content(self) -> Json:
        """The part that actions change: their ``old`` or ``new``."""
        content = {"kind": self.kind, "state": self.state, "value": self.value}
        return content | {"custom": self.custom} if self.custom else content


class Base(BaseModel):
    """A record before the review, the SHA-256 of its gold file if it had one, and the names of its own fields."""

    model_config = ConfigDict(frozen=True)

    items: tuple[ReviewItem, ...]
    gold_sha256: str | None = None
    fields: tuple[str, ...] = ()


def list_items(
    extraction: TrialExtraction, state: ItemState = "open", fields: Fields = MappingProxyType({})
) -> tuple[ReviewItem, ...]:
    """Return the items of an extraction with their permanent ids. ``fields`` are the user's own.

    >>> [item.id for item in list_items(TrialExtraction(record_id="A", eligibility={}))]
    ['people']
    """
    forms, ids = list_forms(fields), dict[str, str]()
    found: list[ReviewItem] = []
    for path, item in extraction.list_items():
        group, _, number = path.removesuffix("]").partition("[")
        name, of = PATHS.get(group, group), item.of if isinstance(item, CustomItem) else None
        ids[path] = f"{name}-{number}" if number else name
        proof = (one.model_copy(update={"field": one.field.removeprefix("values.")}) for one in item.evidence)
        made = ReviewItem(
            id=ids[path],
            kind=PATHS.get(group, "custom"),
            state=state,
            value=write_item(item, forms.get(name)),
            custom=None if group in PATHS else {"field": group.partition(".")[2], "of": of and ids.get(of, of)},
            evidence=tuple(proof),
            confidence=item.confidence,
        )
        found.append(made)
    return tuple(found)


def add_fields(base: Base, extraction: TrialExtraction, fields: Fields) -> Base:
    """Add the predicted values of fields that were declared after the record was read.

    They are of the same criteria, doses and outcomes; values of items that ``base`` does not have are left out.
    """
    new = fields.keys() - set(base.fields)
    if not new:
        return base
    known = {_name_words(item): item.id for item in base.items}
    predicted = list_items(extraction, fields=fields)
    same: dict[str | None, str | None] = {item.id: known.get(_name_words(item)) for item in predicted}
    added = [
        item.model_copy(update={"custom": item.custom | {"of": same.get(item.of)}})
        for item in predicted
        if item.custom and item.custom["field"] in new and (item.of is None or same.get(item.of))
    ]
    return base.model_copy(update={"items": (*base.items, *added), "fields": (*base.fields, *sorted(new))})


def _name_words(item: ReviewItem) -> tuple[Any, ...]:
    return (item.kind, *map(item.value.get, ("section", "quote", "agent", "rank", "index")))


@dataclass(frozen=True, slots=True)
class Action:
    """A change of one item. The journal fills in ``number``, ``step``, ``time`` and ``reviewer``.

    Attributes:
        item: The item's id.
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
        """Return the record's version, progress and last reviewer, to detect changes by others."""
        by = self.actions[-1].reviewer if self.actions else None
        return {"version": self.version, "by": by, "progress": self.describe_progress()}

    def describe_progress(self) -> Json:
        """Return the record's state: open, begun, finished, or changed if its items differ from its gold file."""
        decided = sum(item.state != "open" for item in self.items.values())
        state = "begun" if self.actions else "open"
        if self.written is not None:
            is_finished = decided == len(self.items) and self.written == _list_values(self.items)
            state = "finished" if is_finished else "changed"
        return {"state": state, "decided": decided, "items": len(self.items)}

    def list_kept(self, kind: str) -> list[ReviewItem]:
        """Return the items of one kind that become gold."""
        return [item for item in self.items.values() if item.kind == kind and item.state != "rejected"]

    def find_step(self, reviewer: str, kind: ActionKind) -> list[Action]:
        """Return the actions of the step that the reviewer can undo or redo next."""
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


def replay(base: Base, actions: Iterable[Action]) -> ReviewDraft:
    """Return the record after all these actions.

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
    return ReviewDraft(base, items, done, written, digest)


def _list_values(items: dict[str, ReviewItem]) -> dict[str, Json]:
    """Return the values that become gold."""
    return {name: item.value for name, item in items.items() if item.state != "rejected"}


_NOUNS = {"criterion": "criterion", "regimen": "dose", "endpoint": "outcome"}


def name_item(item_id: str, content: Json) -> str:
    """Return the name of an item, with its number in the extraction, as in the queue.

    >>> name_item("criterion-1", {"kind": "criterion", "value": {"kind": "exclusion"}})
    'exclusion criterion 2'
    >>> name_item("custom.assay-0", {"kind": "custom", "custom": {"field": "assay", "of": "criterion-1"}})
    'assay of criterion 2'
    """
    if custom := content.get("custom"):
        kind, _, number = (custom["of"] or "").partition("-")
        added = number.startswith("added")
        of = f" of an added {_NOUNS[kind]}" if added else f" of {_NOUNS[kind]} {int(number) + 1}" if number else ""
        return name_label(custom["field"]) + of
    kind, value = content["kind"], content["value"]
    if kind == "people":
        return "Who may take part"
    if kind == "endpoint":
        index = value.get("index")
        return f"{value.get('rank')} outcome {index + 1 if isinstance(index, int) else index}"
    name = f"{value.get('kind') or ''} criterion".strip() if kind == "criterion" else _NOUNS[kind]
    number = item_id.rpartition("-")[2]
    return f"added {name}" if "-added-" in item_id else f"{name} {int(number) + 1}"


def read_words(content: Json) -> str | None:
    """Return the words of the record that an item is; None for who may take part and for a user's own field."""
    name = {"criterion": "quote", "regimen": "agent", "endpoint": "measure"}.get(content["kind"])
    return say(content["value"].get(name)) if name else None


def describe_action(action: Action) -> Json:
    """Return an action with the name of its item, and what it was and became in words."""
    known = action.new if (action.new or {}).get("kind") else action.old
    name = name_item(action.item, known) if known and known.get("kind") else action.path

    def tell(side: Json | None) -> str:
        if not side or "sha256" in side:
            return "written" if side else "nothing"
        if action.path:
            return say(side["value"].get(action.path))
        words = None if action.old and action.new else read_words(side)
        return tell_state(side["state"]) + (f": “{words}”" if words else "")

    return asdict(action) | {"name": name, "was": tell(action.old), "now": tell(action.new)}


def tell_state(state: ItemState) -> str:
    """Return a state in words."""
    return "to decide" if state == "open" else state

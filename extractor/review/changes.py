"""What a reviewer asks for, as edits of items; refused where somebody else was faster."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from extractor.errors import ExtractorError

from .draft import Draft, DraftItem
from .items import ItemKind, ItemState, Json, list_fields
from .journal import ActionKind, Edit

__all__ = ["Add", "Change", "Decide", "Overtaken", "Read", "Selection", "Set"]
__all__ += ["find_item", "plan_decision", "plan_set", "plan_step"]


class Overtaken(ExtractorError):
    """Somebody else changed the item first. ``item`` is what it is now, None if it is gone."""

    def __init__(self, message: str, item: DraftItem | None) -> None:
        super().__init__(message)
        self.item = item


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Selection(_Request):
    """Words that were marked in a section, with offsets as JavaScript counts them."""

    section: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class Set(_Request):
    """Give a field another value; ``old`` is what the reviewer saw."""

    kind: Literal["set"]
    item: str
    version: int
    path: str
    old: Any = None
    value: Any = None


class Read(_Request):
    """Fill a field from marked words: as they are for a quote, read by the rules for a value."""

    kind: Literal["read"]
    item: str
    version: int
    path: str
    selection: Selection


class Seen(_Request):
    """An item and the version of it that the reviewer saw."""

    item: str
    version: int


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


def plan_set(draft: Draft, change: Set | Read, values: Json, doubtful: Collection[str] = ()) -> list[Edit]:
    """New values of fields of one item. A field that nobody else touched since the reviewer saw it may be changed.

    An item that is open stays so while any of its ``doubtful`` fields was not looked at.

    Raises ``Overtaken`` if somebody did, ``ValueError`` for a field that the item has not.
    """
    item = find_item(draft, change.item)
    if unknown := sorted(set(values) - set(list_fields(item.kind))):
        raise ValueError(f"{unknown[0]!r}: no such field")
    moved = item.version != change.version
    seen = not isinstance(change, Set) or item.value.get(change.path) == change.old
    if moved and (not seen or item.state is ItemState.REJECTED):
        raise _overtaken(item)
    value = item.value | values
    if value == item.value:
        return []
    is_left = item.state is ItemState.OPEN and bool(set(doubtful) - set(values))
    return [_edit(item, ActionKind.SET, change.path, value, ItemState.OPEN if is_left else None)]


def plan_decision(draft: Draft, change: Decide) -> list[Edit]:
    """Accept, reject or restore. What is so already is left alone.

    Raises ``Overtaken``, and ``ValueError`` for what every record has.
    """
    edits = []
    for seen in change.items:
        item = find_item(draft, seen.item)
        if item.version != seen.version:
            raise _overtaken(item)
        kind = ActionKind(change.kind)
        if kind is ActionKind.REJECT and item.kind is ItemKind.PEOPLE:
            raise ValueError("who may take part cannot be rejected: empty its fields instead")
        value = item.base.value if kind is ActionKind.RESTORE and item.base else item.value
        edit = _edit(item, kind, "", value)
        edits += [edit] if edit.old != edit.new else []
    return edits


def plan_step(draft: Draft, steps: Sequence[Edit], kind: ActionKind) -> list[Edit]:
    """Undo or redo edits. Raises ``Overtaken`` if an item is no longer what they left."""
    edits = []
    for step in steps if kind is ActionKind.REDO else reversed(steps):
        left, back = (step.new, step.old) if kind is ActionKind.UNDO else (step.old, step.new)
        item = draft.items.get(step.item)
        if (item.content() if item else None) != left:
            raise _overtaken(item) if item else Overtaken("The item is gone.", None)
        edits.append(Edit(step.item, kind, step.path, left, back))
    return edits


def find_item(draft: Draft, name: str) -> DraftItem:
    """The item of that id. Raises ``Overtaken`` if there is none any more."""
    if name not in draft.items:
        raise Overtaken("The item is gone: somebody undid its addition.", None)
    return draft.items[name]


def _overtaken(item: DraftItem) -> Overtaken:
    return Overtaken(f"{item.reviewer or 'Somebody'} changed this item in the meantime.", item)


def _edit(item: DraftItem, kind: ActionKind, path: str, value: Json, state: ItemState | None = None) -> Edit:
    new = {"kind": item.kind.value, "state": (state or _next_state(item, kind, value)).value, "value": value}
    return Edit(item.id, kind, path, item.content(), new)


def _next_state(item: DraftItem, kind: ActionKind, value: Json) -> ItemState:
    """An item that a reviewer changed is corrected, unless it is what was predicted again."""
    if kind is ActionKind.REJECT:
        return ItemState.REJECTED
    if item.base is None:
        return ItemState.ADDED
    if kind is ActionKind.RESTORE:
        return item.base.state
    return ItemState.ACCEPTED if value == item.base.value else ItemState.CORRECTED

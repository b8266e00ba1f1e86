"""A record under review: what was predicted, with every action applied again."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .items import Base, BaseItem, ItemKind, ItemState, Json
from .journal import Action, ActionKind, Edit

__all__ = ["Draft", "DraftItem", "replay"]

_STEPPING = (ActionKind.UNDO, ActionKind.REDO)


@dataclass(frozen=True, slots=True)
class DraftItem:
    """An item as it stands now. ``version`` is the number of the last action on it, 0 if there was none."""

    id: str
    kind: ItemKind
    state: ItemState
    value: Json
    base: BaseItem | None = None
    version: int = 0
    reviewer: str | None = None
    time: str | None = None

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

    @property
    def finished(self) -> bool:
        """Whether all is decided and the gold file says what the items say, were it by undoing what came since."""
        is_decided = all(item.state is not ItemState.OPEN for item in self.items.values())
        return is_decided and self.written == _list_values(self.items)

    def list_standing(self, kind: ItemKind) -> list[DraftItem]:
        """The items of one kind that are to become gold."""
        return [item for item in self.items.values() if item.kind is kind and item.state is not ItemState.REJECTED]

    def find_undo(self, reviewer: str) -> list[Edit]:
        """The edits of the reviewer's last step that is not undone."""
        return self._step(self._stacks(reviewer)[0])

    def find_redo(self, reviewer: str) -> list[Edit]:
        """The edits of the reviewer's step that was undone last, and nothing done since."""
        return self._step(self._stacks(reviewer)[1])

    def _step(self, stack: list[int]) -> list[Edit]:
        return [action.edit for action in self.actions if stack and action.step == stack[-1]]

    def _stacks(self, reviewer: str) -> tuple[list[int], list[int]]:
        """The steps that can be undone and done again, the next one last."""
        undo: list[int] = []
        redo: list[int] = []
        seen: set[int] = set()
        for action in self.actions:
            if action.reviewer != reviewer or action.step in seen or action.edit.kind is ActionKind.FINISH:
                continue
            seen.add(action.step)
            if action.edit.kind is ActionKind.UNDO:
                redo.append(undo.pop())
            elif action.edit.kind is ActionKind.REDO:
                undo.append(redo.pop())
            else:
                undo.append(action.step)
                redo.clear()
        return undo, redo


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
        if action.edit.kind is ActionKind.FINISH:
            finish, written = action, _list_values(items)
        else:
            _apply(items, action)
    return Draft(base, items, done, finish, written)


def _list_values(items: dict[str, DraftItem]) -> dict[str, Json]:
    """What becomes gold."""
    return {name: item.value for name, item in items.items() if item.state is not ItemState.REJECTED}


def _apply(items: dict[str, DraftItem], action: Action) -> None:
    name, new = action.edit.item, action.edit.new
    if new is None:
        items.pop(name, None)
        return
    kind, state = ItemKind(new["kind"]), ItemState(new["state"])
    known = items.get(name) or DraftItem(name, kind, state, new["value"])
    items[name] = replace(
        known, state=state, value=new["value"], version=action.number, reviewer=action.reviewer, time=action.time
    )

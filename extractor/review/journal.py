"""Every action of a review, in the order in which they came. Nothing is changed or deleted."""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from extractor.llm.database import Database

from .items import Base, Json

__all__ = ["Action", "ActionKind", "Edit", "Journal"]

_VERSION = 1
_TABLES = """
CREATE TABLE records (record_id TEXT PRIMARY KEY, base TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE actions (
  number INTEGER PRIMARY KEY, step INTEGER NOT NULL, time TEXT NOT NULL, reviewer TEXT NOT NULL,
  record_id TEXT NOT NULL, item TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL, old TEXT, new TEXT
);
CREATE INDEX actions_of_records ON actions (record_id, number)
"""


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
    """An edit as it was noted: what a reviewer did at once has one ``step``."""

    number: int
    step: int
    time: str
    reviewer: str
    edit: Edit


class Journal:
    """The file of actions. Any number of programs may write into it at once.

    Raises ``StoreError`` where the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database.open(path, _TABLES, _VERSION)

    def transaction(self) -> AbstractContextManager[None]:
        """What is read and written in the block happens at once for all others, or not at all."""
        return self._database.transaction()

    def read_base(self, record_id: str) -> Base | None:
        """The record as the review found it, None before the first action on it."""
        found = self._database.value("SELECT base FROM records WHERE record_id = ?", (record_id,))
        return None if found is None else Base.model_validate_json(found)

    def list_versions(self) -> dict[str, int]:
        """The records on which there are actions, each with the number of its last one."""
        sql = "SELECT record_id, max(number) FROM actions GROUP BY record_id ORDER BY record_id"
        return dict(self._database.execute(sql))

    def list_actions(self, record_id: str) -> Iterator[Action]:
        """All actions on a record, the first one first."""
        columns = "number, step, time, reviewer, item, kind, path, old, new"
        sql = f"SELECT {columns} FROM actions WHERE record_id = ? ORDER BY number"  # noqa: S608
        for number, step, time, reviewer, item, kind, path, old, new in self._database.execute(sql, (record_id,)):
            edit = Edit(item, ActionKind(kind), path, _load(old), _load(new))
            yield Action(number, step, time, reviewer, edit)

    def add(self, record_id: str, base: Base, reviewer: str, edits: Sequence[Edit]) -> None:
        """Note what a reviewer did at once; ``base`` is kept with the first action on a record."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self.transaction():
            self._database.execute("INSERT OR IGNORE INTO records VALUES (?, ?)", (record_id, base.model_dump_json()))
            step = 1 + (self._database.value("SELECT max(number) FROM actions") or 0)
            for number, edit in enumerate(edits, step):
                row = (number, step, now, reviewer, record_id, edit.item, edit.kind.value, edit.path)
                told = (_dump(edit.old), _dump(edit.new))
                self._database.execute("INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, *told))

    def close(self) -> None:
        self._database.close()


def _dump(value: Json | None) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _load(text: str | None) -> Any:
    return None if text is None else json.loads(text)

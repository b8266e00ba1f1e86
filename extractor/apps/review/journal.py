"""The append-only journal of a review: all actions in order of arrival."""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from extractor.apps.pages.view import Json
from extractor.apps.review.draft import Action, Base
from extractor.model.database import Database

_VERSION = 2
_TABLES = """
CREATE TABLE records (record_id TEXT PRIMARY KEY, base TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE actions (
  number INTEGER PRIMARY KEY, step INTEGER NOT NULL, time TEXT NOT NULL, reviewer TEXT NOT NULL,
  record_id TEXT NOT NULL, item TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL,
  old TEXT, new TEXT
);
CREATE INDEX actions_of_records ON actions (record_id, number)
"""


class Journal:
    """The file of actions. Several processes may write to it at once.

    Raises ``StoreError`` if the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database.open(path, _TABLES, _VERSION)

    def transaction(self) -> AbstractContextManager[None]:
        """Make the block's reads and writes one atomic transaction."""
        return self._database.transaction()

    def read_base(self, record_id: str) -> Base | None:
        """Return the record before its first action, None if it has none."""
        base = self._database.value(
            "SELECT base FROM records WHERE record_id = ?", (record_id,)
        )
        if base is None:
            return None
        return Base.model_validate_json(base)

    def list_begun(self) -> set[str]:
        """Return the records that have actions."""
        rows = self._database.execute("SELECT record_id FROM records")
        return {record_id for (record_id,) in rows}

    def list_actions(self, record_id: str) -> Iterator[Action]:
        """Yield all actions on a record, the oldest first."""
        columns = "item, kind, path, old, new, number, step, time, reviewer"
        rows = self._database.execute(
            f"SELECT {columns} FROM actions WHERE record_id = ? ORDER BY number",
            (record_id,),
        )
        for item, kind, path, old, new, *head in rows:
            before = json.loads(old or "null")
            after = json.loads(new or "null")
            yield Action(item, kind, path, before, after, *head)

    def add(
        self, record_id: str, base: Base, reviewer: str, actions: Sequence[Action]
    ) -> None:
        """Write the actions of one step. ``base`` is stored with the first action on a record."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self.transaction():
            self._database.execute(
                "INSERT OR IGNORE INTO records VALUES (?, ?)",
                (record_id, base.model_dump_json(exclude_defaults=True)),
            )
            step = 1 + (self._database.value("SELECT max(number) FROM actions") or 0)
            for number, action in enumerate(actions, step):
                row = (
                    number,
                    step,
                    now,
                    reviewer,
                    record_id,
                    action.item,
                    action.kind,
                    action.path,
                    _write_side(action.old),
                    _write_side(action.new),
                )
                self._database.execute(
                    "INSERT INTO actions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row
                )

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _write_side(side: Json | None) -> str | None:
    """Return the item before or after an action as text; None where there was none."""
    if side is None:
        return None
    return json.dumps(side, ensure_ascii=False, separators=(",", ":"))

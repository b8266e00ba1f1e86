"""Note changes of callers' keys where the service, another process, finds them for its log."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from extractor.model.events import Fact

if TYPE_CHECKING:
    from extractor.model.database import Database

_TABLE = """
-- changes of keys, for the log of the service
CREATE TABLE IF NOT EXISTS changes (
    id INTEGER PRIMARY KEY, facts TEXT NOT NULL, is_told INTEGER NOT NULL DEFAULT 0
)
"""
"""Made in files of earlier versions, too, which go on without it."""


class KeyChanges:
    """The changes of keys in the file of callers: who was added, renewed, limited or revoked, and
    by which user of the machine. A key itself is not among them.
    """

    def __init__(self, database: "Database") -> None:
        self._database = database
        database.execute(_TABLE)

    def note(self, **facts: Fact) -> None:
        """Store the facts of a change, in the caller's transaction."""
        sql = "INSERT INTO changes (facts) VALUES (?)"
        self._database.execute(sql, (json.dumps(facts),))

    def take(self) -> Iterator[dict[str, Fact]]:
        """Yield the facts of each change that was not taken before, the oldest first."""
        sql = "SELECT id, facts FROM changes WHERE NOT is_told ORDER BY id"
        for number, facts in self._database.execute(sql).fetchall():
            sql = "UPDATE changes SET is_told = 1 WHERE id = ?"
            self._database.execute(sql, (number,))
            yield json.loads(facts)

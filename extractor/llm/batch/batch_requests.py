"""The requests of a run that go to a provider in batches, and the batches they are in, kept in the run's store."""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from extractor.llm.database import Database

from .batch_files import MOST_BYTES, MOST_REQUESTS

__all__ = ["BATCH_TABLES", "BatchAnswer", "BatchRequests", "BatchState", "KeptBatch", "name_body"]

BATCH_TABLES = """
CREATE TABLE batches (  -- a provider's batch: planned, sent (its file is there), made, then as the provider says
    id INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE, requests INTEGER NOT NULL, state TEXT NOT NULL,
    input_file TEXT, batch TEXT, output_file TEXT, error_file TEXT
);
CREATE TABLE batch_requests (  -- without a batch until it is planned, and again if that gave no answer
    name TEXT PRIMARY KEY, batch INTEGER REFERENCES batches, body BLOB NOT NULL, bytes INTEGER NOT NULL,
    status INTEGER, reply BLOB, taken INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX batch_requests_by_batch ON batch_requests (batch);
"""

_PATH = "/v1/chat/completions"
_FRAME = 120
"""Bytes of a line beside its body."""


class BatchState(StrEnum):
    """How far a batch is: planned here; its file sent; made at the provider; and all that came of it fetched."""

    PLANNED = "planned"
    SENT = "sent"
    MADE = "made"
    FETCHED = "fetched"


@dataclass(frozen=True, slots=True)
class KeptBatch:
    """A batch as the store knows it. ``tag`` tells it from all others, here and at the provider."""

    number: int
    tag: str
    requests: int
    state: BatchState
    input_file: str | None
    batch: str | None


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What came back for a request: an HTTP status and a body. ``taken``: it was read before, and counted."""

    status: int
    content: bytes
    taken: bool = False


def name_body(body: Mapping[str, Any]) -> str:
    """The ``custom_id`` of a request: another one for other parameters, since what one refuses the next may take.

    >>> name_body({"max_tokens": 5}) == name_body({"max_completion_tokens": 5})
    False
    """
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode("utf-8")).hexdigest()[:32]


class BatchRequests:
    """Requests by name, from the first time that they are wanted to their answers.

    Each method is one short transaction.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, body: Mapping[str, Any]) -> None:
        """Note a request that is wanted, unless it is there."""
        packed = json.dumps(body, ensure_ascii=False).encode("utf-8")
        row = (name_body(body), zlib.compress(packed), len(packed) + _FRAME)
        self._database.execute("INSERT OR IGNORE INTO batch_requests (name, body, bytes) VALUES (?, ?, ?)", row)

    def find(self, name: str) -> BatchAnswer | None:
        """The answer to the request of that name."""
        sql = "SELECT status, reply, taken FROM batch_requests WHERE name = ? AND status IS NOT NULL"
        row = self._database.row(sql, (name,))
        return BatchAnswer(row[0], zlib.decompress(row[1]), bool(row[2])) if row else None

    def knows(self, name: str) -> bool:
        """Whether the request is waiting, in a batch or for one, or answered."""
        return self._database.value("SELECT 1 FROM batch_requests WHERE name = ?", (name,)) is not None

    def note_taken(self, name: str) -> None:
        """Note that its answer was read, and so is counted among the calls."""
        self._database.execute("UPDATE batch_requests SET taken = 1 WHERE name = ? AND NOT taken", (name,))

    def forget_taken(self) -> None:
        """Forget answers that were read, unless a batch is under way: what is of use of them is among the calls, and
        what was refused or cut off is to be asked anew.
        """
        if not self.open_batches() and not self.count_waiting():
            self._database.execute("DELETE FROM batch_requests WHERE taken")

    def not_taken(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and body of what waits, or is answered and not counted yet."""
        for name, body in self._database.execute("SELECT name, body FROM batch_requests WHERE NOT taken").fetchall():
            yield name, json.loads(zlib.decompress(body))

    def count_waiting(self) -> int:
        """How many requests are in no batch."""
        return int(self._database.value("SELECT count(*) FROM batch_requests WHERE batch IS NULL"))

    def plan(self, prefix: str, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> int:
        """Put what waits for a batch into as few as the provider's limits allow; how many requests these are."""
        planned = 0
        with self._database.transaction():
            rows = self._database.execute("SELECT name, bytes FROM batch_requests WHERE batch IS NULL").fetchall()
            for names in _cut(rows, most_requests, most_bytes):
                number = 1 + (self._database.value("SELECT max(id) FROM batches") or 0)
                row = (number, f"{prefix}-{number}", len(names), BatchState.PLANNED)
                self._database.execute("INSERT INTO batches (id, tag, requests, state) VALUES (?, ?, ?, ?)", row)
                sql = "UPDATE batch_requests SET batch = ? WHERE name = ?"
                self._database.execute_many(sql, ((number, name) for name in names))
                planned += len(names)
        return planned

    def open_batches(self) -> list[KeptBatch]:
        """The batches of which not all is fetched."""
        sql = "SELECT id, tag, requests, state, input_file, batch FROM batches WHERE state <> ? ORDER BY id"
        rows = self._database.execute(sql, (BatchState.FETCHED,)).fetchall()
        return [KeptBatch(row[0], row[1], row[2], BatchState(row[3]), *row[4:]) for row in rows]

    def lines(self, number: int) -> Iterator[bytes]:
        """The lines of a batch's file."""
        sql = "SELECT name, body FROM batch_requests WHERE batch = ? ORDER BY name"
        for name, body in self._database.execute(sql, (number,)):
            line = {"custom_id": name, "method": "POST", "url": _PATH, "body": json.loads(zlib.decompress(body))}
            yield json.dumps(line, ensure_ascii=False).encode("utf-8") + b"\n"

    def note_sent(self, number: int, input_file: str) -> None:
        """Note that a batch's file is with the provider."""
        sql = "UPDATE batches SET state = ?, input_file = ? WHERE id = ?"
        self._database.execute(sql, (BatchState.SENT, input_file, number))

    def note_made(self, number: int, batch: str) -> None:
        """Note that the provider has the batch."""
        self._database.execute("UPDATE batches SET state = ?, batch = ? WHERE id = ?", (BatchState.MADE, batch, number))

    def keep_answers(self, number: int, answers: Iterable[tuple[str, BatchAnswer]]) -> int:
        """Keep what came of a batch, all of it or nothing; how many requests it answered.

        Those without an answer wait for another batch.
        """
        kept = 0
        sql = "UPDATE batch_requests SET status = ?, reply = ? WHERE name = ? AND batch = ? AND status IS NULL"
        with self._database.transaction():
            for name, answer in answers:
                row = (answer.status, zlib.compress(answer.content), name, number)
                kept += self._database.execute(sql, row).rowcount
            left = "UPDATE batch_requests SET batch = NULL WHERE batch = ? AND status IS NULL"
            self._database.execute(left, (number,))
            self._database.execute("UPDATE batches SET state = ? WHERE id = ?", (BatchState.FETCHED, number))
        return kept


def _cut(rows: Iterable[tuple[str, int]], most_requests: int, most_bytes: int) -> Iterator[list[str]]:
    names: list[str] = []
    size = 0
    for name, length in rows:
        if names and (len(names) >= most_requests or size + length > most_bytes):
            yield names
            names, size = [], 0
        names.append(name)
        size += length
    if names:
        yield names

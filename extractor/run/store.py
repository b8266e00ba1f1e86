"""The rows of a run in ``run.sqlite``: finished records with their packed lines and counts, and
notes on records that failed or repeat another one.
"""

import zlib
from collections.abc import Callable, Iterator
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from extractor.errors import StoreError
from extractor.model.database import open_run, open_run_to_read
from extractor.schemas import RegistryFields, TrialRecord, Usage

if TYPE_CHECKING:
    from extractor.model.store import CallStore
    from extractor.run.tally import ExtractedLine

DONE = "done"
LACKING = "lacking"
LEFT = "left"
"""States of a record with a result: it lacks nothing, or an answer of a model, or the input no
longer has it.
"""
_IN_ORDER = "ORDER BY invocation DESC, position"
_WAS_ANSWERED = """
SELECT EXISTS (SELECT 1 FROM calls WHERE answer IS NOT NULL OR exchanges > 0)
    OR EXISTS (SELECT 1 FROM batches WHERE state <> 'planned')
"""


def digest_record(record: TrialRecord) -> str:
    """Return the SHA-256 of a record's sections and registry data, which decide its extraction."""
    text = record.model_dump_json(
        include={"sections", "registry"},
        exclude={"registry": set(RegistryFields.beside)},
    )
    return sha256(text.encode("utf-8")).hexdigest()


class KnownRecord(NamedTuple):
    """A record with a result. It is not ``done`` if it lacks an answer of a model."""

    text_sha256: str
    path: str
    invocation: int
    done: bool


class RunStore:
    """``run.sqlite`` of a run's folder, created if it does not exist; with ``reading``, an existing
    one to read.

    ``invocation`` numbers the runs of the program in this folder, from 1. ``price`` returns the
    cost of tokens in dollars. Raises ``StoreError`` if the file cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        *,
        reading: bool = False,
        price: Callable[[Usage], float] | None = None,
    ) -> None:
        self.database = open_run_to_read(folder) if reading else open_run(folder)
        self._price = price
        last_invocation = self.database.value("SELECT max(invocation) FROM records")
        self.invocation = (last_invocation or 0) + 1

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    @cached_property
    def calls(self) -> "CallStore":
        """The calls to models."""
        from extractor.model.store import CallStore  # noqa: PLC0415 - slow, and readers of results need none

        return CallStore(self.database, self._price)

    @property
    def was_answered(self) -> bool:
        """Whether a model has answered, or a batch was sent to one."""
        return bool(self.database.value(_WAS_ANSWERED))

    @property
    def has_results(self) -> bool:
        """Whether a record has a result."""
        return bool(self.database.value("SELECT EXISTS (SELECT 1 FROM records)"))

    def find(self, record_id: str) -> KnownRecord | None:
        """Return the record with that id, None if it has no result."""
        sql = "SELECT text_sha256, path, invocation, state = ? FROM records WHERE record_id = ?"
        row = self.database.row(sql, (DONE, record_id))
        return KnownRecord(*row) if row else None

    def note_place(self, record: TrialRecord, position: int) -> None:
        """Store where a record with a result is in the input of this invocation."""
        source = record.source
        self.database.execute(
            "UPDATE records SET invocation = ?, position = ?, path = ?, place = ? "
            "WHERE record_id = ?",
            (self.invocation, position, source.path, source.place, record.record_id),
        )

    def add(
        self,
        record: TrialRecord,
        position: int,
        line: "ExtractedLine",
        *,
        lacking: bool,
    ) -> None:
        """Store a finished record with its line, in one transaction. It replaces an earlier result.

        Args:
            record: The record.
            position: Its number in the input.
            line: Its result.
            lacking: Whether an answer of the model is missing, so that the record is asked again.
        """
        record_row = (
            record.record_id,
            digest_record(record),
            record.source.path,
            record.source.place,
            self.invocation,
            position,
            LACKING if lacking else DONE,
            line.counts,
        )
        content = line.line + b"\n"
        line_row = (record.record_id, sha256(content).digest(), zlib.compress(content))
        with self.database.transaction():
            self.database.execute(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                record_row,
            )
            self.database.execute(
                "INSERT OR REPLACE INTO lines VALUES (?, ?, ?)", line_row
            )

    def drop_records_without_line(self) -> None:
        """Forget results whose line is lost, as in a store that SQLite has recovered."""
        self.database.execute(
            "DELETE FROM records WHERE record_id NOT IN (SELECT record_id FROM lines)"
        )

    def add_note(self, file: str, position: int, line: bytes) -> None:
        """Store a line of ``failures.jsonl`` or ``repeated.jsonl`` of this invocation."""
        self.database.execute(
            "INSERT INTO notes VALUES (?, ?, ?)", (file, position, line)
        )

    def drop_notes(self) -> None:
        """Forget the failed and repeated records of an earlier reading of the inputs."""
        self.database.execute("DELETE FROM notes")

    def read_notes(self, file: str) -> Iterator[bytes]:
        """Yield the lines of ``failures.jsonl`` or ``repeated.jsonl`` in input order."""
        sql = "SELECT line FROM notes WHERE file = ? ORDER BY position, rowid"
        return (line + b"\n" for (line,) in self.database.execute(sql, (file,)))

    def note_left(self, has_left: Callable[[str], bool]) -> None:
        """Store which results have no record in the inputs any more: of those that this invocation
        did not meet, the ones for whose path ``has_left`` is true.
        """
        sql = "SELECT DISTINCT path FROM records WHERE invocation < ?"
        paths = self.database.execute(sql, (self.invocation,)).fetchall()
        left = [(LEFT, self.invocation, path) for (path,) in paths if has_left(path)]
        with self.database.transaction():
            self.database.execute_many(
                "UPDATE records SET state = ? WHERE invocation < ? AND path = ?", left
            )

    def count(self, state: str) -> int:
        """Return the number of results in a state."""
        sql = "SELECT count(*) FROM records WHERE state = ?"
        return int(self.database.value(sql, (state,)))

    def counts(self) -> Iterator[str]:
        """Yield the counts of each record, as JSON."""
        return (row[0] for row in self.database.execute("SELECT counts FROM records"))

    def list_ids(self, *, left: bool = True) -> list[str]:
        """List the ids of the results in input order, with this invocation's records first.

        Without ``left``, those are omitted whose record the input no longer has.
        """
        sql = f"SELECT record_id FROM records WHERE state <> ? OR ? {_IN_ORDER}"
        return [record_id for (record_id,) in self.database.execute(sql, (LEFT, left))]

    def list_left(self, most: int) -> list[str]:
        """List the first ids of results whose record the input no longer has."""
        sql = "SELECT record_id FROM records WHERE state = ? ORDER BY record_id LIMIT ?"
        return [record_id for (record_id,) in self.database.execute(sql, (LEFT, most))]

    def list_digests(self) -> Iterator[bytes]:
        """Yield the SHA-256 of each line, with its end, in input order."""
        sql = f"SELECT sha256 FROM records JOIN lines USING (record_id) {_IN_ORDER}"
        return (digest for (digest,) in self.database.execute(sql))

    def read_lines(self) -> Iterator[bytes]:
        """Yield each line with its end, in input order. Raises ``StoreError`` for a damaged one."""
        return map(self.read_line, self.list_ids())

    def read_line(self, record_id: str) -> bytes:
        """Return the line of a record, with its end. Raises ``StoreError`` if it is not there, or
        damaged.
        """
        sql = "SELECT packed FROM lines WHERE record_id = ?"
        packed = self.database.value(sql, (record_id,))
        try:
            return zlib.decompress(packed or b"")
        except zlib.error:
            raise StoreError(
                f"{self.database.path}: the result of {record_id} is damaged; run the same command "
                "again with --replay of this folder and another --out"
            ) from None

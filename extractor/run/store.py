"""Store the finished records of a run in ``run.sqlite``, with their lines, the places of these,
and their counts.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from extractor.concepts.own.declaration import CustomField
from extractor.model.asking.questions import Question, Session
from extractor.model.asking.reply_models import reply_for
from extractor.model.batch_book import BatchBook
from extractor.model.database import open_run, open_run_to_read
from extractor.model.store import CallStore
from extractor.run.tally import ExtractedLine
from extractor.schemas import RegistryFields, TrialRecord, Usage

DONE = "done"
LACKING = "lacking"
LEFT = "left"
"""States of a record with a result: it lacks nothing, or an answer of a model, or the input no
longer has it.
"""
_FAST = 1
"""A fifth of the time of zlib's default, for a quarter more bytes."""
_IN_ORDER = "ORDER BY invocation DESC, position"


def digest_record(record: TrialRecord) -> str:
    """Return the SHA-256 of a record's sections and registry data, which decide its extraction."""
    # links came later; runs made before must know their records
    left_out = {
        *RegistryFields.beside,
        "arm_links",
    }
    text = record.model_dump_json(include={"sections", "registry"}, exclude={"registry": left_out})
    return sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A record with a result. ``done`` is false if an answer of a model is missing, refused or
    invalid.
    """

    text_sha256: str
    path: str
    invocation: int
    done: bool


class PlacedLine(NamedTuple):
    """Where the line of a record stands: its first byte, its length with its end, and the digest of
    what is before it.

    There is no digest of a line that an earlier version stored.
    """

    record_id: str
    start: int
    length: int
    sha256: bytes | None


class RunStore:
    """``run.sqlite`` of a run's folder, created if it does not exist; with ``reading``, an existing
    one to read.

    ``calls`` are its calls to models, ``batches`` those that wait for a provider's batch,
    ``database`` is the open file. ``invocation`` numbers the runs of the program in this folder,
    from 1. ``price`` returns the cost of tokens in dollars. ``fields`` are the user's own in
    these calls. Raises ``StoreError`` if the file cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        *,
        reading: bool = False,
        price: Callable[[Usage], float] | None = None,
        fields: tuple[CustomField, ...] = (),
    ) -> None:
        self.database = open_run_to_read(folder) if reading else open_run(folder)
        self.calls = CallStore(self.database, price)
        self.batches = BatchBook(self.calls, reply_for(fields))
        self.invocation = 1 + (self.database.value("SELECT max(invocation) FROM records") or 0)

    @property
    def was_answered(self) -> bool:
        """Whether a model has answered, or a batch was sent to one."""
        answers = (
            "calls WHERE answer IS NOT NULL OR exchanges > 0",
            "batches WHERE state <> 'planned'",
        )
        return any(self.database.value(f"SELECT EXISTS (SELECT 1 FROM {one})") for one in answers)

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
        sql = (
            "UPDATE records SET invocation = ?, position = ?, path = ?, place = ? WHERE "
            "record_id = ?"
        )
        place = (
            self.invocation,
            position,
            record.source.path,
            record.source.place,
            record.record_id,
        )
        self.database.execute(sql, place)

    def add(
        self,
        record: TrialRecord,
        position: int,
        line: ExtractedLine,
        place: tuple[int, int],
        session: Session,
    ) -> None:
        """Store a finished record. It replaces an earlier result.

        ``position`` is its number in the input, ``place`` the first byte and the length of its
        line, ``session`` holds the model's answers.
        """
        row = {
            "record_id": record.record_id,
            "text_sha256": digest_record(record),
            "path": record.source.path,
            "place": record.source.place,
            "invocation": self.invocation,
            "position": position,
            "state": LACKING if session.lacking or line.cut else DONE,
            "start": place[0],
            "length": place[1],
            "counts": line.counts,
        }
        kept = {
            "record_id": record.record_id,
            "sha256": sha256(line.line).digest(),
            "packed": zlib.compress(line.line, _FAST),
        }
        answers = [_describe(record, *one) for one in session.answers]
        with self.database.transaction():
            self.database.execute("DELETE FROM answers WHERE record_id = ?", (record.record_id,))
            for table, rows in (("records", [row]), ("lines", [kept]), ("answers", answers)):
                for one in rows:
                    columns = ", ".join(f'"{name}"' for name in one)
                    marks = ", ".join("?" * len(one))
                    sql = f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})"
                    self.database.execute(sql, tuple(one.values()))

    def count(self, state: str) -> int:
        """Return the number of results in a state."""
        return int(self.database.value("SELECT count(*) FROM records WHERE state = ?", (state,)))

    def note_left(self, has_left: Callable[[str], bool]) -> None:
        """Store which results were not found in the input of this invocation, those whose path
        ``has_left``.
        """
        sql = "SELECT record_id, path FROM records WHERE invocation < ? AND state <> ?"
        missing = self.database.execute(sql, (self.invocation, LEFT)).fetchall()
        left = [(LEFT, record_id) for record_id, path in missing if has_left(path)]
        with self.database.transaction():
            self.database.execute_many("UPDATE records SET state = ? WHERE record_id = ?", left)

    def left_ids(self) -> Iterator[str]:
        """Yield the ids of results whose record the input no longer has."""
        sql = "SELECT record_id FROM records WHERE state = ? ORDER BY record_id"
        return (record_id for (record_id,) in self.database.execute(sql, (LEFT,)))

    def counts(self) -> Iterator[str]:
        """Yield the counts of each record, as JSON."""
        return (row[0] for row in self.database.execute("SELECT counts FROM records"))

    def lines(self, *, left: bool = True) -> Iterator[PlacedLine]:
        """Yield the place of each line in input order, with this invocation's records first.

        Without ``left``, those are omitted whose record the input no longer has.
        """
        digest = (
            "(SELECT sha256 FROM lines WHERE lines.record_id = records.record_id)"
            if self._has_lines
            else "NULL"
        )
        sql = f"SELECT record_id, start, length, {digest} FROM records WHERE state <> ? OR ? {_IN_ORDER}"
        return map(PlacedLine._make, self.database.execute(sql, (LEFT, left)))

    def read_line(self, record_id: str) -> bytes | None:
        """Return the stored line of a record, with its end; None if it is not there, or damaged."""
        sql = "SELECT sha256, packed FROM lines WHERE record_id = ?"
        row = self.database.row(sql, (record_id,)) if self._has_lines else None
        if row is None:
            return None
        digest, packed = row
        try:
            line = zlib.decompress(packed)
        except (zlib.error, TypeError):
            return None
        return line + b"\n" if sha256(line).digest() == digest else None

    @cached_property
    def _has_lines(self) -> bool:
        """Whether this version made the store; one before it kept no lines."""
        return bool(
            self.database.value("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'lines')")
        )

    def find_end(self) -> int:
        """Return the byte after the last line."""
        return int(self.database.value("SELECT max(start + length) FROM records") or 0)

    def is_sorted(self, size: int) -> bool:
        """Return whether the lines are in input order without gaps, and end at byte ``size``."""
        end = 0
        for placed in self.lines():
            if placed.start != end:
                return False
            end = placed.start + placed.length
        return end == size

    def note_sorted(self, lost: Iterable[str] = ()) -> None:
        """Store the places of lines in input order without gaps. The ``lost`` ones have none:
        they are deleted.
        """
        with self.database.transaction():
            for table in ("records", "lines"):
                names = ((record_id,) for record_id in lost)
                self.database.execute_many(f"DELETE FROM {table} WHERE record_id = ?", names)
            self._place_in_order()
        # on the disk before the file is replaced
        self.database.execute("PRAGMA wal_checkpoint(FULL)")

    def _place_in_order(self) -> None:
        self.database.execute(
            "UPDATE records SET start = sorted.start FROM (SELECT record_id AS name, "
            "coalesce(sum(length) OVER"
            f" ({_IN_ORDER} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS start"
            " FROM records) AS sorted WHERE record_id = sorted.name"
        )

    def close(self) -> None:
        self.database.close()


def _describe(
    record: TrialRecord, question: Question, item: BaseModel, model: str
) -> dict[str, Any]:
    """Return a row of the table ``answers``."""
    chunk = question.chunk
    return {
        "record_id": record.record_id,
        "chunk": chunk.number,
        "section": chunk.span.section,
        "start": chunk.span.start,
        "end": chunk.span.end,
        "text": chunk.text,
        "text_sha256": sha256(chunk.text.encode("utf-8")).hexdigest(),
        "task": question.task.value,
        "fields": json.dumps(question.fields),
        # Without warnings: a value in no readable form is stored as its text and the form that is
        # allowed.
        "item": item.model_dump_json(exclude_defaults=True, warnings=False),
        "model": model,
    }

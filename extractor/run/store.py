"""Store the finished records of a run in ``run.sqlite``, with their lines and counts."""

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from extractor.concepts.own.declaration import CustomField
from extractor.errors import StoreError
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
    text = record.model_dump_json(
        include={"sections", "registry"},
        exclude={"registry": set(RegistryFields.beside)},
    )
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
        last_invocation = self.database.value("SELECT max(invocation) FROM records")
        self.invocation = (last_invocation or 0) + 1

    @property
    def was_answered(self) -> bool:
        """Whether a model has answered, or a batch was sent to one."""
        answered = "calls WHERE answer IS NOT NULL OR exchanges > 0"
        if self.database.value(f"SELECT EXISTS (SELECT 1 FROM {answered})"):
            return True
        sent = "batches WHERE state <> 'planned'"
        return bool(self.database.value(f"SELECT EXISTS (SELECT 1 FROM {sent})"))

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
        session: Session,
    ) -> None:
        """Store a finished record with its line and the model's answers. It replaces an earlier
        result with its answers.

        Args:
            record: The record.
            position: Its number in the input.
            line: Its result.
            session: The model's answers. If it lacks one, or the budget cut the questions off, the
                state is ``LACKING``, so that the record is asked again.
        """
        lacks_answer = session.lacking or line.cut
        record_row = {
            "record_id": record.record_id,
            "text_sha256": digest_record(record),
            "path": record.source.path,
            "place": record.source.place,
            "invocation": self.invocation,
            "position": position,
            "state": LACKING if lacks_answer else DONE,
            "counts": line.counts,
        }
        line_with_end = line.line + b"\n"
        line_row = {
            "record_id": record.record_id,
            "sha256": sha256(line_with_end).digest(),
            "packed": zlib.compress(line_with_end, _FAST),
        }
        with self.database.transaction():
            self.database.execute(
                "DELETE FROM answers WHERE record_id = ?", (record.record_id,)
            )
            self._replace("records", record_row)
            self._replace("lines", line_row)
            for question, item, model in session.answers:
                answer_row = _describe(record, question, item, model)
                self._replace("answers", answer_row)

    def _replace(self, table: str, row: dict[str, Any]) -> None:
        """Store a row, by column, in place of one with the same key."""
        columns = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        sql = f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})"
        self.database.execute(sql, tuple(row.values()))

    def count(self, state: str) -> int:
        """Return the number of results in a state."""
        return int(
            self.database.value(
                "SELECT count(*) FROM records WHERE state = ?", (state,)
            )
        )

    def note_left(self, has_left: Callable[[str], bool]) -> None:
        """Store which results have no record in the inputs any more: of those that this invocation
        did not meet, the ones whose path ``has_left`` says would have been read.
        """
        sql = "SELECT record_id, path FROM records WHERE invocation < ? AND state <> ?"
        missing = self.database.execute(sql, (self.invocation, LEFT)).fetchall()
        left = [(LEFT, record_id) for record_id, path in missing if has_left(path)]
        with self.database.transaction():
            self.database.execute_many(
                "UPDATE records SET state = ? WHERE record_id = ?", left
            )

    def left_ids(self) -> Iterator[str]:
        """Yield the ids of results whose record the input no longer has."""
        sql = "SELECT record_id FROM records WHERE state = ? ORDER BY record_id"
        return (record_id for (record_id,) in self.database.execute(sql, (LEFT,)))

    def counts(self) -> Iterator[str]:
        """Yield the counts of each record, as JSON."""
        return (row[0] for row in self.database.execute("SELECT counts FROM records"))

    def list_ids(self, *, left: bool = True) -> list[str]:
        """List the ids of the results in input order, with this invocation's records first.

        Without ``left``, those are omitted whose record the input no longer has.
        """
        sql = f"SELECT record_id FROM records WHERE state <> ? OR ? {_IN_ORDER}"
        return [record_id for (record_id,) in self.database.execute(sql, (LEFT, left))]

    def list_digests(self) -> Iterator[bytes]:
        """Yield the SHA-256 of each line, with its end, in input order."""
        sql = f"SELECT sha256 FROM records JOIN lines USING (record_id) {_IN_ORDER}"
        return (digest for (digest,) in self.database.execute(sql))

    def read_lines(self) -> Iterator[bytes]:
        """Yield each line with its end, in input order. Raises ``StoreError`` for a damaged one."""
        sql = f"SELECT record_id, packed FROM records JOIN lines USING (record_id) {_IN_ORDER}"
        return (self._unpack(*row) for row in self.database.execute(sql))

    def read_line(self, record_id: str) -> bytes:
        """Return the line of a record, with its end. Raises ``StoreError`` if it is not there, or
        damaged.
        """
        packed = self.database.value(
            "SELECT packed FROM lines WHERE record_id = ?", (record_id,)
        )
        return self._unpack(record_id, packed)

    def _unpack(self, record_id: str, packed: bytes | None) -> bytes:
        try:
            return zlib.decompress(packed or b"")
        except zlib.error:
            raise StoreError(
                f"{self.database.path}: the result of {record_id} is damaged; run the same command "
                "again with --replay of this folder and another --out"
            ) from None

    def drop_records_without_line(self) -> None:
        """Forget results whose line is lost, as in a store that SQLite has recovered."""
        self.database.execute(
            "DELETE FROM records WHERE record_id NOT IN (SELECT record_id FROM lines)"
        )

    def close(self) -> None:
        self.database.close()


def _describe(
    record: TrialRecord, question: Question, item: BaseModel, model: str
) -> dict[str, Any]:
    """Return a row of the table ``answers``: an ``item`` of a ``model``'s answer, with the lines of
    the record that its question was about, and the fields that were asked.
    """
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

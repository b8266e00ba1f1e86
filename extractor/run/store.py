"""``run.sqlite``: which records of a run are done, where their lines are, and what they count."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from extractor.llm.batch_api.requests import BatchRequests
from extractor.llm.cache import ReplyStore
from extractor.llm.database import RUN_FILE, Database, open_run, open_run_to_read
from extractor.llm.trace import NotedAnswer, Session
from extractor.schemas import TrialRecord, Usage

from .tally import ExtractedLine

DONE, LACKING = "done", "lacking"

_Row = tuple[Any, ...]


def digest_record(record: TrialRecord) -> str:
    """SHA-256 of all that decides a record's extraction: its sections, and what the registry holds beside them."""
    return sha256(record.model_dump_json(include={"sections", "registry"}).encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class StartedRecord:
    """A record under way, the digest of its text, and its place in the input."""

    record: TrialRecord
    text_sha256: str
    position: int


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A record that has a result: ``length`` bytes of ``extractions.jsonl`` from ``start`` on. ``done`` is false where
    an answer of a model was missing, refused or invalid.
    """

    text_sha256: str
    path: str
    invocation: int
    done: bool
    start: int
    length: int


class RunStore:
    """``run.sqlite`` of a run's folder, made if it is not there; only to be read with ``reading``. ``replies`` are the
    calls to models in it, ``batch_requests`` those that go to a provider in batches.

    ``invocation`` numbers the runs of the program in this folder, from 1; ``price`` says what tokens cost, in
    picodollars. Raises ``StoreError`` where the file cannot be used.
    """

    def __init__(self, folder: Path, *, reading: bool = False, price: Callable[[Usage], int] | None = None) -> None:
        self._database = open_run_to_read(folder) if reading else open_run(folder)
        self.replies = ReplyStore(self._database, price)
        self.batch_requests = BatchRequests(self._database)
        self.invocation = 1 + (self._database.value("SELECT max(invocation) FROM records") or 0)

    @property
    def database(self) -> Database:
        """The open file, for the mirror that follows what is written into it."""
        return self._database

    def find(self, record_id: str) -> KnownRecord | None:
        """The result of the record with that id, None if there is none."""
        sql = "SELECT text_sha256, path, invocation, state, start, length FROM records WHERE record_id = ?"
        row = self._database.row(sql, (record_id,))
        return KnownRecord(row[0], row[1], row[2], row[3] == DONE, row[4], row[5]) if row else None

    def note_places(self, places: Iterable[tuple[str, int]]) -> None:
        """Note where done records, by id, stand in the input of this invocation."""
        sql = "UPDATE records SET invocation = ?, position = ? WHERE record_id = ?"
        with self._database.transaction():
            self._database.execute_many(sql, ((self.invocation, place, name) for name, place in places))

    def add(self, started: StartedRecord, line: ExtractedLine, start: int, length: int, session: Session) -> None:
        """Store a finished record, whose line has ``length`` bytes from ``start`` on, in place of an earlier result.

        ``session`` holds the answers of the model in it.
        """
        record, state = started.record, LACKING if session.lacking or line.cut else DONE
        row: _Row = (record.record_id, started.text_sha256, record.source.path, record.source.place, self.invocation)
        row += (started.position, state, start, length, None, line.counts)
        with self._database.transaction():
            self._database.execute(f"INSERT OR REPLACE INTO records VALUES ({_marks(row)})", row)  # noqa: S608
            self._database.execute("DELETE FROM answers WHERE record_id = ?", (record.record_id,))
            for answer in session.answers:
                values = (record.record_id, *_describe_answer(answer))
                self._database.execute(f"INSERT INTO answers VALUES ({_marks(values)})", values)  # noqa: S608

    def __len__(self) -> int:
        return int(self._database.value("SELECT count(*) FROM records"))

    def count_lacking(self) -> int:
        """How many records have a result in which an answer of a model is missing."""
        return int(self._database.value("SELECT count(*) FROM records WHERE state = ?", (LACKING,)))

    def end_of_lines(self) -> int:
        """The byte after the last stored line."""
        return int(self._database.value("SELECT max(start + length) FROM records") or 0)

    def forget_behind(self, size: int) -> None:
        """Delete the records whose lines are not within so many bytes: the disk lost them."""
        self._database.execute("DELETE FROM records WHERE start + length > ?", (size,))

    def counts(self) -> Iterator[str]:
        """What each record counts, as JSON."""
        return (row[0] for row in self._database.execute("SELECT counts FROM records"))

    def lines(self) -> Iterator[tuple[str, int, int]]:
        """Id, first byte and length of each line, in input order: this invocation's records before earlier ones."""
        sql = "SELECT record_id, start, length FROM records ORDER BY invocation DESC, position"
        return iter(self._database.execute(sql))

    def is_sorted(self, size: int) -> bool:
        """Whether the lines stand in input order, with nothing between them and nothing behind up to that byte."""
        end = 0
        for _, start, length in self.lines():
            if start != end:
                return False
            end = start + length
        return end == size

    def plan_move(self) -> None:
        """Note where each line goes when the lines are put into input order."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE records SET moved_to = sorted.start FROM (SELECT record_id AS name, coalesce(sum(length) OVER"
                " (ORDER BY invocation DESC, position ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS start"
                " FROM records) AS sorted WHERE record_id = sorted.name"
            )
        self._database.execute("PRAGMA wal_checkpoint(FULL)")  # on disk before the file is: it says which one that is

    def end_move(self, *, moved: bool) -> None:
        """The lines are where ``plan_move`` noted, or stayed where they were."""
        with self._database.transaction():
            if moved:
                self._database.execute("UPDATE records SET start = moved_to WHERE moved_to IS NOT NULL")
            self._database.execute("UPDATE records SET moved_to = NULL WHERE moved_to IS NOT NULL")

    def copy_calls(self, folder: Path) -> None:
        """A store in another folder with the same calls, and no records yet."""
        self._database.copy_to(folder / RUN_FILE)
        copy = RunStore(folder)
        try:
            with copy._database.transaction():
                copy._database.execute("DELETE FROM answers")
                copy._database.execute("DELETE FROM records")
        finally:
            copy.close()

    def close(self) -> None:
        self._database.close()


def _marks(row: _Row) -> str:
    return ", ".join("?" * len(row))


def _describe_answer(answer: NotedAnswer) -> _Row:
    chunk, question = answer.question.chunk, answer.question
    item = answer.item.model_dump_json(exclude_none=True)
    place = (chunk.number, chunk.span.section, chunk.span.start, chunk.span.end)
    text = (chunk.text, sha256(chunk.text.encode("utf-8")).hexdigest())
    return (*place, *text, question.task.value, json.dumps(question.fields), item, answer.model)

"""Requests that are answered later: by files that the user exchanges, or by batches noted in the run's store.

Files are those of providers' batch APIs: one JSON object a line, answers in any order.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import httpx2

from extractor.errors import AnswerPending, CassetteError
from extractor.llm.cache import exchange_key
from extractor.llm.database import Database
from extractor.llm.trace import Served, read_usage

MOST_REQUESTS, MOST_BYTES = 50_000, 190_000_000
"""Limits of a file; providers accept 50,000 requests and 200 MB."""
OK = 200
_FRAME = 120
"""Bytes of a line beside its body."""

BATCH_TABLES = """
CREATE TABLE batches (  -- a provider's batch: planned, sent (its file is there), made, then fetched
    id INTEGER PRIMARY KEY, tag TEXT NOT NULL UNIQUE, requests INTEGER NOT NULL, state TEXT NOT NULL,
    input_file TEXT, batch TEXT, output_file TEXT, error_file TEXT
);
CREATE TABLE batch_requests (  -- without a batch until it is planned, and again if that gave no answer
    name TEXT PRIMARY KEY, batch INTEGER REFERENCES batches, body BLOB NOT NULL, bytes INTEGER NOT NULL,
    status INTEGER, reply BLOB, taken INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX batch_requests_by_batch ON batch_requests (batch);
"""


def name_request(body: Mapping[str, Any]) -> str:
    """The ``custom_id`` of a request in a file: the same question has the same one, whatever the model.

    >>> len(name_request({"messages": []}))
    32
    """
    return exchange_key(body)[:32]


def name_body(body: Mapping[str, Any]) -> str:
    """The ``custom_id`` of a request in a batch. Other parameters give another one: they may be accepted next time.

    >>> name_body({"max_tokens": 5}) == name_body({"max_completion_tokens": 5})
    False
    """
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode("utf-8")).hexdigest()[:32]


def write_line(name: str, body: Mapping[str, Any]) -> bytes:
    """A request as a line of a batch file."""
    line = {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(line, ensure_ascii=False).encode("utf-8") + b"\n"


class AnswerLine(NamedTuple):
    """A line of an answer file: the request's name, HTTP status (0 if the provider failed), body, and what is wrong."""

    name: str
    status: int
    body: Any
    problem: str

    @classmethod
    def read(cls, line: bytes) -> "AnswerLine | None":
        """The answer in a line; None for a line that answers no request.

        >>> AnswerLine.read(b'{"custom_id": "a", "response": {"status_code": 429, "body": {}}}').problem
        'status 429, no completion'
        """
        try:
            row = json.loads(line)
            name, response = row["custom_id"], row.get("response") or {}
            body, status = response.get("body"), int(response.get("status_code") or (OK if "body" in response else 0))
        except (ValueError, LookupError, TypeError, AttributeError):
            return None
        if not isinstance(name, str):
            return None
        if status == OK and isinstance(body, dict) and body.get("choices"):
            return cls(name, status, body, "")
        error = row.get("error") or (body.get("error") if isinstance(body, dict) else None)
        message = error.get("message") or error.get("code") if isinstance(error, dict) else error
        message = " ".join(str(message or "no completion").split())[:200]
        return cls(name, status, body, f"status {status}, {message}" if status else message)


class RequestFile:
    """Writes distinct requests to ``path``, and beyond a file's limits to ``<stem>-2<suffix>`` and so on.

    The files appear whole when the block of ``open`` ends; a block that fails leaves none.
    """

    def __init__(self, path: Path, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self.parts: list[Path] = []
        self._most_requests, self._most_bytes = most_requests, most_bytes
        self._names: set[str] = set()
        self._requests = 0
        self._file: BinaryIO

    @property
    def written(self) -> int:
        """How many requests were written."""
        return len(self._names)

    @contextmanager
    def open(self) -> "Iterator[RequestFile]":
        """Write inside the block."""
        self._open_part()
        try:
            yield self
        except BaseException:
            for part in self.parts:
                _unfinished(part).unlink(missing_ok=True)
            raise
        finally:
            self._file.close()
        for part in self.parts:
            _unfinished(part).replace(part)

    def add(self, body: Mapping[str, Any]) -> None:
        """Write a request, unless it is there already."""
        name = name_request(body)
        if name in self._names:
            return
        self._names.add(name)
        line = write_line(name, body)
        size = self._file.tell()
        if self._requests == self._most_requests or (size and size + len(line) > self._most_bytes):
            self._file.close()
            self._open_part()
        self._file.write(line)
        self._requests += 1

    def _open_part(self) -> None:
        number = len(self.parts) + 1
        part = self.path if number == 1 else self.path.with_stem(f"{self.path.stem}-{number}")
        self.parts.append(part)
        self._file = _unfinished(part).open("wb")
        self._requests = 0


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished")


class AnswerFiles:
    """Answers by the name of their request, read from disk when they are needed.

    A later answer to a request replaces an earlier one. ``failed`` lists lines without a completion, as ``file, line:
    why``, unless another line answers the same request. Raises ``CassetteError`` for a file that cannot be read.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._places: dict[str, tuple[Path, int]] = {}
        failures: dict[str, tuple[str, str]] = {}
        digest = hashlib.sha256()
        for path in paths:
            for place, start, line in _read_lines(path):
                digest.update(line)
                answer = AnswerLine.read(line)
                if answer and not answer.problem:
                    self._places[answer.name] = path, start
                else:
                    problem = answer.problem if answer else "no answer to a request (it has no custom_id)"
                    failures[answer.name if answer else place] = place, problem
        self.failed = tuple(f"{place}: {why}" for name, (place, why) in failures.items() if name not in self._places)
        self.sha256 = digest.hexdigest()

    def __len__(self) -> int:
        return len(self._places)

    def find(self, name: str) -> dict[str, Any] | None:
        """The completion that answers the request of that name, or None."""
        if name not in self._places:
            return None
        path, start = self._places[name]
        with path.open("rb") as file:
            file.seek(start)
            completion: dict[str, Any] = json.loads(file.readline())["response"]["body"]
        return completion


def _read_lines(path: Path) -> Iterator[tuple[str, int, bytes]]:
    """Each line that is not blank, with its place for people and its first byte."""
    try:
        with path.open("rb") as file:
            start = 0
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{path}, line {number}", start, line
                start += len(line)
    except OSError as error:
        raise CassetteError(f"{path}: cannot be read: {error.strerror}; name a file of answers") from error


class Exchange:
    """Files of answers to read, and the file to which requests without an answer go.

    Raises ``ValueError`` for a missing answer file and if there is nothing to read or write, ``CassetteError`` for a
    file that cannot be read.
    """

    def __init__(self, answers: Sequence[Path] = (), requests: Path | None = None) -> None:
        if not answers and not requests:
            raise ValueError("an exchange needs files of answers, or a file for requests")
        for path in answers:
            if not path.is_file():
                raise ValueError(f"{path}: there is no such file of answers")
        if requests and requests in answers:
            raise ValueError(f"{requests} holds answers; name another file for the requests")
        self.answers = AnswerFiles(answers)
        self.requests = RequestFile(requests) if requests else None

    def __str__(self) -> str:
        return f"answers by file, SHA-256 {self.answers.sha256[:16]}"

    @contextmanager
    def open(self) -> "Iterator[ExchangeTransport]":
        """A transport that answers from the files; the requests' file is whole when the block ends."""
        with self.requests.open() if self.requests else nullcontext() as requests:
            yield ExchangeTransport(self.answers, requests)


class ExchangeTransport(httpx2.AsyncBaseTransport):
    """Answers what the files answer, and notes down the rest. Raises ``AnswerPending`` for a request without answer."""

    def __init__(self, answers: AnswerFiles, requests: RequestFile | None) -> None:
        self._answers, self._requests = answers, requests

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(await request.aread())
        completion = self._answers.find(name_request(body))
        if completion is not None:
            response = httpx2.Response(OK, json=completion)
            response.extensions["served"] = Served(read_usage(response.content), spent=True)
            return response
        if self._requests:
            self._requests.add(body)
        raise AnswerPending("its answer is still to come: no file of answers holds it")


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch in the run's store.

    ``tag`` identifies it here and at the provider. ``input_file`` is the provider's id of its file once that was sent,
    ``batch`` the provider's id of the batch once it was made.
    """

    number: int
    tag: str
    requests: int
    input_file: str | None
    batch: str | None


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """HTTP status and body of an answer. ``taken``: it was read before, and counted."""

    status: int
    content: bytes
    taken: bool = False


class BatchRequests:
    """The requests of a run that go into batches, from when they are first needed to their answers.

    Each method is one short transaction.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, body: Mapping[str, Any]) -> None:
        """Note a request, unless it is there."""
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
        """Forget answers that were read, unless a batch is under way.

        Useful ones are among the calls; what was refused or cut off will be asked anew.
        """
        if not self.open_batches() and not self.count_waiting():
            self._database.execute("DELETE FROM batch_requests WHERE taken")

    def not_taken(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and body of each request that waits, or is answered and not counted yet."""
        for name, body in self._database.execute("SELECT name, body FROM batch_requests WHERE NOT taken").fetchall():
            yield name, json.loads(zlib.decompress(body))

    def count_waiting(self) -> int:
        """How many requests are in no batch."""
        return int(self._database.value("SELECT count(*) FROM batch_requests WHERE batch IS NULL"))

    def plan(self, prefix: str, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> int:
        """Put waiting requests into as few batches as the limits allow. Returns how many requests these are."""
        with self._database.transaction():
            rows = self._database.execute("SELECT name, bytes FROM batch_requests WHERE batch IS NULL").fetchall()
            parts: list[list[str]] = []
            size = 0
            for name, length in rows:
                if not parts or len(parts[-1]) >= most_requests or size + length > most_bytes:
                    parts.append([])
                    size = 0
                parts[-1].append(name)
                size += length
            for names in parts:
                number = 1 + (self._database.value("SELECT max(id) FROM batches") or 0)
                sql = "INSERT INTO batches (id, tag, requests, state) VALUES (?, ?, ?, 'planned')"
                self._database.execute(sql, (number, f"{prefix}-{number}", len(names)))
                sql = "UPDATE batch_requests SET batch = ? WHERE name = ?"
                self._database.execute_many(sql, ((number, name) for name in names))
        return len(rows)

    def open_batches(self) -> list[StoredBatch]:
        """The batches whose answers are not fetched yet."""
        sql = "SELECT id, tag, requests, input_file, batch FROM batches WHERE state <> 'fetched' ORDER BY id"
        return [StoredBatch(*row) for row in self._database.execute(sql).fetchall()]

    def lines(self, number: int) -> Iterator[bytes]:
        """The lines of a batch's file."""
        sql = "SELECT name, body FROM batch_requests WHERE batch = ? ORDER BY name"
        for name, body in self._database.execute(sql, (number,)):
            yield write_line(name, json.loads(zlib.decompress(body)))

    def note_sent(self, number: int, input_file: str) -> None:
        """Note that the provider has a batch's file."""
        self._database.execute("UPDATE batches SET state = 'sent', input_file = ? WHERE id = ?", (input_file, number))

    def note_made(self, number: int, batch: str) -> None:
        """Note that the provider has the batch."""
        self._database.execute("UPDATE batches SET state = 'made', batch = ? WHERE id = ?", (batch, number))

    def keep_answers(self, number: int, answers: Iterable[tuple[str, BatchAnswer]]) -> int:
        """Keep a batch's answers, all or none. Returns how many; requests without an answer wait for another batch."""
        kept = 0
        sql = "UPDATE batch_requests SET status = ?, reply = ? WHERE name = ? AND batch = ? AND status IS NULL"
        with self._database.transaction():
            for name, answer in answers:
                row = (answer.status, zlib.compress(answer.content), name, number)
                kept += self._database.execute(sql, row).rowcount
            left = "UPDATE batch_requests SET batch = NULL WHERE batch = ? AND status IS NULL"
            self._database.execute(left, (number,))
            self._database.execute("UPDATE batches SET state = 'fetched' WHERE id = ?", (number,))
        return kept

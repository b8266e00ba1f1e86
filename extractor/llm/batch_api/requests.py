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
from extractor.llm.cache import exchange_key, served_response
from extractor.llm.database import Database
from extractor.llm.trace import read_usage

MOST_REQUESTS, MOST_BYTES = 50_000, 190_000_000
"""Limits of a file; providers accept 50,000 requests and 200 MB."""
OK = 200
_FRAME = 120
"""Bytes of a line beside its body."""


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
    """An answer: the request's name, HTTP status (0 if the provider failed), body, and what is wrong.

    ``taken``: a request of this run got it before, and counted its usage.
    """

    name: str
    status: int
    content: bytes
    problem: str = ""
    taken: bool = False

    @classmethod
    def read(cls, line: bytes) -> "AnswerLine | None":
        """The answer in a line of a file; None for a line that answers no request.

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
        content = json.dumps(body, ensure_ascii=False).encode("utf-8")
        if status == OK and isinstance(body, dict) and body.get("choices"):
            return cls(name, status, content)
        error = row.get("error") or (body.get("error") if isinstance(body, dict) else None)
        message = error.get("message") or error.get("code") if isinstance(error, dict) else error
        message = " ".join(str(message or "no completion").split())[:200]
        return cls(name, status, content, f"status {status}, {message}" if status else message)


class RequestFile:
    """Writes distinct requests to ``path``, and beyond a file's limits to ``<stem>-2<suffix>`` and so on.

    The files appear whole when the block of ``open`` ends; a block that fails leaves none.
    """

    def __init__(self, path: Path, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self.parts: list[Path] = []
        self._most_requests, self._most_bytes = most_requests, most_bytes
        self._names: set[str] = set()
        self._in_part = 0
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
            self._file.close()
            for part in self.parts:
                _unfinished(part).replace(part)
        finally:
            self._file.close()
            for part in self.parts:
                _unfinished(part).unlink(missing_ok=True)

    def add(self, body: Mapping[str, Any]) -> None:
        """Write a request, unless it is there already."""
        name = name_request(body)
        if name in self._names:
            return
        self._names.add(name)
        line, size = write_line(name, body), self._file.tell()
        if self._in_part == self._most_requests or (size and size + len(line) > self._most_bytes):
            self._file.close()
            self._open_part()
        self._file.write(line)
        self._in_part += 1

    def _open_part(self) -> None:
        number = len(self.parts) + 1
        self.parts.append(self.path if number == 1 else self.path.with_stem(f"{self.path.stem}-{number}"))
        self._file, self._in_part = _unfinished(self.parts[-1]).open("wb"), 0


def _unfinished(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished")


class Exchange:
    """Files of answers to read, and the file to which requests without an answer go.

    A later answer to a request replaces an earlier one. ``failed`` lists lines without a completion, as ``file, line:
    why``, unless another line answers the same request. Raises ``ValueError`` for a missing answer file and if there is
    nothing to read or write, ``CassetteError`` for a file that cannot be read.
    """

    def __init__(self, answers: Sequence[Path] = (), requests: Path | None = None) -> None:
        if not answers and not requests:
            raise ValueError("an exchange needs files of answers, or a file for requests")
        for path in answers:
            if not path.is_file():
                raise ValueError(f"{path}: there is no such file of answers")
        if requests and requests in answers:
            raise ValueError(f"{requests} holds answers; name another file for the requests")
        self.requests = RequestFile(requests) if requests else None
        self._answers: dict[str, bytes] = {}
        failed: dict[str, str] = {}
        digest = hashlib.sha256()
        for place, line in _read_lines(answers):
            digest.update(line)
            answer = AnswerLine.read(line)
            if answer and not answer.problem:
                self._answers[answer.name] = zlib.compress(answer.content)
            else:
                why = answer.problem if answer else "no answer to a request (it has no custom_id)"
                failed[answer.name if answer else place] = f"{place}: {why}"
        self.failed = tuple(why for name, why in failed.items() if name not in self._answers)
        self._sha256 = digest.hexdigest()

    def __str__(self) -> str:
        return f"answers by file, SHA-256 {self._sha256[:16]}"

    @contextmanager
    def open(self) -> "Iterator[ExchangeTransport]":
        """A transport that answers from the files; the requests' file is whole when the block ends."""
        with self.requests.open() if self.requests else nullcontext():
            yield ExchangeTransport(self)

    def find(self, name: str) -> bytes | None:
        """The completion that answers the request of that name."""
        packed = self._answers.get(name)
        return zlib.decompress(packed) if packed else None


def _read_lines(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Each line that is not blank, with its place for people."""
    for path in paths:
        try:
            with path.open("rb") as file:
                yield from ((f"{path}, line {number}", line) for number, line in enumerate(file, 1) if line.strip())
        except OSError as error:
            raise CassetteError(f"{path}: cannot be read: {error.strerror}; name a file of answers") from error


class ExchangeTransport(httpx2.AsyncBaseTransport):
    """Answers what the files answer, and writes down the rest. Raises ``AnswerPending`` for a request of the rest."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(await request.aread())
        if content := self._exchange.find(name_request(body)):
            return served_response(content, read_usage(content), spent=True)
        if self._exchange.requests:
            self._exchange.requests.add(body)
        raise AnswerPending("its answer is still to come: no file of answers holds it")


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A planned batch. ``tag`` identifies it here and at the provider. ``input_file`` is the provider's id of its file
    once that was sent, ``batch`` the provider's id of the batch once it was made.
    """

    number: int
    tag: str
    requests: int
    input_file: str | None
    batch: str | None


class BatchRequests:
    """The requests of a run that go into batches, from when they are first needed to their answers.

    Each method is one short transaction.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, body: Mapping[str, Any]) -> None:
        """Store a request, unless it is there."""
        packed = json.dumps(body, ensure_ascii=False).encode("utf-8")
        row = (name_body(body), zlib.compress(packed), len(packed) + _FRAME)
        self._database.execute("INSERT OR IGNORE INTO batch_requests (name, body, bytes) VALUES (?, ?, ?)", row)

    def find(self, name: str) -> AnswerLine | None:
        """The answer to the request of that name."""
        sql = "SELECT status, reply, taken FROM batch_requests WHERE name = ? AND status IS NOT NULL"
        row = self._database.row(sql, (name,))
        return AnswerLine(name, row[0], zlib.decompress(row[1]), taken=bool(row[2])) if row else None

    def note_taken(self, name: str) -> None:
        """Store that its answer was read, and so is counted among the calls."""
        self._database.execute("UPDATE batch_requests SET taken = 1 WHERE name = ?", (name,))

    def forget_taken(self) -> None:
        """Delete answers that were read, unless a batch is under way.

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
        rows = self._database.execute("SELECT name, bytes FROM batch_requests WHERE batch IS NULL").fetchall()
        parts: list[list[str]] = []
        size = 0
        for name, length in rows:
            if not parts or len(parts[-1]) >= most_requests or size + length > most_bytes:
                parts.append([])
                size = 0
            parts[-1].append(name)
            size += length
        first = 1 + (self._database.value("SELECT max(id) FROM batches") or 0)
        with self._database.transaction():
            for number, names in enumerate(parts, first):
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
        """Store that the provider has a batch's file."""
        self._database.execute("UPDATE batches SET state = 'sent', input_file = ? WHERE id = ?", (input_file, number))

    def note_made(self, number: int, batch: str) -> None:
        """Store that the provider has the batch."""
        self._database.execute("UPDATE batches SET state = 'made', batch = ? WHERE id = ?", (batch, number))

    def keep_answers(self, number: int, answers: Iterable[AnswerLine]) -> int:
        """Store a batch's answers, all or none. Returns how many; requests without an answer wait for another batch."""
        kept = 0
        sql = "UPDATE batch_requests SET status = ?, reply = ? WHERE name = ? AND batch = ? AND status IS NULL"
        with self._database.transaction():
            for answer in answers:
                row = (answer.status, zlib.compress(answer.content), answer.name, number)
                kept += self._database.execute(sql, row).rowcount
            left = "UPDATE batch_requests SET batch = NULL WHERE batch = ? AND status IS NULL"
            self._database.execute(left, (number,))
            self._database.execute("UPDATE batches SET state = 'fetched' WHERE id = ?", (number,))
        return kept

"""Requests that are answered later, through files that the user exchanges or through batches in the run's store.

Files have the format of providers' batch APIs: one JSON object per line, answers in any order.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import httpx2

from extractor.errors import AnswerPending, BudgetReached, CassetteError
from extractor.llm.cache import exchange_key, served_response
from extractor.llm.database import Database, open_scratch
from extractor.llm.estimates import RequestSize, measure_body
from extractor.llm.trace import read_usage
from extractor.schemas import Usage

MOST_REQUESTS, MOST_BYTES = 50_000, 190_000_000
"""Limits of a file. Providers accept 50,000 requests and 200 MB."""
OK = 200
_FRAME = 120
"""Bytes of a line without its body."""


def name_request(body: Mapping[str, Any]) -> str:
    """The ``custom_id`` of a request in a file, which depends on the question but not on the model.

    >>> len(name_request({"messages": []}))
    32
    """
    return exchange_key(body)[:32]


def name_body(body: Mapping[str, Any]) -> str:
    """The ``custom_id`` of a request in a batch. It depends on the parameters, because other ones may be accepted.

    >>> name_body({"max_tokens": 5}) == name_body({"max_completion_tokens": 5})
    False
    """
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode("utf-8")).hexdigest()[:32]


def write_line(name: str, body: Mapping[str, Any]) -> bytes:
    """A request as a line of a batch file."""
    line = {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(line, ensure_ascii=False).encode("utf-8") + b"\n"


class AnswerLine(NamedTuple):
    """An answer: the request's name, the HTTP status (0 if the provider failed), the body, and the problem, if any.

    ``taken`` means that this run has used the answer and counted its usage.
    """

    name: str
    status: int
    content: bytes
    problem: str = ""
    taken: bool = False

    @classmethod
    def read(cls, line: bytes) -> "AnswerLine | None":
        """Parse a line of a file. None if it does not answer a request.

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


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A planned batch.

    ``tag`` identifies it here and at the provider. ``input_file`` is the provider's id of its file once it is uploaded,
    ``batch`` the provider's id of the batch once it is created.
    """

    number: int
    tag: str
    requests: int
    input_file: str | None
    batch: str | None


class BatchRequests:
    """Stores requests that are answered later, and their answers.

    ``name`` makes the ``custom_id`` of a request. Each method is one short transaction.
    """

    def __init__(self, database: Database, name: Callable[[Mapping[str, Any]], str] = name_body) -> None:
        self._database, self.name = database, name

    def add(self, body: Mapping[str, Any]) -> None:
        """Store a request, unless it is stored already."""
        packed = json.dumps(body, ensure_ascii=False).encode("utf-8")
        row = (self.name(body), zlib.compress(packed), len(packed) + _FRAME)
        self._database.execute("INSERT OR IGNORE INTO batch_requests (name, body, bytes) VALUES (?, ?, ?)", row)

    def add_answer(self, answer: AnswerLine) -> None:
        """Store an answer to an unknown request. It replaces an earlier one."""
        sql = "INSERT OR REPLACE INTO batch_requests (name, body, bytes, status, reply) VALUES (?, '', 0, ?, ?)"
        self._database.execute(sql, (answer.name, answer.status, zlib.compress(answer.content)))

    def find(self, name: str) -> AnswerLine | None:
        """The answer to the request with that name."""
        sql = "SELECT status, reply, taken FROM batch_requests WHERE name = ? AND status IS NOT NULL"
        row = self._database.row(sql, (name,))
        return AnswerLine(name, row[0], zlib.decompress(row[1]), taken=bool(row[2])) if row else None

    def note_taken(self, name: str) -> None:
        """Store that an answer was used, and so is counted as a call."""
        self._database.execute("UPDATE batch_requests SET taken = 1 WHERE name = ?", (name,))

    def forget_taken(self) -> None:
        """Delete used answers, unless a batch is open or requests wait for one.

        Good answers are stored as calls; questions with a refused or truncated answer are asked again.
        """
        if not self.open_batches() and not self.count_waiting():
            self._database.execute("DELETE FROM batch_requests WHERE taken")

    def not_taken(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The name and body of each request without a used answer."""
        for name, body in self._database.execute("SELECT name, body FROM batch_requests WHERE NOT taken").fetchall():
            yield name, json.loads(zlib.decompress(body))

    def count_waiting(self) -> int:
        """The number of requests without an answer and without a batch."""
        sql = "SELECT count(*) FROM batch_requests WHERE batch IS NULL AND status IS NULL"
        return int(self._database.value(sql))

    def plan(self, prefix: str, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> int:
        """Put waiting requests into as few batches as the limits allow. Returns the number of these requests."""
        sql = "SELECT name, bytes FROM batch_requests WHERE batch IS NULL AND status IS NULL"
        rows = self._database.execute(sql).fetchall()
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
        """Store that a batch's file is uploaded."""
        self._database.execute("UPDATE batches SET state = 'sent', input_file = ? WHERE id = ?", (input_file, number))

    def note_made(self, number: int, batch: str) -> None:
        """Store that the batch is created."""
        self._database.execute("UPDATE batches SET state = 'made', batch = ? WHERE id = ?", (batch, number))

    def keep_answers(self, number: int, answers: Iterable[AnswerLine]) -> int:
        """Store a batch's answers in one transaction, and return their number. Unanswered requests wait again."""
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


class RequestBudget(Protocol):
    """A budget for the requests of a batch, which are all in flight at once, so none waits."""

    def set_aside(self, size: RequestSize) -> int:
        """Reserve what a request in flight may use, even without room."""

    def try_reserve(self, size: RequestSize) -> int | None:
        """Reserve what a request may use; None without room."""

    def charge(self, reservation: int, usage: Usage) -> None:
        """Release a reservation, and count the actual usage."""


class BatchTransport(httpx2.AsyncBaseTransport):
    """Returns stored answers, and stores requests without one for the next batch.

    Raises ``AnswerPending`` for a request without an answer, ``BudgetReached`` if the budget has no room for it.
    """

    def __init__(self, requests: BatchRequests, budget: RequestBudget | None = None) -> None:
        self._requests, self._budget = requests, budget
        requests.forget_taken()
        under_way = requests.not_taken() if budget else ()
        self._reserved = {name: budget.set_aside(measure_body(body)) for name, body in under_way if budget}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = json.loads(await request.aread())
        name = self._requests.name(body)
        if answer := self._requests.find(name):
            usage = read_usage(answer.content) if answer.status == OK else Usage()
            self._requests.note_taken(name)
            if name in self._reserved and self._budget:
                self._budget.charge(self._reserved.pop(name), usage)
            return served_response(answer.content, usage, answer.status, spent=not answer.taken)
        if self._budget and name not in self._reserved:
            reservation = self._budget.try_reserve(measure_body(body))
            if reservation is None:
                raise BudgetReached("the budget has no room for another request")
            self._reserved[name] = reservation
        self._requests.add(body)
        raise AnswerPending("the answer has not arrived yet")


class Exchange:
    """Files of answers to read, and the file that receives the requests without an answer.

    A later answer to a request replaces an earlier one. ``failed`` lists lines without a completion as ``file, line:
    why``, unless another line answers the same request. ``parts`` are the written files: beyond the limits of one file,
    requests go to ``<stem>-2<suffix>`` and so on. Raises ``ValueError`` for a missing answer file and without any file,
    ``CassetteError`` for a file that cannot be read.
    """

    def __init__(self, answers: Sequence[Path] = (), requests: Path | None = None) -> None:
        if not answers and not requests:
            raise ValueError("an exchange needs a file of answers or a file for requests")
        for path in answers:
            if not path.is_file():
                raise ValueError(f"{path}: there is no such file")
        if requests and requests in answers:
            raise ValueError(f"{requests} contains answers; name another file for the requests")
        self.requests, self.written = requests, 0
        self.parts: list[Path] = []
        self._stored = BatchRequests(open_scratch(), name_request)
        failed: dict[str, str] = {}
        digest = hashlib.sha256()
        for place, line in _read_lines(answers):
            digest.update(line)
            answer = AnswerLine.read(line)
            if answer and not answer.problem:
                self._stored.add_answer(answer)
            else:
                why = answer.problem if answer else "not an answer to a request (no custom_id)"
                failed[answer.name if answer else place] = f"{place}: {why}"
        self.failed = tuple(why for name, why in failed.items() if not self._stored.find(name))
        self._sha256 = digest.hexdigest()

    def __str__(self) -> str:
        return f"answers by file, SHA-256 {self._sha256[:16]}"

    @contextmanager
    def open(self, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> Iterator[BatchTransport]:
        """Yield a transport that answers from the files. If the block succeeds, write those unanswered, if any."""
        yield BatchTransport(self._stored)
        if not self.requests:
            return
        self.written = self._stored.plan("file", most_requests, most_bytes)
        self.requests.unlink(missing_ok=True)
        for number in range(1, 1 + len(self._stored.open_batches())):
            part = self.requests if number == 1 else self.requests.with_stem(f"{self.requests.stem}-{number}")
            unfinished = part.with_name(f".{part.name}.unfinished")
            try:
                with unfinished.open("wb") as file:
                    file.writelines(self._stored.lines(number))
                unfinished.replace(part)
            finally:
                unfinished.unlink(missing_ok=True)
            self.parts.append(part)


def _read_lines(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Each line that is not blank, with its file and number."""
    for path in paths:
        try:
            with path.open("rb") as file:
                yield from ((f"{path}, line {number}", line) for number, line in enumerate(file, 1) if line.strip())
        except OSError as error:
            raise CassetteError(f"{path}: cannot be read: {error.strerror}; name a file of answers") from error

"""Requests that are answered later: by files that the user exchanges, or by batches noted in the run's store.

Files are those of providers' batch APIs: one JSON object a line, answers in any order.
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
    """Requests that are answered later, from when they are first needed to their answers.

    ``name`` makes the ``custom_id`` of a request. Each method is one short transaction.
    """

    def __init__(self, database: Database, name: Callable[[Mapping[str, Any]], str] = name_body) -> None:
        self._database, self.name = database, name

    def add(self, body: Mapping[str, Any]) -> None:
        """Store a request, unless it is there."""
        packed = json.dumps(body, ensure_ascii=False).encode("utf-8")
        row = (self.name(body), zlib.compress(packed), len(packed) + _FRAME)
        self._database.execute("INSERT OR IGNORE INTO batch_requests (name, body, bytes) VALUES (?, ?, ?)", row)

    def add_answer(self, answer: AnswerLine) -> None:
        """Store an answer whose request is not known, in place of an earlier one."""
        sql = "INSERT OR REPLACE INTO batch_requests (name, body, bytes, status, reply) VALUES (?, '', 0, ?, ?)"
        self._database.execute(sql, (answer.name, answer.status, zlib.compress(answer.content)))

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
        sql = "SELECT count(*) FROM batch_requests WHERE batch IS NULL AND status IS NULL"
        return int(self._database.value(sql))

    def plan(self, prefix: str, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> int:
        """Put waiting requests into as few batches as the limits allow. Returns how many requests these are."""
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


class RequestBudget(Protocol):
    """A budget for the requests of a batch. All of them are under way at once, so nothing waits."""

    def set_aside(self, size: RequestSize) -> int:
        """Reserve what a request under way may take, whether there is room or not."""

    def try_reserve(self, size: RequestSize) -> int | None:
        """Reserve what a request may take, if there is room."""

    def charge(self, reservation: int, usage: Usage) -> None:
        """Release a reservation, and count what the request took."""


class BatchTransport(httpx2.AsyncBaseTransport):
    """Answers requests whose answers are there, and stores the others for the next batch.

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
                raise BudgetReached("there is no room in the budget for another request")
            self._reserved[name] = reservation
        self._requests.add(body)
        raise AnswerPending("its answer is still to come")


class Exchange:
    """Files of answers to read, and the file to which requests without an answer go.

    A later answer to a request replaces an earlier one. ``failed`` lists lines without a completion, as ``file, line:
    why``, unless another line answers the same request. ``parts`` are the files that were written: beyond the limits of
    a file, requests go to ``<stem>-2<suffix>`` and so on. Raises ``ValueError`` for a missing answer file and if there
    is nothing to read or write, ``CassetteError`` for a file that cannot be read.
    """

    def __init__(self, answers: Sequence[Path] = (), requests: Path | None = None) -> None:
        if not answers and not requests:
            raise ValueError("an exchange needs files of answers, or a file for requests")
        for path in answers:
            if not path.is_file():
                raise ValueError(f"{path}: there is no such file of answers")
        if requests and requests in answers:
            raise ValueError(f"{requests} holds answers; name another file for the requests")
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
                why = answer.problem if answer else "no answer to a request (it has no custom_id)"
                failed[answer.name if answer else place] = f"{place}: {why}"
        self.failed = tuple(why for name, why in failed.items() if not self._stored.find(name))
        self._sha256 = digest.hexdigest()

    def __str__(self) -> str:
        return f"answers by file, SHA-256 {self._sha256[:16]}"

    @contextmanager
    def open(self, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> Iterator[BatchTransport]:
        """A transport that answers from the files. When the block ends well, requests without an answer are written."""
        yield BatchTransport(self._stored)
        if not self.requests:
            return
        self.written = self._stored.plan("file", most_requests, most_bytes)
        for number in range(1, 1 + max(1, len(self._stored.open_batches()))):
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
    """Each line that is not blank, with its place for people."""
    for path in paths:
        try:
            with path.open("rb") as file:
                yield from ((f"{path}, line {number}", line) for number, line in enumerate(file, 1) if line.strip())
        except OSError as error:
            raise CassetteError(f"{path}: cannot be read: {error.strerror}; name a file of answers") from error

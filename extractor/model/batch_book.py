"""The book of a run's batches in its store: which calls wait, and for which batch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel

from extractor.model.calls import Call, PromptVersion, estimate_tokens, schema_of
from extractor.model.store import CallStore, unpack

MOST_REQUESTS = 50_000
MOST_BYTES = 190_000_000
"""Limits of a batch. Providers accept 50,000 requests and 200 MB, or more."""
_FRAME = 500
"""Bytes of a request beside its texts and its schema."""


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A planned batch.

    ``tag`` identifies it here and, where it can have one, at the provider. ``input_file`` is the
    provider's id of its file once that is uploaded, ``batch`` that of the batch once it is created.
    ``planned`` is a time in UTC.
    """

    number: int
    tag: str
    requests: int
    planned: datetime
    input_file: str | None
    batch: str | None


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A call that waits for a batch or in one: its number, its name in batches and files, and
    itself.
    """

    number: int
    name: str
    call: Call


class BatchBook:
    """Which calls of a store wait, and for which batch. Each method is one short transaction.

    All calls have the same ``reply_model``.
    """

    def __init__(self, store: CallStore, reply_model: type[BaseModel]) -> None:
        self.store = store
        self._database = store.database
        self._reply_model = reply_model

    def forgive(self) -> None:
        """Ask refused calls again, as a new run does."""
        self._database.execute(
            "UPDATE calls SET state = 'rejected' WHERE state = 'refused'"
        )

    def waiting(
        self, batch: int | None = None, most: int = -1
    ) -> Iterator[WaitingCall]:
        """Yield the calls that wait in a batch, or those without one (None), at most ``most``, in
        the order in which they were asked. -1 is no limit.
        """
        rows = self._database.execute(
            "SELECT id, question, name, version, prompt, system, user, output_limit FROM calls"
            " JOIN prompts ON prompt = sha256 WHERE state = 'waiting' AND batch IS ? ORDER BY id "
            "LIMIT ?",
            (batch, most),
        )
        for number, question, name, version, prompt, system, user, limit in rows:
            call = Call(
                prompt=PromptVersion(name, version, prompt),
                system=system,
                user=unpack(user),
                reply_model=self._reply_model,
                max_output_tokens=limit,
            )
            yield WaitingCall(number, question, call)

    def count_waiting(self) -> int:
        """Count the calls that have neither an answer nor a batch."""
        sql = "SELECT count(*) FROM calls WHERE state = 'waiting' AND batch IS NULL"
        return int(self._database.value(sql))

    def count_unanswered(self) -> int:
        """Count the waiting calls, in a batch or not, whose question has had no answer, not even
        a useless one.
        """
        sql = (
            "SELECT count(*) FROM calls AS open WHERE state = 'waiting' AND NOT EXISTS"
            " (SELECT 1 FROM calls WHERE question = open.question AND answer IS NOT NULL)"
        )
        return int(self._database.value(sql))

    def plan(
        self,
        prefix: str,
        most_requests: int = MOST_REQUESTS,
        most_bytes: int = MOST_BYTES,
        most_tokens: int | None = None,
    ) -> int:
        """Put waiting calls into as few batches as the limits allow. Return the number of these
        calls.

        ``most_tokens`` limits the prompt tokens of a batch, which are estimated. A call that is
        longer has a batch for itself.
        """
        parts = self._divide(None, most_requests, most_bytes, most_tokens)
        with self._database.transaction():
            self._add_batches(prefix, parts)
        return sum(map(len, parts))

    def replan(self, number: int, prefix: str, most_tokens: int | None = None) -> int:
        """Put the calls that wait in a batch into new ones, of at most ``most_tokens`` prompt
        tokens, and close the old one. Return the number of new batches. The tags of these begin
        with ``prefix``.
        """
        parts = self._divide(number, MOST_REQUESTS, MOST_BYTES, most_tokens)
        with self._database.transaction():
            self.close(number)
            self._add_batches(prefix, parts)
        return len(parts)

    def count_tokens(self, batch: int) -> int:
        """Estimate the prompt tokens of the calls that wait in a batch."""
        counted = 0
        for waiting in self.waiting(batch):
            _, tokens = self._measure(waiting.call)
            counted += tokens
        return counted

    def _divide(
        self,
        batch: int | None,
        most_requests: int,
        most_bytes: int,
        most_tokens: int | None,
    ) -> list[list[int]]:
        """Divide the calls that wait in a batch, or in none (None), into parts that are within the
        limits. Return the numbers of the calls of each part, in order. A call that is beyond a
        limit by itself is a part of its own.
        """
        parts: list[list[int]] = []
        room = most_requests
        size = 0
        tokens = 0
        for waiting in self.waiting(batch):
            length, counted = self._measure(waiting.call)
            fits = bool(parts) and room > 0 and size + length <= most_bytes
            if most_tokens is not None and tokens + counted > most_tokens:
                fits = False
            if not fits:
                parts.append([])
                room = most_requests
                size = 0
                tokens = 0
            parts[-1].append(waiting.number)
            room -= 1
            size += length
            tokens += counted
        return parts

    def _measure(self, call: Call) -> tuple[int, int]:
        """Return the bytes of a request, and its prompt tokens as estimated."""
        text = call.system + call.user + schema_of(self._reply_model)
        length = len(text.encode("utf-8", "surrogatepass")) + _FRAME
        return length, estimate_tokens(text)

    def _add_batches(self, prefix: str, parts: Iterable[Sequence[int]]) -> None:
        """Store a planned batch for each part, which has the numbers of its calls. The tag of a
        batch is the prefix with the batch's number.
        """
        last = self._database.value("SELECT max(id) FROM batches") or 0
        for number, calls in enumerate(parts, last + 1):
            sql = (
                "INSERT INTO batches (id, tag, requests, state, planned) VALUES (?, ?, ?, "
                "'planned', ?)"
            )
            now = datetime.now(UTC).isoformat()
            self._database.execute(sql, (number, f"{prefix}-{number}", len(calls), now))
            in_batch = [(number, call) for call in calls]
            self._database.execute_many(
                "UPDATE calls SET batch = ? WHERE id = ?", in_batch
            )

    def open_batches(self) -> list[StoredBatch]:
        """List the batches whose answers are not fetched yet."""
        sql = (
            "SELECT id, tag, requests, planned, input_file, batch FROM batches WHERE state <> "
            "'fetched' ORDER BY id"
        )
        batches = []
        for row in self._database.execute(sql).fetchall():
            number, tag, requests, time, input_file, batch = row
            planned = datetime.fromisoformat(time)
            batches.append(
                StoredBatch(number, tag, requests, planned, input_file, batch)
            )
        return batches

    def read_batch(self, number: int) -> StoredBatch:
        """Read an open batch by its number. Raises ``LookupError`` if there is none."""
        for batch in self.open_batches():
            if batch.number == number:
                return batch
        raise LookupError(f"there is no open batch {number}")

    def note_sent(self, number: int, input_file: str) -> None:
        """Store that a batch's file is uploaded."""
        self._database.execute(
            "UPDATE batches SET state = 'sent', input_file = ? WHERE id = ?",
            (input_file, number),
        )

    def note_made(self, number: int, batch: str) -> None:
        """Store that the batch is created."""
        self._database.execute(
            "UPDATE batches SET state = 'made', batch = ? WHERE id = ?", (batch, number)
        )

    def forget_file(self, number: int) -> None:
        """Store that the uploaded file of a batch is lost, so that it is uploaded again."""
        self._database.execute(
            "UPDATE batches SET state = 'planned', input_file = NULL WHERE id = ?",
            (number,),
        )

    def known_batches(self) -> frozenset[str]:
        """Return the ids at the provider of all batches of the run."""
        rows = self._database.execute(
            "SELECT batch FROM batches WHERE batch IS NOT NULL"
        )
        return frozenset(name for (name,) in rows)

    def names_in(self, batch: int) -> frozenset[str]:
        """Return the names of the calls of a batch, answered or not."""
        rows = self._database.execute(
            "SELECT question FROM calls WHERE batch = ?", (batch,)
        )
        return frozenset(name for (name,) in rows)

    def find(self, batch: int, name: str) -> tuple[int, int] | None:
        """Find a call that waits in a batch by its name there. Return its number and output
        limit, None if no such call waits.
        """
        sql = (
            "SELECT id, output_limit FROM calls WHERE batch = ? AND question = ? AND state = "
            "'waiting'"
        )
        return self._database.row(sql, (batch, name))

    def close(self, number: int) -> None:
        """Store that all answers of a batch are fetched. Calls without one wait again."""
        with self._database.transaction():
            self._database.execute(
                "UPDATE calls SET batch = NULL WHERE batch = ? AND state = 'waiting'",
                (number,),
            )
            self._database.execute(
                "UPDATE batches SET state = 'fetched' WHERE id = ?", (number,)
            )

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
        """Yield the calls in a batch, or those without one."""
        rows = self._database.execute(
            "SELECT id, question, name, version, prompt, system, user, output_limit FROM calls"
            " JOIN prompts ON prompt = sha256 WHERE state = 'waiting' AND batch IS ? ORDER BY id "
            "LIMIT ?",
            (batch, most),
        )
        for number, question, name, version, prompt, system, user, limit in rows:
            call = Call(
                PromptVersion(name, version, prompt),
                system,
                unpack(user),
                self._reply_model,
                limit,
            )
            yield WaitingCall(number, question, call)

    def count_waiting(self) -> int:
        """Count the calls that have neither an answer nor a batch."""
        return int(
            self._database.value(
                "SELECT count(*) FROM calls WHERE state = 'waiting' AND batch IS NULL"
            )
        )

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
        """Put the calls that wait in a batch into new ones, of at most so many tokens. Return
        how many batches.
        """
        parts = self._divide(number, MOST_REQUESTS, MOST_BYTES, most_tokens)
        with self._database.transaction():
            self.close(number)
            self._add_batches(prefix, parts)
        return len(parts)

    def count_tokens(self, batch: int) -> int:
        """Estimate the prompt tokens of the calls that wait in a batch."""
        return sum(self._measure(one.call)[1] for one in self.waiting(batch))

    def _divide(
        self,
        batch: int | None,
        most_requests: int,
        most_bytes: int,
        most_tokens: int | None,
    ) -> list[list[int]]:
        """Divide the calls that wait in a batch, or in none, into parts that are within the
        limits.
        """
        parts: list[list[int]] = []
        size = 0
        tokens = 0
        for one in self.waiting(batch):
            length, counted = self._measure(one.call)
            is_full = bool(parts) and len(parts[-1]) >= most_requests
            is_long = size + length > most_bytes
            is_rich = most_tokens is not None and tokens + counted > most_tokens
            if not parts or is_full or is_long or is_rich:
                parts.append([])
                size = 0
                tokens = 0
            parts[-1].append(one.number)
            size += length
            tokens += counted
        return parts

    def _measure(self, call: Call) -> tuple[int, int]:
        """Return the bytes of a request, and its prompt tokens as estimated."""
        text = call.system + call.user + schema_of(self._reply_model)
        return len(text.encode("utf-8", "surrogatepass")) + _FRAME, estimate_tokens(
            text
        )

    def _add_batches(self, prefix: str, parts: Iterable[Sequence[int]]) -> None:
        first = 1 + (self._database.value("SELECT max(id) FROM batches") or 0)
        for number, calls in enumerate(parts, first):
            sql = (
                "INSERT INTO batches (id, tag, requests, state, planned) VALUES (?, ?, ?, "
                "'planned', ?)"
            )
            now = datetime.now(UTC).isoformat()
            self._database.execute(sql, (number, f"{prefix}-{number}", len(calls), now))
            self._database.execute_many(
                "UPDATE calls SET batch = ? WHERE id = ?", ((number, n) for n in calls)
            )

    def open_batches(self) -> list[StoredBatch]:
        """List the batches whose answers are not fetched yet."""
        sql = (
            "SELECT id, tag, requests, planned, input_file, batch FROM batches WHERE state <> "
            "'fetched' ORDER BY id"
        )
        rows = self._database.execute(sql).fetchall()
        return [
            StoredBatch(n, tag, count, datetime.fromisoformat(at), *ids)
            for n, tag, count, at, *ids in rows
        ]

    def read_batch(self, number: int) -> StoredBatch:
        """Read an open batch by its number."""
        return next(one for one in self.open_batches() if one.number == number)

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
        limit.
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

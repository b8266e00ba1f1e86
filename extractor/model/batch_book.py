"""The rows of a run's batches: which calls wait, in which batch, and what became of the batch.

A batch is ``planned``, ``sent`` (it may have come into being), ``made`` (its id is known), and
``fetched``. Each step is stored before the next one, so that a killed command can continue.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from pydantic import BaseModel

from extractor.model.calls import Call, PromptVersion, estimate_tokens, schema_of
from extractor.model.store import CallStore, unpack

MOST_REQUESTS = 50_000
MOST_BYTES = 190_000_000
"""Limits of a batch. Providers accept 50,000 requests and 200 MB, or more."""
_FRAME = 500
"""Bytes of a request beside its texts and its schema."""
_NEW_TAG = "lower(hex(randomblob(16)))"


@dataclass(slots=True)
class StoredBatch:
    """A batch: ``tag`` identifies it at the provider before its ``name``, the provider's id, is
    known. ``planned`` is a time in UTC.
    """

    number: int
    tag: str
    requests: int
    planned: str
    state: str
    name: str


class BatchBook:
    """The waiting calls of a store and its batches. All calls have the same ``reply_model``."""

    def __init__(self, store: CallStore, reply_model: type[BaseModel]) -> None:
        self.store = store
        self._database = store.database
        self._reply_model = reply_model

    def forgive(self) -> None:
        """Ask refused calls again, as a new run does."""
        self._database.execute(
            "UPDATE calls SET state = 'rejected' WHERE state = 'refused'"
        )

    def waiting(self, where: str = "1", *values: int) -> Iterator[tuple[int, Call]]:
        """Yield the waiting calls that meet a condition of SQL, each with its number, in the order
        in which they were asked.
        """
        rows = self._database.execute(
            "SELECT id, name, version, prompt, system, user, output_limit FROM calls"
            f" JOIN prompts ON prompt = sha256 WHERE state = 'waiting' AND {where} ORDER BY id",
            values,
        )
        for number, *prompt, system, user, limit in rows:
            text = unpack(user)
            version = PromptVersion(*prompt)
            yield number, Call(version, system, text, self._reply_model, limit)

    def in_batch(self, batch: int) -> Iterator[Call]:
        """Yield the calls that wait in a batch."""
        return (call for _, call in self.waiting("batch = ?", batch))

    def waiting_in(self, batch: int) -> dict[str, int]:
        """Return the numbers of the calls that wait in a batch, by name."""
        sql = "SELECT question, id FROM calls WHERE state = 'waiting' AND batch = ?"
        return dict(self._database.execute(sql, (batch,)).fetchall())

    def count_unanswered(self) -> int:
        """Count the waiting calls whose question has had no answer, not even a useless one."""
        return int(
            self._database.value(
                "SELECT count(*) FROM calls AS open WHERE state = 'waiting' AND NOT EXISTS"
                " (SELECT 1 FROM calls WHERE question = open.question AND answer IS NOT NULL)"
            )
        )

    def plan(
        self,
        most_tokens: float | None = None,
        most_requests: int = MOST_REQUESTS,
        most_bytes: int = MOST_BYTES,
    ) -> int:
        """Put the calls that wait without a batch, or in one that was not sent, into planned
        batches, each within the limits: of estimated tokens of its prompts, of requests, and of
        bytes. A longer call has a batch for itself. Returns the number of calls.
        """
        schema = schema_of(self._reply_model)
        planned: list[tuple[int, int]] = []
        filled = 0.0
        with self._database.transaction():
            self._database.execute(
                "UPDATE calls SET batch = NULL WHERE batch IN"
                " (SELECT id FROM batches WHERE state = 'planned')"
            )
            self._database.execute("DELETE FROM batches WHERE state = 'planned'")
            last = self._database.value("SELECT coalesce(max(id), 0) FROM batches")
            number = last + 1
            for waiting, call in self.waiting("batch IS NULL"):
                text = call.system + call.user + schema
                size = len(text.encode("utf-8", "surrogatepass")) + _FRAME
                tokens = estimate_tokens(text) / (most_tokens or inf)
                share = max(1 / most_requests, size / most_bytes, tokens)
                filled += share
                if filled > 1 and planned:
                    number += 1
                    filled = share
                planned.append((number, waiting))
            self._database.execute_many(
                "UPDATE calls SET batch = ? WHERE id = ?", planned
            )
            self._database.execute(
                "INSERT INTO batches (id, tag, requests, state, planned) SELECT batch,"
                f" {_NEW_TAG}, count(*), 'planned', ? FROM calls WHERE batch > ? GROUP BY batch",
                (datetime.now(UTC).isoformat(), last),
            )
        return len(planned)

    def open_batches(self) -> list[StoredBatch]:
        """List the batches whose answers are not fetched yet."""
        rows = self._database.execute(
            "SELECT id, tag, requests, planned, state, coalesce(batch, '') FROM batches"
            " WHERE state <> 'fetched' ORDER BY id"
        )
        return [StoredBatch(*row) for row in rows.fetchall()]

    def note_sent(self, batch: StoredBatch, file: str) -> None:
        """Store that a batch may come into being now, by an uploaded file."""
        batch.state = "sent"
        self._set(batch.number, "state = 'sent', input_file = ?", file)

    def note_made(self, number: int, name: str) -> None:
        """Store that a batch was created."""
        self._set(number, "state = 'made', batch = ?", name)

    def close(self, number: int) -> None:
        """Store that all answers of a batch are fetched. Calls without one wait again."""
        with self._database.transaction():
            self._set(number, "state = 'fetched'")
            self._database.execute(
                "UPDATE calls SET batch = NULL WHERE batch = ? AND state = 'waiting'",
                (number,),
            )

    def _set(self, number: int, columns: str, *values: str) -> None:
        sql = f"UPDATE batches SET {columns} WHERE id = ?"
        self._database.execute(sql, (*values, number))

    def known_names(self) -> frozenset[str]:
        """Return the provider's ids of all batches of the run."""
        rows = self._database.execute(
            "SELECT batch FROM batches WHERE state <> 'planned'"
        )
        return frozenset(name for (name,) in rows)

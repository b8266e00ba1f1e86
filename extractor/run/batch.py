"""Many records: bounded concurrency, results in input order, one bad record never stops the others."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from extractor.errors import BudgetReached, ExtractorError, ModelError, ModelUnavailable, RecordError
from extractor.schemas import TrialExtraction, TrialRecord

from .tally import Tally

__all__ = ["BatchLimits", "Sink", "describe_failure", "run_batch"]


class Sink(Protocol):
    """Where results go: a run's folder, or standard output."""

    @property
    def done(self) -> Container[str]: ...

    def skip(self, record_id: str) -> None: ...

    def write(self, extraction: TrialExtraction) -> None: ...

    def write_failure(self, failure: dict[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How much may be done at once, and in all. ``tokens`` counts prompt and output of this run."""

    concurrency: int = 8
    records: int | None = None
    tokens: int | None = None


async def run_batch(
    records: Iterable[TrialRecord],
    extract: Callable[[TrialRecord], Awaitable[TrialExtraction]],
    sink: Sink,
    tally: Tally,
    limits: BatchLimits,
) -> None:
    """Extract every record and hand the results to ``sink`` in input order, counting in ``tally``.

    A record that fails is written as a failure. Raises ``BudgetReached`` when ``limits.tokens`` is
    spent, after the records in flight; and ``ModelUnavailable`` when the model could not be reached
    for the first record, since no other would fare better.
    """
    flight: deque[tuple[TrialRecord, asyncio.Task[TrialExtraction]]] = deque()
    try:
        for seen, record in enumerate(records):
            if limits.records is not None and seen >= limits.records:
                break
            if limits.tokens is not None and tally.tokens >= limits.tokens:
                await _land_all(flight, sink, tally)
                raise BudgetReached(f"{tally.tokens} tokens are spent, the limit is {limits.tokens}")
            if record.record_id in sink.done:
                sink.skip(record.record_id)
                tally.resumed += 1
                continue
            flight.append((record, asyncio.ensure_future(extract(record))))
            if len(flight) >= limits.concurrency:
                await _land(*flight.popleft(), sink, tally)
        await _land_all(flight, sink, tally)
    finally:
        for _, task in flight:
            task.cancel()


async def _land_all(flight: deque[tuple[TrialRecord, asyncio.Task[TrialExtraction]]], sink: Sink, tally: Tally) -> None:
    while flight:
        await _land(*flight.popleft(), sink, tally)


async def _land(record: TrialRecord, task: asyncio.Task[TrialExtraction], sink: Sink, tally: Tally) -> None:
    try:
        extraction = await task
    except ModelUnavailable as error:
        if tally.extracted == 0:
            raise
        _fail(record, error, sink, tally)
    except Exception as error:  # noqa: BLE001 - whatever befalls one record, the others go on
        _fail(record, error, sink, tally)
    else:
        sink.write(extraction)
        tally.add(extraction)


def _fail(record: TrialRecord, error: Exception, sink: Sink, tally: Tally) -> None:
    tally.failed += 1
    if isinstance(error, ModelError) and error.usage:
        tally.usage += error.usage
    sink.write_failure(describe_failure(error, record))


def describe_failure(error: Exception, record: TrialRecord | None = None) -> dict[str, Any]:
    """A failure as one line of ``failures.jsonl``: which record, where it stands, what went wrong."""
    expected = isinstance(error, ExtractorError)
    failure = {
        "record_id": record.record_id if record else None,
        "path": record.source.path if record else None,
        "place": record.source.place if record else None,
        "error": type(error).__name__,
        "message": str(error) if expected else f"unexpected: {error!r}; please report this with the record",
    }
    if isinstance(error, RecordError):
        failure |= {"path": error.path, "place": error.place}
    return failure

"""Extract many records with bounded concurrency. Results keep input order; a failed record never
stops the others.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, takewhile
from time import monotonic
from typing import Any, TextIO

from extractor.errors import (
    BudgetReached,
    EngineError,
    ExtractorError,
    ModelAway,
    ModelError,
    ModelUnavailable,
    RecordError,
    RepeatedRecord,
    RequestTooLong,
    StoreError,
    UnexpectedError,
    as_extractor_error,
)
from extractor.masking import mask
from extractor.model.asking.questions import Session, session
from extractor.model.cost.budget import Budget
from extractor.model.events import Event, Fact, tell
from extractor.run.reading import Reader
from extractor.run.tally import ExtractedLine, Tally, add_counts
from extractor.run.worker import relax_garbage_collector
from extractor.schemas import Source, TrialRecord, Usage

Extract = Callable[[TrialRecord], Awaitable[ExtractedLine]]

_AHEAD = 4
"""How many records, as a multiple of the concurrency, may wait for an earlier one if results
keep input order.
"""


class Sink:
    """The destination of results. The base class drops them.

    ``in_any_order`` means that results are written as soon as they are ready.
    """

    in_any_order = False

    def is_done(self, record: TrialRecord) -> bool:  # noqa: ARG002 - the base class remembers nothing
        """Return whether an earlier run finished this record. Called first, once per record, in
        input order.

        Raises ``RecordError`` for a record that the sink refuses.
        """
        return False

    def write(self, line: ExtractedLine, session: Session) -> None:
        """Write a result. ``session`` holds the model's answers."""

    def write_failure(self, failure: dict[str, Any]) -> None:
        """Write a failure, made by ``describe_failure``."""

    def write_repeated(self, error: RepeatedRecord) -> None:
        """Write the place of a repeated record."""


class StreamSink(Sink):
    """Writes extractions as JSON lines to one stream, if any, and failures to another.

    Writes ASCII to a terminal, which interprets some other characters. Repeated records with the
    same text are ignored.
    """

    def __init__(self, results: TextIO | None, failures: TextIO) -> None:
        self._results = results
        self._failures = failures

    def write(self, line: ExtractedLine, session: Session) -> None:  # noqa: ARG002 - only folders store answers
        if self._results:
            text = line.line.decode()
            if self._results.isatty():
                text = json.dumps(json.loads(text), separators=(",", ":"))
            self._results.write(text + "\n")

    def write_failure(self, failure: dict[str, Any]) -> None:
        self._failures.write(
            json.dumps(failure, ensure_ascii=self._failures.isatty()) + "\n"
        )

    def write_repeated(self, error: RepeatedRecord) -> None:
        if not error.same_text:
            self.write_failure(describe_failure(error))


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Limits of a run: records in progress at once, records to read, and the cost."""

    concurrency: int = 8
    records: int | None = None
    budget: Budget | None = None


async def extract_records(
    records: Iterable[TrialRecord],
    extract: Extract,
    sink: Sink,
    tally: Tally,
    limits: RunLimits,
    is_stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Extract every record, write the results to ``sink`` and count them in ``tally``.

    Records are read in a thread, where no limit of time holds. Results keep input order unless the
    sink accepts any order. Any error of a record is written as a failure. Finished results are
    always written, also if an error ends the run.

    Args:
        records: The records.
        extract: Extracts a record.
        sink: Where results and failures go. It also says which records are done already.
        tally: What counts them.
        limits: How many records are in progress at once and are read at all, and the budget.
        is_stopping: Whether the run is being stopped: then no other record is waited for, and those
            in progress may end.

    Raises:
        BudgetReached: The budget was reached, and the records in progress have ended.
        ModelAway: The model is away, and the records in progress have ended.
        ModelUnavailable: The model cannot be used, and no record has used it before.
        EngineError: No process can extract records.
    """
    relax_garbage_collector()
    progress = _InProgress(extract, sink, tally, limits.concurrency)
    budget = limits.budget
    reader = Reader(islice(records, limits.records))
    try:
        while record := await reader.read(is_stopping, progress.write_ready):
            # a model that fails for all is noticed before more records begin
            progress.write_ready()
            if progress.is_done(record):
                continue
            if budget and budget.reached:
                break
            progress.start(record)
            while progress.is_full:
                await progress.write_some()
        while progress.tasks:
            await progress.write_some()
        if budget and budget.reached:
            raise BudgetReached(str(budget))
    except ModelAway:
        while progress.tasks:
            with suppress(ModelAway):
                await progress.write_some()
        raise
    except (ModelUnavailable, EngineError, asyncio.CancelledError):
        progress.write([task for task in progress.tasks if task.done()])
        raise
    finally:
        reader.close()
        await progress.cancel()


def note_unread(
    error: ExtractorError, sink: Sink, tally: Tally, record: TrialRecord | None = None
) -> None:
    """Write, count and report what was not read or was refused: a repeated record as such, all else
    as a failure. ``record`` is the refused one, None if it could not be read.
    """
    if isinstance(error, RepeatedRecord):
        tally.repeated += 1
        tally.differing += not error.same_text
        sink.write_repeated(error)
        return
    tally.failed += 1
    tell(
        Event.RECORD_FAILED,
        record_id=record.record_id if record else None,
        error=type(error).__name__,
    )
    sink.write_failure(describe_failure(error, record))


def describe_failure(
    error: BaseException, record: TrialRecord | None = None
) -> dict[str, Any]:
    """Describe a failure as in ``failures.jsonl``: the record, its place, and the error. Keys are
    masked. What is unknown is None, such as the id of a record that could not be read.
    """
    error = as_extractor_error(error)
    source: RecordError | Source | None
    if isinstance(error, RecordError):
        source = error
    elif record:
        source = record.source
    else:
        source = None
    kind = error.kind if isinstance(error, UnexpectedError) else type(error).__name__
    failure = {
        "record_id": record.record_id if record else None,
        "path": source.path if source else None,
        "place": source.place if source else None,
        "error": kind,
        "message": str(error),
    }
    # A key may stand in the address of an input, or come back in an error.
    return {name: text and mask(text) for name, text in failure.items()}


_Task = asyncio.Task[tuple[ExtractedLine, Session]]


class _InProgress:
    """The records in progress, in the order of their start."""

    def __init__(
        self, extract: Extract, sink: Sink, tally: Tally, concurrency: int
    ) -> None:
        self._extract = extract
        self._sink = sink
        self._tally = tally
        self._concurrency = concurrency
        self.tasks: dict[_Task, TrialRecord] = {}
        self._model_was_used = False
        """Whether any record has ended without a lasting failure of the model."""

    @property
    def is_full(self) -> bool:
        """Whether no other record may start now."""
        running = sum(not task.done() for task in self.tasks)
        if running >= self._concurrency:
            return True
        # Records that have ended may wait to be written, behind an earlier one.
        return len(self.tasks) >= _AHEAD * self._concurrency

    def is_done(self, record: TrialRecord) -> bool:
        """Return whether an earlier run finished the record, or the sink refuses it. It is counted
        as resumed, or written as a failure.
        """
        try:
            done = self._sink.is_done(record)
        except RecordError as error:
            note_unread(error, self._sink, self._tally, record)
            return True
        self._tally.resumed += done
        self._model_was_used |= done
        return done

    def start(self, record: TrialRecord) -> None:
        self.tasks[asyncio.ensure_future(self._extract_observed(record))] = record

    async def write_some(self) -> None:
        """Wait until a record ends, and write what is ready. Raises errors that must stop the
        run.
        """
        running = [task for task in self.tasks if not task.done()]
        if running:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        self.write_ready()

    def write_ready(self) -> None:
        """Write what is ready: each record that has ended, or, if the sink keeps the order, those
        up to the first that has not.

        Raises errors that must stop the run: the model is away, no process can extract, or the
        model fails for good and has never worked.
        """
        started = list(self.tasks)
        ready: Iterable[_Task]
        if self._sink.in_any_order:
            ready = filter(asyncio.Task.done, started)
        else:
            ready = takewhile(asyncio.Task.done, started)
        for error in self.write(ready):
            if isinstance(error, (ModelAway, EngineError)):
                raise error
            # A model that has worked for other records fails for this one alone.
            if _is_lasting(error) and not self._model_was_used:
                raise error

    def write(self, tasks: Iterable[_Task]) -> list[BaseException]:
        """Write the outcomes of these tasks, and return their errors."""
        errors = []
        for task in tasks:
            error = self._write(self.tasks.pop(task), task)
            if error:
                errors.append(error)
        return errors

    async def cancel(self) -> None:
        """Cancel the records in progress, and wait for their end, because only then their cost
        is known.
        """
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def _write(self, record: TrialRecord, task: _Task) -> BaseException | None:
        """Write the outcome of a record, and return its error, if any.

        A result is written and counted, and so is a failure of the record. An interrupted record,
        and one that the model or the processes failed, is neither: it is tried again in the next
        run. Raises an error of the store, and any other that is not of the record.
        """
        # A run cancels no single task, so a cancelled task is a failure of its record.
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            line, session = task.result()
            self._sink.write(line, session)
            self._tally.add(line)
            return None
        # it was broken off, and is neither done nor failed
        if isinstance(error, KeyboardInterrupt):
            return error
        is_of_record = isinstance(error, (Exception, asyncio.CancelledError))
        if isinstance(error, StoreError) or not is_of_record:
            raise error
        if isinstance(error, ModelError) and error.usage:
            self._count_unanswered(error, error.usage)
        # the record is not at fault, and is tried again
        if isinstance(error, (ModelAway, EngineError)):
            return error
        self._tally.failed += 1
        self._tally.failed_by_model += _may_be_answered_later(error)
        self._sink.write_failure(describe_failure(error, record))
        return error

    def _count_unanswered(self, error: ModelError, usage: Usage) -> None:
        """Count the questions of a record that the model failed as open. They count as asked,
        unless the model was away before the first call.
        """
        is_unasked = isinstance(error, ModelAway) and usage.calls == 0
        counts = usage.model_dump()
        counts["open_questions"] = usage.questions
        if is_unasked:
            counts["questions"] = 0
        add_counts(self._tally.counts, {"usage": counts})

    async def _extract_observed(
        self, record: TrialRecord
    ) -> tuple[ExtractedLine, Session]:
        """Extract a record, and report events at its start and end. Returns its line, and the
        model's answers in it.

        Raises every error as ``ExtractorError``. A cancelled record reports no event at its end,
        and its cancellation goes on as it is. The model counts as used, unless the error says
        nothing of it: an error of the processes, or one that any other record would have.
        """
        since = monotonic()
        try:
            with session() as answered:
                line = await self._extract(record)
        except (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            known = as_extractor_error(error)
            says_nothing_of_model = isinstance(known, EngineError) or _is_lasting(known)
            if not says_nothing_of_model:
                self._model_was_used = True
            facts: dict[str, Fact] = {"error": type(known).__name__}
            if isinstance(known, UnexpectedError):
                facts = {"error": known.kind, "traceback": " < ".join(known.frames)}
            tell(
                Event.RECORD_FAILED,
                record_id=record.record_id,
                **facts,
                seconds=round(monotonic() - since, 3),
            )
            if known is error:
                raise
            raise known from error
        self._model_was_used = True
        tell(
            Event.RECORD_DONE,
            record_id=record.record_id,
            seconds=round(monotonic() - since, 3),
        )
        return line, answered


def _may_be_answered_later(error: BaseException) -> bool:
    """Return whether a record failed for a model that may answer it the next time: its server had
    a fault, or its answer could not be used.
    """
    if isinstance(error, RequestTooLong) or _is_lasting(error):
        return False
    return isinstance(error, ModelError)


def _is_lasting(error: BaseException) -> bool:
    """Return whether the model would fail for all other records too."""
    return isinstance(error, ModelUnavailable) and error.lasting

"""Jobs: on the disk, in the queue, and running.

The queue is in memory, and the state of each job in its folder, from which the next start of the service continues. A
running job has a thread with an event loop of its own: reading an upload and sorting results would block the service's.
"""

import asyncio
import contextvars
import logging
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import takewhile
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from extractor.api import Extractor
from extractor.errors import BudgetReached, ExtractorError, ModelUnavailable
from extractor.events import Event, EventLog, tell
from extractor.llm.estimates import RequestSize
from extractor.llm.transport import Route
from extractor.options import Assist
from extractor.read import read_records
from extractor.run.batch import BatchLimits, note_unread, run_batch
from extractor.run.budget import Budget
from extractor.run.executor import Executor, extract_with
from extractor.run.folder import RunFolder
from extractor.run.manifest import describe_settings, read_manifest
from extractor.run.results import write_atomically
from extractor.run.tally import ExtractedLine, Tally
from extractor.schemas import Task, TrialRecord, Usage

from .callers import SPENT, CallerBudgets, current_caller
from .problems import describe_unexpected
from .settings import ServiceSettings

T = TypeVar("T")
_logger = logging.getLogger(__name__)
_JOB, EVENTS, RUN, _UPLOAD = "job.json", "events.jsonl", "run", "upload"
_OTHER_PROGRAM = "the program or its model is another than when the job began; send the records again"


class JobState(StrEnum):
    """The state of a job. A paused, failed or cancelled one can be resumed and keeps what it has done."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    PAUSED = "paused"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING})


class Job(BaseModel):
    """A job, as its caller sees it."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: JobState
    reason: str | None = Field(default=None, description="Why it is paused or failed.")
    name: str = Field(description="Name of the upload; records without an id of their own are named after it.")
    bytes: NonNegativeInt = Field(description="Size of the upload.")
    tasks: tuple[Task, ...]
    assist: Assist
    min_confidence: float = Field(default=0.0, ge=0, le=1, description="Values that are less sure are left out.")
    created: str
    started: str | None = None
    ended: str | None = None
    extracted: NonNegativeInt = Field(default=0, description="Records with a result.")
    failed: NonNegativeInt = Field(default=0, description="Records without one; /failures says why.")
    usage: Usage = Field(default=Usage(), description="What the model took since the job was last started.")


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class JobFolders:
    """``ROOT/jobs/<caller>/<job>``: the folder of a run (``run``) with the upload and the events beside it."""

    def __init__(self, root: Path) -> None:
        self._root = (root / "jobs").absolute()
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, caller: str, job_id: str) -> Path:
        """A job's folder."""
        return self._root / caller / job_id

    def prepare(self, caller: str) -> tuple[str, Path]:
        """A new id of 128 random bits, and the folder for the upload. It is no job before ``write``."""
        job_id = secrets.token_hex(16)
        upload = self.path(caller, job_id) / _UPLOAD
        upload.mkdir(parents=True, mode=0o700)
        return job_id, upload

    def write(self, caller: str, job: Job) -> None:
        """Write the state of a job, all of it or nothing."""
        write_atomically(self.path(caller, job.id) / _JOB, job.model_dump_json(indent=1).encode() + b"\n")

    def read_all(self) -> Iterator[tuple[str, Job]]:
        """All jobs with their callers, the oldest first. An upload that never ended is discarded."""
        found = []
        for path in self._root.glob("*/*"):
            try:
                found.append((path.parent.name, Job.model_validate_json((path / _JOB).read_bytes())))
            except (OSError, ValidationError):
                self.discard(path.parent.name, path.name)
        yield from sorted(found, key=lambda pair: (pair[1].created, pair[1].id))

    def discard(self, caller: str, job_id: str) -> None:
        """Remove a job and its files. What remains of it when the service ends meanwhile is no job any more."""
        path = self.path(caller, job_id)
        (path / _JOB).unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)


_event_log: contextvars.ContextVar[EventLog | None] = contextvars.ContextVar("event_log", default=None)


@contextmanager
def keep_job_events_apart() -> Iterator[None]:
    """Send the events of a job to its ``events.jsonl`` alone, not to the log of the service, inside the block."""

    def divert(event: logging.LogRecord) -> bool:
        log = _event_log.get()
        if log:
            log.handle(event)
        return log is None

    events = logging.getLogger("extractor.events")
    events.addFilter(divert)
    try:
        yield
    finally:
        events.removeFilter(divert)


class _ServiceLoop(Executor):
    """The executor and the budgets of the service, for the event loop of a job."""

    def __init__(self, executor: Executor, budgets: CallerBudgets) -> None:
        self._executor, self._budgets, self._loop = executor, budgets, asyncio.get_running_loop()

    async def compute(self, function: Callable[..., T], record: TrialRecord, *arguments: Any) -> T:
        return await self._await(self._executor.compute(function, record, *arguments))

    async def reserve(self, size: RequestSize) -> int:
        return await self._await(self._budgets.reserve(size))

    def charge(self, reservation: int, usage: Usage) -> None:
        self._loop.call_soon_threadsafe(self._budgets.charge, reservation, usage)

    async def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))


@dataclass(slots=True, eq=False)
class _JobRun:
    """One start of a job: a batch over its upload. ``budget`` is the caller's, None for no limit or no model."""

    folder: Path
    job: Job
    settings: ServiceSettings
    service: _ServiceLoop
    budget: Budget | None
    tally: Tally = field(default_factory=Tally)
    stopping: bool = False
    _unread: str | None = None
    _cancel: Callable[[], object] | None = None

    @property
    def progress(self) -> Job:
        """The job with its counts over all starts, and its calls and tokens of this start."""
        done, failed = self.tally.extracted + self.tally.resumed, self.tally.failed
        return self.job.model_copy(update={"extracted": done, "failed": failed, "usage": self.tally.usage})

    def cancel(self) -> None:
        """End at once. May be called from another thread."""
        self.stopping = True
        if self._cancel:
            with suppress(RuntimeError):  # its loop has ended
                self._cancel()

    def perform(self) -> tuple[JobState, str | None]:
        """Do what is left of the job. Returns its state at the end, and the reason for its caller."""
        asks, since, tally = _asks(self.settings, self.job), monotonic(), self.tally
        model = self.settings.model.name if self.settings.model and asks else None
        try:
            with (self.folder / EVENTS).open("a", encoding="utf-8") as file:
                _event_log.set(EventLog(file))
                tell(Event.RUN_STARTED, assist=self.job.assist.value, model=model, workers=self.settings.workers)
                state, status, reason = self._extract()
                counts = {"extracted": tally.extracted, "resumed": tally.resumed, "failed": tally.failed}
                usage = tally.usage.model_dump(include={"calls", "prompt_tokens", "output_tokens"})
                tell(Event.RUN_ENDED, status=status, seconds=round(monotonic() - since, 3), **counts, **usage)
        except OSError as error:
            return JobState.FAILED, f"{EVENTS}: {error.strerror}"
        return state, reason

    def _extract(self) -> tuple[JobState, str, str | None]:
        """The state, the status for the events, and the reason."""
        failed = JobState.FAILED, "failed"
        try:
            asyncio.run(self._extract_all())
        except BudgetReached:
            return JobState.PAUSED, "budget", SPENT
        except ModelUnavailable:
            return JobState.PAUSED, "failed", "the model cannot be used at the moment"
        except asyncio.CancelledError:
            self.stopping = True
        except (ExtractorError, OSError) as error:
            return *failed, str(error).replace(f"{self.folder}/", "")
        except Exception as error:  # noqa: BLE001 - described without its text, which may quote a record
            return *failed, describe_unexpected(error)
        if self._unread:
            return *failed, self._unread
        return (JobState.CANCELLED, "interrupted", None) if self.stopping else (JobState.DONE, "done", None)

    async def _extract_all(self) -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel) if task else None
        settings, asks = self.settings, _asks(self.settings, self.job)
        job = self.job
        extractor = Extractor(settings.model, tasks=job.tasks, assist=job.assist, min_confidence=job.min_confidence)
        described = describe_settings(extractor)
        earlier = read_manifest(self.folder / RUN / "run.json")
        stale = earlier is not None and any(earlier.settings.get(name) != described[name] for name in described)
        if stale and asks:
            raise ExtractorError(_OTHER_PROGRAM)  # to begin anew would cost all of it again
        limits = BatchLimits(settings.concurrency if asks else 2 * settings.workers, budget=self.budget)
        with RunFolder(self.folder / RUN, described, fresh=stale, price=settings.pricing.cost) as results:
            stopped_by: str | None = "an error"
            try:
                async with extractor.open(limits.concurrency, results.replies, Route(self.service)) as opened:
                    self.tally.meter = lambda: opened.usage

                    async def extract(record: TrialRecord) -> ExtractedLine:
                        return await extract_with(self.service, record, opened.options, opened.model)

                    results.begin()
                    await run_batch(self._read(results), extract, results, self.tally, limits)
                stopped_by = "interrupted" if self.stopping else None
            except BudgetReached:
                stopped_by = "the budget was reached"
                raise
            finally:
                results.finish(self.tally, stopped_by)

    def _read(self, results: RunFolder) -> Iterator[TrialRecord]:
        """The records of the upload, until the job is stopped. What cannot be read is a failure."""

        def report(error: ExtractorError) -> None:
            if self.stopping:
                raise asyncio.CancelledError
            note_unread(error, results, self.tally)

        name = self.job.name  # records and failures name the upload, not its place on this machine
        upload = [(name, (self.folder / _UPLOAD / name).open("rb"))]
        records = read_records("upload://", on_error=report, open_address=lambda _: iter(upload))
        try:
            yield from takewhile(lambda _: not self.stopping, records)
        except ExtractorError:
            raise
        except Exception as error:  # noqa: BLE001 - what was read before is extracted
            self._unread = f"the upload could not be read to its end: {describe_unexpected(error)}"
            report(ExtractorError(self._unread))


def _asks(settings: ServiceSettings, job: Job) -> bool:
    """Whether a job asks the model."""
    return settings.model is not None and job.assist is not Assist.NEVER


@dataclass(slots=True)
class _Known:
    """A job with its caller, and its current start while it runs."""

    caller: str
    job: Job
    run: _JobRun | None = None
    task: "asyncio.Task[None] | None" = None

    @property
    def shown(self) -> Job:
        return self.run.progress if self.run else self.job


class JobRunner:
    """All jobs of all callers.

    Waiting jobs start in the order in which they came, those of the caller with the fewest running jobs first.
    """

    def __init__(
        self, settings: ServiceSettings, folders: JobFolders, budgets: CallerBudgets, executor: Executor
    ) -> None:
        self._settings, self._folders, self._budgets = settings, folders, budgets
        self._service = _ServiceLoop(executor, budgets)
        self._threads = ThreadPoolExecutor(settings.jobs, "job")
        self._known: dict[str, _Known] = {}
        self._closing = False

    def start(self) -> None:
        """Queue again what an earlier start of the service left: jobs that waited, ran, or paused."""
        for caller, job in self._folders.read_all():
            known = self._known[job.id] = _Known(caller, job)
            if job.state in ACTIVE | {JobState.PAUSED}:
                self._set(known, state=JobState.QUEUED, reason=None)
        self._fill()

    def find(self, caller: str, job_id: str) -> Job | None:
        """A caller's job of that id, None for another caller's."""
        known = self._known.get(job_id)
        return known.shown if known and known.caller == caller else None

    def list_jobs(self, caller: str) -> list[Job]:
        """All of a caller's jobs, the newest first."""
        return [known.shown for known in reversed(self._known.values()) if known.caller == caller]

    def count(self, state: JobState) -> int:
        """The number of jobs in a state."""
        return sum(known.job.state is state for known in self._known.values())

    def submit(self, caller: str, job: Job) -> None:
        """Queue a job whose upload is complete. Its state is on the disk when this returns."""
        self._folders.write(caller, job)
        self._known[job.id] = _Known(caller, job)
        self._fill()

    def resume(self, job_id: str) -> Job:
        """Queue a job that is not active once more."""
        known = self._known[job_id]
        self._set(known, state=JobState.QUEUED, reason=None, ended=None)
        self._fill()
        return known.shown

    def cancel(self, job_id: str) -> Job:
        """End a job after the records under way; what is finished is kept."""
        known = self._known[job_id]
        if known.run:
            known.run.stopping = True
        elif known.job.state in ACTIVE:
            self._set(known, state=JobState.CANCELLED, ended=now())
        return known.shown

    async def delete(self, job_id: str) -> None:
        """End a job at once and remove its files."""
        known = self._known.pop(job_id)
        if known.run and known.task:
            known.run.cancel()
            await known.task
        await asyncio.to_thread(self._folders.discard, known.caller, job_id)

    async def close(self, seconds: float) -> None:
        """Stop all jobs, and cancel those that run after so many seconds. They continue with the next start."""
        self._closing = True
        running = {known.task: known.run for known in self._known.values() if known.task and known.run}
        for run in running.values():
            run.stopping = True
        if running:
            for late in (await asyncio.wait(running, timeout=seconds))[1]:
                running[late].cancel()
            await asyncio.gather(*running)
        self._threads.shutdown()

    def _fill(self) -> None:
        """Start waiting jobs while there is room."""
        while not self._closing:
            running = Counter(known.caller for known in self._known.values() if known.run)
            waiting = [known for known in self._known.values() if known.job.state is JobState.QUEUED]
            if not waiting or running.total() >= self._settings.jobs:
                return
            self._launch(min(waiting, key=lambda known: running[known.caller]))

    def _launch(self, known: _Known) -> None:
        try:
            budget = self._budgets.find(known.caller) if _asks(self._settings, known.job) else None
        except BudgetReached as error:
            self._set(known, state=JobState.PAUSED, reason=str(error), ended=now())
            return
        self._set(known, state=JobState.RUNNING, started=known.job.started or now(), ended=None)
        folder = self._folders.path(known.caller, known.job.id)
        known.run = _JobRun(folder, known.job, self._settings, self._service, budget)
        known.task = asyncio.create_task(self._run(known, known.run))

    async def _run(self, known: _Known, run: _JobRun) -> None:
        current_caller.set(known.caller)
        perform = contextvars.copy_context().run
        state, reason = await asyncio.get_running_loop().run_in_executor(self._threads, perform, run.perform)
        known.job, known.run = run.progress, None
        if self._closing and state is not JobState.DONE:
            self._set(known, state=JobState.QUEUED)
        elif known.job.id in self._known:
            self._set(known, state=state, reason=reason, ended=now())
        self._fill()

    def _set(self, known: _Known, **changes: Any) -> None:
        known.job = known.job.model_copy(update=changes)
        try:
            self._folders.write(known.caller, known.job)
        except OSError as error:  # the job goes on, and others after it; the next start may find its earlier state
            _logger.error("%s: %s; make room", error.filename, error.strerror)  # noqa: TRY400 - one line says it
        tell(Event.JOB_CHANGED, job=known.job.id, state=known.job.state.value)

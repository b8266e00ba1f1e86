"""Store, queue and run jobs.

The queue is in memory. The state of each job is in its folder, so that jobs continue after a restart of the service. A
running job is a task in the service's loop; threads read its upload and sort its results.
"""

import asyncio
import logging
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from errno import ENOSPC
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, NonNegativeInt, ValidationError, model_validator

from extractor.api import Extractor
from extractor.errors import DiskFull, ExtractorError, ModelUnavailable, RunStopped
from extractor.events import Event, EventLog, tell
from extractor.llm.calls import Call
from extractor.llm.metering import Reservation
from extractor.options import Choice, Effort, ExtractionOptions
from extractor.run.executor import Executor
from extractor.run.folder import RunFolder, write_atomically
from extractor.run.manifest import MANIFEST, Stop, describe_settings, read_manifest
from extractor.run.records import RunLimits
from extractor.run.run import Run
from extractor.schemas import TrialRecord, Usage
from extractor.stages.read import read_records

from .callers import OPERATOR, SPENT, CallerBook, SharedMeter, now
from .problems import describe_unexpected
from .settings import ServiceSettings

_logger = logging.getLogger(__name__)
_JOB, EVENTS, RUN, _UPLOAD = "job.json", "events.jsonl", "run", "upload"


class JobState(StrEnum):
    """The state of a job. A paused, failed or cancelled job keeps its results and can be resumed."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    PAUSED = "paused"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING})
_OVER = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
_CLEAN_S = 600.0


class Job(Choice):
    """A job as shown to its caller."""

    model_config = ConfigDict(extra="ignore")  # of an earlier version

    id: str
    caller: str = Field(default="", description="Name of the caller, with a number if an earlier one had the name.")
    state: JobState
    reason: str | None = Field(default=None, description="Why the job is paused or failed.")
    name: str = Field(description="Name of the upload. Records without an id of their own are named after it.")
    bytes: NonNegativeInt = Field(description="Size of the upload.")
    fields: tuple[str, ...] = Field(default=(), description="The service's own fields that are extracted.")
    created: str
    started: str | None = None
    ended: str | None = None
    extracted: NonNegativeInt = Field(default=0, description="Records with a result.")
    failed: NonNegativeInt = Field(default=0, description="Records without a result; /failures says why.")
    repeated: NonNegativeInt = Field(default=0, description="Records left out: an earlier one has the same id.")
    usage: Usage = Field(default=Usage(), description="Usage of the model since the last start of the job.")

    @model_validator(mode="before")
    @classmethod
    def _read_earlier(cls, given: Any) -> Any:
        """Read a job of a version that had ``assist`` beside the effort: one that asked nothing still asks nothing."""
        return given | {"effort": Effort.NONE} if isinstance(given, dict) and given.get("assist") == "never" else given


_event_log: ContextVar[EventLog | None] = ContextVar("event_log", default=None)


@contextmanager
def keep_job_events_apart() -> Iterator[None]:
    """Inside the block, send the events of a job only to its ``events.jsonl``, not to the service's log."""

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


@dataclass(slots=True, eq=False)
class _Entry:
    """A job, and its task and run while it runs. ``refusal`` says why it may not go on, ``problem`` why its upload
    could not be read to its end.
    """

    job: Job
    task: "asyncio.Task[None] | None" = None
    run: Run | None = None
    refusal: str | None = None
    problem: str | None = None

    @property
    def shown(self) -> Job:
        """The job, with the counts over all starts, and the usage of this start."""
        if self.run is None:
            return self.job
        tally = self.run.tally
        counts = {"extracted": tally.extracted + tally.resumed, "failed": tally.failed, "repeated": tally.repeated}
        return self.job.model_copy(update={**counts, "usage": tally.usage})


class _JobMeter:
    """The ``Meter`` of a job: the service's, as long as nothing ``refuses`` the job."""

    def __init__(self, shared: SharedMeter, refuses: Callable[[], str | None]) -> None:
        self._shared, self._refuses = shared, refuses
        self.lose, self.charge = shared.lose, shared.charge

    async def reserve(self, call: Call) -> Reservation:
        """Wait for room, and reserve what a call may use. Raises ``RunStopped`` if the job may not go on."""
        reservation = await self._shared.reserve(call)
        if refusal := self._refuses():
            self.charge(reservation, Usage())
            raise RunStopped(refusal)
        return reservation

    def allows(self, reservation: Reservation) -> bool:
        """Return whether the job may go on, and there is room for another request like this one."""
        return not self._refuses() and self._shared.allows(reservation)


class JobRunner:
    """Runs the jobs of all callers, each in ``ROOT/jobs/<caller>/<job>``: a run's folder, the upload and the events.

    The next job is the oldest one of the caller with the fewest running jobs.
    """

    def __init__(self, settings: ServiceSettings, book: CallerBook, meter: SharedMeter, executor: Executor) -> None:
        self._settings, self._book, self._meter, self._executor = settings, book, meter, executor
        self._root = (settings.root / "jobs").absolute()
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._entries: dict[str, _Entry] = {}
        self._closing = False
        self._cleaning: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Queue the waiting, running and paused jobs of the service's last start. Discard incomplete uploads."""
        found = []
        for path in self._root.glob("*/*"):
            try:
                job = Job.model_validate_json((path / _JOB).read_bytes())
                found.append(_Entry(job.model_copy(update={"caller": path.parent.name})))
            except (OSError, ValidationError):
                _discard(path)
        for entry in sorted(found, key=lambda each: (each.job.created, each.job.id)):
            self._entries[entry.job.id] = entry
            if entry.job.state in ACTIVE | {JobState.PAUSED}:
                self._set(entry, state=JobState.QUEUED, reason=None)
        self._fill()
        if self._settings.options.keep_days is not None:
            self._cleaning = asyncio.create_task(self._clean(timedelta(days=self._settings.options.keep_days)))

    async def _clean(self, age: timedelta) -> None:
        """Delete jobs that ended longer ago than ``age``, except those that wait for money or the model."""
        while True:
            before = (datetime.now(UTC) - age).isoformat()
            for job in [entry.job for entry in self._entries.values()]:
                if job.state in _OVER and job.ended and job.ended < before:
                    await self.delete(job.id)
            await asyncio.sleep(_CLEAN_S)

    def path(self, job_id: str) -> Path:
        """Return a job's folder."""
        return self._root / self._entries[job_id].job.caller / job_id

    def prepare(self, caller: str) -> tuple[str, Path]:
        """Make an id of 128 random bits and a folder for the upload. The job exists after ``submit``."""
        job_id = secrets.token_hex(16)
        upload = self._root / caller / job_id / _UPLOAD
        upload.mkdir(parents=True, mode=0o700)
        (upload.parent / EVENTS).touch()
        return job_id, upload

    def find(self, caller: str, job_id: str) -> Job | None:
        """Return the job with that id, None if it does not exist, or the caller may not see it."""
        entry = self._entries.get(job_id)
        return entry.shown if entry and caller in (entry.job.caller, OPERATOR) else None

    def list_jobs(self, caller: str) -> list[Job]:
        """Return all jobs of a caller, newest first; those of all for the operator."""
        return [entry.shown for entry in reversed(self._entries.values()) if caller in (entry.job.caller, OPERATOR)]

    def submit(self, caller: str, job_id: str, name: str, size: int, options: ExtractionOptions) -> Job:
        """Queue a job whose upload is complete, and write its state."""
        job = Job(
            id=job_id,
            caller=caller,
            state=JobState.QUEUED,
            name=name,
            bytes=size,
            tasks=options.tasks,
            effort=options.effort,
            min_confidence=options.min_confidence,
            fields=tuple(field.name for field in options.fields),
            created=now(),
        )
        self._write(job)
        self._entries[job_id] = _Entry(job)
        self._fill()
        return job

    def resume(self, job_id: str) -> Job:
        """Queue an inactive job again."""
        entry = self._entries[job_id]
        self._set(entry, state=JobState.QUEUED, reason=None, ended=None)
        self._fill()
        return entry.shown

    def cancel(self, job_id: str) -> Job:
        """End a job after the records in progress. Its results are kept."""
        entry = self._entries[job_id]
        if entry.run:
            entry.run.is_stopping = True
        elif entry.job.state in ACTIVE:
            self._set(entry, state=JobState.CANCELLED, ended=now())
        return entry.shown

    async def delete(self, job_id: str) -> None:
        """End a job at once, and delete its files."""
        folder, entry = self.path(job_id), self._entries.pop(job_id)
        if entry.task:
            entry.task.cancel()
            await asyncio.wait([entry.task])
        await asyncio.to_thread(_discard, folder)

    def stop(self) -> None:
        """Begin no further record and no request to the model."""
        self._closing = True
        for run in [entry.run for entry in self._entries.values() if entry.run]:
            run.stop("the service stops")

    async def close(self, seconds: float) -> None:
        """Stop all jobs, and cancel those that still run after ``seconds``. They continue at the next start."""
        self.stop()
        if self._cleaning:
            self._cleaning.cancel()
        if running := [entry.task for entry in self._entries.values() if entry.task]:
            for late in (await asyncio.wait(running, timeout=seconds))[1]:
                late.cancel()
            await asyncio.wait(running)

    def _fill(self) -> None:
        """Start waiting jobs while there is room."""
        while not self._closing:
            running = Counter(entry.job.caller for entry in self._entries.values() if entry.task)
            waiting = [entry for entry in self._entries.values() if entry.job.state is JobState.QUEUED]
            if not waiting or running.total() >= self._settings.options.jobs:
                return
            entry = min(waiting, key=lambda each: running[each.job.caller])
            self._set(entry, state=JobState.RUNNING, started=entry.job.started or now(), ended=None)
            entry.run, entry.refusal, entry.problem = self._make_run(entry), None, None
            entry.task = asyncio.create_task(self._run(entry, entry.run))

    def _make_run(self, entry: _Entry) -> Run:
        settings, options, job = self._settings, self._settings.options, entry.job
        asks = settings.model is not None and job.effort is not Effort.NONE
        return Run(
            extractor=Extractor(
                settings.model,
                tasks=job.tasks,
                effort=job.effort,
                min_confidence=job.min_confidence,
                reasoning=options.reasoning,
                model_options=options.model_options,
                fields=[field for field in options.fields if field.name in job.fields],
            ),
            read=partial(self._read_upload, entry),
            limits=RunLimits(options.concurrency, budget=self._meter.budget if asks else None, reads_in_thread=True),
            pricing=settings.pricing,
            meter=_JobMeter(self._meter, partial(self._refuse, entry)),
            workers=settings.workers,
        )

    async def _run(self, entry: _Entry, run: Run) -> None:
        """Run the rest of a job, and store its final state."""
        job, folder = entry.job, self.path(entry.job.id)
        try:
            with (folder / EVENTS).open("a", encoding="utf-8") as file:
                _event_log.set(EventLog(file))
                state, reason = await self._perform(entry, run, folder)
        except asyncio.CancelledError:  # while the results were sorted
            state, reason = JobState.CANCELLED, None
        except Exception as error:  # noqa: BLE001 - worded for the caller
            state, reason = JobState.FAILED, _for_caller(error, folder)
        _event_log.set(None)
        entry.job, entry.task, entry.run = entry.shown, None, None
        if self._closing and state is not JobState.DONE:
            self._set(entry, state=JobState.QUEUED)
        elif job.id in self._entries:
            self._set(entry, state=state, reason=reason, ended=now())
        self._fill()

    async def _perform(self, entry: _Entry, run: Run, folder: Path) -> tuple[JobState, str | None]:
        """Run a job. Returns its final state, and the reason for its caller."""
        described, earlier = describe_settings(run.extractor), read_manifest(folder / RUN / MANIFEST)
        stale = earlier is not None and any(earlier.settings.get(name) != described[name] for name in described)
        if stale and run.limits.budget:  # starting over would pay for all calls again
            return JobState.FAILED, "the program or its model has changed since the job began; send the records again"
        failure: BaseException | None = None
        with RunFolder(folder / RUN, described, fresh=stale, price=run.pricing.cost) as results:
            try:
                await run.perform(results, self._executor)
            except BaseException as error:  # noqa: BLE001 - also a cancellation, after which the results are sorted too
                failure = error
            stop = await asyncio.to_thread(run.finish, results, failure)
        ends = {Stop.INTERRUPTED: (JobState.CANCELLED, entry.refusal), Stop.BUDGET: (JobState.PAUSED, SPENT)}
        if stop in ends:
            return ends[stop]
        if isinstance(failure, ModelUnavailable):
            return JobState.PAUSED, "the model cannot be used at the moment"
        problem = _for_caller(failure, folder) if failure else entry.problem
        return JobState.FAILED if problem else JobState.DONE, problem

    def _read_upload(self, entry: _Entry, on_error: Callable[[ExtractorError], None]) -> Iterator[TrialRecord]:
        """Yield the records of a job's upload while its caller's key is valid.

        If the rest cannot be read, the records before it are extracted.
        """
        upload = self.path(entry.job.id) / _UPLOAD / entry.job.name

        def report(error: ExtractorError) -> None:
            self._refuse(entry)
            on_error(error)

        with upload.open("rb") as file:
            # Records and failures name the upload, not its path on this machine.
            opened = partial(read_records, "upload://", open_address=lambda _: iter([(upload.name, file)]))
            try:
                for record in opened(on_error=report):
                    if not self._refuse(entry):
                        yield record
            except ExtractorError:
                raise
            except Exception as error:  # noqa: BLE001 - the records before it are extracted
                entry.problem = f"the upload could not be read to its end: {describe_unexpected(error)}"
                on_error(ExtractorError(entry.problem))

    def _refuse(self, entry: _Entry) -> str | None:
        """Return why a job may not go on, if its caller's key is no longer valid. The job then stops."""
        if entry.run and not entry.refusal and not self._book.is_valid(entry.job.caller):
            entry.run.is_stopping, entry.refusal = True, "the caller's key was revoked, or has expired"
        return entry.refusal

    def _set(self, entry: _Entry, **changes: Any) -> None:
        entry.job = entry.job.model_copy(update=changes)
        try:
            self._write(entry.job)
        except OSError as error:  # the job continues, but a restart may find its earlier state
            place = error.filename or self.path(entry.job.id) / _JOB
            _logger.error("%s: %s; free some space", place, error.strerror)  # noqa: TRY400 - no traceback
        tell(Event.JOB_CHANGED, job=entry.job.id, state=entry.job.state.value)

    def _write(self, job: Job) -> None:
        """Write the state of a job atomically."""
        path = self._root / job.caller / job.id / _JOB
        write_atomically(path, job.model_dump_json(indent=1).encode() + b"\n")


def _for_caller(error: BaseException, folder: Path) -> str:
    """Word an error for the caller of a job, who knows nothing of this machine's disks and paths.

    The text of an unexpected error is left out, since it may quote a record.
    """
    if isinstance(error, DiskFull) or (isinstance(error, OSError) and error.errno == ENOSPC):
        return "the service's disk is full; resume the job when its operator has made room"
    known = isinstance(error, (ExtractorError, OSError))
    return str(error).replace(f"{folder}/", "") if known else describe_unexpected(error)


def _discard(folder: Path) -> None:
    """Delete a job's state, then its other files. Without the state, a remaining folder is not a job."""
    (folder / _JOB).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)

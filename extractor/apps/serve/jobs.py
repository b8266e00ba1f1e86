"""Store and queue jobs.

The queue is in memory. The state of each job is in its folder, so that jobs continue after a
restart of the service.
"""

import asyncio
import logging
import secrets
import shutil
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from extractor.apps.serve.callers import OPERATOR, CallerBook, SharedMeter, now
from extractor.apps.serve.drain import end_drain, is_draining, is_under_way
from extractor.apps.serve.job import EVENTS, RUN, UPLOAD, Job, JobRun, JobState
from extractor.apps.serve.problems import describe_unexpected
from extractor.apps.serve.settings import ServiceSettings
from extractor.model.events import Event, Fact, tell
from extractor.options import ExtractionOptions
from extractor.run.executor import Executor
from extractor.run.folder import write_atomically

_logger = logging.getLogger(__name__)
_JOB = "job.json"
ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING})
_OVER = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
_CLEAN_S = 600.0


@dataclass(slots=True, eq=False)
class _Entry:
    """A job, and its start with its task while it runs, and who cancelled it."""

    job: Job
    start: JobRun | None = None
    task: "asyncio.Task[None] | None" = None
    cancelled_by: str | None = None

    @property
    def shown(self) -> Job:
        """The job with its counts so far."""
        if self.start:
            return self.start.shown
        return self.job

    def is_visible(self, caller: str) -> bool:
        """Return whether a caller may see the job: its own caller, and the operator."""
        return caller in (self.job.caller, OPERATOR)


class JobRunner:
    """Runs the jobs of all callers, each in ``ROOT/jobs/<caller>/<job>``: a run's folder, the
    upload and the events.

    The next job is the oldest one of the caller with the fewest running jobs.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        book: CallerBook,
        meter: SharedMeter,
        executor: Executor,
    ) -> None:
        self._settings = settings
        self._book = book
        self._meter = meter
        self._executor = executor
        self._root = (settings.root / "jobs").absolute()
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._entries: dict[str, _Entry] = {}
        self._closing = False
        self._cleaning: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Queue the waiting, running and paused jobs of the service's last start, the oldest first,
        and begin as many as there is room for. Discard incomplete uploads. A paused job may go on:
        the money or the model may be there again.
        """
        end_drain(self._settings.root)
        jobs = []
        for folder in self._root.glob("*/*"):
            if not (folder / _JOB).exists():
                _discard(folder)
                continue
            job = _read_job(folder)
            if job:
                jobs.append(job)
        jobs.sort(key=lambda job: (job.created, job.id))
        for job in jobs:
            entry = _Entry(job)
            self._entries[job.id] = entry
            # a paused job may go on: the money or the model may be there again
            if job.state in ACTIVE | {JobState.PAUSED}:
                self._set(entry, state=JobState.QUEUED, reason=None)
        self.fill()
        keep_days = self._settings.options.keep_days
        if keep_days is not None:
            self._cleaning = asyncio.create_task(self._clean(timedelta(days=keep_days)))

    async def _clean(self, age: timedelta) -> None:
        """Delete jobs that ended longer ago than ``age``, except those that wait for money or
        the model.
        """
        while True:
            before = (datetime.now(UTC) - age).isoformat()
            for job_id in list(self._entries):
                # Other jobs may have been deleted or resumed while the last one was deleted.
                entry = self._entries.get(job_id)
                if entry is None:
                    continue
                job = entry.job
                # A job that waits for money or the model is not over.
                if job.state not in _OVER or not job.ended:
                    continue
                # Times in UTC sort as texts.
                if job.ended < before:
                    await self._delete_old(job.id)
            await asyncio.sleep(_CLEAN_S)

    async def _delete_old(self, job_id: str) -> None:
        """Delete a job whose days are over. One that cannot be deleted holds up no other."""
        try:
            await self.delete(job_id)
        except Exception as error:  # noqa: BLE001 - the other jobs are deleted all the same
            why = describe_unexpected(error)
            _logger.error("job %s: it cannot be deleted: %s", job_id, why)  # noqa: TRY400 - no traceback

    def path(self, job_id: str) -> Path:
        """Return a job's folder."""
        return self._root / self._entries[job_id].job.caller / job_id

    def prepare(self, caller: str) -> tuple[str, Path]:
        """Make an id of 128 random bits and a folder for the upload. The job exists after
        ``submit``.
        """
        job_id = secrets.token_hex(16)
        upload = self._root / caller / job_id / UPLOAD
        upload.mkdir(parents=True, mode=0o700)
        (upload.parent / EVENTS).touch()
        return job_id, upload

    def find(self, caller: str, job_id: str) -> Job | None:
        """Return the job with that id, None if it does not exist, or the caller may not see it."""
        entry = self._entries.get(job_id)
        # another caller's job is told as one that does not exist
        if entry is None or not entry.is_visible(caller):
            return None
        return entry.shown

    def list_jobs(self, caller: str) -> list[Job]:
        """Return all jobs of a caller, newest first; those of all for the operator."""
        newest_first = reversed(self._entries.values())
        return [entry.shown for entry in newest_first if entry.is_visible(caller)]

    def submit(
        self, caller: str, job_id: str, name: str, size: int, options: ExtractionOptions
    ) -> Job:
        """Queue a job whose upload is complete, write its state, and begin it if there is room."""
        own = self._settings.options.fields
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
            brought=tuple(field for field in options.fields if field not in own),
            by_rules=self._settings.model is None,
            created=now(),
        )
        self._write(job)
        self._entries[job_id] = _Entry(job)
        tell(Event.JOB_SUBMITTED, **self._describe(job), bytes=size)
        self.fill()
        return job

    def _describe(self, job: Job) -> dict[str, Fact]:
        """Return the facts that say which job an event is of, and what it asks of which model."""
        model = None
        if self._settings.model and job.asks:
            model = self._settings.model.name
        facts = {"job": job.id, "caller": job.caller}
        return {**facts, "effort": job.effort.value, "model": model}

    def resume(self, job_id: str, by: str) -> Job:
        """Queue an inactive job again, as a caller asks (``by``)."""
        entry = self._entries[job_id]
        self._set(entry, by, state=JobState.QUEUED, reason=None, ended=None)
        self.fill()
        return entry.shown

    async def start_over(self, job_id: str, by: str) -> Job:
        """Delete the results of an inactive job, and queue it again, as a caller asks (``by``)."""
        folder = self.path(job_id)
        # Renamed at once, so that the job's next start does not meet the old results.
        old = folder / f"{RUN}.{secrets.token_hex(4)}"
        with suppress(FileNotFoundError):
            (folder / RUN).rename(old)
        job = self.resume(job_id, by)
        await asyncio.to_thread(shutil.rmtree, old, ignore_errors=True)
        return job

    def cancel(self, job_id: str, by: str) -> Job:
        """End a job, as a caller asks (``by``): one that runs after the records in progress, one
        that waits at once. Its results are kept. A job that has ended stays as it is.
        """
        entry = self._entries[job_id]
        if entry.start:
            entry.start.run.is_stopping = True
            entry.cancelled_by = by
        elif entry.job.state in ACTIVE:
            self._set(entry, by, state=JobState.CANCELLED, ended=now())
        return entry.shown

    async def delete(self, job_id: str, by: str | None = None) -> None:
        """End a job at once, and delete its files, as a caller asks (``by``), None for the service
        itself. Nothing happens to a job that is deleted already.
        """
        if job_id not in self._entries:
            return
        folder = self.path(job_id)
        entry = self._entries.pop(job_id)
        if entry.task:
            # Files that it still writes would come back after they are deleted.
            entry.task.cancel()
            await asyncio.wait([entry.task])
        try:
            await asyncio.to_thread(_discard, folder)
        except OSError:
            # it is still there, and may be deleted later
            self._entries[job_id] = entry
            if entry.job.state in ACTIVE:
                self._set(entry, by, state=JobState.CANCELLED, ended=now())
            raise
        # The last job of a caller takes the caller's folder with it.
        with suppress(OSError):
            folder.parent.rmdir()
        job = entry.job
        counts = {"extracted": job.extracted, "failed": job.failed}
        facts = {"job": job.id, "caller": job.caller, "by": by, **counts}
        tell(Event.JOB_DELETED, **facts)

    def stop(self) -> None:
        """Begin no further record and no request to the model."""
        self._closing = True
        for entry in self._entries.values():
            if entry.start:
                entry.start.run.stop("the service stops")

    async def close(self, seconds: float) -> None:
        """Stop all jobs, and cancel those that still run after ``seconds``. They continue at the
        next start.
        """
        self.stop()
        if self._cleaning:
            self._cleaning.cancel()
        running = [entry.task for entry in self._entries.values() if entry.task]
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=seconds)
        for task in late:
            task.cancel()
        # A cancelled job still sorts its results.
        await asyncio.wait(running)

    @property
    def unfinished(self) -> int:
        """How many jobs wait or run."""
        return sum(entry.job.state in ACTIVE for entry in self._entries.values())

    def fill(self) -> None:
        """Start waiting jobs while there is room, unless the service stops: each time the oldest
        one of the caller with the fewest running jobs. Before an update, only jobs that have begun
        go on.
        """
        drains = is_draining(self._settings.root)
        while not self._closing:
            running = Counter[str]()
            waiting = []
            for entry in self._entries.values():
                if entry.task:
                    running[entry.job.caller] += 1
                may_begin = not drains or is_under_way(entry.job)
                if entry.job.state is JobState.QUEUED and may_begin:
                    waiting.append(entry)
            is_full = running.total() >= self._settings.options.jobs
            if is_full or not waiting:
                return
            # min returns the first of equals, which is the oldest job.
            self._begin(min(waiting, key=lambda entry: running[entry.job.caller]))

    def _begin(self, entry: _Entry) -> None:
        """Start a waiting job, or start it again, as a task of the loop."""
        first_start = entry.job.started or now()
        self._set(entry, state=JobState.RUNNING, started=first_start, ended=None)
        job = entry.job
        folder = self.path(job.id)
        entry.start = JobRun(job, folder, self._settings, self._book, self._meter)
        entry.task = asyncio.create_task(self._perform(entry, entry.start))

    async def _perform(self, entry: _Entry, start: JobRun) -> None:
        """Run the rest of a job, store its final state, and begin the next job.

        A job that the stop of the service ended is queued: it goes on at the next start. The state
        of a job that was deleted meanwhile is not stored.
        """
        state, reason = await start.perform(self._executor)
        # it goes on at the next start of the service
        goes_on = self._closing and state is not JobState.DONE
        if goes_on:
            state = JobState.QUEUED
        ended = {**self._describe(entry.job), "state": state.value, **start.facts}
        tell(Event.JOB_ENDED, **ended)
        entry.job = entry.shown
        entry.start = None
        entry.task = None
        was_deleted = entry.job.id not in self._entries
        by = entry.cancelled_by
        entry.cancelled_by = None
        if goes_on:
            self._set(entry, state=JobState.QUEUED)
        elif not was_deleted:
            self._set(entry, by, state=state, reason=reason, ended=now())
        self.fill()

    def _set(self, entry: _Entry, by: str | None = None, **changes: Any) -> None:
        """Change a job, store its state, and tell of the change, and which caller asked for it
        (``by``), None for the service itself.
        """
        entry.job = entry.job.model_copy(update=changes)
        try:
            self._write(entry.job)
        except OSError as error:
            # The job continues, but a restart may find its earlier state.
            path = error.filename or self.path(entry.job.id) / _JOB
            _logger.error("%s: %s; free some space", path, error.strerror)  # noqa: TRY400 - no traceback
        job = entry.job
        facts = {"job": job.id, "caller": job.caller, "state": job.state.value}
        tell(Event.JOB_CHANGED, **facts, by=by)

    def _write(self, job: Job) -> None:
        """Write the state of a job atomically."""
        path = self._root / job.caller / job.id / _JOB
        write_atomically(path, job.model_dump_json(indent=1).encode() + b"\n")


def _read_job(folder: Path) -> Job | None:
    """Read the state of a job. One that cannot be read, such as that of an earlier version, is
    left where it is.
    """
    state = folder / _JOB
    try:
        job = Job.model_validate_json(state.read_bytes())
    except (OSError, ValidationError):
        _logger.error("%s: no job of this version; move its folder away", state)  # noqa: TRY400
        return None
    return job.model_copy(update={"caller": folder.parent.name})


def _discard(folder: Path) -> None:
    """Delete a job's state, then its other files. Without the state, a remaining folder is not a
    job.
    """
    # First, since a kill may come in between.
    (folder / _JOB).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)

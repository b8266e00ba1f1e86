"""Store and queue jobs.

The queue is in memory. The state of each job is in its folder, so that jobs continue after a
restart of the service.
"""

import asyncio
import logging
import secrets
import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from extractor.apps.serve.callers import OPERATOR, CallerBook, SharedMeter, now
from extractor.apps.serve.job import EVENTS, UPLOAD, Job, JobRun, JobState
from extractor.apps.serve.settings import ServiceSettings
from extractor.model.events import Event, tell
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
    """A job, and its start with its task while it runs."""

    job: Job
    start: JobRun | None = None
    task: "asyncio.Task[None] | None" = None

    @property
    def shown(self) -> Job:
        """The job with its counts so far."""
        return self.start.shown if self.start else self.job


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
        """Queue the waiting, running and paused jobs of the service's last start. Discard
        incomplete uploads.
        """
        found = []
        for path in self._root.glob("*/*"):
            if not (path / _JOB).exists():
                _discard(path)
            elif job := _read_job(path):
                found.append(_Entry(job))
        for entry in sorted(found, key=lambda each: (each.job.created, each.job.id)):
            self._entries[entry.job.id] = entry
            if entry.job.state in ACTIVE | {JobState.PAUSED}:
                self._set(entry, state=JobState.QUEUED, reason=None)
        self._fill()
        if self._settings.options.keep_days is not None:
            self._cleaning = asyncio.create_task(
                self._clean(timedelta(days=self._settings.options.keep_days))
            )

    async def _clean(self, age: timedelta) -> None:
        """Delete jobs that ended longer ago than ``age``, except those that wait for money or
        the model.
        """
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
        return entry.shown if entry and caller in (entry.job.caller, OPERATOR) else None

    def list_jobs(self, caller: str) -> list[Job]:
        """Return all jobs of a caller, newest first; those of all for the operator."""
        return [
            entry.shown
            for entry in reversed(self._entries.values())
            if caller in (entry.job.caller, OPERATOR)
        ]

    def submit(
        self, caller: str, job_id: str, name: str, size: int, options: ExtractionOptions
    ) -> Job:
        """Queue a job whose upload is complete, and write its state."""
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
        if entry.start:
            entry.start.run.is_stopping = True
        elif entry.job.state in ACTIVE:
            self._set(entry, state=JobState.CANCELLED, ended=now())
        return entry.shown

    async def delete(self, job_id: str) -> None:
        """End a job at once, and delete its files."""
        folder = self.path(job_id)
        entry = self._entries.pop(job_id)
        if entry.task:
            entry.task.cancel()
            await asyncio.wait([entry.task])
        await asyncio.to_thread(_discard, folder)

    def stop(self) -> None:
        """Begin no further record and no request to the model."""
        self._closing = True
        for start in [entry.start for entry in self._entries.values() if entry.start]:
            start.run.stop("the service stops")

    async def close(self, seconds: float) -> None:
        """Stop all jobs, and cancel those that still run after ``seconds``. They continue at the
        next start.
        """
        self.stop()
        if self._cleaning:
            self._cleaning.cancel()
        running = [entry.task for entry in self._entries.values() if entry.task]
        if running:
            for late in (await asyncio.wait(running, timeout=seconds))[1]:
                late.cancel()
            await asyncio.wait(running)

    def _fill(self) -> None:
        """Start waiting jobs while there is room."""
        while not self._closing:
            running = Counter(
                entry.job.caller for entry in self._entries.values() if entry.task
            )
            waiting = [
                entry
                for entry in self._entries.values()
                if entry.job.state is JobState.QUEUED
            ]
            if not waiting or running.total() >= self._settings.options.jobs:
                return
            entry = min(waiting, key=lambda each: running[each.job.caller])
            self._set(
                entry,
                state=JobState.RUNNING,
                started=entry.job.started or now(),
                ended=None,
            )
            job = entry.job
            entry.start = JobRun(
                job, self.path(job.id), self._settings, self._book, self._meter
            )
            entry.task = asyncio.create_task(self._perform(entry, entry.start))

    async def _perform(self, entry: _Entry, start: JobRun) -> None:
        """Run the rest of a job, and store its final state."""
        state, reason = await start.perform(self._executor)
        entry.job = entry.shown
        entry.start = None
        entry.task = None
        if self._closing and state is not JobState.DONE:
            self._set(entry, state=JobState.QUEUED)
        elif entry.job.id in self._entries:
            self._set(entry, state=state, reason=reason, ended=now())
        self._fill()

    def _set(self, entry: _Entry, **changes: Any) -> None:
        entry.job = entry.job.model_copy(update=changes)
        try:
            self._write(entry.job)
        # the job continues, but a restart may find its earlier state
        except OSError as error:
            place = error.filename or self.path(entry.job.id) / _JOB
            _logger.error("%s: %s; free some space", place, error.strerror)  # noqa: TRY400 - no traceback
        tell(Event.JOB_CHANGED, job=entry.job.id, state=entry.job.state.value)

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
    (folder / _JOB).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)

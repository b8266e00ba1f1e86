"""The jobs of all callers: the queue, the completion of jobs, and their deletion after a set
number of days.

So that jobs continue after a restart, the state of each job is also kept in the store, and its
files are in ``ROOT/jobs/<caller>/<job>``. Incomplete uploads, and files that are being deleted,
are in ``ROOT/partial``, which is emptied each time the service starts.
"""

import asyncio
import logging
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from extractor.apps.serve.drain import end_drain, is_draining
from extractor.apps.serve.events import EVENTS
from extractor.apps.serve.job import (
    ACTIVE,
    UPLOAD,
    Job,
    JobRun,
    JobState,
    count_results,
)
from extractor.apps.serve.keys import OPERATOR, Keys
from extractor.apps.serve.money import Money
from extractor.apps.serve.problems import describe_unexpected
from extractor.apps.serve.settings import ServiceSettings
from extractor.apps.serve.store import now
from extractor.errors import StoreError
from extractor.face import Database, Event, Executor, ExtractionOptions, Fact, tell
from extractor.schemas.vocabulary import Effort

_logger = logging.getLogger(__name__)
_ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
_WATCH_S = 10.0
_SAVE = """
INSERT INTO jobs VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE
SET state = excluded.state, has_begun = excluded.has_begun, job = excluded.job
"""


@dataclass(eq=False)
class Jobs:
    """Runs jobs. The next job to start is the oldest waiting job of the caller with the fewest
    running jobs.
    """

    settings: ServiceSettings
    store: Database
    keys: Keys
    money: Money
    executor: Executor

    def __post_init__(self) -> None:
        self._root = self.settings.root.absolute()
        self._partial = self._root / "partial"
        self._jobs: dict[str, Job] = {}
        self._runs: dict[str, JobRun] = {}
        self._is_stopping = False

    def start(self) -> None:
        """Queue the jobs that were waiting, running or paused when the service stopped, and keep
        starting jobs that are waiting.
        """
        end_drain(self._root)
        shutil.rmtree(self._partial, ignore_errors=True)
        # the row of a cancelled job stays running until the job's last records have ended
        self.store.execute("UPDATE jobs SET state = json_extract(job, '$.state')")
        rows = self.store.execute("SELECT job FROM jobs ORDER BY rowid").fetchall()
        for (text,) in rows:
            job = Job.model_validate_json(text)
            self._jobs[job.id] = job
            # a paused job may continue, because the budget or the model may be available again
            if job.state in _ENDED:
                continue
            # the stored count is older than the results if the service was killed
            extracted = max(job.extracted, count_results(self.folder(job)))
            self._update(
                job.id,
                state=JobState.QUEUED,
                reason=None,
                ended=None,
                extracted=extracted,
            )
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """At regular intervals, start waiting jobs, in case a drain was cancelled, and delete old
        jobs. An unexpected error is logged, and the next interval tries again.
        """
        while True:
            try:
                self.start_waiting()
                await self._delete_old()
            except Exception as error:  # noqa: BLE001 - waiting jobs must not wait forever
                _logger.error("waiting jobs: %s", describe_unexpected(error))  # noqa: TRY400
            await asyncio.sleep(_WATCH_S)

    async def _delete_old(self) -> None:
        """Delete the jobs that ended more than ``keep_days`` days ago. Paused jobs are kept."""
        days = self.settings.options.keep_days
        if days is None:
            return
        for job in list(self._jobs.values()):
            if job.state not in _ENDED:
                continue
            # during the last deletion, a caller may have resumed or deleted this job
            if self._jobs.get(job.id) is not job:
                continue
            before = datetime.now(UTC) - timedelta(days=days)
            if (job.ended or "") < before.isoformat():
                with suppress(OSError):
                    await self.delete(job.id, None)

    def folder(self, job: Job) -> Path:
        """Return a job's folder."""
        return self._root / "jobs" / job.caller / job.id

    @contextmanager
    def receiving(self) -> Iterator[Path]:
        """Yield a folder to which an upload can be written. The folder's name, which encodes 128
        random bits, becomes the job's id. Unless ``submit`` moves the folder, it is deleted at the
        end of the block.
        """
        folder = self._partial / secrets.token_hex(16)
        (folder / UPLOAD).mkdir(parents=True, mode=0o700)
        (folder / EVENTS).touch()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def submit(
        self,
        caller: str,
        received: Path,
        name: str,
        size: int,
        options: ExtractionOptions,
        columns: dict[str, str],
    ) -> Job:
        """Queue a job whose upload into the folder ``received`` is complete, and start the job if a
        slot is free. ``name`` and ``size`` are the upload's name and its size in bytes, and
        ``columns`` the caller's names of columns.
        """
        job = Job(
            id=received.name,
            caller=caller,
            state=JobState.QUEUED,
            name=name,
            bytes=size,
            columns=columns,
            tasks=options.tasks,
            effort=options.effort,
            min_confidence=options.min_confidence,
            fields=tuple(field.name for field in options.fields),
            created=now(),
        )
        folder = self.folder(job)
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        received.rename(folder)
        self._save(job)
        self._jobs[job.id] = job
        tell(Event.JOB_SUBMITTED, **self._describe(job), bytes=size)
        self.start_waiting()
        return self._jobs[job.id]

    def _describe(self, job: Job) -> dict[str, Fact]:
        """Return a job's id, caller, effort and model for an event."""
        model = None
        if self.settings.model and job.effort is not Effort.NONE:
            model = self.settings.model.name
        return {
            "job": job.id,
            "caller": job.caller,
            "effort": job.effort.value,
            "model": model,
        }

    def find(self, caller: str, job_id: str) -> Job | None:
        """Return a job, or None if it does not exist or belongs to another caller."""
        job = self._jobs.get(job_id)
        if job is None:
            return None
        if caller not in {job.caller, OPERATOR}:
            return None
        if job_id in self._runs:
            return self._runs[job_id].snapshot
        return job

    def list_jobs(self, caller: str) -> list[Job]:
        """Return a caller's jobs, newest first; the operator sees the jobs of all callers."""
        visible = (self.find(caller, job_id) for job_id in reversed(self._jobs))
        return [*filter(None, visible)]

    def cancel(self, job_id: str, requested_by: str) -> Job:
        """End a job at the request of a caller, and keep its results. A running job ends once the
        records in progress are finished; a waiting job ends immediately. An inactive job is
        unchanged.

        The cancellation of a running job is stored first, so that the job does not continue after
        a kill. Raises ``StoreError`` if it cannot be stored; the job ends all the same.
        """
        running = self._runs.get(job_id)
        if running:
            running.cancelled_by = requested_by
            running.run.is_stopping = True
            job = running.snapshot
            # stored only: in memory, the job runs until its last records are finished
            ended = {"state": JobState.CANCELLED, "reason": None, "ended": now()}
            self._save(job.model_copy(update=ended), job.state)
            return job
        if self._jobs[job_id].state is JobState.QUEUED:
            self._update(job_id, requested_by, state=JobState.CANCELLED, ended=now())
        return self._jobs[job_id]

    def resume(self, job_id: str, requested_by: str) -> Job:
        """Queue an inactive job again at the request of a caller."""
        self._update(
            job_id, requested_by, state=JobState.QUEUED, reason=None, ended=None
        )
        self.start_waiting()
        return self._jobs[job_id]

    async def delete(self, job_id: str, requested_by: str | None) -> None:
        """End a job immediately and delete its files, at the request of a caller, or of the service
        itself if ``requested_by`` is None. A job that has already been deleted is ignored.
        """
        running = self._runs.get(job_id)
        if running:
            # a running job could write files again after their deletion
            running.cancelled_by = requested_by
            running.task.cancel()
            await asyncio.wait([running.task])
            # a task that is cancelled before its first step does not remove itself
            self._runs.pop(job_id, None)
        job = self._jobs.pop(job_id, None)
        if job is None:
            return
        self._partial.mkdir(exist_ok=True, mode=0o700)
        discarded = self._partial / job_id
        self.folder(job).rename(discarded)
        self.store.execute("DELETE FROM jobs WHERE id = ?", (job_id,))
        await asyncio.to_thread(shutil.rmtree, discarded, ignore_errors=True)
        tell(
            Event.JOB_DELETED,
            job=job_id,
            caller=job.caller,
            by=requested_by,
            extracted=job.extracted,
            failed=job.failed,
        )

    def stop(self) -> None:
        """Stop all jobs from starting to extract further records or sending further model
        requests.
        """
        self._is_stopping = True
        for running in self._runs.values():
            running.run.stop("the service is stopping")

    async def close(self, seconds: float) -> None:
        """Wait for all jobs to end. After ``seconds``, cancel the jobs that are still running;
        those jobs then sort their results. All jobs continue at the next start.
        """
        self._watching.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(each.task for each in self._runs.values()))

    @property
    def unfinished(self) -> int:
        """The number of waiting or running jobs."""
        return sum(job.state in ACTIVE for job in self._jobs.values())

    def count_states(self) -> dict[str, int]:
        """Return the number of jobs in each state, including states without jobs."""
        counts = dict.fromkeys(map(str, JobState), 0)
        for job in self._jobs.values():
            counts[job.state] += 1
        return counts

    def start_waiting(self) -> None:
        """Start the jobs that are waiting, as long as slots are free and the service is not
        stopping. During a drain, only jobs that were started earlier may continue. A job whose
        start fails unexpectedly waits for the next interval.
        """
        failed = set[str]()
        is_drained = is_draining(self._root)
        while not self._is_stopping and len(self._runs) < self.settings.options.jobs:
            running = Counter(self._jobs[job_id].caller for job_id in self._runs)
            waiting = []
            for job in self._jobs.values():
                may_begin = not is_drained or job.started
                is_waiting = job.state is JobState.QUEUED and job.id not in failed
                if is_waiting and may_begin:
                    waiting.append(job)
            if not waiting:
                return
            # among equal callers, min returns the first job, which is the oldest
            chosen = min(waiting, key=lambda job: running[job.caller])
            try:
                self._start_job(chosen)
            except Exception as error:  # noqa: BLE001 - its caller was told that it is accepted
                failed.add(chosen.id)
                described = describe_unexpected(error)
                _logger.error("job %s cannot start: %s", chosen.id, described)  # noqa: TRY400

    def _start_job(self, job: Job) -> None:
        """Start or restart a waiting job as a task in the event loop."""
        waiting = job
        started = job.started or now()
        try:
            job = self._update(job.id, state=JobState.RUNNING, started=started)
            running = JobRun(
                job, self.folder(job), self.settings, self.keys, self.money
            )
        except BaseException:
            # otherwise, a job without a run would be running forever
            self._jobs[job.id] = waiting
            raise
        self._runs[job.id] = running
        running.task = asyncio.create_task(self._perform(running))

    async def _perform(self, running: JobRun) -> None:
        """Run a job until it ends, store its final state, and start the next job. A job that ended
        because the service is stopping is queued, and continues at the next start, unless a
        caller has cancelled it.
        """
        state, reason = await running.perform(self.executor)
        ended: str | None = now()
        is_cancelled = running.cancelled_by is not None
        # a paused job would continue at the next start
        if is_cancelled and state is JobState.PAUSED:
            state = JobState.CANCELLED
            reason = None
        is_interrupted = self._is_stopping and not is_cancelled
        if is_interrupted and state is not JobState.DONE:
            state = JobState.QUEUED
            reason = ended = None
        job = running.snapshot
        tell(
            Event.JOB_ENDED,
            state=state.value,
            **self._describe(job),
            **running.facts,
        )
        del self._runs[job.id]
        self._jobs[job.id] = job
        self._update(
            job.id, running.cancelled_by, state=state, reason=reason, ended=ended
        )
        self.start_waiting()

    def _update(
        self, job_id: str, requested_by: str | None = None, **changes: object
    ) -> Job:
        """Change a job, store it, and emit an event. ``requested_by`` is the caller who requested
        the change, or None for the service itself.
        """
        job = self._jobs[job_id].model_copy(update=changes)
        self._jobs[job_id] = job
        try:
            self._save(job)
        except StoreError as error:
            # the job continues, but a restart may restore its earlier state
            _logger.error("job %s: %s", job_id, error)  # noqa: TRY400 - no traceback
        tell(
            Event.JOB_CHANGED,
            job=job_id,
            caller=job.caller,
            state=job.state.value,
            by=requested_by,
        )
        return job

    def _save(self, job: Job, row_state: JobState | None = None) -> None:
        """Store a job. ``row_state`` is the state that ``drain`` reads, if it is not the job's."""
        state = row_state or job.state
        row = (job.id, state.value, job.started is not None, job.model_dump_json())
        self.store.execute(_SAVE, row)

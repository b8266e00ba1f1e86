"""Jobs under way: which is next, what each has done, and how each ends."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from extractor.events import Event, tell

from .job_process import JobPlan, perform_job
from .jobs import ACTIVE, Job, JobFolders, JobState, now
from .messages import Ended, Ending, Progress, Reserve, Settle, Stop
from .process import ChildProcess
from .purse import Purse, Teller
from .settings import ServiceSettings

__all__ = ["JobRunner"]

_logger = logging.getLogger(__name__)
_MOST_DEATHS = 3
_ENDINGS = {
    Ending.DONE: JobState.DONE,
    Ending.PAUSED: JobState.PAUSED,
    Ending.FAILED: JobState.FAILED,
    Ending.STOPPED: JobState.CANCELLED,
}


@dataclass(slots=True)
class _Known:
    """A job, whose it is, and its process if it is under way."""

    caller: str
    job: Job
    child: ChildProcess | None = None
    teller: Teller | None = None
    ended: Ended | None = None
    deaths: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class JobRunner:
    """All jobs of all callers. Those that wait go in the order in which they came, but one caller's before another's
    only while both have as many under way.
    """

    def __init__(self, settings: ServiceSettings, folders: JobFolders, purse: Purse) -> None:
        self._settings, self._folders, self._purse = settings, folders, purse
        self._known: dict[str, _Known] = {}
        self._closing = False

    def start(self) -> None:
        """Take up what an earlier start of the service left: jobs that waited, were under way, or paused."""
        for caller, job in self._folders.read_all():
            self._known[job.id] = _Known(caller, job)
            if job.state in ACTIVE | {JobState.PAUSED}:
                self._set(self._known[job.id], state=JobState.QUEUED, reason=None)
        self._fill()

    def find(self, caller: str, job_id: str) -> Job | None:
        """A caller's job of that id; another's is none."""
        known = self._known.get(job_id)
        return known.job if known and known.caller == caller else None

    def list_jobs(self, caller: str) -> list[Job]:
        """All of a caller's jobs, the newest first."""
        return [known.job for known in reversed(self._known.values()) if known.caller == caller]

    def count_states(self) -> Counter[JobState]:
        """How many jobs there are in each state."""
        return Counter(known.job.state for known in self._known.values())

    def submit(self, caller: str, job: Job) -> None:
        """Take a job whose upload is there. It is kept before this returns."""
        self._folders.write(caller, job)
        self._known[job.id] = _Known(caller, job)
        self._fill()

    def resume(self, job_id: str) -> Job:
        """Put a job that is not active back into the queue."""
        known = self._known[job_id]
        known.deaths = 0
        self._set(known, state=JobState.QUEUED, reason=None, ended=None)
        self._fill()
        return known.job

    def cancel(self, job_id: str) -> Job:
        """End a job in order; what is finished is kept."""
        known = self._known[job_id]
        if known.child:
            known.child.send(Stop())
        elif known.job.state in ACTIVE:
            self._set(known, state=JobState.CANCELLED, ended=now())
        return known.job

    async def delete(self, job_id: str) -> None:
        """End a job at once, and take away all that is kept of it."""
        known = self._known.pop(job_id)
        while known.child:
            known.child.kill()
            await self._wait(known)
        self._wake(known)
        await asyncio.to_thread(self._folders.discard, known.caller, job_id)

    async def wait_for_change(self, job_id: str, seconds: float) -> None:
        """Until something happens to a job, or time has passed."""
        known = self._known.get(job_id)
        if known and not self._closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(known.changed.wait(), seconds)

    def begin_closing(self) -> None:
        """No job is begun any more, those under way are told to stop, and who waits for news is told."""
        self._closing = True
        for known in self._known.values():
            if known.child:
                known.child.send(Stop())
            self._wake(known)

    @property
    def is_closing(self) -> bool:
        return self._closing

    async def close(self, seconds: float) -> None:
        """Wait for the jobs under way so long, and end at once what is left. They go on with the next start."""
        self.begin_closing()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wait_for_all()
        for known in self._list_running():
            if known.child:
                known.child.kill()
        await self._wait_for_all()

    async def _wait_for_all(self) -> None:
        while running := list(self._list_running()):
            await self._wait(running[0])

    async def _wait(self, known: _Known) -> None:
        if known.child:
            await known.changed.wait()

    def _list_running(self) -> Iterator[_Known]:
        return (known for known in self._known.values() if known.child)

    def _fill(self) -> None:
        while not self._closing and (following := self._choose()):
            self._launch(following)

    def _choose(self) -> _Known | None:
        running = Counter(known.caller for known in self._list_running())
        if running.total() >= self._settings.bounds.jobs:
            return None
        waiting = (known for known in self._known.values() if known.job.state is JobState.QUEUED)
        return min(waiting, key=lambda known: running[known.caller], default=None)

    def _launch(self, known: _Known) -> None:
        self._set(known, state=JobState.RUNNING, started=known.job.started or now())
        known.ended = None
        settings, bounds = self._settings, self._settings.bounds
        plan = JobPlan(
            self._folders.path(known.caller, known.job.id).absolute(),
            known.caller,
            known.job.options,
            settings.pricing,
            settings.asking,
            bounds.concurrency,
            max(1, bounds.workers // bounds.jobs),
            is_suspect=known.deaths > 0,
        )
        known.child = ChildProcess(perform_job, plan, self._hearing(known), lambda cause: self._bury(known, cause))
        known.teller = Teller(self._purse, known.child.send)

    def _hearing(self, known: _Known) -> Callable[[Any], None]:
        def hear(message: Any) -> None:
            if isinstance(message, Reserve | Settle) and known.teller:
                known.teller.hear(message)
            elif isinstance(message, Progress):
                self._note(known, message)
                self._wake(known)
            elif isinstance(message, Ended):
                known.ended = message

        return hear

    def _bury(self, known: _Known, cause: str) -> None:
        """The process of a job has ended, well or not."""
        if known.teller:
            known.teller.close()
        known.child = known.teller = None
        if known.job.id in self._known:
            self._conclude(known, cause)
        self._wake(known)
        self._fill()

    def _conclude(self, known: _Known, cause: str) -> None:
        ended = known.ended
        if ended is None:
            known.deaths += 1
            if self._closing or known.deaths < _MOST_DEATHS:
                self._set(known, state=JobState.QUEUED)
            else:
                died = f"its process died {known.deaths} times ({cause})"
                self._set(known, state=JobState.FAILED, reason=died, ended=now())
            return
        self._note(known, ended.progress)
        if self._closing and ended.ending is not Ending.DONE:
            self._set(known, state=JobState.QUEUED)
        else:
            self._set(known, state=_ENDINGS[ended.ending], reason=ended.reason, ended=now())

    def _note(self, known: _Known, done: Progress) -> None:
        counts = {"extracted": done.extracted, "failed": done.failed, "usage": done.usage}
        known.job = known.job.model_copy(update=counts)

    def _set(self, known: _Known, **changes: Any) -> None:
        known.job = known.job.model_copy(update=changes)
        try:
            self._folders.write(known.caller, known.job)
        except OSError as error:  # the job goes on, and others after it; the next start may find its earlier state
            _logger.error("%s: %s; make room", error.filename, error.strerror)  # noqa: TRY400 - one line says it
        tell(Event.JOB_CHANGED, job=known.job.id, state=known.job.state.value)
        self._wake(known)

    def _wake(self, known: _Known) -> None:
        known.changed.set()
        known.changed = asyncio.Event()

"""Drain a service before its update: it takes and begins no new job, and ends those that run.

The command and the service are two processes: a file in the root says that it drains.
"""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from extractor.apps.serve.job import Job, JobState
from extractor.apps.serve.problems import ProblemError
from extractor.errors import StoreError
from extractor.plurals import counted

LOCK = ".lock"
"""The file in the root that a service locks."""
_DRAINING = "draining"
_WAIT_S = 1.0


def is_draining(root: Path) -> bool:
    """Return whether the service of a root takes no new jobs now."""
    return (root / _DRAINING).exists()


def end_drain(root: Path) -> None:
    """Let the service take new jobs again."""
    (root / _DRAINING).unlink(missing_ok=True)


def check_open(root: Path) -> None:
    """Raise ``ProblemError`` while the service takes no new jobs."""
    if is_draining(root):
        raise ProblemError(
            "not-ready",
            "the service takes no new jobs before its update",
            retry_s=60,
            remedy="send it again in some minutes",
        )


def is_under_way(job: Job) -> bool:
    """Return whether a job has begun and goes on. One that only waits has nothing to lose."""
    if job.state is JobState.RUNNING:
        return True
    return job.state is JobState.QUEUED and job.started is not None


def drain(root: Path, report: Callable[[str], None]) -> Counter[JobState]:
    """Let the service take and begin no new job, and wait until none is under way. Returns how many
    jobs there are in each state then.

    ``report`` gets the number of jobs under way, each time that it changes. If the wait ends early,
    the service takes new jobs again. Raises ``StoreError`` if no service runs, or it stops or
    starts meanwhile.
    """
    _check_served(root)
    (root / _DRAINING).touch()
    try:
        return _wait(root, report)
    except BaseException:
        end_drain(root)
        raise


def _wait(root: Path, report: Callable[[str], None]) -> Counter[JobState]:
    """Wait until no job is under way, and return how many are in each state."""
    last_count = 0
    while True:
        # first, since the service may be about to begin a job
        time.sleep(_WAIT_S)
        _check_served(root)
        if not is_draining(root):
            raise StoreError(
                f"{root}: the service has started again, and takes new jobs; drain it again"
            )
        jobs = _read_jobs(root)
        count = sum(is_under_way(job) for job in jobs)
        if not count:
            return Counter(job.state for job in jobs)
        if count != last_count:
            report(f"{counted(count, 'job')} under way")
            last_count = count


def _read_jobs(root: Path) -> list[Job]:
    """Return all jobs whose state can be read; the service itself tells of others."""
    jobs = []
    for state in root.glob("jobs/*/*/job.json"):
        # deleted meanwhile, or of another version
        try:
            jobs.append(Job.model_validate_json(state.read_bytes()))
        except (OSError, ValueError):
            continue
    return jobs


def _check_served(root: Path) -> None:
    """Raise ``StoreError`` if no service runs with a root."""
    try:
        with FileLock(root / LOCK, timeout=0):
            pass
    except Timeout:
        return
    raise StoreError(f"{root}: no service runs here, so no job does")

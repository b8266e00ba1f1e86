"""Drain a service before an update: the service finishes the running jobs, and does not accept or
start any other jobs.

The command and the service are separate processes, so a file in the root indicates that a drain is
in progress.
"""

import time
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from extractor.apps.serve.store import open_store
from extractor.errors import StoreError

LOCK = ".lock"
"""The file in the root that a running service locks."""
_DRAINING = "draining"
_WAIT_S = 1.0
# a queued job that has begun is about to continue
_COUNT_BUSY = """
SELECT count(*) FROM jobs WHERE state = 'running' OR state = 'queued' AND has_begun
"""


def is_draining(root: Path) -> bool:
    """Return whether the service is being drained and therefore rejects new jobs."""
    return (root / _DRAINING).exists()


def end_drain(root: Path) -> None:
    """Let the service accept new jobs again."""
    (root / _DRAINING).unlink(missing_ok=True)


def drain(root: Path) -> None:
    """Stop the service from accepting or starting jobs, and wait until no job is running.

    If the wait is interrupted, the service accepts new jobs again. Raises ``StoreError`` if no
    service is running, or if the service stops or restarts during the wait.
    """
    _check_served(root)
    (root / _DRAINING).touch()
    try:
        with closing(open_store(root)) as store:
            is_busy = True
            while is_busy and is_draining(root):
                # wait before checking, because the service may be about to start a job
                time.sleep(_WAIT_S)
                _check_served(root)
                is_busy = bool(store.value(_COUNT_BUSY))
    except BaseException:
        end_drain(root)
        raise
    # a service that starts ends the drain
    if not is_draining(root):
        raise StoreError(
            f"{root}: the service was restarted during the drain; drain it again"
        )


def _check_served(root: Path) -> None:
    """Raise ``StoreError`` if no service is running with this root."""
    try:
        with FileLock(root / LOCK, timeout=0):
            pass
    except Timeout:
        return
    raise StoreError(f"{root}: no service is running here, so no job is running either")

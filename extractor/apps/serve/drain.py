"""Drain a service before an update: it accepts and starts no new jobs, and finishes the running
ones.

The command and the service are two processes: a file in the root marks the drain.
"""

import time
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from extractor.apps.serve.store import open_store
from extractor.errors import StoreError

LOCK = ".lock"
"""The file in the root that a service locks."""
_DRAINING = "draining"
_WAIT_S = 1.0
_UNDER_WAY = """
SELECT count(*) FROM jobs WHERE state = 'running' OR state = 'queued' AND has_begun
"""


def is_draining(root: Path) -> bool:
    """Return whether the service of a root takes no new jobs now."""
    return (root / _DRAINING).exists()


def end_drain(root: Path) -> None:
    """Let the service take new jobs again."""
    (root / _DRAINING).unlink(missing_ok=True)


def drain(root: Path) -> None:
    """Stop the service from accepting and starting jobs, and wait until none is running.

    If the wait ends early, the service takes new jobs again. Raises ``StoreError`` if no service
    runs, or it stops or starts meanwhile.
    """
    _check_served(root)
    (root / _DRAINING).touch()
    try:
        with closing(open_store(root)) as store:
            is_busy = True
            while is_busy and is_draining(root):
                # first, since the service may be about to begin a job
                time.sleep(_WAIT_S)
                _check_served(root)
                is_busy = bool(store.value(_UNDER_WAY))
    except BaseException:
        end_drain(root)
        raise
    if not is_draining(root):
        raise StoreError(f"{root}: the service has started again; drain it again")


def _check_served(root: Path) -> None:
    """Raise ``StoreError`` if no service runs with a root."""
    try:
        with FileLock(root / LOCK, timeout=0):
            pass
    except Timeout:
        return
    raise StoreError(f"{root}: no service runs here, so no job does")

"""Event logs for jobs. Each job has its own log, which its caller can follow (``following.py``)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from extractor.face import Event, EventLog

EVENTS = "events.jsonl"
_log: ContextVar[EventLog | None] = ContextVar("log", default=None)


@contextmanager
def logging_events(path: Path) -> Iterator[None]:
    """Append the events of this task, and of the tasks that it starts, to a job's log."""
    with path.open("a", encoding="utf-8") as file:
        token = _log.set(EventLog(file))
        try:
            yield
        finally:
            _log.reset(token)


@contextmanager
def separate_job_events() -> Iterator[None]:
    """Write a job's events to the job's own log instead of the service's log. The loss of a worker
    process is recorded in both logs because it affects all jobs.
    """

    def divert(event: logging.LogRecord) -> bool:
        """Return whether an event belongs in the service's log."""
        log = _log.get()
        if log is None:
            return True
        log.handle(event)
        return event.getMessage() == Event.WORKER_LOST

    events = logging.getLogger("extractor.model.events")
    events.addFilter(divert)
    try:
        yield
    finally:
        events.removeFilter(divert)

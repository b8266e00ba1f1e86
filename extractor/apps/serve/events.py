"""The events of jobs: each job has a log of its own, which its caller may follow."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from io import SEEK_CUR
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from extractor.model.events import Event, EventLog

if TYPE_CHECKING:
    from extractor.apps.serve.job import Job

EVENTS = "events.jsonl"
_POLL_S = 0.2
_log: ContextVar[EventLog | None] = ContextVar("log", default=None)


@contextmanager
def keeping_events(path: Path) -> Iterator[None]:
    """Append the events of this task, and of the tasks that it begins, to the log of a job."""
    with path.open("a", encoding="utf-8") as file:
        token = _log.set(EventLog(file))
        try:
            yield
        finally:
            _log.reset(token)


@contextmanager
def keep_job_events_apart() -> Iterator[None]:
    """Send the events of a job only to its log, not to the service's. The death of a worker is
    in both logs because it affects all jobs.
    """

    def divert(event: logging.LogRecord) -> bool:
        """Return whether the service's log gets an event."""
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


async def follow(
    path: Path,
    last_id: str,
    find_job: "Callable[[], Job | None]",
    is_open: Callable[[], bool],
) -> AsyncIterator[dict[str, Any]]:
    """Yield a job, its events after that with the ``last_id``, and the job again at its end. Ends
    without it if the job is deleted, or the stream is no longer open.

    The id of an event is the byte of the log where it ends.
    """
    job = find_job()
    if job:
        yield _show("job", job.model_dump(mode="json"))
    with path.open("rb") as file:
        if last_id.isdecimal():
            # no file has an offset of more digits
            file.seek(min(int(last_id[:18]), path.stat().st_size))
        while job and is_open():
            # The job is read before the events, which are complete if it has ended.
            job = find_job()
            for line in _read_lines(file):
                if not is_open():
                    return
                # a line may be incomplete because the service was killed
                with suppress(ValueError):
                    event = json.loads(line)
                    yield _show(event.pop("event"), event) | {"id": str(file.tell())}
            if job and job.ended and is_open():
                yield _show("job", job.model_dump(mode="json"))
                return
            await asyncio.sleep(_POLL_S)


def _read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a growing file. A last line that is still being written stays unread."""
    line = file.readline()
    while line.endswith(b"\n"):
        yield line
        line = file.readline()
    file.seek(-len(line), SEEK_CUR)


def _show(name: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return a server-sent event with its data as JSON."""
    return {"event": name, "data": json.dumps(data, ensure_ascii=False)}

"""Event logs for jobs. Each job has its own log, which its caller can follow."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from io import SEEK_CUR
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from extractor.face import Event, EventLog

if TYPE_CHECKING:
    from extractor.apps.serve.job import Job

EVENTS = "events.jsonl"
_POLL_S = 0.2
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


async def follow(
    path: Path,
    last_id: str,
    find_job: "Callable[[], Job | None]",
    is_open: Callable[[], bool],
) -> AsyncIterator[dict[str, object]]:
    """Yield a job's state, its events after the event with the id ``last_id``, and its final state.

    The id of an event is the byte offset of its end in the log. With any other ``last_id``, such as
    "", the events start at the beginning. ``find_job`` returns None if the job was deleted, and
    ``is_open`` returns False if the stream must end; in both cases, the final state is omitted.
    """
    job = find_job()
    if job:
        yield _show("job", job.model_dump(mode="json"))
    with path.open("rb") as file:
        if last_id.isdecimal():
            # longer numbers are not valid file offsets
            file.seek(min(int(last_id[:18]), path.stat().st_size))
        while job and is_open():
            # the job is read before its events: if the job has ended, the events are complete
            job = find_job()
            for line in _read_lines(file):
                if not is_open():
                    return
                # a line may be incomplete if the service was killed
                with suppress(ValueError):
                    event = json.loads(line)
                    yield _show(event.pop("event"), event) | {"id": str(file.tell())}
            if job and job.ended and is_open():
                yield _show("job", job.model_dump(mode="json"))
                return
            await asyncio.sleep(_POLL_S)


def _read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a growing file, except for a last line that is still being written."""
    line = file.readline()
    while line.endswith(b"\n"):
        yield line
        line = file.readline()
    file.seek(-len(line), SEEK_CUR)


def _show(name: str, data: dict[str, object]) -> dict[str, object]:
    """Return a server-sent event with JSON data."""
    return {"event": name, "data": json.dumps(data, ensure_ascii=False)}

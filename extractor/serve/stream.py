"""A job's events as they happen, as server-sent events."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .jobs import ACTIVE
from .runner import JobRunner

__all__ = ["find_start", "follow_job"]

_QUIET_S = 15.0
_LOOK_S = 1.0
_BLOCK_BYTES = 256 * 1024


def find_start(events: Path, last_id: str | None) -> int:
    """From which byte on events are sent: after the one of that id, which is where it ends; from the first for others.

    >>> find_start(Path("no/such/file"), "17")
    0
    """
    if last_id is None or not last_id.isdecimal() or len(last_id) > 18 or not events.is_file():
        return 0
    start = int(last_id)
    with events.open("rb") as file:
        file.seek(max(start - 1, 0))
        return start if start and file.read(1) == b"\n" else 0


async def follow_job(runner: JobRunner, caller: str, job_id: str, events: Path, start: int) -> AsyncIterator[bytes]:
    """A job's state, its events after ``start``, each with its id, and its state once more when it has ended."""
    job = runner.find(caller, job_id)
    if job is None:
        return
    yield _render("job", job.model_dump(mode="json"))
    quiet = 0.0
    while True:
        # The state first: what is told before a job's end is in the file when the job has ended.
        job = runner.find(caller, job_id)
        sent = start
        while (read := _read_events(events, start)).end > start:
            yield read.rendered
            start = read.end
        if job is None or runner.is_closing:
            return
        if job.state not in ACTIVE:
            yield _render("job", job.model_dump(mode="json"))
            return
        quiet = 0.0 if start > sent else quiet + _LOOK_S
        if quiet >= _QUIET_S:
            quiet = 0.0
            yield b": nothing new\n\n"
        await runner.wait_for_change(job_id, _LOOK_S)


@dataclass(frozen=True, slots=True)
class _Read:
    """Events as they are sent, and the byte after the last of them."""

    rendered: bytes
    end: int


def _read_events(path: Path, start: int) -> _Read:
    """Some of the events after that byte; one that is being written waits."""
    rendered = b""
    if not path.is_file():
        return _Read(rendered, start)
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n") or len(rendered) > _BLOCK_BYTES:
                break
            start += len(line)
            rendered += _render_line(line, start)
    return _Read(rendered, start)


def _render_line(line: bytes, end: int) -> bytes:
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        return b""  # torn by the end of a process
    return f"id: {end}\n".encode() + _render(str(event.pop("event")), event)


def _render(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()

"""Stream a job's state and events to its caller."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from io import SEEK_CUR
from pathlib import Path
from typing import BinaryIO

from extractor.apps.serve.job import Job

_POLL_S = 0.2


async def follow_to_end(
    path: Path,
    last_id: str,
    find_job: Callable[[], Job | None],
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

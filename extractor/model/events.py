"""Events of a run and of the service, for logs.

Events are log records of the logger ``extractor.model.events``. The message is the name of the
event, and the attribute ``facts`` contains its facts. Facts are numbers, names and identifiers;
they never contain the text of a record, an error message (which may quote a record), an address or
a key.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import TextIO

from extractor.masking import mask

Fact = str | int | float | bool | None

_LONGEST = 200
_LONGEST_TRACEBACK = 2000
_logger = logging.getLogger("extractor.model.events")
_logger.addHandler(logging.NullHandler())
_logger.propagate = False
_logger.setLevel(logging.INFO)


class Event(StrEnum):
    """The names of the events. ``docs/reference/cli.md`` lists the facts of each event."""

    RUN_STARTED = "run_started"
    RUN_ENDED = "run_ended"
    RECORD_DONE = "record_done"
    RECORD_FAILED = "record_failed"
    CALL_ENDED = "call_ended"
    RATE_LIMITED = "rate_limited"
    BUDGET_REACHED = "budget_reached"
    WORKER_LOST = "worker_lost"
    REQUEST_ENDED = "request_ended"
    REQUEST_FAILED = "request_failed"
    JOB_SUBMITTED = "job_submitted"
    JOB_CHANGED = "job_changed"
    JOB_ENDED = "job_ended"
    JOB_DELETED = "job_deleted"
    SERVICE_STARTED = "service_started"
    SERVICE_ENDED = "service_ended"


def tell(event: Event, **facts: Fact) -> None:
    """Report an event to the listeners. String facts are masked and truncated to 200 characters, or
    2,000 for a traceback.
    """
    for name, fact in facts.items():
        if isinstance(fact, str):
            longest = _LONGEST_TRACEBACK if name == "traceback" else _LONGEST
            facts[name] = mask(fact)[:longest]
    _logger.info(event.value, extra={"facts": facts})


@contextmanager
def listening(handler: logging.Handler) -> Iterator[None]:
    """Send events to a handler inside the block, and close the handler afterwards."""
    _logger.addHandler(handler)
    try:
        yield
    finally:
        _logger.removeHandler(handler)
        handler.close()


class EventLog(logging.StreamHandler[TextIO]):
    """Writes each event as a line of JSON with ``time`` (UTC), ``event`` and the facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line in ASCII, because terminals interpret some other characters."""
        created = datetime.fromtimestamp(record.created, UTC)
        time = created.isoformat(timespec="milliseconds")
        facts = getattr(record, "facts", {})
        return json.dumps({"time": time, "event": record.getMessage()} | facts)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - a method of logging
        """Report once that events cannot be written, and why. The run continues."""
        self.setLevel(logging.CRITICAL)
        sys.stderr.write(f"extractor: events are lost: {sys.exc_info()[1]}\n")

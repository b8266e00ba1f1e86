"""What happens in a run, told as it happens: to a log, to telemetry, or to nobody.

Events go through Python's logging, as records of the logger ``extractor.events`` with the event's name as message and
the facts in the attribute ``facts``. Where nobody listens they cost nothing. Facts are numbers, names and identifiers;
never text of a record, a message of an error (which may quote one), an address or a key.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

__all__ = ["Event", "Fact", "facts_of", "is_heard", "listening", "tell"]

Fact = str | int | float | bool | None

_LONGEST, _LONGEST_TRACEBACK = 200, 2000
_logger = logging.getLogger("extractor.events")
_logger.addHandler(logging.NullHandler())
_logger.propagate = False


class Event(StrEnum):
    """The names of events. ``docs/logs.md`` says which facts each one has."""

    RUN_STARTED = "run_started"
    RUN_ENDED = "run_ended"
    RECORD_STARTED = "record_started"
    RECORD_DONE = "record_done"
    RECORD_FAILED = "record_failed"
    RECORD_REPEATED = "record_repeated"
    CALL_ENDED = "call_ended"
    RATE_LIMITED = "rate_limited"
    BREAKER_OPENED = "breaker_opened"
    BREAKER_CLOSED = "breaker_closed"
    BUDGET_REACHED = "budget_reached"
    WORKER_STARTED = "worker_started"
    WORKER_LOST = "worker_lost"
    REQUEST_ENDED = "request_ended"
    REQUEST_FAILED = "request_failed"
    JOB_CHANGED = "job_changed"


def is_heard() -> bool:
    """Whether anybody listens."""
    return _logger.isEnabledFor(logging.INFO)


def tell(event: Event, **facts: Fact) -> None:
    """Tell an event to whoever listens. A text longer than 200 characters is cut, a traceback at 2,000."""
    if is_heard():
        limits = dict.fromkeys(facts, _LONGEST) | {"traceback": _LONGEST_TRACEBACK}
        short = {name: fact[: limits[name]] if isinstance(fact, str) else fact for name, fact in facts.items()}
        _logger.info(event.value, extra={"facts": short})


@contextmanager
def listening(handler: logging.Handler) -> Iterator[None]:
    """Tell events to a handler while the body runs."""
    level = _logger.level
    _logger.addHandler(handler)
    _logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        _logger.removeHandler(handler)
        _logger.setLevel(level)
        handler.close()


def facts_of(record: logging.LogRecord) -> dict[str, Fact]:
    """The facts of an event."""
    facts: dict[str, Fact] = record.__dict__.get("facts", {})
    return facts

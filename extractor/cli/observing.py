"""Who listens to a run: a log of events, OpenTelemetry, or nobody."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

from .environment import has_telemetry_endpoint

__all__ = ["observing"]


@contextmanager
def observing(log_json: str | None) -> Iterator[None]:
    """Events go to a file, or to standard error for ``-``, and to OpenTelemetry where the environment names an endpoint
    and the extra is installed.
    """
    with ExitStack() as closing:
        if log_json:
            from extractor.events import listening
            from extractor.run.event_log import EventLog

            file = None if log_json == "-" else closing.enter_context(Path(log_json).open("a", encoding="utf-8"))
            closing.enter_context(listening(EventLog(file or sys.stderr)))
        if has_telemetry_endpoint() and find_spec("opentelemetry"):
            from extractor.events import listening
            from extractor.run.telemetry import SpanWriter

            closing.enter_context(listening(SpanWriter()))
        yield

"""Events as lines of JSON."""

import json
import logging
from datetime import UTC, datetime
from typing import TextIO

from extractor.events import facts_of

__all__ = ["EventLog"]


class EventLog(logging.StreamHandler[TextIO]):
    """Writes each event as one JSON object a line: ``time`` (UTC), ``event``, and its facts."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; what is not ASCII is escaped, since a terminal obeys some of it."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps({"time": time, "event": record.getMessage()} | facts_of(record))

"""Results as lines on a stream, for pipes."""

import json
from collections.abc import Container
from typing import Any, TextIO

from extractor.schemas import TrialExtraction

__all__ = ["StreamSink"]


class StreamSink:
    """Writes extractions as JSON lines to one stream and failures as JSON lines to another."""

    def __init__(self, results: TextIO, failures: TextIO) -> None:
        self._results, self._failures = results, failures
        self.done: Container[str] = frozenset()

    def skip(self, record_id: str) -> None:
        """Nothing is ever done before."""

    def write(self, extraction: TrialExtraction) -> None:
        """Print an extraction."""
        self._results.write(extraction.model_dump_json() + "\n")

    def write_failure(self, failure: dict[str, Any]) -> None:
        """Print a failure."""
        self._failures.write(json.dumps(failure, ensure_ascii=False) + "\n")

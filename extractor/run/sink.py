"""Where results go without a folder: lines on a stream, for pipes, or nowhere."""

import json
from collections.abc import Container
from typing import Any, TextIO

from extractor.schemas import TrialExtraction

__all__ = ["FailuresSink", "StreamSink"]


class FailuresSink:
    """Drops extractions and writes failures as JSON lines: for a run that only writes requests."""

    def __init__(self, failures: TextIO) -> None:
        self._failures = failures
        self.done: Container[str] = frozenset()

    def skip(self, record_id: str) -> None:
        """Nothing is ever done before."""

    def write(self, extraction: TrialExtraction) -> None:
        """Drop an extraction."""

    def write_failure(self, failure: dict[str, Any]) -> None:
        """Print a failure."""
        self._failures.write(json.dumps(failure, ensure_ascii=False) + "\n")


class StreamSink(FailuresSink):
    """Writes extractions as JSON lines to one stream and failures as JSON lines to another."""

    def __init__(self, results: TextIO, failures: TextIO) -> None:
        super().__init__(failures)
        self._results = results

    def write(self, extraction: TrialExtraction) -> None:
        """Print an extraction."""
        self._results.write(extraction.model_dump_json() + "\n")

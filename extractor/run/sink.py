"""Where results go without a folder: lines on a stream, for pipes, or nowhere."""

import json
from typing import Any, TextIO

from extractor.errors import RepeatedRecord
from extractor.schemas import TrialExtraction, TrialRecord

from .batch import describe_failure
from .extracted import Extracted, ExtractedLine

__all__ = ["FailuresSink", "StreamSink"]


class FailuresSink:
    """Drops extractions and writes failures as JSON lines: for a run that only writes requests."""

    in_any_order = False

    def __init__(self, failures: TextIO, *, strict: bool = False) -> None:
        self._failures, self.strict = failures, strict

    def is_done(self, record: TrialRecord) -> bool:  # noqa: ARG002 - the same for all
        """Nothing is ever done before."""
        return False

    def write(self, extraction: Extracted) -> None:
        """Drop an extraction."""

    def write_failure(self, failure: dict[str, Any]) -> None:
        """Print a failure."""
        self._failures.write(json.dumps(failure, ensure_ascii=self._failures.isatty()) + "\n")

    def write_repeated(self, error: RepeatedRecord) -> None:
        """Print where a record occurs again with another text. One with the same text is worth no line."""
        if not error.same_text:
            self.write_failure(describe_failure(error))


class StreamSink(FailuresSink):
    """Writes extractions as JSON lines to one stream and failures as JSON lines to another."""

    def __init__(self, results: TextIO, failures: TextIO, *, strict: bool = False) -> None:
        super().__init__(failures, strict=strict)
        self._results = results

    def write(self, extraction: Extracted) -> None:
        """Print an extraction."""
        if isinstance(extraction, ExtractedLine):
            if not self._results.isatty():
                self._results.write(extraction.line.decode() + "\n")
                return
            extraction = TrialExtraction.model_validate_json(extraction.line)
        # A terminal obeys some characters beyond ASCII, too.
        self._results.write(extraction.model_dump_json(ensure_ascii=self._results.isatty()) + "\n")

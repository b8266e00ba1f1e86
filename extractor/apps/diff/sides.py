"""One version of the trials: a run, a file of extractions, or records to be read with the
rules.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from extractor.apps.diff.changes import Change, diff_records, diff_trials
from extractor.errors import ArgumentError
from extractor.formats import read_records
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.run.finished import find_run
from extractor.run.joined import JoinedRuns
from extractor.schemas import TrialExtraction, TrialRecord

_START = 4_000
"""The number of bytes needed to recognise a file of extractions."""
_EXTRACTION = re.compile(rb'"record_id".*"(?:eligibility|dosing)":\s*[\[{]', re.DOTALL)
"""Matches the start of a file of extractions."""


class Side:
    """A version of the trials: the ``record_ids`` that have a result, the available ``records``,
    and messages about records that ``failed``.

    Raises ``ArgumentError`` if there is no result, and ``StoreError`` if a run cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.records: dict[str, TrialRecord] = {}
        self.failed: list[str] = []
        self._run: JoinedRuns | None = None
        if find_run(path) or _has_extractions(path):
            self._run = JoinedRuns([path])
            self.record_ids = dict.fromkeys(self._run.record_ids)
            for reread in self._run.reread():
                if reread.record:
                    self.records[reread.record_id] = reread.record
        else:
            readable = read_records(
                path, on_error=lambda error: self.failed.append(str(error))
            )
            self.records = {record.record_id: record for record in readable}
            self.record_ids = dict.fromkeys(self.records)
        if not self.record_ids:
            problem = "; ".join([f"{path}: no record could be read", *self.failed[:1]])
            raise ArgumentError(problem)

    def read(self, record_id: str) -> TrialExtraction:
        """Return a record's extraction."""
        if self._run:
            return self._run.read(record_id)
        return extract_by_rules(self.records[record_id], ExtractionOptions())


def _has_extractions(path: Path) -> bool:
    """Return whether a file, or the first file in a folder, contains extractions."""
    first = path
    if path.is_dir():
        first = min(path.glob("*.json"), default=path)
    if not first.is_file():
        return False
    with first.open("rb") as file:
        return _EXTRACTION.search(file.read(_START)) is not None


class ComparedTrial(NamedTuple):
    """A trial that is in both versions: its changes, and its records, which are None if they are
    not available.
    """

    record_id: str
    changes: Sequence[Change]
    old: TrialRecord | None
    new: TrialRecord | None


def compare(old: Side, new: Side) -> Iterator[ComparedTrial]:
    """Yield the trials that are in both versions, with their changes. If each version has only one
    record, the two are compared regardless of their ids.
    """
    pairs = [(name, name) for name in new.record_ids if name in old.record_ids]
    if len(old.record_ids) == len(new.record_ids) == 1:
        pairs = list(zip(old.record_ids, new.record_ids, strict=True))
    for old_id, new_id in pairs:
        changes = diff_trials(old.read(old_id), new.read(new_id))
        before = old.records.get(old_id)
        after = new.records.get(new_id)
        if before and after:
            changes += diff_records(before, after)
        yield ComparedTrial(new_id, changes, before, after)

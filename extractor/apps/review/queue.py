"""The records of a run with their texts and doubts."""

import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from extractor.apps.pages.view import name_record
from extractor.apps.values import (
    DOUBTS,
    describe_counts,
    list_all_rows,
    name_doubt,
)
from extractor.face import JoinedRuns, counted
from extractor.schemas import TrialExtraction, TrialRecord

_MAX_LISTED = 5
"""Maximum number of fields named for a record in the queue."""


class Doubt(NamedTuple):
    """The number of doubts in a record or, between annotators, of differences, and what to look
    at.
    """

    number: int
    reasons: tuple[str, ...]


def assess_result(result: TrialExtraction) -> Doubt:
    """Return the doubts of a result, which are those that ``extractor list`` lists.

    >>> gap = {"field": "dosing", "reason": "not_asked"}
    >>> result = {"record_id": "A", "eligibility": {}, "absences": [gap]}
    >>> assess_result(TrialExtraction.model_validate(result)).reasons
    ('1 doubt (0 values, 0 items, 1 empty field): dosing 1',)
    """
    rows = [row for row in list_all_rows(result) if name_doubt(row)]
    labels = Counter(row.label for row in rows)
    doubts = Counter(DOUBTS[row.kind] for row in rows)
    reasons = [describe_counts("doubt", labels, doubts, _MAX_LISTED)] if rows else []
    if result.findings:
        reasons.append(counted(len(result.findings), "finding"))
    return Doubt(len(rows), tuple(reasons))


class RunRecords:
    """The records of a run.

    Texts are read once, from ``inputs`` or, by default, from the run's inputs, and are kept in
    memory in compressed form. Raises ``StoreError`` if there are no results.

    Attributes:
        doubts: The doubts of each record.
        fields: The run's custom fields.
        titles: The titles of the records whose text is available and unchanged.
    """

    def __init__(self, run: Path, inputs: Sequence[Path] = ()) -> None:
        self._run = JoinedRuns([run], inputs)
        self.fields = self._run.fields
        self.doubts = {
            record_id: assess_result(self.read_extraction(record_id))
            for record_id in self._run.record_ids
        }
        self.titles: dict[str, str] = {}
        self._texts: dict[str, bytes] = {}
        for reread in self._run.reread():
            if reread.record is None:
                continue
            self.titles[reread.record_id] = name_record(reread.record)
            content = reread.record.model_dump_json().encode()
            self._texts[reread.record_id] = zlib.compress(content)

    def read_text(self, record_id: str) -> TrialRecord:
        """Return a record. Raises ``ValueError`` if its text is not available."""
        if record_id not in self._texts:
            raise ValueError(
                f"{record_id!r}: no such record, or its text is missing or has changed "
                "since the run"
            )
        return TrialRecord.model_validate_json(zlib.decompress(self._texts[record_id]))

    def read_extraction(self, record_id: str) -> TrialExtraction:
        """Return a record's result."""
        return self._run.read(record_id)

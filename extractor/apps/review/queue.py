"""The records of a run with their texts. Records with the highest expected number of wrong values
come first.
"""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from extractor.apps.pages import name_label
from extractor.apps.pages.view import name_record
from extractor.apps.values import (
    RowKind,
    ValueRow,
    list_all_rows,
    list_less_sure_items,
)
from extractor.plurals import counted, percent
from extractor.run.joined import JoinedRuns
from extractor.schemas import FieldRef, TrialExtraction, TrialRecord
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_MAX_LISTED = 3
"""Maximum number of doubtful values listed for a record in the queue."""


class Doubt(NamedTuple):
    """The expected number of wrong values in a record, and its most doubtful values."""

    expected: float
    reasons: tuple[str, ...]


def assess_result(result: TrialExtraction) -> Doubt:
    """Return the doubt about a result. The expected number of wrong values is the sum of (1 -
    confidence) over its values. The values that are named are doubts, as in ``extractor list``.

    >>> criterion = {
    ...     "kind": "inclusion",
    ...     "section": "eligibility",
    ...     "quote": "Age over 18",
    ...     "confidence": 0.6,
    ... }
    >>> result = {"record_id": "A", "eligibility": {"criteria": [criterion]}}
    >>> assess_result(TrialExtraction.model_validate(result)).reasons
    ('criteria 1 kind 60 %', 'criteria 1 quote 60 %')
    """
    rows = list(list_all_rows(result))
    # the members of a list have the same name, and count once if they are equally sure
    rated = {
        (row.confidence, _name_value(row))
        for row in (*rows, *list_less_sure_items(result, rows))
        if row.confidence is not None
    }
    expected = sum(1 - confidence for confidence, _ in rated)
    doubtful = [value for value in sorted(rated) if value[0] < DOUBTFUL_BELOW]
    least_sure = doubtful[:_MAX_LISTED]
    reasons = [f"{name} {percent(confidence)}" for confidence, name in least_sure]
    if len(doubtful) > _MAX_LISTED:
        reasons.append(f"{len(doubtful) - _MAX_LISTED:,} more")
    findings = sum(row.kind is RowKind.FINDING for row in rows)
    if findings:
        reasons.append(counted(findings, "finding"))
    return Doubt(round(expected, 3), tuple(reasons))


def _name_value(row: ValueRow) -> str:
    item = FieldRef(row.item)
    name = name_label(item.names[-1])
    if item.position is not None:
        name = f"{name} {item.position + 1}"
    field = FieldRef(row.field).path.removeprefix("values.")
    return f"{name} {name_label(field)}"


class RunRecords:
    """The records of a run.

    Texts are read once, from ``inputs`` or, by default, from the run's inputs, and are kept in
    memory in compressed form. Raises ``StoreError`` if there are no results.

    Attributes:
        doubts: The doubt about each record, in queue order.
        fields: The run's custom fields.
        titles: The titles of the records whose text is available and unchanged.
    """

    def __init__(self, run: Path, inputs: Sequence[Path] = ()) -> None:
        self._run = JoinedRuns([run], inputs)
        self.fields = self._run.fields
        doubts = {
            record_id: assess_result(self.read_extraction(record_id))
            for record_id in self._run.record_ids
        }
        self.doubts = dict(
            sorted(doubts.items(), key=lambda pair: pair[1].expected, reverse=True)
        )
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

"""The records of a run with their texts. Records with the most doubts come first."""

import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from extractor.apps.pages import name_label
from extractor.apps.pages.view import name_record
from extractor.apps.values import (
    RowKind,
    ValueRow,
    count_doubts,
    list_all_rows,
    name_doubt,
)
from extractor.plurals import counted, percent
from extractor.run.joined import JoinedRuns
from extractor.schemas import FieldRef, TrialExtraction, TrialRecord

_MAX_LISTED = 3
"""Maximum number of doubts named for a record in the queue."""


class Doubt(NamedTuple):
    """The number of doubts in a record or, between annotators, of differences, and what to look
    at.
    """

    number: int
    reasons: tuple[str, ...]


def assess_result(result: TrialExtraction) -> Doubt:
    """Return the doubts of a result, which are those that ``extractor list`` lists.

    >>> criterion = {
    ...     "kind": "inclusion",
    ...     "section": "eligibility",
    ...     "quote": "Age over 18",
    ...     "confidence": 0.6,
    ... }
    >>> result = {"record_id": "A", "eligibility": {"criteria": [criterion]}}
    >>> _, *least_sure = assess_result(TrialExtraction.model_validate(result)).reasons
    >>> least_sure
    ['criteria 1 kind 60 %', 'criteria 1 quote 60 %']
    """
    rows = list(list_all_rows(result))
    counts = Counter(filter(None, map(name_doubt, rows)))
    # the members of a list have the same name, and are named once if they are equally sure
    least_sure = sorted(
        {
            (row.confidence, _name_value(row))
            for row in rows
            if row.confidence is not None and name_doubt(row)
        }
    )
    reasons = [count_doubts(counts)] if counts else []
    reasons += [
        f"{name} {percent(confidence)}" for confidence, name in least_sure[:_MAX_LISTED]
    ]
    findings = sum(row.kind is RowKind.FINDING for row in rows)
    if findings:
        reasons.append(counted(findings, "finding"))
    return Doubt(counts.total(), tuple(reasons))


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
            sorted(doubts.items(), key=lambda pair: pair[1].number, reverse=True)
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

"""The records of a run with their texts, those with the most expected errors first."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from extractor.apps.pages.view import name_item, name_record
from extractor.evidence.drafts import CERTAIN
from extractor.plurals import counted, percent
from extractor.run.finished import FinishedRun
from extractor.run.manifest import restore_fields
from extractor.schemas import Severity, TrialExtraction, TrialRecord

_FINDING = {Severity.WARNING: 0.5, Severity.INFO: 0.1}
"""Expected errors per finding."""
_NAMED = 3
"""Most doubtful items named in the queue."""


class Doubt(NamedTuple):
    """The number of items of a record, the expected number of errors in them, and the likeliest
    errors in words.
    """

    items: int
    expected: float
    reasons: tuple[str, ...]


def weigh_result(result: TrialExtraction) -> Doubt:
    """Estimate errors: the sum of 1 - confidence over the items, plus the weight of each finding.

    >>> criterion = {
    ...     "kind": "inclusion",
    ...     "section": "eligibility",
    ...     "quote": "Age over 18",
    ...     "confidence": 0.6,
    ... }
    >>> weigh_result(
    ...     TrialExtraction(
    ...         record_id="A", eligibility={"confidence": 1, "criteria": [criterion]}
    ...     )
    ... )
    Doubt(items=2, expected=0.4, reasons=('inclusion criterion 1 is 60 % sure',))
    """
    items = list(result.list_items())
    # An item is wrong with the probability that its confidence lacks to 1.
    lacks: list[float] = []
    doubtful: list[tuple[str, float]] = []
    for path, item in items:
        if item.confidence is None:
            continue
        lack = 1 - item.confidence
        lacks.append(lack)
        if lack > 1 - CERTAIN:
            doubtful.append((name_item(path, item), lack))
    doubtful.sort(key=lambda pair: -pair[1])
    findings = sum(_FINDING[finding.severity] for finding in result.findings)
    expected = round(sum(lacks) + findings, 3)
    reasons = [
        f"{name} is {percent(1 - lack)} sure" for name, lack in doubtful[:_NAMED]
    ]
    rest = len(doubtful) - _NAMED
    if rest == 1:
        reasons.append("1 more is not certain")
    elif rest > 1:
        reasons.append(f"{rest} more are not certain")
    number = len(result.findings)
    if number:
        reasons.append(counted(number, "finding"))
    return Doubt(len(items), expected, tuple(reasons))


class RunRecords:
    """The records of a run, those with the most expected errors first.

    Texts are read once, from ``inputs`` or by default the run's inputs, and kept compressed. A
    result is read when its record is opened. Raises ``StoreError`` for a folder that holds no run.

    Attributes:
        doubts: The doubt of every record, in queue order.
        fields: The user's own fields of the run, by name.
        titles: The titles of the records whose text was found.
        incomplete: Progress of an unfinished run, None for a complete one.
    """

    def __init__(self, run: Path, inputs: Sequence[Path] = ()) -> None:
        self._run = FinishedRun(run)
        self.incomplete = self._run.incomplete
        self.fields = {
            field.name: field for field in restore_fields(self._run.manifest.settings)
        }
        doubts = {
            name: weigh_result(self.read_extraction(name))
            for name in self._run.record_ids
        }
        self.doubts: dict[str, Doubt] = dict(
            sorted(doubts.items(), key=lambda pair: -pair[1].expected)
        )
        self.titles: dict[str, str | None] = {}
        self._texts: dict[str, bytes] = {}
        for reread in self._run.reread(inputs):
            if reread.record is None:
                continue
            written = reread.record.model_dump_json().encode()
            self.titles[reread.record_id] = name_record(reread.record)
            self._texts[reread.record_id] = zlib.compress(written)

    def has_text(self, record_id: str) -> bool:
        """Return whether the text of a record was found and has not changed since the run."""
        return record_id in self._texts

    def count_without_text(self) -> int:
        """Count the records that cannot be reviewed because their text is missing."""
        return sum(name not in self._texts for name in self.doubts)

    def read_text(self, record_id: str) -> TrialRecord:
        """Return a record whose text was found."""
        return TrialRecord.model_validate_json(zlib.decompress(self._texts[record_id]))

    def read_extraction(self, record_id: str) -> TrialExtraction:
        """Return the result of a record."""
        return self._run.read_result(record_id, TrialExtraction)

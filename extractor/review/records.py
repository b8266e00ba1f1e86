"""A run's folder as a reviewer needs it: what was extracted, and the texts it was extracted from."""

import zlib
from collections.abc import Sequence
from pathlib import Path

from extractor.run.finished import FinishedRun
from extractor.schemas import TrialExtraction, TrialRecord

from .doubts import Doubt, WeighedResult, weigh_result

__all__ = ["RunRecords", "read_title"]


class RunRecords:
    """The records of a run, those with the likeliest errors first.

    Texts are read once, from the run's inputs, or from ``inputs`` where these were moved, and kept compressed;
    a result and a text are opened only for the record that is asked for. ``incomplete`` says how far a run came that
    has not come to its end. Raises ``StoreError`` for a folder that holds no run.
    """

    def __init__(self, run: Path, inputs: Sequence[Path] = ()) -> None:
        self._run = FinishedRun(run)
        self.incomplete = self._run.incomplete
        doubts = {name: weigh_result(self._run.read_result(name, WeighedResult)) for name in self._run.record_ids}
        self.doubts: dict[str, Doubt] = dict(sorted(doubts.items(), key=lambda pair: -pair[1].expected))
        self.titles: dict[str, str | None] = {}
        self._texts: dict[str, bytes] = {}
        for one in self._run.reread(inputs):
            if one.record:
                self.titles[one.record_id] = read_title(one.record)
                self._texts[one.record_id] = zlib.compress(one.record.model_dump_json().encode())

    def has_text(self, record_id: str) -> bool:
        """Whether the text of a record is at hand, and still what the run read."""
        return record_id in self._texts

    def count_without_text(self) -> int:
        """How many records cannot be reviewed, for want of their text."""
        return len(self.doubts) - len(self._texts)

    def read_text(self, record_id: str) -> TrialRecord:
        """A record of the run that has its text."""
        return TrialRecord.model_validate_json(zlib.decompress(self._texts[record_id]))

    def read_extraction(self, record_id: str) -> TrialExtraction:
        """What was extracted from a record of the run."""
        return self._run.read_result(record_id, TrialExtraction)


def read_title(record: TrialRecord) -> str | None:
    """The record's title, None if it has none."""
    return next((text for name in ("title", "official_title") if (text := record.raw_text(name))), None)

"""A run's folder as a reviewer needs it: what was extracted, and the texts it was extracted from."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from extractor.errors import RecordError, StoreError
from extractor.evaluation.load import open_extractions
from extractor.read import read_records
from extractor.run.folder import MANIFEST
from extractor.run.manifest import read_manifest
from extractor.run.store import RunStore, digest_record
from extractor.schemas import TrialExtraction, TrialRecord

from .doubts import Doubt, weigh_record

__all__ = ["RunRecords"]


class RunRecords:
    """The records of a run, those with the likeliest errors first.

    Texts are read from the run's inputs, or from ``inputs`` where these were moved. Raises ``StoreError`` for a folder
    that holds no run.
    """

    def __init__(self, run: Path, inputs: Sequence[Path] = ()) -> None:
        if read_manifest(run / MANIFEST) is None:
            raise StoreError(f"{run}: holds no run; name a folder that extractor run --out wrote")
        self._extractions = open_extractions(run, str(run))
        doubts: dict[str, Doubt] = {}
        sources: dict[str, None] = {}
        for name in self._extractions.record_ids:
            extraction = self.extraction(name)
            doubts[name] = weigh_record(extraction)
            if extraction.source:
                sources[extraction.source.path] = None
        self.doubts = dict(sorted(doubts.items(), key=lambda pair: -pair[1].expected))
        files = inputs or [Path(path) for path in sources if Path(path).is_file()]
        self.texts = _read_texts(run, files, doubts)

    def extraction(self, record_id: str) -> TrialExtraction:
        """What was extracted from a record of the run."""
        found = self._extractions.get(record_id)
        assert found is not None, record_id
        return found


def _read_texts(run: Path, files: Sequence[Path], wanted: dict[str, Doubt]) -> dict[str, TrialRecord]:
    """The records whose text is still what the run read."""
    if not files:
        return {}
    unreadable: list[RecordError] = []
    with closing(RunStore(run, reading=True)) as store:
        texts = {}
        for record in read_records(*files, on_error=unreadable.append):
            known = store.find(record.record_id) if record.record_id in wanted else None
            if known and known.text_sha256 == digest_record(record):
                texts[record.record_id] = record
    return texts

"""Today's rules and prompts on the replies of an earlier run: no model is asked."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from extractor.api import Extractor
from extractor.errors import RepeatedRecord, StoreError
from extractor.llm.recordings import RecallTally
from extractor.llm.trace import Session
from extractor.read import read_records
from extractor.schemas import TrialRecord

from .batch import BatchLimits, Sink, note_unread, run_batch
from .comparison import Comparison, ComparisonReport
from .executor import extract_with, open_executor
from .folder import MANIFEST, RunFolder
from .manifest import Manifest, describe_settings, read_manifest
from .results import naming_file, write_atomically
from .store import RunStore
from .tally import ExtractedLine, Tally

__all__ = ["measure_impact", "reparse_run"]

_OnFailure = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A run that is read again, and an extractor with its options whose model only recalls the run's replies."""

    run: Path
    manifest: Manifest
    extractor: Extractor
    recall: RecallTally

    @property
    def settings(self) -> dict[str, Any]:
        """Today's settings with the run's model: the run's own command continues a folder with them."""
        return describe_settings(self.extractor) | {"model": self.manifest.settings.get("model")}


async def reparse_run(
    run: Path, out: Path, on_failure: _OnFailure, tally: Tally, workers: int | None = None
) -> ComparisonReport:
    """Extract a run's inputs again into a new folder with copies of its calls and replies, and compare the results.

    ``workers`` processes share the work, as many as cores if None; ``tally`` counts it. Questions that the run never
    asked stay open; the run's command with ``out`` as its folder asks them. ``on_failure`` gets each failure. Raises
    ``StoreError`` for a folder that holds no run, a run whose inputs were standard input, and an ``out`` that is not
    empty.
    """
    earlier = _read_earlier(run)
    _prepare(earlier, out)
    with RunFolder(out, earlier.settings, inputs=earlier.manifest.find_inputs()) as folder:
        return await _compare(earlier, on_failure, folder, tally, workers)


async def measure_impact(
    run: Path, on_failure: _OnFailure, tally: Tally, workers: int | None = None
) -> ComparisonReport:
    """As ``reparse_run``, but write nothing."""
    return await _compare(_read_earlier(run), on_failure, None, tally, workers)


def _read_earlier(run: Path) -> _Earlier:
    manifest = read_manifest(run / MANIFEST)
    if manifest is None:
        raise StoreError(f"{run}: holds no run; name a folder that extractor run --out wrote")
    if "-" in manifest.inputs:
        raise StoreError(f"{run}: was made of standard input, which cannot be read again")
    settings, recall = manifest.settings, RecallTally()
    options = {name: settings[name] for name in ("tasks", "assist", "min_confidence")}
    has_model = settings.get("model") != "none"
    extractor = Extractor(**options, replay=run if has_model else None)
    if has_model:
        extractor.choice = replace(extractor.choice, recall=recall)
    return _Earlier(run, manifest, extractor, recall)


def _prepare(earlier: _Earlier, out: Path) -> None:
    """Make a new run's folder with the calls of the earlier one."""
    with naming_file(out):
        if out.exists() and any(out.iterdir()):
            raise StoreError(f"{out}: is not empty; choose another --out")
        out.mkdir(parents=True, exist_ok=True)
    with closing(RunStore(earlier.run, reading=True)) as store:
        store.copy_calls(out)
    with naming_file(out):
        write_atomically(out / MANIFEST, Manifest(settings=earlier.settings).to_json())


async def _compare(
    earlier: _Earlier, on_failure: _OnFailure, folder: RunFolder | None, tally: Tally, workers: int | None
) -> ComparisonReport:
    with Comparison(earlier.run, earlier.recall) as comparison:
        sink = _ComparingSink(comparison, folder, on_failure)
        records = read_records(*earlier.manifest.find_inputs(), on_error=lambda error: note_unread(error, sink, tally))
        async with earlier.extractor.open() as opened, open_executor(workers) as executor:

            async def extract(record: TrialRecord) -> ExtractedLine:
                return await extract_with(executor, record, opened.options, opened.model)

            limits = BatchLimits(max(BatchLimits().concurrency, executor.capacity))
            await run_batch(records, extract, sink, tally, limits)
        report = comparison.report()
        if folder:
            folder.finish(tally)
        return report


class _ComparingSink(Sink):
    """Compares each result on its way into a folder, if there is one."""

    def __init__(self, comparison: Comparison, folder: RunFolder | None, on_failure: _OnFailure) -> None:
        self._comparison, self._folder, self._on_failure = comparison, folder, on_failure

    def is_done(self, record: TrialRecord) -> bool:
        self._comparison.note_record(record)
        return bool(self._folder and self._folder.is_done(record))

    def write(self, line: ExtractedLine, asker: Session) -> None:
        self._comparison.compare(line.record_id, json.loads(line.line), asker)
        if self._folder:
            self._folder.write(line, asker)

    def write_failure(self, failure: dict[str, Any]) -> None:
        self._comparison.note_failure()
        if self._folder:
            self._folder.write_failure(failure)
        self._on_failure(failure)

    def write_repeated(self, error: RepeatedRecord) -> None:
        if self._folder:
            self._folder.write_repeated(error)

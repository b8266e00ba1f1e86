"""Today's rules and prompts on the replies of an earlier run: no model is asked."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from extractor.ask.keeping.stored import RecallTally
from extractor.errors import RepeatedRecord, StoreError
from extractor.pipeline import Extractor
from extractor.read import read_records
from extractor.schemas import TrialExtraction, TrialRecord

from .attending import attend
from .batch import BatchLimits, note_unread, run_batch
from .comparison import Comparison, ComparisonReport
from .extracted import Extracted
from .folder import MANIFEST, RunFolder
from .manifest import Manifest, read_manifest
from .results import telling, write_atomically
from .settings import describe_settings
from .store import RunStore
from .tally import Tally

__all__ = ["measure_impact", "reparse_run"]

_Said = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A run that is read again: its settings, and what extracts as it did, with its replies alone."""

    run: Path
    manifest: Manifest
    extractor: Extractor
    recall: RecallTally

    @property
    def settings(self) -> dict[str, Any]:
        """Today's settings, with the model that answered then: the run's own command goes on with them."""
        return describe_settings(self.extractor) | {"model": self.manifest.settings.get("model")}


async def reparse_run(run: Path, out: Path, say_failure: _Said) -> ComparisonReport:
    """Extract a run's inputs again into a new folder, and compare. Calls and replies are copied into it.

    What is asked today and was not asked then stays open there; the run's command with ``out`` as its folder asks it.
    Raises ``StoreError`` for a folder that holds no run, a run whose inputs were standard input, and an ``out`` that is
    not empty.
    """
    earlier = _read_earlier(run)
    _prepare(earlier, out)
    with RunFolder(out, earlier.settings, inputs=earlier.manifest.find_inputs()) as folder:
        return await _compare(earlier, say_failure, folder)


async def measure_impact(run: Path, say_failure: _Said) -> ComparisonReport:
    """The same comparison, and nothing is written."""
    return await _compare(_read_earlier(run), say_failure, None)


def _read_earlier(run: Path) -> _Earlier:
    manifest = read_manifest(run / MANIFEST)
    if manifest is None:
        raise StoreError(f"{run}: holds no run; name a folder that extractor run --out wrote")
    if "-" in manifest.inputs:
        raise StoreError(f"{run}: was made of standard input, which cannot be read again")
    settings, recall = manifest.settings, RecallTally()
    extractor = Extractor(tasks=settings["tasks"], assist=settings["assist"], replay=run)
    if settings.get("model") == "none":
        extractor = Extractor(tasks=settings["tasks"], assist=settings["assist"])
    else:
        extractor.choice = replace(extractor.choice, recall=recall)
    return _Earlier(run, manifest, extractor, recall)


def _prepare(earlier: _Earlier, out: Path) -> None:
    """A new run's folder that knows the calls of the earlier one."""
    with telling(out):
        if out.exists() and any(out.iterdir()):
            raise StoreError(f"{out}: is not empty; choose another --out")
        out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as closing:
        store = RunStore(earlier.run, reading=True)
        closing.callback(store.close)
        store.copy_calls(out)
    with telling(out):
        write_atomically(out / MANIFEST, Manifest(settings=earlier.settings).to_json())


async def _compare(earlier: _Earlier, say_failure: _Said, folder: RunFolder | None) -> ComparisonReport:
    tally = Tally()
    with Comparison(earlier.run, earlier.recall) as comparison:
        sink = _ComparingSink(comparison, folder, say_failure)
        inputs = earlier.manifest.find_inputs()
        records = read_records(*inputs, on_error=lambda error: note_unread(error, sink, tally))
        async with earlier.extractor.open() as extract:
            await run_batch(records, attend(extract, sink.note_asker), sink, tally, BatchLimits())
        report = comparison.report()
        tally.failed = report.failed
        if folder:
            folder.finish(tally)
        return report


class _ComparingSink:
    """Compares each result on its way into a folder, if there is one."""

    in_any_order = strict = False

    def __init__(self, comparison: Comparison, folder: RunFolder | None, say_failure: _Said) -> None:
        self._comparison, self._folder, self._say_failure = comparison, folder, say_failure

    def is_done(self, record: TrialRecord) -> bool:
        self._comparison.note_record(record)
        return bool(self._folder and self._folder.is_done(record))

    def note_asker(self, asker: Any) -> None:
        self._comparison.note_asker(asker)
        if self._folder:
            self._folder.note_asker(asker)

    def write(self, extraction: Extracted) -> None:
        assert isinstance(extraction, TrialExtraction)
        self._comparison.compare(extraction)
        if self._folder:
            self._folder.write(extraction)

    def write_failure(self, failure: dict[str, Any]) -> None:
        self._comparison.note_failure()
        if self._folder:
            self._folder.write_failure(failure)
        self._say_failure(failure)

    def write_repeated(self, error: RepeatedRecord) -> None:
        if self._folder:
            self._folder.write_repeated(error)

"""Today's rules and prompts on the replies of an earlier run: no model is asked."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from extractor.api import Extractor, OpenExtractor
from extractor.errors import RepeatedRecord, StoreError
from extractor.llm.recordings import RecallTally
from extractor.read import read_records
from extractor.schemas import TrialRecord

from .asking_pool import MOST_PROCESSES, AskingPool
from .attending import Extract, attend
from .batch import BatchLimits, note_unread, run_batch
from .comparison import Comparison, ComparisonReport
from .extracted import Extracted, ExtractedLine
from .folder import MANIFEST, RunFolder
from .manifest import Manifest, read_manifest
from .results import telling, write_atomically
from .settings import describe_settings
from .store import RunStore
from .tally import Tally, to_line
from .worker import extract_line
from .workers import A_HANDFUL, count_cores, share_work

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


async def reparse_run(
    run: Path, out: Path, say_failure: _Said, tally: Tally, workers: int | None = None
) -> ComparisonReport:
    """Extract a run's inputs again into a new folder, and compare. Calls and replies are copied into it.

    The work is shared by ``workers`` processes, as many as cores if None, and counted in ``tally`` as it goes on.
    What is asked today and was not asked then stays open there; the run's command with ``out`` as its folder asks it.
    Raises ``StoreError`` for a folder that holds no run, a run whose inputs were standard input, and an ``out`` that is
    not empty.
    """
    earlier = _read_earlier(run)
    _prepare(earlier, out)
    with RunFolder(out, earlier.settings, inputs=earlier.manifest.find_inputs()) as folder:
        return await _compare(earlier, say_failure, folder, tally, workers)


async def measure_impact(run: Path, say_failure: _Said, tally: Tally, workers: int | None = None) -> ComparisonReport:
    """The same comparison, and nothing is written."""
    return await _compare(_read_earlier(run), say_failure, None, tally, workers)


def _read_earlier(run: Path) -> _Earlier:
    manifest = read_manifest(run / MANIFEST)
    if manifest is None:
        raise StoreError(f"{run}: holds no run; name a folder that extractor run --out wrote")
    if "-" in manifest.inputs:
        raise StoreError(f"{run}: was made of standard input, which cannot be read again")
    settings, recall = manifest.settings, RecallTally()
    options = {name: settings[name] for name in ("tasks", "assist", "min_confidence")}
    asked = settings.get("model") != "none"
    extractor = Extractor(**options, replay=run if asked else None)
    if asked:
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


async def _compare(
    earlier: _Earlier, say_failure: _Said, folder: RunFolder | None, tally: Tally, workers: int | None
) -> ComparisonReport:
    with Comparison(earlier.run, earlier.recall) as comparison:
        sink = _ComparingSink(comparison, folder, say_failure)
        inputs = earlier.manifest.find_inputs()
        records = read_records(*inputs, on_error=lambda error: note_unread(error, sink, tally))
        async with earlier.extractor.open() as extract, _share(extract, workers) as (shared, concurrency):
            await run_batch(records, attend(shared, sink.note_asker), sink, tally, BatchLimits(concurrency))
        report = comparison.report()
        if folder:
            folder.finish(tally)
        return report


@asynccontextmanager
async def _share(extract: OpenExtractor, workers: int | None) -> AsyncIterator[tuple[Extract, int]]:
    """The extraction, shared by processes, and how many records to have under way. To recall what a model replied takes
    this process little time, so that all cores are left to the others.
    """
    concurrency = BatchLimits().concurrency
    if extract.model is None:
        async with share_work(partial(extract_line, options=extract.options), workers) as pool:
            yield pool, pool.concurrency
    elif (processes := workers or min(count_cores(), MOST_PROCESSES)) == 1:
        yield extract, concurrency
    else:
        async with AskingPool(extract, processes, A_HANDFUL if workers is None else 0) as asking:
            yield asking, concurrency + asking.ahead(concurrency)


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
        line = extraction if isinstance(extraction, ExtractedLine) else to_line(extraction)
        self._comparison.compare(line.record_id, json.loads(line.line))
        if self._folder:
            self._folder.write(line)

    def write_failure(self, failure: dict[str, Any]) -> None:
        self._comparison.note_failure()
        if self._folder:
            self._folder.write_failure(failure)
        self._say_failure(failure)

    def write_repeated(self, error: RepeatedRecord) -> None:
        if self._folder:
            self._folder.write_repeated(error)

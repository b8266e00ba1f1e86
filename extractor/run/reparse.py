"""An earlier run's replies under today's rules and prompts, and what that changes. No model is asked."""

import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from extractor.api import Extractor
from extractor.errors import RepeatedRecord, StoreError
from extractor.llm.recordings import RecallTally
from extractor.llm.trace import Session
from extractor.read import read_records
from extractor.schemas import Criterion, Eligibility, Endpoint, Item, Regimen, TrialRecord

from .batch import BatchLimits, Sink, note_unread, run_batch
from .executor import extract_with, open_executor
from .folder import EXTRACTIONS, MANIFEST, RunFolder
from .manifest import Manifest, describe_settings, read_manifest
from .results import naming_file, write_atomically
from .store import RunStore, digest_record
from .tally import ExtractedLine, Tally

_EXAMPLES = 3

_Json = Mapping[str, Any]
_PROVENANCE = frozenset(Item.model_fields)
_PEOPLE = tuple(name for name in Eligibility.model_fields if name not in _PROVENANCE | {"criteria"})
_KINDS: Mapping[str, tuple[type[Item], str]] = {
    "criteria": (Criterion, "quote"),
    "dosing": (Regimen, "quote"),
    "endpoints": (Endpoint, "measure"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A field with another value. For an item that only one side has, the field is the item's kind alone."""

    field: str
    old: Any
    new: Any


def compare_extractions(old: _Json, new: _Json) -> Iterator[Difference]:
    """The differences between two extractions as JSON, field by field, without provenance.

    Items belong together by what they quote, and then by order.

    >>> eligibility = {"minimum_age": {"value": 18}, "criteria": []}
    >>> older = {"eligibility": eligibility, "endpoints": [{"measure": "Pain", "concept": None}]}
    >>> newer = {"eligibility": eligibility, "endpoints": [{"measure": "Pain", "concept": "other"}]}
    >>> list(compare_extractions(older, newer))
    [Difference(field='endpoints.concept', old=None, new='other')]
    """
    yield from _compare_fields("eligibility", _PEOPLE, old["eligibility"], new["eligibility"])
    for kind, (model, quote) in _KINDS.items():
        before, after = _key_items(old, kind), _key_items(new, kind)
        yield from (Difference(kind, before[key].get(quote), None) for key in before if key not in after)
        yield from (Difference(kind, None, after[key].get(quote)) for key in after if key not in before)
        names = tuple(name for name in model.model_fields if name not in _PROVENANCE)
        for key in before.keys() & after.keys():
            yield from _compare_fields(kind, names, before[key], after[key])


def _compare_fields(kind: str, names: tuple[str, ...], old: _Json, new: _Json) -> Iterator[Difference]:
    for name in names:
        if old.get(name) != new.get(name):
            yield Difference(f"{kind}.{name}", old.get(name), new.get(name))


def _key_items(extraction: _Json, kind: str) -> dict[tuple[Any, ...], _Json]:
    """Items by where they stand, what they quote, and their number among equals."""
    parent = extraction["eligibility"] if kind == "criteria" else extraction
    seen: Counter[tuple[Any, ...]] = Counter()
    keyed = {}
    for item in parent.get(kind, ()):
        place = (item.get("section") or item.get("rank"), item.get(_KINDS[kind][1]))
        keyed[*place, seen[place]] = item
        seen[place] += 1
    return keyed


class Change(BaseModel):
    """A field that has another value in so many ``records``, with the first of them."""

    model_config = ConfigDict(frozen=True)

    field: str
    records: int
    examples: tuple[dict[str, Any], ...]


class ComparisonReport(BaseModel):
    """The result of a comparison.

    ``records`` were read. Of these ``new`` are not in the run, and ``other_text`` have changed since; ``gone`` are in
    the run and were not read. ``failed`` could not be extracted. ``open`` lack the answer to a question that was never
    asked, so that their values are not compared. ``changed`` have another value somewhere.
    """

    model_config = ConfigDict(frozen=True)

    records: int
    new: int
    other_text: int
    gone: int
    failed: int
    open: int
    changed: int
    calls_unchanged: int
    calls_to_ask: int
    prompt_tokens_to_ask: int
    changes: tuple[Change, ...]


class Comparison(Sink):
    """Compares each result with the run's own, and passes it on to a ``folder`` if there is one.

    Used as a context manager. ``on_failure`` gets each failure. Raises ``StoreError`` for a folder that holds no run,
    or one that was killed and not resumed since.
    """

    def __init__(
        self, run: Path, recall: RecallTally, on_failure: Callable[[dict[str, Any]], None], folder: Sink | None = None
    ) -> None:
        self._recall, self._on_failure, self._folder = recall, on_failure, folder or Sink()
        self._counts: Counter[str] = Counter()
        self._fields: Counter[str] = Counter()
        self._examples: dict[str, list[dict[str, Any]]] = defaultdict(list)
        with ExitStack() as closing:
            self._store = closing.enter_context(contextlib.closing(RunStore(run, reading=True)))
            with naming_file(run / EXTRACTIONS):
                self._file = closing.enter_context((run / EXTRACTIONS).open("rb"))
            self._closing = closing.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def is_done(self, record: TrialRecord) -> bool:
        """Count a record that was read."""
        known = self._store.find(record.record_id)
        self._counts["records"] += 1
        self._counts["new"] += known is None
        self._counts["other_text"] += bool(known and known.text_sha256 != digest_record(record))
        return self._folder.is_done(record)

    def write(self, line: ExtractedLine, session: Session) -> None:
        """Compare a result with the run's, if it has one and all its questions were answered."""
        if session.pending:
            self._counts["open"] += 1
        elif old := self._read(line.record_id):
            first_of_field: dict[str, Difference] = {}
            for difference in compare_extractions(old, json.loads(line.line)):
                first_of_field.setdefault(difference.field, difference)
            self._counts["changed"] += bool(first_of_field)
            self._fields.update(first_of_field.keys())
            for field, difference in first_of_field.items():
                if len(examples := self._examples[field]) < _EXAMPLES:
                    examples.append({"record_id": line.record_id, "old": difference.old, "new": difference.new})
        self._folder.write(line, session)

    def write_failure(self, failure: dict[str, Any]) -> None:
        """Count a record that could not be read or extracted."""
        self._counts["failed"] += 1
        self._folder.write_failure(failure)
        self._on_failure(failure)

    def write_repeated(self, error: RepeatedRecord) -> None:
        """Pass on a record that occurs again."""
        self._folder.write_repeated(error)

    def report(self) -> ComparisonReport:
        """The result so far."""
        counts = {name: self._counts[name] for name in ("records", "new", "other_text", "failed", "open", "changed")}
        fields = sorted(self._fields.items(), key=lambda pair: (-pair[1], pair[0]))
        return ComparisonReport(
            **counts,
            gone=len(self._store) - (counts["records"] - counts["new"]),
            calls_unchanged=self._recall.answered,
            calls_to_ask=self._recall.missing,
            prompt_tokens_to_ask=self._recall.missing_tokens,
            changes=tuple(Change(field=f, records=n, examples=tuple(self._examples[f])) for f, n in fields),
        )

    def _read(self, record_id: str) -> dict[str, Any] | None:
        known = self._store.find(record_id)
        if known is None:
            return None
        self._file.seek(known.start)
        try:
            old: dict[str, Any] = json.loads(self._file.read(known.length))
        except ValueError:
            old = {}
        if old.get("record_id") != record_id:
            raise StoreError(f"{self._file.name}: is not what the store says; resume the run first")
        return old


async def reparse_run(
    run: Path, out: Path | None, on_failure: Callable[[dict[str, Any]], None], tally: Tally, workers: int | None = None
) -> ComparisonReport:
    """Extract a run's inputs again with today's rules and the run's replies, and compare the results.

    The results go into the new folder ``out``, with copies of the run's calls and replies; None writes nothing.
    Questions that the run never asked stay open; the run's command with ``out`` as its folder asks them. ``workers``
    processes share the work, as many as cores if None; ``tally`` counts it, and ``on_failure`` gets each failure.

    Raises ``StoreError`` for a folder that holds no run, a run whose inputs were standard input, and an ``out`` that is
    not empty.
    """
    manifest = read_manifest(run / MANIFEST)
    if manifest is None:
        raise StoreError(f"{run}: holds no run; name a folder that extractor run --out wrote")
    if "-" in manifest.inputs:
        raise StoreError(f"{run}: was made of standard input, which cannot be read again")
    recall, model = RecallTally(), manifest.settings.get("model")
    options = {
        name: manifest.settings[name] for name in ("tasks", "assist", "min_confidence") if name in manifest.settings
    }
    extractor = Extractor(**options, replay=None if model == "none" else run)
    if model != "none":
        extractor.choice = replace(extractor.choice, recall=recall)
    inputs = manifest.find_inputs()
    with ExitStack() as closing:
        folder = None
        if out:
            settings = describe_settings(extractor) | {"model": model}  # the run's own command continues the folder
            _copy_calls(run, out, settings)
            folder = closing.enter_context(RunFolder(out, settings, inputs=inputs))
        sink = closing.enter_context(Comparison(run, recall, on_failure, folder))
        records = read_records(*inputs, on_error=lambda error: note_unread(error, sink, tally))
        async with extractor.open() as opened, open_executor(workers) as executor:
            extract = partial(extract_with, executor, options=opened.options, model=opened.model)
            limits = BatchLimits(max(BatchLimits().concurrency, executor.capacity))
            await run_batch(records, extract, sink, tally, limits)
        report = sink.report()
        if folder:
            folder.finish(tally)
        return report


def _copy_calls(run: Path, out: Path, settings: dict[str, Any]) -> None:
    """Make a new run's folder with the calls of an earlier run."""
    with naming_file(out):
        if out.exists() and any(out.iterdir()):
            raise StoreError(f"{out}: is not empty; choose another --out")
        out.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(RunStore(run, reading=True)) as store:
        store.copy_calls(out)
    with naming_file(out):
        write_atomically(out / MANIFEST, Manifest(settings=settings).to_json())

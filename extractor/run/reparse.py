"""Applies the current rules and prompts to an earlier run's replies, and compares the results. Asks no model."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from extractor.api import Extractor
from extractor.ask.questions import current_session
from extractor.errors import ExtractorError, StoreError
from extractor.evaluation.alignment import KINDS, align
from extractor.evaluation.fields import GROUPS
from extractor.llm.replay import ReplayTally
from extractor.read import read_records
from extractor.schemas import ExtractedItem, TrialExtraction, TrialRecord

from .executor import extract_with, open_executor
from .finished import FinishedRun
from .folder import MANIFEST, RunFolder
from .manifest import Manifest, describe_settings, restore_fields
from .records import RunLimits, Sink, describe_failure, extract_records, note_unread
from .results import naming_file, write_atomically
from .store import RunStore, digest_record
from .tally import ExtractedLine, Tally

_EXAMPLES = 3

_LEFT_OUT = {*ExtractedItem.model_fields, "criteria"}
"""Fields that are no values: provenance, and the criteria, which are items of their own."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field with two values as JSON. For an item on one side only, the field is the kind of the item."""

    field: str
    old: Any
    new: Any


def compare_extractions(old: TrialExtraction, new: TrialExtraction) -> Iterator[Difference]:
    """The differences between the values of two extractions, field by field. Items are paired as in evaluation.

    >>> old, new = (TrialExtraction(record_id="A", eligibility={"sex": sex}) for sex in ("all", "female"))
    >>> list(compare_extractions(old, new))
    [Difference(field='eligibility.sex', old='all', new='female')]
    """
    for group in GROUPS:
        for before, after in align(group, old, new):
            both = int(bool(before and after))  # a part that was split off has no counterpart either
            for side in before[both:]:
                yield Difference(group.path, KINDS[group.path].label(side.item), None)
            for side in after[both:]:
                yield Difference(group.path, None, KINDS[group.path].label(side.item))
            if both:
                one, other = (side[0].item.model_dump(mode="json", exclude=_LEFT_OUT) for side in (before, after))
                names = (name for name in one if one[name] != other[name])
                yield from (Difference(f"{group.path}.{name}", one[name], other[name]) for name in names)
    for name in sorted(old.custom.keys() | new.custom.keys()):
        said = ([item.model_dump(mode="json")["values"] for item in each.custom.get(name, ())] for each in (old, new))
        before, after = said
        if before != after:
            yield Difference(f"custom.{name}", before, after)


class Change(BaseModel):
    """A field, the number of records in which its value differs, and the first of them by id."""

    field: str
    records: int
    examples: tuple[dict[str, Any], ...]


class ComparisonReport(BaseModel):
    """The result of a comparison.

    ``records`` were read: of these, ``new`` are not in the run, and ``other_text`` have another text now. ``gone`` are
    in the run but were not read. ``failed`` could not be extracted. ``open`` lack the answer to a question that the run
    never asked, so their values are not compared. ``changed`` have a different value.
    """

    records: int = 0
    new: int = 0
    other_text: int = 0
    gone: int = 0
    failed: int = 0
    open: int = 0
    changed: int = 0
    calls_unchanged: int
    calls_to_ask: int
    prompt_tokens_to_ask: int
    changes: tuple[Change, ...]


class _Comparison:
    """Counts differences between new results and those of a run, and records on one side only."""

    def __init__(self, run: FinishedRun, store: RunStore) -> None:
        self._run, self._store = run, store
        self._counts = Counter[str]()
        self._fields = Counter[str]()
        self._examples = defaultdict[str, list[dict[str, Any]]](list)

    def count(self, records: Iterator[TrialRecord]) -> Iterator[TrialRecord]:
        """Yield the records, and count them."""
        for record in records:
            known = self._store.find(record.record_id)
            self._counts["records"] += 1
            self._counts["new"] += known is None
            self._counts["other_text"] += bool(known and known.text_sha256 != digest_record(record))
            yield record

    def add(self, line: ExtractedLine, *, pending: bool) -> None:
        """Compare a result with the run's, if there is one and all questions were answered."""
        if pending:
            self._counts["open"] += 1
        elif self._store.find(line.record_id):
            if self._run.read_line(line.record_id) == line.line:
                return
            old = self._run.read_result(line.record_id, TrialExtraction)
            found = compare_extractions(old, TrialExtraction.model_validate_json(line.line))
            differences = {one.field: one for one in reversed([*found])}  # the first of each field
            self._counts["changed"] += bool(differences)
            self._fields.update(differences.keys())
            for field, one in differences.items():
                examples = [*self._examples[field], {"record_id": line.record_id, "old": one.old, "new": one.new}]
                self._examples[field] = sorted(examples, key=lambda each: str(each["record_id"]))[:_EXAMPLES]

    def report(self, recall: ReplayTally, failed: int) -> ComparisonReport:
        """The report. ``failed`` records could not be read or extracted."""
        fields = sorted(self._fields.items(), key=lambda pair: (-pair[1], pair[0]))
        return ComparisonReport(
            **self._counts,
            gone=len(self._run.record_ids) - (self._counts["records"] - self._counts["new"]),
            failed=failed,
            calls_unchanged=recall.answered,
            calls_to_ask=recall.missing,
            prompt_tokens_to_ask=recall.missing_tokens,
            changes=tuple(Change(field=f, records=n, examples=tuple(self._examples[f])) for f, n in fields),
        )


async def reparse_run(
    folder: Path, out: Path | None, on_failure: Callable[[dict[str, Any]], None], tally: Tally, workers: int | None
) -> ComparisonReport:
    """Extract a run's inputs again with the current rules and the run's replies, and compare the results.

    The results go to the new folder ``out``, with copies of the run's calls and replies; None writes nothing. Questions
    that the run never asked stay open; the run's command with ``out`` as its folder asks them. ``workers`` is the
    number of processes, by default all cores. ``tally`` counts the results, ``on_failure`` gets each failure.

    Raises ``StoreError`` for a folder without a run, a run that read standard input, and an ``out`` that is not empty.
    """
    run = FinishedRun(folder)
    if "-" in run.manifest.inputs:
        raise StoreError(f"{folder}: read standard input, which cannot be read again")
    recall, earlier, inputs = ReplayTally(), run.manifest.settings, run.manifest.find_inputs()
    names = ("tasks", "assist", "effort", "min_confidence", "reasoning", "model_options")
    options = {name: earlier[name] for name in names if name in earlier}
    extractor, model = Extractor(**options, fields=restore_fields(earlier)), earlier.get("model")
    if model != "none":
        extractor.choice = replace(extractor.choice, replay=folder, tally=recall)
    sink = Sink()

    def report(error: ExtractorError) -> None:
        failed = tally.failed
        note_unread(error, sink, tally)
        if tally.failed > failed:
            on_failure(describe_failure(error))

    with ExitStack() as stack:
        store = stack.enter_context(closing(RunStore(folder, reading=True)))
        comparison = _Comparison(run, store)
        if out:
            settings = describe_settings(extractor) | {"model": model}  # the run's command can continue the folder
            _copy_calls(store, out, settings)
            sink = stack.enter_context(RunFolder(out, settings, inputs=inputs))
        records = comparison.count(read_records(*inputs, on_error=report))
        async with extractor.open() as opened, open_executor(workers) as executor:

            async def extract(record: TrialRecord) -> ExtractedLine:
                try:
                    line = await extract_with(executor, record, opened.options, opened.model)
                except Exception as error:
                    on_failure(describe_failure(error, record))
                    raise
                comparison.add(line, pending=current_session().pending)
                return line

            await extract_records(records, extract, sink, tally, RunLimits(max(8, executor.capacity)))
        if isinstance(sink, RunFolder):
            sink.finish(tally)
        return comparison.report(recall, tally.failed)


def _copy_calls(store: RunStore, out: Path, settings: dict[str, Any]) -> None:
    """Create a run's folder with the calls of an earlier run."""
    with naming_file(out):
        if out.exists() and any(out.iterdir()):
            raise StoreError(f"{out}: is not empty; choose another --out")
        out.mkdir(parents=True, exist_ok=True)
    store.copy_calls(out)
    with naming_file(out):
        write_atomically(out / MANIFEST, Manifest(settings=settings).to_json())

"""Count what changes in the readings of the rules when the same text is written in another harmless
way.

    python -m benchmarks.variants [INPUT ...] [--ways WORD ...] [--by way] [--show 3] [--json FILE]

INPUT are records in any format, by default those of gold in ``../shared``. Each text is read as it
is and once more in every way of writing (``--ways`` takes those whose kind or name contains a word;
``--list`` prints all), and in the files of other registers: its eligibility text, the doses of its
arms and interventions, the time frames of its outcomes. Counted are

- criteria that turned (to the other list), were lost, were added, have another extent (a mark or a
  code in the quote), or another negation, in per cent of the criteria of the text as it is;
- limits, time windows, ages, and the values of doses and time frames that are missing or new, in
  per cent of those of the text as it is, so that a value that changed counts twice.

In brackets: the share that is sure, that is, the new reading says it with at least the confidence
``--sure``; a lost criterion is sure if no finding tells of it and the criterion that holds its
words, if any, is not doubted.

``--show`` prints so many changes of each way, of records of folds 0 to 2 only. ``--processes 4``
reads four records at once; ``--every 5`` reads each fifth record alone. ``--json`` stores the counts
of each way.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.data import RULES, fold_of, format_table, parse_options
from benchmarks.variants import WAYS, Part, Way
from benchmarks.variants.counting import (
    Change,
    Rewrite,
    Tally,
    compare_readings,
    tally_changes,
)
from benchmarks.variants.readings import MEASURES, Reading, read_extraction
from benchmarks.variants.registers import (
    HOME,
    REGISTERS,
    flatten_outcomes,
    rewrite_parts,
)
from extractor.formats import read_records
from extractor.pipeline import extract_by_rules
from extractor.schemas import TrialRecord

_SHARED = Path(__file__).parents[3] / "shared"
_GOLD = (
    _SHARED / "gold" / "records",
    _SHARED / "data" / "records" / "all_areas.jsonl.gz",
)
_SHOWN_FOLDS = frozenset({0, 1, 2})
"""The other folds are for measuring; nobody reads their errors."""
_SECTIONS = {
    Part.DOSES: ("arms[", "interventions["),
    Part.TIMES: ("primary_", "secondary_", "other_outcomes"),
}
_REWRITTEN = {Part.DOSES: "description", Part.TIMES: "time_frame"}
_REGISTER = "register"


class Result(NamedTuple):
    """What one way of writing changed in one record."""

    kind: str
    name: str
    part: Part
    record_id: str
    tally: Tally
    changes: tuple[Change, ...]

    def name_row(self, *, by_way: bool) -> str:
        """Return the name under which it is counted."""
        if self.kind == _REGISTER and self.part is not Part.ELIGIBILITY:
            return f"{_REGISTER} ({self.part}): {self.name}"
        return f"{self.kind}: {self.name}" if by_way else self.kind


class _Written(NamedTuple):
    """A record as a way writes it, and how the way writes a quote."""

    kind: str
    name: str
    record: TrialRecord
    rewrite: Rewrite


def main() -> None:
    """Print the tables."""
    options: dict[str, Any] = {"ways": [str], "by": "kind", "show": 0, "sure": 0.85}
    options |= {"processes": 1, "every": 1, "json": Path, "list": False}
    chosen = parse_options(__doc__, "inputs*", **options)
    words = chosen.ways or ()
    if chosen.list:
        print("\n".join(way.title for way in WAYS if _is_chosen(way.title, words)))
        return
    inputs = chosen.inputs or [path for path in _GOLD if path.exists()]
    if not inputs:
        print("Nothing to read: name records, or put the gold beside the project")
        return
    records = islice(read_records(*inputs), 0, None, chosen.every)
    measure = partial(measure_record, ways=words, sure=chosen.sure)
    results: list[Result] = []
    with ProcessPoolExecutor(chosen.processes) as pool:
        several = chosen.processes > 1
        for found in (pool.map if several else map)(measure, records):
            results += found
    print_changes(results, chosen.show)
    print(format_results(results, by_way=chosen.by == "way"))
    if chosen.json:
        chosen.json.write_text(format_counts(results), "utf-8")


def _is_chosen(title: str, words: Sequence[str]) -> bool:
    return not words or any(word in title for word in words)


def measure_record(
    record: TrialRecord, ways: Sequence[str], sure: float = 0.85
) -> list[Result]:
    """Read a record as it is and in every way that applies, and return what changed."""
    results = []
    for part in Part:
        original = take_part(record, part)
        if original is None:
            continue
        before = _read(original, part)
        for one in _write_all(original, part, ways):
            after = _read(one.record, part)
            changes = tuple(compare_readings(before, after, one.rewrite, sure))
            tally = tally_changes(before, changes)
            results.append(
                Result(one.kind, one.name, part, record.record_id, tally, changes)
            )
    return results


def take_part(record: TrialRecord, part: Part) -> TrialRecord | None:
    """Return a record with the sections of one part alone, None if it has none.

    The eligibility text stands in a file of ClinicalTrials.gov, so that other registers' files are
    compared with it.
    """
    if part is Part.ELIGIBILITY:
        text = record.raw_text("eligibility")
        return REGISTERS[HOME](text) if text and text.strip() else None
    starts = _SECTIONS[part]
    sections = tuple(one for one in record.sections if one.name.startswith(starts))
    return record.model_copy(update={"sections": sections}) if sections else None


def _write_all(
    original: TrialRecord, part: Part, words: Sequence[str]
) -> Iterator[_Written]:
    """Yield the record in each way that applies, and in the files of other registers."""
    for way in WAYS:
        if way.part is not part or not _is_chosen(way.title, words):
            continue
        rewritten = rewrite_record(original, way)
        if rewritten is not None:
            rewrite = way.write if way.in_place else str
            yield _Written(way.kind, way.name, rewritten, rewrite)
    for name, rewritten in _write_registers(original, part):
        if rewritten and _is_chosen(f"{_REGISTER}: {name}", words):
            yield _Written(_REGISTER, name, rewritten, str)


def _write_registers(
    original: TrialRecord, part: Part
) -> Iterator[tuple[str, TrialRecord | None]]:
    if part is Part.ELIGIBILITY:
        text = original.raw_text("eligibility") or ""
        for name, read in REGISTERS.items():
            if name != HOME:
                yield name, read(text)
    if part is Part.TIMES:
        yield "flattened", flatten_outcomes(original)


def rewrite_record(record: TrialRecord, way: Way) -> TrialRecord | None:
    """Return a record written in a way; None if that changes nothing, or cannot be done."""
    if way.part is Part.ELIGIBILITY:
        text = record.raw_text("eligibility") or ""
        written = way.write(text)
        return REGISTERS[HOME](written) if written and written != text else None
    name = _REWRITTEN[way.part]
    sections = tuple(rewrite_parts(one, way.write, name) for one in record.sections)
    if sections == record.sections:
        return None
    return record.model_copy(update={"sections": sections})


def _read(record: TrialRecord, part: Part) -> Reading:
    return read_extraction(extract_by_rules(record, RULES), part)


def tally_by(results: Iterable[Result], *, by_way: bool) -> dict[str, Tally]:
    """Return the sum of the tallies of each kind, or of each way."""
    found: dict[str, Tally] = {}
    for one in results:
        name = one.name_row(by_way=by_way)
        found.setdefault(name, Tally()).add(one.tally)
    return found


def format_results(results: Sequence[Result], *, by_way: bool = False) -> str:
    """Format a table for each part: the shares that changed, and in brackets those that are
    sure.
    """
    tables = []
    for part in Part:
        own = [one for one in results if one.part is part]
        tallies = tally_by(own, by_way=by_way)
        if not tallies:
            continue
        total = Tally()
        for tally in tallies.values():
            total.add(tally)
        rows: list[list[object]] = []
        for name, tally in {**tallies, "all": total}.items():
            shares = [_format_shares(tally, measure) for measure in MEASURES[part]]
            rows.append([name, tally.texts, *shares])
        tables.append(format_table([part.value, "texts", *MEASURES[part]], rows))
    return "\n\n".join(tables)


def _format_shares(tally: Tally, measure: str) -> str | None:
    count = tally.count_over(measure)
    if not count:
        return None
    if not tally.changed[measure]:
        return "0"
    return f"{tally.changed[measure] / count:.2%} ({tally.sure[measure] / count:.2%})"


def count_json(tally: Tally) -> Mapping[str, object]:
    """Return the counts of a tally: of texts, of all items and values, of changes, of sure
    changes.
    """
    counters = {"of": tally.totals, "changed": tally.changed, "sure": tally.sure}
    counts = {name: dict(sorted((+one).items())) for name, one in counters.items()}
    return {"texts": tally.texts, **counts}


def format_counts(results: Iterable[Result]) -> str:
    """Format the counts of all ways as JSON, with a line for each."""
    lines = []
    for name, tally in tally_by(results, by_way=True).items():
        counts = json.dumps(count_json(tally), ensure_ascii=False)
        lines.append(f"{json.dumps(name, ensure_ascii=False)}: {counts}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def print_changes(results: Iterable[Result], count: int) -> None:
    """Print up to ``count`` changes of each way, of the folds that may be read, the sure ones
    first.
    """
    changes: dict[str, list[tuple[bool, str]]] = {}
    for one in results:
        if not count or fold_of(one.record_id) not in _SHOWN_FOLDS:
            continue
        lines = changes.setdefault(f"{one.kind}: {one.name}", [])
        for change in one.changes:
            told = f"{one.record_id} {change.measure}: {change.what}"
            lines.append((change.sure, told))
    for name, lines in changes.items():
        if lines:
            print(name)
        for is_sure, line in sorted(lines, key=lambda line: not line[0])[:count]:
            print(f"    {'sure ' if is_sure else ''}{line[:300]}")


if __name__ == "__main__":
    main()

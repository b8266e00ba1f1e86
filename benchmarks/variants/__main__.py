"""Count the changes in the rules' readings when a text is rewritten without changing its meaning.

    python -m benchmarks.variants [INPUT ...] [--ways WORD ...] [--by way] [--show 3] [--json FILE]

INPUT are records in any format, by default the five seeds. Each text is read unchanged, in every
way of writing, and in the files of other registers. ``--ways`` selects the ways whose kind or name
contains a word; ``--list`` prints them. The texts are the eligibility text, the
doses of arms and interventions, and the time frames of outcomes. The counts are

- criteria that turned (to the other list), were lost or added, or have another extent (a mark or a
  code in the quote) or another negation, in per cent of the criteria of the original text;
- limits, time windows, ages, and the values of doses and time frames that are missing or new, in
  per cent of those of the original text, so that a changed value counts twice.

The share of sure changes is in brackets: the new value has a confidence of at least 0.85, or a
criterion is lost without a finding about the lists and without doubt about the criterion that
contains its words.

``--show N`` prints N changes for each way, only from records in folds 0 to 2. ``--processes 4``
reads four records in parallel. ``--json`` stores the counts of each way.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.data import RULES, fold_of, format_table, parse_options
from benchmarks.variants import WAYS, Part, Way
from benchmarks.variants.counting import (
    Change,
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

_SEEDS = Path(__file__).parents[2] / "seeds" / "records"
_SHOWN_FOLDS = frozenset({0, 1, 2})
"""Errors in the other folds are not shown, because these folds are for measuring."""
_SECTIONS = {
    Part.DOSES: ("arms[", "interventions["),
    Part.TIMES: ("primary_", "secondary_", "other_outcomes"),
}
_REWRITTEN = {Part.DOSES: "description", Part.TIMES: "time_frame"}


class Result(NamedTuple):
    """The changes that one way of writing caused in one record."""

    way: Way
    record_id: str
    tally: Tally
    changes: tuple[Change, ...]


def main() -> None:
    """Print the tables."""
    options: dict[str, Any] = {"ways": [str], "by": "kind", "show": 0}
    options |= {"processes": 1, "json": Path, "list": False}
    chosen = parse_options(__doc__, "inputs*", **options)
    words = chosen.ways or ()
    if chosen.list:
        print("\n".join(way.title for way in WAYS if _is_chosen(way, words)))
        return
    inputs = chosen.inputs or [_SEEDS]
    results: list[Result] = []
    with ProcessPoolExecutor(chosen.processes) as pool:
        measure = partial(measure_record, words=words)
        records = read_records(*inputs)
        for found in (pool.map if chosen.processes > 1 else map)(measure, records):
            results += found
    print_changes(results, chosen.show)
    print(format_results(results, by_way=chosen.by == "way"))
    if chosen.json:
        chosen.json.write_text(format_counts(results), "utf-8")


def _is_chosen(way: Way, words: Sequence[str]) -> bool:
    return not words or any(word in way.title for word in words)


def measure_record(record: TrialRecord, words: Sequence[str]) -> list[Result]:
    """Read a record unchanged and in every way that applies, and return the changes."""
    results = []
    for part in Part:
        original = take_part(record, part)
        if original is None:
            continue
        before = _read(original, part)
        for way, written in _write_all(original, part, words):
            rewrite = way.write if way.in_place else str
            changes = tuple(compare_readings(before, _read(written, part), rewrite))
            tally = tally_changes(before, changes)
            results.append(Result(way, record.record_id, tally, changes))
    return results


def take_part(record: TrialRecord, part: Part) -> TrialRecord | None:
    """Return a record with only the sections of one part; None if it has no such section. The
    eligibility text is read from a ClinicalTrials.gov file, for comparison with the files of other
    registers.
    """
    if part is Part.ELIGIBILITY:
        text = record.raw_text("eligibility")
        return REGISTERS[HOME](text) if text and text.strip() else None
    starts = _SECTIONS[part]
    sections = tuple(
        section for section in record.sections if section.name.startswith(starts)
    )
    return record.model_copy(update={"sections": sections}) if sections else None


def _write_all(
    original: TrialRecord, part: Part, words: Sequence[str]
) -> Iterator[tuple[Way, TrialRecord]]:
    """Yield the record in each way that applies, and in the files of other registers."""
    for way in WAYS:
        if way.part is part and _is_chosen(way, words):
            rewritten = rewrite_record(original, way)
            if rewritten is not None:
                yield way, rewritten
    text = original.raw_text("eligibility") or ""
    for name, read in REGISTERS.items():
        way = Way("register", name, str)
        is_asked = part is Part.ELIGIBILITY and name != HOME
        if is_asked and _is_chosen(way, words):
            found = read(text)
            if found:
                yield way, found
    flattened = flatten_outcomes(original) if part is Part.TIMES else None
    way = Way("register (times)", "flattened", str, Part.TIMES)
    if flattened and _is_chosen(way, words):
        yield way, flattened


def rewrite_record(record: TrialRecord, way: Way) -> TrialRecord | None:
    """Return a record rewritten in a way; None if this changes nothing or is not possible."""
    if way.part is Part.ELIGIBILITY:
        text = record.raw_text("eligibility") or ""
        written = way.write(text)
        return REGISTERS[HOME](written) if written and written != text else None
    name = _REWRITTEN[way.part]
    sections = tuple(
        rewrite_parts(section, way.write, name) for section in record.sections
    )
    if sections == record.sections:
        return None
    return record.model_copy(update={"sections": sections})


def _read(record: TrialRecord, part: Part) -> Reading:
    return read_extraction(extract_by_rules(record, RULES), part)


def tally_by(results: Iterable[Result], *, by_way: bool) -> Mapping[str, Tally]:
    """Return the sum of the tallies for each kind, or for each way."""
    found: dict[str, Tally] = {}
    for result in results:
        name = result.way.title if by_way else result.way.kind
        found.setdefault(name, Tally()).add(result.tally)
    return found


def format_results(results: Sequence[Result], *, by_way: bool = False) -> str:
    """Format a table for each part."""
    tables = []
    for part in Part:
        of_part = [result for result in results if result.way.part is part]
        total = Tally()
        for result in of_part:
            total.add(result.tally)
        rows: list[list[object]] = []
        for name, tally in {**tally_by(of_part, by_way=by_way), "all": total}.items():
            shares = [tally.format_share(measure) for measure in MEASURES[part]]
            rows.append([name, tally.texts, *shares])
        if of_part:
            tables.append(format_table([part, "texts", *MEASURES[part]], rows))
    return "\n\n".join(tables)


def format_counts(results: Iterable[Result]) -> str:
    """Format the counts of all ways as JSON, with a line for each way."""
    lines = []
    for name, tally in tally_by(results, by_way=True).items():
        counts = json.dumps(tally.to_json(), ensure_ascii=False)
        lines.append(f"{json.dumps(name, ensure_ascii=False)}: {counts}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def print_changes(results: Iterable[Result], count: int) -> None:
    """Print ``count`` changes for each way, sure changes first, from folds that may be shown."""
    changes: dict[str, list[tuple[bool, str]]] = {}
    for result in results:
        if not count or fold_of(result.record_id) not in _SHOWN_FOLDS:
            continue
        for change in result.changes:
            line = f"{result.record_id} {change.measure}: {change.what}"
            changes.setdefault(result.way.title, []).append((change.sure, line))
    for name, lines in changes.items():
        print(name)
        for is_sure, line in sorted(lines, key=lambda line: not line[0])[:count]:
            print(f"    {'sure ' if is_sure else ''}{line[:300]}")


if __name__ == "__main__":
    main()

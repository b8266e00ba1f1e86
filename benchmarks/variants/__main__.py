"""Count what changes in the readings of the rules when the same text is written in another harmless
way.

    python -m benchmarks.variants [INPUT ...] [--ways WORD ...] [--register NAME] [--by way] [--show
    3] [--json FILE]

INPUT are records in any format, by default those of gold in ``../shared``. Each text is read as it
is and once more in every way of writing (``--ways`` takes those whose kind or name contains a word;
``--list`` prints all): its eligibility text, the doses of its arms and interventions, the time
frames of its outcomes. Counted are

- criteria that turned (to the other list), were lost, were added, have another extent (a mark or a
  code in the quote), or another negation, in per cent of the criteria of the text as it is;
- limits, time windows, ages, and the values of doses and time frames that are missing or new, in
  per cent of those of the text as it is, so that a value that changed counts twice.

In brackets: the share that is sure, that is, the new reading says it with at least the confidence
``--sure``; a lost criterion is sure if no finding tells of it and the criterion that holds its
words, if any, is not doubted.

``--register`` reads the texts in the file of another register. ``--show`` prints so many changes of
each way, of records of folds 0 to 2 only. ``--processes 4`` reads four records at once; ``--every
5`` reads each fifth record alone. ``--json`` stores the counts of each way.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.data import RULES, fold_of, format_table, parse_options
from benchmarks.variants import WAYS, Part, Way
from benchmarks.variants.counting import Change, Tally, compare_readings, tally_changes
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
_REWRITTEN = {Part.DOSES: ("description",), Part.TIMES: ("time_frame",)}
_REGISTER_KIND = "register"


@dataclass(frozen=True, slots=True)
class Result:
    """What one way of writing changed in one record."""

    kind: str
    name: str
    part: Part
    record_id: str
    tally: Tally
    changes: tuple[Change, ...]


def main() -> None:
    """Print the tables."""
    options: dict[str, Any] = {
        "ways": [str],
        "register": HOME,
        "by": "kind",
        "show": 0,
        "sure": 0.85,
        "processes": 1,
        "every": 1,
    }
    chosen = parse_options(__doc__, "inputs*", **options, json=Path, list=False)
    ways = choose_ways(chosen.ways or [])
    if chosen.list:
        print("\n".join(f"{way.kind}: {way.name}" for way in ways))
        return
    inputs = chosen.inputs or [path for path in _GOLD if path.exists()]
    if not inputs:
        print("Nothing to read: name records, or put the gold beside the project")
        return
    measure = partial(
        measure_record,
        ways=chosen.ways or [],
        register=chosen.register,
        sure=chosen.sure,
    )
    results = []
    for found in _map(
        measure, islice(read_records(*inputs), 0, None, chosen.every), chosen.processes
    ):
        results.extend(found)
    if chosen.show:
        print_changes(results, chosen.show)
    print(format_results(results, by_way=chosen.by == "way"))
    if chosen.json:
        chosen.json.write_text(format_counts(results), "utf-8")


def choose_ways(words: Sequence[str]) -> list[Way]:
    """Return the ways whose kind or name contains one of the words; all without a word."""
    return [
        way
        for way in WAYS
        if not words or any(word in f"{way.kind}: {way.name}" for word in words)
    ]


def _map(
    measure: Callable[[TrialRecord], list[Result]],
    records: Iterable[TrialRecord],
    processes: int,
) -> Iterator[list[Result]]:
    if processes <= 1:
        yield from map(measure, records)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(measure, records)


def measure_record(
    record: TrialRecord, ways: Sequence[str], register: str = HOME, sure: float = 0.85
) -> list[Result]:
    """Read a record as it is and in every way that applies, and return what changed."""
    chosen = choose_ways(ways)
    results = []
    for part in Part:
        original = take_part(record, part)
        if original is None:
            continue
        before = _read(original, part)
        for kind, name, rewritten, rewrite in _write_all(
            original, part, chosen, ways, register
        ):
            changes = compare_readings(before, _read(rewritten, part), rewrite, sure)
            results.append(
                Result(
                    kind,
                    name,
                    part,
                    record.record_id,
                    tally_changes(before, changes),
                    tuple(changes),
                )
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
    sections = tuple(
        one for one in record.sections if one.name.startswith(_SECTIONS[part])
    )
    return record.model_copy(update={"sections": sections}) if sections else None


def _write_all(
    original: TrialRecord,
    part: Part,
    ways: Sequence[Way],
    words: Sequence[str],
    register: str,
) -> Iterator[tuple[str, str, TrialRecord, Callable[[str], str | None]]]:
    """Yield the kind and the name of each way that applies, the record written so, and how a
    quote is written.
    """
    for way in (way for way in ways if way.part is part):
        rewritten = rewrite_record(original, way, register)
        if rewritten is not None:
            yield way.kind, way.name, rewritten, way.write if way.in_place else _keep
    for name, rewritten in _write_registers(original, part):
        if rewritten and (
            not words or any(word in f"{_REGISTER_KIND}: {name}" for word in words)
        ):
            yield _REGISTER_KIND, name, rewritten, _keep


def _write_registers(
    original: TrialRecord, part: Part
) -> Iterator[tuple[str, TrialRecord | None]]:
    if part is Part.ELIGIBILITY:
        text = original.raw_text("eligibility") or ""
        yield from (
            (name, read(text)) for name, read in REGISTERS.items() if name != HOME
        )
    if part is Part.TIMES:
        yield "flattened", flatten_outcomes(original)


def _keep(quote: str) -> str:
    return quote


def rewrite_record(
    record: TrialRecord, way: Way, register: str = HOME
) -> TrialRecord | None:
    """Return a record written in a way; None if that changes nothing, or cannot be done."""
    if way.part is Part.ELIGIBILITY:
        text = record.raw_text("eligibility") or ""
        written = way.write(text)
        return REGISTERS[register](written) if written and written != text else None
    sections = tuple(
        rewrite_parts(section, way.write, _REWRITTEN[way.part])
        for section in record.sections
    )
    return (
        record.model_copy(update={"sections": sections})
        if sections != record.sections
        else None
    )


def _read(record: TrialRecord, part: Part) -> Reading:
    return read_extraction(extract_by_rules(record, RULES), part)


def tally_by(
    results: Iterable[Result], *, by_way: bool
) -> dict[str, tuple[Part, Tally]]:
    """Return the part and the sum of the tallies of each kind, or of each way."""
    found: dict[str, tuple[Part, Tally]] = {}
    for one in results:
        name = f"{one.kind}: {one.name}" if by_way else one.kind
        if one.kind == _REGISTER_KIND and one.part is not Part.ELIGIBILITY:
            name = f"{_REGISTER_KIND} ({one.part}): {one.name}"
        found.setdefault(name, (one.part, Tally()))[1].add(one.tally)
    return found


def format_results(results: Sequence[Result], *, by_way: bool = False) -> str:
    """Format a table for each part: the shares that changed, and in brackets those that are
    sure.
    """
    tables = []
    for part in Part:
        own = [one for one in results if one.part is part]
        tallies = {
            name: tally for name, (_, tally) in tally_by(own, by_way=by_way).items()
        }
        if not tallies:
            continue
        total = Tally()
        for tally in tallies.values():
            total.add(tally)
        rows = [
            _format_row(name, tally, part)
            for name, tally in {**tallies, "all": total}.items()
        ]
        tables.append(format_table([part.value, "texts", *MEASURES[part]], rows))
    return "\n\n".join(tables)


def _format_row(name: str, tally: Tally, part: Part) -> list[object]:
    return [
        name,
        tally.texts,
        *(_format_shares(tally, measure) for measure in MEASURES[part]),
    ]


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
    return {
        "texts": tally.texts,
        **{name: dict(sorted((+one).items())) for name, one in counters.items()},
    }


def format_counts(results: Iterable[Result]) -> str:
    """Format the counts of all ways as JSON, with a line for each."""
    tallies = tally_by(results, by_way=True).items()
    lines = (
        f"{_dump(name)}: {_dump(count_json(tally))}" for name, (_, tally) in tallies
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def print_changes(results: Iterable[Result], count: int) -> None:
    """Print up to ``count`` changes of each way, of the folds that may be read, the sure ones
    first.
    """
    changes: dict[str, list[tuple[bool, str]]] = {}
    for one in results:
        if fold_of(one.record_id) in _SHOWN_FOLDS:
            lines = [
                (change.sure, f"{one.record_id} {change.measure}: {change.what}")
                for change in one.changes
            ]
            changes.setdefault(f"{one.kind}: {one.name}", []).extend(lines)
    for name, lines in changes.items():
        if lines:
            print(name)
        for is_sure, line in sorted(lines, key=lambda line: not line[0])[:count]:
            print(f"    {'sure ' if is_sure else ''}{line[:300]}")


if __name__ == "__main__":
    main()

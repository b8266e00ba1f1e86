"""Measure limits against comparisons that people of another project marked in eligibility texts.

    python -m benchmarks.human FILE [--half 0|1] [--show]

FILE holds one text a line with its comparisons, as ``human/lct_comparisons.jsonl.gz`` of the data
beside the checkout: the Leaf Clinical Trials corpus (Dobbins, Mullen, Uzuner, Yetisgen, Scientific
Data 2022; CC BY 4.0). A bound is right if the rules give its number with its comparator at its
place. ``--half`` reads the texts of one half, by a hash of their ids; ``--show`` prints what is not
right. Bounds are those of ages and observations; marks without an operator, and ranges with one
value, are left out.
"""

from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.data import RULES, Row, fold_of, format_table, parse_options, read_lines
from extractor.pipeline import extract_by_rules
from extractor.schemas import Comparator, Section, Source, TrialExtraction, TrialRecord

_MEASURED = {"Age", "Observation"}
_TIMED = {"Procedure", "Drug", "Condition"}


class Bound(NamedTuple):
    """One number with its comparator, and its place in the text."""

    sign: str
    value: float
    start: int
    end: int


class Tally(NamedTuple):
    """Counts of one text: limits, time limits and numbers, each right (or found) of all."""

    bounds: list[tuple[Bound, str]]
    """Each bound that people marked, and "right", "number" (with another comparator) or
    "missed".
    """
    times: list[tuple[Bound, bool]]
    numbers: list[tuple[Bound, bool]]
    """Each bound of the rules, and whether people marked its number there."""


def main() -> None:
    """Print the shares, and on request what is not right."""
    chosen = parse_options(__doc__, "file", half=int, show=False)
    rows = [
        row
        for row in read_lines(chosen.file)
        if chosen.half is None or fold_of(row["id"]) % 2 == chosen.half
    ]
    tallies = [(row, compare(row)) for row in rows]
    bounds = [each for _, tally in tallies for each in tally.bounds]
    times, numbers = (
        [each for _, tally in tallies for each in getattr(tally, name)]
        for name in ("times", "numbers")
    )
    figures = {
        "bounds right": [verdict == "right" for _, verdict in bounds],
        "their numbers found": [verdict != "missed" for _, verdict in bounds],
        "our numbers among theirs": [found for _, found in numbers],
        "time limits right": [right for _, right in times],
    }
    shares = [
        (name, len(found), sum(found) / max(1, len(found)))
        for name, found in figures.items()
    ]
    print(format_table((f"{len(rows)} texts", "of", "share"), shares))
    for row, tally in tallies if chosen.show else ():
        wrong = [
            (verdict, bound) for bound, verdict in tally.bounds if verdict != "right"
        ]
        wrong += [("time", bound) for bound, right in tally.times if not right]
        wrong += [("not theirs", bound) for bound, found in tally.numbers if not found]
        for verdict, bound in wrong:
            around = " ".join(
                row["text"][max(0, bound.start - 60) : bound.end + 40].split()
            )
            print(f"{row['id']} {verdict}: {bound.sign} {bound.value:g} | {around}")


def compare(row: Row) -> Tally:
    """Extract one text with the rules, and compare its limits with the marks."""
    record = TrialRecord(
        record_id=row["id"],
        source=Source(path="marked text", format="text"),
        sections=(Section(name="eligibility", text=row["text"]),),
    )
    ours = list(list_bounds(extract_by_rules(record, RULES)))
    marks = row["comparisons"]
    whole = [
        mark
        for mark in marks
        if mark["operator"]
        and (mark["operator"] != "between" or len(mark["values"]) == 2)
    ]
    marked = [
        mark
        for mark in whole
        if mark["as"] == "Numeric-Filter" and mark["of"] in _MEASURED
    ]
    bounds = [
        (bound, _find(bound, ours)) for mark in marked for bound in _list_marked(mark)
    ]
    timed = [mark for mark in whole if _is_timed(mark)]
    times = [
        (bound, _find(bound, ours) == "right")
        for mark in timed
        for bound in _list_marked(mark)
    ]
    anywhere = [bound for mark in marks for bound in _list_marked(mark)]
    numbers = [
        (
            one,
            any(
                _same_number(one.value, other.value) and _meet(one, other)
                for other in anywhere
            ),
        )
        for one in ours
    ]
    return Tally(bounds, times, numbers)


def list_bounds(extraction: TrialExtraction) -> Iterator[Bound]:
    """Yield the bounds of all constraints and time windows, with the places of their evidence."""
    for criterion in extraction.eligibility.criteria:
        for piece in criterion.evidence:
            name, _, rest = piece.field.partition("[")
            place = piece.start, piece.end
            if name == "constraints":
                limit = criterion.constraints[int(rest.partition("]")[0])]
                yield from _split(
                    limit.comparator, [limit.value, limit.value_high], *place
                )
            elif name == "time_window" and criterion.time_window:
                yield from _split(
                    criterion.time_window.comparator,
                    [criterion.time_window.value],
                    *place,
                )


def _is_timed(mark: Row) -> bool:
    """Return whether a mark is a time limit of a treatment or disease; calendar years have no
    unit.
    """
    return bool(
        mark["time_unit"] and mark["as"] == "Temporality" and mark["of"] in _TIMED
    )


def _list_marked(mark: Row) -> Iterator[Bound]:
    yield from _split(
        mark["operator"] or "=", mark["values"], mark["start"], mark["end"]
    )


def _split(
    sign: str, values: list[float | None], start: int, end: int
) -> Iterator[Bound]:
    stated = [value for value in values if value is not None]
    signs = (
        (">=", "<=")
        if sign == Comparator.BETWEEN and len(stated) == 2
        else [str(sign)] * len(stated)
    )
    yield from (
        Bound(str(one), value, start, end)
        for one, value in zip(signs, stated, strict=True)
    )


def _find(bound: Bound, ours: list[Bound]) -> str:
    there = [
        one
        for one in ours
        if _meet(one, bound) and _same_number(one.value, bound.value)
    ]
    if any(one.sign == bound.sign for one in there):
        return "right"
    if there:
        return "number"
    return "missed"


def _meet(one: Bound, other: Bound) -> bool:
    return one.start < other.end and other.start < one.end


def _same_number(ours: float, theirs: float) -> bool:
    """Return whether two numbers are one, or one has a power of ten that the other leaves to the
    unit.
    """
    if not ours or not theirs:
        return ours == theirs
    return any(
        abs(ours - theirs * 10**power) < 1e-6 * abs(ours) for power in (0, 3, 6, 9)
    )


if __name__ == "__main__":
    main()

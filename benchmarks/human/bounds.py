"""Comparisons that people marked in eligibility texts, against the limits of the rules.

A bound is right if the rules give its number with its comparator at its place. Bounds are those of
ages and observations; marks without an operator, and ranges with one value, are left out.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.data import Row
from benchmarks.human.texts import (
    extract_text,
    is_same_number,
    print_shares,
    show_around,
)
from extractor.schemas import Comparator, TrialExtraction

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


def report(rows: Sequence[Row], *, show: bool) -> None:
    """Print the shares of what is right, and with ``show`` what is not right."""
    tallies = [(row, compare(row)) for row in rows]
    bounds = [bound for _, tally in tallies for bound in tally.bounds]
    times = [bound for _, tally in tallies for bound in tally.times]
    numbers = [bound for _, tally in tallies for bound in tally.numbers]
    print_shares(
        f"{len(rows)} texts",
        {
            "bounds right": [verdict == "right" for _, verdict in bounds],
            "their numbers found": [verdict != "missed" for _, verdict in bounds],
            "our numbers among theirs": [found for _, found in numbers],
            "time limits right": [right for _, right in times],
        },
    )
    for row, tally in tallies if show else ():
        wrong = [
            (verdict, bound) for bound, verdict in tally.bounds if verdict != "right"
        ]
        wrong += [("time", bound) for bound, right in tally.times if not right]
        wrong += [("not theirs", bound) for bound, found in tally.numbers if not found]
        for verdict, bound in wrong:
            around = show_around(row["text"], bound.start, bound.end)
            print(f"{row['id']} {verdict}: {bound.sign} {bound.value:g} | {around}")


def compare(row: Row) -> Tally:
    """Extract one text with the rules, and compare its limits with the marks."""
    ours = list(list_bounds(extract_text(row)))
    marks = row["comparisons"]
    whole = _list_whole(row)
    bounds = [(bound, _find(bound, ours)) for bound in list_marked(row)]
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
                is_same_number(one.value, other.value) and _meet(one, other)
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
                yield from split_limit(
                    limit.comparator, [limit.value, limit.value_high], *place
                )
            elif name == "time_window" and criterion.time_window:
                yield from split_limit(
                    criterion.time_window.comparator,
                    [criterion.time_window.value],
                    *place,
                )


def list_marked(row: Row) -> list[Bound]:
    """Return the bounds of ages and observations that people marked."""
    return [
        bound
        for mark in _list_whole(row)
        if mark["as"] == "Numeric-Filter" and mark["of"] in _MEASURED
        for bound in _list_marked(mark)
    ]


def _list_whole(row: Row) -> list[Row]:
    """Return the marks with an operator, without ranges of one value."""
    return [
        mark
        for mark in row["comparisons"]
        if mark["operator"]
        and (mark["operator"] != "between" or len(mark["values"]) == 2)
    ]


def _is_timed(mark: Row) -> bool:
    """Return whether a mark is a time limit of a treatment or disease; calendar years have no
    unit.
    """
    return bool(
        mark["time_unit"] and mark["as"] == "Temporality" and mark["of"] in _TIMED
    )


def _list_marked(mark: Row) -> Iterator[Bound]:
    yield from split_limit(
        mark["operator"] or "=", mark["values"], mark["start"], mark["end"]
    )


def split_limit(
    sign: str, values: list[float | None], start: int, end: int
) -> Iterator[Bound]:
    """Yield the bounds of a limit; one between two values has two."""
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
        if _meet(one, bound) and is_same_number(one.value, bound.value)
    ]
    if any(one.sign == bound.sign for one in there):
        return "right"
    if there:
        return "number"
    return "missed"


def _meet(one: Bound, other: Bound) -> bool:
    return one.start < other.end and other.start < one.end

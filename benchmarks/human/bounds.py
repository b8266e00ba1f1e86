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
    verdicts: list[str] = []
    numbers: list[bool] = []
    times: list[bool] = []
    for _, tally in tallies:
        verdicts += [verdict for _, verdict in tally.bounds]
        numbers += [is_theirs for _, is_theirs in tally.numbers]
        times += [is_right for _, is_right in tally.times]
    print_shares(
        f"{len(rows)} texts",
        {
            "bounds right": [verdict == "right" for verdict in verdicts],
            "their numbers found": [verdict != "missed" for verdict in verdicts],
            "our numbers among theirs": numbers,
            "time limits right": times,
        },
    )
    if not show:
        return
    for row, tally in tallies:
        for problem, bound in _list_wrong(tally):
            around = show_around(row["text"], bound.start, bound.end)
            print(f"{row['id']} {problem}: {bound.sign} {bound.value:g} | {around}")


def _list_wrong(tally: Tally) -> Iterator[tuple[str, Bound]]:
    """Yield the bounds of a text that are not right, each with what is wrong."""
    for bound, verdict in tally.bounds:
        if verdict != "right":
            yield verdict, bound
    for bound, is_right in tally.times:
        if not is_right:
            yield "time", bound
    for bound, is_theirs in tally.numbers:
        if not is_theirs:
            yield "not theirs", bound


def compare(row: Row) -> Tally:
    """Extract one text with the rules, and compare its limits with the marks."""
    ours = list(list_bounds(extract_text(row)))
    bounds = [(bound, _judge(bound, ours)) for bound in list_marked(row)]
    times = []
    for mark in _list_whole(row):
        if not _is_timed(mark):
            continue
        for bound in _list_marked(mark):
            verdict = _judge(bound, ours)
            times.append((bound, verdict == "right"))
    anywhere: list[Bound] = []
    for mark in row["comparisons"]:
        anywhere += _list_marked(mark)
    numbers = []
    for bound in ours:
        is_theirs = any(_is_same(bound, marked) for marked in anywhere)
        numbers.append((bound, is_theirs))
    return Tally(bounds, times, numbers)


def list_bounds(extraction: TrialExtraction) -> Iterator[Bound]:
    """Yield the bounds of all constraints and time windows, with the places of their evidence."""
    for criterion in extraction.eligibility.criteria:
        for piece in criterion.evidence:
            name, _, rest = piece.field.partition("[")
            if name == "constraints":
                limit = criterion.constraints[int(rest.partition("]")[0])]
                values = [limit.value, limit.value_high]
                yield from split_limit(limit.comparator, values, piece.start, piece.end)
            elif name == "time_window" and criterion.time_window:
                window = criterion.time_window
                yield from split_limit(
                    window.comparator, [window.value], piece.start, piece.end
                )


def list_marked(row: Row) -> list[Bound]:
    """Return the bounds of ages and observations that people marked."""
    marked: list[Bound] = []
    for mark in _list_whole(row):
        if mark["as"] == "Numeric-Filter" and mark["of"] in _MEASURED:
            marked += _list_marked(mark)
    return marked


def _list_whole(row: Row) -> list[Row]:
    """Return the marks with an operator, without ranges of one value."""
    whole = []
    for mark in row["comparisons"]:
        is_range = mark["operator"] == "between"
        if is_range and len(mark["values"]) != 2:
            continue
        if mark["operator"]:
            whole.append(mark)
    return whole


def _is_timed(mark: Row) -> bool:
    """Return whether a mark is a time limit of a treatment or disease; calendar years have no
    unit.
    """
    if not mark["time_unit"]:
        return False
    return mark["as"] == "Temporality" and mark["of"] in _TIMED


def _list_marked(mark: Row) -> Iterator[Bound]:
    yield from split_limit(
        mark["operator"] or "=", mark["values"], mark["start"], mark["end"]
    )


def split_limit(
    sign: str, values: list[float | None], start: int, end: int
) -> Iterator[Bound]:
    """Yield the bounds of a limit; one between two values has two."""
    stated = [value for value in values if value is not None]
    signs = [str(sign)] * len(stated)
    if sign == Comparator.BETWEEN and len(stated) == 2:
        signs = [">=", "<="]
    for bound_sign, value in zip(signs, stated, strict=True):
        yield Bound(bound_sign, value, start, end)


def _judge(bound: Bound, ours: list[Bound]) -> str:
    """Return "right" if the rules have a bound, "number" if they have only its number there."""
    same = [read for read in ours if _is_same(read, bound)]
    if not same:
        return "missed"
    if any(read.sign == bound.sign for read in same):
        return "right"
    return "number"


def _is_same(ours: Bound, theirs: Bound) -> bool:
    """Return whether a bound of the rules has the number that people marked in its place."""
    if not _overlap(ours, theirs):
        return False
    return is_same_number(ours.value, theirs.value)


def _overlap(bound: Bound, other: Bound) -> bool:
    return bound.start < other.end and other.start < bound.end

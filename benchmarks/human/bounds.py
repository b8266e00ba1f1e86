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


def report(rows: Sequence[Row], *, show: bool) -> None:
    """Print the shares of what is right, and with ``show`` what is not right."""
    verdicts: dict[str, list[str]] = {"bound": [], "time": []}
    wrong = []
    for row in rows:
        ours = list(list_bounds(extract_text(row)))
        marked = {"bound": list_marked(row), "time": _list_timed(row)}
        for kind, bounds in marked.items():
            for bound in bounds:
                verdict = _judge(bound, ours)
                verdicts[kind].append(verdict)
                if verdict != "right":
                    around = show_around(row["text"], bound.start, bound.end)
                    what = f"{kind} {verdict}: {bound.sign} {bound.value:g}"
                    wrong.append(f"{row['id']} {what} | {around}")
    of_bounds = verdicts["bound"]
    figures = {
        "bounds right": [verdict == "right" for verdict in of_bounds],
        "their numbers found": [verdict != "missed" for verdict in of_bounds],
        "time limits right": [verdict == "right" for verdict in verdicts["time"]],
    }
    print_shares(f"{len(rows)} texts", figures)
    if show:
        print("\n".join(wrong))


def list_bounds(extraction: TrialExtraction) -> Iterator[Bound]:
    """Yield the bounds of all constraints and time windows, with the places of their evidence."""
    for criterion in extraction.eligibility.criteria:
        for piece in criterion.evidence:
            start, end = piece.start, piece.end
            name, _, rest = piece.field.partition("[")
            if name == "constraints":
                limit = criterion.constraints[int(rest.partition("]")[0])]
                values = [limit.value, limit.value_high]
                yield from split_limit(limit.comparator, values, start, end)
            elif name == "time_window" and criterion.time_window:
                window = criterion.time_window
                yield from split_limit(window.comparator, [window.value], start, end)


def list_marked(row: Row) -> list[Bound]:
    """Return the bounds of ages and observations that people marked."""
    marked: list[Bound] = []
    for mark in _list_whole(row):
        if mark["as"] == "Numeric-Filter" and mark["of"] in _MEASURED:
            marked += _split_mark(mark)
    return marked


def _list_timed(row: Row) -> list[Bound]:
    """Return the time limits of treatments and diseases; calendar years have no unit."""
    timed: list[Bound] = []
    for mark in _list_whole(row):
        is_limit = mark["as"] == "Temporality" and mark["of"] in _TIMED
        if is_limit and mark["time_unit"]:
            timed += _split_mark(mark)
    return timed


def _list_whole(row: Row) -> Iterator[Row]:
    """Yield the marks with an operator, without ranges of one value."""
    for mark in row["comparisons"]:
        is_range = mark["operator"] == "between"
        if mark["operator"] and not (is_range and len(mark["values"]) != 2):
            yield mark


def _split_mark(mark: Row) -> Iterator[Bound]:
    return split_limit(mark["operator"], mark["values"], mark["start"], mark["end"])


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
    same = [
        read
        for read in ours
        if read.start < bound.end
        and bound.start < read.end
        and is_same_number(read.value, bound.value)
    ]
    if not same:
        return "missed"
    return "right" if any(read.sign == bound.sign for read in same) else "number"

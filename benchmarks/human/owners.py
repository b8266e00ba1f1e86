"""Values and times that people marked in eligibility texts, and what each belongs to, against the
rules.

A marked value with figures is found if a constraint at its place has each of its numbers; a marked
time with figures and a unit, if a time window at its place has them. Its owner is right if the
constraint's quantity shares a word with a mark that the people linked to the value, or the window's
``of`` stands at such a mark.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from benchmarks.data import Row
from benchmarks.human.texts import (
    extract_text,
    is_same_number,
    print_shares,
    show_around,
)
from extractor.schemas import FieldRef, TrialExtraction

HEADINGS = {"inclusion": "Inclusion Criteria:\n", "exclusion": "Exclusion Criteria:\n"}
_MEASURED = frozenset({"Measurement", "Person", "Observation"})
"""Kinds of marks whose values are limits; the values of others are often words of a diagnosis."""
_POWER = re.compile(
    r"(?:[x*×]\s?)?10\s?(?:\^|\*\*|\()\s?\d+|(?<=\d)\s?[x×]\s?10\s?\d\b|\b10\s?9\s?/|\b1[.,]73|\bc?m\s?2\b"
)
"""Figures of a unit: a power of ten, a square metre, and the 1.73 of them of a filtration rate."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_TIME = re.compile(
    r"\b(?:hours?|hrs?|days?|weeks?|wks?|months?|mos?|years?|yrs?)\b", re.I
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_KINDS = {"constraints": "value", "time_windows": "time"}
_AGES = frozenset({"age", "aged", "ages", "old", "older", "years", "year"})


class Marked(NamedTuple):
    """A value or time that people marked: its numbers, its place, and the marks it belongs to."""

    kind: str
    numbers: tuple[float, ...]
    start: int
    end: int
    owners: tuple[Row, ...]


class Read(NamedTuple):
    """A limit of the rules: its numbers, its place, its owner in words, and where that stands."""

    kind: str
    numbers: tuple[float, ...]
    start: int
    end: int
    owner: str
    owner_place: tuple[int, int] | None


class Judged(NamedTuple):
    """A mark, whether the rules have it, and whether with the right owner."""

    marked: Marked
    found: bool
    owned: bool


def report(rows: Sequence[Row], *, show: bool) -> None:
    """Print the shares of what is right, and with ``show`` what is not right."""
    judged = [(row, each) for row in rows for each in compare(row)]
    figures: dict[str, list[bool]] = {}
    for kind in ("value", "time"):
        of_kind = [each for _, each in judged if each.marked.kind == kind]
        figures[f"{kind}s found"] = [each.found for each in of_kind]
        figures[f"right owner of {kind}s found"] = [
            each.owned for each in of_kind if each.found
        ]
    print_shares(f"{len(rows)} texts", figures)
    for row, each in judged if show else ():
        if each.owned:
            continue
        marked = each.marked
        problem = "owner" if each.found else "missed"
        owners = " / ".join(owner["text"] for owner in marked.owners)
        around = show_around(row["text"], marked.start, marked.end)
        print(f"{row['id']} {marked.kind} {problem}: {owners} | {around}")


def compare(row: Row) -> list[Judged]:
    """Extract a text with the rules, and look for each marked value and time."""
    heading = HEADINGS[row["list"]]
    ours = list(list_read(extract_text(row, heading), len(heading)))
    return [judge_mark(marked, ours) for marked in list_marked(row)]


def list_marked(row: Row) -> Iterator[Marked]:
    """Yield the values and times with figures that people linked to an owner."""
    marks = {mark["id"]: mark for mark in row["marks"]}
    owners: dict[str, list[Row]] = defaultdict(list)
    for name, owner, owned, *_ in row["relations"]:
        if name in ("Has_value", "Has_temporal") and {owner, owned} <= marks.keys():
            owners[owned].append(marks[owner])
    for key, linked in owners.items():
        mark = marks[key]
        numbers = _read_numbers(mark["text"])
        kind = "value" if mark["type"] == "Value" else "time"
        is_limit = any(owner["type"] in _MEASURED for owner in linked)
        is_timed = _TIME.search(mark["text"]) is not None
        if not numbers or not (is_limit if kind == "value" else is_timed):
            continue
        spans = mark["spans"]
        yield Marked(kind, numbers, spans[0][0], spans[-1][1], tuple(linked))


def list_read(extraction: TrialExtraction, offset: int) -> Iterator[Read]:
    """Yield the constraints and windows of the rules; ``offset`` is where the marked text begins."""
    for criterion in extraction.eligibility.criteria:
        places = {
            piece.field: (piece.start - offset, piece.end - offset)
            for piece in criterion.evidence
            if piece.start is not None and piece.end is not None
        }
        for field, place in places.items():
            ref = FieldRef(field)
            if ref.path in _KINDS and field.endswith("]"):
                value = getattr(criterion, ref.path)[_number_of(field)]
                yield describe_read(ref.path, value, place, places.get(f"{field}.of"))


def describe_read(
    path: str, value: Any, place: tuple[int, int], owner_place: tuple[int, int] | None
) -> Read:
    """Return a limit or a time window of the rules as it is compared with marks."""
    numbers = _list_stated(value.value, value.value_high)
    owner = value.quantity if path == "constraints" else value.of
    return Read(_KINDS[path], numbers, *place, owner or "", owner_place)


def _number_of(field: str) -> int:
    return int(field.rpartition("[")[2].removesuffix("]"))


def _list_stated(*values: float | None) -> tuple[float, ...]:
    return tuple(value for value in values if value is not None)


def _read_numbers(text: str) -> tuple[float, ...]:
    """Return the figures of a marked text, without powers of ten, which may belong to the unit."""
    plain = _THOUSANDS.sub("", _POWER.sub(" ", text))
    found = (number.replace(",", ".") for number in _NUMBER.findall(plain))
    return tuple(float(number) for number in found if number.count(".") < 2)


def judge_mark(marked: Marked, ours: Sequence[Read]) -> Judged:
    """Return whether limits of the rules have a mark, and whether with the right owner."""
    # Without a look at the kind: an age of the marks may be a window of the rules.
    there = [
        read
        for read in ours
        if read.start < marked.end and marked.start < read.end
        if all(_has_number(read, number) for number in marked.numbers)
    ]
    owned = any(_is_owner(read, owner) for read in there for owner in marked.owners)
    return Judged(marked, bool(there), owned)


def _has_number(read: Read, number: float) -> bool:
    """Return whether a limit has a number as a bound, or in its range: a list of grades is a
    range.
    """
    if any(is_same_number(value, number) for value in read.numbers):
        return True
    return len(read.numbers) == 2 and read.numbers[0] < number < read.numbers[1]


def _is_owner(read: Read, owner: Row) -> bool:
    """Return whether a mark is what a limit of the rules belongs to."""
    if read.owner_place is not None:
        first, end = read.owner_place
        return any(first < stop and start < end for start, stop in owner["spans"])
    if owner["type"] == "Person" and list_words(read.owner) & _AGES:
        return True
    return bool(list_words(read.owner) & list_words(owner["text"]))


def list_words(text: str) -> set[str]:
    """Return the words of a text in small letters."""
    return {word.casefold() for word in _WORD.findall(text)}

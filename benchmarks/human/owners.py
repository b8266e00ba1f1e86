"""Values and times that people marked in eligibility texts, and what each belongs to, against the
rules.

A marked value with figures is found if constraints at its place have its numbers; a marked time
with figures and a unit, if time windows at its place have them. Its owner is right if the
constraint's quantity shares a word with a mark that the people linked to the value, or the window's
``of`` is at such a mark.

What counts is decided by the marks and the guideline alone, never by what the rules read. Numbers of
units ("mm3", "20/" of "20/40"), of names ("item 10"), of classes ("3a", "2, 3, 5 or 6") and of the most
points of a scale are none of a value; of a time, only those of a length count. A mark with two bounds
may be two limits. People whom a limit is for are its condition, a thing that is counted may be the
unit, and what has a quality is the owner of the quality's time ("stable for 3 months").
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
from extractor.schemas import TrialExtraction

HEADINGS = {"inclusion": "Inclusion Criteria:\n", "exclusion": "Exclusion Criteria:\n"}
_MEASURED = frozenset({"Measurement", "Person", "Observation"})
"""Kinds of marks whose values are limits; the values of others are often words of a diagnosis."""
_UNIT_FIGURES = re.compile(
    r"(?:[x*×]\s?)?10\s?(?:\^|\*\*|\()\s?\d+|(?<=\d)\s?[x×]\s?10\s?\d\b|\b10\s?9\s?/"
    r"|\b1[.,]73|\bc?m\s2\b|\b(?:20|6)\s?/\s?(?=\d)|\bU\+\d{4}|\b(?:h|min|sec|s|kg|m)-[1-3]\b"
)
"""Figures of a unit: a power of ten, a square metre, the 1.73 of them of a filtration rate, an
exponent, the distance of an eye test; and the code of a sign.
"""
_IN_NAME = re.compile(
    r"(?<![^\W_])(?![x×]\d)[^\W\d_]+(?:\^|\*\*)?\d+(?:[.,]\d+)*"
    r"|(?<!\d )\b(?:item|visit|part|type|version|day|week|period|phase)s?\s?\d+\b",
    re.I,
)
"""Figures of a unit or a name: "mm3", "cm^2", "H2O", "item 10", "Visit 1"; those of "x3" are none."""
_MOST_POINTS = re.compile(r"\bout of \d+")
_LETTERED = re.compile(
    r"\b\d+[a-c]\b|\b\d\s?-\s?[A-D]\b|(?<![^\W_])(?![x×m])[^\W\d_]\d+\b",
    re.I,
)
"""A class with a letter: "3a", "0-B", "F3"."""
_LIST = re.compile(r"\d+(?:\s?,\s?\d+)*\s?,?\s?(?:or|and|&)\s?\d+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_UNIT_OF_TIME = r"(?:hours?|hrs?|days?|weeks?|wks?|months?|mos?|years?|yrs?)\b"
_TIME = re.compile(
    r"(\d+(?:[.,]\d+)*(?:\s?(?:-|–|/|to|or|and)\s?\d+(?:[.,]\d+)*)*)"
    rf"\s?-?(?:\s[^\W\d_]+)?\s?{_UNIT_OF_TIME}",
    re.I,
)
"""Numbers with their unit of time: "2", "2-4 weeks", "24 consecutive months"."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_KINDS = {"constraints": "value", "time_windows": "time"}
_AGES = frozenset({"age", "aged", "old", "older", "year"})
_LENGTHS = frozenset({"duration", "interval", "length", "period", "time"})
_OWNERS = _MEASURED | {"Condition", "Device", "Drug", "Procedure", "Visit"}
"""Kinds of marks that a time can belong to: things, events and states."""


class Marked(NamedTuple):
    """A value or time that people marked: its numbers, its place, and the marks it belongs to."""

    kind: str
    numbers: tuple[float, ...]
    start: int
    end: int
    owners: tuple[Row, ...]


class Read(NamedTuple):
    """A limit of the rules: its numbers, its place, its owner in words, and the place of the owner.

    ``people`` is its condition, ``unit`` what may be counted.
    """

    kind: str
    numbers: tuple[float, ...]
    start: int
    end: int
    owner: str
    owner_place: tuple[int, int] | None = None
    people: str = ""
    unit: str = ""


class Judged(NamedTuple):
    """A mark, whether the rules have it, and whether with the right owner; None without an owner
    to compare.
    """

    marked: Marked
    found: bool
    owned: bool | None


def report(rows: Sequence[Row], *, show: bool) -> None:
    """Print the shares of what is right, and with ``show`` what is not right."""
    figures: dict[str, list[bool]] = {}
    for kind in ("value", "time"):
        figures |= {f"{kind}s found": [], f"right owner of {kind}s found": []}
    wrong = []
    for row in rows:
        for marked, found, owned in compare(row):
            figures[f"{marked.kind}s found"].append(found)
            if found and owned is not None:
                figures[f"right owner of {marked.kind}s found"].append(owned)
            if not found or owned is False:
                what = f"{marked.kind} {'owner' if found else 'missed'}"
                owners = " / ".join(owner["text"] for owner in marked.owners)
                around = show_around(row["text"], marked.start, marked.end)
                wrong.append(f"{row['id']} {what}: {owners} | {around}")
    print_shares(f"{len(rows)} texts", figures)
    if show:
        print("\n".join(wrong))


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
        if name not in ("Has_value", "Has_temporal"):
            continue
        if owner in marks and owned in marks:
            owners[owned].append(marks[owner])
    for key, linked in owners.items():
        mark = marks[key]
        start = mark["spans"][0][0]
        end = mark["spans"][-1][1]
        if mark["type"] != "Value":
            lengths = _read_lengths(mark["text"])
            if lengths:
                holders = _list_holders(row, marks, linked)
                yield Marked("time", lengths, start, end, tuple(holders))
            continue
        numbers = _read_numbers(mark["text"])
        is_measured = any(owner["type"] in _MEASURED for owner in linked)
        if not numbers or not is_measured:
            continue
        if not _names_classes(row["text"], mark["text"], start):
            yield Marked("value", numbers, start, end, tuple(linked))


def _names_classes(text: str, value: str, start: int) -> bool:
    """Return whether a value is no limit: a class with a letter, or a list of classes with gaps."""
    before = text[max(0, start - 2) : start]
    is_glued = value[:1].isdigit() and re.search(r"(?<![^\W_])[^\W\d_]$", before)
    if is_glued or _LETTERED.search(value):
        return True
    if not _LIST.fullmatch(value.strip()):
        return False
    classes = sorted(map(int, re.findall(r"\d+", value)))
    return classes[-1] - classes[0] != len(classes) - 1


def _list_holders(row: Row, marks: dict[str, Row], linked: Sequence[Row]) -> list[Row]:
    """Return the things, events and states that a time belongs to: in the place of a quality those
    that have it.
    """
    holders = list[Row]()
    for owner in linked:
        if owner["type"] in _OWNERS:
            holders.append(owner)
            continue
        for name, holder, held, *_ in row["relations"]:
            is_of_owner = name.startswith("Has_") and held == owner["id"]
            if not is_of_owner or holder not in marks:
                continue
            if marks[holder]["type"] in _OWNERS:
                holders.append(marks[holder])
    return holders


def list_read(extraction: TrialExtraction, offset: int) -> Iterator[Read]:
    """Yield the constraints and windows of the rules; ``offset`` is where the marked text begins."""
    for criterion in extraction.eligibility.criteria:
        places = {
            piece.field: (piece.start - offset, piece.end - offset)
            for piece in criterion.evidence
        }
        for name in _KINDS:
            for at, value in enumerate(getattr(criterion, name)):
                place = places[f"{name}[{at}]"]
                of_place = places.get(f"{name}[{at}].of")
                yield describe_read(name, value, place, of_place)


def describe_read(
    path: str, value: Any, place: tuple[int, int], owner_place: tuple[int, int] | None
) -> Read:
    """Return a limit or a time window of the rules as it is compared with marks."""
    stated = (value.value, value.value_high)
    numbers = tuple(number for number in stated if number is not None)
    known = (_KINDS[path], numbers, *place)
    if path == "time_windows":
        return Read(*known, value.of or "", owner_place)
    unit = value.unit or ""
    return Read(*known, value.quantity, None, value.condition or "", unit)


def _read_numbers(text: str) -> tuple[float, ...]:
    """Return the figures of a marked value, without those of units and names and of the most points
    of a scale.
    """
    plain = _UNIT_FIGURES.sub(" ", text)
    for other in (_IN_NAME, _MOST_POINTS):
        plain = other.sub(" ", plain)
    plain = _THOUSANDS.sub("", plain)
    written = [number.replace(",", ".") for number in _NUMBER.findall(plain)]
    return tuple(float(number) for number in written if number.count(".") < 2)


def _read_lengths(text: str) -> tuple[float, ...]:
    """Return the figures of the lengths in a marked time."""
    numbers: list[float] = []
    for length in _TIME.finditer(_IN_NAME.sub(" ", text)):
        numbers += _read_numbers(length[1])
    return tuple(numbers)


def judge_read(read: Read, marked: Marked) -> Judged:
    """Return whether one limit has some of a mark's numbers, and whether with the right owner."""
    held = tuple(number for number in marked.numbers if _has_number(read, number))
    if not held:
        return Judged(marked, found=False, owned=None)
    return judge_mark(marked._replace(numbers=held), [read])


def judge_mark(marked: Marked, ours: Sequence[Read]) -> Judged:
    """Return whether limits of the rules have a mark, and whether with the right owner."""
    # Without a look at the kind: an age of the marks may be a window of the rules.
    there = [
        read for read in ours if read.start < marked.end and marked.start < read.end
    ]
    is_found = True
    is_owned = True
    for number in marked.numbers:
        holding = [read for read in there if _has_number(read, number)]
        if not holding:
            is_found = False
        owned = [_is_owner(read, owner) for read in holding for owner in marked.owners]
        if not any(owned):
            is_owned = False
    if not marked.owners:
        return Judged(marked, is_found, None)
    return Judged(marked, is_found, is_found and is_owned)


def _has_number(read: Read, number: float) -> bool:
    """Return whether a limit has a number as a bound, or in its range: a list of grades is a
    range.
    """
    if any(is_same_number(value, number) for value in read.numbers):
        return True
    return len(read.numbers) == 2 and read.numbers[0] < number < read.numbers[1]


def _is_owner(read: Read, owner: Row) -> bool:
    """Return whether a mark is what a limit of the rules belongs to."""
    theirs = list_words(owner["text"])
    is_measurement = read.kind == "time" and owner["type"] == "Measurement"
    if is_measurement and theirs <= _LENGTHS:
        return bool(theirs)
    if read.owner_place is not None:
        first, end = read.owner_place
        return any(first < stop and start < end for start, stop in owner["spans"])
    ours = list_words(read.owner)
    if owner["type"] == "Person":
        ours_of_people = ours | list_words(read.people)
        return not theirs.isdisjoint(ours_of_people) or not ours.isdisjoint(_AGES)
    if owner["text"].casefold() in read.owner.casefold():
        return True
    return not theirs.isdisjoint(ours | list_words(read.unit))


def list_words(text: str) -> set[str]:
    """Return the words of a text, without the ending of a plural."""
    return {word.casefold().removesuffix("s") for word in _WORD.findall(text)}

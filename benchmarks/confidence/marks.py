"""Judge the limits and windows that the rules read at places that were marked by people in other
projects.

A file of marks has a JSON object for each eligibility text. Those of Chia (Kury and others, Scientific
Data 2020; CC BY 4.0) mark values and times, and link them to their owners. Those of the Leaf Clinical
Trials corpus (Dobbins and others, Scientific Data 2022; CC BY 4.0) mark bounds with comparators.

A limit at a Chia mark is right if one of its numbers is marked there and its quantity shares a word
with an owner; a window is right if its number is marked there. A limit at Leaf marks is right if
all of its bounds are marked with their comparators. Values without a mark are not judged. Numbers
are ignored in units ("mm3", the "20/" in "20/40"), names ("item 10"), classes ("3a", "2, 3, 5 or
6") and the maximum of a scale.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from benchmarks.confidence.labelled import LIMITS, WINDOWS, make_record
from benchmarks.confidence.rows import Row, make_row
from benchmarks.data import Row as Line
from extractor.concepts.parse import parse_unweighed
from extractor.evidence.drafts import Supported
from extractor.schemas import Comparator, Constraint, TrialRecord

_HEADINGS = {"inclusion": "Inclusion Criteria:\n", "exclusion": "Exclusion Criteria:\n"}
_NAMES = {"constraints": LIMITS, "time_windows": WINDOWS}
_MEASURED = frozenset({"Measurement", "Person", "Observation"})
"""Types of marks whose values are limits. The values of other marks are often part of a diagnosis.
"""
_OWNERS = _MEASURED | {"Condition", "Device", "Drug", "Procedure", "Visit"}
"""Types of marks that a time can belong to: things, events and states."""
_UNIT_FIGURES = re.compile(
    r"(?:[x*×]\s?)?10\s?(?:\^|\*\*|\()\s?\d+|(?<=\d)\s?[x×]\s?10\s?\d\b|\b10\s?9\s?/"
    r"|\b1[.,]73|\bc?m\s2\b|\b(?:20|6)\s?/\s?(?=\d)|\bU\+\d{4}|\b(?:h|min|sec|s|kg|m)-[1-3]\b"
)
"""Figures in a unit: a power of ten, a square metre, the 1.73 m2 in a filtration rate, an exponent,
or the distance of an eye test; and the code of a character.
"""
_IN_NAME = re.compile(
    r"(?<![^\W_])(?![x×]\d)[^\W\d_]+(?:\^|\*\*)?\d+(?:[.,]\d+)*"
    r"|(?<!\d )\b(?:item|visit|part|type|version|day|week|period|phase)s?\s?\d+\b",
    re.I,
)
"""Figures in a unit or a name: "mm3", "cm^2", "H2O", "item 10", "Visit 1"; but not the 3 in "x3".
"""
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
_AGES = frozenset({"age", "aged", "old", "older", "year"})


class Marked(NamedTuple):
    """A marked value or time: its numbers, its place, and the marks that own it."""

    numbers: tuple[float, ...]
    start: int
    end: int
    owners: tuple[Line, ...]


class Bound(NamedTuple):
    """A number with its comparator, and its place in the text."""

    comparator: str
    value: float
    start: int
    end: int


class Member(NamedTuple):
    """A limit or window that the rules read: its value, place and features."""

    name: str
    value: Any
    start: int
    end: int
    read: Supported[Any]

    def overlaps(self, mark: Marked | Bound) -> bool:
        """Return whether this value and a mark share a character."""
        return self.start < mark.end and mark.start < self.end

    def has_number(self, number: float) -> bool:
        """Return whether a number is a bound of this value or lies within its range, because the
        rules read a list of grades as a range.
        """
        low, high = self.value.value, self.value.value_high
        stated = [bound for bound in (low, high) if bound is not None]
        if any(is_same_number(bound, number) for bound in stated):
            return True
        return len(stated) == 2 and low < number < high

    def judge(self, trial: str, source: str, *, right: bool) -> Row:
        """Return the row for this value."""
        field = _NAMES[self.name]
        return make_row(field, source, trial, self.read.features, right=right)

    def judge_of(self, trial: str, source: str, *, right: bool) -> Row:
        """Return the row for the event or treatment that this window limits."""
        features = self.read.parts["of"].features
        return make_row(f"{WINDOWS}.of", source, trial, features, right=right)


def judge_chia(row: Line) -> Iterator[Row]:
    """Yield the limits and windows at the marks in a Chia text, and what the windows limit."""
    trial = row["id"].partition("_")[0]
    heading = _HEADINGS[row["list"]]
    marks = list(list_marked(row))
    record = make_record(row["id"], heading + row["text"])
    for member in _list_members(record, len(heading)):
        there = [mark for mark in marks if member.overlaps(mark)]
        if not there:
            continue
        same = [mark for mark in there if any(map(member.has_number, mark.numbers))]
        if member.name == "constraints":
            right = any(_is_owned(member.value, mark) for mark in same)
            yield member.judge(trial, "Chia", right=right)
            continue
        yield member.judge(trial, "Chia", right=bool(same))
        if same and "of" in member.read.parts and member.value.of:
            words = _list_words(member.value.of)
            owners = [owner for mark in there for owner in mark.owners]
            right = any(words & _list_words(owner["text"]) for owner in owners)
            yield member.judge_of(trial, "Chia", right=right)


def judge_leaf(row: Line) -> Iterator[Row]:
    """Yield the limits at the marked bounds in a Leaf text."""
    trial = row["id"].partition("_")[0]
    marked = list(list_bounds(row))
    for member in _list_members(make_record(row["id"], row["text"]), 0):
        there = [mark for mark in marked if member.overlaps(mark)]
        if member.name != "constraints" or not there:
            continue
        limit = member.value
        numbers = [limit.value, limit.value_high]
        bounds = _split(limit.comparator, numbers, member.start, member.end)
        right = all(_is_marked(bound, there) for bound in bounds)
        yield member.judge(trial, "Leaf", right=right)


def _list_members(record: TrialRecord, offset: int) -> Iterator[Member]:
    """Yield each limit and window that the rules read. The marked text starts at ``offset``."""
    for draft in parse_unweighed(record).criteria:
        for name in _NAMES:
            reading = draft.read(name)
            for read in reading.members:
                place = (read.span.start - offset, read.span.end - offset)
                yield Member(name, read.value, *place, read)


def list_marked(row: Line) -> Iterator[Marked]:
    """Yield the marked values and times that have figures and are linked to an owner."""
    marks = {mark["id"]: mark for mark in row["marks"]}
    owners: dict[str, list[Line]] = defaultdict(list)
    for name, owner, owned, *_ in row["relations"]:
        if name not in ("Has_value", "Has_temporal"):
            continue
        if owner in marks and owned in marks:
            owners[owned].append(marks[owner])
    for key, linked in owners.items():
        mark = marks[key]
        place = (mark["spans"][0][0], mark["spans"][-1][1])
        if mark["type"] != "Value":
            lengths = _read_lengths(mark["text"])
            if lengths:
                yield Marked(lengths, *place, tuple(_list_holders(row, marks, linked)))
            continue
        numbers = _read_numbers(mark["text"])
        is_measured = any(owner["type"] in _MEASURED for owner in linked)
        if not numbers or not is_measured:
            continue
        if not _names_classes(row["text"], mark["text"], place[0]):
            yield Marked(numbers, *place, tuple(linked))


def _names_classes(text: str, value: str, start: int) -> bool:
    """Return whether a value is a class with a letter, or a list of classes with gaps."""
    before = text[max(0, start - 2) : start]
    is_glued = value[:1].isdigit() and re.search(r"(?<![^\W_])[^\W\d_]$", before)
    if is_glued or _LETTERED.search(value):
        return True
    if not _LIST.fullmatch(value.strip()):
        return False
    classes = sorted(map(int, re.findall(r"\d+", value)))
    return classes[-1] - classes[0] != len(classes) - 1


def _list_holders(
    row: Line, marks: Mapping[str, Line], linked: Sequence[Line]
) -> Iterator[Line]:
    """Yield the marks that a time belongs to. An owner that is a quality ("stable for 3 months") is
    replaced by the marks that have this quality.
    """
    for owner in linked:
        if owner["type"] in _OWNERS:
            yield owner
            continue
        for name, holder, held, *_ in row["relations"]:
            is_of_owner = name.startswith("Has_") and held == owner["id"]
            if not is_of_owner or holder not in marks:
                continue
            if marks[holder]["type"] in _OWNERS:
                yield marks[holder]


def _read_numbers(text: str) -> tuple[float, ...]:
    """Return the figures in a marked value, omitting units, names and the maximum of a scale."""
    plain = text
    for other in (_UNIT_FIGURES, _IN_NAME, _MOST_POINTS):
        plain = other.sub(" ", plain)
    plain = _THOUSANDS.sub("", plain)
    written = [number.replace(",", ".") for number in _NUMBER.findall(plain)]
    return tuple(float(number) for number in written if number.count(".") < 2)


def _read_lengths(text: str) -> tuple[float, ...]:
    """Return the figures of the durations in a marked time."""
    numbers: list[float] = []
    for length in _TIME.finditer(_IN_NAME.sub(" ", text)):
        numbers += _read_numbers(length[1])
    return tuple(numbers)


def is_same_number(ours: float, theirs: float) -> bool:
    """Return whether two numbers are equal, apart from a power of ten that may be part of the unit."""
    if not ours or not theirs:
        return ours == theirs
    return any(
        abs(ours - theirs * 10**power) < 1e-6 * abs(ours) for power in (0, 3, 6, 9)
    )


def _is_owned(limit: Constraint, mark: Marked) -> bool:
    """Return whether a limit is about an owner of a mark, or the mark has no owner."""
    return not mark.owners or any(_is_owner(limit, owner) for owner in mark.owners)


def _is_owner(limit: Constraint, owner: Line) -> bool:
    """Return whether a limit is about a marked owner. The owner may also be the people in its
    condition, or the counted noun in its unit.
    """
    theirs = _list_words(owner["text"])
    ours = _list_words(limit.quantity)
    if owner["type"] == "Person":
        ours_of_people = ours | _list_words(limit.condition or "")
        return not theirs.isdisjoint(ours_of_people) or not ours.isdisjoint(_AGES)
    if owner["text"].casefold() in limit.quantity.casefold():
        return True
    return not theirs.isdisjoint(ours | _list_words(limit.unit or ""))


def _list_words(text: str) -> set[str]:
    """Return the words of a text, without the ending of a plural."""
    return {word.casefold().removesuffix("s") for word in _WORD.findall(text)}


def list_bounds(row: Line) -> Iterator[Bound]:
    """Yield the marked bounds of ages and observations, except ranges with a single value."""
    for mark in row["comparisons"]:
        is_limit = mark["as"] == "Numeric-Filter" and mark["of"] in (
            "Age",
            "Observation",
        )
        is_half = mark["operator"] == "between" and len(mark["values"]) != 2
        if is_limit and mark["operator"] and not is_half:
            place = (mark["start"], mark["end"])
            yield from _split(mark["operator"], mark["values"], *place)


def _split(
    comparator: str, numbers: Sequence[float | None], start: int, end: int
) -> Iterator[Bound]:
    """Yield the bounds of a limit; a range has two."""
    stated = [number for number in numbers if number is not None]
    comparators = [str(comparator)] * len(stated)
    if comparator == Comparator.BETWEEN and len(stated) == 2:
        comparators = [">=", "<="]
    for sign, number in zip(comparators, stated, strict=True):
        yield Bound(sign, number, start, end)


def _is_marked(bound: Bound, marked: Sequence[Bound]) -> bool:
    """Return whether a bound is marked with the same number and comparator."""
    same = [mark for mark in marked if mark.comparator == bound.comparator]
    return any(is_same_number(bound.value, mark.value) for mark in same)

"""Every number of a line with all its readings, and the rows that numbers form."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from extractor.concepts.limits.bounds import is_below_zero
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import (
    MONTHS_OF_YEAR,
    ORDINALS,
    ROMAN,
    TIMES,
    has_minus,
    list_readings,
    read_number,
)
from extractor.language.units import find_unit

Bounds = tuple[float, float | None]
"""One number, or the two ends of a range."""
Row = tuple[int, int, tuple[Bounds, ...]]
"""The tokens of a number or a row, and its readings."""
_GRADED = frozenset({"degree", "grade", "line", "stage", "class"})
"""What an ordinal counts as a number does: "second-degree block", "third line"."""


class Number(NamedTuple):
    """``tokens.words[first:end]`` reads as a number."""

    first: int
    end: int
    value: float


@lru_cache(maxsize=128)
def find_numbers(
    tokens: Tokens, first: int = 0, end: int | None = None
) -> tuple[Number, ...]:
    """Every number, in digits, words or Roman numerals, from left to right. Several values of one
    line share a search.

    A number with another reading is found twice: with a dot before three digits (a comma marks
    thousands, as in English); after a minus that may be a dash; before a plus and days, which may
    be weeks of a pregnancy ("28+6"); before years and months ("5 years and 10 months" are 70);
    before the power of ten at the end of its range or list ("3-4 million", "1, 3 and 10 x 10^6").

    >>> from extractor.language.book import read_text
    >>> [
    ...     number.value
    ...     for number in find_numbers(
    ...         read_text("NYHA III-IV, two of 1,500, at most -2.5")
    ...     )
    ... ]
    [3, 4, 2, 1500, -2.5]
    >>> sorted(number.value for number in find_numbers(read_text("1, 3 and 10 x 10^6")))
    [1, 3, 1000000.0, 3000000.0, 10000000]
    """
    end = len(tokens) if end is None else end
    found = list[Number]()
    last = first
    plain: list[Number] = []
    """The numbers of the list so far that have no power of ten of their own."""
    for place in rule("number").find(tokens, first, end):
        value, *others = list_readings(place.text) or (None,)
        if place.first < last or value is None:
            continue
        others = [] if "," in place.text else others
        last = place.end
        if plain and not _read_joint(
            tokens, plain[-1:], [Number(place.first, last, value)]
        ):
            plain.clear()
        if value and last > place.first + 1:
            scale = value / (read_number(tokens.words[place.first]) or value)
            found += (
                each._replace(value=float(f"{each.value * scale:.12g}"))
                for each in plain
            )
            plain.clear()
        else:
            plain.append(Number(place.first, last, value))
        found += (Number(place.first, last, reading) for reading in (value, *others))
        weeks = rule("weeks_and_days").starts(tokens, place.first, end)
        if weeks:
            days = read_number(tokens.words[weeks.end - 1]) or 0
            found += (
                [Number(place.first, weeks.end, round(value + days / 7, 2))]
                if days < 7
                else []
            )
        part = rule("months_of_years").starts(tokens, last + 1, end)
        if part:
            months = read_number(part.read("months") or "") or 0
            found += (
                [Number(place.first, part.end, value * MONTHS_OF_YEAR + months)]
                if months < MONTHS_OF_YEAR
                else []
            )
        if has_minus(tokens, place.first):
            if is_below_zero(tokens, place.first, last):
                while found and found[-1].first == place.first:
                    found.pop()
            found.append(
                Number(
                    place.first - (tokens.codes[place.first - 1] == "-"), last, -value
                )
            )
    return tuple(sorted([*found, *_find_counts(tokens, first, end)]))


def _find_counts(tokens: Tokens, first: int, end: int) -> Iterator[Number]:
    """Roman numerals, "twice", "single", and ordinals of what is graded."""
    for at in range(first, end):
        word = tokens.words[at].lower()
        counted = (
            ROMAN.get(tokens.words[at])
            or TIMES.get(word)
            or (
                word == "single"
                and tokens.text[tokens.ends[at] : tokens.ends[at] + 1] != "-"
            )
        )
        if (
            word in ORDINALS
            and at + 1 < end
            and tokens.words[at + 1].lower() in _GRADED
        ):
            counted = ORDINALS[word]
        if counted and not (tokens.joined(at + 1) and tokens.codes[at + 1] in "nd"):
            yield Number(at, at + 1, counted)


def find_rows(tokens: Tokens, numbers: Sequence[Number]) -> Iterator[Row]:
    """Yield each number with its readings, and the whole of each row of numbers: "0, 1 or 2",
    "20/40 to 20/320".

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ECOG 0, 1 or 2")
    >>> [bounds for _, _, bounds in find_rows(tokens, find_numbers(tokens))]
    [((0, None),), ((1, None),), ((2, None),), ((0, 2),)]
    """
    places = [
        (first, list(group))
        for first, group in groupby(numbers, key=lambda one: one.first)
    ]
    row: list[list[Number]] = []
    joints: list[str] = []
    done = 0
    of_vision = rule("vision_word").search(tokens) is not None
    for first, readings in places:
        if first < done or (
            of_vision and rule("over_number").starts(tokens, readings[0].end)
        ):
            continue  # the 0 of "26+0", the first 20 of "20/40 to 20/160"
        done = end = max(one.end for one in readings)
        yield readings[0].first, end, tuple((one.value, None) for one in readings)
        joint = _read_joint(tokens, row[-1], readings) if row else ""
        # "0 or 1, 2 weeks apart"
        ends = joint == "," and any(each not in (",", "-") for each in joints)
        if row and (not joint or ends):
            yield from _close(row, joints)
            row = []
            joints = []
        joints += [joint] if row else []
        row.append(readings)
    yield from _close(row, joints)


def _read_joint(tokens: Tokens, one: Sequence[Number], other: Sequence[Number]) -> str:
    """What joins two numbers of a row, behind the unit of the first and before a word that
    stands before both.
    """
    first = other[0].first
    units = [
        find_unit(tokens, max(each.end for each in readings))
        for readings in (one, other)
    ]
    if len({unit.parts[0].code for unit in units if unit}) > 1:  # "5 mg and 10 kg"
        return ""
    again = (
        one[0].first > 0
        and tokens.words[first - 1].lower() == tokens.words[one[0].first - 1].lower()
    )
    over = 2 if tokens.words[first - 1] == "/" else 0  # "20/40 to 20/160"
    for each in one:
        plus = tokens.joined(each.end) and tokens.words[each.end] == "+"
        for end in (each.end, skip_unit(tokens, each.end), each.end + plus):
            for start in (first, first - again, first - over):
                if 0 < end == start and tokens.gap(start) == "-":
                    return "-"  # in "II-III" the hyphen is no token
                for name in ("through", "list_goes_on"):
                    if end < start and (found := rule(name).covers(tokens, end, start)):
                        return "-" if name == "through" else found.text.lower()
    return ""


def _close(row: Sequence[Sequence[Number]], joints: Sequence[str]) -> Iterator[Row]:
    """Yield the whole of a row, and the ranges in it: "18-65 or 70-80"."""
    spans = [(0, len(row) - 1)] if {*joints} - {";"} else []
    spans += [
        (at, at + 1)
        for at, joint in enumerate(joints)
        if joint == "-"
        and "-" not in (*joints[max(0, at - 1) : at], *joints[at + 1 : at + 2])
        and len(row) > 2
    ]
    for first, last in spans:
        pairs = [
            sorted((one.value, other.value))
            for one in row[first]
            for other in row[last]
        ]
        bounds: tuple[Bounds, ...] = tuple(
            (low, high) for low, high in pairs if low < high
        )
        if bounds:
            yield row[first][0].first, max(one.end for one in row[last]), bounds


def skip_unit(tokens: Tokens, at: int) -> int:
    """Return the token after the unit of a number, and after its conversion in brackets: "50 kg
    (110 pounds)".
    """
    place = find_unit(tokens, at)
    limit = rule("limit_unit").starts(tokens, at)
    end = max(at, place.end if place else at, limit.end if limit else at)
    conversion = rule("conversion_after").starts(tokens, end)
    return conversion.end if conversion else end

"""Every number of a line with all its readings, and the rows that numbers form."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

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
_DAYS_OF_WEEK = 7
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
    """Return every number in the tokens ``first:end``, in digits, words or Roman numerals, from
    left to right. The result is remembered, as several values of one line ask for it.

    A number with another reading is in it twice: with a dot before three digits (a comma marks
    thousands, as in English); after a minus that may be a dash; before a plus and days, which may
    be weeks of a pregnancy ("28+6"); in years with months behind ("5 years and 10 months" are 70);
    before the power of ten at the end of its range or list ("3-4 million", "1, 3 and 10 x 10^6").
    After a minus that is surely one, all readings of the number are below zero.

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
    >>> [number.value for number in find_numbers(read_text("at most -1.500"))]
    [-1500, -1.5]
    """
    end = len(tokens) if end is None else end
    numbers = list[Number]()
    last = first
    plain: list[Number] = []
    """The numbers of the list so far that have no power of ten of their own."""
    for match in rule("number").find(tokens, first, end):
        readings = list_readings(match.text)
        if match.first < last or not readings:
            continue
        last = match.end
        likeliest = Number(match.first, last, readings[0])
        is_negative = has_minus(tokens, match.first)
        own = [likeliest]
        if "," not in match.text:
            own += (likeliest._replace(value=value) for value in readings[1:])
        if is_negative:
            own = [_negate(tokens, number) for number in own]
        if plain and not _read_joint(tokens, plain[-1:], own[:1]):
            plain.clear()
        # of several tokens, a number has a power of ten: "10 x 10^6"
        has_power = last > match.first + 1
        if likeliest.value and has_power:
            numbers += _scale_up(tokens, plain, likeliest)
            plain.clear()
        else:
            plain.append(own[0])
        numbers += own
        if is_negative:
            continue
        numbers += _find_sums(tokens, likeliest, end)
        # a minus that may be a dash
        if has_minus(tokens, match.first):
            numbers.append(_negate(tokens, likeliest))
    return tuple(sorted([*numbers, *_find_counts(tokens, first, end)]))


def _scale_up(
    tokens: Tokens, plain: Sequence[Number], last: Number
) -> Iterator[Number]:
    """Yield the numbers of a list, ``plain``, times the power of ten of the ``last`` number behind
    them: "1, 3 and 10 x 10^6".
    """
    mantissa = read_number(tokens.words[last.first]) or last.value
    scale = last.value / mantissa
    for number in plain:
        yield number._replace(value=float(f"{number.value * scale:.12g}"))


def _find_sums(tokens: Tokens, number: Number, end: int) -> Iterator[Number]:
    """Yield the other readings of a number with a second one behind it: weeks with days, in weeks
    ("28+6" is 28.86), and years with months, in months ("5 years and 10 months" is 70). Seven days
    or twelve months and more are no part of such a sum.
    """
    weeks = rule("weeks_and_days").starts(tokens, number.first, end)
    if weeks:
        days = read_number(tokens.words[weeks.end - 1]) or 0
        if days < _DAYS_OF_WEEK:
            value = round(number.value + days / _DAYS_OF_WEEK, 2)
            yield Number(number.first, weeks.end, value)
    years = rule("months_of_years").starts(tokens, number.end + 1, end)
    if years:
        months = read_number(years.read("months") or "") or 0
        if months < MONTHS_OF_YEAR:
            value = number.value * MONTHS_OF_YEAR + months
            yield Number(number.first, years.end, value)


def _negate(tokens: Tokens, number: Number) -> Number:
    """Return a number below zero. The minus before it is one of its tokens if it is the sign, not
    if it is the word.
    """
    first = number.first
    if tokens.codes[first - 1] == "-":
        first -= 1
    return Number(first, number.end, -number.value)


def _find_counts(tokens: Tokens, first: int, end: int) -> Iterator[Number]:
    """Yield the words in ``first:end`` that count: Roman numerals, "twice", "single", ordinals of
    what is graded ("third line"). A letter with a number joined to it is part of a name: "V5".
    """
    for at in range(first, end):
        count = _read_count(tokens, at, end)
        if not count:
            continue
        has_number_behind = tokens.joined(at + 1) and tokens.codes[at + 1] in "nd"
        if not has_number_behind:
            yield Number(at, at + 1, count)


def _read_count(tokens: Tokens, at: int, end: int) -> float | None:
    """Return the count that the word at a token says: a Roman numeral, "twice", "single", or an
    ordinal before what is graded ("third line"). None for other words.
    """
    word = tokens.words[at].lower()
    following = tokens.words[at + 1].lower() if at + 1 < end else ""
    # "third line", but not "third visit"
    if word in ORDINALS and following in _GRADED:
        return ORDINALS[word]
    count = ROMAN.get(tokens.words[at]) or TIMES.get(word)
    if count:
        return count
    # "single-arm" counts nothing
    behind = tokens.text[tokens.ends[at] : tokens.ends[at] + 1]
    return 1 if word == "single" and behind != "-" else None


def find_rows(tokens: Tokens, numbers: Sequence[Number]) -> Iterator[Row]:
    """Yield each number with its readings, and behind its numbers the whole of each row: "0, 1 or
    2", "20/40 to 20/320". ``numbers`` are those of ``find_numbers``.

    Numbers stand in one row while joints (a comma, "or", "to") are between them, and their units do
    not differ.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ECOG 0, 1 or 2")
    >>> [bounds for _, _, bounds in find_rows(tokens, find_numbers(tokens))]
    [((0, None),), ((1, None),), ((2, None),), ((0, 2),)]
    """
    row: list[list[Number]] = []
    joints: list[str] = []
    last_end = 0
    is_on_vision = rule("vision_word").search(tokens) is not None
    for first, group in groupby(numbers, key=lambda number: number.first):
        readings = list(group)
        # the 0 of "26+0" is a part of the number before it
        if first < last_end:
            continue
        # the first 20 of "20/40 to 20/160"
        if is_on_vision and rule("over_number").starts(tokens, readings[0].end):
            continue
        last_end = max(number.end for number in readings)
        singles = tuple((number.value, None) for number in readings)
        yield readings[0].first, last_end, singles
        if row:
            joint = _read_joint(tokens, row[-1], readings)
            # "0 or 1, 2 weeks apart": a comma behind "or" begins something else
            ends_row = joint == "," and not {",", "-"}.issuperset(joints)
            if joint and not ends_row:
                joints.append(joint)
            else:
                yield from _close_row(row, joints)
                row = []
                joints = []
        row.append(readings)
    yield from _close_row(row, joints)


def _read_joint(
    tokens: Tokens, readings: Sequence[Number], others: Sequence[Number]
) -> str:
    """Return what joins two numbers of a row, each with its readings: "-" for a range, the words of
    a list ("or") in lower case, "" if nothing does or their units differ.

    Their units, and a word that stands before both ("grade 1 or grade 2"), may stand between.
    """
    if not _may_share_unit(tokens, readings, others):
        return ""
    first = others[0].first
    starts = _list_starts(tokens, readings[0].first, first)
    for number in readings:
        for end in _list_ends(tokens, number):
            for start in starts:
                # in "II-III" the hyphen is no token
                if 0 < end == start and tokens.gap(start) == "-":
                    return "-"
                joint = _read_between(tokens, end, start) if end < start else ""
                if joint:
                    return joint
    return ""


def _may_share_unit(
    tokens: Tokens, readings: Sequence[Number], others: Sequence[Number]
) -> bool:
    """Return whether two numbers, each with its readings, may have one unit: not if both have units
    that differ, as in "5 mg and 10 kg".
    """
    codes = set()
    for numbers in (readings, others):
        unit = find_unit(tokens, max(number.end for number in numbers))
        if unit:
            codes.add(unit.parts[0].code)
    return len(codes) < 2


def _list_starts(tokens: Tokens, own: int, first: int) -> list[int]:
    """Return the tokens at which the second number of a row may begin: at ``first``, its first
    token; at the word before it that also stands before the first number, which begins at ``own``
    ("grade 1 or grade 2"); at the "20/" of "20/40 to 20/160".
    """
    before = tokens.words[first - 1]
    before_own = tokens.words[own - 1] if own > 0 else ""
    word_start = first - 1 if before.lower() == before_own.lower() else first
    fraction_start = first - 2 if before == "/" else first
    return [first, word_start, fraction_start]


def _list_ends(tokens: Tokens, number: Number) -> list[int]:
    """Return the tokens at which the first number of a row may end: behind its digits, behind its
    unit, behind a plus that is joined to it.
    """
    end = number.end
    has_plus = tokens.joined(end) and tokens.words[end] == "+"
    return [end, skip_unit(tokens, end), end + 1 if has_plus else end]


def _read_between(tokens: Tokens, end: int, start: int) -> str:
    """Return the joint that the tokens ``end:start`` between two numbers are: "-" for those of a
    range ("to"), the words of a list in lower case, else "".
    """
    if rule("through").covers(tokens, end, start):
        return "-"
    listed = rule("list_goes_on").covers(tokens, end, start)
    return listed.text.lower() if listed else ""


def _close_row(row: Sequence[Sequence[Number]], joints: Sequence[str]) -> Iterator[Row]:
    """Yield the whole of a row, unless only semicolons join it, and the ranges in it: "18-65 or
    70-80". ``row`` has the readings of each of its numbers, ``joints`` what stands between.

    The bounds are all pairs of readings of the first and the last number that differ, the lower one
    first. A row of one number yields nothing.
    """
    spans = []
    if not {";"}.issuperset(joints):
        spans.append((0, len(row) - 1))
    if len(row) > 2:
        spans += [(at, at + 1) for at in _list_ranges(joints)]
    for first, last in spans:
        bounds: list[Bounds] = []
        for number in row[first]:
            for other in row[last]:
                if number.value != other.value:
                    low, high = sorted((number.value, other.value))
                    bounds.append((low, high))
        if bounds:
            end = max(number.end for number in row[last])
            yield row[first][0].first, end, tuple(bounds)


def _list_ranges(joints: Sequence[str]) -> list[int]:
    """Return the indexes of the hyphens among the joints of a row that have no hyphen beside them:
    "1-2-3" holds no range.
    """
    ranges = []
    for at, joint in enumerate(joints):
        if joint != "-":
            continue
        before = joints[max(0, at - 1) : at]
        behind = joints[at + 1 : at + 2]
        if "-" not in before and "-" not in behind:
            ranges.append(at)
    return ranges


def skip_unit(tokens: Tokens, at: int) -> int:
    """Return the token behind the unit of a number that ends at token ``at``, and behind a
    conversion in brackets: "50 kg (110 pounds)". It is ``at`` if neither follows.
    """
    place = find_unit(tokens, at)
    limit = rule("limit_unit").starts(tokens, at)
    end = max(at, place.end if place else at, limit.end if limit else at)
    conversion = rule("conversion_after").starts(tokens, end)
    return conversion.end if conversion else end

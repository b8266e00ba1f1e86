"""Find every number in a line with all its readings, and the rows that the numbers form."""

from collections.abc import Iterator, Sequence
from itertools import groupby, product
from typing import NamedTuple

from extractor.language.book import rule
from extractor.language.lexer import Tokens, keep
from extractor.language.numbers import ORDINALS, ROMAN, TIMES, has_minus, list_readings
from extractor.language.units import find_unit

Bounds = tuple[float, float | None]
"""A single number and None, or the two ends of a range."""
Row = tuple[int, int, tuple[Bounds, ...]]
"""The tokens of a number or a row, and its readings."""
_GRADED = frozenset({"degree", "grade", "line", "stage", "class"})
"""Nouns before which an ordinal is a number: "second-degree block", "third line"."""


class Number(NamedTuple):
    """The tokens ``first:end`` can be read as a number."""

    first: int
    end: int
    value: float


@keep
def find_numbers(
    tokens: Tokens, first: int = 0, end: int | None = None
) -> tuple[Number, ...]:
    """Return every number in the tokens ``first:end``, in digits, words or Roman numerals, from
    left to right. The result is cached, because it is needed for several values of the same line.

    A number with a dot before three digits is included with both readings; a comma in this position
    marks thousands, as in English.

    >>> from extractor.language.book import read_text
    >>> text = read_text("NYHA III-IV, two of 1,500, at most -2.5")
    >>> [number.value for number in find_numbers(text)]
    [3, 4, 2, 1500, -2.5]
    >>> [number.value for number in find_numbers(read_text("at most -1.500"))]
    [-1500, -1.5]
    """
    end = len(tokens) if end is None else end
    numbers = [*_find_counts(tokens, first, end)]
    for match in rule("number").find(tokens, first, end):
        readings = list_readings(match.text)
        if "," in match.text:
            readings = readings[:1]
        start = match.first
        sign = 1
        if has_minus(tokens, start):
            sign = -1
            # a hyphen is part of the number's tokens, the word "minus" is not
            start -= tokens.codes[start - 1] == "-"
        numbers += (Number(start, match.end, sign * value) for value in readings)
    return tuple(sorted(numbers))


def _find_counts(tokens: Tokens, first: int, end: int) -> Iterator[Number]:
    """Yield the numbers that are written as words: Roman numerals, words such as "twice", and
    ordinals before nouns such as "line". A letter that is joined to a number, as in "V5", is part
    of a name.
    """
    for at in range(first, end):
        word = tokens.words[at]
        count = ROMAN.get(word) or TIMES.get(word.lower())
        # "second-degree block", "third line", but not "the first visit"
        if not _GRADED.isdisjoint(map(str.lower, tokens.words[at + 1 : at + 2])):
            count = count or ORDINALS.get(word.lower())
        has_number = tokens.joined(at + 1) and tokens.codes[at + 1] in "nd"
        if not count:
            continue
        if has_number:
            continue
        yield Number(at, at + 1, count)


def find_rows(tokens: Tokens, numbers: Sequence[Number]) -> Iterator[Row]:
    """Yield each number with its readings, and each row of numbers joined by commas, "or" or "to":
    "0, 1 or 2", "20/40 to 20/320". ``numbers`` is the result of ``find_numbers``.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ECOG 0, 1 or 2")
    >>> [bounds for _, _, bounds in find_rows(tokens, find_numbers(tokens))]
    [((0, None),), ((1, None),), ((2, None),), ((0, 2),)]
    """
    run: list[list[Number]] = []
    groups = [
        [*group] for _, group in groupby(numbers, key=lambda number: number.first)
    ]
    is_on_vision = rule("vision_word").search(tokens) is not None
    for readings in groups:
        first, end, _ = readings[0]
        # the first 20 in "20/40 to 20/160"
        if is_on_vision and rule("over_number").starts(tokens, end):
            continue
        yield first, end, tuple((number.value, None) for number in readings)
        if run and not _are_joined(tokens, run[-1][0], readings[0]):
            yield from _close_row(run)
            run = []
        run.append(readings)
    yield from _close_row(run)


def _are_joined(tokens: Tokens, number: Number, following: Number) -> bool:
    """Return whether a punctuation mark or a word joins two numbers into a row. The unit of the
    first number may be between them, and so may the second "20/" in "20/40 to 20/160". A semicolon
    does not join numbers.
    """
    start = following.first
    units = [find_unit(tokens, end) for end in (number.end, following.end)]
    if len({unit.parts[0].code for unit in units if unit}) > 1:
        return False
    if tokens.words[start - 1] == "/":
        start -= 2
    # "below 45; 80 patients"
    if tokens.words[start - 1] == ";":
        return False
    for end in (number.end, skip_unit(tokens, number.end)):
        # in "II-III", the hyphen is not a token
        if end == start and tokens.gap(start) == "-":
            return True
        joints = ("through", "list_goes_on")
        if end < start and any(
            rule(name).covers(tokens, end, start) for name in joints
        ):
            return True
    return False


def _close_row(run: Sequence[Sequence[Number]]) -> Iterator[Row]:
    """Yield the row that a run of numbers forms. Its bounds are all pairs of different readings,
    each with the lower reading first.
    """
    if len(run) < 2:
        return
    pairs = product(
        [number.value for number in run[0]], [number.value for number in run[-1]]
    )
    bounds = [(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]]
    if bounds:
        yield run[0][0].first, run[-1][0].end, tuple(bounds)


def skip_unit(tokens: Tokens, at: int) -> int:
    """Return the token after the unit of a number that ends at token ``at``, and after any
    conversion in brackets: "50 kg (110 pounds)". Return ``at`` if neither a unit nor a conversion
    follows.
    """
    place = find_unit(tokens, at)
    limit = rule("limit_unit").starts(tokens, at)
    end = max(at, place.end if place else at, limit.end if limit else at)
    conversion = rule("conversion_after").starts(tokens, end)
    if conversion:
        return conversion.end
    return end

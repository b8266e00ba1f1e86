"""The numbers of a line: every number with its readings and the rows that numbers form, the role of
a number in its clause, and whether a number has a given unit.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from itertools import groupby, product
from typing import NamedTuple

from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens, keep, lex
from extractor.language.numbers import ORDINALS, ROMAN, TIMES, has_minus, list_readings
from extractor.language.units import find_unit, read_unit

Bounds = tuple[float, float | None]
"""A single number and None, or the two ends of a range."""


class Row(NamedTuple):
    """The tokens ``first:end`` of a number or of a row of numbers, with all its readings, the most
    likely first. Either all readings are single numbers, or all are ranges.
    """

    first: int
    end: int
    bounds: tuple[Bounds, ...]

    @property
    def is_range(self) -> bool:
        """Whether it is a row of numbers."""
        return self.bounds[0][1] is not None


_GRADED = frozenset({"degree", "grade", "line", "stage", "class"})
"""Nouns before which an ordinal is a number: "second-degree block", "third line"."""


class Number(NamedTuple):
    """The tokens ``first:end`` can be read as a number."""

    first: int
    end: int
    value: float


@keep
def find_numbers(tokens: Tokens) -> tuple[Number, ...]:
    """Return every number in a text, in digits, words or Roman numerals, from left to right. The
    result is cached, because it is needed for several values of the same line.

    A number with a dot before three digits is included with both readings; a comma in this position
    marks thousands, as in English.

    >>> from extractor.language.book import read_text
    >>> text = read_text("NYHA III-IV, two of 1,500, at most -2.5")
    >>> [number.value for number in find_numbers(text)]
    [3, 4, 2, 1500, -2.5]
    >>> [number.value for number in find_numbers(read_text("at most -1.500"))]
    [-1500, -1.5]
    """
    numbers = [*_find_counts(tokens)]
    for match in rule("number").find(tokens):
        readings = list_readings(match.text)
        if "," in match.text:
            readings = readings[:1]
        start = match.first
        sign = 1
        if has_minus(tokens, start):
            sign = -1
            # a hyphen is part of the number's tokens, the word "minus" is not
            if tokens.codes[start - 1] == "-":
                start -= 1
        numbers += (Number(start, match.end, sign * value) for value in readings)
    return tuple(sorted(numbers))


def _find_counts(tokens: Tokens) -> Iterator[Number]:
    """Yield the numbers that are written as words: Roman numerals, words such as "twice", and
    ordinals before nouns such as "line". A letter that is joined to a number, as in "V5", is part
    of a name.
    """
    for at, word in enumerate(tokens.words):
        count = ROMAN.get(word) or TIMES.get(word.lower())
        # "second-degree block", "third line", but not "the first visit"
        if not _GRADED.isdisjoint(map(str.lower, tokens.words[at + 1 : at + 2])):
            count = count or ORDINALS.get(word.lower())
        # a number, or a name that has a digit
        has_number = tokens.joined(at + 1) and tokens.codes[at + 1] in "nd"
        if count and not has_number:
            yield Number(at, at + 1, count)


def find_number_rows(tokens: Tokens, numbers: Sequence[Number]) -> Iterator[Row]:
    """Yield each number with its readings, and each row of numbers joined by commas, "or" or "to":
    "0, 1 or 2". ``numbers`` is the result of ``find_numbers``.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ECOG 0, 1 or 2")
    >>> [bounds for _, _, bounds in find_number_rows(tokens, find_numbers(tokens))]
    [((0, None),), ((1, None),), ((2, None),), ((0, 2),)]
    """
    run: list[list[Number]] = []
    groups = [
        [*group] for _, group in groupby(numbers, key=lambda number: number.first)
    ]
    for readings in groups:
        first, end, _ = readings[0]
        yield Row(first, end, tuple((number.value, None) for number in readings))
        if run and not _are_joined(tokens, run[-1][0], readings[0]):
            yield from _close_row(run)
            run = []
        run.append(readings)
    yield from _close_row(run)


def _are_joined(tokens: Tokens, number: Number, following: Number) -> bool:
    """Return whether a punctuation mark or a word joins two numbers into a row. The unit of the
    first number may be between them. A semicolon does not join numbers, and neither do two
    different units.
    """
    start = following.first
    units = [find_unit(tokens, end) for end in (number.end, following.end)]
    # "5 mg, 3 mL": two different units
    if len({unit.parts[0].code for unit in units if unit}) > 1:
        return False
    # "below 45; 80 patients"
    if tokens.words[start - 1] == ";":
        return False
    for end in (number.end, skip_unit(tokens, number.end)):
        # in "II-III", the hyphen is not a token
        if end == start and tokens.gap(start) == "-":
            return True
        if end < start and rule("joins_numbers").covers(tokens, end, start):
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
        yield Row(run[0][0].first, run[-1][0].end, tuple(bounds))


def skip_unit(tokens: Tokens, at: int) -> int:
    """Return the token after the unit of a number that ends at token ``at``, and after any
    conversion in brackets: "50 kg (110 pounds)". Return ``at`` if neither a unit nor a conversion
    follows.
    """
    place = find_unit(tokens, at)
    limit = rule("limit_unit").starts(tokens, at)
    end = at
    for unit in (place, limit):
        if unit:
            end = max(end, unit.end)
    conversion = rule("conversion_after").starts(tokens, end)
    # the pounds of "50 kg (110 pounds)"
    if conversion:
        return conversion.end
    return end


# Chosen by hand; half of it changes no case, and none of 120 registry records.
_ROLES = 16
"""Number of preceding tokens that may indicate a number's role."""


class NumberRole(StrEnum):
    """The role of a number in its clause.

    - ``stated``: it is a current or permitted value.
    - ``change``: it is the size of a change. ``aim``: it is a treatment target.
    - ``scale``: it is an end of a scale. ``part``: it is part of a name, a sum, a date or a
      tolerance.
    """

    STATED = "stated"
    CHANGE = "change"
    AIM = "aim"
    SCALE = "scale"
    PART = "part"


NO_LIMITS = (NumberRole.SCALE, NumberRole.PART)
"""The roles of numbers that bound nothing."""


def find_role(tokens: Tokens, place: Range, quantity: Range | None) -> NumberRole:
    """Return the role of a number in its clause, determined by the words before its comparator and
    after the number.

    ``place`` contains the tokens of the number or range; ``quantity`` contains the tokens of the
    name of the quantity that the number or range limits. The first matching role is returned, or
    "stated" if no role matches. Words such as "dropped to" take precedence over words for a
    change, since they state the value that was reached.
    """
    first, end = place
    if rule("steps_of_scale").starts(tokens, end):
        return NumberRole.SCALE
    # the range in "graded 0-6, of no more than 2"
    is_rated = rule("rated").ends(tokens, first, first - 2)
    if is_rated and rule("comparison").search(tokens, end, end + _ROLES):
        return NumberRole.SCALE
    # as in "MADRS (0 to 60) of at least 12"
    is_bracketed = tokens.code_at(first - 1) == "("
    if is_bracketed and rule("scale_closed").starts(tokens, end):
        return NumberRole.SCALE
    low = max(0, first - _ROLES)
    # "gestational age 26+0 - 29+5 weeks": the 0 and the 5 are days of a week
    if rule("part_before").ends(tokens, first, low):
        return NumberRole.PART
    # as in "Itch of 7 or more (scale of 0 to 10)"
    if rule("scale_before").ends(tokens, first, low):
        return NumberRole.SCALE
    # as in "Urate above 6 mg/dL (goal: < 5 mg/dL)"
    if rule("aim_before").ends(tokens, first, low):
        return NumberRole.AIM
    # "eGFR that has not dropped below 30"
    if first and rule("reaches_value").starts(tokens, first - 1):
        return NumberRole.STATED
    if rule("value_reached").ends(tokens, first, low):
        return NumberRole.STATED
    if _is_change(tokens, place, quantity):
        return NumberRole.CHANGE
    return NumberRole.STATED


def _is_change(tokens: Tokens, place: Range, quantity: Range | None) -> bool:
    """Return whether a number is the size of a change: it follows words like "a drop of", the name
    of its quantity follows words like "fall in", or it is a weight, or a fraction of one, that was
    gained or lost. Words directly before the number are ignored if the name of the quantity follows
    it.
    """
    first = place[0]
    low = max(0, first - _ROLES)
    # "no change of weight of more than 5 kg", "Creatinine that went up by 0.3 mg/dL or more"
    is_named_behind = quantity is not None and quantity[0] >= first
    if not is_named_behind and rule("size_of_change_before").ends(tokens, first, low):
        return True
    if quantity:
        name_start = quantity[0]
        # "a fall in haemoglobin of 2 g/dL"
        if rule("named_change_before").ends(tokens, name_start, name_start - _ROLES):
            return True
    # "lost more than 5 kg"
    if not rule("weighed").search(tokens, *place):
        return False
    return rule("gained_or_lost").ends(tokens, first, low) is not None


def name_change(tokens: Tokens, name: Range, limit: int) -> Range:
    """Return the tokens of a quantity's name, extended by words that describe a change before the
    name ("fall in haemoglobin") or after it ("weight has gone down by"). ``limit`` is the token at
    which the limit begins.
    """
    first, end = name
    before = rule("named_change_before").ends(tokens, first, first - _ROLES)
    # "A fall in haemoglobin of at least 2 g/dL"
    if before:
        return before.first, end
    change = rule("change_word").search(tokens, end, limit)
    if change:
        end = change.end
    return first, end


# Half of it does not confirm "AUC 6" in "an area under the curve of six on day 1".
_EXPOSURE_REACH = 8
"""Number of tokens before a number that may call it an area under the curve."""
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_UNIT_REACH = 7
"""Maximum number of words between a number and its unit: "3 x 10^6 CAR-positive viable T
cells/kg".
"""
_STOPS = frozenset(";:\n")
# Chosen by hand; without it, every case is the same, but the time is not linear.
_LONGEST_LIST = 100
"""Maximum number of tokens in a list between a number and the list's unit. Without a maximum, a
text that consists of one long list would take quadratic time to read.
"""
_COUNTED = re.compile(r"\{(?!ULN|LLN|times)\w+\}")
"""Counted nouns, such as "cigarettes" in "10 cigarettes per day"; the unit may also be written as a
plain rate.
"""


def has_unit(tokens: Tokens, place: Range, unit: str) -> bool:
    """Return whether the number at a token range has ``unit``, which must be the first unit after
    it.

    An area under the curve has the unit "AUC" regardless of what follows. The "20/" in a visual
    acuity precedes the number. A unit that the rules do not know must follow word for word.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("5 mg/kg or 10 g daily")
    >>> [has_unit(tokens, (0, 1), unit) for unit in ("mg/kg", "mg", "g")]
    [True, False, False]
    """
    first, end = place
    # in "AUC of 5", the unit precedes the number
    if rule("exposure_before").ends(tokens, first, first - _EXPOSURE_REACH):
        return unit == "AUC"
    # the "20/" in "20/40"
    if unit.endswith("/"):
        return tokens.read(max(0, first - 2), first).replace(" ", "") == unit
    start, stop = _find_words_after(tokens, end)
    wanted = _name_unit(unit)
    if not wanted:
        written = lex(unit).words
        return tokens.words[start : start + len(written)] == written
    for at in range(start, min(stop, start + _UNIT_REACH)):
        names = _read_unit(tokens, at, stop)
        # a single letter that is separate from its number is not a unit
        if names and (at == start or len(tokens.words[at]) > 1):
            return not wanted.isdisjoint(names)
    return False


@lru_cache(maxsize=256)
def _name_unit(unit: str) -> frozenset[str]:
    """Return the UCUM codes under which a unit is compared with the units in a text; none if the
    rules do not know the unit.
    """
    code = read_unit(unit) or ""
    # "2 x 10^6/kg" is a number of cells
    names = {code, code.removesuffix("{predicted}"), code.removeprefix("{cells}")}
    return frozenset(filter(None, names))


def may_be_years(tokens: Tokens, place: Range) -> bool:
    """Return whether a number that may be an age is in years, that is, whether it has no unit or
    is part of a phrase such as "the over-60s" or "the 50th birthday".
    """
    is_aged = rule("aged_after").starts(tokens, place[1]) is not None
    return is_aged or stands_bare(tokens, place)


def stands_bare(tokens: Tokens, place: Range, subject: Collection[str] = ()) -> bool:
    """Return True if the number at a token range is not followed by a unit of measurement and is
    therefore a count or a grade. ``subject`` contains the words of the number's quantity in lower
    case: if it is "cigarettes", "10 cigarettes per day" is a count of cigarettes. A number that
    denotes a class or a grade is always treated as a count.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ECOG 0-2 for 3 weeks")
    >>> stands_bare(tokens, (3, 4)), stands_bare(tokens, (5, 6))
    (True, False)
    """
    first, end = _find_words_after(tokens, place[1])
    if first < end and tokens.words[first].lower() in subject:
        return True
    names = _read_unit(tokens, first, end)
    return not names or any(map(_COUNTED.fullmatch, names))


def _find_words_after(tokens: Tokens, at: int) -> Range:
    """Return the tokens in which to search for the unit of a number that ends at token ``at``. The
    search begins after the list that the number belongs to ("1, 3 or 10 mg") and after a factor
    ("25 x 40 cm"). It ends at a semicolon, colon or line break, or at the next number.
    """
    reach = at + _LONGEST_LIST
    while at < reach:
        item = rule("next_of_list").starts(tokens, at)
        if not item:
            break
        at = item.end
    factor = rule("factor_after").starts(tokens, at)
    if factor:
        at = factor.end
    for end in range(at, len(tokens)):
        # a further number has a unit of its own
        is_number = end > at and tokens.codes[end] == NUMBER
        if is_number or tokens.codes[end] in _STOPS:
            return at, end
    return at, len(tokens)


@keep
def _read_unit(tokens: Tokens, at: int, end: int) -> frozenset[str]:
    """Return the names of the unit that begins at token ``at``, before token ``end``: its UCUM
    code, its dose unit, and each of them also without "predicted". If the unit is unknown, its
    denominator is used ("350 CD4/uL"). The result is empty if no unit begins there.
    """
    if at >= end:
        return frozenset()
    first = at
    # the hyphen in "18 -year-old"
    if tokens.words[at] == "-":
        first += 1
    is_bracketed = tokens.words[first - 1] == "("
    place = find_unit(tokens, first, end, loose=is_bracketed)
    limit = rule("unit_or_normal_limit").starts(tokens, first, end)
    names = set[str | None]()
    if place:
        names = {place.code, place.dose}
    # the words of a limit's unit may go on behind those of a dose: "x ULN", "mL/min/1.73 m2"
    if limit and (place is None or place.end < limit.end):
        code = read_unit(limit.text)
        denominator = limit.text.partition("/")[2]
        if code:
            names = {code}
        elif not names and denominator:
            names = {read_unit(f"/{denominator}")}
    written = {name for name in names if name}
    return frozenset(
        {*written, *(name.removesuffix("{predicted}") for name in written)}
    )

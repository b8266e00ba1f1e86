"""Find numbers, units, comparators and times in tokens, to compare a value with them."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from extractor.schemas import Comparator, TimeUnit
from extractor.text.book import find_terms, rule, word_set
from extractor.text.lexer import NAME_NUMBER, NUMBER, Tokens, lex
from extractor.text.numbers import find_durations, read_number, read_time_unit
from extractor.text.patterns import Found
from extractor.text.units import UnitPlace, find_unit, read_unit

from .quotes import is_signed

Place = tuple[int, int]
"""A half-open range of tokens."""


class Number(NamedTuple):
    """``tokens.words[first:end]`` reads as a number."""

    first: int
    end: int
    value: float


_POWER = re.compile(r"10[eE](\d{1,2})")
"""A power of ten as registries also write it: "2 x 10e7" is 2 x 10^7."""
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10}
_COUNTS = {"once": 1, "twice": 2, "thrice": 3}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}
_ORDINALS |= {"sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10}


def find_numbers(tokens: Tokens, first: int = 0, end: int | None = None) -> list[Number]:
    """Every number, in digits, words or Roman numerals, from left to right.

    A number after a minus is found twice, positive and negative, since the minus may be a dash.

    >>> from extractor.text.book import read_text
    >>> [number.value for number in find_numbers(read_text("NYHA III-IV, two of 1,500, at most -2.5"))]
    [3, 4, 2, 1500, -2.5, 2.5]
    """
    end = len(tokens) if end is None else end
    found, last = list[Number](), first
    for place in rule("number").find(tokens, first, end):
        value = read_number(place.text)
        if place.first < last or value is None:
            continue
        last = place.end
        if (
            last + 1 < len(tokens)
            and tokens.words[last] in "x×*·"
            and (power := _POWER.fullmatch(tokens.words[last + 1]))
        ):
            last, value = last + 2, value * 10 ** int(power[1])
        found.append(Number(place.first, last, value))
        if is_signed(tokens, place.first):
            found.append(Number(place.first - 1, last, -value))
    for at in range(first, end):
        counted = _ROMAN.get(tokens.words[at]) or _COUNTS.get(tokens.words[at].lower())
        if counted and not (tokens.joined(at + 1) and tokens.codes[at + 1] in "nd"):
            found.append(Number(at, at + 1, counted))
    return sorted(found)


_RANGE_GAP = 8  # ">= 18 years and <= 65"
_LONGEST_RANGE = 12


def find_together(tokens: Tokens, values: tuple[float | None, ...]) -> Iterator[Place]:
    """Places of the number, or of both numbers in a row."""
    wanted = [value for value in values if value is not None]
    found = find_numbers(tokens)
    for position, number in enumerate(found):
        if wanted and number.value == wanted[0]:
            if len(wanted) == 1:
                yield number.first, number.end
            elif last := _find_upper(tokens, found[position : position + _LONGEST_RANGE], wanted[1]):
                yield number.first, last


def _find_upper(tokens: Tokens, found: Sequence[Number], wanted: float) -> int | None:
    """The end of the upper bound: the number after the first of ``found``, or the last one of its list."""
    for one, other in pairwise(found):
        if other.first - one.end > _RANGE_GAP:
            return None
        if other.value == wanted:
            return other.end
        if not rule("joins_numbers").covers(tokens, one.end, other.first):
            return None
    return None


_BEFORE, _AFTER = 10, 14
_NEAR = 6  # "2 years or older": a comparator may closely follow its number
_DENIED = {Comparator.LESS: Comparator.AT_LEAST, Comparator.AT_MOST: Comparator.MORE}
_DENIED |= {Comparator.MORE: Comparator.AT_MOST, Comparator.AT_LEAST: Comparator.LESS}


def find_comparator(tokens: Tokens, place: Place) -> Comparator | None:
    """The comparator of a number: the last one before it with no other number between, else one directly after it."""
    low = max(0, place[0] - _BEFORE)
    numbers = [number for number in find_numbers(tokens, low, place[0]) if number.end <= place[0]]
    between = max((number.end for number in numbers), default=low)
    if terms := find_terms(tokens, "comparators", between, place[0]):
        return Comparator(terms[-1].value)
    if numbers and rule("shared_comparator").covers(tokens, between, place[0]):
        last = max(numbers, key=lambda number: (number.end, -number.first))
        return find_comparator(tokens, (last.first, last.end))
    suffixes = find_terms(tokens, "comparator_suffixes", place[1], min(len(tokens), place[1] + _AFTER))
    return Comparator(suffixes[0].value) if suffixes and suffixes[0].first - place[1] < _NEAR else None


def is_denied(tokens: Tokens, place: Place, stated: Comparator | None, comparator: Comparator) -> bool:
    """Whether the text forbids the opposite: "must not be below 8" for "at least 8"."""
    denied = stated is not None and _DENIED.get(stated) is comparator
    return denied and rule("not_before").ends(tokens, place[0], place[0] - 20) is not None


_UNIT_REACH = 7
"""The most words between a number and its unit: "3 x 10^6 CAR-positive viable T cells/kg"."""
_STOPS = frozenset(";:\n")


def has_unit(tokens: Tokens, place: Place, unit: str) -> bool:
    """Whether the number at a place has ``unit``: the first unit after it, or if none follows, one before it.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("5 mg/kg or 10 g daily, creatinine (mg/dL): 1.5")
    >>> [has_unit(tokens, (0, 1), u) for u in ("mg/kg", "mg", "g")], has_unit(tokens, (14, 15), "mg/dL")
    ([True, False, False], True)
    """
    if rule("exposure_before").ends(tokens, place[0], place[0] - 4):
        return unit == "AUC"
    wanted = _name_unit(unit)
    first, end = _words_after(tokens, place[1])
    for at in range(first, min(end, first + _UNIT_REACH)):
        if behind := _end_words(tokens, at, end, unit):
            return tokens.words[behind : behind + 1] != ["/"]
        if found := _read_unit(tokens, at, end, apart=at > first):
            return not wanted.isdisjoint(found)
    low = max(0, place[0] - _BEFORE)
    numbers = [number.end for number in find_numbers(tokens, low, place[0]) if number.end <= place[0]]
    brackets = [at for at in range(max(numbers, default=low), place[0]) if tokens.words[at] == "("]
    start = brackets[0] + 1 if numbers and brackets else place[0] if numbers else low
    return any(not wanted.isdisjoint(_read_unit(tokens, at, place[0])) for at in range(start, place[0]))


def stands_bare(tokens: Tokens, place: Place) -> bool:
    """Whether the number at a place has no unit directly after it, so that it is a count or a grade.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("ECOG 0-2 for 3 weeks")
    >>> stands_bare(tokens, (3, 4)), stands_bare(tokens, (5, 6))
    (True, False)
    """
    first, end = _words_after(tokens, place[1])
    return not _read_unit(tokens, first, end, counted=False)


def _words_after(tokens: Tokens, at: int) -> Place:
    """The range of words after a number, or after the list that contains it."""
    while found := rule("next_of_list").starts(tokens, at):
        at = found.end
    if rule("factor_after").starts(tokens, at):
        return at, at
    end = at
    while end < len(tokens) and end < at + _AFTER and tokens.codes[end] not in _STOPS:
        part = tokens.joined(end) and (tokens.words[end - 1].isalpha() or tokens.words[end - 1] in "/^")  # "mm3"
        number = tokens.codes[end] == NUMBER and not part
        stop = tokens.words[end] == "." and end + 1 < len(tokens) and not tokens.joined(end + 1)
        if (number and end > at) or stop:
            break
        end += 1
    return at, end


def _name_unit(unit: str) -> frozenset[str]:
    place, code = find_unit(lex(unit), 0, loose=True), read_unit(unit)
    bare = code.removeprefix("{cells}") if code and code.startswith("{cells}/") else None  # "2 x 10^6/kg" are cells
    return frozenset(filter(None, (code, bare, place.dose if place else None)))


_COUNTING = frozenset({"{cycle}", "{giving}"})
"""Units that count events: "at least 2 cycles" is a bare count too."""


def _read_unit(tokens: Tokens, at: int, end: int, *, apart: bool = False, counted: bool = True) -> frozenset[str]:
    """The names of the unit that begins at a token: its UCUM code, and its plain dose unit. Empty if there is none.

    ``apart``: other words separate it from its number, so a single letter is no unit. The substance may stand inside
    the unit ("10 mg prednisone per day") or replace its numerator ("350 CD4/uL").
    """
    if at >= end:
        return frozenset()
    first = at + (tokens.words[at] == "-")
    place = find_unit(tokens, first, end, loose=first > 0 and tokens.words[first - 1] == "(")
    limit = rule("limit_unit").starts(tokens, first, end) or rule("normal_limit").starts(tokens, first, end)
    if apart and tokens.words[at] in _TOO_SHORT and not _reaches(at + 1, place, limit):
        return frozenset()
    names: set[str | None] = set()
    if limit and (not place or limit.end > place.end):
        names.add(read_unit(limit.text))
    if place and names <= {None}:
        if not counted and (place.parts[0].piece or place.code in _COUNTING):
            return frozenset()
        names |= {place.code, place.dose, *_read_rate(tokens, place.code, place.end, end)}
    front, slash, below = limit.text.partition("/") if limit else ("", "", "")
    if slash and (names <= {None} or any(name and name.startswith("{") for name in names)):
        names |= {read_unit(slash + below), f"{front}/{below}".lower() if not place else None}
    return frozenset(filter(None, names))


_TOO_SHORT = frozenset("admcfuADMCFU")


def _reaches(end: int, *found: UnitPlace | Found | None) -> bool:
    return any(each.end > end for each in found if each)


def _read_rate(tokens: Tokens, code: str, at: int, end: int) -> Iterator[str]:
    """The unit with the rate after a substance."""
    for place in range(at + 1, min(at + 4, end - 1)):
        if tokens.words[place].lower() in ("/", "per"):
            rate = find_unit(tokens, place + 1, end, loose=True)
            if rate:
                yield f"{code}/{rate.code}"
            return


def _end_words(tokens: Tokens, at: int, end: int, unit: str) -> int | None:
    """The end of the words of a unit that is in no table, if they begin at a token."""
    words = [] if read_unit(unit) else lex(unit.lower()).words
    stated = [word.lower() for word in tokens.words[at : min(end, at + len(words))]]
    return at + len(words) if words and stated == words else None


def is_said_of(tokens: Tokens, subject: Place, place: Place) -> bool:
    """Whether a quantity and a number have no other quantity with its own number and comparator between them.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("ANC >= 1.5, platelets >= 100, bilirubin < 2")
    >>> [is_said_of(tokens, (5, 6), place) for place in ((8, 9), (12, 13))]
    [True, False]
    """
    first, end = (subject[1], place[0]) if subject[1] <= place[0] else (place[1], subject[0])
    if first >= end:
        return True
    numbers = [number for number in find_numbers(tokens, first, end) if number.end <= end]
    compared = [term.first for term in find_terms(tokens, "comparators", first, end)]
    # The first number between belongs to another quantity if it has a comparator and a new subject follows it.
    own = next((number for number in numbers if any(at < number.first for at in compared)), None)
    return own is None or not any(_is_subject(tokens, at) for at in range(own.end, end))


def _is_subject(tokens: Tokens, at: int) -> bool:
    word = tokens.words[at]
    return len(word) > 2 and word.isalpha() and word.lower() not in _FILLERS and not find_unit(tokens, at)


_FILLERS = word_set(
    """
    and but also the than equal with for not nor more less least most greater higher lower above below over under within
    between minimum maximum inclusive old age aged either both normal predicted upper limit baseline
    """
)


def find_time(tokens: Tokens, value: float, unit: TimeUnit) -> Place | None:
    """The place of a number beside its unit of time, or None.

    >>> from extractor.text.book import read_text
    >>> texts = ("day 30", "30 days", "days 30, 45", "C1D30", "30 weeks")
    >>> [find_time(read_text(text), 30, TimeUnit.DAY) is not None for text in texts]
    [True, True, True, True, False]
    """
    for duration in find_durations(tokens):
        if duration.unit is unit and value in (duration.low, duration.high):
            return duration.first, duration.end
    # "third", "3rd", or a part of "72,96,120 hours", which also reads as one number.
    counts = (
        (at, at + 1)
        for at, word in enumerate(tokens.words)
        if _ORDINALS.get(word.lower()) == value
        or ("," in word and f"{value:g}" in word.split(","))
        or (tokens.codes[at] == NAME_NUMBER and word == f"{value:g}")
    )
    for first, end in (*find_together(tokens, (value,)), *counts):
        if unit in _units_beside(tokens, first, end):
            return first, end
    for found in rule("time_code").find(tokens):
        word = (found.read("unit") or "").lower()
        if read_number(found.read("number") or "") == value and _CODES.get(word[:1]) is unit:
            return found.first, found.end
    return None


_CODES = {unit.value[0]: unit for unit in TimeUnit if unit not in (TimeUnit.MINUTE, TimeUnit.HOUR)}
_REACH = 70
"""The greatest distance of a list's unit from a number in it, in tokens: "Weeks 4, 8, 12, ..."."""


def _units_beside(tokens: Tokens, first: int, end: int) -> list[TimeUnit]:
    """Possible units of a number in a list: the words at both ends of the list, or the word beside the number."""
    front = rule("between_times").ends(tokens, first, first - _REACH)
    between = rule("cycle_length_after").starts(tokens, end) or rule("between_times").starts(tokens, end, end + _REACH)
    before, behind = front.first if front else first, between.end if between else end
    places = [(before - 1, first - before)] if before > 0 and len(tokens.words[before - 1]) > 1 else []
    places += [(behind, behind - end)] if behind < len(tokens) else []
    words = [(tokens.words[at].lower(), gap) for at, gap in places]
    units = [(TimeUnit.CYCLE if word in ("course", "courses") else read_time_unit(word), gap) for word, gap in words]
    return [unit for unit, gap in units if unit and not gap] or [unit for unit, _ in units if unit]

"""Moments in a time frame: numbers with their units, one by one or in lists."""

import re
from collections.abc import Iterator

from extractor.parse.numbers import NUMBER, read_number
from extractor.parse.values import value
from extractor.schemas import TimeUnit

__all__ = ["NUMBER_IN_TIME", "UNIT", "Moment", "MomentGroup", "find_moment_groups"]

# In time frames units stick to numbers and to each other ("Day1", "week4", "18month").
UNIT = (
    r"(?:minutes?|mins?|hours?|hrs?|h|days?|d|weeks?|wks?|w|months?|mos?|mths?|mon|years?|yrs?|y|cycles?|courses?)"
    r"(?![A-Za-z0-9])\.?(?:\(s\))?"
)
_UNIT_OF = {"h": "hour", "d": "day", "w": "week", "m": "month", "y": "year", "c": "cycle"}

_ENDINGS = ("st", "nd", "rd", "th")
_ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
]
_DIGITS = r"(?:\d+(?:\.\d+)?(?!\d))"
# "after18 months" is a number, the 79 of "ABC-G79D" is none.
NUMBER_IN_TIME = rf"(?:(?<![\d.])(?<!(?-i:[A-Z])){_DIGITS}|(?<![\w.])(?!\d){NUMBER})"
_ONE = rf"(?:\d{{1,3}}(?:st|nd|rd|th)\b|\b(?:{'|'.join(_ORDINALS)})\b(?!\s+(?:{NUMBER}))|{NUMBER_IN_TIME})"
_NOISE = r"(?:\s*\([^()]{0,40}\))?"  # "week 0 (before treatment), 4 and 12"
# One way only to match each joint, so that a list that fails costs no more than its length.
_JOINT = (
    r"(?:\s*(?:-\s*)?(?:,|;|/|&|\+)\s*(?:(?:and/or|and|or|to|&)\s+)?"
    r"|\s*(?:-|~)\s*|\s+(?:to|through|and/or|and|or|until|up to|plus)\s+|\s+|\.\s+)"
)
_RANGE = re.compile(r"^\s*(?:-|~|to|through|until|up to)\s*$", re.IGNORECASE)
_SPLIT = re.compile(rf"({_ONE}|{_DIGITS})", re.IGNORECASE)
_STARTS = (TimeUnit.DAY, TimeUnit.CYCLE)
_MINUS = re.compile(r"(?:[,;/(]\s*|(?:to|and|~)\s+)-$")

_NUMBERS_FIRST = re.compile(
    rf"(?P<list>{_ONE}(?:{_JOINT}{_ONE}){{0,30}})(?:\s*\+|\s*\([\d ]+\))?[\s-]*(?P<unit>{UNIT})", re.IGNORECASE
)
_UNIT_FIRST = re.compile(
    rf"(?<![A-Za-z])(?P<unit>minutes?|hours?|days?|weeks?|wks?|months?|years?|yrs?|cycles?|courses?|[CDWMY](?=\d))"
    rf"\s*[#:]?\s*(?P<list>-?(?:{_DIGITS}|{NUMBER_IN_TIME})(?:{_NOISE}{_JOINT}-?{NUMBER_IN_TIME}){{0,40}})",
    re.IGNORECASE,
)
_OWN_UNIT = re.compile(rf"\s*-?{UNIT}", re.IGNORECASE)


@value(frozen=True, slots=True)
class Moment:
    """One number of a time frame. ``named`` moments have the unit first ("week 4"), others last ("4 weeks").

    ``after_range`` says that a range sign stands between this number and the one before.
    """

    value: int | float
    unit: TimeUnit
    start: int
    end: int
    named: bool
    after_range: bool = False


@value(frozen=True, slots=True)
class MomentGroup:
    """Numbers that share one unit, and the span of the whole with its unit."""

    moments: tuple[Moment, ...]
    start: int
    end: int


def find_moment_groups(masked: str) -> Iterator[MomentGroup]:
    """Every list of numbers with a unit of time in masked text, left to right, baseline included.

    >>> [[(m.value, m.unit.value) for m in g.moments] for g in find_moment_groups("Weeks 4, 8, and 6 months")]
    [[(4, 'week'), (8, 'week')], [(6, 'month')]]
    """
    position = 0
    named, counted = _UNIT_FIRST.search(masked), _NUMBERS_FIRST.search(masked)
    while named or counted:
        group = _choose(masked, named, counted)
        if group.moments:
            yield group
        position = max(group.end, position + 1)
        # Search again only for what has been passed: the whole stays linear in the text's length.
        if named and named.start() < position:
            named = _UNIT_FIRST.search(masked, position)
        if counted and counted.start() < position:
            counted = _NUMBERS_FIRST.search(masked, position)


def _choose(masked: str, named: re.Match[str] | None, counted: re.Match[str] | None) -> MomentGroup:
    """The reading that begins first."""
    if named and (not counted or named.start() <= counted.start()):
        moments = _read_named(masked, named)
        # No number at all is left where each is too large to be held.
        return MomentGroup(moments, named.start(), moments[-1].end if moments else named.end())
    assert counted
    sign = "-" if masked[max(0, counted.start() - 2) : counted.start()] in {" -", "(-", "-"} else ""
    moments = tuple(_read_list(counted["list"], counted.start("list"), counted["unit"], sign=sign))
    return MomentGroup(moments, counted.start(), counted.end())


def _read_named(masked: str, found: re.Match[str]) -> tuple[Moment, ...]:
    """The numbers after a unit; a last number that has a unit of its own is left for the next reading."""
    moments = list(_read_list(found["list"], found.start("list"), found["unit"], named=True))
    while len(moments) > 1 and _OWN_UNIT.match(masked, moments[-1].end):
        moments.pop()
    return tuple(moments)


def _read_list(numbers: str, offset: int, unit: str, *, named: bool = False, sign: str = "") -> Iterator[Moment]:
    time_unit = _time_unit(unit)
    before, first = sign, True
    for piece in _SPLIT.split(numbers):
        value = _value(piece)
        if value is None:
            before += piece
        else:
            in_range = bool(_RANGE.match(before))
            negative = before == "-" if first else _MINUS.search(before)
            first = False
            if piece.lower() == "first" and time_unit in _STARTS:
                value = 0  # "the first day" is the beginning, like day 0
            # "the 4th week" names a moment as "week 4" does.
            as_name = named or piece.lower() in _ORDINALS or piece[-2:].lower() in _ENDINGS
            yield Moment(-value if negative else value, time_unit, offset, offset + len(piece), as_name, in_range)
            before = ""
        offset += len(piece)


def _time_unit(word: str) -> TimeUnit:
    word = word.lower()
    return TimeUnit("minute" if word.startswith("min") else _UNIT_OF[word[0]])


def _value(piece: str) -> int | float | None:
    piece = piece.lower()
    if piece in _ORDINALS:
        return _ORDINALS.index(piece) + 1
    ordinal = re.fullmatch(r"(\d+)(?:st|nd|rd|th)", piece)
    return int(ordinal[1]) if ordinal else read_number(piece) if piece.strip() else None

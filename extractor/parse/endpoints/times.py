"""Moments in a time frame: numbers with their units, one by one or in lists; and which of them are its time points."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractor.schemas import TimeUnit
from extractor.text.book import rule
from extractor.text.lexer import Tokens
from extractor.text.numbers import read_number
from extractor.text.patterns import Found

__all__ = ["Moment", "MomentGroup", "TimeFrame", "read_time_frame"]

_UNITS = {"h": "hour", "d": "day", "w": "week", "m": "month", "y": "year", "c": "cycle"}
_ORDINAL_WORDS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_ORDINALS = _ORDINAL_WORDS.split()
_PIECE = re.compile(r"\d+")
_STARTS = (TimeUnit.DAY, TimeUnit.CYCLE)


@dataclass(frozen=True, slots=True)
class Moment:
    """One number of a time frame: ``tokens.words[first:end]``, which stands at ``span`` in the text.

    ``named`` moments have the unit first ("week 4"), others last ("4 weeks"). ``after_range`` says that a range sign
    stands between this number and the one before.
    """

    value: int | float
    unit: TimeUnit
    first: int
    end: int
    span: tuple[int, int]
    named: bool
    after_range: bool = False


@dataclass(frozen=True, slots=True)
class MomentGroup:
    """Numbers that share one unit, and the tokens of the whole with its unit."""

    moments: tuple[Moment, ...]
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class TimeFrame:
    """``tokens.words[first:end]`` is a time frame; ``kept`` is what is left of it without intervals and tolerances.

    ``groups`` are all moments, in the places of ``kept``; ``points`` are those that are time points.
    """

    tokens: Tokens
    first: int
    end: int
    kept: Tokens
    groups: tuple[MomentGroup, ...]
    points: tuple[Moment, ...]


def read_time_frame(tokens: Tokens, first: int = 0, end: int | None = None) -> TimeFrame:
    """The moments of a time frame.

    >>> from extractor.text.book import read_text
    >>> frame = read_time_frame(read_text("Every 4 weeks up to week 52 (+/-3 days)"))
    >>> frame.kept.words, [(point.value, point.unit.value) for point in frame.points]
    (['up', 'to', 'week', '52'], [(52, 'week')])
    """
    end = len(tokens) if end is None else end
    kept = _drop_intervals(tokens, first, end)
    groups = tuple(_find_groups(kept))
    return TimeFrame(tokens, first, end, kept, groups, tuple(_select_points(kept, groups)))


def _drop_intervals(tokens: Tokens, first: int, end: int) -> Tokens:
    """The tokens of a time frame without tolerances, intervals and cycle lengths."""
    places = [(at.first, at.end) for at in rule("no_moment").find(tokens, first, end)]
    for found in rule("tolerance").find(tokens, first, end):
        unit = found.part("unit")
        # "4 ± 2 months": the unit stays, since it is that of the number in front.
        keeps = unit and not any(rule("moment_unit").find(tokens, max(first, found.first - 4), found.first))
        places.append((found.first, unit[0] if unit and keeps else found.end))
    return tokens.without(places, first, end)


def _find_groups(tokens: Tokens) -> Iterator[MomentGroup]:
    """Every list of numbers with a unit of time, left to right, baseline included."""
    named, counted = rule("named_moments").search(tokens), rule("counted_moments").search(tokens)
    while named or counted:
        if named and (not counted or named.first <= counted.first):
            group = _read_named(tokens, named)
        elif counted:
            group = MomentGroup(tuple(_read_list(tokens, counted, named=False)), counted.first, counted.end)
        if group.moments:
            yield group
        # Search again only for what has been passed: the whole stays linear in the text's length.
        if named and named.first < group.end:
            named = rule("named_moments").search(tokens, group.end)
        if counted and counted.first < group.end:
            counted = rule("counted_moments").search(tokens, group.end)


def _read_named(tokens: Tokens, found: Found) -> MomentGroup:
    """The numbers after a unit; a last number that has a unit of its own is left for the next reading."""
    moments = list(_read_list(tokens, found, named=True))
    own = rule("moment_unit")
    while len(moments) > 1 and own.starts(tokens, moments[-1].end + (tokens.codes[moments[-1].end :][:1] == "-")):
        moments.pop()
    # No number at all is left where each is too large to be held.
    return MomentGroup(tuple(moments), found.first, moments[-1].end if moments else found.end)


def _read_list(tokens: Tokens, found: Found, *, named: bool) -> Iterator[Moment]:
    unit = _read_unit(found.read("unit") or "")
    first, end = found.part("list") or (0, 0)
    done = first
    for at in rule("listed_number").find(tokens, first, end):
        text = at.text.lower()
        number = 0 if text == "first" and unit in _STARTS else _read_number(text)
        negative = _is_negative(tokens, at.first, alone=at.first == first)
        in_range = rule("range_mark").covers(tokens, done, at.first) is not None
        done = at.end
        # "the 4th week" names a moment as "week 4" does.
        as_name = named or (text[-1].isalpha() and rule("ordinal").covers(tokens, at.first, at.end) is not None)
        if "," in text and (at.first, at.end) != (first, end):
            for piece in _PIECE.finditer(text):  # "72,96,120 hours": no thousands
                span = (at.span[0] + piece.start(), at.span[0] + piece.end())
                yield Moment(int(piece[0]), unit, at.first, at.end, span, as_name)
        elif number is not None:
            yield Moment(-number if negative else number, unit, at.first, at.end, at.span, as_name, in_range)


def _is_negative(tokens: Tokens, number: int, *, alone: bool) -> bool:
    """Whether a hyphen in front of a number is its sign: it begins a list, or stands behind another joint."""
    codes = tokens.codes
    if number == 0 or codes[number - 1] != "-" or not tokens.joined(number):
        return False
    return number == 1 or not tokens.joined(number - 1) or codes[number - 2] in ("(", ",", ";", "/") or alone


def _read_unit(word: str) -> TimeUnit:
    word = word.lower()
    return TimeUnit("minute" if word.startswith("min") else _UNITS[word[0]])


def _read_number(text: str) -> int | float | None:
    if text in _ORDINALS:
        return _ORDINALS.index(text)
    return read_number(text[:-2].rstrip() if text[-2:] in ("st", "nd", "rd", "th") and text[0].isdigit() else text)


def _select_points(tokens: Tokens, groups: Sequence[MomentGroup]) -> list[Moment]:
    """The moments that are listed: no zero, no "Day 1 of Cycle 1", no beginning of a range, no repetition."""
    moments = [moment for group in groups for moment in group.moments]
    kept: dict[tuple[float, TimeUnit], Moment] = {}
    for place, moment in enumerate(moments):
        if moment.value > 0 and not _is_start(tokens, moments, place):
            kept.setdefault((moment.value, moment.unit), moment)
    return list(kept.values())


def _is_start(tokens: Tokens, moments: Sequence[Moment], place: int) -> bool:
    """Whether this is day 1 counted from day 1, the first cycle named only to say so, or where a range begins."""
    moment = moments[place]
    if moment.value != 1 or not moment.named:
        return False
    if rule("range_mark").starts(tokens, moment.end):
        return True
    if moment.unit is TimeUnit.DAY:
        return all(other.value != 0 for other in moments)
    near = [other for other in moments[max(0, place - 1) : place + 2] if other.unit is TimeUnit.DAY and other.named]
    return moment.unit is TimeUnit.CYCLE and any(other.value == 1 for other in near)

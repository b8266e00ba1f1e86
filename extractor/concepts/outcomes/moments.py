"""Read the moments of a time frame, single or in lists, and choose its time points."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.language.numbers import MONTHS_OF_YEAR, ORDINALS, read_number
from extractor.language.patterns import Found
from extractor.schemas import TimeUnit

_UNITS = {
    "h": "hour",
    "d": "day",
    "w": "week",
    "m": "month",
    "y": "year",
    "c": "cycle",
    "p": "day",
}
_STARTS = (TimeUnit.DAY, TimeUnit.CYCLE)
_LONGEST_WAIT = {
    TimeUnit.YEAR: 120,
    TimeUnit.MONTH: 1440,
    TimeUnit.WEEK: 6240,
    TimeUnit.DAY: 43_800,
    TimeUnit.HOUR: 1_051_200,
}
"""No trial waits longer than a lifetime."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One number of a time frame: ``tokens.words[first:end]``, at ``span`` in the text.

    ``named`` moments have the unit first ("week 4"), others last ("4 weeks"). ``after_range``: a
    range sign precedes the number.
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
    """Numbers that share a unit, and the tokens of numbers and unit."""

    moments: tuple[Moment, ...]
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class TimeFrame:
    """A time frame on one line; ``kept`` is the rest without intervals and tolerances.

    ``groups`` are all moments, as places in ``kept``; ``points`` are the time points among them.
    ``others``: how many lengths of something else ("2-week run-in") it names.
    """

    tokens: Tokens
    kept: Tokens
    groups: tuple[MomentGroup, ...]
    points: tuple[Moment, ...]
    others: int = 0

    def locate(self, moment: Moment) -> Range:
        """Return the offsets of a moment in the text: with its unit, if it shares that with no
        other.

        >>> frame = read_time_frame(read_text("at 2 years, and weeks 4 and 8"))
        >>> [frame.tokens.text[slice(*frame.locate(point))] for point in frame.points]
        ['2 years', '4', '8']
        """
        alone = (group for group in self.groups if group.moments == (moment,))
        group = next(alone, None)
        return self.kept.span(group.first, group.end) if group else moment.span


def read_time_frame(tokens: Tokens) -> TimeFrame:
    """Return the moments of a time frame.

    >>> frame = read_time_frame(read_text("Every 4 weeks up to week 52 (+/-3 days)"))
    >>> frame.kept.words, [(point.value, point.unit.value) for point in frame.points]
    (['up', 'to', 'week', '52'], [(52, 'week')])
    """
    others = [(at.first, at.end) for at in rule("other_length_aside").find(tokens)]
    frame = _read_without(tokens, others)
    # "Walking test (6 min)": the only length is the time frame. "After the 20-minute session" has
    # none.
    is_settled = frame.points or not others or rule("dated_length").search(tokens)
    return (
        frame if is_settled else replace(_read_without(tokens, []), others=len(others))
    )


def _read_without(tokens: Tokens, others: Sequence[tuple[int, int]]) -> TimeFrame:
    """Return the time frame without ``others``, tolerances, intervals and cycle lengths."""
    places = [*others, *((at.first, at.end) for at in rule("no_moment").find(tokens))]
    for found in rule("tolerance").find(tokens):
        unit = found.part("unit")
        # "4 ± 2 months": keep the unit, since it belongs to the number before.
        keeps = unit and not any(
            rule("moment_unit").find(tokens, max(0, found.first - 4), found.first)
        )
        places.append((found.first, unit[0] if unit and keeps else found.end))
    kept = tokens.without(places, 0, len(tokens))
    groups = tuple(_find_groups(kept))
    return TimeFrame(
        tokens, kept, groups, tuple(_select_points(kept, groups, tokens)), len(others)
    )


def _find_groups(tokens: Tokens) -> Iterator[MomentGroup]:
    """Every list of numbers with a unit of time, left to right, including baseline."""
    named = rule("named_moments").search(tokens)
    counted = rule("counted_moments").search(tokens)
    while named or counted:
        if named and (not counted or named.first <= counted.first):
            moments = list(_read_list(tokens, named, named=True))
            # A last number with its own unit is left for the next group.
            own = rule("moment_unit")
            while len(moments) > 1 and own.starts(
                tokens, (end := moments[-1].end) + (tokens.codes[end : end + 1] == "-")
            ):
                moments.pop()
            # No moment is left if each number is too large to represent.
            group = MomentGroup(
                tuple(moments), named.first, moments[-1].end if moments else named.end
            )
        elif counted:
            group = MomentGroup(
                tuple(_read_list(tokens, counted, named=False)),
                counted.first,
                counted.end,
            )
        if group.moments:
            yield group
        # Search again only after passing a match, so that time stays linear.
        if named and named.first < group.end:
            named = rule("named_moments").search(tokens, group.end)
        if counted and counted.first < group.end:
            counted = rule("counted_moments").search(tokens, group.end)


def _read_list(tokens: Tokens, found: Found, *, named: bool) -> Iterator[Moment]:
    word = (found.read("unit") or "").lower()
    unit = TimeUnit("minute" if word.startswith("min") else _UNITS[word[0]])
    first, end = found.part("list") or (0, 0)
    done = first
    for at in rule("listed_number").find(tokens, first, end):
        text = at.text.lower()
        starts = (
            text == "first"
            and unit in _STARTS
            and not rule("first_of_days").starts(tokens, at.first)
        )
        written = re.sub(r" (?:of an?|an?)$", "", text)  # "half an hour"
        is_ordinal = written[-2:] in ("st", "nd", "rd", "th") and written[0].isdigit()
        number = read_number(written[:-2].rstrip() if is_ordinal else written)
        number = 0 if starts else ORDINALS.get(text, number)
        too_long = number is not None and number > _LONGEST_WAIT.get(unit, number)
        if too_long and "," not in text:
            continue  # a calendar year, or the number of a drug or trial
        negative = _is_negative(tokens, at.first, alone=at.first == first)
        in_range = rule("range_mark").covers(tokens, done, at.first) is not None
        done = at.end
        # "the 4th week" names a moment like "week 4".
        as_name = named or (
            text[-1].isalpha()
            and rule("ordinal").covers(tokens, at.first, at.end) is not None
        )
        if "," in text and (too_long or (at.first, at.end) != (first, end)):
            for piece in re.finditer(r"\d+", text):  # "72,96,120 hours": not thousands
                span = (at.span[0] + piece.start(), at.span[0] + piece.end())
                yield Moment(int(piece[0]), unit, at.first, at.end, span, as_name)
        elif number is not None:
            yield Moment(
                -number if negative else number,
                unit,
                at.first,
                at.end,
                at.span,
                as_name,
                in_range,
            )


def _is_negative(tokens: Tokens, number: int, *, alone: bool) -> bool:
    """Return whether a hyphen before a number is its sign: it begins a list, or follows another
    joint.
    """
    codes = tokens.codes
    if number == 0 or codes[number - 1] != "-" or not tokens.joined(number):
        return False
    if number == 1:
        return True
    if not tokens.joined(number - 1):
        return True
    if codes[number - 2] in ("(", ",", ";", "/"):
        return True
    return alone


def _select_points(
    tokens: Tokens, groups: Sequence[MomentGroup], whole: Tokens
) -> list[Moment]:
    """Return the listed moments, without zero, "Day 1 of Cycle 1", starts of ranges, and
    repetitions.
    """
    cycles = rule("cycle_in_frame").search(whole) is not None
    moments = _sum_up(tokens, [moment for group in groups for moment in group.moments])
    kept: dict[tuple[float, TimeUnit], Moment] = {}
    for place, moment in enumerate(moments):
        if moment.value > 0 and not _is_start(tokens, moments, place, cycles=cycles):
            kept.setdefault((moment.value, moment.unit), moment)
    return list(kept.values())


def _sum_up(tokens: Tokens, moments: list[Moment]) -> list[Moment]:
    """The only two moments as one that is stated in two units: "3 years and 9 months". With a
    comma they are a list.
    """
    if [moment.unit for moment in moments] != [TimeUnit.YEAR, TimeUnit.MONTH]:
        return moments
    years, months = moments
    joint = rule("months_of_years").starts(tokens, years.end + 1)
    if not joint:
        return moments
    if joint.text.startswith(","):
        return moments
    if joint.end != months.end:
        return moments
    if months.value >= MONTHS_OF_YEAR:
        return moments
    value = years.value * MONTHS_OF_YEAR + months.value
    span = (years.span[0], months.span[1])
    return [replace(months, value=value, first=years.first, span=span)]


def _is_start(
    tokens: Tokens, moments: Sequence[Moment], place: int, *, cycles: bool
) -> bool:
    """Return whether this is day 1 as the origin, the first cycle as part of the origin, or the
    start of a range.
    """
    moment = moments[place]
    if moment.value != 1 or not moment.named:
        return False
    if rule("range_mark").starts(tokens, moment.end):
        return True
    if moment.unit is TimeUnit.DAY:
        named = any(
            found.first < moment.end <= found.end
            for found in rule("day_as_start").find(tokens)
        )
        return named or cycles
    near = [
        other
        for other in moments[max(0, place - 1) : place + 2]
        if other.unit is TimeUnit.DAY and other.named
    ]
    return moment.unit is TimeUnit.CYCLE and any(other.value == 1 for other in near)

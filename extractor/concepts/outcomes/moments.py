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
    # "POD 3", a postoperative day
    "p": "day",
}
"""Units by the first letter of their word; minutes are read apart."""
_STARTS = (TimeUnit.DAY, TimeUnit.CYCLE)
"""Units whose "first" means the start."""
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
    """A time frame on one line; ``kept`` is the rest without intervals, tolerances and lengths of
    something else.

    ``groups`` are all moments, as tokens of ``kept``; ``points`` are the time points among them,
    the moments when the outcome is measured. ``others``: how many lengths of something else
    ("2-week run-in") the time frame names.
    """

    tokens: Tokens
    kept: Tokens
    groups: tuple[MomentGroup, ...]
    points: tuple[Moment, ...]
    others: int = 0

    def locate(self, moment: Moment) -> Range:
        """Return the characters of a moment in the text: with its unit, if it shares that with no
        other.

        >>> frame = read_time_frame(read_text("at 2 years, and weeks 4 and 8"))
        >>> [frame.tokens.text[slice(*frame.locate(point))] for point in frame.points]
        ['2 years', '4', '8']
        """
        for group in self.groups:
            if group.moments == (moment,):
                return self.kept.span(group.first, group.end)
        return moment.span


def read_time_frame(tokens: Tokens) -> TimeFrame:
    """Return the moments of a time frame, and which of them are its time points. Lengths of
    something else ("2-week run-in") are left out, unless nothing else could be the time point.

    >>> frame = read_time_frame(read_text("Every 4 weeks up to week 52 (+/-3 days)"))
    >>> frame.kept.words, [(point.value, point.unit.value) for point in frame.points]
    (['up', 'to', 'week', '52'], [(52, 'week')])
    """
    found = rule("other_length_aside").find(tokens)
    others = [(length.first, length.end) for length in found]
    frame = _read_without(tokens, others)
    if frame.points or not others:
        return frame
    # "After the 20-minute session": the length is of something else, and no time frame
    if rule("dated_length").search(tokens):
        return frame
    # "Walking test (6 min)": the only length is the time frame
    return replace(_read_without(tokens, []), others=len(others))


def _read_without(tokens: Tokens, others: Sequence[Range]) -> TimeFrame:
    """Return the time frame without the tokens of ``others``, and without tolerances, intervals
    and cycle lengths: "week 4 (+/- 3 days)", "every 4 weeks", "28-day cycles".
    """
    intervals = [(words.first, words.end) for words in rule("no_moment").find(tokens)]
    tolerances: list[Range] = []
    for words in rule("tolerance").find(tokens):
        tolerance_end = _find_tolerance_end(tokens, words)
        tolerances.append((words.first, tolerance_end))
    kept = tokens.without([*others, *intervals, *tolerances], 0, len(tokens))
    groups = tuple(_find_groups(kept))
    points = tuple(_select_points(kept, groups, tokens))
    return TimeFrame(tokens, kept, groups, points, len(others))


def _find_tolerance_end(tokens: Tokens, tolerance: Found) -> int:
    """Return where a tolerance ends. In "4 ± 2 months" the unit is left, since it belongs to the
    number before; in "4 months ± 2 days" it is not.
    """
    unit = tolerance.part("unit")
    if not unit:
        return tolerance.end
    before = max(0, tolerance.first - 4)
    if rule("moment_unit").search(tokens, before, tolerance.first):
        return tolerance.end
    return unit[0]


def _find_groups(tokens: Tokens) -> Iterator[MomentGroup]:
    """Yield every list of numbers with a unit of time, left to right, including baseline. The unit
    stands in front ("weeks 4, 8 and 12") or behind ("6 and 12 months"); where both readings begin
    at one token, it stands in front.
    """
    named = rule("named_moments").search(tokens)
    counted = rule("counted_moments").search(tokens)
    while named or counted:
        if named and (not counted or named.first <= counted.first):
            group = _read_named_group(tokens, named)
        elif counted:
            moments = tuple(_read_list(tokens, counted, named=False))
            group = MomentGroup(moments, counted.first, counted.end)
        # numbers that are too large to be moments
        if group.moments:
            yield group
        # Search again only after passing a match, so that time stays linear.
        if named and named.first < group.end:
            named = rule("named_moments").search(tokens, group.end)
        if counted and counted.first < group.end:
            counted = rule("counted_moments").search(tokens, group.end)


def _read_named_group(tokens: Tokens, named: Found) -> MomentGroup:
    """Return the moments behind their unit: "weeks 4 and 8".

    A last number with its own unit is left for the next group: "week 4, 2 years". No moment is left
    if each number is too large to represent.
    """
    moments = list(_read_list(tokens, named, named=True))
    while len(moments) > 1 and _has_own_unit(tokens, moments[-1]):
        moments.pop()
    end = moments[-1].end if moments else named.end
    return MomentGroup(tuple(moments), named.first, end)


def _has_own_unit(tokens: Tokens, moment: Moment) -> bool:
    behind = moment.end
    if tokens.codes[behind : behind + 1] == "-":  # "2-year"
        behind += 1
    return rule("moment_unit").starts(tokens, behind) is not None


def _read_list(tokens: Tokens, group: Found, *, named: bool) -> Iterator[Moment]:
    """Yield the moments of a list of numbers with one unit; ``named``: the unit stands first.

    Numbers longer than any trial, and such as cannot be represented, are skipped.
    """
    word = (group.read("unit") or "").lower()
    is_minutes = word.startswith("min")
    unit = TimeUnit("minute" if is_minutes else _UNITS[word[0]])
    first, end = group.part("list") or (0, 0)
    done = first
    for listed in rule("listed_number").find(tokens, first, end):
        text = listed.text.lower()
        number = _read_listed_number(tokens, listed, unit)
        is_too_long = number is not None and number > _LONGEST_WAIT.get(unit, number)
        if is_too_long and "," not in text:
            continue  # a calendar year, or the number of a drug or trial
        after_range = rule("range_mark").covers(tokens, done, listed.first) is not None
        done = listed.end
        # "the 4th week" names a moment like "week 4".
        is_named = named or _is_ordinal(tokens, listed)
        is_alone = (listed.first, listed.end) == (first, end)
        # "72,96,120 hours" reads as one number
        if "," in text and (is_too_long or not is_alone):
            whole = Moment(0, unit, listed.first, listed.end, listed.span, is_named)
            yield from _split_at_commas(text, whole)
            continue
        if number is None:
            continue
        # "Day -14"
        if _is_negative(tokens, listed.first, opens_list=listed.first == first):
            number = -number
        yield Moment(
            number,
            unit,
            listed.first,
            listed.end,
            listed.span,
            is_named,
            after_range,
        )


def _read_listed_number(
    tokens: Tokens, listed: Found, unit: TimeUnit
) -> int | float | None:
    """Return a number in figures or words: "2", "half an", "4th", "third"; None if it cannot be
    represented.

    "First" is 0 with days and cycles, where it means the start: "after the first cycle". But the
    "first 28 days" are counted.
    """
    text = listed.text.lower()
    may_be_start = text == "first" and unit in _STARTS
    if may_be_start and not rule("first_of_days").starts(tokens, listed.first):
        return 0
    if text in ORDINALS:
        return ORDINALS[text]
    written = re.sub(r" (?:of an?|an?)$", "", text)  # "half an hour"
    if written.endswith(("st", "nd", "rd", "th")) and written[0].isdigit():
        written = written[:-2].rstrip()
    return read_number(written)


def _is_ordinal(tokens: Tokens, listed: Found) -> bool:
    if not listed.text[-1].isalpha():
        return False
    return rule("ordinal").covers(tokens, listed.first, listed.end) is not None


def _split_at_commas(text: str, moment: Moment) -> Iterator[Moment]:
    """Yield the moments of a list that reads like thousands: "72,96,120 hours". ``moment`` is that
    of the whole text, from which they have all but value and span.
    """
    for piece in re.finditer(r"\d+", text):
        digits = piece[0]
        start = moment.span[0] + piece.start()
        span = (start, start + len(digits))
        yield replace(moment, value=int(digits), span=span)


def _is_negative(tokens: Tokens, number: int, *, opens_list: bool) -> bool:
    """Return whether the hyphen before a number is its sign, "Day -14", and no joint, "day 1-4".

    ``number`` is the number's token; ``opens_list``: no other number of its list stands before.
    """
    codes = tokens.codes
    if number == 0 or codes[number - 1] != "-":
        return False
    # "1 - 4"
    if not tokens.joined(number):
        return False
    if number == 1:
        return True
    # "Day -14", "days 1, -1": a space before the hyphen, but none behind it
    if not tokens.joined(number - 1):
        return True
    # as in "Baseline (-14 days)"
    if codes[number - 2] in ("(", ",", ";", "/"):
        return True
    return opens_list


def _select_points(
    tokens: Tokens, groups: Sequence[MomentGroup], whole: Tokens
) -> list[Moment]:
    """Return the moments of the groups that are time points, each once. Zero and less, "Day 1 of
    Cycle 1" and starts of ranges are the origin from which time is counted, and no time points.

    ``tokens`` are those of ``kept``, to which the groups belong; ``whole`` are all of the time
    frame.
    """
    cycles = rule("cycle_in_frame").search(whole) is not None
    moments: list[Moment] = []
    for group in groups:
        moments += group.moments
    moments = _join_years_and_months(tokens, moments)
    points: dict[tuple[float, TimeUnit], Moment] = {}
    for index, moment in enumerate(moments):
        if moment.value <= 0:
            continue
        if _is_start(tokens, moments, index, cycles=cycles):
            continue
        points.setdefault((moment.value, moment.unit), moment)
    return list(points.values())


def _join_years_and_months(tokens: Tokens, moments: list[Moment]) -> list[Moment]:
    """Return the only two moments as one, if it is stated in two units: "3 years and 9 months".
    With a comma they are a list, and so are 12 months or more; any other moments are returned as
    they are.
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
    tokens: Tokens, moments: Sequence[Moment], index: int, *, cycles: bool
) -> bool:
    """Return whether a moment is day 1 as the origin, the first cycle as part of the origin, or the
    start of a range.

    ``cycles``: the time frame names cycles, so that its day 1 is a day of each cycle.
    """
    moment = moments[index]
    if moment.value != 1 or not moment.named:
        return False
    # "day 1 through day 4"
    if rule("range_mark").starts(tokens, moment.end):
        return True
    if moment.unit is TimeUnit.DAY:
        # "Day 1 of each cycle" is when treatment is given, not when the outcome is measured
        return cycles or _is_day_as_start(tokens, moment)
    if moment.unit is not TimeUnit.CYCLE:
        return False
    # "C1D1"
    neighbours = moments[max(0, index - 1) : index + 2]
    return any(_is_named_day_1(other) for other in neighbours)


def _is_day_as_start(tokens: Tokens, moment: Moment) -> bool:
    """Return whether a day 1 is said to be the origin: "Baseline (Day 1)"."""
    days = rule("day_as_start").find(tokens)
    return any(day.first < moment.end <= day.end for day in days)


def _is_named_day_1(moment: Moment) -> bool:
    """Return whether a moment is "day 1", and not "1 day"."""
    if moment.unit is not TimeUnit.DAY or not moment.named:
        return False
    return moment.value == 1

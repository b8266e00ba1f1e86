"""Read the single and listed times in a time frame, and select its time points."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.numbers import ORDINALS, Numeric, read_number
from extractor.language.patterns import RuleMatch
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
"""Time units, keyed by the first letter of the word; minutes are handled separately."""
_STARTS = (TimeUnit.DAY, TimeUnit.CYCLE)
"""Units with which "first" means the start."""
_LONGEST_WAIT = {
    TimeUnit.YEAR: 120,
    TimeUnit.MONTH: 1440,
    TimeUnit.WEEK: 6240,
    TimeUnit.DAY: 43_800,
    TimeUnit.HOUR: 1_051_200,
}
"""For each unit, the number of units in a lifetime, which is longer than any trial."""
_PARTS = {
    (TimeUnit.YEAR, TimeUnit.MONTH): 12,
    (TimeUnit.WEEK, TimeUnit.DAY): 7,
    (TimeUnit.DAY, TimeUnit.HOUR): 24,
    (TimeUnit.HOUR, TimeUnit.MINUTE): 60,
}
"""Units that state one length together, with the number of the second in the first."""
_NUMBER_TAIL = re.compile(r" (?:of )?an?$|(?<=\d) ?(?:st|nd|rd|th)$")
"""Words that may follow a number in a list: "half an hour", "4th"."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A number in a time frame: the tokens ``first:end``, at ``span`` in the text.

    ``named`` is true if the unit comes first ("week 4"), and false if it comes last ("4 weeks").
    ``after_range`` means that a dash or a word such as "to" precedes the number.
    """

    value: Numeric
    unit: TimeUnit
    first: int
    end: int
    span: Range
    named: bool
    after_range: bool = False


@dataclass(frozen=True, slots=True)
class MomentGroup:
    """Numbers that share a unit, with their token range including the unit."""

    moments: tuple[Moment, ...]
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class TimeFrame:
    """A time frame on one line. ``kept`` contains its tokens without intervals, tolerances or
    other durations. ``groups`` contains all times, as tokens of ``kept``. ``points`` contains the
    times at which the outcome is measured. ``others`` is the number of other durations ("2-week
    run-in") that the time frame mentions.
    """

    tokens: Tokens
    kept: Tokens
    groups: tuple[MomentGroup, ...]
    points: tuple[Moment, ...]
    others: int = 0

    @property
    def moments(self) -> list[Moment]:
        """All times in the groups."""
        return [moment for group in self.groups for moment in group.moments]

    def locate(self, moments: Sequence[Moment]) -> list[Range]:
        """Return the characters of each of these times in the text, including its unit if no other
        time shares it.

        >>> frame = read_time_frame(read_text("at 2 years, and weeks 4 and 8"))
        >>> [frame.tokens.text[slice(*place)] for place in frame.locate(frame.points)]
        ['2 years', '4', '8']
        """
        alone = {group.moments: group for group in reversed(self.groups)}
        places = []
        for moment in moments:
            place = moment.span
            group = alone.get((moment,))
            if group:
                place = self.kept.span(group.first, group.end)
            places.append(place)
        return places


def read_time_frame(tokens: Tokens) -> TimeFrame:
    """Return the times in a time frame, including its time points. Durations of something else
    ("2-week run-in") are omitted, unless there is no other candidate for a time point; ``others``
    is their number in either case.

    >>> frame = read_time_frame(read_text("Week 52 after a 2-week run-in (+/-3 days)"))
    >>> frame.kept.words, [(point.value, point.unit.value) for point in frame.points]
    (['Week', '52', 'after', 'a'], [(52, 'week')])
    >>> frame.others
    1
    """
    lengths = rule("other_length_aside").find(tokens)
    others = [(length.first, length.end) for length in lengths]
    frame = _read_without(tokens, others)
    if frame.points or not others:
        return frame
    # in "Walking test (6 min)", the only duration is the time frame
    whole_frame = _read_without(tokens, [])
    return replace(whole_frame, others=len(others))


def _read_without(tokens: Tokens, others: Sequence[Range]) -> TimeFrame:
    """Return the time frame without the tokens of ``others``, and without tolerances, intervals or
    cycle lengths: "week 4 (+/- 3 days)", "every 4 weeks", "28-day cycles".
    """
    omitted = list(others)
    omitted += [(words.first, words.end) for words in rule("no_moment").find(tokens)]
    for words in rule("tolerance").find(tokens):
        end = words.end
        unit = words.part("unit")
        # the unit in "6 +/- 1 months" is that of both numbers
        if unit and words.first and tokens.codes[words.first - 1] == NUMBER:
            has_own_unit = rule("moments_with_unit").ends(tokens, words.first)
            if not has_own_unit:
                end = unit[0]
        omitted.append((words.first, end))
    kept = tokens.without(omitted, 0, len(tokens))
    groups = tuple(_join_parts(kept, _find_groups(kept)))
    has_cycles = rule("cycle_in_frame").occurs(tokens)
    points = tuple(_select_points(kept, groups, has_cycles=has_cycles))
    return TimeFrame(tokens, kept, groups, points, len(others))


def _find_groups(tokens: Tokens) -> Iterator[MomentGroup]:
    """Yield every list of numbers with a time unit, from left to right. The unit precedes the
    numbers ("weeks 4, 8 and 12") or follows them ("6 and 12 months"). If both readings begin at
    the same token, the unit that precedes the numbers is used.
    """
    match = rule("moments_with_unit").search(tokens)
    while match:
        named = rule("named_moments").starts(tokens, match.first)
        if named:
            group = _read_named_group(tokens, named)
        else:
            # the only other reading of ``moments_with_unit``
            counted = rule("counted_moments").starts(tokens, match.first)
            assert counted
            moments = tuple(_read_list(tokens, counted, named=False))
            # "1h45"
            if counted.has("minutes") and moments:
                value = moments[-1].value + int(counted.read("minutes")) / 60
                moments = (*moments[:-1], replace(moments[-1], value=value))
            group = MomentGroup(moments, counted.first, counted.end)
        # the group is empty if its numbers are too large
        if group.moments:
            yield group
        match = rule("moments_with_unit").search(tokens, group.end)


def _join_parts(tokens: Tokens, groups: Iterator[MomentGroup]) -> list[MomentGroup]:
    """Return the groups, joining the two parts of one length: "6 weeks 3 days" is 45 days. A list
    of two times has a comma ("2 years, 9 months") or counts up ("4 days and 2 weeks").
    """
    joined: list[MomentGroup] = []
    for group in groups:
        total = joined and _add_part(tokens, joined[-1], group)
        if total:
            joined[-1] = total
        else:
            joined.append(group)
    return joined


def _add_part(
    tokens: Tokens, whole: MomentGroup, part: MomentGroup
) -> MomentGroup | None:
    """Return the single time that two adjacent groups state together, or None."""
    first = whole.moments[-1]
    second = part.moments[0]
    count = _PARTS.get((first.unit, second.unit), 0)
    is_adjacent = tokens.read(whole.end, part.first).lower() in ("", "and")
    if len(whole.moments) + len(part.moments) > 2 or not is_adjacent:
        return None
    if first.named or second.named or second.value >= count:
        return None
    total = replace(second, value=first.value * count + second.value)
    return MomentGroup((total,), whole.first, part.end)


def _read_named_group(tokens: Tokens, named: RuleMatch) -> MomentGroup:
    """Return the times that follow their unit: "weeks 4 and 8". If the last number has its own
    unit, it belongs to the next group: "week 4, 2 years". The group is empty if all numbers are
    too large to represent.
    """
    moments = list(_read_list(tokens, named, named=True))
    # "week 4, 2 years"
    while len(moments) > 1 and _has_own_unit(tokens, moments[-1]):
        moments.pop()
    end = moments[-1].end if moments else named.end
    return MomentGroup(tuple(moments), named.first, end)


def _has_own_unit(tokens: Tokens, moment: Moment) -> bool:
    """Return whether a unit follows a number: "2-year"."""
    end = moment.end
    if tokens.code_at(end) == "-":
        end += 1
    return rule("moment_unit").starts(tokens, end) is not None


def _read_list(tokens: Tokens, group: RuleMatch, *, named: bool) -> Iterator[Moment]:
    """Yield the times in a list of numbers with one unit. ``named`` means that the unit comes
    first. Numbers that are too large to represent, or that give a time longer than any trial, are
    skipped.
    """
    word = group.read("unit").lower()
    unit = TimeUnit.MINUTE
    # "m" alone is a month
    if not word.startswith("min"):
        unit = TimeUnit(_UNITS[word[0]])
    first, end = group.place("list")
    done = first
    for listed in rule("listed_number").find(tokens, first, end):
        after_range = rule("range_mark").covers(tokens, done, listed.first) is not None
        done = listed.end
        is_alone = (listed.first, listed.end) == (first, end)
        # "the 4th week" names a moment like "week 4"
        ordinal = rule("ordinal").covers(tokens, listed.first, listed.end)
        is_named = named or ordinal is not None
        for text, span in _cut_at_commas(listed, is_alone=is_alone):
            number = _read_listed_number(tokens, listed, text, unit)
            # too large: a calendar year, or the number of a drug or trial
            if number is None or number > _LONGEST_WAIT.get(unit, number):
                continue
            # "Day -14"
            if _is_negative(tokens, listed.first, opens_list=listed.first == first):
                number = -number
            place = (listed.first, listed.end, span)
            yield Moment(number, unit, *place, is_named, after_range)


def _cut_at_commas(listed: RuleMatch, *, is_alone: bool) -> Iterator[tuple[str, Range]]:
    """Yield the numbers in a list that looks like a number with thousands separators, as (text,
    span) pairs: "72,96,120 hours". ``is_alone`` means that the number is not part of a list.
    """
    text = listed.text.lower()
    # "1,000 days" alone is one number, "72,96,120 hours" are three
    if is_alone or "," not in text:
        yield text, listed.span
        return
    start, _ = listed.span
    for piece in re.finditer(r"\d+", text):
        yield piece[0], (start + piece.start(), start + piece.end())


def _read_listed_number(
    tokens: Tokens, listed: RuleMatch, text: str, unit: TimeUnit
) -> Numeric | None:
    """Return a number in digits or words ("2", "half an", "4th", "third"); None if it cannot be
    represented. Hours and minutes, as in "1:30", are hours. For days and cycles, "first" is treated
    as 0, because it means the start: "after the first cycle". In a list of days, it is 1: "on the
    first, third and fifth day".
    """
    may_be_start = text == "first" and unit in _STARTS
    if may_be_start and not rule("first_of_days").starts(tokens, listed.first):
        return 0
    if text in ORDINALS:
        return ORDINALS[text]
    # as in "1:30 h"
    hours, _, minutes = text.partition(":")
    if minutes:
        return round(int(hours) + int(minutes) / 60, 2)
    return read_number(_NUMBER_TAIL.sub("", text))


def _is_negative(tokens: Tokens, number: int, *, opens_list: bool) -> bool:
    """Return whether the hyphen before a number is a minus sign ("Day -14") rather than a range
    dash ("day 1-4"). ``number`` is the number's token; ``opens_list`` means that it is the first
    number in its list.
    """
    codes = tokens.codes
    # "1 - 4" has a space after the hyphen
    if number == 0 or codes[number - 1] != "-" or not tokens.joined(number):
        return False
    # "Day -14", "days 1, -1"
    if opens_list or not tokens.joined(number - 1):
        return True
    return codes[number - 2] in "(,;/"


def _select_points(
    tokens: Tokens, groups: Sequence[MomentGroup], *, has_cycles: bool
) -> list[Moment]:
    """From the groups, return the times that are time points, as often as they are named. Zero and
    negative numbers, "Day 1 of Cycle 1" and the starts of ranges are treated not as time points
    but as the origin from which time is counted.

    ``has_cycles`` means that the time frame mentions cycles, so day 1 is the treatment day of each
    cycle.
    """
    moments: list[Moment] = []
    for group in groups:
        moments += group.moments
    points: list[Moment] = []
    for index, moment in enumerate(moments):
        if moment.value <= 0:
            continue
        if moment.value == 1:
            is_of_cycle = _is_of_first_cycle(moments, index, has_cycles=has_cycles)
            if _is_start(tokens, moment, is_of_cycle=is_of_cycle):
                continue
        # "0-6, 6-12 hours": where this range meets the last point is one time
        if points and points[-1].after_range and points[-1].value == moment.value:
            continue
        points.append(moment)
    return points


def _is_of_first_cycle(
    moments: Sequence[Moment], index: int, *, has_cycles: bool
) -> bool:
    """Return whether a time names the first cycle, or its first day."""
    # "C1D1": the first cycle is part of the origin
    neighbours = moments[max(0, index - 1) : index + 2]
    if has_cycles and any(map(_is_named_day_1, neighbours)):
        return True
    if moments[index].unit is not TimeUnit.CYCLE:
        return False
    if index + 1 == len(moments):
        return False
    # "C1D8": day 8 is the time, and its cycle is the first
    following = moments[index + 1]
    return following.named and following.unit is TimeUnit.DAY


def _is_start(tokens: Tokens, moment: Moment, *, is_of_cycle: bool) -> bool:
    """Return whether ``moment``, whose value is 1, is not a time point but the origin, as in
    "Baseline (Day 1)", the start of a range, as in "day 1 through day 4", or day 1 of a cycle.
    """
    # "1 day" is a duration; only "day 1" can be a start
    if not moment.named:
        return False
    if rule("range_mark").starts(tokens, moment.end):
        return True
    if is_of_cycle:
        return moment.unit in _STARTS
    if moment.unit is not TimeUnit.DAY:
        return False
    days = rule("day_as_start").find(tokens)
    return any(day.first < moment.end <= day.end for day in days)


def _is_named_day_1(moment: Moment) -> bool:
    """Return whether a time is "day 1" rather than "1 day"."""
    is_day = moment.unit is TimeUnit.DAY and moment.named
    return is_day and moment.value == 1

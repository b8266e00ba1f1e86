"""Prove the ages, durations and time points in a model's answer: they are kept if the text
mentions them.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from extractor.concepts.limits.mentions import NumberMention, find_mentions
from extractor.concepts.limits.read import find_limits
from extractor.concepts.limits.written_numbers import (
    NumberRole,
    find_numbers,
    has_unit,
    may_be_years,
    stands_bare,
)
from extractor.concepts.outcomes.moments import Moment, TimeFrame, read_time_frame
from extractor.concepts.people.ages import is_age, is_other_age, list_age_bounds
from extractor.concepts.people.registered_ages import count_days
from extractor.concepts.places import Derived, locate
from extractor.evidence.drafts import Supported
from extractor.language.book import rule
from extractor.language.lexer import Tokens, cover
from extractor.language.numbers import (
    DAYS,
    MONTHS_OF_YEAR,
    find_durations,
    read_number,
    read_time_unit,
)
from extractor.language.passage import Passage
from extractor.schemas import (
    Age,
    Period,
    Support,
    TimePoint,
    TimeUnit,
    TimeWindow,
)
from extractor.schemas.vocabulary import LOWER, UPPER

_CALENDAR = {TimeUnit.MONTH: 1, TimeUnit.YEAR: MONTHS_OF_YEAR}
_SPANS = (TimeUnit.CYCLE, TimeUnit.HALF_LIFE)


def is_same_length(
    number: float, unit: TimeUnit, value: Age | Period | TimePoint | TimeWindow
) -> bool:
    """Return whether a duration is exactly as long as a value: half a year is 6 months. A duration
    in months never equals one in days or weeks.

    >>> day = Period(value=21, unit=TimeUnit.DAY)
    >>> is_same_length(3, TimeUnit.WEEK, day), is_same_length(1, TimeUnit.MONTH, day)
    (True, False)
    """
    if unit is value.unit:
        return number == value.value
    # a year has 12 months, but a month has no fixed number of days, and a cycle is of any length
    if unit in _CALENDAR and value.unit in _CALENDAR:
        return number * _CALENDAR[unit] == value.value * _CALENDAR[value.unit]
    others = {unit, value.unit}
    if others & {*_CALENDAR, *_SPANS}:
        return False
    return abs(number * DAYS[unit] - value.value * DAYS[value.unit]) < 1e-9


def find_length(tokens: Tokens, value: Period | Age) -> Derived | None:
    """Return the place of a duration in a line; None if the line does not contain it.

    A duration with the same number and unit is treated as certain; an equal duration in another
    unit is treated as inferred ("3-week" for 21 days). One part of a two-unit duration does not
    match on its own.
    """
    inferred = None
    for place, number, unit in _list_lengths(tokens):
        if not is_same_length(number, unit, value):
            continue
        if unit is value.unit:
            return place
        inferred = inferred or replace(place, support=Support.INFERRED)
    return inferred


class _Length(NamedTuple):
    """A duration with the tokens that state it."""

    place: Derived
    number: float
    unit: TimeUnit


def _list_lengths(tokens: Tokens) -> Iterator[_Length]:
    """Yield the durations in a line: durations with a number (a range yields both ends), phrases
    such as "each cycle", "Q3W" and "six 21-day cycles", and the times of a time frame.
    """
    # the tokens of sums such as "5 years and 10 months", whose parts are not durations themselves
    durations = find_durations(tokens)
    sums = cover(duration for duration in durations if duration.is_sum)
    for duration in durations:
        place = Derived(duration.first, duration.end)
        # both ends are the same unless the duration is a range
        yield _Length(place, duration.low, duration.unit)
        yield _Length(place, duration.high, duration.unit)
    for name in ("single_time", "every_code"):
        for match in rule(name).find(tokens):
            unit = read_time_unit(match.read("unit"))
            if unit:
                number = read_number(match.read("number") or "1") or 1
                yield _Length(Derived(match.first, match.end), number, unit)
    # "six 21-day cycles"
    for count in find_numbers(tokens):
        if rule("cycle_length_after").starts(tokens, count.end):
            place = Derived(count.first, count.end)
            yield _Length(place, count.value, TimeUnit.CYCLE)
    frame = read_time_frame(tokens)
    for moment, place in _list_moments(frame, tokens):
        if sums.isdisjoint(range(place.first, place.end)):
            yield _Length(place, moment.value, moment.unit)


def _list_moments(frame: TimeFrame, tokens: Tokens) -> Iterator[tuple[Moment, Derived]]:
    """Yield the times of a time frame, each with its place."""
    places = frame.locate(frame.moments)
    for moment, (start, end) in zip(frame.moments, places, strict=True):
        yield moment, Derived(tokens.at(start), tokens.before(end))


def find_point(tokens: Tokens, value: TimePoint) -> Derived | None:
    """Return the place of a time point in a time frame; None if the time frame does not state it.

    It is certain if a time point of the frame has the same number and unit. It is inferred if the
    unit differs ("24 h" for a day), if it matches a time that is not a time point, or if it matches
    a duration in a line without times ("a fortnight").
    """
    frame = read_time_frame(tokens)
    listed = [*_list_moments(frame, tokens)]
    # time points come before other times, and those in the unit of the value before others
    by_likeness = sorted(
        listed,
        key=lambda each: (each[0] not in frame.points, each[0].unit is not value.unit),
    )
    for moment, place in by_likeness:
        if not is_same_length(moment.value, moment.unit, value):
            continue
        if moment in frame.points and moment.unit is value.unit:
            return place
        return replace(place, support=Support.INFERRED)
    if frame.points:
        return None
    length = find_length(tokens, Period(value=value.value, unit=value.unit))
    # "the first treatment cycle (28 days)": a length beside a moment that states no time
    if length and frame.moments:
        return replace(length, support=Support.INFERRED)
    return length


def read_point(tokens: Tokens, value: TimePoint, place: Derived) -> TimePoint:
    """Convert a time point to the unit that the text uses at ``place``, if this yields a whole
    number: "24 h" for a day. Otherwise, return it unchanged.
    """
    frame = read_time_frame(tokens)
    for moment, at in _list_moments(frame, tokens):
        if (at.first, at.end) != (place.first, place.end):
            continue
        # "24 h" for a day, but not "1.5 months" for 45 days
        is_whole = moment.value == int(moment.value)
        if moment.unit is value.unit or not is_whole:
            continue
        if is_same_length(moment.value, moment.unit, value):
            return TimePoint(value=moment.value, unit=moment.unit)
    return value


def find_age(tokens: Tokens, value: Age) -> Derived | None:
    """Return the place of an age in a line; None if the line does not contain it. The age may be
    that of any person at any time. A number without a unit is assumed to be in years, and the
    result is marked as inferred: "women between 19 and 64". In a line about age, any duration of
    the same length matches.
    """
    in_years = value.unit is TimeUnit.YEAR
    for mention in find_mentions(tokens):
        number = mention.number
        if mention.role is NumberRole.PART or value.value not in mention.likeliest:
            continue
        if mention.is_age and _has_unit(tokens, mention, value):
            return Derived(*number)
        # only years are left out, as in "women between 19 and 64"
        if not in_years or not stands_bare(tokens, number):
            continue
        age_word = rule("before_bare_age").ends(tokens, number[0])
        if age_word or rule("after_bare_age").starts(tokens, number[1]):
            return Derived(*number, Support.INFERRED)
    # in a line about age, any duration may be one
    if rule("says_age").search(tokens):
        return find_length(tokens, value)
    return None


def _has_unit(tokens: Tokens, mention: NumberMention, value: Age) -> bool:
    """Return whether a number has the unit of an age. Years may lack a unit."""
    number = mention.number
    if has_unit(tokens, number, value.unit):
        return True
    # "6 to 12" without "months" are years
    return value.unit is TimeUnit.YEAR and may_be_years(tokens, number)


def find_stated_age(
    value: Age, passage: Passage, *, lower: bool, admits: bool
) -> Supported[Age] | None:
    """Return an age with its place in a criterion, if the criterion states it as the lowest
    (``lower``) or the highest age of the participants; None if it does not.

    ``admits`` means that the criterion is an inclusion criterion. If there are several ages, the
    loosest limit is used: the smallest minimum or the largest maximum. If there are no ages, a
    number that may be an age is used, and the result is marked as inferred.
    """
    tokens = passage.cut()
    stated = [
        (count_days(age), age, limit)
        for limit in find_limits(tokens, None)
        if is_age(tokens, limit) and not is_other_age(tokens, limit, admits=admits)
        for age, is_lower in list_age_bounds(tokens, limit, admits=admits)
        if is_lower is lower
    ]
    # the highest age that is excluded bounds the lowest that is admitted
    if not stated:
        return _find_unnamed_age(value, passage, lower=lower is admits)
    widest = max
    if lower:
        widest = min
    days, age, limit = widest(stated, key=lambda bound: bound[0])
    is_as_long = abs(days - count_days(value)) < 1
    # the same number of days can be written in months and in weeks, which are never equal
    if not is_as_long or not is_same_length(age.value, age.unit, value):
        return None
    place = locate(passage, limit.first, limit.end)
    return Supported(value, place, Support.INFERRED)


def _find_unnamed_age(
    value: Age, passage: Passage, *, lower: bool
) -> Supported[Age] | None:
    """Return an age with the place of the first number that states it and may be an age, although
    no word says so, with the support ``inferred``; None if there is no such number.

    If ``lower`` is true, the number must be the lower end of a range or have a comparator for a
    lower bound; otherwise, the upper end or a comparator for an upper bound.
    """
    tokens = passage.cut()
    for mention in find_mentions(tokens):
        is_on_side = _is_on_side(mention, value, lower=lower)
        if is_on_side and _may_be_age(tokens, mention, value):
            place = locate(passage, *mention.number)
            return Supported(value, place, Support.INFERRED)
    return None


def _is_on_side(mention: NumberMention, value: Age, *, lower: bool) -> bool:
    """Return whether a mention states the value as its lower (``lower``) or upper bound."""
    low, high = mention.likeliest
    end = high
    side = UPPER
    if lower:
        end = low
        side = LOWER
    if high is not None:
        return value.value == end
    # a single number may be either bound, which its comparator decides
    return value.value == low and not set(mention.comparators).isdisjoint(side)


def _may_be_age(tokens: Tokens, mention: NumberMention, value: Age) -> bool:
    """Return whether a number can be the age of the participants. The number must be at the start
    of the line or in a line that mentions people, must have the age's unit (which may be omitted
    if the unit is years), must not have the name of another quantity, and must not refer to other
    people.
    """
    if mention.role is not NumberRole.STATED:
        return False
    in_years = value.unit is TimeUnit.YEAR
    is_bare = in_years and stands_bare(tokens, mention.number)
    if not is_bare and not _has_unit(tokens, mention, value):
        return False
    # "18 to 65 years" as the whole item
    opens_line = mention.first == 0 and in_years
    if not opens_line and not rule("may_name_people").search(tokens):
        return False
    if mention.subject and not rule("may_name_age").search(tokens, *mention.subject):
        return False
    limits = find_limits(tokens, None)
    own = [limit for limit in limits if limit.first == mention.first]
    return not any(is_other_age(tokens, limit) for limit in own)

"""Prove a model's age, length of time or time point: it stands if a mention of the text has it."""

from collections.abc import Iterator, Sequence

from extractor.concepts.limits.mentions import Measured, Mention, find_mentions
from extractor.concepts.limits.number_units import stands_bare
from extractor.concepts.limits.read import find_limits
from extractor.concepts.limits.roles import NumberRole
from extractor.concepts.outcomes.moments import Moment, TimeFrame, read_time_frame
from extractor.concepts.people.ages import (
    is_age,
    is_lifetime,
    is_of_people,
    is_other_age,
    list_age_bounds,
)
from extractor.concepts.people.registered_ages import count_days
from extractor.concepts.places import Derived, Supported, cut, locate
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import DAYS, MONTHS_OF_YEAR, find_durations, read_time_unit
from extractor.language.passage import Passage
from extractor.schemas import (
    Age,
    Comparator,
    Period,
    Support,
    TimePoint,
    TimeUnit,
    TimeWindow,
)

_CALENDAR = {TimeUnit.MONTH: 1, TimeUnit.YEAR: MONTHS_OF_YEAR}
_PEOPLE_REACH = 12
_SPANS = (TimeUnit.CYCLE, TimeUnit.HALF_LIFE)


def is_same_length(
    number: float, unit: TimeUnit, value: Age | Period | TimePoint | TimeWindow
) -> bool:
    """Return whether a length of time is exactly as long as a value: half a year is 6 months. A
    month and a number of days or weeks are never the same.

    >>> day = Period(value=21, unit=TimeUnit.DAY)
    >>> is_same_length(3, TimeUnit.WEEK, day), is_same_length(1, TimeUnit.MONTH, day)
    (True, False)
    """
    if unit is value.unit:
        return number == value.value
    if unit in _CALENDAR and value.unit in _CALENDAR:
        return number * _CALENDAR[unit] == value.value * _CALENDAR[value.unit]
    others = {unit, value.unit}
    if others & {*_CALENDAR, *_SPANS}:
        return False
    return abs(number * DAYS[unit] - value.value * DAYS[value.unit]) < 1e-9


def _weigh(number: float, unit: TimeUnit, value: Age | Period) -> Support | None:
    """Return how a length supports a value: in its own unit, or in another one; None if not."""
    if not is_same_length(number, unit, value):
        return None
    return Support.PARSED if unit is value.unit else Support.INFERRED


def _pick(found: Sequence[Derived]) -> Derived | None:
    """Return the first sure place, else the first one."""
    sure = [place for place in found if place.support is Support.PARSED]
    return next(iter([*sure, *found]), None)


def find_length(tokens: Tokens, value: Period | Age) -> Derived | None:
    """Return the place of a length of time in a line; None if the line does not have it.

    A length in the same number and unit is sure, one that is as long in another unit is inferred
    ("3-week" for 21 days). So is a moment of a time frame that is as far away. A part of a length
    in two units is none.
    """
    found: list[Derived] = []
    sums: set[int] = set()
    for duration in find_durations(tokens):
        if duration.is_sum:
            sums.update(range(duration.first, duration.end))
        for number in dict.fromkeys((duration.low, duration.high)):
            support = _weigh(number, duration.unit, value)
            if support:
                found.append(Derived(duration.first, duration.end, support))
    for last in rule("last_unit").find(tokens):
        unit = read_time_unit(last.read("unit") or "")
        support = _weigh(1, unit, value) if unit else None
        if support:
            found.append(Derived(last.first, last.end, support))
    frame = read_time_frame(tokens)
    for moment in _list_moments(frame):
        place = _locate_moment(frame, moment, tokens)
        support = _weigh(moment.value, moment.unit, value)
        if support and sums.isdisjoint(range(place.first, place.end)):
            found.append(Derived(place.first, place.end, support))
    return _pick(found)


def _list_moments(frame: TimeFrame) -> list[Moment]:
    return [moment for group in frame.groups for moment in group.moments]


def _locate_moment(frame: TimeFrame, moment: Moment, tokens: Tokens) -> Derived:
    start, end = frame.locate(moment)
    return Derived(tokens.at(start), tokens.before(end))


def find_point(tokens: Tokens, value: TimePoint) -> Derived | None:
    """Return the place of a time point in a time frame, as a moment or a limit of it; None if the
    frame does not have it.

    It is sure if it is a point of the frame in the same number and unit. It is inferred in another
    unit ("24 h" for a day), as a moment of a group, and as a length of time in a line without
    points ("a fortnight").
    """
    frame = read_time_frame(tokens)
    for moment in (*frame.points, *_list_moments(frame)):
        if not is_same_length(moment.value, moment.unit, value):
            continue
        place = _locate_moment(frame, moment, tokens)
        is_sure = moment in frame.points and moment.unit is value.unit
        support = Support.PARSED if is_sure else Support.INFERRED
        return Derived(place.first, place.end, support)
    if _list_moments(frame):
        return None
    return find_length(tokens, Period(value=value.value, unit=value.unit))


def read_point(tokens: Tokens, value: TimePoint, place: Derived) -> TimePoint:
    """Return a time point in the unit in which the text has it at ``place``, if the number is whole
    there: "24 h" for a day. Otherwise it stays as it is.
    """
    frame = read_time_frame(tokens)
    for moment in _list_moments(frame):
        at = _locate_moment(frame, moment, tokens)
        if (at.first, at.end) != (place.first, place.end) or moment.unit is value.unit:
            continue
        if moment.value == int(moment.value) and is_same_length(
            moment.value, moment.unit, value
        ):
            return TimePoint(value=moment.value, unit=moment.unit)
    return value


def find_age(tokens: Tokens, value: Age) -> Derived | None:
    """Return the place of an age in a line, of anybody and at any time; None if the line does not
    have it. A number without a unit is in years, and inferred: "women between 19 and 64". In a line
    on age, another length of time that is as long counts too.
    """
    return _pick(list(_list_ages(tokens, value)))


def _list_ages(tokens: Tokens, value: Age) -> Iterator[Derived]:
    named = rule("names_age").search(tokens) is not None
    for limit in find_limits(tokens, None):
        of_age = is_age(tokens, limit)
        if not of_age and not is_of_people(tokens, limit):
            continue
        unit = TimeUnit(limit.time_unit) if limit.time_unit else TimeUnit.YEAR
        is_sure = bool(limit.time_unit) or (of_age and named)
        for number in (limit.value, limit.value_high):
            if number is None or not is_same_length(number, unit, value):
                continue
            has_unit = is_sure and unit is value.unit
            support = Support.PARSED if has_unit else Support.INFERRED
            yield Derived(limit.first, limit.end, support)
    mentions = find_mentions(tokens)
    if not named and not any(one.kind is Measured.AGE for one in mentions):
        return
    for mention in mentions:
        if _may_be_age(tokens, mention, value):
            yield Derived(mention.first, mention.end, Support.INFERRED)
    for duration in find_durations(tokens):
        for number in (duration.low, duration.high):
            if not duration.is_sum and is_same_length(number, duration.unit, value):
                yield Derived(duration.first, duration.end)


def _may_be_age(tokens: Tokens, mention: Mention, value: Age) -> bool:
    """Return whether a number without a unit may be an age in years."""
    if value.unit is not TimeUnit.YEAR or mention.unit:
        return False
    if mention.kind is not Measured.LIMIT or mention.role is not NumberRole.STATED:
        return False
    if mention.subject and not rule("names_age").search(tokens, *mention.subject):
        return False
    numbers = {number for bounds in mention.bounds for number in bounds}
    return value.value in numbers and stands_bare(tokens, mention.number)


def find_stated_age(
    value: Age, passage: Passage, *, lower: bool, admits: bool
) -> Supported | None:
    """Return an age with its place in a criterion, if the criterion states it as the lowest
    (``lower``) or the highest age of the participants; None if it does not.

    ``admits``: the criterion is an inclusion. Of several such ages, the widest counts: the lowest
    of the lower ones, the highest of the higher ones. If there are none, a number that may be an
    age counts, inferred.
    """
    tokens = cut(passage)
    stated: list[tuple[float, Derived, bool]] = []
    for limit in find_limits(tokens, None if admits else None):
        if not (is_age(tokens, limit) or is_of_people(tokens, limit)):
            continue
        if is_other_age(tokens, limit, admits=admits):
            continue
        for age, is_lower in list_age_bounds(tokens, limit, admits=admits):
            if is_lower is lower:
                place = Derived(limit.first, limit.end)
                stated.append((count_days(age), place, age.unit is value.unit))
    if not stated:
        return _find_unread_age(value, passage, lower=lower)
    widest = min if lower else max
    days, place, in_unit = widest(stated, key=lambda one: one[0])
    if days != count_days(value):
        return None
    support = Support.PARSED if in_unit else Support.INFERRED
    return Supported(value, locate(passage, place.first, place.end), support)


def _find_unread_age(
    value: Age, passage: Passage, *, lower: bool
) -> Supported | None:
    """Return a number that may be an age of the participants, inferred; None if there is none."""
    tokens = cut(passage)
    for mention in find_mentions(tokens):
        if value.unit is not TimeUnit.YEAR or mention.unit:
            continue
        if mention.kind is not Measured.LIMIT or mention.subject:
            continue
        low, high = mention.bounds[0]
        stated = low if lower or high is None else high
        if stated != value.value or not _opens_line(tokens, mention):
            continue
        place = locate(passage, mention.first, mention.end)
        return Supported(value, place, Support.INFERRED)
    return None


def _opens_line(tokens: Tokens, mention: Mention) -> bool:
    """Return whether nothing but people stands around a number."""
    return rule("persons_only").covers(tokens, 0, mention.first) is not None or (
        mention.first == 0
    )

"""Prove times: ages, time points and lengths that a line says."""

from collections.abc import Iterator
from dataclasses import replace

from extractor.concepts.limits.bounds import LOWER, UPPER
from extractor.concepts.limits.mentions import (
    Measured,
    Mention,
    find_mentions,
)
from extractor.concepts.limits.number_units import borrows_unit, has_unit, stands_bare
from extractor.concepts.limits.read import find_limits
from extractor.concepts.limits.roles import NumberRole
from extractor.concepts.limits.rows import find_numbers
from extractor.concepts.outcomes.moments import read_time_frame
from extractor.concepts.people.ages import (
    is_age,
    is_lifetime,
    is_other_age,
    list_age_bounds,
)
from extractor.concepts.people.registered_ages import count_days
from extractor.concepts.places import Derived, Supported, cut, locate
from extractor.concepts.windows.read import list_windows
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.numbers import find_durations, read_number, read_time_unit
from extractor.language.passage import Passage
from extractor.measures import Limit
from extractor.schemas import (
    Age,
    CriterionKind,
    Period,
    Support,
    TimePoint,
    TimeUnit,
    TimeWindow,
)

_AGE_WORD_REACH = 20
"""How far before a number without a unit the word "age" may stand, in tokens."""
_EXACT = (
    (TimeUnit.MINUTE, 60, TimeUnit.HOUR),
    (TimeUnit.HOUR, 24, TimeUnit.DAY),
    (TimeUnit.DAY, 7, TimeUnit.WEEK),
    (TimeUnit.MONTH, 12, TimeUnit.YEAR),
)
"""Units that are a whole number of others."""


def find_age(tokens: Tokens, value: Age) -> Derived | None:
    """Return the place of an age in a line, of anybody and at any time; None if the line does not
    have it. A number without a unit is in years, and inferred: "women between 19 and 64". In a line
    on age, another length of time that is as long counts too.
    """
    for mention in find_mentions(tokens):
        number = mention.number
        if mention.role is NumberRole.PART or value.value not in mention.bounds[0]:
            continue
        if mention.kind is Measured.AGE and _has_unit(tokens, number, value):
            return Derived(*number)
        in_years = value.unit is TimeUnit.YEAR and stands_bare(tokens, number)
        if not in_years:
            continue
        first, end = number
        reach = first - _AGE_WORD_REACH
        named_before = rule("before_bare_age").ends(tokens, first, reach)
        if named_before or rule("after_bare_age").starts(tokens, end):
            return Derived(first, end, Support.INFERRED)
    is_about_age = rule("said_age").search(tokens) or rule("old").search(tokens)
    return find_length(tokens, value) if is_about_age else None


def _has_unit(tokens: Tokens, number: Range, value: Age) -> bool:
    """Return whether a number has the unit of an age, or shares that of the next number; without
    any, years.
    """
    if has_unit(tokens, number, value.unit):
        return True
    return borrows_unit(tokens, number, value.unit, ["age"])


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
    bounds = _list_stated_ages(tokens, lower=lower, admits=admits)
    if not bounds:
        place = _find_open_age(tokens, value, lower=lower is admits)
        if place is None:
            return None
        return Supported(value, locate(passage, *place), Support.INFERRED)
    days = [count_days(age) for age, _ in bounds]
    widest = min(days) if lower else max(days)
    for age, limit in bounds:
        is_widest = abs(count_days(age) - widest) < 1
        if not is_widest or not is_same_length(age.value, age.unit, value):
            continue
        has_unit_and_comparator = limit.sure and limit.time_unit is not None
        is_sure = has_unit_and_comparator and age == value
        support = Support.PARSED if is_sure else Support.INFERRED
        return Supported(value, locate(passage, limit.first, limit.end), support)
    return None


def _list_stated_ages(
    tokens: Tokens, *, lower: bool, admits: bool
) -> list[tuple[Age, Limit]]:
    """Return the ages that bound the participants from below (``lower``) or from above, each with
    the limit that states it. ``admits``: the criterion is an inclusion. Lifetimes and ages of
    others are left out.
    """
    kind = CriterionKind.INCLUSION if admits else CriterionKind.EXCLUSION
    ages = list[tuple[Age, Limit]]()
    for limit in find_limits(tokens, kind):
        if not is_age(tokens, limit) or is_lifetime(tokens, limit):
            continue
        if is_other_age(tokens, limit, admits=admits):
            continue
        for age, is_lowest in list_age_bounds(tokens, limit, admits=admits):
            if is_lowest is lower:
                ages.append((age, limit))
    return ages


def _find_open_age(tokens: Tokens, value: Age, *, lower: bool) -> Range | None:
    """Return the tokens of the first number with the value of an age that may be an age although
    its words do not say so: "babies of 2 to 23 months", "women, 55+". None if there is none.

    It must be a bound on the side of ``lower``, stand in no time window, and be in a line on
    people, or in years at the start of the line ("18+, any gender").
    """
    names_people = any(
        rule(name).search(tokens)
        for name in ("persons_named", "said_age", "turned_before", "aged_after")
    )
    in_windows = set[int]()
    for window in list_windows(tokens, None, wide=True):
        in_windows.update(range(window.first, window.end))
    for mention in find_mentions(tokens):
        # "18+, any gender", "over 75"
        opens_line = mention.first == 0 and value.unit is TimeUnit.YEAR
        if not (names_people or opens_line):
            continue
        if not _bounds_side(mention, value, lower=lower):
            continue
        if mention.number[0] in in_windows:
            continue
        if _may_be_age(tokens, mention, value):
            return mention.number
    return None


def _bounds_side(mention: Mention, value: Age, *, lower: bool) -> bool:
    """Return whether a mention has the value of an age as its lower (``lower``) or upper bound: as
    that end of a range, or as a single number with a comparator of that side.
    """
    low, high = mention.bounds[0]
    if value.value not in (low, high):
        return False
    if high is None:
        side = LOWER if lower else UPPER
        return not set(mention.comparators).isdisjoint(side)
    return value.value == (low if lower else high)


def _may_be_age(tokens: Tokens, mention: Mention, value: Age) -> bool:
    """Return whether a number can be the age of the participants: it has the unit, or none for
    years, and no words give it to a thing, a lifetime, other people or another moment.
    """
    if mention.role is not NumberRole.STATED or mention.kind is Measured.LIFETIME:
        return False
    bare = value.unit is TimeUnit.YEAR and stands_bare(tokens, mention.number)
    if not (bare or _has_unit(tokens, mention.number, value)):
        return False
    if not _names_people(tokens, mention.subject):
        return False
    first = max(0, mention.first - _AGE_WORD_REACH)
    if rule("old_thing").ends(tokens, mention.first, first):
        return False
    if rule("lifetime_before").ends(tokens, mention.first, first):
        return False
    limit = Limit(
        mention.comparators[0],
        mention.bounds[0][0],
        mention.bounds[0][1],
        mention.first,
        mention.end,
        time_unit=value.unit.value,
    )
    # "babies of 2 to 23 months" are no relatives
    are_babies = tokens.words[0].lower() in ("baby", "babies")
    return are_babies or not is_other_age(tokens, limit)


def _names_people(tokens: Tokens, subject: Range | None) -> bool:
    """Return whether the name of what is limited, at the tokens ``subject``, is that of an age or
    of people. Without a name the answer is yes, and with a number in it, as it then is another
    length of time: "6 weeks and 0 days" ("up to 14 weeks").
    """
    if subject is None or NUMBER in tokens.codes[slice(*subject)]:
        return True
    if rule("said_age").search(tokens, *subject):
        return True
    return rule("persons_named").ends(tokens, subject[1], subject[0]) is not None


def find_point(tokens: Tokens, value: TimePoint) -> Derived | None:
    """Return the place of a time point in a time frame, as a moment or a limit of it; None if the
    frame does not have it.

    It is sure if it is a point of the frame in the same number and unit. It is inferred in another
    unit ("24 h" for a day), as a moment of a group, and as a length of time in a line without
    points ("a fortnight").
    """
    frame = read_time_frame(tokens)
    if not frame.points:
        intervals = set[int]()
        for interval in rule("no_moment").find(tokens):
            intervals.update(range(interval.first, interval.end))
        for length in find_durations(tokens):
            if length.first in intervals:
                continue
            if is_same_length(length.low, length.unit, value):
                return Derived(length.first, length.end, Support.INFERRED)
    moments = [(point, Support.PARSED) for point in frame.points]
    for group in frame.groups:
        moments.extend((moment, Support.INFERRED) for moment in group.moments)
    for moment, support in moments:
        # "half a year" is 6 months, "24 h" a day
        if not is_same_length(moment.value, moment.unit, value):
            continue
        start, end = frame.locate(moment)
        as_written = (moment.value, moment.unit) == (value.value, value.unit)
        own_support = support if as_written else Support.INFERRED
        return Derived(tokens.at(start), tokens.before(end), own_support)
    return None


def read_point(tokens: Tokens, value: TimePoint, place: Derived) -> TimePoint:
    """Return a time point in the unit in which the text has it at ``place``, if the number is whole
    there: "24 h" for a day. Otherwise it stays as it is.
    """
    frame = read_time_frame(tokens)
    moments = [*frame.points]
    for group in frame.groups:
        moments.extend(group.moments)
    for moment in moments:
        start, end = frame.locate(moment)
        if (tokens.at(start), tokens.before(end)) != (place.first, place.end):
            continue
        # half a day stays half a day
        is_whole = moment.value % 1 == 0
        if not is_whole:
            continue
        if is_same_length(moment.value, moment.unit, value):
            return TimePoint(value=moment.value, unit=moment.unit)
    return value


def find_length(tokens: Tokens, value: Period | Age) -> Derived | None:
    """Return the place of a length of time in a line; None if the line does not have it.

    A length in the same number and unit is sure. One that is exactly as long in another unit is
    inferred ("Q3W" or "3-week" for 21 days). Else a moment of a time frame that is as far away
    counts, unless it is a part of a length in two units.
    """
    durations = list(find_durations(tokens))
    lengths = list[tuple[Derived, float, TimeUnit]]()
    for duration in durations:
        first = duration.first
        counts_moment = rule("counts_a_moment").ends(tokens, first, first - 1)
        # not the "4 Day" of "Cycle 4 Day 9"
        if counts_moment and rule("next_moment").starts(tokens, duration.end - 1):
            continue
        place = Derived(first, duration.end)
        for bound in dict.fromkeys((duration.low, duration.high)):
            lengths.append((place, bound, duration.unit))
    lengths.extend(_list_lengths_in_words(tokens))
    for place, number, unit in lengths:
        if (number, unit) == (value.value, value.unit):
            return place
    for place, number, unit in lengths:
        if is_same_length(number, unit, value):
            return replace(place, support=Support.INFERRED)
    point = find_point(tokens, TimePoint(value=value.value, unit=value.unit))
    if point is None:
        return None
    for duration in durations:
        if duration.is_sum and duration.first <= point.first < duration.end:
            return None
    return point


def _list_lengths_in_words(
    tokens: Tokens,
) -> Iterator[tuple[Derived, float, TimeUnit]]:
    """Yield the lengths of time whose number does not stand beside their unit, each with its place,
    its number and its unit: "Q3W", "each cycle", "1h45", "six 21-day cycles".
    """
    for code in rule("every_code").find(tokens):
        unit = read_time_unit(code.read("unit") or "")
        if unit:
            count = read_number(code.read("number") or "") or 0
            yield Derived(code.first, code.end), count, unit
    for single in rule("single_time").find(tokens):
        unit = read_time_unit(single.read("unit") or "")
        if unit:
            yield Derived(single.first, single.end), 1, unit
    for clock in rule("hours_and_minutes").find(tokens):
        hours = read_number(clock.read("hours") or "") or 0
        minutes = read_number(clock.read("minutes") or "") or 0
        in_hours = round(hours + minutes / 60, 2)
        yield Derived(clock.first, clock.end), in_hours, TimeUnit.HOUR
    for number in find_numbers(tokens):
        if rule("cycle_length_after").starts(tokens, number.end):
            yield Derived(number.first, number.end), number.value, TimeUnit.CYCLE


def is_same_length(
    number: float, unit: TimeUnit, value: Age | Period | TimePoint | TimeWindow
) -> bool:
    """Return whether a length of time is exactly as long as a value: half a year is 6 months. A
    month and a number of days or weeks are never the same.
    """
    for small, count, large in _EXACT:
        if (unit, value.unit) == (large, small):
            return number * count == value.value
        if (unit, value.unit) == (small, large):
            return number == value.value * count
    return unit is value.unit and number == value.value

"""Prove times: ages, time points and lengths that a line says."""

from collections.abc import Iterator
from dataclasses import replace

from extractor.concepts.limits.bounds import LOWER, UPPER, Limit
from extractor.concepts.limits.mentions import (
    Measured,
    Mention,
    NumberRole,
    find_mentions,
)
from extractor.concepts.limits.number_units import borrows_unit, has_unit, stands_bare
from extractor.concepts.limits.read import find_limits
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
    """Return an age of anybody, at any time. Without a unit it is in years: "women between 19
    and 64".
    """
    for mention in find_mentions(tokens):
        if mention.role is NumberRole.PART or value.value not in mention.bounds[0]:
            continue
        first, end = mention.number
        if mention.kind is Measured.AGE and _has_unit(tokens, mention.number, value):
            return Derived(first, end)
        in_years = value.unit is TimeUnit.YEAR and stands_bare(tokens, mention.number)
        if not in_years:
            continue
        named_before = rule("before_bare_age").ends(
            tokens, first, first - _AGE_WORD_REACH
        )
        if named_before or rule("after_bare_age").starts(tokens, end):
            return Derived(first, end, Support.INFERRED)
    is_about_age = rule("said_age").search(tokens) or rule("old").search(tokens)
    return find_length(tokens, value) if is_about_age else None


def _has_unit(tokens: Tokens, number: Range, value: Age) -> bool:
    return has_unit(tokens, number, value.unit) or borrows_unit(
        tokens, number, value.unit, ["age"]
    )


def find_stated_age(
    value: Age, passage: Passage, *, lower: bool, admits: bool
) -> Supported | None:
    """Return the lowest or the highest age that a criterion states, which admits or excludes: the
    widest one of several. If it states none, a number that may be an age counts, inferred.
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
        is_sure = bool(limit.sure and limit.time_unit)
        as_written = age == value
        support = Support.PARSED if is_sure and as_written else Support.INFERRED
        return Supported(value, locate(passage, limit.first, limit.end), support)
    return None


def _list_stated_ages(
    tokens: Tokens, *, lower: bool, admits: bool
) -> list[tuple[Age, Limit]]:
    """Return the lowest or highest ages of the participants, each with the limit that states it."""
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
    """Return a number that may be an age although its words do not say so: "babies of 2 to 23
    months", "women, 55+".
    """
    of_people = any(
        rule(name).search(tokens)
        for name in ("persons_named", "said_age", "turned_before", "aged_after")
    )
    in_windows = set[int]()
    for window in list_windows(tokens, None, wide=True):
        in_windows.update(range(window.first, window.end))
    for mention in find_mentions(tokens):
        # "18+, any gender", "over 75"
        opens = mention.first == 0 and value.unit is TimeUnit.YEAR
        if not (of_people or opens):
            continue
        if not _bounds_side(mention, value, lower=lower):
            continue
        if mention.number[0] in in_windows:
            continue
        if _may_be_age(tokens, mention, value):
            return mention.number
    return None


def _bounds_side(mention: Mention, value: Age, *, lower: bool) -> bool:
    """Return whether a mention says a number as its lower or upper bound."""
    low, high = mention.bounds[0]
    if value.value not in (low, high):
        return False
    side = LOWER if lower else UPPER
    if high is None:
        return not set(mention.comparators).isdisjoint(side)
    return value.value == (low if lower else high)


def _may_be_age(tokens: Tokens, mention: Mention, value: Age) -> bool:
    """Return whether a number can be the age of the participants: it has the unit, and no words
    that give it to a thing, to others or to another moment.
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
    """Return whether what is limited is an age, people, or another length of time: "6 weeks and 0
    days" ("up to 14 weeks").
    """
    if subject is None or NUMBER in tokens.codes[slice(*subject)]:
        return True
    if rule("said_age").search(tokens, *subject):
        return True
    return rule("persons_named").ends(tokens, subject[1], subject[0]) is not None


def find_point(tokens: Tokens, value: TimePoint) -> Derived | None:
    """Return a moment or limit of a time frame. The first day or cycle is inferred, since it may
    be only the origin.
    """
    frame = read_time_frame(tokens)
    if not frame.points:
        intervals = set[int]()
        for interval in rule("no_moment").find(tokens):
            intervals.update(range(interval.first, interval.end))
        for length in find_durations(tokens):
            if length.first in intervals:
                continue
            # "a fortnight"
            if is_same_length(length.low, length.unit, value):
                return Derived(length.first, length.end, Support.INFERRED)
    moments = [(point, Support.PARSED) for point in frame.points]
    for group in frame.groups:
        moments.extend((moment, Support.INFERRED) for moment in group.moments)
    for moment, support in moments:
        # "half a year" is 6 months, "24 h" a day
        if not is_same_length(moment.value, moment.unit, value):
            continue
        first, end = frame.locate(moment)
        as_written = (moment.value, moment.unit) == (value.value, value.unit)
        return Derived(
            tokens.at(first),
            tokens.before(end),
            support if as_written else Support.INFERRED,
        )
    return None


def read_point(tokens: Tokens, value: TimePoint, place: Derived) -> TimePoint:
    """Return a time point as the text writes it: the whole number of its own unit, "24 h" for a
    day.
    """
    frame = read_time_frame(tokens)
    moments = [*frame.points]
    for group in frame.groups:
        moments.extend(group.moments)
    for moment in moments:
        first, end = frame.locate(moment)
        is_here = (tokens.at(first), tokens.before(end)) == (place.first, place.end)
        is_whole = not moment.value % 1
        if not (is_here and is_whole):
            continue
        if is_same_length(moment.value, moment.unit, value):
            return TimePoint(value=moment.value, unit=moment.unit)
    return value


def find_length(tokens: Tokens, value: Period | Age) -> Derived | None:
    """Return a length of time, in its unit or in another one of exactly the same length ("Q3W",
    "3-week" for 21 days); else a moment of a time frame that is as far away.
    """
    durations = [*find_durations(tokens)]
    lengths = list[tuple[Derived, float, TimeUnit]]()
    for duration in durations:
        counts_moment = rule("counts_a_moment").ends(
            tokens, duration.first, duration.first - 1
        )
        # not the "4 Day" of "Cycle 4 Day 9"
        if counts_moment and rule("next_moment").starts(tokens, duration.end - 1):
            continue
        place = Derived(duration.first, duration.end)
        for bound in dict.fromkeys((duration.low, duration.high)):
            lengths.append((place, bound, duration.unit))
    lengths.extend(_list_named(tokens))
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


def _list_named(tokens: Tokens) -> Iterator[tuple[Derived, float, TimeUnit]]:
    """Lengths without their number beside their unit: "Q3W", "each cycle", "six 21-day cycles",
    "1h45".
    """
    for found in rule("every_code").find(tokens):
        unit = read_time_unit(found.read("unit") or "")
        if unit:
            yield (
                Derived(found.first, found.end),
                read_number(found.read("number") or "") or 0,
                unit,
            )
    for found in rule("single_time").find(tokens):
        unit = read_time_unit(found.read("unit") or "")
        if unit:
            yield Derived(found.first, found.end), 1, unit
    for found in rule("hours_and_minutes").find(tokens):
        hours, minutes = (
            read_number(found.read(name) or "") or 0 for name in ("hours", "minutes")
        )
        yield (
            Derived(found.first, found.end),
            round(hours + minutes / 60, 2),
            TimeUnit.HOUR,
        )
    for number in find_numbers(tokens):
        if rule("cycle_length_after").starts(tokens, number.end):
            yield Derived(number.first, number.end), number.value, TimeUnit.CYCLE


def is_same_length(
    number: float, unit: TimeUnit, value: Age | Period | TimePoint | TimeWindow
) -> bool:
    """Return whether a length of time is exactly as long as a value: half a year is 6 months."""
    for small, count, large in _EXACT:
        if (unit, value.unit) == (large, small):
            return number * count == value.value
        if (unit, value.unit) == (small, large):
            return number == value.value * count
    return unit is value.unit and number == value.value

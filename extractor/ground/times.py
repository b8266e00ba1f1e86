"""Find times in tokens: lengths, time points and ages, beside their units, in lists and in codes."""

from functools import lru_cache

from extractor.schemas import Age, Period, Support, TimePoint, TimeUnit
from extractor.text.book import rule
from extractor.text.lexer import NAME_NUMBER, NUMBER, Range, Tokens
from extractor.text.numbers import Duration, find_durations, read_number, read_time_unit

from .number_units import has_unit, stands_bare
from .places import Derived
from .values import ORDINALS, find_together


def derive_time(tokens: Tokens, value: Period | TimePoint | Age) -> Derived | None:
    """The tokens that state a time, in its unit or in one of exactly the same length. An age may lack its unit."""
    find = find_time if isinstance(value, TimePoint) else _find_length
    if place := find(tokens, value.value, value.unit):
        return Derived(*place)
    same = None if isinstance(value, TimePoint) else _find_same_length(tokens, value)
    if same or not isinstance(value, Age):
        return same
    # "Age 18-65": years are implied; "<18 or >70 years": the unit is shared.
    places = (
        place
        for place in find_together(tokens, (value.value,))
        if not is_part(tokens, place) and (has_unit(tokens, place, value.unit) or _is_bare_age(tokens, place, value))
    )
    return next((Derived(*place, Support.INFERRED) for place in places), None)


def _is_bare_age(tokens: Tokens, place: Range, value: Age) -> bool:
    if value.unit is not TimeUnit.YEAR or not stands_bare(tokens, place):
        return False
    named = rule("before_bare_age").ends(tokens, place[0], place[0] - _NAMED_REACH)
    return (named or rule("after_bare_age").starts(tokens, place[1])) is not None


_NAMED_REACH = 20
"""How far before a number without a unit the word "age" may stand, in tokens."""


def _find_length(tokens: Tokens, value: float, unit: TimeUnit) -> Range | None:
    place = find_time(tokens, value, unit)
    return None if place and is_part(tokens, place) else place


def is_part(tokens: Tokens, place: Range) -> bool:
    """Whether a number is a part of a length of time in two units: the 10 of "5 years and 10 months"."""
    sums = ((one.first, one.end) for one in _list_durations(tokens) if one.is_sum)
    return any(
        first <= place[0] and place[1] <= end and place != (first, max(place[1], end - 1)) for first, end in sums
    )


def _find_same_length(tokens: Tokens, value: Period | Age) -> Derived | None:
    """A length of time in another unit of exactly the same length ("3-week" for 21 days), or in a code ("Q3W")."""
    same = {(value.value, value.unit)}
    for small, count, large in _EXACT:
        if value.unit is small and value.value * 2 % count == 0:  # "half a year"
            same.add((value.value / count, large))
        if value.unit is large:
            same.add((value.value * count, small))
    codes = rule("every_code").find(tokens)
    stated = [
        (found, read_number(found.read("number") or ""), read_time_unit(found.read("unit") or "")) for found in codes
    ]
    if code := next((found for found, number, unit in stated if (number, unit) in same), None):
        return Derived(code.first, code.end)
    places = (_find_length(tokens, number, unit) for number, unit in same)
    return next((Derived(*place, Support.INFERRED) for place in places if place), None)


_EXACT = (
    (TimeUnit.HOUR, 24, TimeUnit.DAY),
    (TimeUnit.DAY, 7, TimeUnit.WEEK),
    (TimeUnit.MONTH, 12, TimeUnit.YEAR),
)
"""Units that are a whole number of others."""


def find_time(tokens: Tokens, value: float, unit: TimeUnit) -> Range | None:
    """The place of a number beside its unit of time, or None.

    >>> from extractor.text.book import read_text
    >>> texts = ("day 30", "30 days", "days 30, 45", "C1D30", "30 weeks")
    >>> [find_time(read_text(text), 30, TimeUnit.DAY) is not None for text in texts]
    [True, True, True, True, False]
    """
    for duration in _list_durations(tokens):
        counted = rule("counts_a_moment").ends(tokens, duration.first, duration.first - 1)
        is_moment = counted and rule("next_moment").starts(tokens, duration.end - 1)
        if duration.unit is unit and value in (duration.low, duration.high) and not is_moment:
            return duration.first, duration.end
    if value == 1:
        single = (
            found for found in rule("single_time").find(tokens) if read_time_unit(found.read("unit") or "") is unit
        )
        if found := next(single, None):
            return found.first, found.end
    # "third", "3rd", or a part of "72,96,120 hours", which also reads as one number.
    counts = (
        (at, at + 1)
        for at, word in enumerate(tokens.words)
        if ORDINALS.get(word.lower()) == value
        or (f"{value:g}" in word.split(",") and _lists_times(tokens, at))
        or (tokens.codes[at] == NAME_NUMBER and word == f"{value:g}")
    )
    for first, end in (*find_together(tokens, (value,)), *counts):
        if unit in _units_beside(tokens, first, end):
            return first, end
    return _find_time_code(tokens, value, unit)


def _lists_times(tokens: Tokens, at: int) -> bool:
    """Whether a word with a comma is no decimal: "72,96", "1,2,3", "1,2 and 3", not "1,5 hours"."""
    word, behind = tokens.words[at], rule("joins_numbers").starts(tokens, at + 1)
    goes_on = behind is not None and tokens.codes[behind.end : behind.end + 1] == NUMBER
    return goes_on or word.count(",") > 1 or "," not in word[:2] + word[-2:]


@lru_cache(maxsize=32)
def _list_durations(tokens: Tokens) -> tuple[Duration, ...]:
    return tuple(find_durations(tokens))


def _find_time_code(tokens: Tokens, value: float, unit: TimeUnit) -> Range | None:
    """A time without a space or in two units: "C1D30", "1h45"."""
    for found in rule("hours_and_minutes").find(tokens) if unit is TimeUnit.HOUR else ():
        hours, minutes = (read_number(found.read(name) or "") or 0 for name in ("hours", "minutes"))
        if round(hours + minutes / 60, 2) == round(value, 2):
            return found.first, found.end
    for found in rule("time_code").find(tokens):
        word = (found.read("unit") or "").lower()
        if read_number(found.read("number") or "") == value and _CODES.get(word[:1]) is unit:
            return found.first, found.end
    return None


_CODES = {unit.value[0]: unit for unit in TimeUnit if unit not in (TimeUnit.MINUTE, TimeUnit.HOUR)}
_DIGITS = NUMBER + NAME_NUMBER
_REACH = 70
"""The greatest distance of a list's unit from a number in it, in tokens: "Weeks 4, 8, 12, ..."."""


def _units_beside(tokens: Tokens, first: int, end: int) -> list[TimeUnit]:
    """Possible units of a number in a list: the words at both ends of the list, or the word beside the number."""
    front = rule("between_times").ends(tokens, first, first - _REACH)
    between = rule("cycle_length_after").starts(tokens, end) or rule("between_times").starts(tokens, end, end + _REACH)
    before, behind = front.first if front else first, between.end if between else end
    short = before > 0 and len(tokens.words[before - 1]) == 1  # "2h and 5"
    is_unit = before > 0 and (not short or (before > 1 and tokens.codes[before - 2] in _DIGITS))
    places = [(before - 1, first - before)] if is_unit else []
    apart = behind > end or rule("counts_a_moment").ends(tokens, first, first - 1)
    is_next = apart and rule("next_moment").starts(tokens, behind)  # "Cycles 1 and 2, Day 8", "Cycle 3 Day 8"
    places += [(behind, behind - end)] if behind < len(tokens) and not is_next else []
    words = [(tokens.words[at].lower(), gap) for at, gap in places]
    units = [(TimeUnit.CYCLE if word in ("course", "courses") else read_time_unit(word), gap) for word, gap in words]
    return [unit for unit, gap in units if unit and not gap] or [unit for unit, _ in units if unit]

"""Part what is written as one limit and is two: a blood pressure, ends that do not both count."""

from dataclasses import replace

from extractor.concepts.limits.bounds import BOTH_COUNT, Limit
from extractor.concepts.limits.measures import SIGN_REACH, Measure, find_unit_of
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.patterns import Found
from extractor.schemas import Comparator

_PRESSURE_REACH = 10
"""How many tokens before a limit may say that it is a blood pressure."""


def split_limit(measure: Measure, limit: Limit) -> list[Limit]:
    """Return the limits that a measure states, from left to right.

    Most measures state only ``limit``. Two limits are a blood pressure ("> 140/90 mmHg"), two
    numbers with a slash, a range that is denied ("SBP not between 90 and 140"), and a range whose
    ends have different units of time ("6 months to 2 years") or do not both count ("≥ 18 and <
    65").
    """
    if limit.value_high is None:
        parts = _split_pressure(measure, limit)
    else:
        parts = _split_range(measure, limit, limit.value_high)
    return parts or _split_pair(measure, limit) or [limit]


def _split_range(measure: Measure, limit: Limit, high: int | float) -> list[Limit]:
    """Return what a range ``limit`` with the upper number ``high`` states: what lies below and
    above it if it is denied, its ends if they need two limits, or two ranges of blood pressure;
    nothing if it is one limit.
    """
    tokens = measure.match.tokens
    outside = rule("outside_before").ends(tokens, limit.first, limit.first - SIGN_REACH)
    # "pulse outside of 50 to 90"
    if outside:
        return _split_outside(tokens, limit, high, outside)
    low_unit, low_time = find_unit_of(measure.match, "low_unit")
    # "6 months to 2 years"
    if low_unit and low_time not in (None, limit.time_unit):
        low = replace(limit, unit=low_unit, time_unit=low_time, end=low_unit[1])
        return _split_ends(measure, low, limit, high)
    # as in "HbA1c of more than 7 % and less than 10 %"
    if measure.ends != BOTH_COUNT:
        return _split_ends(measure, limit, limit, high)
    ranges = rule("pressure_ranges").starts(tokens, measure.match.place("high")[1])
    if ranges and _names_pressure(tokens, limit):
        return _split_pressure_ranges(measure, limit, ranges)
    return []


def _split_outside(
    tokens: Tokens, limit: Limit, high: int | float, outside: Found
) -> list[Limit]:
    """Return the limits below and above a range that is denied: "SBP not between 90 and 140" is
    less than 90, or more than 140.
    """
    first = limit.first
    # The new comparators have the sense of "not", so the word belongs to the limits.
    if tokens.words[outside.first].lower() == "not":
        first = outside.first
    below = replace(limit, comparator=Comparator.LESS, value_high=None, first=first)
    above = replace(below, comparator=Comparator.MORE, value=high)
    return [below, above]


def _split_ends(
    measure: Measure, low: Limit, limit: Limit, high: int | float
) -> list[Limit]:
    """Return both ends of the range ``limit``, whose upper number is ``high``, as limits. ``low``
    is the same range with the unit of the lower end.
    """
    low_sign, high_sign = measure.ends
    start = measure.match.place("high")[0]
    if measure.match.has("second"):
        start = measure.match.place("second")[0]
    lower = replace(low, comparator=low_sign, value_high=None)
    upper = replace(
        limit, comparator=high_sign, value=high, value_high=None, first=start
    )
    return [lower, upper]


def _split_pressure_ranges(
    measure: Measure, limit: Limit, ranges: Found
) -> list[Limit]:
    """Return the systolic and the diastolic range of "BP 90-140/60-90 mmHg". ``limit`` is the
    first one, ``ranges`` the match of the second.
    """
    systolic = replace(limit, unit=ranges.part("unit"), end=measure.match.end)
    diastolic = replace(
        systolic,
        value=int(ranges.read("low") or 0),
        value_high=int(ranges.read("high") or 0),
        first=ranges.first,
        end=ranges.end,
    )
    return [systolic, diastolic]


def _split_pressure(measure: Measure, limit: Limit) -> list[Limit]:
    """Return the systolic and the diastolic limit of "BP > 140/90 mmHg"; nothing for others."""
    tokens = measure.match.tokens
    low_end = measure.match.place("low")[1]
    pressure = rule("pressure").starts(tokens, low_end)
    if pressure is None or not _names_pressure(tokens, limit):
        return []
    systolic = replace(limit, unit=pressure.part("unit"), end=low_end)
    value = int(pressure.read("diastolic") or 0)
    diastolic = replace(systolic, value=value, first=low_end, end=pressure.end)
    return [systolic, diastolic]


def _names_pressure(tokens: Tokens, limit: Limit) -> bool:
    first = max(0, limit.first - _PRESSURE_REACH)
    return rule("pressure_word").search(tokens, first, limit.first) is not None


def _split_pair(measure: Measure, limit: Limit) -> list[Limit]:
    """Return the limits of two numbers with a slash that share a comparator and a unit; nothing if
    the measure has no comparator, a unit behind its first number, or no slash.
    """
    if not measure.compared or limit.unit:
        return []
    low_end = measure.match.place("low")[1]
    pair = rule("slash_pair").starts(measure.match.tokens, low_end)
    if pair is None:
        return []
    front = replace(limit, unit=pair.part("unit"), end=low_end)
    value = int(pair.read("other") or 0)
    return [front, replace(front, value=value, first=low_end, end=pair.end)]

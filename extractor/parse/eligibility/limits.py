"""Numeric and graded limits of a criterion."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from extractor.parse.memory import remember
from extractor.parse.numbers import number_places, read_number
from extractor.parse.values import value
from extractor.schemas import Comparator, CriterionKind

from .grades import find_graded
from .limit import LOWER, UPPER, Limit
from .limit_grammar import (
    CHAIN,
    LIMIT,
    find_front,
    has_number,
    has_scale,
    read_comparator,
    read_suffix,
    read_unit_of_time,
)
from .limit_ranges import join_bounds, may_hold_chain, read_chain, without_lead
from .quantities import find_counted, find_quantity, find_substance

__all__ = ["find_limits"]

_AGE_IN_FRONT = re.compile(
    r"\b(?:ages?|aged|old|older|younger|elder|adults?|children|males?|females?|men|women)\b", re.IGNORECASE
)
_AGE_BEHIND = re.compile(r"\W*(?:of\s+age|old|older|elder)\b", re.IGNORECASE)
_OF_FOLLOWING = re.compile(
    r"\s*of\s*:|\s*(?:\w+\s+)?(?:of\s+(?:the|these|those|any)|following|criteri\w+|conditions?|reasons?)\b",
    re.IGNORECASE,
)
_NO_COUNT = re.compile(r"\s*half[\s-]?li(?:fe|ves)\b|\s*L?\+(?:\W|$)", re.IGNORECASE)
"""Half-lives are no fixed length of time; "2L+" names a line of treatment."""

_MUST_NOT = re.compile(r"\b(?:must|should|may|shall|can)\s?not\s+(?:have|show|be)\b[^.;:,<>≤≥]{0,60}$", re.IGNORECASE)
_INVERTED = {
    Comparator.LESS: Comparator.AT_LEAST,
    Comparator.AT_MOST: Comparator.MORE,
    Comparator.MORE: Comparator.AT_MOST,
    Comparator.AT_LEAST: Comparator.LESS,
}
"""What remains for those who must not have a value ("must not have a heart rate below 50")."""

_SCALE_RANGE = re.compile(r"\W*(?:range|scale|possible|total\s+range|on\s+a)\b", re.IGNORECASE)
_PRESSURE = re.compile(r"\s?/\s?(?P<diastolic>\d{2,3})\s?(?P<unit>mm\s?Hg)?", re.IGNORECASE)
_PRESSURE_WORD = re.compile(r"\b(?:pressure|BP|hypertension)\b", re.IGNORECASE)
_PARTED = re.compile(r"-(?:point|item|grade|step|stage)\b|L\+", re.IGNORECASE)
_NAME = re.compile(
    r"[A-Za-z]-$|\b(?:days?|visit|v|version|type|phase|part|arms?|groups?|cohorts?|appendix|section|table|RECIST|v\.)\s?-?$",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_MASS = re.compile(r"(?:mg|mcg|[uμ]g)(?!\s?/\s?[dm]?L)")
_RATE = re.compile(
    r"\s?\)?\s?(?:or\s+)?(?:equivalents?\s?)?(?P<rate>/\s?kg\s?/\s?day|/\s?kg|/\s?day|per\s+day|a\s+day|daily)\b",
    re.IGNORECASE,
)


@remember
def find_limits(text: str, kind: CriterionKind | None) -> Sequence[Limit]:
    """All limits in the cleaned text of one criterion, lengths of time included, in order.

    A bare age takes the sense of its list: ``kind`` decides it.

    >>> [(l.comparator.value, l.value, l.value_high) for l in find_limits("ECOG 0-2, ANC >= 1.5 x 10^9/L", None)]
    [('between', 0, 2), ('>=', 1500000000, None)]
    """
    graded = list(find_graded(text)) if has_scale(text) else []
    measured = list(_measured(text, graded, kind)) if has_number(text) else []
    return tuple(join_bounds(text, sorted([*graded, *measured], key=lambda limit: limit.start)))


@value(frozen=True, slots=True)
class _Found:
    """A number, or a range, as the grammar sees it. ``start`` is where its comparator, else itself, begins."""

    match: re.Match[str]
    front: re.Match[str] | None
    start: int
    low: int | float
    high: int | float | None
    comparator: Comparator | None
    unit: tuple[int, int] | None
    time_unit: str | None


def _measured(text: str, taken: list[Limit], kind: CriterionKind | None) -> Iterator[Limit]:
    floor = done = 0
    last: Limit | None = None
    starts = [limit.start for limit in taken]
    furthest = list(accumulate((limit.end for limit in taken), max, initial=0))
    chained = may_hold_chain(text)
    for place in number_places(text):
        if chained and place >= done and (chain := CHAIN.match(text, place)) and (limit := read_chain(text, chain)):
            yield limit
            floor = done = chain.end()
            continue
        match = LIMIT.match(text, place) if place >= done else None
        if not match:
            continue
        done = match.end()
        if furthest[bisect_left(starts, match.end())] > match.start():
            floor = max(floor, match.end())
            continue
        found = _look(text, match, floor)
        limit = (_decide(text, found, floor, kind) or _alternative(text, found, last)) if found else None
        for part in _parts(text, match, limit) if limit else ():
            yield part
            floor, last = part.end, part
        if found and match["high"] and not (limit and limit.value_high is not None):
            done = max(match.end("low"), match.end("low_unit"))


_OR = re.compile(r"\s*(?:\([^)]*\)\s*)?(?:or|and|/)\s*\(?$")


def _alternative(text: str, found: _Found, last: Limit | None) -> Limit | None:
    """A second value in another unit behind a limit: it shares the comparator ("> 12% or 200 mL")."""
    if not last or not found.unit or found.time_unit or not last.unit or last.time_unit or found.high is not None:
        return None
    if not _OR.fullmatch(text, last.end, found.match.start()) or text[slice(*found.unit)] == text[slice(*last.unit)]:
        return None
    end = max(found.unit[1], found.match.end())
    return Limit(last.comparator, found.low, None, found.start, end, last.quantity, found.unit, sure=False)


def _look(text: str, match: re.Match[str], floor: int) -> _Found | None:
    low = read_number(match["low"])
    front = find_front(text, floor, match.start())
    if low is None or _is_name(text, match, front):
        return None
    high = read_number(match["high"]) if match["high"] else None
    group = "unit" if match["unit"] else "low_unit"
    unit = without_lead(text, *match.span(group)) if match[group] else None
    return _Found(
        match,
        front,
        front.start() if front else match.start(),
        low,
        high,
        read_suffix(match["suffix"]) or read_comparator(front["comparator"] if front else None),
        unit,
        read_unit_of_time(match[group]),
    )


def _is_name(text: str, match: re.Match[str], front: re.Match[str] | None) -> bool:
    """Digits that belong to a name ("COVID-19", "Day 1", "a 4-point scale", "2017"), and number words without more."""
    if _PARTED.match(text, match.end("low")):
        return True
    if front:
        return False
    if match["low"].isalpha() and not match["unit"] and not match["suffix"]:
        return True
    return bool(_NAME.search(text, max(0, match.start() - 14), match.start()) or _YEAR.fullmatch(match["low"]))


def _decide(text: str, found: _Found, floor: int, kind: CriterionKind | None) -> Limit | None:
    comparator, high, end = _bounds(found)
    sure = comparator is not None
    if comparator is None:
        if not (found.time_unit and _is_age(text, found)):
            return None
        comparator = Comparator.AT_MOST if kind is CriterionKind.EXCLUSION else Comparator.AT_LEAST
    unit, time_unit = found.unit, found.time_unit
    if high is None and found.match["high"] and found.match["low_unit"]:  # "15 years and 9 months"
        unit, time_unit = without_lead(text, *found.match.span("low_unit")), read_unit_of_time(found.match["low_unit"])
    if time_unit == "cycle" and unit:  # "at least 2 cycles" counts cycles
        end, unit, time_unit = unit[0] - 1, None, None
    if unit is None and (_OF_FOLLOWING.match(text, end) or _NO_COUNT.match(text, end)):
        return None
    if _MUST_NOT.search(text, max(0, found.start - 70), found.start) and kind is not CriterionKind.EXCLUSION:
        comparator = _INVERTED.get(comparator, comparator)
    quantity = _quantity(text, found, floor, unit, end)
    rate = _RATE.match(text, quantity[1]) if quantity and unit and quantity[0] > unit[1] else None
    if quantity and comparator is Comparator.BETWEEN and _SCALE_RANGE.match(text[slice(*quantity)]):
        return None
    end = max(end, found.match.end("suffix"))
    span = rate.span("rate") if rate else None
    return Limit(comparator, found.low, high, found.start, end, quantity, unit, time_unit, sure, span)


def _bounds(found: _Found) -> tuple[Comparator | None, int | float | None, int]:
    """Comparator, upper value and end: a range counts if its numbers rise, else its first number stands alone."""
    comparator, high, match = found.comparator, found.high, found.match
    if high is None:
        return None if comparator is Comparator.BETWEEN else comparator, None, match.end()
    low_time = read_unit_of_time(match["low_unit"])
    ranged = comparator not in UPPER if not match["second"] else comparator in LOWER
    if match["join"] == "and" and not match["second"] and comparator is not Comparator.BETWEEN:
        ranged = False
    if not ranged or (high <= found.low and not low_time):
        return None if comparator is Comparator.BETWEEN else comparator, None, match.end("low")
    return Comparator.BETWEEN, high, match.end()


def _quantity(text: str, found: _Found, floor: int, unit: tuple[int, int] | None, end: int) -> tuple[int, int] | None:
    named = find_quantity(text, floor, found.start)
    if unit is None:
        words = (found.front["comparator"] if found.front else found.match["suffix"] or "?")[0].isalpha()
        counts = words or not named or (isinstance(found.low, int) and found.low < 20)
        return (find_counted(text, end) if counts else None) or named
    if _MASS.match(text, *unit):
        return find_substance(text, unit[1]) or named
    return named


def _parts(text: str, match: re.Match[str], limit: Limit) -> Iterator[Limit]:
    """Two limits written as one: a range whose ends have different units ("6 months to 5 years"), a blood pressure."""
    low_time = read_unit_of_time(match["low_unit"])
    pressure = _PRESSURE.match(text, match.end("low")) if limit.value_high is None else None
    if limit.value_high is not None and low_time and low_time != limit.time_unit:
        low_unit = without_lead(text, *match.span("low_unit"))
        yield replace(
            limit, comparator=Comparator.AT_LEAST, value_high=None, end=low_unit[1], unit=low_unit, time_unit=low_time
        )
        start = match.start("high")
        yield replace(limit, comparator=Comparator.AT_MOST, value=limit.value_high, value_high=None, start=start)
    elif pressure and _PRESSURE_WORD.search(text, max(0, limit.start - 60), limit.start):
        unit = pressure.span("unit") if pressure["unit"] else None
        yield replace(limit, unit=unit, end=match.end("low"))
        yield replace(limit, value=int(pressure["diastolic"]), start=match.end("low"), end=pressure.end(), unit=unit)
    else:
        yield limit


def _is_age(text: str, found: _Found) -> bool:
    front = text[max(0, found.start - 40) : found.start]
    return bool(_AGE_IN_FRONT.search(front) or _AGE_BEHIND.match(text, found.match.end()))

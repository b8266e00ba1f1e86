"""Numeric and graded limits of a criterion."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from extractor.parse.numbers import number_places, read_number
from extractor.parse.words import find_at
from extractor.schemas import Comparator, CriterionKind

from .grades import find_graded
from .limit import LOWER, UPPER, Limit
from .limit_grammar import IN_FRONT, LIMIT, has_number, has_scale, read_comparator, read_suffix, read_unit_of_time
from .quantities import find_counted, find_quantity, find_substance

__all__ = ["find_limits"]

_FRONT = 48
"""How many characters in front of a number a comparator may take up."""

_AGE_IN_FRONT = re.compile(
    r"\b(?:ages?|aged|old|older|younger|elder|adults?|children|males?|females?|men|women)\b", re.IGNORECASE
)
_AGE_BEHIND = re.compile(r"\W*(?:of\s+age|old|older|elder)\b", re.IGNORECASE)
_OF_FOLLOWING = re.compile(
    r"\s*(?:\w+\s+)?(?:of\s+(?:the|these|those|any)|following|criteri\w+|conditions?|reasons?)\b", re.IGNORECASE
)
_SCALE_RANGE = re.compile(r"\W*(?:range|scale|possible|total\s+range|on\s+a)\b", re.IGNORECASE)
_PRESSURE = re.compile(r"\s?/\s?(?P<diastolic>\d{2,3})\s?(?P<unit>mm\s?Hg)?", re.IGNORECASE)
_PRESSURE_WORD = re.compile(r"\b(?:pressure|BP|hypertension)\b", re.IGNORECASE)
_PARTED = re.compile(r"-(?:point|item|grade|step|stage)\b", re.IGNORECASE)
_NAME = re.compile(
    r"[A-Za-z]-$|\b(?:days?|visit|v|version|type|phase|part|arms?|groups?|cohorts?|appendix|section|table|RECIST|v\.)\s?-?$",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_MASS = re.compile(r"(?:mg|mcg|[uμ]g)(?!\s?/\s?[dm]?L)")
_FILLS_RANGE = re.compile(r"\b(?:and|but|to|or|also|years?|old|of|age|inclusive)\b|[ ,\-&/()\n]", re.IGNORECASE)


@lru_cache(maxsize=256)
def find_limits(text: str, kind: CriterionKind | None) -> Sequence[Limit]:
    """All limits in the cleaned text of one criterion, lengths of time included, in order.

    A bare age takes the sense of its list: ``kind`` decides it.

    >>> [(l.comparator.value, l.value, l.value_high) for l in find_limits("ECOG 0-2, ANC >= 1.5 x 10^9/L", None)]
    [('between', 0, 2), ('>=', 1500000000, None)]
    """
    graded = list(find_graded(text)) if has_scale(text) else []
    measured = list(_measured(text, graded, kind)) if has_number(text) else []
    return tuple(_join_bounds(text, sorted([*graded, *measured], key=lambda limit: limit.start)))


@dataclass(frozen=True, slots=True)
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
    floor = 0
    for match in find_at(LIMIT, text, number_places(text)):
        if any(limit.start < match.end() and match.start() < limit.end for limit in taken):
            floor = max(floor, match.end())
            continue
        found = _look(text, match, floor)
        limit = _decide(text, found, floor, kind) if found else None
        for part in _parts(text, match, limit) if limit else ():
            yield part
            floor = part.end


def _look(text: str, match: re.Match[str], floor: int) -> _Found | None:
    low = read_number(match["low"])
    front = IN_FRONT.search(text, max(floor, match.start() - _FRONT), match.start())
    if low is None or _is_name(text, match, front):
        return None
    high = read_number(match["high"]) if match["high"] else None
    group = "unit" if match["unit"] else "low_unit"
    unit = _stripped(text, *match.span(group)) if match[group] else None
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
    if time_unit == "cycle" and unit:  # "at least 2 cycles" counts cycles
        end, unit, time_unit = unit[0] - 1, None, None
    if unit is None and _OF_FOLLOWING.match(text, end):
        return None
    quantity = _quantity(text, found, floor, unit, end)
    if quantity and comparator is Comparator.BETWEEN and _SCALE_RANGE.match(text[slice(*quantity)]):
        return None
    end = max(end, found.match.end("suffix"))
    return Limit(comparator, found.low, high, found.start, end, quantity, unit, time_unit, sure)


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
        low_unit = _stripped(text, *match.span("low_unit"))
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


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    return end - len(text[start:end].lstrip(" -\n\t")), end


def _join_bounds(text: str, limits: list[Limit]) -> list[Limit]:
    """A lower and an upper bound of one quantity become one range (">= 1 and <= 65")."""
    joined: list[Limit] = []
    for limit in limits:
        last = joined[-1] if joined else None
        if last and _bound_one(last, limit) and not _FILLS_RANGE.sub("", text[last.end : limit.start]):
            joined[-1] = replace(
                last,
                comparator=Comparator.BETWEEN,
                value_high=limit.value,
                end=limit.end,
                quantity=last.quantity or limit.quantity,
                unit=limit.unit or last.unit,
                time_unit=limit.time_unit or last.time_unit,
                sure=last.sure and limit.sure,
            )
        else:
            joined.append(limit)
    return joined


def _bound_one(low: Limit, high: Limit) -> bool:
    same_unit = not low.time_unit or not high.time_unit or low.time_unit == high.time_unit
    return low.comparator in LOWER and high.comparator in UPPER and low.value < high.value and same_unit

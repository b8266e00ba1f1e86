"""The numbers of a dose: one level, several, or a range, each with its unit."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from extractor.parse.numbers import NUMBER, read_number
from extractor.schemas import Amount

from .units import UNIT, read_unit

__all__ = ["DOSE_NUMBER", "LEVEL_SEPARATOR", "NEXT_NUMBER", "POWER", "read_levels", "spread_power"]

# A comma before one or two digits is a decimal comma: "0,5 ml". The second number of "2x20 drops" counts.
NEXT_NUMBER = rf"(?:(?<![\w.,^])\d+,\d{{1,2}}(?![\d,])|(?<=\d[x×])\d+(?:\.\d+)?|(?<!\d[,/])(?:{NUMBER}))"
"""Expression for a number that follows a separator ("5mg-10mg"), without groups. Use with ``re.IGNORECASE``."""

DOSE_NUMBER = rf"(?<![A-Za-z]-)(?<![A-Za-z]-0){NEXT_NUMBER}"
"""Expression for a number as doses are written; none that belongs to a name ("EX-108"). As ``NEXT_NUMBER``."""

# One way only to match each separator, so that a long list that fails costs no more than its length.
LEVEL_SEPARATOR = (
    r"\s?(?:,(?:\s?(?:and|or|to)\s{1,2}|\s{0,2})"
    r"|(?:-|~|\band\b(?:\sfinally\b)?|\bor\b|\bup\sto\b|\bto\b|\bthrough\b)\s?)"
)
"""Expression for what stands between two levels of one list."""

POWER = re.compile(r"(?:x|\*|·)\s?10|10\s?\^|\d\s?e\s?\+?\d|million|billion", re.IGNORECASE)
"""A sign that a number is written as a power of ten or in millions."""

_ITEM = re.compile(rf"(?P<number>{NEXT_NUMBER})(?:\s?(?P<unit>{UNIT}))?", re.IGNORECASE)
_THROUGH = re.compile(r"\s?(?:-|~|(?:up )?to|through)\s?", re.IGNORECASE)
_AT_LEAST = re.compile(r"\b(?:minimum(?: dose)? of|at least|no less than)\s?$", re.IGNORECASE)
_UP_TO = re.compile(
    r"(?:up to|until|progressing to(?: the)?|\u2264|<=?)\s?"
    r"(?:an? (?:[\w-]+ ){0,3}?(?:dos(?:e|age) )?(?:\(\w+\) )?of )?$",
    re.IGNORECASE,
)
_LAST_POWER = re.compile(r"\s?(?:x|\*|·)\s?10.*$|\s?(?:m|b)illion$", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"\d+,\d{1,2}")


def read_levels(text: str, start: int, numbers: str, unit: str) -> tuple[Amount, ...]:
    """The amounts in ``numbers``, which begins at ``start`` of ``text``; ``unit`` is that of the last number.

    >>> read_levels("up to 5 mg", 6, "5", "mg")
    (Amount(low=None, high=5, unit='mg'),)
    """
    items = list(_ITEM.finditer(numbers))
    values = [_read_decimal(item["number"]) for item in items]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return ()
    units = _spread_units([(item["unit"] and read_unit(item["unit"])) or "" for item in items], unit)
    if len(known) == 1:
        return (_read_single(text[max(0, start - 40) : start], known[0], units[0]),)
    return tuple(dict.fromkeys(_read_list(numbers, items, known, units)))


def _read_single(before: str, value: int | float, unit: str) -> Amount:
    """A level with an open end, if the words ``before`` say so."""
    low, high = not _UP_TO.search(before), not _AT_LEAST.search(before)
    return Amount(low=value if low else None, high=value if high else None, unit=unit)


def _read_list(
    numbers: str, items: Sequence[re.Match[str]], values: Sequence[int | float], units: Sequence[str]
) -> Iterator[Amount]:
    """Two numbers joined by a dash or "to" are a range, but not in a chain: "75 - 150 - 225"."""
    joined = [_THROUGH.fullmatch(numbers, a.end(), b.start()) is not None for a, b in pairwise(items)]
    done = -1
    for place, (low, unit) in enumerate(zip(values, units, strict=True)):
        if place == done:
            continue
        is_pair = joined[place : place + 2] in ([True], [True, False]) and not (place and joined[place - 1])
        if is_pair and low < values[place + 1] and unit.split("/")[0] == units[place + 1].split("/")[0]:
            done = place + 1
            yield Amount(low=low, high=values[done], unit=units[done])
        else:
            yield Amount(low=low, high=low, unit=unit)


def _spread_units(units: list[str], last: str) -> list[str]:
    """A unit holds for the numbers before it that have none; "per day" behind the last holds for all."""
    spread: list[str] = []
    for unit in reversed(units):
        spread.append(last if last == f"{unit}/day" else unit or (spread[-1] if spread else last))
    return spread[::-1]


def _read_decimal(number: str) -> int | float | None:
    return read_number(number.replace(",", ".") if _DECIMAL_COMMA.fullmatch(number) else number)


def spread_power(numbers: str) -> str:
    """The power of the last number put to those before it that have none.

    >>> spread_power("1, 2 or 5 x 10^6")
    '1 x 10^6, 2 x 10^6 or 5 x 10^6'
    """
    items = [item["number"] for item in _ITEM.finditer(numbers)]
    power = _LAST_POWER.search(items[-1]) if items else None
    if not power:
        return numbers
    suffix = power[0]
    return _ITEM.sub(lambda item: item[0] if POWER.search(item[0]) else item[0] + suffix, numbers)

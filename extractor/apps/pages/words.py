"""Write a value on one line, for pages, notebooks and lists."""

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import lru_cache

from pydantic import BaseModel

from extractor.apps.pages import name_label
from extractor.face import clean_text, list_readings, read_text, rule, show_line
from extractor.schemas import CriterionGroup, TimeUnit
from extractor.schemas.base import JsonObject

NOTHING = "not stated"
_SIGNS = {"<=": "≤", ">=": "≥", "between": ""}
"""The signs shown in place of some comparators; the other comparators are shown unchanged."""
_CHOICE = re.compile(r"[a-z]+(?:_[a-z]+)+")
"""A term in the schema that consists of several words: ``half_life``."""
_LARGE = 10_000
"""The smallest number that is written with thousands separators."""
_TIME_UNITS = frozenset(TimeUnit)


def say_value(value: object, quotes: Iterable[str] = ()) -> str:
    r"""Return a value, a list, or the JSON of either, on one line. Numbers are written as in one
    of the ``quotes``, followed by their value in digits if it looks different. An empty value is
    written as "not stated".

    >>> from extractor.schemas import Amount, Constraint
    >>> (
    ...     say_value(Amount(low=None, high=20000, unit="IU")),
    ...     say_value({"value": 21, "unit": "day"}),
    ...     say_value("CD19 \\> 95 %"),
    ... )
    ('up to 20,000 IU', '21 days', 'CD19 > 95 %')
    >>> say_value(
    ...     [Constraint(quantity="ECOG", comparator="between", value=0, value_high=2)]
    ... )
    'ECOG 0 to 2'
    >>> say_value(
    ...     {"quantity": "ANC", "comparator": ">=", "value": 1000000000, "unit": "/L"},
    ...     ["ANC at least 1.0 x 10\\^9/L"],
    ... )
    'ANC ≥ 1.0 x 10^9 (1,000,000,000) /L'
    """
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, dict):
        return _write_object(value, tuple(quotes))
    if isinstance(value, list | tuple):
        quotes = tuple(quotes)
        return ", ".join(say_value(member, quotes) for member in value) or NOTHING
    if isinstance(value, bool):
        if value:
            return "yes"
        return "no"
    if isinstance(value, int | float):
        written, exact = write_number(value, quotes)
        if exact:
            return f"{written} ({exact})"
        return written
    text = str(value.value if isinstance(value, Enum) else value or "")
    if _CHOICE.fullmatch(text):
        return name_label(text)
    return show_line(text) or NOTHING


def _write_object(parts: dict[str, object], quotes: tuple[str, ...]) -> str:
    """Write a measured value, an instrument or a group. Each type is recognised by a combination
    of keys, because a custom object may have any one of these keys. All other objects are written
    as lists of their parts.
    """
    has_number = "value" in parts or "low" in parts
    if "unit" in parts and has_number:
        return _write_measured(parts, quotes)
    if parts.keys() >= {"id", "rule"}:
        return _write_group(parts)
    stated = [part for part in parts.values() if part is not None]
    if parts.keys() >= {"name", "version"}:
        return " ".join(map(say_value, stated))
    return say_value(stated, quotes)


def _write_measured(parts: Mapping[str, object], quotes: tuple[str, ...]) -> str:
    """Write an amount, a limit, a time or a window: the event that a window limits, the quantity,
    the comparator, the numbers and the unit, followed by the anchor, the condition and the arms.
    """
    numbers: list[str] = []
    for name in ("low", "value", "high", "value_high"):
        end = parts.get(name)
        if end is None:
            continue
        number = say_value(end, quotes)
        # a range from 5 to 5 is a single number
        if number not in numbers:
            numbers.append(number)
    said = {name: say_value(part) for name, part in parts.items() if part}
    # a window without a number is described by its words
    if not numbers and "quote" in said:
        return said["quote"]
    sign = ""
    if numbers:
        sign = _write_sign(parts)
    unit = said.get("unit", "")
    # "5 days", but "5 mg" and "1 day"
    is_time = str(parts.get("unit")) in _TIME_UNITS
    if is_time and numbers != ["1"]:
        unit = f"{unit}s".replace("lifes", "lives")  # half-lives
    words = (said.get("quantity"), sign, " to ".join(numbers), unit)
    whole = " ".join(filter(None, words))
    if "of" in said:
        whole = f"{said['of']}: {whole}"
    if "anchor" in said:
        whole = f"{whole} {said['anchor']}"
    if "condition" in said:
        whole = f"{whole}, {said['condition']}"
    if "arms" in said:
        whole = f"{whole} ({said['arms']})"
    return whole


def _write_sign(parts: Mapping[str, object]) -> str:
    """Return the comparison sign for a limit, or for an amount that has only one bound. For a
    range or a single number, return "".
    """
    if "low" not in parts and "high" not in parts:
        comparator = str(parts.get("comparator") or "")
        return _SIGNS.get(comparator, comparator)
    if parts.get("high") is None:
        return "from"
    if parts.get("low") is None:
        return "up to"
    return ""


def _write_group(parts: JsonObject) -> str:
    """Write how many criteria in a group must be met, and the line that introduces the group."""
    words = "group of"
    if parts["rule"]:
        words = str(CriterionGroup.model_construct(**parts)).replace("_", " ")
    if parts.get("lead_in"):
        return f"{words} “{say_value(parts['lead_in'])}”"
    return f"{words} these"


def write_number(value: float, quotes: Iterable[str] = ()) -> tuple[str, str | None]:
    """Return a number as it is written in one of the quotes, followed by its value in digits, or
    by None if the quote already has it in digits.

    >>> (
    ...     write_number(1500000, ["at least 1.5 million cells"]),
    ...     write_number(20000),
    ...     write_number(1500, ["> 1500/mm3"]),
    ... )
    (('1.5 million', '1,500,000'), ('20,000', None), ('1500', None))
    """
    is_large = abs(value) >= _LARGE
    exact = f"{value:.15g}"
    if is_large:
        exact = f"{value:,.15g}"
    for quote in quotes:
        for written, readings in _list_numbers(quote):
            if value not in readings:
                continue
            if not _is_plain(written, value):
                return written, exact
            if is_large:
                return exact, None
            return written, None
    return exact, None


def _is_plain(written: str, value: float) -> bool:
    """Return whether a number is written in digits, with or without separators."""
    digits = written.replace(",", "")
    return digits.replace(".", "", 1).isdecimal() and float(digits) == value


@lru_cache(maxsize=4096)
def _list_numbers(quote: str) -> list[tuple[str, tuple[int | float, ...]]]:
    """Return (numeral, possible values) pairs for the numerals in a quote."""
    cleaned = clean_text(quote)
    numbers: list[tuple[str, tuple[int | float, ...]]] = []
    for match in rule("number").find(read_text(cleaned.text)):
        # a number in words is always shown in digits
        if match.text[0].isdigit():
            start, end = cleaned.raw_span(*match.span)
            numbers.append((show_line(quote[start:end]), list_readings(match.text)))
    return numbers

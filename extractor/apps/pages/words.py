"""How a value reads on one line: on every page, in a notebook and in the messages of ``diff``."""

import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from extractor.apps.pages import name_label
from extractor.language.book import read_text, rule
from extractor.language.clean import clean_text
from extractor.language.numbers import list_readings
from extractor.language.shown import show_line
from extractor.schemas import CriterionGroup, TimeUnit

NOTHING = "not stated"
_SIGNS = {"<=": "≤", ">=": "≥", "between": ""}
_CHOICE = re.compile(r"[a-z]+(?:_[a-z]+)+")
_LARGE = 10_000
"""Numbers from here on have thousands separators."""


def say(value: Any, quotes: Iterable[str] = ()) -> str:
    r"""Return a value, a list, or their JSON on one line; numbers as one of the ``quotes`` writes
    them, with their digits behind if it writes them otherwise. Nothing is "not stated".

    >>> from extractor.schemas import Amount, Constraint
    >>> (
    ...     say(Amount(low=None, high=20000, unit="IU")),
    ...     say({"value": 21, "unit": "day"}),
    ...     say("CD19 \\> 95 %"),
    ... )
    ('up to 20,000 IU', '21 days', 'CD19 > 95 %')
    >>> say([Constraint(quantity="ECOG", comparator="between", value=0, value_high=2)])
    'ECOG 0 to 2'
    >>> say(
    ...     {"quantity": "ANC", "comparator": ">=", "value": 1000000000, "unit": "/L"},
    ...     ["ANC at least 1.0 x 10\\^9/L"],
    ... )
    'ANC ≥ 1.0 x 10^9 (1,000,000,000) /L'
    >>> say(
    ...     {
    ...         "comparator": "<=",
    ...         "value": 5,
    ...         "unit": "half_life",
    ...         "of": "warfarin",
    ...         "anchor": "before biopsy",
    ...     }
    ... )
    'warfarin: ≤ 5 half-lives before biopsy'
    """
    if isinstance(value, BaseModel):
        return _say_object(dict(value), tuple(quotes))
    if isinstance(value, dict):
        return _say_object(value, tuple(quotes))
    if isinstance(value, list | tuple):
        return _say_list(value, tuple(quotes))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        written, exact = write_number(value, quotes)
        return f"{written} ({exact})" if exact else written
    text = str(value or "")
    if isinstance(value, Enum):
        text = str(value.value)
    # a word of the schema, such as half_life
    if _CHOICE.fullmatch(text):
        return name_label(text)
    return show_line(text) or NOTHING


def _say_object(parts: dict[str, Any], quotes: tuple[str, ...]) -> str:
    """Return a value of several parts on one line: a measured value or an instrument, a group of
    criteria, or any other object as the list of its parts. An object of a user's own field may have
    any of the keys, so several must be there.
    """
    is_instrument = parts.keys() >= {"name", "version"}
    has_number = "value" in parts or "low" in parts
    is_measured = "unit" in parts and has_number
    # such as {"name": "EORTC QLQ-C30", "version": "3"} and {"value": 21, "unit": "day"}
    if is_instrument or is_measured:
        return _say_parts(parts, quotes)
    # a group of criteria
    if parts.keys() >= {"id", "rule"}:
        return _say_group(parts)
    stated = [part for part in parts.values() if part is not None]
    return _say_list(stated, quotes)


def _say_list(values: Iterable[Any], quotes: tuple[str, ...]) -> str:
    """Return values with commas between them, "not stated" if there are none."""
    return ", ".join(say(value, quotes) for value in values) or NOTHING


def _say_parts(parts: dict[str, Any], quotes: tuple[str, ...]) -> str:
    """Return an amount, a limit, a time, a window or an instrument on one line: what is measured,
    the sign, the numbers and the unit, with what it limits, from when it counts, for whom, and in
    which arms. Parts that are missing or empty are left out.

    A value with a quote and no number, as a window may be, is its quote alone.
    """
    is_amount = "low" in parts or "high" in parts
    ends = ("low", "high") if is_amount else ("value", "value_high")
    numbers: list[str] = []
    for end in ends:
        if parts.get(end) is None:
            continue
        number = say(parts[end], quotes)
        # A range from 5 to 5 is one number.
        if number not in numbers:
            numbers.append(number)
    # a window whose sense is left to its words; an instrument has no number and no quote
    if not numbers and parts.get("quote"):
        return say(parts["quote"])
    words = (
        parts.get("quantity"),
        _say_sign(parts),
        " to ".join(numbers),
        _say_unit(parts, is_one=numbers == ["1"]),
        parts.get("name"),
        parts.get("version"),
    )
    whole = " ".join(say(word) for word in words if word)
    if parts.get("of"):
        whole = f"{say(parts['of'])}: {whole}"
    if parts.get("anchor"):
        whole = f"{whole} {say(parts['anchor'])}"
    if parts.get("condition"):
        whole = f"{whole}, {say(parts['condition'])}"
    if parts.get("arms"):
        whole = f"{whole} ({say(parts['arms'])})"
    return whole


def _say_sign(parts: dict[str, Any]) -> str:
    """Return how a limit compares ("≤"), or which end an amount has ("from", "up to"). A range, and
    a number alone, have no sign ("").
    """
    is_amount = "low" in parts or "high" in parts
    if not is_amount:
        sign = str(parts.get("comparator") or "")
        return _SIGNS.get(sign, sign)
    has_low = parts.get("low") is not None
    has_high = parts.get("high") is not None
    if has_low and has_high:
        return ""
    if has_low:
        return "from"
    return "up to" if has_high else ""


def _say_unit(parts: dict[str, Any], *, is_one: bool) -> str:
    """Return the unit of a value, "" if it has none. Units of time, which are words, are in the
    plural unless the number ``is_one``.
    """
    if not parts.get("unit"):
        return ""
    unit = say(parts["unit"])
    # Only units of time are words; "mgs" is none.
    is_word = str(parts["unit"]) in set(TimeUnit)
    # "1 day", "5 mg"
    if is_one or not is_word:
        return unit
    return f"{unit}s".replace("lifes", "lives")


def _say_group(parts: dict[str, Any]) -> str:
    """Return how many items of a group must hold, and the line that introduces them: "at least 2 of
    “Major criteria:”", "any of these".
    """
    if parts["rule"]:
        rule = str(CriterionGroup.model_construct(**parts)).replace("_", " ")
    else:
        rule = "group of"
    if not parts.get("lead_in"):
        return f"{rule} these"
    return f"{rule} “{say(parts['lead_in'])}”"


def write_number(value: float, quotes: Iterable[str] = ()) -> tuple[str, str | None]:
    """Return a number as one of the quotes writes it and, if those are not simply its digits, the
    digits too.

    >>> (
    ...     write_number(1500000, ["at least 1.5 million cells"]),
    ...     write_number(20000),
    ...     write_number(1500, ["> 1500/mm3"]),
    ... )
    (('1.5 million', '1,500,000'), ('20,000', None), ('1500', None))
    """
    is_large = abs(value) >= _LARGE
    exact = f"{value:,.15g}" if is_large else f"{value:.15g}"
    for quote in quotes:
        for written, readings in _list_numbers(quote):
            # another number of the quote
            if value not in readings:
                continue
            # such as "1.5 million", with 1,500,000 behind
            if not _is_plain(written, value):
                return written, exact
            if is_large:
                return exact, None
            return written, None
    return exact, None


def _is_plain(written: str, value: float) -> bool:
    """Return whether a number is written as its digits, with or without separators."""
    digits = written.replace(",", "")
    return digits.replace(".", "", 1).isdecimal() and float(digits) == value


@lru_cache(maxsize=4096)
def _list_numbers(quote: str) -> list[tuple[str, tuple[int | float, ...]]]:
    """Return the numbers in digits of a quote, each with its readings."""
    cleaned = clean_text(quote)
    tokens = read_text(cleaned.text)
    numbers = list[tuple[str, tuple[int | float, ...]]]()
    for match in rule("number").find(tokens):
        # A number in words is shown in digits anyway.
        if not match.text[0].isdigit():
            continue
        start, end = cleaned.raw_span(*match.span)
        numbers.append((show_line(quote[start:end]), list_readings(match.text)))
    return numbers

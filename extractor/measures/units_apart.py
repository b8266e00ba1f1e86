"""Find the unit of a limit apart from its number: "Creatinine (mg/dL) > 1.5"."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import read_number, read_time_unit
from extractor.language.units import read_unit

if TYPE_CHECKING:
    from extractor.measures.reader import Limit


def find_unit_apart(tokens: Tokens, limit: Limit) -> Limit:
    """Return a limit without a unit with the one that stands between its quantity and its number,
    in brackets or behind a comma or "in"; any other limit as it is.
    """
    if limit.unit or not limit.quantity or limit.quantity[0] >= limit.first:
        return limit
    first = limit.quantity[0]
    for opening in rule("unit_apart_opening").find(tokens, first + 1, limit.first):
        if opening.text == "(" and tokens.joined(opening.first):
            continue
        power = rule("power_of_ten").starts(tokens, opening.end, limit.first)
        start = power.end if power else opening.end
        unit = rule("limit_unit").starts(tokens, start, limit.first)
        time = read_time_unit(unit.text) if unit else None
        if unit is None or (time is None and read_unit(unit.text) is None):
            continue
        raised = _raise(limit, power.text[1:]) if power else limit
        return replace(
            raised,
            unit=unit.text,
            time_unit=time.value if time else None,
            quantity=(first, opening.first),
        )
    return limit
    first = limit.quantity[0]
    for opening in rule("unit_apart_opening").find(tokens, first, limit.first):
        power = rule("power_of_ten").starts(tokens, opening.end, limit.first)
        start = power.end if power else opening.end
        unit = rule("limit_unit").starts(tokens, start, limit.first)
        if unit is None or unit.end == unit.first or opening.first <= first:
            continue
        time = read_time_unit(unit.text)
        is_suffix = opening.text == "(" and tokens.joined(opening.first)
        if is_suffix or (time is None and read_unit(unit.text) is None):
            continue
        value = limit.value
        high = limit.value_high
        if power:
            value = read_number(f"{value:g} x {power.text[1:]}") or value
            high = high and read_number(f"{high:g} x {power.text[1:]}")
        return replace(
            limit,
            value=value,
            value_high=high,
            unit=unit.text,
            time_unit=time.value if time else None,
            quantity=(first, opening.first),
        )
    return limit


def _raise(limit: Limit, power: str) -> Limit:
    """Return a limit whose numbers have a power of ten."""
    low = read_number(f"{limit.value:g} x {power}") or limit.value
    high = limit.value_high
    if high is not None:
        high = read_number(f"{high:g} x {power}")
    return replace(limit, value=low, value_high=high)

"""Find units that are separated from the number of their limit: "Creatinine (mg/dL) > 1.5"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import read_number, read_time_unit
from extractor.language.units import read_unit

if TYPE_CHECKING:
    from extractor.measures.reader import Limit


def find_unit_apart(tokens: Tokens, limit: Limit) -> Limit:
    """Add the unit written between the quantity and the number of a limit, in brackets or after a
    comma or "in". A limit that already has a unit is returned unchanged.
    """
    if limit.unit or not limit.quantity or limit.quantity[0] >= limit.first:
        return limit
    first = limit.quantity[0]
    for opening in rule("unit_apart_opening").find(tokens, first + 1, limit.first):
        # the "(s)" in "platelet(s)" is not the unit of seconds
        is_suffix = opening.text == "(" and tokens.joined(opening.first)
        # the "(F)" in "Hb >= 12 (F) / 13 (M)"
        if rule("value_people").starts(tokens, opening.first):
            continue
        completed = None
        if not is_suffix:
            completed = _take_unit(tokens, limit, opening.end, limit.first)
        if completed:
            return replace(completed, quantity=(first, opening.first))
    return limit


def share_stated_unit(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits, adding a unit that the line states for all of them: "WBC >= 3, platelets
    >= 100 (both x 10^9/L)". Limits with a unit, ages and grades are returned unchanged.
    """
    for opening in rule("unit_of_all").find(tokens):
        shared = [
            limit
            if limit.unit or limit.rule.startswith("grades") or limit.qualifies
            else _take_unit(tokens, limit, opening.end, len(tokens)) or limit
            for limit in limits
        ]
        if shared != list(limits):
            return shared
    return list(limits)


def _take_unit(tokens: Tokens, limit: Limit, at: int, end: int) -> Limit | None:
    """Return a limit with the unit that begins at token ``at`` and ends before token ``end``, or
    None if no unit begins there.
    """
    power = rule("power_of_ten").starts(tokens, at, end)
    start = power.end if power else at
    unit = rule("limit_unit").starts(tokens, start, end)
    if unit is None:
        return None
    time = read_time_unit(unit.text)
    if time:
        return replace(limit, unit=unit.text, time_unit=time.value)
    if read_unit(unit.text) is None:
        return None
    # without the "x" of "x 10^9"
    raised = _raise(limit, power.text.lstrip("x×* ")) if power else limit
    return replace(raised, unit=unit.text)


def _raise(limit: Limit, power: str) -> Limit:
    """Return a limit with its numbers multiplied by a power of ten."""
    low = read_number(f"{limit.value:g} x {power}") or limit.value
    high = limit.value_high
    if high is not None:
        high = read_number(f"{high:g} x {power}")
    return replace(limit, value=low, value_high=high)

"""Read a quantity that stands between its two numbers: "18 ≤ age < 65"."""

from dataclasses import replace

from extractor.concepts.limits.bounds import (
    UPPER,
    Limit,
    mirror_comparator,
    read_comparator,
    read_value,
)
from extractor.concepts.limits.measures import find_unit_of
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.patterns import Found
from extractor.schemas import Comparator

_BOTH_INCLUDED = (Comparator.AT_MOST, Comparator.AT_LEAST)
"""The signs of a chain whose two numbers count: "18 ≤ age ≤ 65"."""


def find_chain(tokens: Tokens, first: int) -> list[Limit]:
    """Return the limits of a quantity that stands between its two numbers, the first at token
    ``first``: one range if both numbers count ("18 ≤ age ≤ 65"), else two limits ("18 ≤ age < 65").
    There are none if something else begins there.
    """
    rising = tokens.codes.count("<") + tokens.codes.count("≤")
    falling = tokens.codes.count(">") + tokens.codes.count("≥")
    if rising > 1 or falling > 1:
        chain = rule("chained_limit").starts(tokens, first)
        if chain:
            return _read_chain(chain)
    if tokens.codes.count("=") > 1:
        lost = rule("lost_chain").starts(tokens, first)
        if lost:
            return _read_lost_chain(lost)
    return []


def _read_lost_chain(match: Found) -> list[Limit]:
    """Return the range of "18 = age = 65 years", in which each "≤" was spoiled to "="; nothing if
    the numbers do not rise. It is not settled, as the text may mean something else.
    """
    low = read_value(match, "low")
    high = read_value(match, "high")
    if low is None or high is None:
        return []
    if low >= high:
        return []
    unit, time_unit = find_unit_of(match, "unit", "low_unit")
    lost = Limit(
        Comparator.BETWEEN,
        low,
        high,
        match.first,
        match.end,
        match.part("quantity"),
        unit,
        time_unit,
        settled=False,
    )
    return [lost]


def _read_chain(match: Found) -> list[Limit]:
    """Return the limits of a quantity between two numbers: one range for "18 ≤ age ≤ 65", two
    limits for "18 ≤ age < 65", since a range says that both ends count. A chain may also fall: "65
    ≥ age ≥ 18".

    Nothing if the two signs do not point the same way, or the numbers do not rise or fall as the
    signs say.
    """
    first = read_value(match, "first")
    last = read_value(match, "last")
    if first is None or last is None:
        return []
    if first == last:
        return []
    front = read_comparator("comparators", match, "front")
    behind = read_comparator("comparators", match, "behind")
    if front is None or behind is None:
        return []
    rises = front in UPPER
    if rises is not (behind in UPPER) or rises is not (first < last):
        return []
    unit, time_unit = find_unit_of(match, "unit", "first_unit")
    whole = Limit(
        Comparator.BETWEEN,
        min(first, last),
        max(first, last),
        match.first,
        match.end,
        match.part("quantity"),
        unit,
        time_unit,
    )
    if front is behind and front in _BOTH_INCLUDED:
        return [whole]
    # "18 ≤ age": the sign follows the number, so for the age it is "≥"
    mirrored = mirror_comparator(front)
    at, _ = match.place("behind")
    return [
        replace(whole, comparator=mirrored, value=first, value_high=None, end=at),
        replace(whole, comparator=behind, value=last, value_high=None, first=at),
    ]

"""Find an amount that the text states in another form than a model writes it.

The number must stand there. What is concluded is its unit: "135 ug/week" bears out 135 ug, "two
pills" two tablets, "starts at 5 and rises to 10 mg" 5 mg. The support is always ``inferred``.
"""

import re
from collections.abc import Sequence
from functools import cache

from extractor.concepts.places import Derived
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens, lex
from extractor.language.quantities import Quantity, find_quantity_lists
from extractor.language.units import find_unit, list_units
from extractor.schemas import Amount, Support

_TIME = re.compile(r"/(?:\d+ )?(?:day|week|month|year|dose|wk|d)s?\b")
_SYNONYMS = {"pill": "tablet"}
_PIECES = frozenset(unit.dose for unit in list_units() if unit.piece and unit.dose)
"""Units that count pieces."""
_BELOW = {"m2": {"m2", "m²"}, "h": {"h", "hr", "hour"}, "min": {"min", "minute"}}
"""Words for what a dose is counted by, if they are not the unit itself."""
_BELOW_REACH = 10
"""How many tokens behind a number can say by what it is counted: "g kg fat-free mass-1"."""
_RANGE_REACH = 60
"""The most tokens between the lowest and the highest dose of a titration."""
_LIST_REACH = 25
"""The most tokens between a number and the unit that it shares with a later one."""


def find_loosely(
    tokens: Tokens, amount: Amount, places: Sequence[Range]
) -> Derived | None:
    """Return the tokens that state an amount in another form, or None. ``places`` are the tokens of
    each number of the amount, in reading order.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("two pills daily")
    >>> find_loosely(tokens, Amount(low=2, high=2, unit="tablet"), [(0, 1)])
    Derived(first=0, end=2, support=<Support.INFERRED: 'inferred'>)
    """
    # the ways that conclude less come first
    place = _find_with_unit(tokens, amount.unit, places)
    place = place or _find_word(tokens, amount.unit, places)
    place = place or _find_shared_unit(tokens, amount.unit, places)
    place = place or _find_ends(tokens, amount)
    place = place or _find_single_piece(tokens, amount)
    return Derived(*place, Support.INFERRED) if place else None


def _find_with_unit(
    tokens: Tokens, unit: str, places: Sequence[Range]
) -> tuple[int, int] | None:
    """Return the tokens of the first number with its unit directly behind it, and of that unit;
    None if no number has it.
    """
    for first, end in places:
        unit_end = _find_unit(tokens, end, unit)
        if unit_end:
            return first, unit_end
    return None


@cache
def _name(unit: str) -> str:
    """Return a unit without the time of which it is the dose."""
    name = _TIME.sub("", unit)
    return _SYNONYMS.get(name, name)


def _find_unit(tokens: Tokens, first: int, unit: str) -> int | None:
    """Return the end of a unit that begins at a token and is the one sought but for its time:
    "mg/kg/week" is mg/kg; or that has the rest of it behind other signs: "mg/(kg•h)". None if
    another unit, or none, begins there.
    """
    if first >= len(tokens):
        return None
    place = find_unit(tokens, first, loose=True)
    if place is None or place.dose is None:
        return None
    wanted_time = _TIME.search(unit)
    # "25 mg weekly" does not bear out 25 mg/day
    if wanted_time and not place.dose.endswith(wanted_time.group()):
        return None
    wanted = _name(unit)
    if _name(place.dose) == wanted:
        return place.end
    base, *below = wanted.split("/")
    if place.dose != base:
        return None
    near = tokens.words[place.end : first + _BELOW_REACH]
    words = {word.lower() for word in near}
    for name in below:
        spellings = _BELOW.get(name, {name})
        if words.isdisjoint(spellings):
            return None
    return place.end


def _find_word(
    tokens: Tokens, unit: str, places: Sequence[Range]
) -> tuple[int, int] | None:
    """Return the tokens of the number with a unit that no table knows, before or behind it: "1500
    impulses", "Ksh 1500". None for a known unit, which is read as such.
    """
    is_minutes = unit in ("min", "minute")
    if not is_minutes and find_unit(lex(unit), 0, loose=True) is not None:
        return None
    wanted = unit.lower().removesuffix("s")
    for first, end in places:
        behind = tokens.words[end : end + 2]
        before = tokens.words[max(0, first - 1) : first]
        for word in (*behind, *before):
            if word.lower().removesuffix("s") == wanted:
                return first, end
    return None


def _find_shared_unit(
    tokens: Tokens, unit: str, places: Sequence[Range]
) -> tuple[int, int] | None:
    """Return the tokens of the number without a unit of its own, if a number closely before or
    behind it has the unit: "starts at 5 and rises to 10 mg", "0.5 mg at first, then 0.25".
    """
    stated = _list_levels(tokens, unit)
    for first, end in places:
        if not _is_bare(tokens, first, end):
            continue
        for level in stated:
            is_near_behind = level.first < end + _LIST_REACH
            is_near_before = first - _LIST_REACH < level.end
            if is_near_behind and is_near_before:
                return first, end
    return None


def _list_levels(tokens: Tokens, unit: str) -> list[Quantity]:
    """Return the numbers with a unit, but for the time of which it is the dose."""
    levels: list[Quantity] = []
    for quantities in find_quantity_lists(tokens):
        for quantity in quantities:
            dose = quantity.unit.dose
            if not dose or _name(dose) != _name(unit):
                continue
            levels.append(quantity)
    return levels


def _is_bare(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a number counts nothing: neither a place, as "day 14", nor what is named
    behind it.
    """
    # "IL-6"
    if tokens.in_name(first):
        return False
    # "Group 2"
    if rule("counts_a_place").ends(tokens, first, first - 1):
        return False
    if end >= len(tokens):
        return True
    return rule("after_bare_dose").starts(tokens, end) is not None


def _find_ends(tokens: Tokens, amount: Amount) -> tuple[int, int] | None:
    """Return the place of a range whose two ends are stated apart: "25 mg at first, raised to at
    most 200 mg". None if the amount is no range, or the upper end does not stand closely behind
    the lower one.
    """
    if amount.low is None or amount.high is None or amount.low == amount.high:
        return None
    lowest: list[Quantity] = []
    highest: list[Quantity] = []
    for level in _list_levels(tokens, amount.unit):
        # an end is a single number, and no range itself
        if level.low != level.high:
            continue
        if level.low == amount.low:
            lowest.append(level)
        elif level.low == amount.high:
            highest.append(level)
    for low in lowest:
        for high in highest:
            if 0 <= high.first - low.end <= _RANGE_REACH:
                return low.first, high.end
    return None


def _find_single_piece(tokens: Tokens, amount: Amount) -> tuple[int, int] | None:
    """Return the token of a singular word for one piece that no number counts: "a daily oral
    capsule". None if the amount is not one piece.
    """
    if not amount.low == amount.high == 1:
        return None
    piece = _name(amount.unit)
    if piece not in _PIECES:
        return None
    for at, word in enumerate(tokens.words):
        place = find_unit(tokens, at)
        if place is None or place.dose is None:
            continue
        if _name(place.dose) != piece:
            continue
        is_plural = word.lower().endswith("s")
        is_counted = at > 0 and tokens.codes[at - 1] in (NUMBER, "/")
        if not is_plural and not is_counted:
            return at, at + 1
    return None

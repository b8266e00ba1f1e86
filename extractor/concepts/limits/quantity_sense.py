"""What the words around a limit say of its quantity: a change, one of two blood pressures,
another fluid.
"""

import re
from enum import Enum

from extractor.language.book import read_text, rule

_READ_BEFORE = 120
_READ_AFTER = 40
_NUMBER_REACH = 60
"""How many characters are read before a limit, after it, and between the name of a quantity and
its number.
"""


class Sense(Enum):
    """What a limit bounds, if its quantity's name does not say it."""

    CHANGE = "change"
    SYSTOLIC = "systolic"
    DIASTOLIC = "diastolic"
    OTHER_FLUID = "other fluid"
    EARLIER = "earlier"


def read_senses(text: str, quote: str, value: float, within: str = "") -> frozenset[Sense]:
    """What the words around a limit say of the quantity that ``text`` names.

    ``within`` are the words of the limit in ``quote``, from its name to its end; without them, the
    first number ``value`` after the name is the limit.

    >>> (
    ...     read_senses("SBP", "a drop in SBP of 20 mmHg", 20),
    ...     read_senses("SBP", "a drop in SBP to < 90 mmHg", 90),
    ... )
    (frozenset({<Sense.CHANGE: 'change'>}), frozenset())
    >>> [read_senses("BP", "BP >= 140/90", value) for value in (140, 90)]
    [frozenset({<Sense.SYSTOLIC: 'systolic'>}), frozenset({<Sense.DIASTOLIC: 'diastolic'>})]
    """
    place = _find_place(text, quote, value, within)
    if place is None:
        return frozenset()
    name, first, end = place
    before = read_text(quote[max(0, name - _READ_BEFORE) : name])
    between = read_text(quote[name:first])
    after = read_text(quote[end : end + _READ_AFTER])
    # A change is named before the quantity, or between it and the number.
    inside = rule("change_before").ends(between, len(between))
    change = inside or rule("named_change_before").ends(before, len(before))
    change = None if rule("value_reached").ends(between, len(between)) else change
    falls = change and any(
        rule(one).search(change.tokens, change.first, change.end) for one in ("fall_noun", "fell")
    )
    is_change = change and not (falls and rule("upper_sign").ends(between, len(between)))
    senses = {Sense.CHANGE} if is_change else set()
    if rule("other_fluid").search(after) or rule("other_fluid").search(between):
        senses.add(Sense.OTHER_FLUID)
    near = (
        rule("earlier_moment").ends(before, len(before)),
        rule("earlier_moment").search(between),
    )
    if (
        any(near)
        or rule("earlier_moment").starts(after, 0)
        or rule("earlier_moment").starts(after, 1)
    ):
        senses.add(Sense.EARLIER)
    named = rule("pressure_named_after").starts(after, 0)
    if named:
        senses.add(Sense((named.read("which") or "").lower()))
    elif rule("systolic_before").ends(between, len(between)):
        senses.add(Sense.DIASTOLIC)
    elif rule("diastolic_after").starts(after, 0):
        senses.add(Sense.SYSTOLIC)
    return frozenset(senses)


def _find_place(text: str, quote: str, value: float, within: str) -> tuple[int, int, int] | None:
    """Where the name of a quantity begins, and the place of the number that limits it."""
    number = rf"(?<![\d.,]){re.escape(f'{value:g}')}(?![\d]|[.,]\d)"
    start = quote.find(within) if within else -1
    if start >= 0:
        found = [
            (start, one.start() + start, one.end() + start) for one in re.finditer(number, within)
        ]
        return found[-1] if found else None
    named = re.finditer(
        rf"{re.escape(text)}(?=(?P<gap>.{{0,{_NUMBER_REACH}}}?){number})", quote, re.DOTALL
    )
    if text:
        near = [(len(one["gap"]), one.start(), one.end() + len(one["gap"])) for one in named]
    else:
        near = []
    if near:
        return min((gap, name, first, first + len(f"{value:g}")) for gap, name, first in near)[1:]
    return None

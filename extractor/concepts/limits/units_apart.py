"""Find the unit of a number that does not stand behind it: "Haemoglobin (g/dL) >= 9.5"."""

from collections.abc import Iterator
from typing import NamedTuple

from extractor.concepts.limits.bounds import find_quantity
from extractor.concepts.limits.measures import SIGN_REACH, Measure
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens
from extractor.language.numbers import read_number, read_time_unit
from extractor.language.patterns import Found
from extractor.language.units import read_unit


class UnitApart(NamedTuple):
    """A unit that does not stand behind its number: its tokens, its unit of time if it is one, and
    the factor by which its power of ten multiplies the number.
    """

    unit: Range
    time_unit: str | None
    factor: int | float


def find_unit_apart(measure: Measure, floor: int, end: int) -> UnitApart | None:
    """Return the unit of a measure that has none behind its number: in brackets before or behind
    the limit ("Haemoglobin (g/dL) >= 9.5", "<= 2 (mg/dL)"), behind "or more", or before the limit
    behind a comma or an "in". None if there is none.

    ``floor`` is the token at which the limit before it ends, ``end`` where this one does.
    """
    for match in _list_units_apart(measure, floor, end):
        apart = _read_unit_apart(match)
        if apart:
            return apart
    return None


def _list_units_apart(measure: Measure, floor: int, end: int) -> Iterator[Found]:
    """Yield the matches of rules for units apart from their number, the likeliest first: behind the
    limit, then in front, where only filling words may stand between. The words need not be a unit.
    """
    tokens = measure.match.tokens
    behind = rule("unit_in_brackets").starts(tokens, end)
    # as in "Bilirubin <= 2 (mg/dL)"
    if behind:
        yield behind
    if measure.match.has("suffix"):
        behind_suffix = rule("unit_behind_suffix").starts(tokens, end)
        if behind_suffix:
            yield behind_suffix
    first = max(floor, measure.first - SIGN_REACH)
    for name in ("unit_in_brackets", "unit_behind_comma", "unit_behind_in"):
        for before in rule(name).find(tokens, first, measure.first):
            is_filled = rule("unit_filler").covers(tokens, before.end, measure.first)
            if before.end == measure.first or is_filled:
                yield before


def _read_unit_apart(match: Found) -> UnitApart | None:
    """Return the unit in a match of a rule for units apart; None if its words are no unit, or are a
    single letter as in "lesion(s)" and "eye (L)".
    """
    unit = match.part("unit")
    words = match.read("unit") or ""
    if not unit:
        return None
    if len(words) == 1 and words.isalpha():
        return None
    timed = rule("time_unit").covers(match.tokens, *unit)
    if not timed and read_unit(words) is None:
        return None
    # the power of ten of "platelets (x 10^9/L) > 100"
    factor: int | float = 1
    if match.has("power"):
        factor = read_number(f"1 {match.read('power')}") or 1
    time_unit = read_time_unit(timed.text) if timed else None
    return UnitApart(unit, time_unit, factor)


def name_beside_unit(
    tokens: Tokens, floor: int, first: int, unit: Range
) -> Range | None:
    """Return the tokens of the name of a quantity whose ``unit`` stands apart from its number: the
    name in front of the unit, or, if the unit is behind the limit, the name in front of the limit,
    else the noun behind "of". None if there is no such name.

    ``first`` is the token at which the limit begins, ``floor`` the first token of the name.
    """
    if unit[0] <= first:
        opened = rule("unit_opening").ends(tokens, unit[0], floor)
        return find_quantity(tokens, floor, opened.first if opened else unit[0])
    named = find_quantity(tokens, floor, first)
    if named:
        return named
    # "60 or more mL/min of creatinine clearance"
    if tokens.words[unit[1] : unit[1] + 1] != ["of"]:
        return None
    behind = rule("counted_noun").starts(tokens, unit[1] + 1)
    return behind.part("noun") if behind else None

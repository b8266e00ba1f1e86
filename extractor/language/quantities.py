"""Quantities: a number, a range or a list of numbers, with their unit."""

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from extractor.language.book import rule
from extractor.language.lexer import NAME_NUMBER, NUMBER, UNKNOWN, Tokens
from extractor.language.numbers import list_readings, multiply, read_number
from extractor.language.patterns import Found
from extractor.language.units import UnitPlace, find_dimension, find_unit, list_units

_NUMBERS = re.compile(f"[{NUMBER}{NAME_NUMBER}]")
_MOST_LEVELS = 12
"""The most numbers in a list of levels."""
_THROUGH = frozenset(
    {
        "-",
        "~",
        "to",
        "through",
        "up to",
        "then to",
        "and then to",
        "then up to",
        "and then up to",
    }
)
_HALVED = re.compile(r"[1-9]\d{0,2}\.(?:125|375|625|875)")
"""Halves of halves of tablets, which have three decimals: "3.125 mg"."""
_TEN_TO = re.compile(
    r"10(?:(?P<sure>[eE]\+?)(?=\d{1,2}$)|(?=[3-9]$|1[0-2]$))(?P<power>\d+)"
)
_TIMES = "xX*×·"
"""Signs between a number and its power of ten."""
_TIMES_WORDS = frozenset(_TIMES)
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_COUNTS = frozenset(
    {"{cells}", "[CFU]", "[PFU]", "{vg}", "{vp}", "[TCID_50]", "{organisms}"}
)
"""Units that are counted in powers of ten."""
_CELLS = next(unit for unit in list_units() if unit.code == "{cells}")
_LEAST_CELLS = 10_000
_POWERS = range(3, 16)
"""The powers of ten in which cells and organisms are counted."""
_COUNTED_REACH = 9
"""The most tokens that may describe the counted things: "2 x 10^6 viable CAR-positive T cells"."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """``tokens.words[first:end]`` reads as ``low`` to ``high`` of a unit; an open end is None."""

    low: int | float | None
    high: int | float | None
    unit: UnitPlace
    first: int
    end: int
    is_sure: bool = True
    """Whether the number can be read in one way only."""


def find_quantities(
    tokens: Tokens, first: int = 0, end: int | None = None
) -> Iterator[Quantity]:
    """Yield every number with a unit in ``tokens.words[first:end]``, left to right. Each level of a
    list is one quantity, and so is each range.

    >>> quantities = find_quantities(
    ...     read_text("5, 10 or 20-40 mg/kg, up to 3 x 10^6 CAR-T cells")
    ... )
    >>> [(dose.low, dose.high, dose.unit.dose) for dose in quantities]
    [(5, 5, 'mg/kg'), (10, 10, 'mg/kg'), (20, 40, 'mg/kg'), (None, 3000000, 'cells')]
    """
    for levels in find_quantity_lists(tokens, first, end):
        yield from levels


def find_quantity_lists(
    tokens: Tokens, first: int = 0, end: int | None = None, skipped: Container[int] = ()
) -> Iterator[tuple[Quantity, ...]]:
    """Yield what ``find_quantities`` does, grouped by list. ``skipped`` holds the places of number
    tokens that are no quantities. Numbers without a unit are passed over.
    """
    if end is None:
        end = len(tokens)
    done = first
    for digits in _NUMBERS.finditer(tokens.codes, first, end):
        at = digits.start()
        if at < done or at in skipped:
            continue
        if _is_glued(tokens, at):
            continue
        items = _drop_label(tokens, _read_chain(tokens, at, end, skipped))
        if items:
            yield tuple(_join(tokens, items))
            done = items[-1].end
            continue
        number = _read_number(tokens, at, end)
        if number:
            done = number.end
        else:
            _, done = _read_decimal(tokens, at, end)


def _is_glued(tokens: Tokens, at: int) -> bool:
    """Return whether a number is the end of a code: "TAK-861", "ID93". In "2x20", it is none."""
    start = tokens.starts[at]
    before = tokens.text[max(0, start - 2) : start]
    if before.endswith("-"):
        return before[0].isalpha()
    return before[-1:].isalpha() and before[-1] not in "xX"


@dataclass(frozen=True, slots=True)
class _Item:
    """A number of a list with its own unit, if any. ``joint`` is the text between it and the
    next number; ``scale`` the factor of its power of ten, which is in ``value``, too.
    """

    value: int | float
    scale: int | float
    unit: UnitPlace | None
    first: int
    end: int
    joint: str = ""
    is_sure: bool = True


class _Number(NamedTuple):
    """A number without its unit: ``factor`` is that of its power of ten or scale word, ``end`` the
    token behind it.
    """

    value: int | float
    factor: int | float
    end: int


def _read_chain(
    tokens: Tokens, at: int, end: int, skipped: Container[int]
) -> list[_Item]:
    """Return the numbers of a list that begins at a token, at most twelve, up to the last one with
    a unit; an empty list if none has one.

    The list ends where no joint ("," or "to") follows, or where the dimension of the units changes.
    """
    items: list[_Item] = []
    while len(items) < _MOST_LEVELS and at < end and at not in skipped:
        item = _read_item(tokens, at, end)
        if item is None:
            break
        if items and not _are_levels(items, item):
            break
        joint = _read_joint(tokens, item.end, end)
        if joint is None:
            items.append(item)
            break
        text, at = joint
        items.append(replace(item, joint=text))
    while items and items[-1].unit is None:
        items.pop()
    return _spread_units(items)


def _spread_units(items: Sequence[_Item]) -> list[_Item]:
    """Return the numbers of a list, each with the unit and the power of ten of the next one that
    has a unit: "5, 10 or 20 x 10^6 cells/kg". The last one must have a unit.

    A final "per day" is for all: "5 mg/kg or 10 mg/kg per day". A number from 1,000 keeps its
    value: it is written out.
    """
    if not items:
        return []
    last = items[-1].unit
    unit = last
    scale = items[-1].scale
    spread: list[_Item] = []
    for item in reversed(items):
        if item.unit:
            unit = item.unit
            lacks_final_part = last is not None and last.parts[:-1] == unit.parts
            # "2.5 mg, 5 mg or 10 mg per day": the rate is that of all levels
            if lacks_final_part:
                unit = last
            scale = item.scale
        value = item.value
        is_scaled = item.scale == 1 and scale > 1
        # "dose levels of 1/3/9 million cells"
        if is_scaled and value < 1000:
            value = multiply(value, scale)
        spread.append(replace(item, unit=unit, value=value))
    return spread[::-1]


def _read_joint(tokens: Tokens, at: int, end: int) -> tuple[str, int] | None:
    """Return the joint after a number, in small letters, and the token where the next number
    begins; None if no joint stands there. A comma alone is an empty joint.

    The hyphen of "5mg-10mg" is no token.
    """
    if at < end and tokens.gap(at) == "-":
        return "-", at
    # as in "1x, 3x and 10x 10^5"
    if at < end and tokens.words[at] in ("x", "X", "×"):
        at += 1
    joint = rule("level_joint").starts(tokens, at, end)
    if joint is None:
        return None
    return joint.text.lower().strip(", "), joint.end


def _are_levels(items: Sequence[_Item], item: _Item) -> bool:
    """Return whether a number can continue a list: all units of a list have one dimension, and
    none goes on behind a unit and a semicolon.
    """
    units = [level.unit for level in items if level.unit]
    if not units:
        return True
    if items[-1].joint == ";":
        return False
    if item.unit is None:
        return True
    _, dimension = find_dimension(units[-1].parts[0].code)
    _, dimension_of_item = find_dimension(item.unit.parts[0].code)
    return dimension == dimension_of_item


def _drop_label(tokens: Tokens, items: list[_Item]) -> list[_Item]:
    """Return the numbers of a list without a first one that belongs to the word before it: "EX 154,
    10 mg/kg", "Cohort 1 - 10 mg".
    """
    if len(items) < 2:
        return items
    label = items[0]
    is_label = False
    if label.joint == "-" and not tokens.joined(label.end):
        is_label = rule("numbered_label").ends(tokens, label.first) is not None
    elif label.joint == "":  # a comma
        is_label = _ends_code(tokens, label)
    return items[1:] if is_label else items


def _ends_code(tokens: Tokens, item: _Item) -> bool:
    """Return whether a number belongs to the word before it: "EX 154", "Cohort 1"."""
    if item.first == 0:
        return False
    before = item.first - 1
    is_in_capitals = tokens.codes[before] == UNKNOWN and tokens.words[before].isupper()
    # "examplumab (EX 154, 10 mg/kg)": a code, and no dose level
    if is_in_capitals and item.value > 9:
        return True
    return rule("label_before").ends(tokens, item.first) is not None


def _list_through(tokens: Tokens, items: Sequence[_Item]) -> list[bool]:
    """Return for each joint of a list whether it makes a range."""
    # as in "between 25 and 50 mg"
    if len(items) == 2 and items[0].joint == "and":
        return [rule("between_before").ends(tokens, items[0].first) is not None]
    return [item.joint in _THROUGH for item in items[:-1]]


def _join(tokens: Tokens, items: Sequence[_Item]) -> Iterator[Quantity]:
    """Join two numbers with a dash or "to" between them into a range, but not in a chain: "75 -
    150 - 225".
    """
    if len(items) == 1:
        yield _read_bound(tokens, items[0])
        return
    through = _list_through(tokens, items)
    done = 0
    for index, item in enumerate(items):
        if index < done:
            continue
        done = index + 1
        last = item
        if _is_range(items, through, index):
            last = items[done]
            done += 1
        yield _make_quantity(item.value, last.value, item, last)


def _read_bound(tokens: Tokens, item: _Item) -> Quantity:
    """Return a single number, which may be a bound: "up to 5 mg", "at least 5 mg"."""
    low: int | float | None = item.value
    high: int | float | None = item.value
    if rule("at_most_before").ends(tokens, item.first):
        low = None
    elif rule("at_least_before").ends(tokens, item.first):
        high = None
    return _make_quantity(low, high, item, item)


def _make_quantity(
    low: float | None, high: float | None, first: _Item, last: _Item
) -> Quantity:
    """Return the quantity from ``low`` to ``high`` that two numbers state, with the unit of the
    last one; both may be the same number.
    """
    assert last.unit is not None, "_spread_units gives each number a unit"
    is_sure = first.is_sure and last.is_sure
    return Quantity(low, high, last.unit, first.first, last.end, is_sure)


def _is_range(items: Sequence[_Item], through: Sequence[bool], index: int) -> bool:
    """Return whether a number and the next one are a range, and no part of a chain.

    The range goes up, and both ends have one unit. ``through`` tells for each joint whether it can
    make a range.
    """
    if index == len(through) or not through[index]:
        return False
    goes_on = through[index + 1 : index + 2] == [True]
    if goes_on or (index > 0 and through[index - 1]):
        return False
    low = items[index]
    high = items[index + 1]
    if low.unit is None or high.unit is None:
        return False
    has_one_unit = low.unit.parts[0] == high.unit.parts[0]
    return has_one_unit and low.value < high.value


def _read_part(tokens: Tokens, at: int, end: int) -> _Item | None:
    """Return a fraction of a piece: "1/2 tablet", "one and a half tablets"; None for another
    number.
    """
    part = rule("part_of_piece").starts(tokens, at, end)
    if not part:
        return None
    unit = find_unit(tokens, part.end, end)
    if not unit:
        return None
    whole = read_number(part.read("whole") or "0") or 0
    top = read_number(part.read("top") or "0") or 0
    bottom = read_number(part.read("bottom") or "0") or 0
    if bottom in (2, 3, 4) and top < bottom:
        return _Item(whole + round(top / bottom, 2), 1, unit, at, unit.end)
    if top != 0.5 or bottom:
        return None
    # as in "one and a half tablets"
    if part.has("joint"):
        return _Item(whole + top, 1, unit, at, unit.end)
    # as in "two half tablets"
    if whole > 1:
        return None
    return _Item(top, 1, unit, at, unit.end)


def _read_half(tokens: Tokens, at: int, end: int) -> _Item | None:
    """Return half of a measure, or a whole and a half: "half a milligram", "two and a half mg";
    None for another number, or a unit that is no dose.
    """
    match = rule("half_of_unit").starts(tokens, at, end)
    if not match:
        return None
    unit = find_unit(tokens, match.end, end)
    half = match.read("half") or ""
    if not half.isalpha() or read_number(half) != 0.5:
        return None
    if not unit or not unit.dose:
        return None
    whole = read_number(match.read("whole") or "0") or 0
    # "seven and a half milligrams for every kilogram of body weight"
    if match.has("joint"):
        return _Item(whole + 0.5, 1, unit, at, unit.end)
    if whole not in (0, 1):
        return None
    return _Item(0.5, 1, unit, at, unit.end)


def _read_power_apart(tokens: Tokens, at: int, end: int) -> _Item | None:
    """Return a number of cells or organisms whose power of ten lost its sign: "5 x 10 6 cells",
    "10 6 cells/kg"; None for another number. Without a factor it is not sure.
    """
    power = rule("power_apart").starts(tokens, at, end)
    if not power or power.read("ten") != "10":
        return None
    exponent = power.read("exponent") or ""
    if not exponent.isdecimal() or int(exponent) not in _POWERS:
        return None
    scale = 10 ** int(exponent)
    factor = read_number(power.read("factor") or "1") or 1
    value = multiply(factor, scale)
    unit = _find_counted(tokens, at, power.end, end, value=value, scale=scale)
    if unit is None:
        return None
    names_nothing = unit.first == unit.end
    if names_nothing:
        return None
    return _Item(value, scale, unit, at, unit.end, is_sure=power.has("factor"))


def _read_item(tokens: Tokens, at: int, end: int) -> _Item | None:
    """Return the number that begins at a token, with its unit if it has one; None if no number
    begins there.
    """
    for read in (_read_part, _read_half, _read_power_apart):
        item = read(tokens, at, end)
        if item:
            return item
    number = _read_number(tokens, at, end)
    if not number:
        return None
    value, scale, behind = number
    # as in "six (6) tablets"
    repeat = rule("number_repeat").starts(tokens, behind, end)
    stop = repeat.end if repeat else behind
    unit = _find_unit_behind(tokens, stop, end)
    # also the cells of "CAR T" in "CAR T cells/kg"
    if unit is None or unit.parts[0].code == _CELLS.code:
        counted = _find_counted(tokens, at, stop, end, value=value, scale=scale)
        unit = counted or unit
    if unit is None:
        return _Item(value, scale, None, at, stop)
    is_sure = True
    if scale == 1:
        value, is_sure = _settle(tokens, at, behind, value, unit)
    return _Item(value, scale, unit, at, unit.end, is_sure=is_sure)


def _find_unit_behind(tokens: Tokens, at: int, end: int) -> UnitPlace | None:
    """Return the unit behind a number, also behind a hyphen and the kind of a piece: "5-mg", "two
    placebo tablets". None if it has none.
    """
    first = at
    if at < end and tokens.codes[at] == "-" and tokens.joined(at):
        first = at + 1
    unit = find_unit(tokens, first, end)
    if unit:
        return unit
    kind = rule("piece_kind").starts(tokens, at, end)
    return find_unit(tokens, kind.end, end) if kind else None


def _settle(
    tokens: Tokens, at: int, behind: int, value: int | float, unit: UnitPlace
) -> tuple[int | float, bool]:
    """Return a number without a factor as its unit makes it likely, and whether that is sure.

    The number is at ``at`` and ends before token ``behind``.
    """
    if unit.parts[0].code not in _COUNTS:
        return _choose_reading(tokens, at, value, unit)
    restored = _restore_power(tokens, at, behind, value)
    if restored == value:
        return restored, True
    # "106 cells" may be a hundred and six; nobody gives 5 x 106 of them
    has_factor = at + 1 < len(tokens) and tokens.words[at + 1] in _TIMES_WORDS
    return restored, has_factor


def _choose_reading(
    tokens: Tokens, at: int, value: int | float, unit: UnitPlace
) -> tuple[int | float, bool]:
    """Return the reading of a number that its unit makes usual, and whether it is the only
    plausible one.

    Nobody writes a dose of international units with three decimals: "10.000 IU", "1.500 U". A comma
    before three digits is a mark of thousands in all languages that give doses in milligrams with a
    dot.
    """
    word = tokens.words[at]
    readings = list_readings(word)
    if len(readings) < 2 or "," in word:
        return value, True
    if unit.parts[0].code in {"[IU]", "U", "{units}"}:
        return max(readings), True
    return value, bool(_HALVED.fullmatch(word))


def _read_number(tokens: Tokens, at: int, end: int) -> _Number | None:
    """Return the number that begins at a token, with its power of ten or scale word; None if no
    number begins there, or only one in a name.
    """
    if tokens.codes[at] != NUMBER and not _is_multiplied(tokens, at):
        return None
    power = rule("power").starts(tokens, at, end)
    if not power:
        power = rule("worded_power").starts(tokens, at, end)
    if power:
        return _read_power(tokens, at, end, power)
    value, behind = _read_decimal(tokens, at, end)
    if value is None:
        return None
    exponent = _find_bare_power(tokens, behind, end)
    if exponent is not None:
        factor = 10**exponent
        return _Number(multiply(value, factor), factor, behind + 2)
    plain = _Number(value, 1, behind)
    # "2 million", "1.5 E6"
    scale = rule("scale_after").starts(tokens, behind, end)
    if not scale:
        return plain
    scale_word = tokens.words[behind].lower()
    # "3 million cells per kg"
    if scale_word in _SCALES:
        factor = _SCALES[scale_word]
    else:
        digits = tokens.words[scale.end - 1]
        # a longer exponent is too large to represent
        if not digits.isdecimal() or len(digits) > 2:
            return plain
        factor = 10 ** int(digits)
    return _Number(multiply(value, factor), factor, scale.end)


def _is_multiplied(tokens: Tokens, at: int) -> bool:
    """Return whether a token is the second number of "2x20 drops", which looks like one in a
    name.
    """
    if at < 2 or tokens.words[at - 1] not in ("x", "X"):
        return False
    return tokens.codes[at - 2] == NUMBER


def _read_power(tokens: Tokens, at: int, end: int, power: Found) -> _Number | None:
    """Return the number of a match of the rule ``power`` or ``worded_power``; None if it is too
    large to represent.
    """
    value = read_number(power.text)
    first = read_number(tokens.words[at])
    if not value or not first:
        return None
    # "10^6" has no number before its power of ten
    second_word = tokens.words[min(at + 1, end - 1)].lower()
    is_bare = second_word in ("^", "to")
    factor = value if is_bare else value / first
    return _Number(value, factor, power.end)


def _find_bare_power(tokens: Tokens, at: int, end: int) -> int | None:
    """Return the exponent of a power of ten without a sign: "x 10e10", or "x 106" before cells or
    organisms.
    """
    if at + 1 >= end or tokens.words[at] not in _TIMES:
        return None
    ten = _TEN_TO.fullmatch(tokens.words[at + 1])
    if not ten:
        return None
    if ten["sure"]:
        return int(ten["power"])
    for first in range(at + 2, min(at + _COUNTED_REACH + 6, end)):
        # "2·106 cells": the exponent of 10 lost its place
        if _is_count(find_unit(tokens, first, end)):
            return int(ten["power"])
    return None


def _read_decimal(tokens: Tokens, at: int, end: int) -> tuple[int | float | None, int]:
    """Return a number without a power of ten, with the token behind it; None as the number if it
    cannot be read. A sign of a fraction behind it is part of it: "5 ½".
    """
    if at + 1 < end and tokens.words[at + 1] in "½¼¾":
        mixed = tokens.words[at] + tokens.words[at + 1]
        return read_number(mixed), at + 2
    return read_number(tokens.words[at]), at + 1


def _find_counted(
    tokens: Tokens, at: int, behind: int, end: int, *, value: float, scale: float
) -> UnitPlace | None:
    """Return the unit of cells or organisms that a large number counts; None if it counts none.

    A number below 10,000 counts none, unless it lost its power of ten. A bare power of ten counts
    cells, too: then the unit has no tokens. The number begins at token ``at`` and ends before
    ``behind``; ``scale`` is its power of ten.
    """
    lost = rule("lost_power").starts(tokens, at, end)
    if scale == 1 and value < _LEAST_CELLS and not lost:
        return None
    # as in "2 x 10^6 (± 20%) cells"
    tolerance = rule("tolerance_after").starts(tokens, behind, end)
    first = tolerance.end if tolerance else behind
    if lost and scale == 1:
        first = max(first, lost.end)
    is_divided = behind < end and tokens.words[behind] in ("/", "per")
    if is_divided and scale > 1:
        # as in "2 x 10^6/kg"
        per = find_unit(tokens, behind + 1, end, loose=True)
        if per and per.parts[0].code in ("kg", "m2"):
            return UnitPlace((_CELLS, per.parts[0]), behind, per.end)
    counted = _find_described(tokens, first, end)
    if counted:
        return counted
    if scale == 1 or is_divided:
        return None
    if _is_worded(tokens, at):
        return None
    return UnitPlace((_CELLS,), behind, behind)


def _is_worded(tokens: Tokens, at: int) -> bool:
    """Return whether the power of ten of a number is a word, as in "2 million", which counts
    anything.
    """
    return at + 1 < len(tokens) and tokens.words[at + 1] in _SCALES


def _find_described(tokens: Tokens, first: int, end: int) -> UnitPlace | None:
    """Return the unit of cells or organisms behind at most nine words that describe them: "viable
    CAR-positive T cells/kg". None if there is none, or if other words stand before it.
    """
    for at in range(first, min(first + _COUNTED_REACH, end)):
        unit = find_unit(tokens, at, end)
        if unit and _is_count(unit):
            # "CAR T" before "cells/kg"
            more = find_unit(tokens, unit.end, end) if unit.end < end else None
            return more if _is_count(more) else unit
        if rule("no_description").starts(tokens, at, end):
            return None
    return None


def _is_count(unit: UnitPlace | None) -> bool:
    """Return whether a unit counts cells or organisms."""
    return unit is not None and unit.parts[0].code in _COUNTS


def _restore_power(
    tokens: Tokens, at: int, behind: int, value: int | float
) -> int | float:
    """Restore a power of ten that lost its superscript: "107 cells", "5 x 107 cells"."""
    lost = rule("lost_power").starts(tokens, at)
    if not lost:
        return value
    power = tokens.words[lost.end - 1]
    if not power.startswith("10") or not power[2:].isdecimal():
        return value
    exponent = int(power[2:])
    # a bare "103" is more likely one hundred and three
    least = 3 if lost.end > at + 1 else 5
    if not least <= exponent <= 12:
        return value
    factor = value if lost.end > behind else 1
    return multiply(factor, 10**exponent)

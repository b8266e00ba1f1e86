"""Quantities: a number, a range or a list of numbers, with their unit."""

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extractor.language.book import rule
from extractor.language.lexer import NAME_NUMBER, NUMBER, UNKNOWN, Tokens
from extractor.language.numbers import list_readings, multiply, read_number
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
    """Every number with a unit, left to right. Each level of a list is one quantity, and so is each
    range.

    >>> found = find_quantities(
    ...     read_text("5, 10 or 20-40 mg/kg, up to 3 x 10^6 CAR-T cells")
    ... )
    >>> [(each.low, each.high, each.unit.dose) for each in found]
    [(5, 5, 'mg/kg'), (10, 10, 'mg/kg'), (20, 40, 'mg/kg'), (None, 3000000, 'cells')]
    """
    return (
        each for levels in find_quantity_lists(tokens, first, end) for each in levels
    )


def find_quantity_lists(
    tokens: Tokens, first: int = 0, end: int | None = None, skipped: Container[int] = ()
) -> Iterator[tuple[Quantity, ...]]:
    """Like ``find_quantities``, grouped by list. ``skipped`` holds number tokens that are no
    quantities.
    """
    end = len(tokens) if end is None else end
    done = first
    for found in _NUMBERS.finditer(tokens.codes, first, end):
        at = found.start()
        if at < done or at in skipped:
            continue
        before = tokens.text[max(0, tokens.starts[at] - 2) : tokens.starts[at]]
        if before[-1:].isalpha() and before[-1:] not in "xX":
            continue
        if before[-1:] == "-" and before[:1].isalpha():
            continue  # "TAK-861", "ID93"
        items = _drop_label(tokens, _read_chain(tokens, at, end, skipped))
        if items:
            yield tuple(_join(tokens, items))
            done = items[-1].end
        else:
            number = _read_number(tokens, at, end)
            done = number[2] if number else _read_decimal(tokens, at, end)[1]


@dataclass(frozen=True, slots=True)
class _Item:
    """A number of a list with its own unit, if any. ``joint`` is the text between it and the
    next number.
    """

    value: int | float
    scale: int | float
    unit: UnitPlace | None
    first: int
    end: int
    joint: str = ""
    is_sure: bool = True


def _read_chain(
    tokens: Tokens, at: int, end: int, skipped: Container[int]
) -> list[_Item]:
    """Return the numbers of a list up to the last one with a unit."""
    items: list[_Item] = []
    while (
        len(items) < _MOST_LEVELS
        and at < end
        and at not in skipped
        and (item := _read_item(tokens, at, end))
    ):
        if items and not _are_levels(items, item):
            break
        items.append(item)
        joint, at = _read_joint(tokens, item.end, end)
        if joint is None:
            break
        items[-1] = replace(item, joint=joint)
    while items and items[-1].unit is None:
        items.pop()
    if not items:
        return items
    # A unit or power of ten counts for the numbers before it that have none, and a final "per day"
    # for all.
    unit = last = items[-1].unit
    scale = items[-1].scale
    spread = list[_Item]()
    for item in reversed(items):
        if item.unit and last and last.parts[:-1] == item.unit.parts:
            unit = last
        else:
            unit = item.unit or unit
        scale = item.scale if item.unit else scale
        shares = item.scale == 1 and scale > 1 and item.value < 1000
        spread.append(
            replace(
                item,
                unit=unit,
                value=multiply(item.value, scale) if shares else item.value,
            )
        )
    return spread[::-1]


def _read_joint(tokens: Tokens, at: int, end: int) -> tuple[str | None, int]:
    """Return the joint after a number, and where the next one begins. The hyphen of "5mg-10mg"
    is no token.
    """
    if at < end and tokens.gap(at) == "-":
        return "-", at
    # "1x, 3x and 10x 10^5"
    at += tokens.words[at : min(at + 1, end)] in (
        ["x"],
        ["X"],
        ["×"],
    )
    joint = rule("level_joint").starts(tokens, at, end)
    return (joint.text.lower().strip(", "), joint.end) if joint else (None, at)


def _are_levels(items: Sequence[_Item], item: _Item) -> bool:
    """Return whether a number can continue a list: all units of a list have one dimension."""
    last = next((each.unit for each in reversed(items) if each.unit), None)
    if items[-1].joint == ";" and last:
        return False
    if last is None or item.unit is None:
        return True
    return (
        find_dimension(last.parts[0].code)[1]
        == find_dimension(item.unit.parts[0].code)[1]
    )


def _is_numbered(tokens: Tokens, item: _Item) -> bool:
    """Return whether a number before a dash is that of a cohort or vial: "Cohort 1 - 10 mg"."""
    spaced = not tokens.joined(item.end)
    return spaced and rule("numbered_label").ends(tokens, item.first) is not None


def _drop_label(tokens: Tokens, items: list[_Item]) -> list[_Item]:
    """Drop a first number that belongs to the word before it: "EX 154, 10 mg/kg", "Cohort 1, 10
    mg".
    """
    if len(items) > 1 and items[0].joint == "-" and _is_numbered(tokens, items[0]):
        return items[1:]
    first = items[0].first if len(items) > 1 and items[0].joint == "" else 0
    coded = (
        first
        and tokens.codes[first - 1] == UNKNOWN
        and tokens.words[first - 1].isupper()
        and items[0].value > 9
    )
    return (
        items[1:]
        if first and (coded or rule("label_before").ends(tokens, first))
        else items
    )


def _list_through(tokens: Tokens, items: Sequence[_Item]) -> list[bool]:
    """Return for each joint of a list whether it makes a range."""
    # "between 25 and 50 mg"
    if len(items) == 2 and items[0].joint == "and":
        return [rule("between_before").ends(tokens, items[0].first) is not None]
    return [item.joint in _THROUGH for item, _ in pairwise(items)]


def _join(tokens: Tokens, items: Sequence[_Item]) -> Iterator[Quantity]:
    """Join two numbers with a dash or "to" between them into a range, but not in a chain: "75 -
    150 - 225".
    """
    if len(items) == 1 and (unit := items[0].unit):
        (item,) = items
        low = None if rule("at_most_before").ends(tokens, item.first) else item.value
        if low is not None and rule("at_least_before").ends(tokens, item.first):
            high = None
        else:
            high = item.value
        yield Quantity(low, high, unit, item.first, item.end, item.is_sure)
        return
    through = _list_through(tokens, items)
    done = -1
    for place, item in enumerate(items):
        if place == done or item.unit is None:
            continue
        alone = through[place : place + 2] in ([True], [True, False]) and not (
            place and through[place - 1]
        )
        behind = items[place + 1] if alone else None
        if (
            behind
            and behind.unit
            and item.value < behind.value
            and item.unit.parts[0] == behind.unit.parts[0]
        ):
            done = place + 1
            sure = item.is_sure and behind.is_sure
            yield Quantity(
                item.value, behind.value, behind.unit, item.first, behind.end, sure
            )
        else:
            yield Quantity(
                item.value, item.value, item.unit, item.first, item.end, item.is_sure
            )


def _read_part(tokens: Tokens, at: int, end: int) -> _Item | None:
    """Return a fraction of a piece: "1/2 tablet", "one and a half tablets"."""
    found = rule("part_of_piece").starts(tokens, at, end)
    if not found or not (unit := find_unit(tokens, found.end, end)):
        return None
    whole, top, bottom = (
        read_number(found.read(name) or "0") or 0 for name in ("whole", "top", "bottom")
    )
    if bottom in (2, 3, 4) and top < bottom:
        return _Item(whole + round(top / bottom, 2), 1, unit, at, unit.end)
    if top != 0.5 or bottom or (whole > 1 and not found.has("joint")):
        return None
    return _Item(top + (whole if found.has("joint") else 0), 1, unit, at, unit.end)


def _read_half(tokens: Tokens, at: int, end: int) -> _Item | None:
    """Return half of a measure, or a whole and a half: "half a milligram", "two and a half mg"."""
    found = rule("half_of_unit").starts(tokens, at, end)
    if not found:
        return None
    half = found.read("half") or ""
    unit = find_unit(tokens, found.end, end)
    if not half.isalpha() or read_number(half) != 0.5 or not (unit and unit.dose):
        return None
    whole = read_number(found.read("whole") or "0") or 0
    if found.has("joint"):
        return _Item(whole + 0.5, 1, unit, at, unit.end)
    return _Item(0.5, 1, unit, at, unit.end) if whole in (0, 1) else None


def _read_power_apart(tokens: Tokens, at: int, end: int) -> _Item | None:
    """Return a number of cells or organisms whose power of ten lost its sign: "5 x 10 6 cells",
    "10 6 cells/kg".
    """
    found = rule("power_apart").starts(tokens, at, end)
    if not found or found.read("ten") != "10":
        return None
    exponent = found.read("exponent") or ""
    if not exponent.isdecimal() or int(exponent) not in _POWERS:
        return None
    scale = 10 ** int(exponent)
    factor = read_number(found.read("factor") or "1") or 1
    value = multiply(factor, scale)
    unit = _find_counted(tokens, at, found.end, end, value=value, scale=scale)
    if not unit or unit.first == unit.end:  # nothing is named that is counted
        return None
    return _Item(value, scale, unit, at, unit.end, is_sure=found.has("factor"))


def _read_item(tokens: Tokens, at: int, end: int) -> _Item | None:
    part = _read_part(tokens, at, end) or _read_half(tokens, at, end)
    if part:
        return part
    apart = _read_power_apart(tokens, at, end)
    if apart:
        return apart
    number = _read_number(tokens, at, end)
    if not number:
        return None
    value, scale, behind = number
    repeat = rule("number_repeat").starts(tokens, behind, end)
    stop = repeat.end if repeat else behind
    # "5-mg"
    hyphen = tokens.codes[stop : min(stop + 1, end)] == "-" and tokens.joined(stop)
    unit = find_unit(tokens, stop + hyphen, end)
    # "two placebo tablets"
    if not unit and (kind := rule("piece_kind").starts(tokens, stop, end)):
        unit = find_unit(tokens, kind.end, end)
    if unit is None or unit.parts[0].code == _CELLS.code:  # "CAR T" of "CAR T cells/kg"
        unit = _find_counted(tokens, at, stop, end, value=value, scale=scale) or unit
    sure = True
    if unit and scale == 1:
        value, sure = _settle(tokens, at, behind, value, unit)
    return _Item(value, scale, unit, at, unit.end if unit else stop, is_sure=sure)


def _settle(
    tokens: Tokens, at: int, behind: int, value: int | float, unit: UnitPlace
) -> tuple[int | float, bool]:
    """Return a number without a factor as its unit makes it likely, and whether that is sure."""
    if unit.parts[0].code not in _COUNTS:
        return _choose_reading(tokens, at, value, unit)
    restored = _restore_power(tokens, at, behind, value)
    # "106 cells" may be a hundred and six; nobody gives 5 x 106 of them
    has_factor = tokens.words[at + 1 : at + 2] in (["x"], ["X"], ["×"], ["*"], ["·"])
    return restored, restored == value or has_factor


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


def _read_number(
    tokens: Tokens, at: int, end: int
) -> tuple[int | float, int | float, int] | None:
    """Return a number, the factor of its power of ten or scale word, and its end."""
    if tokens.codes[at] != NUMBER and not (
        at > 1
        and tokens.words[at - 1] in ("x", "X")
        and tokens.codes[at - 2] == NUMBER  # the second of "2x20 drops"
    ):
        return None
    power = rule("power").starts(tokens, at, end) or rule("worded_power").starts(
        tokens, at, end
    )
    if power:
        value = read_number(power.text)
        first = read_number(tokens.words[at])
        bare = tokens.words[min(at + 1, end - 1)].lower() in ("^", "to")
        if not value or not first:
            return None
        return value, value if bare else value / first, power.end
    value, behind = _read_decimal(tokens, at, end)
    if value is None:
        return None
    if behind + 1 < end and tokens.words[behind] in "xX*×·":
        ten = _TEN_TO.fullmatch(tokens.words[behind + 1])
        # "106" of cells or organisms lost its sign
        near = range(behind + 2, min(behind + _COUNTED_REACH + 6, end))
        units = (find_unit(tokens, place, end) for place in near)
        # "5 x 10e10"
        if ten and (
            ten["sure"] or any(one.parts[0].code in _COUNTS for one in units if one)
        ):
            factor = 10 ** int(ten["power"])
            return multiply(value, factor), factor, behind + 2
    scaled = rule("scale_after").starts(tokens, behind, end)
    if not scaled:
        return value, 1, behind
    exponent = tokens.words[scaled.end - 1]
    factor = _SCALES.get(tokens.words[behind].lower())
    # too large to represent
    if factor is None and not (exponent.isdecimal() and len(exponent) <= 2):
        return value, 1, behind
    factor = factor or 10 ** int(exponent)
    return multiply(value, factor), factor, scaled.end


def _read_decimal(tokens: Tokens, at: int, end: int) -> tuple[int | float | None, int]:
    """Read a number without a power of ten."""
    if at + 1 < end and tokens.words[at + 1] in "½¼¾":
        return read_number(tokens.words[at] + tokens.words[at + 1]), at + 2
    return read_number(tokens.words[at]), at + 1


def _find_counted(
    tokens: Tokens, at: int, behind: int, end: int, *, value: float, scale: float
) -> UnitPlace | None:
    """Return the unit of cells or organisms that a large number counts. A bare power of ten
    counts cells too.
    """
    lost = rule("lost_power").starts(tokens, at, end)
    if scale == 1 and value < _LEAST_CELLS and not lost:
        return None
    tolerance = rule("tolerance_after").starts(tokens, behind, end)
    place = tolerance.end if tolerance else behind
    if lost and scale == 1:
        place = max(place, lost.end)
    divided = tokens.words[behind : min(behind + 1, end)] in (["/"], ["per"])
    per = find_unit(tokens, behind + 1, end, loose=True) if divided else None
    if per and scale > 1 and per.parts[0].code in ("kg", "m2"):
        return UnitPlace((_CELLS, per.parts[0]), behind, per.end)
    for first in range(place, min(place + _COUNTED_REACH, end)):
        found = find_unit(tokens, first, end)
        if found and found.parts[0].code in _COUNTS:
            # "CAR T" before "cells/kg"
            more = find_unit(tokens, found.end, end) if found.end < end else None
            return more if more and more.parts[0].code in _COUNTS else found
        if rule("no_description").starts(tokens, first, end):
            break
    worded = tokens.words[at + 1 : at + 2] in (["million"], ["billion"], ["thousand"])
    return (
        None
        if scale == 1 or worded or divided
        else UnitPlace((_CELLS,), behind, behind)
    )


def _restore_power(
    tokens: Tokens, at: int, behind: int, value: int | float
) -> int | float:
    """Restore a power of ten that lost its superscript: "107 cells", "5 x 107 cells"."""
    lost = rule("lost_power").starts(tokens, at)
    if not lost:
        return value
    power = tokens.words[lost.end - 1]
    # a bare "103" is more likely one hundred and three
    least = 3 if lost.end > at + 1 else 5
    if not (
        power.startswith("10")
        and power[2:].isdecimal()
        and least <= int(power[2:]) <= 12
    ):
        return value
    return multiply(value if lost.end > behind else 1, 10 ** int(power[2:]))

"""Read quantities: a number, a range or a list of numbers, with a unit."""

import re
from collections.abc import Container, Iterator, Sequence, Set
from dataclasses import dataclass, replace

from extractor.language.book import read_term, rule
from extractor.language.lexer import NAME_NUMBER, NUMBER, UNKNOWN, Tokens, keep
from extractor.language.numbers import (
    SCALES,
    Numeric,
    list_readings,
    multiply,
    read_number,
)
from extractor.language.units import UnitPlace, find_dimension, find_unit, list_units

_NUMBERS = re.compile(f"[{NUMBER}{NAME_NUMBER}]")
_END_OF_CODE = re.compile(r"(?:[^\W\d_]-|(?<![^\W\d_]{4})[^\W\d_xX])\Z")
"""The characters that precede the number in a code such as "TAK-861" or "ID93". The "x" in "2x20"
is not part of a code, and nor is a word of five letters: "examplatin100mg".
"""
UP_TO = "up to"
"""The comparator of the highest dose, unlike "<=", which limits a dose."""
# Half of it reads "1, 2, 3, 4, 5, 6, 7 or 8 mg once daily" otherwise.
_MOST_LEVELS = 12
"""Maximum number of levels in a list."""
_THROUGH = re.compile(r"-|~|to|through|up to|(?:and )?then (?:up )?to")
_COUNTS = ("{cells}", "[CFU]", "[PFU]", "{vg}", "{vp}", "[TCID_50]", "{organisms}")
"""The units of counts that are usually written with a power of ten."""
_CELLS = next(unit for unit in list_units() if unit.code == "{cells}")
_LOST_POWER = re.compile(r"10([5-9]|1[0-2])")
"""A power of ten that lost its superscript. "103" is excluded, because it is more likely to be one
hundred and three.
"""
# Half of it is sure of "Infusion of 600 cells/kg once".
_FEWEST = 1000
"""A count of cells or organisms below this value has probably lost its power of ten, as in "2 x
106".
"""
# Half of it reads "2 x 10^6 viable autologous anti-CD19 CAR-positive T cells/kg" otherwise.
_COUNTED_REACH = 9
"""Maximum number of tokens that describe the counted cells or organisms: "2 x 10^6 viable
CAR-positive T cells".
"""
_LONGEST_COMPARATOR = 16
"""Maximum number of tokens before a number that are searched for its comparator, which is the
length of the rule's longest match.
"""


@dataclass(frozen=True, slots=True)
class WrittenQuantity:
    """A quantity from ``low`` to ``high`` in the tokens ``first:end``; an open end is None, as in
    "up to 40 mg" and "at least 40 mg". A number that only limits a quantity, as in "at most 40 mg",
    has both ends.
    """

    low: Numeric | None
    high: Numeric | None
    unit: UnitPlace
    first: int
    end: int
    is_sure: bool = True
    """Whether the number can be read in only one way."""
    comparator: str = ""
    """The comparator before a list, such as "<=" or ``UP_TO``, on its first quantity."""


@dataclass(slots=True)
class _ListedNumber:
    """A number in a list, with its unit, which may be None. ``joint`` is the text between this
    number and the next. ``scale`` is the factor of its power of ten, which ``value`` already
    includes.
    """

    value: Numeric
    scale: Numeric
    unit: UnitPlace | None
    first: int
    end: int
    is_sure: bool = True
    joint: str = ""


@keep
def find_quantity_lists(
    tokens: Tokens, skipped: Set[int] = frozenset()
) -> list[tuple[WrittenQuantity, ...]]:
    """Return the numbers with units, in order and grouped by list. Each level of a list and each
    range is one quantity.

    ``skipped`` contains the indexes of number tokens that are not quantities.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("5, 10 or 20-40 mg/kg, up to 3 x 10^6 CAR-T cells")
    >>> for levels in find_quantity_lists(tokens):
    ...     [(dose.low, dose.high, dose.unit.dose) for dose in levels]
    [(5, 5, 'mg/kg'), (10, 10, 'mg/kg'), (20, 40, 'mg/kg')]
    [(None, 3000000, 'cells')]
    """
    lists: list[tuple[WrittenQuantity, ...]] = []
    done = 0
    for digits in _NUMBERS.finditer(tokens.codes):
        at = digits.start()
        start = tokens.starts[at]
        if at < done or at in skipped:
            continue
        if _END_OF_CODE.search(tokens.text, max(0, start - 2), start):
            continue
        items = _drop_label(tokens, _read_chain(tokens, at, skipped))
        if items:
            lists.append(tuple(_pair_ends(tokens, items)))
            done = items[-1].end
            continue
        # a number without a unit is passed, with its power of ten
        done = at + 1
        number = _read_number(tokens, at)
        if number:
            *_, done = number
    return lists


def _read_chain(
    tokens: Tokens, at: int, skipped: Container[int]
) -> list[_ListedNumber]:
    """Return the numbers in the list that begins at a token, up to the last number with a unit,
    but at most twelve numbers. Return an empty list if no number has a unit. The list ends where a
    separator ("," or "to") is missing, or where the dimension of the units changes.
    """
    items: list[_ListedNumber] = []
    end = len(tokens)
    while len(items) < _MOST_LEVELS and at < end and at not in skipped:
        item = _read_item(tokens, at)
        if item is None or not _continues(items, item):
            break
        items.append(item)
        at = item.end
        if tokens.gap(at) == "-":
            item.joint = "-"  # the hyphen in "5mg-10mg" is not a token
            continue
        # as in "1x, 3x and 10x 10^5"
        if at < end and tokens.words[at] in ("x", "X", "×"):
            at += 1
        joint = rule("level_joint").starts(tokens, at)
        if joint is None:
            break
        item.joint = joint.text.lower().strip(", ")
        at = joint.end
    while items and items[-1].unit is None:
        items.pop()
    _spread_units(items)
    return items


def _continues(items: Sequence[_ListedNumber], item: _ListedNumber) -> bool:
    """Return whether a number can continue a list. All units in a list have the same dimension, and
    a semicolon after a unit ends the list.
    """
    units = [level.unit for level in (*items, item) if level.unit]
    has_unit = any(level.unit for level in items)
    if has_unit and items[-1].joint == ";":
        return False
    # earlier units have already been compared
    dimensions = {find_dimension(unit.parts[0].code)[1] for unit in units[-2:]}
    return len(dimensions) < 2


def _spread_units(items: Sequence[_ListedNumber]) -> None:
    """Give each number that has no unit the unit of the next number that has one, and multiply the
    unitless number by the same power of ten: "5, 10 or 20 x 10^6 cells/kg". The last number must
    have a unit.

    A final "per day" applies to all numbers: "5 mg/kg or 10 mg/kg per day". A number of 1,000 or
    more is assumed to be written in full and is not multiplied.
    """
    # from the last number to the first: the unit and the scale of the next number
    unit = None
    scale: Numeric = 1
    for item in reversed(items):
        if item.unit:
            # "2.5 mg, 5 mg or 10 mg per day": the rate applies to all levels
            last = items[-1].unit
            is_short = last is not None and last.parts[:-1] == item.unit.parts
            unit = item.unit
            if is_short:
                unit = last
            scale = item.scale
        elif item.scale == 1 and item.value < 1000:
            item.value = multiply(item.value, scale)
        item.unit = unit


def _drop_label(tokens: Tokens, items: list[_ListedNumber]) -> list[_ListedNumber]:
    """Return the numbers in a list, omitting the first number if it is part of a label: "EX 154,
    10 mg/kg", "Cohort 1 - 10 mg".
    """
    if len(items) < 2 or items[0].first == 0:
        return items
    label = items[0]
    # the dash of "Cohort 1 - 10 mg", unlike that of "5-10 mg"
    is_numbered = label.joint == "-" and not tokens.joined(label.end)
    # the joint of a comma is ""
    if label.joint and not is_numbered:
        return items
    is_unknown = tokens.codes[label.first - 1] == UNKNOWN
    is_code = is_unknown and tokens.words[label.first - 1].isupper()
    # "EX 154" is a code, but "IV 5" is not
    if is_code and label.value > 9 and not is_numbered:
        return items[1:]
    names = "label_before"
    if is_numbered:
        names = "numbered_label"
    if rule(names).ends(tokens, label.first):
        return items[1:]
    return items


def _pair_ends(
    tokens: Tokens, items: Sequence[_ListedNumber]
) -> Iterator[WrittenQuantity]:
    """Yield a quantity for each range and for each remaining number. Two numbers are treated as a
    range if they are joined by a dash or "to", are in ascending order and have the same unit. Three
    or more numbers joined by dashes are not treated as ranges: "75 - 150 - 225".
    """
    if len(items) == 1:
        yield _compare_alone(tokens, items[0])
        return
    opens_range = _find_ranges(tokens, items)
    index = 0
    while index < len(items):
        item = items[index]
        comparator = ""
        if index == 0:
            comparator = _read_comparator(tokens, item.first)
        last = item
        index += 1
        if opens_range[index - 1]:
            following = items[index]
            if _is_capped(item, following):
                # what follows "5 mg/kg up to" is the most that is given, and no quantity
                index += 1
            elif _ascends(item, following):
                last = following
                index += 1
        yield _join_ends(item, last, comparator)


def _compare_alone(tokens: Tokens, item: _ListedNumber) -> WrittenQuantity:
    """Return the only number of a list as a quantity, whose comparator may leave an end open: "up
    to 5 mg". One behind it stands closer, as in "10 mg or more".
    """
    comparator = _read_comparator_behind(tokens, item.end)
    if not comparator:
        comparator = _read_comparator(tokens, item.first)
    quantity = _join_ends(item, item, comparator)
    if comparator in (UP_TO, "<=", "<"):
        return replace(quantity, low=None)
    if comparator in (">=", ">"):
        return replace(quantity, high=None)
    return quantity


def _join_ends(
    first: _ListedNumber, last: _ListedNumber, comparator: str
) -> WrittenQuantity:
    """Return a quantity from its lower number to its upper one, which may be the same."""
    assert last.unit, "_spread_units sets the unit of each number"
    return WrittenQuantity(
        low=first.value,
        high=last.value,
        unit=last.unit,
        first=first.first,
        end=last.end,
        is_sure=first.is_sure and last.is_sure,
        comparator=comparator,
    )


def _find_ranges(tokens: Tokens, items: Sequence[_ListedNumber]) -> list[bool]:
    """Return, for each number, whether its joint to the next one denotes a range, and the joints
    beside it do not, unlike those in "75 - 150 - 225".
    """
    joints = [_THROUGH.fullmatch(item.joint) is not None for item in items[:-1]]
    # as in "between 25 and 50 mg"
    if len(items) == 2 and items[0].joint == "and":
        joints = [rule("between_before").ends(tokens, items[0].first) is not None]
    # at [index] the joint before a number, at [index + 1] the joint after it
    around = [False, *joints, False, False]
    return [
        around[index : index + 3] == [False, True, False] for index in range(len(items))
    ]


def _is_capped(item: _ListedNumber, following: _ListedNumber) -> bool:
    """Return whether the second of two numbers is the most of the first: "5 mg/kg up to 300 mg"."""
    assert item.unit
    assert following.unit
    return len(item.unit.parts) > len(following.unit.parts)


def _ascends(item: _ListedNumber, following: _ListedNumber) -> bool:
    """Return whether two numbers can be the ends of a range: "5 mg to 10 g" and "10 to 5 mg" are
    two doses each.
    """
    assert item.unit
    assert following.unit
    if item.unit.parts[0] != following.unit.parts[0]:
        return False
    return item.value < following.value


def _read_comparator_behind(tokens: Tokens, at: int) -> str:
    """Return the comparator that words behind a number state ("or more"); "" if there are none."""
    behind = rule("open_after").starts(tokens, at)
    if behind is None:
        return ""
    if behind.has("least"):
        return ">="
    return UP_TO


def _read_comparator(tokens: Tokens, at: int) -> str:
    """Return the comparator before a number as a sign or ``UP_TO``; "" if there is none."""
    before = rule("comparator_before").ends(tokens, at, at - _LONGEST_COMPARATOR)
    if before is None:
        return ""
    if before.has("highest"):
        return UP_TO
    entry = read_term("comparators", tokens, *before.place("sign"))
    if entry:
        return entry.value
    return ""


def _read_item(tokens: Tokens, at: int) -> _ListedNumber | None:
    """Return the number that begins at a token, with its unit if it has one. Return None if no
    number begins at the token.
    """
    fraction = _read_fraction(tokens, at)
    if fraction:
        return fraction
    number = _read_number(tokens, at)
    if not number:
        return None
    value, scale, after = number
    # as in "six (6) tablets"
    repeat = rule("number_repeat").starts(tokens, after)
    stop = after
    if repeat:
        stop = repeat.end
    unit = _find_unit_after(tokens, stop)
    # also for "CAR T" in "CAR T cells/kg", which is itself read as a unit of cells
    if unit is None or unit.parts[0].code == _CELLS.code:
        is_worded = tokens.words[after - 1] in SCALES
        unit = _find_counted(tokens, stop, scale, is_worded=is_worded) or unit
    if unit is None:
        return _ListedNumber(value, scale, None, at, stop)
    if scale != 1:
        return _ListedNumber(value, scale, unit, at, unit.end)
    value, is_sure = _disambiguate(tokens, at, value, unit)
    return _ListedNumber(value, scale, unit, at, unit.end, is_sure)


def _read_fraction(tokens: Tokens, at: int) -> _ListedNumber | None:
    """Return a fraction of a tablet or similar piece, or a number that includes a half: "1/2
    tablet", "two and a half mg", "half a tablet". Return None for any other number.
    """
    fraction = rule("part_of_unit").starts(tokens, at)
    if not fraction:
        return None
    unit = find_unit(tokens, fraction.end)
    if not unit or not unit.dose:
        return None
    written = fraction.read("value").lower()
    # "1/2 tablet" is a fraction, but "5/325 mg" is not
    is_piece = rule("dose_piece").starts(tokens, fraction.end) is not None
    if "half" not in written and not (is_piece and "/" in written):
        return None
    value = read_number(written.replace("and half", "and a half"))
    if value is None:
        return None
    return _ListedNumber(value, 1, unit, at, unit.end)


def _find_unit_after(tokens: Tokens, at: int) -> UnitPlace | None:
    """Return the unit that follows a number, skipping a hyphen or a word that describes a tablet or
    similar piece: "5-mg", "two placebo tablets". Return None if no unit follows.
    """
    first = at
    if tokens.joined(at) and tokens.codes[at] == "-":
        first += 1
    unit = find_unit(tokens, first)
    if unit:
        return unit
    kind = rule("piece_kind").starts(tokens, at)
    if kind:
        return find_unit(tokens, kind.end)
    return None


def _disambiguate(
    tokens: Tokens, at: int, value: Numeric, unit: UnitPlace
) -> tuple[Numeric, bool]:
    """Return the most likely value of the number at a token, given its unit, and whether the
    number can be read in only one way. Doses in international units are not written with three
    decimal places, so "10.000 IU" and "1.500 U" are read as thousands. A comma before three digits
    is read as a thousands separator.
    """
    word = tokens.words[at]
    code = unit.parts[0].code
    if code in _COUNTS:
        # "106 cells" is 10^6 cells; so small a count is doubtful even if no power was lost
        lost = _LOST_POWER.fullmatch(word)
        count = value
        if lost:
            count = 10 ** int(lost[1])
        return count, value >= _FEWEST
    readings = list_readings(word)
    if len(readings) < 2 or "," in word:
        return value, True
    if code in ("[IU]", "U", "{units}"):
        return max(readings), True
    return value, False


def _read_number(tokens: Tokens, at: int) -> tuple[Numeric, Numeric, int] | None:
    """Return the value of the number that begins at a token, the factor of its power of ten or
    scale word, and the index of the token after the number. Return None if no number begins at the
    token, or if the number is part of a name.
    """
    number = rule("number").starts(tokens, at)
    # the second number in "2x20 drops" resembles a number in a name
    is_multiplied = (
        at > 1 and tokens.words[at - 1] in "xX" and tokens.codes[at - 2] == NUMBER
    )
    if number is None and not is_multiplied:
        return None
    plain = read_number(tokens.words[at])
    value = plain
    if number:
        value = read_number(number.text)
    if value is None:
        return None
    # 1000000 for "2 x 10^6"; a smaller ratio is a fraction, such as 1.1 for "5½"
    scale: Numeric = 1
    if plain:
        scale = value / plain
    if scale < _FEWEST:
        scale = 1
    return value, scale, number.end if number else at + 1


def _find_counted(
    tokens: Tokens, after: int, scale: float, *, is_worded: bool
) -> UnitPlace | None:
    """Return the unit of the cells or organisms that a number counts, such as "T cells/kg" in
    "2 x 10^6 viable CAR-positive T cells/kg". At most nine words may precede the unit.

    A power of ten without a unit is read as a number of cells; its unit then has no tokens. Return
    None if the number does not count cells or organisms.

    Args:
        tokens: The text.
        after: The index of the token after the number.
        scale: The factor of the power of ten; 1 if the number has no power of ten.
        is_worded: Whether the power of ten is written as a word ("2 million"), which may count
        anything.
    """
    end = len(tokens)
    is_divided = after < end and tokens.words[after] in ("/", "per")
    if is_divided and scale > 1:
        # as in "2 x 10^6/kg"
        per = find_unit(tokens, after + 1, loose=True)
        if per and per.parts[0].code in ("kg", "m2"):
            return UnitPlace((_CELLS, per.parts[0]), after, per.end)
    # as in "2 x 10^6 (± 20%) cells"
    tolerance = rule("tolerance_after").starts(tokens, after)
    first = after
    if tolerance:
        first = tolerance.end
    for at in range(first, min(first + _COUNTED_REACH, end)):
        unit = find_unit(tokens, at)
        if unit and _is_count(unit):
            # "CAR T" before "cells/kg"
            more = find_unit(tokens, unit.end)
            if _is_count(more):
                return more
            return unit
        if rule("no_description").starts(tokens, at):
            break
    # "2 x 10^6" alone counts cells; "2 x 10^6 per year" and "2 million" may count anything
    if scale == 1 or is_divided or is_worded:
        return None
    return UnitPlace((_CELLS,), after, after)


def _is_count(unit: UnitPlace | None) -> bool:
    """Return whether a unit counts cells or organisms."""
    return unit is not None and unit.parts[0].code in _COUNTS

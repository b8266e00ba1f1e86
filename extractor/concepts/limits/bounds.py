"""A limit of a criterion: its comparator, its numbers with their powers of ten, the words that
name its quantity.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from extractor.concepts.limits.lists import find_list_start
from extractor.concepts.limits.quantity_names import (
    find_worse_side,
    name_quantity,
    names_quantity,
)
from extractor.language.book import read_term, rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.numbers import (
    TIMES,
    Duration,
    find_durations,
    has_minus,
    list_readings,
    multiply,
    read_number,
)
from extractor.language.patterns import Found
from extractor.language.units import read_unit
from extractor.schemas import Comparator

LOWER = (Comparator.AT_LEAST, Comparator.MORE)
UPPER = (Comparator.AT_MOST, Comparator.LESS)
BOTH_COUNT = (Comparator.AT_LEAST, Comparator.AT_MOST)
"""The comparators of a range whose ends count."""
_MIRRORED = dict(zip((*LOWER, *UPPER), (*UPPER, *LOWER), strict=True))
COUNTS = TIMES | {"double": 2, "triple": 3}
"""Words that multiply, or count how often."""
_NAME_REACH = 8
"""How many tokens before a minus may name the quantity."""
_WHOLE = 1000
"""A smaller number may share the power of ten of the next one."""
_DIGITS = re.compile(
    r"\d(?:[\d., ]*\d)?(?:·(?!\s?10)\d+)?(?=\s?(?:[a-z*×^]|·\s?10))",
    re.IGNORECASE,
)
_LOST_POWER = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?(?= 109$)")
"""The number before a power of ten that lost its signs: "10 109"."""
_CLAUSE = re.compile("[;,]|\\band\\b")
_SIGNED_UNITS = frozenset(
    {"D", "DS", "dioptre", "dioptres", "diopter", "diopters", "dB", "SD", "°"}
)
_QUANTITY_BEFORE_LIMIT = 32
"""How many tokens before a limit are searched for its quantity."""
_OPEN = "([（"
_CLOSED = ")]）"
_EDGES = " ,:;([-)]<>≤≥="
_AND = frozenset({"and", "or"})
_LONGEST_IN_LIST = 5
"""The most words of a quantity in a list."""


@dataclass(frozen=True, slots=True)
class Limit:
    """``first:end`` limits ``quantity``, all in tokens of the criterion. ``unit`` is None for
    counts and grades.

    ``rate`` is the part of the unit after the substance ("10 mg prednisone per day"). ``time_unit``
    is set if the limit is a length of time or an age. ``sure`` is false if the comparator follows
    from the kind of the list, and ``settled`` if its number has another reading ("1.500") that is
    as likely.
    """

    comparator: Comparator
    value: int | float
    value_high: int | float | None
    first: int
    end: int
    quantity: Range | None = None
    unit: Range | None = None
    time_unit: str | None = None
    sure: bool = True
    rate: Range | None = None
    settled: bool = True


def mirror_comparator(comparator: Comparator) -> Comparator:
    """Return the comparator of a value whose sign or direction changes.

    >>> mirror_comparator(Comparator.AT_LEAST).value
    '<='
    """
    return _MIRRORED.get(comparator, comparator)


def read_comparator(vocabulary: str, found: Found, name: str) -> Comparator | None:
    """Return the comparator in a named part of a match; None if the part did not match."""
    part = found.part(name)
    entry = read_term(vocabulary, found.tokens, *part) if part else None
    return Comparator(entry.value) if entry else None


def turn_comparator(
    turned: str, quantity: str, unit: str | None = None
) -> Comparator | None:
    """The comparator of "or better" and "worse than": the direction of the quantity's scale
    decides, if it is known.

    >>> (
    ...     turn_comparator("or better", "ECOG").value,
    ...     turn_comparator("or better", "BCVA", "letters").value,
    ... )
    ('<=', '>=')
    >>> (
    ...     turn_comparator("no worse than", "ECOG").value,
    ...     turn_comparator("worse than", "ECOG").value,
    ... )
    ('<=', '>')
    """
    worse = find_worse_side(quantity, unit)
    if worse is None:
        return None
    words = turned.lower().split()
    denied = words[0] in ("no", "not")
    upwards = ((worse == "higher") is ("worse" in words)) is not denied
    if "than" in words and not denied:
        return Comparator.MORE if upwards else Comparator.LESS
    return Comparator.AT_LEAST if upwards else Comparator.AT_MOST


def read_pair(found: Found) -> tuple[int | float | None, int | float | None]:
    """Return the lower and the upper number of a measure; None for one that it does not have.

    A power of ten after the second is that of both: "3.5-12 x 10^9/L". Numbers below zero may fall.
    """
    low = read_value(found, "low")
    high = read_value(found, "high")
    if low is None or high is None:
        return low, high
    if high < 0 < low and has_minus(found.tokens, found.place("low")[0]):
        low = -low
    low = scale_alike(low, found.read("high") or "")
    if 0 < high < low:  # "1.000-1.800 g" has two decimals, or two thousands
        lows, highs = (
            list_readings(found.read(name) or "") for name in ("low", "high")
        )
        rising = (
            (one, other)
            for one in lows
            for other in highs
            if one < other and (one > 999) is (other > 999)
        )
        low, high = next(rising, (low, high))
    falls = high < low and (low < 0 or high < 0) and not found.has("second")
    return (high, low) if falls else (low, high)


def scale_alike(value: float, other: str) -> int | float:
    """Return a value with the power of ten of the next number on its quantity: "10" before "or < 4
    x 10^9/L".

    >>> [
    ...     scale_alike(3, other)
    ...     for other in ("12 x 10^9", "339X10^3", "4.5 million", "1 200")
    ... ]
    [3000000000, 3000, 3000000, 3]
    """
    digits = _DIGITS.match(other) or _LOST_POWER.match(other)
    whole = read_number(other)
    plain = read_number(digits[0]) if digits else None
    factor = float(f"{whole / plain:.12g}") if whole and plain else 1.0
    return multiply(value, factor) if factor > 1 and value < _WHOLE else value


def read_value(found: Found, name: str) -> int | float | None:
    """Return the number in a named part of a match, with its sign."""
    place = found.part(name)
    if place is None:
        return None
    word = found.tokens.read(*place).lower()
    value = COUNTS.get(word) or read_number(word)
    return -value if value and is_below_zero(found.tokens, *place) else value


def is_below_zero(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether the sign before a number is a minus: after a comparator, or for a quantity
    that can be below zero.

    >>> from extractor.language.book import read_text
    >>> [
    ...     is_below_zero(read_text(text), 2, 3)
    ...     for text in ("RASS -4 to 0", "weight -50 kg", "≥ -2.5 SD")
    ... ]
    [True, False, True]
    """
    if not has_minus(tokens, first):
        return False
    if tokens.words[first - 1].lower() == "minus":
        return True
    if rule("before_minus").ends(tokens, first - 1, first - 2):
        return True
    near = tokens.read(max(0, first - 1 - _NAME_REACH), first - 1)
    unit = tokens.words[end] if end < len(tokens) else ""
    # The words of the last clause name it, else those before: "heart rate < 100; T-score -3 to -1",
    # "RASS 0, -1".
    clauses = (_CLAUSE.split(near)[-1], near)
    quantity = next(
        filter(
            None, (name_quantity(words, read_unit(unit), near) for words in clauses)
        ),
        None,
    )
    return bool(quantity and quantity.signed) or unit in _SIGNED_UNITS


def share_units(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Give a limit without a unit the unit and power of ten of the next one on its quantity: "<
    4 or > 10 x 10^9/L".
    """
    shared = list(limits)
    for at in range(len(shared) - 1, 0, -1):
        limit = shared[at]
        last = shared[at - 1]
        joined = rule("shares_unit").covers(tokens, last.end, limit.first)
        timed = limit.time_unit and not (
            last.quantity and rule("said_age").search(tokens, *last.quantity)
        )
        names = [name for name in (last.quantity, limit.quantity) if name]
        pressures = len(names) > 1 and all(
            rule("pressure_word").search(tokens, *name) for name in names
        )
        shares = (
            joined and limit.quantity is None and last.quantity and not timed
        ) or pressures
        if shares and limit.unit and last.unit is None:
            end = limit.unit[0]
            first = next(
                (at for at in range(limit.first, end) if tokens.codes[at] == NUMBER),
                end,
            )
            # the number as written, with its power of ten
            value = scale_alike(last.value, tokens.read(first, end))
            shared[at - 1] = replace(
                last, value=value, unit=limit.unit, time_unit=limit.time_unit
            )
    return shared


def join_sums(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Read a length of time in two units as one limit: "5 years and 10 months" is 70 months."""
    joined = list(limits)
    for whole in (
        find_durations(tokens)
        if any(limit.time_unit == "year" for limit in limits)
        else ()
    ):
        parts = [
            limit
            for limit in joined
            if limit.first < whole.end and whole.first < limit.end
        ]
        if whole.is_sum and parts and parts[0].time_unit == "year":
            at = joined.index(parts[0])
            joined[at : at + len(parts)] = _sum_up(parts, whole)
    return joined


def _sum_up(parts: Sequence[Limit], whole: Duration) -> list[Limit]:
    """Return the limit in months, behind the lower end of its range if that is in years: "5 to
    12 years, 11 months".
    """
    years = parts[0]
    stated = next((part for part in parts if part.sure), parts[0])
    sum_up = replace(
        years,
        comparator=stated.comparator,
        value=whole.high,
        value_high=None,
        end=max(parts[-1].end, whole.end),
        unit=(whole.end - 1, whole.end),
        time_unit="month",
        sure=stated.sure,
    )
    if years.value_high is None:
        return [sum_up]
    lower = replace(years, comparator=Comparator.AT_LEAST, value_high=None)
    return [lower, replace(sum_up, comparator=Comparator.AT_MOST)]


def restore_signs(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Read the "=" of a range as what is left of a "≥" or "≤": "= 18 years and < 60", "age = 18 and
    = 65".

    Some forms lose the sign and keep the "=". Nobody is exactly 18 years old and younger than 60,
    so a lower number that is "=" is a bound. The limits are not settled, and neither is an age that
    is "=" alone.
    """
    restored = [
        replace(limit, settled=False) if _is_lost_age(tokens, limit) else limit
        for limit in limits
    ]
    for at in range(1, len(restored)):
        low = restored[at - 1]
        high = restored[at]
        if not _has_lost_signs(tokens, low, high):
            continue
        upper = (
            Comparator.AT_MOST
            if high.comparator is Comparator.EQUAL
            else high.comparator
        )
        restored[at - 1] = replace(low, comparator=Comparator.AT_LEAST, settled=False)
        restored[at] = replace(high, comparator=upper, settled=False)
    return restored


def _is_lost_age(tokens: Tokens, limit: Limit) -> bool:
    says_equal = (
        limit.comparator is Comparator.EQUAL and tokens.codes[limit.first] == "="
    )
    return says_equal and limit.time_unit == "year"


def _has_lost_signs(tokens: Tokens, low: Limit, high: Limit) -> bool:
    """Return whether a "=" and what follows are the ends of a range."""
    says_equal = low.comparator is Comparator.EQUAL and tokens.codes[low.first] == "="
    ends = high.comparator in UPPER or (
        high.comparator is Comparator.EQUAL and tokens.codes[high.first] == "="
    )
    if (
        not says_equal
        or not ends
        or low.value_high is not None
        or high.value_high is not None
    ):
        return False
    return _is_range(
        tokens,
        replace(low, comparator=Comparator.AT_LEAST),
        replace(high, comparator=Comparator.AT_MOST),
    )


def join_bounds(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Join a lower and an upper bound of one quantity into a range (">= 1 and <= 65")."""
    joined: list[Limit] = []
    for limit in restore_signs(tokens, limits):
        last = joined[-1] if joined else limit
        if not joined or not _is_range(tokens, last, limit):
            joined.append(limit)
            continue
        # ">= 18 and < 65 years": one unit, two limits
        if (
            last.comparator,
            limit.comparator,
        ) != BOTH_COUNT:
            unit = last.unit or limit.unit
            time_unit = last.time_unit or limit.time_unit
            joined[-1] = replace(last, unit=unit, time_unit=time_unit, end=limit.end)
            joined.append(
                replace(
                    limit, quantity=last.quantity or limit.quantity, first=last.first
                )
            )
            continue
        joined[-1] = replace(
            last,
            comparator=Comparator.BETWEEN,
            value_high=limit.value,
            end=limit.end,
            quantity=last.quantity or limit.quantity,
            unit=limit.unit or last.unit,
            time_unit=limit.time_unit or last.time_unit,
            sure=last.sure and limit.sure,
            settled=last.settled and limit.settled,
        )
    return joined


def _is_range(tokens: Tokens, low: Limit, high: Limit) -> bool:
    """Return whether two limits are the ends of one range: ">= 1 and <= 65"."""
    same_unit = (
        not low.time_unit or not high.time_unit or low.time_unit == high.time_unit
    )
    if low.comparator not in LOWER:
        return False
    if high.comparator not in UPPER:
        return False
    if low.value >= high.value:
        return False
    if not same_unit:
        return False
    if high.quantity and low.quantity and high.quantity[0] >= low.end:
        same = tokens.read(*low.quantity).lower() == tokens.read(*high.quantity).lower()
        if not same and not rule("names_nobody").covers(tokens, *high.quantity):
            return False
    if low.end == high.first:
        return True
    return rule("fills_range").covers(tokens, low.end, high.first) is not None


def find_quantity(
    tokens: Tokens, floor: int, end: int, unit: Range | None = None
) -> Range | None:
    """Return the name of the quantity of a limit that begins at ``end``, searched from token
    ``floor`` on. The ``unit`` of the limit tells which quantities of a list can share it.
    """
    first, last = _open_phrase(tokens, floor, end)
    closed = max(
        (tokens.codes.rfind(sign, first, last) for sign in _CLOSED), default=-1
    )
    if (
        closed >= 0
        and "(" not in tokens.codes[first:closed]
        and _trim_end(tokens, closed + 1, last) > closed + 1
    ):
        first = closed + 1
    last = _trim_end(tokens, first, last)
    # "CA 19-9", "25-OH", "LH:FSH" are one name each
    signs = rule("quantity_break").find(tokens, first, last)
    kept = (
        at
        for at in signs
        if not (
            at.text in "-:" and tokens.joined(at.first) and tokens.joined(at.first + 1)
        )
    )
    first = max([first, *(at.end for at in kept)])
    opened = tokens.codes.find("(", first, last)
    front = opened + 1 if opened > first and tokens.codes[last - 1] == ")" else last
    if not _is_pair(tokens, first, last):
        splits = rule("quantity_split").find(tokens, first, front)
        cuts = [
            found.end
            for found in splits
            if not rule("ratio_of").search(tokens, first, found.first)
        ]
        first = max(
            (cut for cut in cuts if _has_words(tokens, cut, last)), default=first
        )
    leads = (found.end for found in rule("quantity_lead").find(tokens, first, front))
    first = max(
        (lead for lead in leads if lead < last and not tokens.joined(lead)),
        default=first,
    )
    while first < last and tokens.codes[first] in _EDGES:
        first += 1
    closed = tokens.codes.rfind(")", first, last)
    if (
        closed >= 0
        and "(" not in tokens.codes[first:closed]
        and _has_words(tokens, closed + 1, last)
    ):
        first = closed + 1  # the bracket opened before the words: "... disease) BMI"
    first = find_list_start(tokens, floor, (first, last), unit)
    named = any(word[0].isalpha() for word in tokens.words[first:last])
    return (
        (first, last)
        if named and (last > first + 1 or len(tokens.words[first]) > 1)
        else None
    )


def _is_pair(tokens: Tokens, first: int, last: int) -> bool:
    """Return whether the words are two quantities of one limit: "AST and ALT", but not "asthma
    and platelets".
    """
    if not rule("joined_quantities").covers(tokens, first, last):
        return False
    joint = next(at for at in range(first, last) if tokens.words[at].lower() in _AND)
    if joint - first > _LONGEST_IN_LIST:
        return False
    if names_quantity(tokens.read(first, joint), surely=True):
        return True
    return not names_quantity(tokens.read(joint + 1, last))


def _open_phrase(tokens: Tokens, floor: int, end: int) -> Range:
    """Return the tokens before ``end``, or before the bracket if the limit stands alone in one."""
    first = max(floor, end - _QUANTITY_BEFORE_LIMIT)
    depth = 0
    for at in range(end - 1, first - 1, -1):
        code = tokens.codes[at]
        if code in _CLOSED:
            depth += 1
        elif code in _OPEN:
            if depth == 0:
                if _has_words(tokens, at + 1, end):
                    return (at + 1, end)
                return _open_phrase(tokens, floor, at)
            depth -= 1
    return first, end


def _has_words(tokens: Tokens, first: int, end: int) -> bool:
    last = _trim_end(tokens, first, end)
    return any(len(word) > 1 and word.isalpha() for word in tokens.words[first:last])


def _trim_end(tokens: Tokens, first: int, end: int) -> int:
    found = rule("quantity_tail").ends(tokens, end, first)
    return found.first if found else end

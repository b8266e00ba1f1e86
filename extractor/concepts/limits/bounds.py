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
_LARGEST_DECIMAL = 999
"""A number with three decimals is smaller as a rule, one with thousands greater."""
_LONGEST_IN_LIST = 5
"""The most words of a quantity in a list."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit: the words ``first:end`` limit ``quantity``, in tokens of the criterion.

    ``quantity`` are the tokens of the quantity's name, None if the limit has none. ``unit`` are the
    tokens of the unit, None for counts and grades. ``rate`` are those of the rest of the unit if a
    substance stands between: the "per day" of "10 mg prednisone per day". ``time_unit`` is set if
    the limit is a length of time or an age. ``value_high`` is the upper end of a range, else None.

    ``sure`` is false if no word gives the comparator and it follows from the kind of the list.
    ``settled`` is false if the number has another reading ("1.500") that is as likely. ``at_bound``
    is true if no number is written, and the limit is a bound of normal itself: "<= ULN" is at most
    1 x ULN.
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
    at_bound: bool = False


def mirror_comparator(comparator: Comparator) -> Comparator:
    """Return the comparator of a value whose sign or direction changes: that of the other side. An
    equality and a range stay what they are.

    >>> mirror_comparator(Comparator.AT_LEAST).value
    '<='
    """
    return _MIRRORED.get(comparator, comparator)


def read_comparator(vocabulary: str, found: Found, name: str) -> Comparator | None:
    """Return the comparator that a vocabulary has for the words in the part ``name`` of a match;
    None if the part did not match, or if the vocabulary does not have its words.
    """
    part = found.part(name)
    entry = read_term(vocabulary, found.tokens, *part) if part else None
    return Comparator(entry.value) if entry else None


def turn_comparator(
    turned: str, quantity: str, unit: str | None = None
) -> Comparator | None:
    """Return the comparator of "or better" and "worse than". The scale of the quantity decides,
    since 0 is the best ECOG status and 100 the best Karnofsky status; None if it is not known which
    side of the scale is worse.

    ``turned`` are the words of the comparator, ``quantity`` and ``unit`` those of the limit. "Than"
    leaves out the number itself, unless it is denied ("no worse than 2" allows 2) or joined to it
    ("better than or equal to 2").

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
    is_denied = words[0] in ("no", "not")
    says_worse = "worse" in words
    says_higher = (worse == "higher") is says_worse
    is_lower_bound = says_higher is not is_denied
    # "better than", but not "better than or equal to", "equal to or better than"
    is_strict = "or" not in words and "than" in words
    if is_strict and not is_denied:
        return Comparator.MORE if is_lower_bound else Comparator.LESS
    return Comparator.AT_LEAST if is_lower_bound else Comparator.AT_MOST


def read_pair(match: Found) -> tuple[int | float | None, int | float | None]:
    """Return the numbers in the parts ``low`` and ``high`` of a match; None for a number that it
    does not have.

    The numbers are not always in ascending order: "3-1 kg" stays as it is, so that the caller sees
    that it is no range.
    """
    low = read_value(match, "low")
    high = read_value(match, "high")
    if low is None or high is None:
        return low, high
    # "temperature -5 to -10 °C": what is below zero at the end shows that the first "-" is a minus
    if high < 0 < low and has_minus(match.tokens, match.place("low")[0]):
        low = -low
    # "3.5-12 x 10^9/L": the power of ten is that of both
    low = scale_alike(low, match.read("high") or "")
    if 0 < high < low:
        low, high = _choose_rising(match, low, high)
    falls = high < low and not match.has("second")
    # "T-score between -1 and -2.5": below zero, people write the number nearer to zero first
    if falls and (low < 0 or high < 0):
        return high, low
    return low, high


def _choose_rising(
    match: Found, low: int | float, high: int | float
) -> tuple[int | float, int | float]:
    """Return the first readings of the two numbers of a match that rise and are of one kind, both
    with thousands or both without; ``low`` and ``high`` themselves if there are none.

    "1.000-1.800 g" has two decimals or two thousands, and no thousand beside a decimal.
    """
    highs = list_readings(match.read("high") or "")
    for lower in list_readings(match.read("low") or ""):
        for upper in highs:
            is_alike = (lower > _LARGEST_DECIMAL) is (upper > _LARGEST_DECIMAL)
            if lower < upper and is_alike:
                return lower, upper
    return low, high


def scale_alike(value: float, other: str) -> int | float:
    """Return a value times the power of ten of the next number on its quantity: "10" before "or < 4
    x 10^9/L". ``other`` is the text of that number.

    A value of 1000 or more stays as it is, since it has its thousands already. So does any value if
    the other number has no power of ten.

    >>> [
    ...     scale_alike(3, other)
    ...     for other in ("12 x 10^9", "339X10^3", "4.5 million", "1 200")
    ... ]
    [3000000000, 3000, 3000000, 3]
    """
    if value >= _WHOLE:
        return value
    digits = _DIGITS.match(other) or _LOST_POWER.match(other)
    whole = read_number(other)
    plain = read_number(digits[0]) if digits else None
    if not whole or not plain:
        return value
    factor = float(f"{whole / plain:.12g}")
    return multiply(value, factor) if factor > 1 else value


def read_value(match: Found, name: str) -> int | float | None:
    """Return the number in the part ``name`` of a match, below zero if a minus stands before it, or
    that of a word that counts ("twice"). None if the part did not match, or holds no number.
    """
    place = match.part(name)
    if place is None:
        return None
    word = match.tokens.read(*place).lower()
    value = COUNTS.get(word) or read_number(word)
    if value and is_below_zero(match.tokens, *place):
        return -value
    return value


def is_below_zero(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether the sign before the number ``first:end`` (tokens) is a minus, and no hyphen:
    "weight -50 kg".

    It is a minus if it is the word, if a comparator stands before it, if the unit behind the number
    is one of dioptres, decibels, degrees or standard deviations, or if the name before it is that
    of a quantity that can be below zero.

    >>> from extractor.language.book import read_text
    >>> [
    ...     is_below_zero(read_text(text), 2, 3)
    ...     for text in ("RASS -4 to 0", "weight -50 kg", "≥ -2.5 SD")
    ... ]
    [True, False, True]
    """
    if not has_minus(tokens, first):
        return False
    sign = first - 1
    if tokens.words[sign].lower() == "minus":
        return True
    # "Refractive error of - 7D": behind such words a hyphen is a minus
    if rule("before_minus").ends(tokens, sign, sign - 1):
        return True
    unit = tokens.words[end] if end < len(tokens) else ""
    # "frozen at -80 °C": temperatures and dioptres go below zero
    if unit in _SIGNED_UNITS:
        return True
    near = tokens.read(max(0, sign - _NAME_REACH), sign)
    last_clause = _CLAUSE.split(near)[-1]
    # The words of the last clause name it, else those before: "heart rate < 100; T-score -3 to -1",
    # "RASS 0, -1".
    for words in (last_clause, near):
        quantity = name_quantity(words, read_unit(unit), near)
        # "T-score less than or equal to-1.5": a T-score has values below zero, a weight has none
        if quantity:
            return quantity.signed
    return False


def share_units(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits of a line, in which those without a unit have the unit and the power of ten
    of the limit behind them, if both are on one quantity: "< 4 or > 10 x 10^9/L". The two may also
    be two blood pressures: "systolic blood pressure < 90 or diastolic blood pressure > 100 mmHg".
    """
    shared = list(limits)
    # from the last limit to the first, so that a unit is handed on along a row
    for at in range(len(shared) - 1, 0, -1):
        limit = shared[at]
        last = shared[at - 1]
        if not limit.unit or last.unit is not None:
            continue
        goes_on = _shares_quantity(tokens, last, limit)
        if not goes_on and not _are_pressures(tokens, last, limit):
            continue
        # the number of the limit as written, with its power of ten: "10 x 10^9"
        unit_first = limit.unit[0]
        first = tokens.codes.find(NUMBER, limit.first, unit_first)
        digits = tokens.read(first, unit_first) if first >= 0 else ""
        shared[at - 1] = replace(
            last,
            value=scale_alike(last.value, digits),
            unit=limit.unit,
            time_unit=limit.time_unit,
        )
    return shared


def _shares_quantity(tokens: Tokens, last: Limit, limit: Limit) -> bool:
    """Return whether a limit without a name goes on with the quantity of ``last``, the limit before
    it: only "or" or "and" stands between. A length of time does so only with an age.
    """
    # as in "ECOG <= 2 and hemoglobin >= 9 g/dL"
    if limit.quantity is not None or not last.quantity:
        return False
    # "Proteinuria of 2+, or 0.3 g or more": a dipstick has no unit to share
    if not rule("shares_unit").covers(tokens, last.end, limit.first):
        return False
    # "Leukocytes < 4 or > 12 x 10^9/L"
    if not limit.time_unit:
        return True
    return rule("said_age").search(tokens, *last.quantity) is not None


def _are_pressures(tokens: Tokens, last: Limit, limit: Limit) -> bool:
    """Return whether the names of both limits are those of blood pressures."""
    if not last.quantity or not limit.quantity:
        return False
    names = (last.quantity, limit.quantity)
    return all(rule("pressure_word").search(tokens, *name) for name in names)


def join_sums(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits of a line, in which the years and the months of one length of time are one
    limit: "5 years and 10 months" is 70 months.
    """
    joined = list(limits)
    if not any(limit.time_unit == "year" for limit in limits):
        return joined
    for duration in find_durations(tokens):
        if not duration.is_sum:
            continue
        parts = [
            limit
            for limit in joined
            if limit.first < duration.end and duration.first < limit.end
        ]
        if parts and parts[0].time_unit == "year":
            at = joined.index(parts[0])
            joined[at : at + len(parts)] = _sum_up(parts, duration)
    return joined


def _sum_up(parts: Sequence[Limit], whole: Duration) -> list[Limit]:
    """Return the limits that stand for ``parts``, the limits on the years and months of the length
    of time ``whole``.

    It is one limit in months, with the comparator of the first part that states one. If the years
    are a range ("5 to 12 years, 11 months"), it is two: at least 5 years, and at most 155 months.
    """
    years = parts[0]
    stated = years
    for part in parts:
        if part.sure:
            stated = part
            break
    total = replace(
        years,
        comparator=stated.comparator,
        value=whole.high,
        value_high=None,
        end=max(parts[-1].end, whole.end),
        unit=(whole.end - 1, whole.end),
        time_unit="month",
        sure=stated.sure,
    )
    # "Less than 7 years 2 months of age"
    if years.value_high is None:
        return [total]
    lower = replace(years, comparator=Comparator.AT_LEAST, value_high=None)
    return [lower, replace(total, comparator=Comparator.AT_MOST)]


def restore_signs(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits of a line, in which an "=" at an end of a range is read as what is left of
    a "≥" or "≤": "= 18 years and < 60", "age = 18 and = 65".

    Some forms lose the sign and keep the "=". Nobody is exactly 18 years old and younger than 60,
    so a lower number that is "=" is a bound. These limits are not settled, and neither is an age
    with an "=" that is alone: "ages = 18 years".
    """
    restored = []
    for limit in limits:
        if _says_equal(tokens, limit) and limit.time_unit == "year":
            restored.append(replace(limit, settled=False))
        else:
            restored.append(limit)
    for at in range(1, len(restored)):
        low = restored[at - 1]
        high = restored[at]
        if not _has_lost_signs(tokens, low, high):
            continue
        upper = high.comparator
        # as in "Age = 18 and = 65 years"
        if upper is Comparator.EQUAL:
            upper = Comparator.AT_MOST
        restored[at - 1] = replace(low, comparator=Comparator.AT_LEAST, settled=False)
        restored[at] = replace(high, comparator=upper, settled=False)
    return restored


def _says_equal(tokens: Tokens, limit: Limit) -> bool:
    """Return whether a limit begins with the sign "=". A bare number is an equality without it."""
    return limit.comparator is Comparator.EQUAL and tokens.codes[limit.first] == "="


def _has_lost_signs(tokens: Tokens, low: Limit, high: Limit) -> bool:
    """Return whether two limits beside each other are the ends of a range of which the lower one is
    written with "=", and the upper one with "=", "<" or "≤".
    """
    if low.value_high is not None or high.value_high is not None:
        return False
    if not _says_equal(tokens, low):
        return False
    if high.comparator not in UPPER and not _says_equal(tokens, high):
        return False
    return _is_range(
        tokens,
        replace(low, comparator=Comparator.AT_LEAST),
        replace(high, comparator=Comparator.AT_MOST),
    )


def join_bounds(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits of a line, in which a lower bound and the upper bound of the same quantity
    behind it are one range: ">= 1 and <= 65".

    If an end does not count (">= 18 and < 65 years"), they stay two limits, since a range says that
    both ends count. The two share name and unit, and the words of both are one place. An "=" that
    lost its sign is restored before (``restore_signs``).
    """
    joined: list[Limit] = []
    for limit in restore_signs(tokens, limits):
        if not joined or not _is_range(tokens, joined[-1], limit):
            joined.append(limit)
            continue
        last = joined.pop()
        quantity = last.quantity or limit.quantity
        if (last.comparator, limit.comparator) == BOTH_COUNT:
            whole = replace(
                last,
                comparator=Comparator.BETWEEN,
                value_high=limit.value,
                end=limit.end,
                quantity=quantity,
                unit=limit.unit or last.unit,
                time_unit=limit.time_unit or last.time_unit,
                sure=last.sure and limit.sure,
                settled=last.settled and limit.settled,
            )
            joined.append(whole)
            continue
        # the two limits of ">= 18 and < 65 years"
        low = replace(
            last,
            unit=last.unit or limit.unit,
            time_unit=last.time_unit or limit.time_unit,
            end=limit.end,
        )
        high = replace(limit, quantity=quantity, first=last.first)
        joined += (low, high)
    return joined


def _is_range(tokens: Tokens, low: Limit, high: Limit) -> bool:
    """Return whether two limits are the ends of one range: a lower bound and a higher upper bound
    on one quantity, with no other unit of time, and only words such as "and" between them.
    """
    if low.comparator not in LOWER:
        return False
    if high.comparator not in UPPER:
        return False
    if low.value >= high.value:
        return False
    # "> 6 months and < 12 years" stays two limits: a range has one unit
    both_timed = low.time_unit and high.time_unit
    if both_timed and low.time_unit != high.time_unit:
        return False
    if _names_another(tokens, low, high):
        return False
    # "30 < BMI < 45"
    if low.end == high.first:
        return True
    return rule("fills_range").covers(tokens, low.end, high.first) is not None


def _names_another(tokens: Tokens, low: Limit, high: Limit) -> bool:
    """Return whether an upper bound names another quantity, behind the lower bound: "SBP > 90 mmHg
    and DBP < 110 mmHg". A name before the lower bound, and words for people, name no other one.
    """
    # "18 or older and 80 or younger"
    if not low.quantity or not high.quantity:
        return False
    # as in "BMI >= 18.5 and < 30 kg/m2"
    if high.quantity[0] < low.end:
        return False
    # "Aged 18 or over but less than 65"
    if rule("names_nobody").covers(tokens, *high.quantity):
        return False
    name = tokens.read(*low.quantity).lower()
    return name != tokens.read(*high.quantity).lower()


def find_quantity(
    tokens: Tokens, floor: int, end: int, unit: Range | None = None
) -> Range | None:
    """Return the tokens of the name of the quantity of a limit; None if no word, or only a single
    letter, is left for it.

    ``end`` is the token at which the limit begins, ``floor`` the first token that may be a part of
    the name. ``unit`` are the tokens of the limit's unit.

    The name is what is left of the words in front of the limit: those in front of the bracket if
    the limit is alone in one ("BMI (> 25)"). Cut off at the end are words that only lead to the
    limit ("must be"). Cut off at the front is all up to the last sign, joint ("and") or opening
    ("patients with"). If items of a list that can have the same unit stand before the name, the
    name begins with the first of them: "AST, ALT and bilirubin".
    """
    first, last = _open_phrase(tokens, floor, end)
    # "[stage 1] BMI": the bracket is no part of the name
    closed = max(tokens.codes.rfind(sign, first, last) for sign in _CLOSED)
    has_more = closed >= 0 and _trim_end(tokens, closed + 1, last) > closed + 1
    if has_more and "(" not in tokens.codes[first:closed]:
        first = closed + 1
    last = _trim_end(tokens, first, last)
    first = _skip_signs(tokens, first, last)
    # "FEV1 (a ratio and value)": nothing inside the brackets at the end begins the name
    front = last
    opened = tokens.codes.find("(", first, last)
    # as in "Target lesion(s) > 2", "Ratio (FEV1/FVC) < 0.7"
    if opened > first and tokens.codes[last - 1] == ")":
        front = opened + 1
    if not _is_pair(tokens, first, last):
        first = _skip_joints(tokens, first, front, last)
    first = _skip_opening(tokens, first, front, last)
    while first < last and tokens.codes[first] in _EDGES:
        first += 1
    first = _skip_bracket(tokens, first, last)
    first = find_list_start(tokens, floor, (first, last), unit)
    words = tokens.words[first:last]
    if not any(word[0].isalpha() for word in words):
        return None
    is_letter = len(words) == 1 and len(words[0]) == 1
    return None if is_letter else (first, last)


def _skip_signs(tokens: Tokens, first: int, last: int) -> int:
    """Return the token behind the last sign in ``first:last`` that ends what stands before a name
    ("history of asthma; FEV1"); ``first`` if there is none.
    """
    for sign in rule("quantity_break").find(tokens, first, last):
        is_joined = tokens.joined(sign.first) and tokens.joined(sign.first + 1)
        # "CA 19-9", "25-OH", "LH:FSH" are one name each
        if sign.text in "-:" and is_joined:
            continue
        first = max(first, sign.end)
    return first


def _skip_joints(tokens: Tokens, first: int, front: int, last: int) -> int:
    """Return the token behind the last "and", "or", "but" or comma in ``first:front`` that words of
    a name follow before ``last``; ``first`` if there is none.

    A joint behind "ratio of" parts nothing: "ratio of pleural and serum LDH" is one name.
    """
    start = first
    for joint in rule("quantity_split").find(tokens, first, front):
        if rule("ratio_of").search(tokens, first, joint.first):
            continue
        if joint.end > start and _has_words(tokens, joint.end, last):
            start = joint.end
    return start


def _skip_opening(tokens: Tokens, first: int, front: int, last: int) -> int:
    """Return the token behind the last words in ``first:front`` that only lead to a name ("patients
    with"); ``first`` if there are none. Words that are joined to the next one lead to no name:
    "evidence-based".
    """
    start = first
    for opening in rule("quantity_lead").find(tokens, first, front):
        if opening.end < last and not tokens.joined(opening.end):
            start = max(start, opening.end)
    return start


def _skip_bracket(tokens: Tokens, first: int, last: int) -> int:
    """Return the token behind a bracket that closes in ``first:last`` and opened before ("and
    severe) BMI"); ``first`` if there is none, or if no word follows it.
    """
    closed = tokens.codes.rfind(")", first, last)
    if closed < 0 or "(" in tokens.codes[first:closed]:
        return first
    return closed + 1 if _has_words(tokens, closed + 1, last) else first


def _is_pair(tokens: Tokens, first: int, last: int) -> bool:
    """Return whether the words ``first:last`` (tokens) are two quantities of one limit: "AST and
    ALT", but not "asthma and platelets".

    They are if at most five words and an "and" or "or" precede the second, and the first is surely
    a quantity, or else the second is none: "pain and stiffness".
    """
    if not rule("joined_quantities").covers(tokens, first, last):
        return False
    # "bleeding with or without PBAC": the "or" joins no quantities
    if rule("with_or_without").occurs(tokens, first, last):
        return False
    joint = first
    while tokens.words[joint].lower() not in _AND:
        joint += 1
    if joint - first > _LONGEST_IN_LIST:
        return False
    # as in "ALT or AST <= 3"
    if names_quantity(tokens.read(first, joint), surely=True):
        return True
    return not names_quantity(tokens.read(joint + 1, last))


def _open_phrase(tokens: Tokens, floor: int, end: int) -> Range:
    """Return the tokens before a limit at ``end`` in which its name may stand, at most 32 and none
    before ``floor``.

    If a bracket is open there, they are those inside it ("asthma (FEV1 > 50 %)"). If the bracket
    has no word before the limit, they are those in front of it: "BMI (> 25)".
    """
    first = max(floor, end - _QUANTITY_BEFORE_LIMIT)
    depth = 0
    for at in range(end - 1, first - 1, -1):
        code = tokens.codes[at]
        if code in _CLOSED:
            depth += 1
        elif code in _OPEN and depth > 0:
            depth -= 1
        elif code in _OPEN:
            if _has_words(tokens, at + 1, end):
                return (at + 1, end)
            return _open_phrase(tokens, floor, at)
    return first, end


def _has_words(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether a word of two letters or more is in ``first:end``, before the words at its end
    that only lead to a limit.
    """
    last = _trim_end(tokens, first, end)
    return any(len(word) > 1 and word.isalpha() for word in tokens.words[first:last])


def _trim_end(tokens: Tokens, first: int, end: int) -> int:
    """Return the token at which the words begin that only lead from a name to its limit: "must be",
    "is", "of"; ``end`` if there are none.
    """
    tail = rule("quantity_tail").ends(tokens, end, first)
    return tail.first if tail else end

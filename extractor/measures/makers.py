"""The functions that productions use to build amounts and bounds from typed spans."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from extractor.language.lexer import Range
from extractor.language.numbers import DAYS, Numeric, multiply, read_number
from extractor.language.units import read_unit
from extractor.language.values import replace, value_class
from extractor.measures.grammar import Expression, Maker, Parts
from extractor.schemas.vocabulary import LOWER, UPPER, Comparator, TimeUnit

# Half of it reads "Platelets of 600 to 900 x 10^9/L" otherwise.
_WHOLE = 1000
"""Numbers below this threshold may share the power of ten of the number that follows them."""
_DIGITS = re.compile(
    r"\d[\d.,]*(?= 10\s?(?:\^|\*|e))|\d(?:[\d., ]*\d)?(?:·(?!\s?10)\d+)?(?=\s?(?:[a-z*×^]|·\s?10))",
    re.IGNORECASE,
)
"""The digits before a power of ten or scale word: "12" in "12 x 10^9", "4.5" in "4.5 million". A
raised dot before 10 is a multiplication sign.
"""
_LOST_POWER = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?(?= 109$)")
"""The number before a power of ten whose formatting was lost, such as the first "10" in "10 109"
("10 x 10^9").
"""
# Half of it reads "Grade 4 or 6 weakness" otherwise.
_LARGEST_GRADE = 10
_INCLUSIVE = (Comparator.AT_LEAST, Comparator.AT_MOST)
"""The comparators of the two ends of a range."""
MULTIPLES = ("{ULN}", "{LLN}")
"""The UCUM codes of multiples of a normal limit."""
_AGE_UNITS = (TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH, TimeUnit.YEAR)
"""The time units that may state ages."""


@value_class()
class NumberWithUnit:
    """A number or a range with its unit.

    ``time`` is the unit if it is a time unit; ``written`` is the number as written in the text.
    """

    low: float
    high: float | None = None
    unit: str | None = None
    time: TimeUnit | None = None
    written: str = ""


@value_class()
class Bound:
    """An amount with its comparator and the tokens that state them. ``scale_words`` contains the
    words of a comparator whose direction depends on the quantity's scale: "or better". ``counted``
    contains the words behind a number for what it counts, if they are not those of its neighbour.
    """

    comparator: Comparator
    amount: NumberWithUnit
    first: int
    end: int
    condition: Expression | None = None
    sure: bool = True
    scale_words: str | None = None
    counted: Range | None = None


Bounds = tuple[Bound, ...]


class WrittenNumber(NamedTuple):
    """The value of a number, and the number as written."""

    value: float
    words: str


class WrittenUnit(NamedTuple):
    """The words of a unit, and the unit if it is a time unit."""

    words: str | None
    time: TimeUnit | None = None


def make_amount(parts: Parts) -> NumberWithUnit:
    """Make an amount from a number with or without a unit."""
    number: WrittenNumber = parts["number"].value
    unit = WrittenUnit(None)
    if "unit" in parts:
        unit = parts["unit"].value
    return NumberWithUnit(number.value, None, unit.words, unit.time, number.words)


def _share_unit(amount: NumberWithUnit, source: NumberWithUnit) -> NumberWithUnit:
    """Return ``amount`` with the unit and the power of ten of ``source``."""
    low = scale_alike(amount.low, source.written)
    return replace(amount, low=low, unit=source.unit, time=source.time)


def _join(
    lower: NumberWithUnit, upper: NumberWithUnit, first: int, end: int
) -> Bounds | None:
    """Return the range between two amounts, or None if ``lower`` is not less than ``upper``. If
    both are negative, the number nearer to zero may be written first: "between -1 and -2.5".
    """
    low = lower.low
    high = upper.low
    # "between -1 and -2.5"
    if high < low < 0:
        low, high = high, low
    if low >= high:
        return None
    return (Bound(Comparator.BETWEEN, replace(upper, low=low, high=high), first, end),)


def make_range(parts: Parts) -> Bounds | None:
    """Make a range from two amounts. If the first amount has no unit, it takes the unit of the
    second. If the units differ, as in "6 months to 5 years", or if an end is excluded, as in "> 3
    to 8 %" and "3 to 8 % (exclusive)", the ends become two separate bounds. Return None if the
    numbers are a list or do not ascend, or if the comparators point the wrong way.
    """
    low = parts["low"]
    high = parts["high"]
    lower = low.value
    upper = high.value
    # "3 and 5 mg" is a list, unlike "between 3 and 5 mg"
    if parts["measure_joint"].value.lower() == "and" and "range_opening" not in parts:
        return None
    sign_of_low, sign_of_high = _read_ends(parts)
    is_sure = _has_sure_ends(parts)
    if sign_of_low not in LOWER:
        return None
    if sign_of_high not in UPPER:
        return None
    if lower.unit is None:
        lower = _share_unit(lower, upper)
    if lower.time is upper.time:
        joined = _join(lower, upper, low.first, high.end)
        if joined is None:
            return joined
        if (sign_of_low, sign_of_high) == _INCLUSIVE:
            return (replace(joined[0], sure=is_sure),)
    else:
        low_days = lower.low * DAYS.get(lower.time, 0)
        high_days = upper.low * DAYS.get(upper.time, 0)
        # an end whose unit is not a time, or is a cycle, has no days
        if not 0 < low_days < high_days:
            return None
    return (
        Bound(sign_of_low, lower, low.first, low.end, sure=is_sure),
        Bound(sign_of_high, upper, high.first, high.end, sure=is_sure),
    )


def _read_ends(parts: Parts) -> tuple[Comparator, Comparator]:
    """Return the comparators of the lower and the upper end of a range. Each end belongs to the
    range unless a comparator stands before it ("> 3 to 8 %", "3 to < 8 %") or words behind it leave
    it out ("3 (exclusive) to 8 %", "3 to 8 %, both exclusive").
    """
    low, high = _INCLUSIVE
    if "ends_left_out" in parts or parts["low"].kind == "open_end":
        low = Comparator.MORE
    if "ends_left_out" in parts or parts["high"].kind == "open_end":
        high = Comparator.LESS
    if "beyond" in parts:
        low = Comparator(parts["beyond"].value)
    if "comparator" in parts:
        high = Comparator(parts["comparator"].value)
    return low, high


def _has_sure_ends(parts: Parts) -> bool:
    """Return whether the words of a range settle which of its ends belong to it. In "3 to 8
    (exclusive) %", the lower end may be left out as well.
    """
    if "ends_in_doubt" in parts:
        return False
    if parts["high"].kind != "open_end":
        return True
    return "bound_included" in parts or parts["low"].kind == "open_end"


def scale_alike(value: float, written: str) -> Numeric:
    """Return a value scaled by the power of ten of ``written``, the next number for the same
    quantity as it appears in the text: "10" before "or < 4 x 10^9/L".

    The power may be written as a word ("million"), or have lost its formatting ("10 109" for
    "10 x 10^9"). A value of 1000 or more is assumed to be written in full and is returned
    unchanged, as is any value if the next number has no power of ten above 1.

    >>> [
    ...     scale_alike(3, written)
    ...     for written in ("12 x 10^9", "339X10^3", "4.5 million", "10 109", "1 200")
    ... ]
    [3000000000, 3000, 3000000, 3000000000, 3]
    >>> scale_alike(999, "12 x 10^3"), scale_alike(1000, "12 x 10^3")
    (999000, 1000)
    """
    digits = _DIGITS.match(written) or _LOST_POWER.match(written)
    if value >= _WHOLE or digits is None:
        return value
    scaled_number = read_number(written)
    plain_number = read_number(digits[0])
    if not scaled_number or not plain_number:
        return value
    # rounding removes the noise of the division
    factor = float(f"{scaled_number / plain_number:.12g}")
    if factor > 1:
        return multiply(value, factor)
    return value


def make_span_of_time(parts: Parts) -> Bounds | None:
    """Make a range from two durations: "18 to 75 years"."""
    duration = parts["duration"]
    return (Bound(Comparator.BETWEEN, duration.value, duration.first, duration.end),)


def make_compared(parts: Parts) -> Bounds | None:
    """Make a bound from an amount that has a comparator before or after it, or an equality before
    it and a comparator after it: "equal to 17 or higher". The unit may follow the comparator: "70+
    years". Return None for a range, for an amount without a comparator or with the word of a range,
    and for two comparators of which the first is no equality.
    """
    amount = parts["amount"].value if "amount" in parts else make_amount(parts)
    comparator = _find_comparator(parts)
    if comparator is None:
        return None
    if comparator is Comparator.BETWEEN:
        return None
    if amount.high is not None:
        return None
    # "> 17 or higher" is not read, unlike "equal to 17 or higher"
    has_both = "comparator" in parts and "suffix" in parts
    if has_both and parts["comparator"].value != Comparator.EQUAL:
        return None
    if (amount.unit or "").endswith("/"):
        # the denominator of a visual acuity is greater for people with poorer vision
        comparator = mirror(comparator)
    return (
        Bound(comparator, amount, *_cover(parts), scale_words=_find_scale_words(parts)),
    )


def _cover(parts: Parts) -> Range:
    """Return the tokens from the beginning of the first span to the end of the last span."""
    first = min(span.first for span in parts.values())
    return first, max(span.end for span in parts.values())


def _find_comparator(parts: Parts) -> Comparator | None:
    """Return the comparator before or after an amount, negated if it follows a negation: "<=" for
    "not >". Return None if the amount has no comparator.
    """
    span = parts.get("comparator") or parts.get("suffix")
    if span is None:
        return None
    # "18+ years"
    if span.kind == "plus_sign":
        return Comparator.AT_LEAST
    # "2 or better": the scale is not known here, so the number stands for itself
    if _find_scale_words(parts):
        return Comparator.EQUAL
    comparator = Comparator(span.value)
    # "equal to 17 or higher"
    if comparator is Comparator.EQUAL and "suffix" in parts:
        return Comparator(parts["suffix"].value)
    # "not > 3"
    if "measure_negation" in parts:
        return comparator.opposite
    return comparator


def _find_scale_words(parts: Parts) -> str | None:
    """Return the words of a comparator whose direction depends on a scale ("or better"), or None
    if there is no such comparator.
    """
    sign = parts.get("comparator") or parts.get("suffix")
    # the rules "turned" and "turned_in_front"
    if sign is None:
        return None
    if not sign.rule.startswith("turned"):
        return None
    # "cannot be worse than"
    if "measure_negation" in parts:
        return f"not {sign.value}"
    return str(sign.value)


def mirror(comparator: Comparator) -> Comparator:
    """Return the comparator for a value whose sign or direction has been reversed. Equalities and
    ranges are returned unchanged.
    """
    signs = {">=": "<=", "<=": ">=", ">": "<", "<": ">"}
    return Comparator(signs.get(comparator, comparator))


def make_within(parts: Parts) -> Bounds | None:
    """Make an upper bound from a multiple of a normal limit that follows "within": "ALT within 3 x
    ULN".
    """
    amount = parts["amount"]
    # "within 3 weeks" is a time, "within 5 mmHg" a difference
    if read_unit(amount.value.unit) not in MULTIPLES:
        return None
    first = parts["within_sign"].first
    return (Bound(Comparator.AT_MOST, amount.value, first, amount.end),)


def make_pressure(parts: Parts) -> Bounds | None:
    """Make the two bounds of a blood pressure: "> 140/90 mmHg". Return None if the first number has
    no comparator, or is not above the second.
    """
    compared = make_compared(parts)
    diastolic = parts["diastolic"]
    low: float = diastolic.value.value
    # the diastolic pressure, which is written second, is the lower one
    if compared is None:
        return None
    if parts["amount"].value.low <= low:
        return None
    unit = None
    if "unit" in parts:
        unit = parts["unit"].value.words
    amount = replace(compared[0].amount, unit=unit)
    systolic = replace(compared[0], amount=amount)
    return systolic, replace(
        systolic,
        amount=replace(amount, low=low),
        first=diastolic.first,
        end=_cover(parts)[1],
    )


def make_shared(parts: Parts) -> Bounds | None:
    """Make two bounds, the first of which takes the unit of the second ("< 18 or > 70 years"), or a
    single range (">= 18 and <= 70 years"). Return None if there is no unit to share and the bounds
    are not the ends of a range.
    """
    bounds = (*parts["left"].value, *parts["right"].value)
    # grades have no unit to share
    if len(bounds) > 2:
        return None
    if parts["left"].rule.startswith("grades"):
        return None
    first, second = bounds
    unit = second.amount.unit or ""
    first_unit = first.amount.unit
    # "10 mg" takes the rate of "20 mg per day"
    is_part = first_unit is None or unit.startswith(f"{first_unit} ")
    shares_unit = unit != "" and is_part
    if shares_unit:
        first = replace(first, amount=_share_unit(first.amount, second.amount))
    signs = (first.comparator, second.comparator)
    # ">= 18 and <= 70 years": in one unit, both ends included
    if signs == _INCLUSIVE and first.amount.unit in (None, second.amount.unit):
        joined = _join(first.amount, second.amount, first.first, second.end)
        if joined:
            return joined
    if shares_unit:
        return first, second
    return None


def make_cases(parts: Parts) -> Bounds | None:
    """Make bounds for different groups of people, where the second bound shares the unit of the
    first and, if it has none of its own, the comparator: ">= 13 g/dL in men and 12 in women".
    Return None if the second one would lack the other end of a range.
    """
    *before, first = parts["bounds"].value
    further_span = parts["amount"]
    amount = further_span.value
    # as in ">= 135 mg/dL if on a statin, or 4 weeks without one"
    is_of_state = parts["first"].kind == "value_case"
    if is_of_state and amount.unit not in (None, first.amount.unit):
        return None
    # the 12 of ">= 13 g/dL in men and 12 in women"
    if amount.unit is None:
        amount = _share_unit(amount, first.amount)
    elif first.amount.unit is None:
        first = replace(first, amount=_share_unit(first.amount, amount))
    comparator = first.comparator
    own = parts.get("comparator")
    if amount.high is not None:
        comparator = Comparator.BETWEEN
    elif own is not None:
        comparator = Comparator(own.value)
    if comparator is Comparator.BETWEEN and amount.high is None:
        return None
    further = Bound(
        comparator, amount, further_span.first, further_span.end, parts["second"]
    )
    return *before, replace(first, condition=parts["first"]), further


def make_cases_in_bracket(parts: Parts) -> Bounds | None:
    """Make bounds of which the second, in a bracket, is for some people only, and shares the
    comparator and the unit of the first: "< 450 ms (470 ms for women)". Return None if the units
    differ, or if one of them is a range.
    """
    *before, first = parts["bounds"].value
    further_span = parts["amount"]
    amount = further_span.value
    if first.condition or first.amount.high is not None or amount.high is not None:
        return None
    if amount.unit is None:
        amount = _share_unit(amount, first.amount)
    if amount.unit is None or amount.unit != first.amount.unit:
        return None
    # a second multiple is a further limit of its own
    if read_unit(amount.unit) in MULTIPLES:
        return None
    further = Bound(
        first.comparator, amount, further_span.first, further_span.end, parts["second"]
    )
    return *before, first, further


def make_counts_of_kinds(parts: Parts) -> Bounds | None:
    """Make the bounds of two counts, of which the second shares the comparator of the first: "at
    least 6 tender and 6 swollen joints". Return None if one of them has a unit.
    """
    bounds: Bounds = parts["bounds"].value
    further = parts["amount"]
    if len(bounds) > 1 or bounds[0].amount.unit or further.value.unit:
        return None
    return (
        replace(bounds[0], counted=parts["first"].place),
        Bound(
            bounds[0].comparator,
            further.value,
            further.first,
            further.end,
            counted=parts["second"].place,
        ),
    )


def make_cases_compared_behind(parts: Parts) -> Bounds | None:
    """Make bounds for different groups of people whose comparator is behind the second one: "50 kg
    (men)/45 kg (women) or more". Return None if their units differ.
    """
    left = parts["left"]
    right = parts["amount"]
    first_amount = left.value
    amount = right.value
    if first_amount.unit is None:
        first_amount = _share_unit(first_amount, amount)
    if first_amount.unit != amount.unit:
        return None
    if amount.high is not None:
        return None
    comparator = Comparator(parts["suffix"].value)
    return (
        Bound(comparator, first_amount, left.first, left.end, parts["first"]),
        Bound(comparator, amount, right.first, right.end, parts["second"]),
    )


def make_chain(parts: Parts) -> Bounds | None:
    """Make the bounds of a quantity that is written between two numbers: "18 <= age <= 65 years".
    Return None if the comparators are not those of two limits. "18 = age = 65 years" has lost its
    comparators and is read as a range that is not sure.
    """
    amount = parts["amount"]
    front = mirror(Comparator(parts["front"].value))
    bound = parts["bounds"].value[0]
    is_lost = front is bound.comparator is Comparator.EQUAL
    # an equality has no opposite
    has_sides = front.opposite is not None
    if parts["bounds"].rule != "compared":
        return None
    if not (has_sides or is_lost):
        return None
    front_amount = amount.value
    if front_amount.unit is None:
        front_amount = _share_unit(front_amount, bound.amount)
    elif bound.amount.unit is None:
        bound = replace(bound, amount=_share_unit(bound.amount, front_amount))
    if is_lost:
        joined = _join(front_amount, bound.amount, amount.first, bound.end)
        if joined is None:
            return None
        return (replace(joined[0], sure=False),)
    # both ends included: one range; otherwise, each end is a limit
    amounts = {front: front_amount, bound.comparator: bound.amount}
    if amounts.keys() == set(_INCLUSIVE):
        lower, upper = (amounts[comparator] for comparator in _INCLUSIVE)
        return _join(lower, upper, amount.first, bound.end)
    return Bound(front, front_amount, amount.first, amount.end), bound


def make_grades_of_case(parts: Parts) -> Bounds | None:
    """Make two bounds from the grades of a scale, of which the last has a condition of its own:
    "ECOG 0-1, or 2 if due to the tumour".
    """
    left = make_grades({"scale": parts["scale"], "grades": parts["left"]})
    further = make_grades({"scale": parts["scale"], "grades": parts["grades"]})
    if left is None or further is None:
        return None
    return *left, *further


def make_grades(parts: Parts) -> Bounds | None:
    """Make a bound from a scale and its grades: "ECOG 0-2", "NYHA class III or IV", "grade 3 or
    higher".

    Return None if the numbers are not grades of the scale ("performance status: age 18", "grade 3
    or 17"), or if a comparator applies to several grades ("> grade 2-3").
    """
    grades = parts.get("grades") or parts["roman"]
    # "performance status: age 18" states no status
    for name in ("gap", "scale"):
        if name in parts and "age" in parts[name].value.lower().split():
            return None
    low, highest = grades.value
    high = None
    if highest != low:
        high = highest
    end = grades.end
    unit = None
    if "unit" in parts:
        end = parts["unit"].end
        # a time after grades is covered by the limit, but is not the unit of the grades
        if not parts["unit"].value.time:
            unit = parts["unit"].value.words
    comparator = _find_comparator(parts)
    if comparator is None or comparator is Comparator.BETWEEN:
        # "grade 3 or 17"
        if highest > _LARGEST_GRADE > low:
            return None
        comparator = Comparator.EQUAL
        if high:
            comparator = Comparator.BETWEEN
    elif high:
        return None
    amount = NumberWithUnit(low, high, unit)
    scale_words = _find_scale_words(parts)
    return (Bound(comparator, amount, grades.first, end, scale_words=scale_words),)


def make_restated(parts: Parts) -> Bounds | None:
    """Make the bounds of a limit that is repeated in another unit: "> 50 pounds (22.7 kg)". If the
    unit only has another spelling, return the first limit alone: "3 x ULN (3 times the upper limit
    of normal)". Return None if what follows is no repetition, because it has no unit, the
    same unit, or the unit of a time.
    """
    limits: Bounds = tuple(parts["stated"].value)
    stated = limits[-1]
    span = parts["restated"]
    if isinstance(span.value, NumberWithUnit):
        restated = Bound(stated.comparator, span.value, span.first, span.end)
    else:
        restated = span.value[0]
    stated_unit = stated.amount.unit
    unit = restated.amount.unit
    if stated_unit is None:
        return None
    if unit is None:
        return None
    if restated.amount.time:
        return None
    code = read_unit(stated_unit)
    # a second multiple is a further limit: "<= 3 x ULN (5 x ULN if liver metastases)"
    if stated_unit == unit and code not in MULTIPLES:
        return None
    if code == read_unit(unit) and stated.amount.low == restated.amount.low:
        return limits
    if restated.comparator is Comparator.EQUAL:
        restated = replace(restated, comparator=stated.comparator)
    return *limits, restated


def make_bare(parts: Parts) -> Bounds | None:
    """Make a bound from an age, or a multiple of a normal limit, without a comparator: "age 18",
    "AST 6 x ULN". It is treated as a minimum only tentatively, because the list may imply
    otherwise. Return None if the unit is that of something else.
    """
    amount = parts["amount"].value
    if "quantity" in parts:
        # "AST 6 x ULN"
        fits = read_unit(amount.unit) in MULTIPLES
    else:
        # "age 18", "age 18 years"
        fits = not amount.unit or amount.time in _AGE_UNITS
    if fits:
        return (Bound(Comparator.AT_LEAST, amount, *_cover(parts), sure=False),)
    return None


MAKERS: Mapping[str, Maker] = {
    name.removeprefix("make_"): function
    for name, function in tuple(globals().items())
    if name.startswith("make_")
}

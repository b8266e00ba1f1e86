"""What productions make: amounts and bounds out of typed spans."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from extractor.language.numbers import DAYS, multiply, read_number
from extractor.language.units import read_unit
from extractor.measures.grammar import Maker, Parts, Span
from extractor.schemas.vocabulary import Comparator, TimeUnit

_WHOLE = 1000
"""A smaller number may share the power of ten of the next one."""
_DIGITS = re.compile(
    r"\d(?:[\d., ]*\d)?(?:·(?!\s?10)\d+)?(?=\s?(?:[a-z*×^]|·\s?10))",
    re.IGNORECASE,
)
_LOST_POWER = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?(?= 109$)")
"""The number before a power of ten that lost its signs: "10 109"."""
_LARGEST_GRADE = 10
_BOTH_COUNT = (Comparator.AT_LEAST, Comparator.AT_MOST)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number, or a range, with its unit.

    ``time`` is the unit, if it is one of time, ``written`` the number as the text has it.
    """

    low: float
    high: float | None = None
    unit: str | None = None
    time: TimeUnit | None = None
    written: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """An amount with its comparator, and the tokens that state it. ``turned`` are the words of a
    comparator whose direction is that of the quantity's scale: "or better".
    """

    comparator: Comparator
    amount: Amount
    first: int
    end: int
    condition: Span | None = None
    sure: bool = True
    turned: str | None = None


Bounds = tuple[Bound, ...]


def make_amount(parts: Parts) -> Amount:
    """A number with a unit, or without one."""
    number = parts["number"].value
    unit = parts["unit"].value if "unit" in parts else (None, None)
    return Amount(number[0], None, unit[0], unit[1], number[1])


def _find_unit(parts: Parts) -> str | None:
    """Return the unit as written, if it is none of time."""
    if "unit" not in parts:
        return None
    unit = parts["unit"].value
    return None if unit[1] else str(unit[0])


def make_range(parts: Parts) -> Bounds | None:
    """Two amounts, the ends of a range. The first takes the unit of the second."""
    low = parts["low"]
    high = parts["high"]
    lower = low.value
    upper = high.value
    if lower.high is not None or upper.high is not None:
        return None
    if parts["joint"].value.lower() == "and" and "opening" not in parts:
        return None
    if lower.unit is None:
        lower = replace(lower, unit=upper.unit, time=upper.time)
        lower = replace(lower, low=scale_alike(lower.low, upper.written))
    place = low.first, high.end
    if _same_unit(lower, upper):
        # below zero, the number nearer to zero may come first: "between -1 and -2.5"
        if upper.low < lower.low < 0:
            lower = replace(lower, low=upper.low)
            upper = replace(upper, low=low.value.low)
        if lower.low >= upper.low:
            return None
        # "7 to < 10" is no plain range
        if "comparator" in parts and parts["comparator"].value != Comparator.AT_MOST:
            return None
        joined = replace(upper, low=lower.low, high=upper.low)
        return (Bound(Comparator.BETWEEN, joined, *place),)
    if not _measure_time(lower) < _measure_time(upper):
        return None
    return (
        Bound(Comparator.AT_LEAST, lower, low.first, low.end),
        Bound(Comparator.AT_MOST, upper, high.first, high.end),
    )


def _same_unit(one: Amount, other: Amount) -> bool:
    if one.time or other.time:
        return one.time is other.time
    return True


def _measure_time(amount: Amount) -> float:
    return amount.low * DAYS.get(amount.time, 0) if amount.time else 0


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


def make_span_of_time(parts: Parts) -> Bounds | None:
    """A duration with two ends: "18 to 75 years"."""
    duration = parts["duration"]
    if duration.value.high is None:
        return None
    return (Bound(Comparator.BETWEEN, duration.value, duration.first, duration.end),)


def make_compared(parts: Parts) -> Bounds | None:
    """An amount with a comparator before or behind it."""
    amount = parts["amount"]
    if amount.value.high is not None:
        return None
    turned = _find_turned(parts)
    comparator = _find_comparator(parts)
    if comparator is None or comparator is Comparator.BETWEEN:
        return None
    first = min(span.first for span in parts.values())
    end = max(span.end for span in parts.values())
    if (amount.value.unit or "").endswith("/"):
        # the lower number of a fraction of visual acuity is greater for those who see less
        comparator = mirror(comparator)
    return (Bound(comparator, amount.value, first, end, turned=turned),)


def _find_comparator(parts: Parts) -> Comparator | None:
    span = parts.get("comparator") or parts.get("suffix")
    if span is None:
        return None
    if _find_turned(parts):
        return Comparator.EQUAL
    comparator = Comparator(span.value)
    if comparator is Comparator.EQUAL and "suffix" in parts:
        return Comparator(parts["suffix"].value)
    return comparator.opposite if "negation" in parts else comparator


def _find_turned(parts: Parts) -> str | None:
    """Return the words of a comparator whose direction is that of a scale: "or better"."""
    sign = parts.get("comparator") or parts.get("suffix")
    is_turned = sign is not None and sign.rule.startswith("turned")
    return sign.value if sign and is_turned else None


def mirror(comparator: Comparator) -> Comparator:
    """Return the comparator of a value whose sign or direction changes: that of the other side. An
    equality and a range stay what they are.
    """
    signs = {">=": "<=", "<=": ">=", ">": "<", "<": ">"}
    return Comparator(signs.get(comparator, comparator))


def make_equal_or_beyond(parts: Parts) -> Bounds | None:
    """An amount with an equality before it and a comparator behind: "equal to 17 or higher"."""
    is_equal = parts["comparator"].value == Comparator.EQUAL
    return make_compared(parts) if is_equal else None


def make_within(parts: Parts) -> Bounds | None:
    """A multiple of a bound of normal behind "within": "ALT within 3 x ULN"."""
    amount = parts["amount"]
    if read_unit(amount.value.unit or "") not in ("{ULN}", "{LLN}"):
        return None
    first = parts["within"].first
    return (Bound(Comparator.AT_MOST, amount.value, first, amount.end),)


def make_pressure(parts: Parts) -> Bounds | None:
    """Two limits of a blood pressure: "> 140/90 mmHg"."""
    compared = make_compared(parts)
    if compared is None or parts["amount"].value.low <= parts["diastolic"].value[0]:
        return None
    unit = _find_unit(parts)
    first = replace(compared[0].amount, unit=unit)
    second = replace(first, low=parts["diastolic"].value[0])
    end = parts["unit"].end if "unit" in parts else parts["diastolic"].end
    one = replace(compared[0], amount=first)
    return one, replace(one, amount=second, first=parts["diastolic"].first, end=end)


def make_shared(parts: Parts) -> Bounds | None:
    """Two limits of which the first takes the unit of the second, "< 18 or > 70 years", or that are
    the ends of one range: ">= 18 and <= 70 years".
    """
    one = parts["one"].value[0]
    other = parts["other"].value[-1]
    if len(parts["one"].value) > 1 or len(parts["other"].value) > 1:
        return None
    if parts["one"].rule.startswith("grades"):
        return None
    own = one.amount.unit
    unit = other.amount.unit
    has_own = own is not None and not (unit or "").startswith(f"{own} ")
    if not has_own and unit:
        low = scale_alike(one.amount.low, other.amount.written)
        amount = replace(one.amount, low=low, unit=unit, time=other.amount.time)
        one = replace(one, amount=amount)
    is_range = (one.comparator, other.comparator) == _BOTH_COUNT
    is_rising = one.amount.low < other.amount.low
    if is_range and is_rising and one.amount.unit in (None, other.amount.unit):
        joined = replace(other.amount, low=one.amount.low, high=other.amount.low)
        return (Bound(Comparator.BETWEEN, joined, one.first, other.end),)
    return None if has_own or not unit else (one, other)


def make_cases(parts: Parts) -> Bounds | None:
    """A limit and a further amount for other people, which shares comparator and unit: ">= 13 g/dL
    in men and 12 in women".
    """
    one = parts["one"].value[-1]
    other = parts["amount"]
    amount = other.value
    if one.comparator is Comparator.BETWEEN or amount.high is not None:
        return None
    if amount.unit is None:
        amount = replace(amount, unit=one.amount.unit, time=one.amount.time)
    second = Bound(one.comparator, amount, other.first, other.end, parts["second"])
    if one.amount.unit is None:
        unit = replace(one.amount, unit=amount.unit, time=amount.time)
        one = replace(one, amount=unit)
    return *parts["one"].value[:-1], replace(one, condition=parts["first"]), second


def make_chain(parts: Parts) -> Bounds | None:
    """A quantity between two numbers: "18 <= age <= 65 years"."""
    signs = (parts["front"].value[0], parts["behind"].value[0])
    if signs not in (("<", "<"), (">", ">"), ("=", "=")):
        return None
    low = parts["low"]
    high = parts["high"]
    one = low.value
    other = high.value
    if one.unit is None:
        one = replace(one, unit=other.unit, time=other.time)
    if other.unit is None:
        other = replace(other, unit=one.unit, time=one.time)
    # "18 = age = 65 years" has lost its signs
    if signs == ("=", "="):
        joined = replace(other, low=one.low, high=other.low)
        return (Bound(Comparator.BETWEEN, joined, low.first, high.end, sure=False),)
    front = mirror(Comparator(parts["front"].value))
    behind = Comparator(parts["behind"].value)
    if (front, behind) == _BOTH_COUNT:
        joined = replace(other, low=one.low, high=other.low)
        return (Bound(Comparator.BETWEEN, joined, low.first, high.end),)
    if (behind, front) == _BOTH_COUNT:
        joined = replace(one, low=other.low, high=one.low)
        return (Bound(Comparator.BETWEEN, joined, low.first, high.end),)
    return (
        Bound(front, one, low.first, low.end),
        Bound(behind, other, high.first, high.end),
    )


def make_grades(parts: Parts) -> Bounds | None:
    """A scale with its grades: "ECOG 0-2", "NYHA class III or IV", "grade 3 or higher"."""
    grades = parts["grades"] if "grades" in parts else parts["roman"]
    between = [parts[name].value.lower() for name in ("gap", "scale") if name in parts]
    # "performance status: age 18" is no status
    if any("age" in words.split() for words in between):
        return None
    low = grades.value[0]
    high = grades.value[1]
    comparator = _find_comparator(parts)
    place = grades.first, parts["unit"].end if "unit" in parts else grades.end
    unit = _find_unit(parts)
    if comparator is Comparator.BETWEEN:
        comparator = None
    if comparator and low == high:
        turned = _find_turned(parts)
        return (Bound(comparator, Amount(low, None, unit), *place, turned=turned),)
    if comparator or (high > _LARGEST_GRADE and low < _LARGEST_GRADE):
        return None
    if low == high:
        return (Bound(Comparator.EQUAL, Amount(low, None, unit), *place),)
    return (Bound(Comparator.BETWEEN, Amount(low, high, unit), *place),)


def make_restated(parts: Parts) -> Bounds | None:
    """A limit and the same one in another unit: "> 50 pounds (22.7 kg)"."""
    one = parts["one"].value[-1]
    other = parts["other"].value
    if isinstance(other, Amount):
        comparator = one.comparator
        bound = Bound(comparator, other, parts["other"].first, parts["other"].end)
    else:
        bound = other[0]
    units = one.amount.unit, bound.amount.unit
    if None in units or bound.amount.time:
        return None
    is_multiple = read_unit(units[0] or "") in ("{ULN}", "{LLN}")
    if units[0] == units[1] and not is_multiple:
        return None
    codes = [read_unit(unit or "") for unit in units]
    if codes[0] == codes[1] and one.amount.low == bound.amount.low:
        return tuple(parts["one"].value)
    if bound.comparator is Comparator.EQUAL:
        bound = replace(bound, comparator=one.comparator)
    if (one.amount.high is None) != (bound.amount.high is None):
        return None
    return *parts["one"].value, bound


def make_unit_behind_comparator(parts: Parts) -> Bounds | None:
    """A number whose unit is behind its comparator: "70+ years", "10 or more mutations per Mb"."""
    number = parts["number"]
    unit = parts["unit"]
    comparator = _find_comparator(parts) or Comparator.AT_LEAST
    if _find_turned(parts):
        return None
    return (Bound(comparator, make_amount(parts), number.first, unit.end),)


def make_bare_age(parts: Parts) -> Bounds | None:
    """An age without a comparator, which is a lower bound unless the list says else."""
    amount = parts["amount"]
    is_time = amount.value.time is not None
    if amount.value.unit and not is_time:
        return None
    if amount.value.time in (TimeUnit.MINUTE, TimeUnit.HOUR, TimeUnit.CYCLE):
        return None
    first = min(span.first for span in parts.values())
    end = max(span.end for span in parts.values())
    return (Bound(Comparator.AT_LEAST, amount.value, first, end, sure=False),)


MAKERS: Mapping[str, Maker] = {
    name.removeprefix("make_"): function
    for name, function in tuple(globals().items())
    if name.startswith("make_")
}

"""What productions make: bounds and time windows out of typed spans."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from extractor.language.numbers import DAYS
from extractor.measures.grammar import Maker, Parts, Span
from extractor.schemas.vocabulary import Comparator, TimeUnit

_LARGEST_GRADE = 10


@dataclass(frozen=True, slots=True)
class Amount:
    """A number, or a range, with its unit. ``time`` is the unit, if it is one of time."""

    low: float
    high: float | None = None
    unit: str | None = None
    time: TimeUnit | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """An amount with its comparator, and the tokens that state it."""

    comparator: Comparator
    amount: Amount
    first: int
    end: int
    condition: Span | None = None


Bounds = tuple[Bound, ...]


def make_amount(parts: Parts) -> Amount:
    """A number with a unit, or without one."""
    unit = parts.get("unit")
    written, time = unit.value if unit else (None, None)
    return Amount(parts["number"].value, None, written, time)


def make_range(parts: Parts) -> Bounds | None:
    """Two amounts, the ends of a range. The first takes the unit of the second."""
    low, high = parts["low"], parts["high"]
    lower, upper = low.value, high.value
    if lower.high is not None or upper.high is not None:
        return None
    if parts["joint"].value.lower() == "and" and "opening" not in parts:
        return None
    if lower.unit is None:
        lower = replace(lower, unit=upper.unit, time=upper.time)
    place = low.first, high.end
    if _same_unit(lower, upper):
        if lower.low >= upper.low:
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
    comparator = _find_comparator(parts)
    if comparator is None or comparator is Comparator.BETWEEN:
        return None
    first = min(span.first for span in parts.values())
    end = max(span.end for span in parts.values())
    return (Bound(comparator, amount.value, first, end),)


def _find_comparator(parts: Parts) -> Comparator | None:
    span = parts.get("comparator") or parts.get("suffix")
    if span is None:
        return None
    comparator = Comparator(span.value)
    return comparator.opposite if "negation" in parts else comparator


def make_pressure(parts: Parts) -> Bounds | None:
    """Two limits of a blood pressure: "> 140/90 mmHg"."""
    compared = make_compared(parts)
    if compared is None or parts["amount"].value.low <= parts["diastolic"].value:
        return None
    unit, time = parts["unit"].value if "unit" in parts else (None, None)
    if time:
        return None
    one = replace(compared[0], amount=replace(compared[0].amount, unit=unit))
    other = replace(one, amount=replace(one.amount, low=parts["diastolic"].value))
    return one, other


def make_shared(parts: Parts) -> Bounds | None:
    """Two limits of which the first takes the unit of the second: "< 18 or > 70 years"."""
    one, other = parts["one"].value[0], parts["other"].value[-1]
    own, unit = one.amount.unit, other.amount.unit
    if unit is None or (own is not None and not unit.startswith(f"{own} ")):
        return None
    amount = replace(one.amount, unit=unit, time=other.amount.time)
    return replace(one, amount=amount), *parts["other"].value


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
    front, behind = (Comparator(parts[name].value) for name in ("front", "behind"))
    downwards = (Comparator.LESS, Comparator.AT_MOST)
    if front not in downwards or behind not in downwards:
        return None
    low, high = parts["low"], parts["high"]
    amount = low.value
    if amount.unit is None:
        amount = replace(amount, unit=high.value.unit, time=high.value.time)
    mirrored = Comparator.MORE if front is Comparator.LESS else Comparator.AT_LEAST
    return (
        Bound(mirrored, amount, low.first, low.end),
        Bound(behind, high.value, high.first, high.end),
    )


def make_grades(parts: Parts) -> Bounds | None:
    """A scale with its grades: "ECOG 0-2", "NYHA class III or IV", "grade 3 or higher"."""
    grades = parts["grades"]
    low, high = grades.value
    comparator = _find_comparator(parts)
    place = grades.first, parts["unit"].end if "unit" in parts else grades.end
    unit, time = parts["unit"].value if "unit" in parts else (None, None)
    if time:
        return None
    if comparator is Comparator.BETWEEN:
        comparator = None
    if comparator and low == high:
        return (Bound(comparator, Amount(low, None, unit), *place),)
    if comparator or (high > _LARGEST_GRADE and low < _LARGEST_GRADE):
        return None
    if low == high:
        return (Bound(Comparator.EQUAL, Amount(low, None, unit), *place),)
    return (Bound(Comparator.BETWEEN, Amount(low, high, unit), *place),)


def make_restated(parts: Parts) -> Bounds | None:
    """A limit and the same one in another unit: "> 50 pounds (22.7 kg)"."""
    one, other = parts["one"].value[-1], parts["other"].value
    if isinstance(other, Amount):
        comparator = one.comparator
        bound = Bound(comparator, other, parts["other"].first, parts["other"].end)
    else:
        bound = other[0]
    units = one.amount.unit, bound.amount.unit
    if None in units or units[0] == units[1] or bound.amount.time:
        return None
    if (one.amount.high is None) != (bound.amount.high is None):
        return None
    return *parts["one"].value, bound


def _make_window(parts: Parts, comparator: Comparator) -> Bounds | None:
    time = parts["time"]
    if isinstance(time.value, Amount):
        bounds: Bounds = (Bound(comparator, time.value, time.first, time.end),)
        if time.value.high is not None:
            bounds = (replace(bounds[0], comparator=Comparator.BETWEEN),)
    else:
        bounds = time.value
    amount = bounds[0].amount
    if len(bounds) > 1 or amount.time in (None, TimeUnit.MINUTE, TimeUnit.CYCLE):
        return None
    first = min(span.first for span in parts.values())
    return (replace(bounds[0], first=first),)


def make_look_back(parts: Parts) -> Bounds | None:
    """A time in which something was: "within the last 4 weeks"."""
    return _make_window(parts, Comparator.AT_MOST)


def make_wait(parts: Parts) -> Bounds | None:
    """A time for which something lasts, or that has passed: "stable for 4 weeks"."""
    return _make_window(parts, Comparator.AT_LEAST)


def make_window(parts: Parts) -> Bounds | None:
    """A time with its own comparator: "at least 14 days since the last dose"."""
    if isinstance(parts["time"].value, Amount):
        return None
    return _make_window(parts, Comparator.EQUAL)


MAKERS: Mapping[str, Maker] = {
    name.removeprefix("make_"): function
    for name, function in tuple(globals().items())
    if name.startswith("make_")
}

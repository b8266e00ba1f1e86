"""Limits of criteria as ages and measurements, with their units."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isclose

from extractor.mentions.bounds import Limit
from extractor.mentions.constraints import find_limits
from extractor.schemas import Category, Comparator, Constraint
from extractor.schemas.extraction import CriterionAnnotation
from extractor.text.book import read_table
from extractor.text.lexer import Tokens
from extractor.text.quantity_names import KnownQuantity, find_loinc, fold_words, list_quantities, name_quantity
from extractor.text.units import convert, read_unit

from .omop_circe import (
    AgeLimit,
    CriteriaGroup,
    MeasurementLimit,
    Names,
    Node,
    NumericRange,
    Operator,
    Reason,
    Undecided,
    words_of,
)

LOOK_BACK = 30
"""Days before entry in which a measurement counts, if the criterion states no time."""
_DIGITS = 4
"""Decimals of a value in Circe's SQL."""
_ROUNDING = 0.02
"""The relative difference of a limit and its repetition in another unit."""
_FEW, _MANY = 0.1, 1000
"""Laboratories choose a unit that gives such numbers."""
_WIDEST = 100
"""Ranges whose bounds differ by a larger factor were misread: "3.5 - 9 x 10^3/uL"."""
_REFERENCES = frozenset({"{ULN}", "{LLN}"})
_BARE = frozenset({"1", "{score}", "{grade}", "{class}", "{stage}"})
"""Units that databases do not write."""


@dataclass(frozen=True, slots=True)
class Limited:
    """A constraint, its quantity, and the tokens that state it."""

    constraint: Constraint
    quantity: KnownQuantity
    unit: str | None
    place: Sequence[int]

    @property
    def is_age(self) -> bool:
        """Whether the age is limited."""
        return self.quantity.name == "age"

    @property
    def bound(self) -> NumericRange:
        """The limit's range, in the written unit."""
        return NumericRange(self.constraint.comparator, self.constraint.value, self.constraint.value_high)

    @property
    def canonical(self) -> list[float]:
        """The bounds in the canonical unit; in the written one where they cannot be converted."""
        bounds = [each for each in (self.bound.value, self.bound.high) if each is not None]
        converted = (self.quantity.to_canonical(each, self.unit) for each in bounds)
        return [each if known is None else known for each, known in zip(bounds, converted, strict=True)]

    def repeats(self, other: "Limited") -> bool:
        """Whether the other limit is this one in another unit: "10 g/dL (100 g/L)"."""
        same = self.quantity == other.quantity and self.bound.comparator == other.bound.comparator
        pairs = zip(self.canonical, other.canonical, strict=same)
        return same and all(isclose(*pair, rel_tol=_ROUNDING) for pair in pairs)

    def excludes(self, other: "Limited") -> bool:
        """Whether no value can be below the one limit and above the other."""
        bounds = sorted((self.bound, other.bound), key=lambda bound: bound.comparator[0])
        return [bound.comparator[0] for bound in bounds] == ["<", ">"] and bounds[0].value <= bounds[1].value


def find_limited(criterion: CriterionAnnotation, tokens: Tokens, window: range) -> list[Limited]:
    """Find each constraint in the text again. ``window`` holds the tokens of the time window.

    Raises ``Undecided`` if a constraint is not in the text, if the text has another limit, or if no quantity is named.
    """
    limits = find_limits(tokens, criterion.kind)
    found = list[Limited]()
    for constraint in criterion.constraints:
        stated = (constraint.comparator, constraint.value, constraint.value_high)
        limit = next((one for one in limits if (one.comparator, one.value, one.value_high) == stated), None)
        if limit is None:
            raise Undecided(Reason.LIMITS_NOT_LOCATED, f"{constraint.quantity} {constraint.comparator}")
        limits.remove(limit)
        _check_range(limit, tokens)
        quantity, unit = _name(constraint, criterion)
        new = Limited(constraint, quantity, unit, _find_place(tokens, limit, quantity))
        same = next((at for at, one in enumerate(found) if one.repeats(new)), None)
        if same is None:
            found.append(new)
        else:
            found[same] = replace(found[same], place=sorted({*found[same].place, *new.place}))
    if any(not (limit.first >= window.start and limit.end <= window.stop) for limit in limits):
        raise Undecided(Reason.LIMITS_NOT_LOCATED)
    return sorted(found, key=lambda one: one.place[0])


def read_limited(limited: Limited, days: int | None, names: Names, *, excluded: bool) -> Node:
    """Express one limit, in every usual unit of its quantity. Raises ``Undecided`` if that is not possible."""
    if limited.is_age:
        return AgeLimit(to_years(limited.bound, limited.unit))
    days = LOOK_BACK if days is None else days
    both = [list_quantities()[name] for name in sorted(limited.quantity.both)]
    if not both:
        return _measure(limited, limited.quantity, days, names)
    words = {word.lower() for word in limited.constraint.quantity.replace("/", " / ").split()}
    if words & {"and", "or"} != ({"or"} if excluded else {"and"}) and not ("/" in words and not words & {"and", "or"}):
        raise Undecided(Reason.CONJUNCTION, limited.constraint.quantity)
    measured = tuple(_measure(limited, one, days, names) for one in both)
    return CriteriaGroup(Operator.ANY if excluded else Operator.ALL, measured)


def to_years(bound: NumericRange, unit: str | None) -> NumericRange:
    """Convert an age limit to whole years. Raises ``Undecided`` if the people of a year differ: "up to 24 months"."""
    years = [convert(value, unit or "a", "a") if value is not None else None for value in (bound.value, bound.high)]
    within = unit not in (None, "a") and bound.comparator not in (Comparator.LESS, Comparator.AT_LEAST)
    if years[0] is None or within or any(each is not None and each != round(each) for each in years):
        raise Undecided(Reason.AGE_UNIT, f"{bound.value:g} {unit}")
    return NumericRange(bound.comparator, round(years[0]), None if years[1] is None else round(years[1]))


def _check_range(limit: Limit, tokens: Tokens) -> None:
    """Raise ``Undecided`` if a range was misread."""
    words = [word.lower() for word in tokens.words[limit.first : limit.end]]
    strict = sum(word in words_of("strict") for word in words) > words.count("=") + words.count("equal")
    if limit.value_high is not None and strict:
        raise Undecided(Reason.LIMITS_NOT_LOCATED, "a bound that is not part of its range")
    if limit.value_high is not None and limit.value_high > _WIDEST * limit.value > 0:
        raise Undecided(Reason.LIMITS_NOT_LOCATED, "a range that is too wide")


def _name(constraint: Constraint, criterion: CriterionAnnotation) -> tuple[KnownQuantity, str | None]:
    """The quantity of a limit, and its unit. Raises ``Undecided`` if they are not known, or do not fit the value."""
    unit = read_unit(constraint.unit) if constraint.unit else None
    if constraint.unit and unit is None:
        raise Undecided(Reason.UNIT, constraint.unit)
    quantity = name_quantity(constraint.quantity, unit, criterion.quote, constraint.value)
    if quantity is None and criterion.category is Category.AGE and unit in (None, "a"):
        quantity = list_quantities()["age"]
    elif quantity is None or quantity.general or not (quantity.loinc or quantity.both):
        raise Undecided(Reason.QUANTITY, constraint.quantity)
    if quantity.unit in _BARE and unit in quantity.others:
        unit = None  # "Karnofsky 80 %": databases write no unit
    known = constraint.value and quantity.usual and quantity.to_canonical(constraint.value, unit)
    if known and not quantity.is_usual(constraint.value, unit):
        raise Undecided(Reason.VALUE, f"{quantity.name} {constraint.value:g}")
    return quantity, unit


def _find_place(tokens: Tokens, limit: Limit, quantity: KnownQuantity) -> list[int]:
    """The tokens of a limit, and of its quantity if they are nothing but its name."""
    place = set(range(limit.first, limit.end))
    if limit.unit:
        place.update(range(*limit.unit))
        place.difference_update(_find_remark(tokens, *limit.unit))
    if limit.quantity:
        first, end = limit.quantity
        named = fold_words(tokens.read(first, end))
        short = tuple(word for word in named if word not in words_of("fillers"))
        other = words_of("measured_how").difference(quantity.name.split("_")).intersection(named)
        if not other and (_is_name(named, quantity) or _is_name(short, quantity)):
            place.update(range(first, end))
        else:
            place.difference_update(range(first, end))
    return sorted(place)


def _find_remark(tokens: Tokens, first: int, end: int) -> range:
    """The words in parentheses behind a unit, unless they repeat it: "% (before transfusion)"."""
    opened = next((at for at in range(first, end) if tokens.words[at] == "("), end)
    repeated = read_unit(tokens.read(opened + 1, end - 1)) if end - opened > 2 else None
    return range(0) if repeated and repeated == read_unit(tokens.read(first, opened)) else range(opened, end)


def _is_name(words: tuple[str, ...], quantity: KnownQuantity) -> bool:
    """Whether words are names of a quantity, one after the other: "systolic blood pressure (SBP)"."""
    parts = [quantity, *(list_quantities()[name] for name in quantity.both)]
    known = sorted({fold_words(name) for part in parts for name in part.names}, key=len, reverse=True)
    while words:
        name = next((one for one in known if one and words[: len(one)] == one), None)
        if name is None:
            return False
        words = words[len(name) :]
    return True


def _measure(limited: Limited, quantity: KnownQuantity, days: int, names: Names) -> Node:
    """A limit for each LOINC code of the quantity that the value converts to, in the units of the code's dimension."""
    bound, unit = limited.bound, limited.unit
    is_bare = quantity.unit in _BARE and unit in (None, quantity.unit)
    written = unit or (quantity.unit if is_bare else quantity.infer_unit(bound.value))
    if written is None:
        raise Undecided(Reason.UNIT, f"{quantity.name}: none")
    codes, name = find_loinc(quantity, written), quantity.name.replace("_", " ")
    if not codes:
        raise Undecided(Reason.QUANTITY, f"{name} {written}")
    if is_bare or unit in _REFERENCES:
        if (concepts := names.find_quantity(name, codes)) is None:
            raise Undecided(Reason.NAME, quantity.name)
        return MeasurementLimit(concepts, bound, days, reference=None if is_bare else unit)
    same = dict(_list_bounds(bound, written, quantity))
    if not same:
        raise Undecided(Reason.VALUE, f"{bound.value:g}")
    found, reason = list[Node](), Reason.UNIT
    for coded in quantity.loinc.values():
        own = [code for code in same if coded == tuple(find_loinc(quantity, code))]
        units = names.find_units(own) if own else {}
        if units and (concepts := names.find_quantity(name, coded)):
            found += (MeasurementLimit(concepts, same[code], days, unit=unit) for code, unit in units.items())
        elif units:
            reason = Reason.NAME
    if not found:
        raise Undecided(reason, f"{name} {written}")
    return found[0] if len(found) == 1 else CriteriaGroup(Operator.ANY, tuple(found))


def _list_bounds(bound: NumericRange, unit: str, quantity: KnownQuantity) -> Iterator[tuple[str, NumericRange]]:
    """The same limit in the units that laboratories use for such numbers, if four decimals are precise enough."""
    known, fitting = read_table("cohorts")["units"], False
    for code in dict.fromkeys((unit, quantity.unit, *known)):
        if code not in known or ("{" in code) != ("{" in unit):  # "per 1.73 m2" is another quantity
            continue
        if ("eq" in code) != ("eq" in unit) and quantity.name not in words_of("one_charge"):
            continue
        values = [_convert(value, unit, code, quantity) for value in (bound.value, bound.high) if value is not None]
        found = [round(value, _DIGITS) for value in values if value is not None]
        fitting |= len(found) == len(values)
        usual = code in (unit, quantity.unit, "/uL") or values[0] == bound.value
        usual |= all(_FEW <= abs(one) <= _MANY for one in found)
        exact = all(abs(one - value) <= abs(value) / 1000 for one, value in zip(found, values, strict=False) if value)
        if len(found) == len(values) and usual and exact:
            yield code, NumericRange(bound.comparator, found[0], found[1] if len(found) > 1 else None)
    if not fitting:
        raise Undecided(Reason.UNIT, unit)


def _convert(value: float, unit: str, code: str, quantity: KnownQuantity) -> float | None:
    scales = quantity.linear or {}
    if unit in scales and code == quantity.unit:
        return quantity.to_canonical(value, unit)
    if code in scales and unit == quantity.unit and tuple(scales[code]) != (1, 0):  # "BMI 30 kg" is a slip of the pen
        factor, offset = scales[code]
        return float(f"{(value - offset) / factor:.4g}")
    return convert(value, unit, code, quantity.molar_mass)

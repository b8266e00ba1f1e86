"""Limits of criteria as ages and measurements, with their units."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractor.parse.eligibility.limit import Limit
from extractor.parse.eligibility.limits import find_limits
from extractor.schemas import Category, Constraint
from extractor.schemas.extraction import CriterionAnnotation
from extractor.text.book import read_table
from extractor.text.lexer import Tokens
from extractor.text.quantity_names import KnownQuantity, fold_words, list_quantities, name_quantity
from extractor.text.units import convert, read_unit

from .omop_nodes import (
    AgeLimit,
    CriteriaGroup,
    MeasurementLimit,
    Names,
    Node,
    NumericRange,
    Operator,
    Reason,
    Undecided,
    list_loinc,
    words_of,
)

LOOK_BACK = 30
"""Days before entry in which a measurement counts, if the criterion states no time."""
_DIGITS = 4
"""Decimals of a value in Circe's SQL."""
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

    def excludes(self, other: "Limited") -> bool:
        """Whether no value can be below the one limit and above the other."""
        bounds = sorted((self.bound, other.bound), key=lambda bound: bound.comparator[0])
        return [bound.comparator[0] for bound in bounds] == ["<", ">"] and bounds[0].value <= bounds[1].value


def find_limited(criterion: CriterionAnnotation, tokens: Tokens, window: range) -> list[Limited]:
    """Find each constraint in the text again. ``window`` holds the tokens of the time window.

    Raises ``Undecided`` if a constraint is not in the text, if the text has another limit, or if no quantity is named.
    """
    limits = find_limits(tokens, criterion.kind)
    found = []
    for constraint in criterion.constraints:
        stated = (constraint.comparator, constraint.value, constraint.value_high)
        limit = next((one for one in limits if (one.comparator, one.value, one.value_high) == stated), None)
        if limit is None:
            raise Undecided(Reason.LIMITS_NOT_LOCATED, f"{constraint.quantity} {constraint.comparator}")
        limits.remove(limit)
        words = [word.lower() for word in tokens.words[limit.first : limit.end]]
        strict = sum(word in words_of("strict") for word in words) > words.count("=") + words.count("equal")
        if limit.value_high is not None and strict:
            raise Undecided(Reason.LIMITS_NOT_LOCATED, "a bound that is not part of its range")
        if limit.value_high is not None and limit.value_high > _WIDEST * limit.value > 0:
            raise Undecided(Reason.LIMITS_NOT_LOCATED, "a range that is too wide")
        unit = _read_unit(constraint)
        quantity = _name(constraint, unit, criterion)
        found.append(Limited(constraint, quantity, unit, _find_place(tokens, limit, quantity)))
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
    """Convert an age limit to years. Raises ``Undecided`` if it is no whole number of them."""
    years = [convert(value, unit or "a", "a") if value is not None else None for value in (bound.value, bound.high)]
    if years[0] is None or any(each is not None and each != round(each) for each in years):
        raise Undecided(Reason.AGE_UNIT, f"{bound.value:g} {unit}")
    return NumericRange(bound.comparator, round(years[0]), None if years[1] is None else round(years[1]))


def _read_unit(constraint: Constraint) -> str | None:
    if not constraint.unit:
        return None
    unit = read_unit(constraint.unit)
    if unit is None:
        raise Undecided(Reason.UNIT, constraint.unit)
    return unit


def _name(constraint: Constraint, unit: str | None, criterion: CriterionAnnotation) -> KnownQuantity:
    quantity = name_quantity(constraint.quantity, unit, criterion.quote, constraint.value)
    if quantity is None and criterion.category is Category.AGE and unit in (None, "a"):
        return list_quantities()["age"]
    if quantity is None or quantity.general or not (list_loinc(quantity) or quantity.both):
        raise Undecided(Reason.QUANTITY, constraint.quantity)
    return quantity


def _find_place(tokens: Tokens, limit: Limit, quantity: KnownQuantity) -> list[int]:
    """The tokens of a limit, and of its quantity if they are nothing but its name."""
    place = set(range(limit.first, limit.end))
    if limit.unit:
        place.update(range(*limit.unit))
        place.difference_update(_find_remark(tokens, *limit.unit))
    if limit.quantity:
        first, end = limit.quantity
        named = [word for word in tokens.words[first:end] if word.lower() not in words_of("fillers")]
        other = words_of("measured_how").difference(quantity.name.split("_")).intersection(map(str.lower, named))
        if not other and _is_name(fold_words(" ".join(named)), quantity):
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
    if not list_loinc(quantity):
        raise Undecided(Reason.QUANTITY, quantity.name)
    concepts = names.find_quantity(quantity)
    if concepts is None:
        raise Undecided(Reason.NAME, quantity.name)
    bound, unit = limited.bound, limited.unit
    if unit in _REFERENCES:
        return MeasurementLimit(concepts, bound, days, reference=unit)
    if quantity.unit in _BARE and unit in (None, quantity.unit):
        return MeasurementLimit(concepts, bound, days)
    unit = unit or quantity.infer_unit(bound.value)
    if unit is None:
        raise Undecided(Reason.UNIT, f"{quantity.name}: none")
    same = dict(_list_bounds(bound, unit, quantity))
    if not same:
        raise Undecided(Reason.VALUE, f"{bound.value:g}")
    units = names.find_units(same)
    if not units:
        raise Undecided(Reason.UNIT, f"{unit}")
    measured = tuple(MeasurementLimit(concepts, same[code], days, unit=concept) for code, concept in units.items())
    return measured[0] if len(measured) == 1 else CriteriaGroup(Operator.ANY, measured)


def _list_bounds(bound: NumericRange, unit: str, quantity: KnownQuantity) -> Iterator[tuple[str, NumericRange]]:
    """The same limit in all usual units in which four decimals are precise enough."""
    if "{" in unit.replace("{1.73_m2}", ""):
        raise Undecided(Reason.UNIT, unit)
    first = quantity.unit if unit == "/L" else unit  # counts are written out: 100 x 10^9/L is 100000000000 /L
    for code in dict.fromkeys((first, unit, quantity.unit, *read_table("cohorts")["usual_units"].split())):
        if ("{" in code) != ("{" in unit):  # "per 1.73 m2" is another quantity
            continue
        values = [
            convert(value, unit, code, quantity.molar_mass) for value in (bound.value, bound.high) if value is not None
        ]
        if all(value is not None and abs(round(value, _DIGITS) - value) <= abs(value) / 1000 for value in values):
            rounded = [round(value, _DIGITS) for value in values if value is not None]
            yield code, NumericRange(bound.comparator, rounded[0], rounded[1] if len(rounded) > 1 else None)

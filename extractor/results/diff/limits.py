"""Decide whether changed limits admit fewer people or more, from comparator, number, unit and list."""

from collections.abc import Iterable, Iterator
from math import isclose
from typing import NamedTuple

from extractor.results.evaluation.alignment import Difference
from extractor.results.evaluation.comparers import Bound
from extractor.results.evaluation.text import scale_quantity
from extractor.schemas import Comparator, Criterion, CriterionKind, TimeWindow
from extractor.text.numbers import DAYS, read_time_unit

from .changes import ChangeKind

_UPWARDS = (Comparator.MORE, Comparator.AT_LEAST, Comparator.EQUAL)


class Limit(NamedTuple):
    """One bound of a criterion or its time window, and whether it ``excludes``: to exclude "> 2" is to admit "<= 2"."""

    bound: Bound | TimeWindow
    excludes: bool

    def __str__(self) -> str:
        one = self.bound
        if isinstance(one, TimeWindow):
            return " ".join(one.quote.split())
        return f"{one.quantity} {one.comparator.value} {one.value:,} {one.unit or ''}".rstrip()

    @property
    def is_floor(self) -> bool:
        """Return whether people with values above the bound are admitted."""
        return (self.bound.comparator in _UPWARDS) is not self.excludes

    @property
    def is_strict(self) -> bool:
        """Return whether people whose value is the bound itself are not admitted."""
        return (self.bound.comparator in (Comparator.LESS, Comparator.MORE)) is not self.excludes

    def scale(self) -> tuple[str, float]:
        """Return the dimension and the value in base units; a length of time in days, to compare months with weeks."""
        value, unit = self.bound.value or 0.0, self.bound.unit
        if (time := read_time_unit(unit or "")) and time in DAYS:
            return "day", value * DAYS[time]
        scaled, dimension = scale_quantity(value, unit)
        return dimension, float(scaled or 0)

    def list_forms(self) -> tuple[str, ...]:
        """Return the normal forms in which a text can write the number."""
        return f"{self.bound.value:.12g}", " ".join(map(str, scale_quantity(self.bound.value, self.bound.unit)))


class LimitPair(NamedTuple):
    """A limit of each version; None on a side without one."""

    old: Limit | None
    new: Limit | None

    def __str__(self) -> str:
        return " -> ".join(str(one or "no limit") for one in self)

    @property
    def kind(self) -> ChangeKind | None:
        """Return the direction of the change; None for the same limit, also in another unit."""
        old, new = self
        if old is None or new is None:
            alone = old or new
            assert alone is not None
            # What a further limit in an exclusion does depends on its words. A time window leaves fewer to exclude.
            if alone.excludes and isinstance(alone.bound, Bound):
                return ChangeKind.CHANGED
            return ChangeKind.LOOSENED if (new is None) is not alone.excludes else ChangeKind.TIGHTENED
        (dimension, was), (other_dimension, now) = old.scale(), new.scale()
        if old.is_floor != new.is_floor or dimension != other_dimension:
            return ChangeKind.CHANGED
        # Between units, a small difference is rounding: 90 days are three months.
        if isclose(was, now, rel_tol=0.02 if old.bound.unit != new.bound.unit else 1e-9):
            stricter = ChangeKind.TIGHTENED if new.is_strict else ChangeKind.LOOSENED
            return None if old.is_strict == new.is_strict else stricter
        return ChangeKind.TIGHTENED if (now > was) is new.is_floor else ChangeKind.LOOSENED


def admits(criterion: Criterion) -> bool:
    """Return whether people to whom the statement itself applies can take part."""
    return (criterion.kind is CriterionKind.INCLUSION) is not bool(criterion.negated)


def pair_limits(differences: Iterable[Difference]) -> Iterator[LimitPair]:
    """Yield the limits and time windows that the differences of two criteria pair, in text order, equal ones too.

    >>> from extractor.results.evaluation.alignment import Aligned, Side
    >>> from extractor.results.evaluation.differences import compare_items
    >>> from extractor.results.evaluation.fields import CRITERIA
    >>> limits = ({"quantity": "creatinine", "comparator": ">", "value": value, "unit": "mg/dL"} for value in (2, 3))
    >>> known = {"kind": "exclusion", "section": "eligibility", "quote": "Creatinine"}
    >>> sides = ([Side(Criterion.model_validate(known | {"constraints": [one]}))] for one in limits)
    >>> (pair,) = pair_limits(compare_items(CRITERIA, Aligned(*sides)))
    >>> str(pair), pair.kind.value
    ('creatinine > 2 mg/dL -> creatinine > 3 mg/dL', 'loosened')
    """
    for one in differences:
        if one.field.attribute not in {"constraints", "time_window"}:
            continue
        stated = [bound for side in (one.old, one.new) for bound in one.field.comparer.spread(side)]
        for values in sorted(one.values, key=lambda each: stated.index(each.old or each.new)):
            sides = (_read(one.old_side.item, values.old), _read(one.new_side.item, values.new))
            if any(sides):
                yield LimitPair(*sides)


def _read(criterion: Criterion, value: Bound | TimeWindow | None) -> Limit | None:
    """Return a limit; None for "0" in "ECOG 0 to 2", which excludes nobody."""
    excludes = not admits(criterion)
    if isinstance(value, TimeWindow):
        return Limit(value, excludes)
    if value is None or (not value.value and value.of_range and value.comparator is Comparator.AT_LEAST):
        return None
    return Limit(value, excludes is not criterion.turned)

"""Decide whether changed limits admit fewer people or more, from comparator, number, unit and list."""

from collections.abc import Iterable, Sequence
from math import isclose
from typing import NamedTuple

from extractor.results.evaluation.alignment import match_values
from extractor.results.evaluation.comparers import COMPARERS, Bound, list_bounds
from extractor.results.evaluation.text import fold_text, scale_quantity
from extractor.schemas import Comparator, Comparison, Criterion, CriterionKind
from extractor.text.numbers import DAYS, read_time_unit

from .changes import ChangeKind

_LIMIT = COMPARERS[Comparison.LIMIT]
_WINDOW = "time window"
_UPWARDS = (Comparator.MORE, Comparator.AT_LEAST, Comparator.EQUAL)


class AdmissionLimit(NamedTuple):
    """One bound, and whether it ``excludes``: to exclude "> 2" is to admit "<= 2"."""

    bound: Bound
    excludes: bool
    text: str

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
        value, unit = self.bound.value, self.bound.unit
        if (time := read_time_unit(unit or "")) and time in DAYS:
            return "day", value * DAYS[time]
        scaled, dimension = scale_quantity(value, unit)
        return dimension, float(scaled or 0)

    def list_forms(self) -> tuple[str, ...]:
        """Return the normal forms in which a text can write the number."""
        return f"{self.bound.value:.12g}", " ".join(map(str, scale_quantity(self.bound.value, self.bound.unit)))


def admits(criterion: Criterion) -> bool:
    """Return whether people to whom the statement itself applies can take part."""
    return (criterion.kind is CriterionKind.INCLUSION) is not bool(criterion.negated)


def list_limits(criteria: Iterable[Criterion]) -> list[AdmissionLimit]:
    """List the bounds of criteria and the time windows in their quotes.

    "0" in "ECOG 0 to 2" is left out, since it excludes nobody.

    >>> criterion = Criterion.model_validate({
    ...     "kind": "exclusion", "section": "eligibility", "quote": "Creatinine > 2 mg/dL",
    ...     "constraints": [{"quantity": "Creatinine", "comparator": ">", "value": 2, "unit": "mg/dL"}]})
    >>> [(limit.is_floor, limit.is_strict, limit.text) for limit in list_limits([criterion])]
    [(False, False, 'Creatinine > 2 mg/dL')]
    """
    found: list[AdmissionLimit] = []
    for criterion in criteria:
        excludes = not admits(criterion)
        for bound in list_bounds(criterion.constraints):
            text = f"{bound.quantity} {bound.comparator.value} {bound.value:,} {bound.unit or ''}".rstrip()
            if bound.value or not bound.of_range or bound.comparator is not Comparator.AT_LEAST:
                found.append(AdmissionLimit(bound, excludes is not criterion.turned, text))
        window = criterion.time_window
        if window and fold_text(window.quote) in fold_text(criterion.quote):  # else it stands in the introducing line
            bound = Bound(_WINDOW, window.comparator, window.value, window.unit.value)
            found.append(AdmissionLimit(bound, excludes, " ".join(window.quote.split())))
    return found


class LimitChange(NamedTuple):
    """A changed limit: the direction, and the limit in words on each side, empty on a side without one."""

    kind: ChangeKind
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.old or 'no limit'} -> {self.new or 'no limit'}"


def compare_limits(old: Sequence[AdmissionLimit], new: Sequence[AdmissionLimit]) -> list[LimitChange]:
    """Compare the limits of two versions of a criterion, paired as in evaluation."""
    pairs, gone, come = match_values(old, new, lambda a, b: _LIMIT.likeness(a.bound, b.bound), _LIMIT.threshold)
    sides = [*pairs, *((one, None) for one in gone), *((None, one) for one in come)]
    found = [(_direct(was, now), was.text if was else "", now.text if now else "") for was, now in sides]
    return [LimitChange(kind, was, now) for kind, was, now in dict.fromkeys(found) if kind]


def _direct(old: AdmissionLimit | None, new: AdmissionLimit | None) -> ChangeKind | None:
    """Return the direction of a changed limit; None for the same limit, also in another unit."""
    if old is None or new is None:
        alone = old or new
        assert alone is not None
        # What a further limit in an exclusion does depends on its words. A time window leaves fewer to exclude.
        if alone.excludes and alone.bound.quantity != _WINDOW:
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

"""Age limits and sex as the criteria of both lists state them."""

from collections.abc import Callable, Iterator, Sequence

from extractor.evaluation.quantities import AGE_UNITS, count_days
from extractor.schemas import Age, Category, Comparator, Criterion, CriterionKind, Sex

from .criteria import AnnotatedCriterion
from .mapping import BratMapping

__all__ = ["read_age_limits", "read_annotated_sex"]

_LOWER = (Comparator.AT_LEAST, Comparator.MORE)
_UPPER = (Comparator.AT_MOST, Comparator.LESS)
_Bound = tuple[bool, Age]


def read_age_limits(criteria: Sequence[Criterion]) -> tuple[Age | None, Age | None]:
    """The widest lowest and highest age that the criteria of category age admit; ages without a unit say nothing.

    >>> from extractor.schemas import Constraint
    >>> limit = Constraint(quantity="age", comparator="<", value=18, unit="year")
    >>> out = Criterion(kind="exclusion", section="eligibility", quote="<18", category="age", constraints=(limit,))
    >>> read_age_limits([out])
    (Age(value=18, unit=<TimeUnit.YEAR: 'year'>), None)
    """
    bounds = [bound for criterion in criteria if criterion.category is Category.AGE for bound in _bounds(criterion)]
    return _widest(bounds, min, lower=True), _widest(bounds, max, lower=False)


def _bounds(criterion: Criterion) -> Iterator[_Bound]:
    """(is it the lower one, age) for each limit; what an exclusion keeps out bounds the other side."""
    admits = criterion.kind is CriterionKind.INCLUSION
    for limit in criterion.constraints:
        unit = next((unit for unit in AGE_UNITS if unit == limit.unit), None)
        if unit is None:
            continue
        if limit.comparator in (*_LOWER, *_UPPER):
            yield (limit.comparator in _LOWER) is admits, Age(value=limit.value, unit=unit)
        elif limit.value_high is not None and admits:
            yield True, Age(value=limit.value, unit=unit)
            yield False, Age(value=limit.value_high, unit=unit)


def _widest(bounds: Sequence[_Bound], choose: Callable[..., Age], *, lower: bool) -> Age | None:
    ages = [age for is_lower, age in bounds if is_lower is lower]
    return choose(ages, key=count_days) if ages else None


def read_annotated_sex(found: Sequence[AnnotatedCriterion], mapping: BratMapping) -> Sex | None:
    """The sex that inclusion criteria about sex name; criteria on pregnancy alone say nothing of it."""
    named = {
        sex
        for item in found
        if item.criterion.category is Category.SEX and item.criterion.kind is CriterionKind.INCLUSION
        for entity in item.about
        for sex, words in mapping.sexes.items()
        if words.search(entity.text)
    }
    return Sex.ALL if len(named) > 1 else next(iter(named), None)

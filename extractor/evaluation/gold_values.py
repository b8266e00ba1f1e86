"""Values of gold that contradict themselves: ranges upside down, bounds that are missing or too many."""

from collections.abc import Iterator

from extractor.schemas import Amount, Comparator, Constraint, Eligibility

from .gold_models import GoldItems
from .gold_problems import Flaw
from .quantities import AGE_UNITS, count_days

__all__ = ["check_values"]


def check_values(items: GoldItems) -> Iterator[Flaw]:
    """Every value of one annotation that contradicts itself."""
    if items.eligibility:
        yield from _check_ages(items.eligibility)
    for path, criterion in items.criteria:
        for number, constraint in enumerate(criterion.constraints):
            yield from _check_constraint(f"{path}.constraints[{number}]", constraint)
    for path, regimen in items.regimens:
        for number, amount in enumerate(regimen.amounts):
            yield from _check_amount(f"{path}.amounts[{number}]", amount)


def _check_constraint(path: str, constraint: Constraint) -> Iterator[Flaw]:
    """A range has two bounds in ascending order, any other limit has one."""
    high = constraint.value_high
    if not constraint.quantity.strip():
        yield Flaw(f"{path}.quantity", "is empty", "write the words that name what is limited")
    if constraint.comparator is not Comparator.BETWEEN:
        if high is not None:
            yield Flaw(f"{path}.value_high", f"is {high} with the comparator '{constraint.comparator}'", "write null")
    elif high is None:
        yield Flaw(f"{path}.value_high", "is null with the comparator 'between'", "write the upper bound")
    elif constraint.value >= high:
        yield Flaw(
            f"{path}.value", f"value {constraint.value} is not below value_high {high}", "exchange or correct them"
        )


def _check_amount(path: str, amount: Amount) -> Iterator[Flaw]:
    """An amount has an upper bound, and no lower one above it."""
    if amount.high is None:
        yield Flaw(f"{path}.high", "is null", "write the amount; only low may be null, for an 'up to' dose")
    elif amount.low is not None and amount.low > amount.high:
        yield Flaw(f"{path}.low", f"low {amount.low} is above high {amount.high}", "exchange or correct them")
    if not amount.unit.strip():
        yield Flaw(f"{path}.unit", "is empty", "write the unit")


def _check_ages(eligibility: Eligibility) -> Iterator[Flaw]:
    """The lowest age is not above the highest, and both are in units of an age."""
    ages = {"minimum_age": eligibility.minimum_age, "maximum_age": eligibility.maximum_age}
    for name, age in ages.items():
        if age and age.unit not in AGE_UNITS:
            yield Flaw(f"eligibility.{name}.unit", f"'{age.unit}' is no unit of an age", "use year, month, week or day")
    low, high = (count_days(age) if age else None for age in ages.values())
    if low is not None and high is not None and low > high:
        yield Flaw("eligibility.minimum_age", "is above maximum_age", "exchange or correct them")

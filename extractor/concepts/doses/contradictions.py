"""Which regimens of an agent contradict each other: two kinds of sections state one dose with two
schedules.
"""

from collections.abc import Collection, Sequence
from itertools import combinations

from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.timing import resolve_frequency
from extractor.schemas import FieldRef

_MOST_COMPARED = 50
"""The most regimens of an agent that are compared, so that time stays linear."""


def find_contradicted(regimens: Sequence[Statement]) -> Collection[Statement]:
    """Return the regimens of one agent that another one contradicts: an arm's text says "10 mg once
    daily", that of its intervention "10 mg twice daily". A regimen may be listed more than once.

    Arms may have schedules of their own, and what one section states twice has two phases: only
    regimens with a dose in common and no kind of section in common are compared.
    """
    compared = regimens[:_MOST_COMPARED]
    # read once for each regimen, not for each pair
    levels = [set(regimen.levels) for regimen in compared]
    kinds = [_list_kinds(regimen) for regimen in compared]
    contradicted: list[Statement] = []
    for first, second in combinations(range(len(compared)), 2):
        has_same_dose = not levels[first].isdisjoint(levels[second])
        has_same_kind = not kinds[first].isdisjoint(kinds[second])
        if not has_same_dose or has_same_kind:
            continue
        if _contradict(compared[first], compared[second]):
            contradicted += [compared[first], compared[second]]
    return contradicted


def _contradict(one: Statement, other: Statement) -> bool:
    """Return whether two regimens give a dose in one way, but not equally often. A route or a
    frequency that only one of them has contradicts nothing.
    """
    if one.route and other.route and one.route.value != other.route.value:
        return False
    first = resolve_frequency(one)
    second = resolve_frequency(other)
    if first is None or second is None:
        return False
    return first != second


def _list_kinds(regimen: Statement) -> set[str]:
    """Return the kinds of the sections that state a regimen: arms, interventions, ..."""
    return {FieldRef(part.section).path for part in regimen.parts or (regimen,)}

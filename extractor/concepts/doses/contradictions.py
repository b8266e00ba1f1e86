"""Which regimens of an agent contradict each other: two kinds of sections state one dose with two
schedules.
"""

from collections.abc import Collection, Sequence
from itertools import combinations

from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.timing import resolve_frequency, value_of
from extractor.schemas import FieldRef

_MOST_COMPARED = 50
"""The most regimens of an agent that are compared, so that time stays linear."""


def find_contradicted(regimens: Sequence[Statement]) -> Collection[Statement]:
    """Return the regimens of one agent that another one contradicts: an arm's text says "10 mg
    once daily", that of its intervention "10 mg twice daily".

    Arms may have schedules of their own, and what one section states twice has two phases.
    """
    # read once for each regimen, not for each pair
    compared = [
        (one, set(one.levels), _list_kinds(one)) for one in regimens[:_MOST_COMPARED]
    ]
    return [
        regimen
        for (one, levels, kinds), (other, more, others) in combinations(compared, 2)
        if levels & more and not kinds & others and _contradict(one, other)
        for regimen in (one, other)
    ]


def _contradict(one: Statement, other: Statement) -> bool:
    """Return whether two regimens give a dose in one way, but not equally often."""
    routes = {value_of(each.route) for each in (one, other) if each.route}
    if len(routes) > 1:
        return False
    frequencies = {resolve_frequency(each) for each in (one, other)}
    return None not in frequencies and len(frequencies) > 1


def _list_kinds(regimen: Statement) -> set[str]:
    """Return the kinds of the sections that state a regimen: arms, interventions, ..."""
    return {FieldRef(part.section).path for part in regimen.parts or (regimen,)}

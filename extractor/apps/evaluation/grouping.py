"""Judge how the criteria of two extractions belong together: pairs of criteria in one group, and
groups with rule and parent.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from extractor.apps.evaluation.alignment import NOWHERE, Aligned, Side, match_values
from extractor.apps.evaluation.comparers import ErrorKind, Level
from extractor.apps.evaluation.fields import Field
from extractor.apps.evaluation.judged import JudgedValue
from extractor.language.shown import show_line
from extractor.schemas import CriterionGroup, Eligibility, TrialExtraction


class _Members(NamedTuple):
    """A group with the numbers of its criteria in the list of pairs: of its items, and of all
    criteria in it or in groups below it.
    """

    group: CriterionGroup
    items: set[int]
    below: set[int]

    def __str__(self) -> str:
        lead_in = self.group.lead_in
        return f"{self.group}: {show_line(lead_in)}" if lead_in else str(self.group)


def judge_groups(
    fields: Mapping[str, Field],
    gold: TrialExtraction,
    predicted: TrialExtraction | None,
    pairs: Sequence[Aligned],
) -> Iterator[JudgedValue]:
    """Yield the rows of those of ``fields`` that are about groups; ``pairs`` are the criteria."""
    people = [one.eligibility if one else Eligibility() for one in (gold, predicted)]
    homes = [Side(one, "eligibility") for one in people]
    ours, theirs = (
        _list_members(one, [pair[number] for pair in pairs])
        for number, one in enumerate(people)
    )
    for name, was, now, error in _judge_wholes(ours, theirs):
        level = Level.NONE if error else Level.EXACT
        if name in fields:
            yield JudgedValue(fields[name], was, now, level, error, *homes)
    field = fields.get("eligibility.criteria.group")
    if field:
        yield from _judge_pairs(field, ours, theirs, pairs)


def _list_members(
    people: Eligibility, sides: Sequence[Sequence[Side]]
) -> list[_Members]:
    members = {group.id: _Members(group, set(), set()) for group in people.groups}
    for number, criteria in enumerate(sides):
        for criterion in criteria:
            name = criterion.item.group
            for group in people.list_around(name):
                members[group.id].below.add(number)
            if name in members:
                members[name].items.add(number)
    return list(members.values())


def _compare(one: _Members, other: _Members) -> float:
    """Return how alike two groups are; 0 unless they share more than half of both."""
    shared = len(one.below & other.below)
    if 2 * shared <= max(len(one.below), len(other.below)):
        return 0.0
    # A group and the only group in it have the same criteria below, but not the same items.
    return shared / len(one.below | other.below) + 0.1 * len(one.items & other.items)


def _judge_wholes(
    ours: Sequence[_Members], theirs: Sequence[_Members]
) -> Iterator[tuple[str, str | None, str | None, ErrorKind | None]]:
    """Yield field, values and error of each group, and of rule and parent of those that have a
    partner. A parent is right if it is the partner of the other parent.
    """
    pairs, missed, invented = match_values(ours, theirs, _compare, 0.5)
    partners = {one.group.id: other.group.id for one, other in pairs}
    for one, other in pairs:
        yield "eligibility.groups", str(one), str(other), None
        rules = str(one.group), str(other.group)
        error = None if rules[0] == rules[1] else ErrorKind.POLARITY
        yield "eligibility.groups.rule", *rules, error
        parent = one.group.parent and partners.get(one.group.parent, "")
        error = None if parent == other.group.parent else ErrorKind.WRONG_SECTION
        names = _name_parent(one, ours), _name_parent(other, theirs)
        yield "eligibility.groups.parent", *names, error
    for one in missed:
        yield "eligibility.groups", str(one), None, ErrorKind.MISSED
    for other in invented:
        yield "eligibility.groups", None, str(other), ErrorKind.INVENTED


def _name_parent(members: _Members, groups: Sequence[_Members]) -> str:
    parent = members.group.parent
    return next((str(one) for one in groups if one.group.id == parent), "none")


def _judge_pairs(
    field: Field,
    ours: Sequence[_Members],
    theirs: Sequence[_Members],
    pairs: Sequence[Aligned],
) -> Iterator[JudgedValue]:
    """Yield a row for each two criteria that are items of one group.

    If only one extraction groups them, that is an error for the pair with the group's first
    criterion: a criterion in a wrong group is one error. A criterion that one lacks is an error
    already.
    """
    in_gold = _list_pairs(ours)
    in_prediction = _list_pairs(theirs)
    for both in sorted(in_gold.keys() | in_prediction.keys()):
        was, is_first_of_gold = in_gold.get(both, (None, False))
        now, is_first_of_prediction = in_prediction.get(both, (None, False))
        error = None
        if all(pairs[number].old and pairs[number].new for number in both):
            if now is None and is_first_of_gold:
                error = ErrorKind.MISSED
            elif was is None and is_first_of_prediction:
                error = ErrorKind.INVENTED
        level = Level.EXACT if was and now else Level.NONE
        sides = (next(iter(side), NOWHERE) for side in pairs[both[1]])
        yield JudgedValue(field, was, now, level, error, *sides)


def _list_pairs(
    groups: Sequence[_Members],
) -> dict[tuple[int, int], tuple[str, bool]]:
    """Return the pairs of items of a group, each with the group in words, and whether the group's
    first item is in it.
    """
    return {
        (first, second): (str(members), first == min(members.items))
        for members in groups
        for first, second in combinations(sorted(members.items), 2)
    }

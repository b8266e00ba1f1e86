"""Name the groups of the criteria of two extractions alike, so that they compare as other values
do: a criterion's ``group`` as the criteria before it in its group.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from extractor.apps.evaluation.alignment import Side, align, match_values
from extractor.apps.evaluation.fields import CRITERIA
from extractor.schemas import Eligibility, TrialExtraction

Pairs = Sequence[tuple[Side, Side]]


class NamedGroup(NamedTuple):
    """A group whose name both extractions have if it is the same group in both."""

    name: str
    rule: str
    parent: str


def name_groups(
    gold: TrialExtraction, predicted: TrialExtraction | None
) -> tuple[TrialExtraction, TrialExtraction | None]:
    """Return two extractions whose groups have the names of those of gold. Groups that share more
    than half of the criteria of both are the same.
    """
    ours, theirs = (
        one.eligibility if one else Eligibility() for one in (gold, predicted)
    )
    if not ours.groups and not theirs.groups:
        return gold, predicted
    pairs = align(CRITERIA, ours.criteria, theirs.criteria)
    our_members = _list_members(ours, pairs, 0)
    their_members = _list_members(theirs, pairs, 1)

    def compare(one: str, other: str) -> float:
        shared = len(our_members[one] & their_members[other])
        both = len(our_members[one] | their_members[other])
        is_same = 2 * shared > max(len(our_members[one]), len(their_members[other]))
        return shared / both if is_same else 0.0

    same, *_ = match_values([*our_members], [*their_members], compare, 0.01)
    names = {group.id: f"another {group.id}" for group in theirs.groups}
    names |= {other: one for one, other in same}
    gold = _rename(gold, {group.id: group.id for group in ours.groups}, pairs, 0)
    return gold, predicted and _rename(predicted, names, pairs, 1)


def _list_members(people: Eligibility, pairs: Pairs, side: int) -> dict[str, set[int]]:
    """Return the numbers of the pairs whose criterion is in each group, or in one below it."""
    members = defaultdict[str, set[int]](set)
    for number, pair in enumerate(pairs):
        item = pair[side].item
        for group in people.list_around(item and item.group):
            members[group.id].add(number)
    return members


def _rename(
    extraction: TrialExtraction, names: Mapping[str, str], pairs: Pairs, side: int
) -> TrialExtraction:
    people = extraction.eligibility
    criteria = list(people.criteria)
    before = defaultdict[str, list[str]](list)
    for pair in pairs:
        item, _, position, _ = pair[side]
        if item:
            quotes = before[item.group] if item.group in names else []
            update = {"group": tuple(quotes)}
            criteria[position] = item.model_copy(update=update)
            quotes.append((pair[0].item or item).quote)
    groups = [
        NamedGroup(names[one.id], str(one), names.get(one.parent or "", ""))
        for one in people.groups
    ]
    renamed = people.model_copy(
        update={"criteria": tuple(criteria), "groups": tuple(groups)}
    )
    return extraction.model_copy(update={"eligibility": renamed})

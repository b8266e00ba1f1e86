"""Name the groups of the criteria of two extractions alike, so that they compare as other values
do: a criterion's ``group`` as the criteria before it in its group.
"""

from collections.abc import Sequence
from typing import NamedTuple

from extractor.apps.evaluation.alignment import Side, align, match_values
from extractor.apps.evaluation.fields import CRITERIA
from extractor.apps.evaluation.text import is_inside
from extractor.schemas import CriterionGroup, Eligibility, TrialExtraction


class NamedGroup(NamedTuple):
    """A group whose name both extractions have if it is the same group in both."""

    name: str
    rule: str
    parent: str


class _Members(NamedTuple):
    """A group with the numbers of its criteria in the list of pairs: of its items, and of all
    criteria in it or in groups below it.
    """

    group: CriterionGroup
    items: set[int]
    below: set[int]

    def __str__(self) -> str:
        return f"{self.group.id}, {self.group} {self.group.lead_in or ''}".strip()


def name_groups(
    gold: TrialExtraction, predicted: TrialExtraction | None
) -> tuple[TrialExtraction, TrialExtraction | None]:
    """Return two extractions whose groups have the names of those of gold. Groups that share more
    than half of the criteria of both are the same.
    """
    people = [one.eligibility if one else Eligibility() for one in (gold, predicted)]
    if not any(one.groups for one in people):
        return gold, predicted
    pairs = align(CRITERIA, people[0].criteria, people[1].criteria)
    ours, theirs = (_list_members(one, pairs, side) for side, one in enumerate(people))
    names = {one.group.id: str(one) for one in ours}
    their_names = {other.group.id: f"another {other}" for other in theirs}
    for one, other in match_values(ours, theirs, _compare, 0.5)[0]:
        their_names[other.group.id] = str(one)
    gold = _rename(gold, ours, names, pairs, 0)
    return gold, predicted and _rename(predicted, theirs, their_names, pairs, 1)


def _list_members(
    people: Eligibility, pairs: Sequence[tuple[Side, Side]], side: int
) -> list[_Members]:
    members = {group.id: _Members(group, set(), set()) for group in people.groups}
    for number, pair in enumerate(pairs):
        around = people.list_around(getattr(pair[side].item, "group", None))
        counted = _find_whole(pairs, number, side) if around else number
        for group in around[:1]:
            members[group.id].items.add(counted)
        for group in around:
            members[group.id].below.add(counted)
    return list(members.values())


def _find_whole(pairs: Sequence[tuple[Side, Side]], number: int, side: int) -> int:
    """Return the number of a criterion: if the other extraction has it as a part of one in another
    pair, that of the pair.
    """
    part = pairs[number][side].item
    if pairs[number][1 - side].item:
        return number
    for at, pair in enumerate(pairs):
        whole = pair[1 - side].item
        if whole and pair[side].item and whole.section == part.section:
            quotes = (part.quote, pair[side].item.quote)
            if all(is_inside(quote, whole.quote) for quote in quotes):
                return at
    return number


def _compare(one: _Members, other: _Members) -> float:
    """Return how alike two groups are; 0 unless they share more than half of both."""
    shared = len(one.below & other.below)
    if 2 * shared <= max(len(one.below), len(other.below)):
        return 0.0
    # A group and the only group in it have the same criteria below, but not the same items.
    return shared / len(one.below | other.below) + 0.1 * len(one.items & other.items)


def _rename(
    extraction: TrialExtraction,
    groups: Sequence[_Members],
    names: dict[str, str],
    pairs: Sequence[tuple[Side, Side]],
    side: int,
) -> TrialExtraction:
    before: dict[int, tuple[str, ...]] = {}
    for members in groups:
        quotes: list[str] = []
        for number in sorted(members.items):
            ours, theirs = pairs[number]
            before[pairs[number][side].position] = tuple(quotes)
            quotes.append((ours.item or theirs.item).quote)
    people = extraction.eligibility
    criteria = [
        item.model_copy(update={"group": before.get(number, ())})
        for number, item in enumerate(people.criteria)
    ]
    named = [
        NamedGroup(
            names[one.group.id], str(one.group), names.get(one.group.parent or "", "")
        )
        for one in groups
    ]
    update = {"criteria": tuple(criteria), "groups": tuple(named)}
    renamed = people.model_copy(update=update)
    return extraction.model_copy(update={"eligibility": renamed})

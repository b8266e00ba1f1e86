"""Compare how the criteria of two extractions belong together: pairs of one group, and groups
with rule and parent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from extractor.apps.evaluation.alignment import NOWHERE, Aligned, Side, match_values
from extractor.apps.evaluation.comparers import ErrorKind, Level
from extractor.apps.evaluation.fields import Field
from extractor.apps.evaluation.judged import JudgedValue
from extractor.language.shown import show_line
from extractor.schemas import Criterion, CriterionGroup, TrialExtraction


@dataclass(frozen=True, slots=True)
class Members:
    """A group, its criteria, and how many of these both extractions have.

    ``direct`` are the places, in the list of pairs, of the criteria that are its items; ``below``
    those of all criteria in it or in groups below it.
    """

    group: CriterionGroup
    direct: frozenset[int]
    below: frozenset[int]
    criteria: tuple[Criterion, ...]
    counterparts: int

    def resembles(self, other: "Members") -> float:
        """Return how alike the items of two groups are; 0 unless they share more than half of
        both.
        """
        shared = len(self.below & other.below)
        if 2 * shared <= max(len(self.below), len(other.below)):
            return 0.0
        # A group and another one that holds it alone have the same criteria below them, but not
        # the same direct items.
        shared_directly = len(self.direct & other.direct)
        return shared / len(self.below | other.below) + 0.1 * shared_directly

    def blame(self, kind: ErrorKind) -> ErrorKind | None:
        """Return the error of a group without a partner; None if half of its criteria have none
        either.
        """
        if 2 * self.counterparts <= len(self.below):
            return None
        return kind


def list_members(
    extraction: TrialExtraction | None, pairs: Sequence[Aligned], side: int
) -> list[Members]:
    """Return the groups of an extraction, whose criteria are on this ``side`` of ``pairs``: 0 for
    old, 1 for new. Their criteria are given by their positions in ``pairs``, so that those of two
    extractions can be compared.

    >>> groups = (
    ...     {"id": "g1", "rule": "any"},
    ...     {"id": "g2", "rule": "all", "parent": "g1"},
    ... )
    >>> known = {"kind": "inclusion", "section": "eligibility"}
    >>> criteria = [
    ...     {**known, "quote": name, "group": group}
    ...     for name, group in (("a", "g1"), ("b", "g2"))
    ... ]
    >>> eligibility = {"groups": groups, "criteria": criteria}
    >>> trial = TrialExtraction.model_validate(
    ...     {"record_id": "A", "eligibility": eligibility}
    ... )
    >>> pairs = [
    ...     Aligned([Side(one, position=n)], [])
    ...     for n, one in enumerate(trial.eligibility.criteria)
    ... ]
    >>> [sorted(one.below) for one in list_members(trial, pairs, 0)]
    [[0, 1], [1]]
    """
    if extraction is None:
        return []
    people = extraction.eligibility
    # From the position of a criterion in its extraction to its place in the list of pairs.
    places = {
        criterion.position: place
        for place, pair in enumerate(pairs)
        for criterion in pair[side]
    }
    held: dict[str, list[tuple[int, Criterion]]] = {
        group.id: [] for group in people.groups
    }
    for position, criterion in enumerate(people.criteria):
        for group in people.list_around(criterion.group):
            held[group.id].append((places[position], criterion))
    members = list[Members]()
    for group in people.groups:
        below = set[int]()
        direct = set[int]()
        criteria = list[Criterion]()
        for place, criterion in held[group.id]:
            below.add(place)
            criteria.append(criterion)
            if criterion.group == group.id:
                direct.add(place)
        paired = [place for place in below if pairs[place].old and pairs[place].new]
        members.append(
            Members(
                group,
                frozenset(direct),
                frozenset(below),
                tuple(criteria),
                counterparts=len(paired),
            )
        )
    return members


def match_groups(
    ours: Sequence[Members], theirs: Sequence[Members]
) -> tuple[list[tuple[Members, Members]], list[Members], list[Members]]:
    """Return the pairs of groups that share more than half of their items, and then the groups of
    each side without a partner.
    """
    return match_values(ours, theirs, Members.resembles, 0.5)


def judge_groups(
    fields: Mapping[str, Field],
    gold: TrialExtraction,
    predicted: TrialExtraction | None,
    pairs: Sequence[Aligned],
) -> Iterator[JudgedValue]:
    """Yield what two extractions say of groups, in those of ``fields`` that are about them.

    ``pairs`` are the criteria of both. The values of ``criteria.group`` are pairs of criteria that
    share their innermost group, those of ``groups`` are the groups; rule and parent are compared in
    groups that share most items.
    """
    listed = sorted(pairs, key=_place_in_text)
    ours = list_members(gold, listed, 0)
    theirs = list_members(predicted, listed, 1)
    group_field = fields.get("eligibility.criteria.group")
    if group_field:
        yield from _judge_pairs(group_field, ours, theirs, listed)
    gold_home = Side(gold.eligibility, "eligibility")
    predicted_home = NOWHERE
    if predicted:
        predicted_home = Side(predicted.eligibility, "eligibility")
    for name, comparisons in _judge_wholes(ours, theirs).items():
        field = fields.get(name)
        if field is None:
            continue
        for comparison in comparisons:
            yield JudgedValue(field, *comparison, gold_home, predicted_home)


def _place_in_text(pair: Aligned) -> tuple[bool, bool, int]:
    """Return the key that puts criteria in the order of the text, those of both extractions
    first.
    """
    is_alone = not (pair.old and pair.new)
    first = (*pair.old, *pair.new)[0]
    return is_alone, not pair.old, first.position


def _judge_pairs(
    field: Field,
    ours: Sequence[Members],
    theirs: Sequence[Members],
    pairs: Sequence[Aligned],
) -> Iterator[JudgedValue]:
    """Yield a row for each two criteria that stand directly in one group of an extraction.

    If only one extraction has them together, this is an error for the pairs with the group's first
    criterion: so a criterion in the wrong group is one error, not an error with each of the others.
    It is no error if one extraction lacks a criterion of the pair: that is an error already.
    """
    in_gold = _list_pairs(ours)
    in_prediction = _list_pairs(theirs)
    # A row stands at the later criterion of its pair.
    by_later_criterion = sorted(
        in_gold.keys() | in_prediction.keys(), key=lambda both: (both[1], both[0])
    )
    for first, second in by_later_criterion:
        was, leads_in_gold = in_gold.get((first, second), (None, False))
        now, leads_in_prediction = in_prediction.get((first, second), (None, False))
        error = None
        if _is_in_both(pairs[first]) and _is_in_both(pairs[second]):
            if leads_in_gold and now is None:
                error = ErrorKind.MISSED
            elif leads_in_prediction and was is None:
                error = ErrorKind.INVENTED
        level = Level.NONE
        if was and now:
            level = Level.EXACT
        later = pairs[second]
        gold_item = later.old[0] if later.old else NOWHERE
        predicted_item = later.new[0] if later.new else NOWHERE
        yield JudgedValue(field, was, now, level, error, gold_item, predicted_item)


def _is_in_both(pair: Aligned) -> bool:
    return bool(pair.old and pair.new)


def _list_pairs(groups: Sequence[Members]) -> dict[tuple[int, int], tuple[str, bool]]:
    """Return the pairs of criteria that stand directly in a group, each with the group in words,
    and whether it is a pair with the first criterion of the group.
    """
    pairs: dict[tuple[int, int], tuple[str, bool]] = {}
    for members in groups:
        positions = sorted(members.direct)
        group = describe(members.group)
        for earlier, later in combinations(positions, 2):
            leads = earlier == positions[0]
            pairs[earlier, later] = (group, leads)
    return pairs


_Judged = tuple[str | None, str | None, Level, ErrorKind | None]
"""What gold and a prediction say, how far they agree, and the error."""


def _judge_wholes(
    ours: Sequence[Members], theirs: Sequence[Members]
) -> dict[str, list[_Judged]]:
    """Compare the groups of two extractions, and return what is to be judged, by field: all groups,
    and of those that have a partner, the rule and the group above.

    A group without a partner is an error, unless most of its criteria have no counterpart either.
    A parent is right if the group above in gold is the partner of the predicted one.
    """
    pairs, missed, invented = match_groups(ours, theirs)
    partners: dict[str | None, str | None] = {
        gold.group.id: predicted.group.id for gold, predicted in pairs
    }
    # Two groups that stand in no other group agree.
    partners[None] = None
    groups = list[_Judged]()
    rules = list[_Judged]()
    parents = list[_Judged]()
    for gold, predicted in pairs:
        level = Level.NORMALISED
        if gold.below == predicted.below:
            level = Level.EXACT
        groups.append((describe(gold.group), describe(predicted.group), level, None))
        error = _find_rule_error(gold.group, predicted.group)
        rules.append(_judge(str(gold.group), str(predicted.group), error))
        parent = gold.group.parent
        error = ErrorKind.WRONG_PAIRING
        if parent in partners and partners[parent] == predicted.group.parent:
            error = None
        our_parent = _describe_parent(gold, ours)
        their_parent = _describe_parent(predicted, theirs)
        parents.append(_judge(our_parent, their_parent, error))
    for gold in missed:
        error = gold.blame(ErrorKind.MISSED)
        groups.append((describe(gold.group), None, Level.NONE, error))
    for predicted in invented:
        error = predicted.blame(ErrorKind.INVENTED)
        groups.append((None, describe(predicted.group), Level.NONE, error))
    return {
        "eligibility.groups": groups,
        "eligibility.groups.rule": rules,
        "eligibility.groups.parent": parents,
    }


def _find_rule_error(
    gold: CriterionGroup, predicted: CriterionGroup
) -> ErrorKind | None:
    """Return the error in a group's rule, such as any for all, or in its number of items."""
    if gold.rule is not predicted.rule:
        return ErrorKind.POLARITY
    if gold.n != predicted.n:
        return ErrorKind.NUMBER
    return None


def _describe_parent(members: Members, groups: Sequence[Members]) -> str:
    """Return the group in which a group stands, in words; "none" without one."""
    for other in groups:
        if other.group.id == members.group.parent:
            return describe(other.group)
    return "none"


def _judge(gold: str, predicted: str, error: ErrorKind | None) -> _Judged:
    level = Level.NONE if error else Level.EXACT
    return gold, predicted, level, error


def describe(group: CriterionGroup) -> str:
    """Return the rule of a group, and its introducing line if there is one.

    >>> describe(CriterionGroup(id="g1", rule="any", lead_in="One of the following:"))
    'any of: One of the following:'
    """
    if not group.lead_in:
        return str(group)
    return f"{group}: {show_line(group.lead_in)}"

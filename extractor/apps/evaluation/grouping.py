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
        return shared / len(self.below | other.below) + 0.1 * len(
            self.direct & other.direct
        )

    def blame(self, kind: ErrorKind) -> ErrorKind | None:
        """Return the error of a group without a partner; None if half of its criteria have none
        either.
        """
        return kind if 2 * self.counterparts > len(self.below) else None


def list_members(
    extraction: TrialExtraction | None, pairs: Sequence[Aligned], side: int
) -> list[Members]:
    """Return the groups of an extraction, whose criteria are on this ``side`` of ``pairs``.

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
    found = list[Members]()
    places = {
        one.position: place for place, pair in enumerate(pairs) for one in pair[side]
    }
    held: dict[str, list[tuple[int, Criterion]]] = {
        group.id: [] for group in people.groups
    }
    for position, criterion in enumerate(people.criteria):
        for group in people.list_around(criterion.group):
            held[group.id].append((places[position], criterion))
    for group in people.groups:
        direct = frozenset(
            place for place, one in held[group.id] if one.group == group.id
        )
        below = frozenset(place for place, _ in held[group.id])
        counterparts = sum(
            bool(pairs[place].old and pairs[place].new) for place in below
        )
        found.append(
            Members(
                group,
                direct,
                below,
                tuple(one for _, one in held[group.id]),
                counterparts,
            )
        )
    return found


def match_groups(
    ours: Sequence[Members], theirs: Sequence[Members]
) -> tuple[list[tuple[Members, Members]], list[Members], list[Members]]:
    """Return the groups that share more than half of their items, and those of each side without
    a partner.
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
    if field := fields.get("eligibility.criteria.group"):
        yield from _judge_pairs(field, ours, theirs, listed)
    gold_home = Side(gold.eligibility, "eligibility")
    predicted_home = (
        Side(predicted.eligibility, "eligibility") if predicted else NOWHERE
    )
    for name, rows in _judge_wholes(ours, theirs).items():
        if field := fields.get(name):
            for gold_value, predicted_value, level, error in rows:
                yield JudgedValue(
                    field,
                    gold_value,
                    predicted_value,
                    level,
                    error,
                    gold_home,
                    predicted_home,
                )


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
    """Yield for each criterion its pairs with earlier ones of its group.

    A pair that only one extraction has is an error if it is one with the first item: one error for
    each other item. It is none if only one extraction has the criterion: that is an error already.
    """
    in_gold = _list_pairs(ours)
    in_prediction = _list_pairs(theirs)
    found: list[tuple[int, JudgedValue]] = []
    for both in sorted(in_gold.keys() | in_prediction.keys()):
        was, leads_in_gold = in_gold.get(both, (None, False))
        now, leads_in_prediction = in_prediction.get(both, (None, False))
        error = None
        if all(pairs[place].old and pairs[place].new for place in both):
            if leads_in_gold and now is None:
                error = ErrorKind.MISSED
            elif leads_in_prediction and was is None:
                error = ErrorKind.INVENTED
        level = Level.EXACT if was and now else Level.NONE
        later = pairs[both[1]]
        gold_item = later.old[0] if later.old else NOWHERE
        predicted_item = later.new[0] if later.new else NOWHERE
        found.append(
            (
                both[1],
                JudgedValue(field, was, now, level, error, gold_item, predicted_item),
            )
        )
    found.sort(key=lambda one: one[0])
    for _, row in found:
        yield row


def _list_pairs(groups: Sequence[Members]) -> dict[tuple[int, int], tuple[str, bool]]:
    """Return the pairs of items of each group, with the group in words, and whether it is one
    with the first item.
    """
    found: dict[tuple[int, int], tuple[str, bool]] = {}
    for one in groups:
        items = sorted(one.direct)
        for both in combinations(items, 2):
            found[both] = (describe(one.group), both[0] == items[0])
    return found


_Judged = tuple[str | None, str | None, Level, ErrorKind | None]
"""What gold and a prediction say, how far they agree, and the error."""


def _judge_wholes(
    ours: Sequence[Members], theirs: Sequence[Members]
) -> dict[str, list[_Judged]]:
    """Return, by field, the groups, and the rule and the parent of those that have a partner."""
    both, missed, invented = match_groups(ours, theirs)
    partners: dict[str | None, str | None] = {
        one.group.id: other.group.id for one, other in both
    }
    partners[None] = None
    groups = list[_Judged]()
    rules = list[_Judged]()
    parents = list[_Judged]()
    for one, other in both:
        level = Level.EXACT if one.below == other.below else Level.NORMALISED
        groups.append((describe(one.group), describe(other.group), level, None))
        rules.append(
            _judge(
                str(one.group),
                str(other.group),
                _find_rule_error(one.group, other.group),
            )
        )
        above = one.group.parent
        is_there = above in partners and partners[above] == other.group.parent
        error = None if is_there else ErrorKind.WRONG_PAIRING
        parents.append(
            _judge(_describe_parent(one, ours), _describe_parent(other, theirs), error)
        )
    for one in missed:
        groups.append(
            (describe(one.group), None, Level.NONE, one.blame(ErrorKind.MISSED))
        )
    for one in invented:
        groups.append(
            (None, describe(one.group), Level.NONE, one.blame(ErrorKind.INVENTED))
        )
    return {
        "eligibility.groups": groups,
        "eligibility.groups.rule": rules,
        "eligibility.groups.parent": parents,
    }


def _find_rule_error(
    gold: CriterionGroup, predicted: CriterionGroup
) -> ErrorKind | None:
    if gold.rule is not predicted.rule:
        return ErrorKind.POLARITY
    return ErrorKind.NUMBER if gold.n != predicted.n else None


def _describe_parent(one: Members, groups: Sequence[Members]) -> str:
    return next(
        (
            describe(other.group)
            for other in groups
            if other.group.id == one.group.parent
        ),
        "none",
    )


def _judge(gold: str, predicted: str, error: ErrorKind | None) -> _Judged:
    return gold, predicted, Level.NONE if error else Level.EXACT, error


def describe(group: CriterionGroup) -> str:
    """Return the rule of a group, and its introducing line if there is one.

    >>> describe(CriterionGroup(id="g1", rule="any", lead_in="One of the following:"))
    'any of: One of the following:'
    """
    if not group.lead_in:
        return str(group)
    return f"{group}: {show_line(group.lead_in)}"

"""Compare how the criteria of two extractions belong together: pairs of one group, and groups
with rule and parent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from extractor.apps.evaluation.alignment import Aligned, Difference, Side, ValuePair, match_values
from extractor.apps.evaluation.comparers import ErrorKind, Level
from extractor.apps.evaluation.fields import Field
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
        return shared / len(self.below | other.below) + 0.1 * len(self.direct & other.direct)

    def blame(self, kind: ErrorKind) -> ErrorKind | None:
        """Return the error of a group without a partner; None if half of its criteria have none
        either.
        """
        return kind if 2 * self.counterparts > len(self.below) else None


def list_members(
    extraction: TrialExtraction | None, pairs: Sequence[Aligned], side: int
) -> list[Members]:
    """Return the groups of an extraction, whose criteria are on this ``side`` of ``pairs``.

    >>> groups = {"id": "g1", "rule": "any"}, {"id": "g2", "rule": "all", "parent": "g1"}
    >>> known = {"kind": "inclusion", "section": "eligibility"}
    >>> criteria = [
    ...     {**known, "quote": name, "group": group} for name, group in (("a", "g1"), ("b", "g2"))
    ... ]
    >>> eligibility = {"groups": groups, "criteria": criteria}
    >>> trial = TrialExtraction.model_validate({"record_id": "A", "eligibility": eligibility})
    >>> pairs = [
    ...     Aligned([Side(one, position=n)], []) for n, one in enumerate(trial.eligibility.criteria)
    ... ]
    >>> [sorted(one.below) for one in list_members(trial, pairs, 0)]
    [[0, 1], [1]]
    """
    if extraction is None:
        return []
    people = extraction.eligibility
    found = list[Members]()
    places = {one.position: place for place, pair in enumerate(pairs) for one in pair[side]}
    held: dict[str, list[tuple[int, Criterion]]] = {group.id: [] for group in people.groups}
    for position, criterion in enumerate(people.criteria):
        for group in people.list_around(criterion.group):
            held[group.id].append((places[position], criterion))
    for group in people.groups:
        direct = frozenset(place for place, one in held[group.id] if one.group == group.id)
        below = frozenset(place for place, _ in held[group.id])
        counterparts = sum(bool(pairs[place].old and pairs[place].new) for place in below)
        found.append(
            Members(group, direct, below, tuple(one for _, one in held[group.id]), counterparts)
        )
    return found


def match_groups(
    ours: Sequence[Members], theirs: Sequence[Members]
) -> tuple[list[tuple[Members, Members]], list[Members], list[Members]]:
    """Return the groups that share more than half of their items, and those of each side without
    a partner.
    """
    return match_values(ours, theirs, Members.resembles, 0.5)


def compare_groups(
    fields: Mapping[str, Field],
    old: TrialExtraction,
    new: TrialExtraction | None,
    pairs: Sequence[Aligned],
) -> Iterator[Difference]:
    """Yield what two extractions say of groups, in those of ``fields`` that are about them.

    ``pairs`` are the criteria of both. The values of ``criteria.group`` are pairs of criteria that
    share their innermost group, those of ``groups`` are the groups; rule and parent are compared in
    groups that share most items.
    """
    # In the order of the text, those of both extractions first.
    listed = sorted(
        pairs,
        key=lambda pair: (
            not (pair.old and pair.new),
            not pair.old,
            (*pair.old, *pair.new)[0].position,
        ),
    )
    ours, theirs = (list_members(one, listed, side) for side, one in enumerate((old, new)))
    if field := fields.get("eligibility.criteria.group"):
        yield from _compare_pairs(field, ours, theirs, listed)
    homes = [Side(one.eligibility, "eligibility") if one else Side() for one in (old, new)]
    yield from _compare_wholes(fields, ours, theirs, homes)


def _compare_pairs(
    field: Field, ours: Sequence[Members], theirs: Sequence[Members], pairs: Sequence[Aligned]
) -> Iterator[Difference]:
    """Yield for each criterion its pairs with earlier ones of its group.

    A pair that only one extraction has is an error if it is one with the first item: one error for
    each other item. It is none if only one extraction has the criterion: that is an error already.
    """
    said: list[dict[tuple[int, int], tuple[str, bool]]] = []
    for each in (ours, theirs):
        found: dict[tuple[int, int], tuple[str, bool]] = {}
        for one in each:
            items = sorted(one.direct)
            found |= {
                both: (describe(one.group), both[0] == items[0]) for both in combinations(items, 2)
            }
        said.append(found)
    values: dict[int, list[ValuePair]] = {}
    for both in sorted(said[0].keys() | said[1].keys()):
        (was, is_first), (now, starts) = (each.get(both, (None, False)) for each in said)
        if is_first and not now:
            kind = ErrorKind.MISSED
        elif starts and not was:
            kind = ErrorKind.INVENTED
        else:
            kind = None
        error = kind if all(pairs[place].old and pairs[place].new for place in both) else None
        level = Level.EXACT if was and now else Level.NONE
        values.setdefault(both[1], []).append(ValuePair(was, now, level, error))
    for place, listed in values.items():
        old, new = (side[0] if side else Side() for side in pairs[place])
        names = [side.item.group if side.item else None for side in (old, new)]
        yield Difference(field, old, new, names[0], names[1], listed)


def _compare_wholes(
    fields: Mapping[str, Field],
    ours: Sequence[Members],
    theirs: Sequence[Members],
    homes: Sequence[Side],
) -> Iterator[Difference]:
    """Yield the groups, and the rule and the parent of those that have a partner."""
    both, missed, invented = match_groups(ours, theirs)
    partners: dict[str | None, str | None] = {
        one.group.id: other.group.id for one, other in both
    } | {None: None}
    wholes = list[ValuePair]()
    rules = list[ValuePair]()
    parents = list[ValuePair]()
    for one, other in both:
        old = one.group
        new = other.group
        level = Level.EXACT if one.below == other.below else Level.NORMALISED
        wholes.append(ValuePair(describe(old), describe(new), level, None))
        if old.rule is not new.rule:
            differs = ErrorKind.POLARITY
        elif old.n != new.n:
            differs = ErrorKind.NUMBER
        else:
            differs = None
        rules.append(_judge(str(old), str(new), differs))
        is_there = old.parent in partners and partners[old.parent] == new.parent
        above = (_describe_parent(old, ours), _describe_parent(new, theirs))
        parents.append(_judge(*above, None if is_there else ErrorKind.WRONG_PAIRING))
    wholes += [
        ValuePair(describe(one.group), None, Level.NONE, one.blame(ErrorKind.MISSED))
        for one in missed
    ]
    wholes += [
        ValuePair(None, describe(one.group), Level.NONE, one.blame(ErrorKind.INVENTED))
        for one in invented
    ]
    groups = [tuple(one.group for one in each) for each in (ours, theirs)]
    for name, listed in (("", wholes), (".rule", rules), (".parent", parents)):
        if listed and (field := fields.get(f"eligibility.groups{name}")):
            yield Difference(field, homes[0], homes[1], groups[0], groups[1], listed)


def _describe_parent(group: CriterionGroup, groups: Sequence[Members]) -> str:
    return next((describe(one.group) for one in groups if one.group.id == group.parent), "none")


def _judge(old: str, new: str, error: ErrorKind | None) -> ValuePair:
    return ValuePair(old, new, Level.NONE if error else Level.EXACT, error)


def describe(group: CriterionGroup) -> str:
    """Return the rule of a group, and its introducing line if there is one.

    >>> describe(CriterionGroup(id="g1", rule="any", lead_in="One of the following:"))
    'any of: One of the following:'
    """
    return f"{group}: {' '.join(group.lead_in.split())}" if group.lead_in else str(group)

"""Compare how the criteria of two extractions belong together: pairs of one group, and groups with rule and parent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from extractor.schemas import Criterion, CriterionGroup, TrialExtraction

from .alignment import Aligned, Difference, Side, ValuePair, match_values
from .comparers import ErrorKind, Level
from .fields import Field

Key = tuple[int, int]
"""A criterion: -1 and its position in the old extraction, or without a counterpart 0 or 1 (old or new) and position."""
_BOTH = -1


@dataclass(frozen=True, slots=True)
class Members:
    """A group: the keys of the criteria that are its items, and of all in it or in groups below it, and these."""

    group: CriterionGroup
    direct: frozenset[Key]
    below: frozenset[Key]
    criteria: tuple[Criterion, ...]

    @property
    def counterparts(self) -> int:
        """Return how many of its criteria both extractions have."""
        return sum(side == _BOTH for side, _ in self.below)

    def resembles(self, other: "Members") -> float:
        """Return how alike the items of two groups are; 0 unless they share more than half of both."""
        shared = len(self.below & other.below)
        if 2 * shared <= max(len(self.below), len(other.below)):
            return 0.0
        return shared / len(self.below | other.below) + 0.1 * len(self.direct & other.direct)

    def blame(self, kind: ErrorKind) -> ErrorKind | None:
        """Return the error of a group without a partner; None if half of its criteria have none either."""
        return kind if 2 * self.counterparts > len(self.below) else None


def list_members(extraction: TrialExtraction, keys: Sequence[Key]) -> list[Members]:
    """Return the groups of an extraction with their criteria; ``keys`` are those of its criteria in order.

    >>> groups = {"id": "g1", "rule": "any"}, {"id": "g2", "rule": "all", "parent": "g1"}
    >>> known = {"kind": "inclusion", "section": "eligibility"}
    >>> criteria = [{**known, "quote": name, "group": group} for name, group in (("a", "g1"), ("b", "g2"))]
    >>> eligibility = {"groups": groups, "criteria": criteria}
    >>> trial = TrialExtraction.model_validate({"record_id": "A", "eligibility": eligibility})
    >>> [sorted(one.below) for one in list_members(trial, [(0, 0), (0, 1)])]
    [[(0, 0), (0, 1)], [(0, 1)]]
    """
    people = extraction.eligibility
    direct: dict[str, set[Key]] = {group.id: set() for group in people.groups}
    for key, criterion in zip(keys, people.criteria, strict=True):
        direct.get(criterion.group or "", set()).add(key)
    parents = {group.id: group.parent for group in people.groups}
    below = {name: set(items) for name, items in direct.items()}
    for name, items in direct.items():
        above, seen = parents[name], {name}
        while above in parents and above not in seen:  # gold by hand may have a circle
            below[above] |= items
            seen.add(above)
            above = parents[above]
    found = []
    for group in people.groups:
        held = below[group.id]
        criteria = tuple(one for key, one in zip(keys, people.criteria, strict=True) if key in held)
        found.append(Members(group, frozenset(direct[group.id]), frozenset(held), criteria))
    return found


def pair_groups(
    old: TrialExtraction, new: TrialExtraction | None, pairs: Sequence[Aligned]
) -> tuple[list[Members], list[Members]]:
    """Return the groups of two extractions, with the same key for a criterion and its counterpart in ``pairs``."""
    sides = old, new
    keys: list[list[Key]] = [
        [(side, position) for position in range(len(one.eligibility.criteria) if one else 0)]
        for side, one in enumerate(sides)
    ]
    for pair in pairs:  # the parts of one that was split are one
        if pair.old and pair.new:
            for known, each in zip(keys, pair, strict=True):
                for one in each:
                    known[one.position] = (_BOTH, pair.old[0].position)
    ours, theirs = (list_members(one, each) if one else [] for one, each in zip(sides, keys, strict=True))
    return ours, theirs


def match_groups(
    ours: Sequence[Members], theirs: Sequence[Members]
) -> tuple[list[tuple[Members, Members]], list[Members], list[Members]]:
    """Return the groups that share more than half of their items, and those of each side without a partner."""
    return match_values(ours, theirs, Members.resembles, 0.5)


def compare_groups(
    fields: Mapping[str, Field], old: TrialExtraction, new: TrialExtraction | None, pairs: Sequence[Aligned]
) -> Iterator[Difference]:
    """Yield what two extractions say of groups, in those of ``fields`` that are about them.

    ``pairs`` are the criteria of both. The values of ``criteria.group`` are pairs of criteria that share their
    innermost group, those of ``groups`` are the groups; rule and parent are compared in groups that share most items.
    """
    ours, theirs = pair_groups(old, new, pairs)
    if field := fields.get("eligibility.criteria.group"):
        yield from _compare_pairs(field, ours, theirs, pairs)
    homes = [Side(one.eligibility, "eligibility") if one else Side() for one in (old, new)]
    yield from _compare_wholes(fields, ours, theirs, homes)


def _compare_pairs(
    field: Field, ours: Sequence[Members], theirs: Sequence[Members], pairs: Sequence[Aligned]
) -> Iterator[Difference]:
    """Yield for each criterion its pairs with earlier ones of its group.

    A pair that only one extraction has is an error if it is one with the first item: one error for each other item.
    It is none if only one extraction has the criterion: that is an error already.
    """
    said: list[dict[tuple[Key, Key], tuple[str, bool]]] = []
    for each in (ours, theirs):
        found: dict[tuple[Key, Key], tuple[str, bool]] = {}
        for one in each:
            items = sorted(one.direct)
            found |= {both: (describe(one.group), both[0] == items[0]) for both in combinations(items, 2)}
        said.append(found)
    values: dict[Key, list[ValuePair]] = {}
    for both in sorted(said[0].keys() | said[1].keys()):
        (was, is_first), (now, starts) = (each.get(both, (None, False)) for each in said)
        kind = ErrorKind.MISSED if is_first and not now else ErrorKind.INVENTED if starts and not was else None
        error = kind if both[0][0] == both[1][0] == _BOTH else None
        level = Level.EXACT if was and now else Level.NONE
        values.setdefault(both[1], []).append(ValuePair(was, now, level, error))
    sides = _find_sides(pairs)
    for key, listed in values.items():
        old, new = sides[key]
        names = [side.item.group if side.item else None for side in (old, new)]
        yield Difference(field, old, new, names[0], names[1], listed)


def _find_sides(pairs: Sequence[Aligned]) -> dict[Key, tuple[Side, Side]]:
    """Return the sides of each criterion by its key."""
    found: dict[Key, tuple[Side, Side]] = {}
    for old, new in pairs:
        if old and new:
            found[_BOTH, old[0].position] = old[0], new[0]
        else:
            found |= {(0, side.position): (side, Side()) for side in old}
            found |= {(1, side.position): (Side(), side) for side in new}
    return found


def _compare_wholes(
    fields: Mapping[str, Field], ours: Sequence[Members], theirs: Sequence[Members], homes: Sequence[Side]
) -> Iterator[Difference]:
    """Yield the groups, and the rule and the parent of those that have a partner."""
    both, missed, invented = match_groups(ours, theirs)
    partners: dict[str | None, str | None] = {one.group.id: other.group.id for one, other in both} | {None: None}
    wholes, rules, parents = list[ValuePair](), list[ValuePair](), list[ValuePair]()
    for one, other in both:
        old, new = one.group, other.group
        level = Level.EXACT if one.below == other.below else Level.NORMALISED
        wholes.append(ValuePair(describe(old), describe(new), level, None))
        differs = ErrorKind.POLARITY if old.rule is not new.rule else ErrorKind.NUMBER if old.n != new.n else None
        rules.append(_judge(str(old), str(new), differs))
        is_there = old.parent in partners and partners[old.parent] == new.parent
        above = (_describe_parent(old, ours), _describe_parent(new, theirs))
        parents.append(_judge(*above, None if is_there else ErrorKind.WRONG_PAIRING))
    wholes += [ValuePair(describe(one.group), None, Level.NONE, one.blame(ErrorKind.MISSED)) for one in missed]
    wholes += [ValuePair(None, describe(one.group), Level.NONE, one.blame(ErrorKind.INVENTED)) for one in invented]
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

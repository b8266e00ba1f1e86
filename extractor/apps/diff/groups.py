"""Compare how criteria belong together in two versions: rules of groups, groups of one version,
and moved items.
"""

from collections.abc import Iterator, Sequence

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    Stated,
    StatedValue,
    TrialChange,
    make_change,
)
from extractor.apps.evaluation.alignment import Aligned
from extractor.apps.evaluation.grouping import (
    Members,
    describe,
    list_members,
    match_groups,
)
from extractor.apps.evaluation.text import fold_text
from extractor.language.shown import show_line
from extractor.schemas import CriterionGroup, CriterionKind, GroupRule, TrialExtraction

_MAJOR = ChangeSeverity.MAJOR
_MINOR = ChangeSeverity.MINOR
_OF_LIST = {
    CriterionKind.INCLUSION: GroupRule.ALL,
    CriterionKind.EXCLUSION: GroupRule.ANY,
}
"""The rule of a whole list: a group with the same one changes nobody's place."""


def compare_groups(
    old: TrialExtraction,
    new: TrialExtraction,
    pairs: Sequence[Aligned],
    introductions: Sequence[TrialChange],
) -> Iterator[TrialChange]:
    """Yield changed groups of criteria.

    A rule that changed with the words of its introducing line is reported there, in
    ``introductions``. Extractions by earlier versions have no groups.
    """
    if "groups" not in old.eligibility.model_fields_set:
        return
    if "groups" not in new.eligibility.model_fields_set:
        return
    lines = _list_lines(introductions)
    both, gone, come = match_groups(
        list_members(old, pairs, 0), list_members(new, pairs, 1)
    )
    for before, after in both:
        was = before.group
        now = after.group
        if str(was) == str(now) or _is_told(now, lines):
            continue
        message = f"now {now} instead of {was}"
        if now.lead_in:
            message += f": {show_line(now.lead_in)}"
        sides = (_state(old, before), _state(new, after))
        yield make_change(
            "criterion", ChangeKind.CHANGED, _MAJOR, message, sides, "group"
        )
    for members in gone:
        if _is_change_of_its_own(members, lines):
            stated = _state(old, members)
            yield _make_alone(members, ChangeKind.REMOVED, (stated, None))
    for members in come:
        if _is_change_of_its_own(members, lines):
            stated = _state(new, members)
            yield _make_alone(members, ChangeKind.ADDED, (None, stated))
    yield from _compare_items(both, gone, come, pairs)


def _list_lines(introductions: Sequence[TrialChange]) -> list[str]:
    """Return both sides of the changed introducing lines, folded."""
    sides = [side for change in introductions for side in (change.old, change.new)]
    return [fold_text(str(side.value)) for side in sides if side]


def _is_told(group: CriterionGroup, lines: Sequence[str]) -> bool:
    """Return whether the line that introduces a group is among the changed ones."""
    if not group.lead_in:
        return False
    folded = fold_text(group.lead_in)
    return any(folded in line for line in lines)


def _is_change_of_its_own(members: Members, lines: Sequence[str]) -> bool:
    # Without counterparts, its criteria are added or removed themselves.
    return bool(members.counterparts) and not _is_told(members.group, lines)


def _make_alone(
    members: Members, kind: ChangeKind, sides: tuple[Stated, Stated]
) -> TrialChange:
    """Return the change that only one version groups some criteria."""
    group = members.group
    is_as_list = group.rule is _OF_LIST[members.criteria[0].kind]
    severity = _MINOR if is_as_list else _MAJOR
    message = f"group of criteria {kind.value}: {describe(group)}"
    return make_change("criterion", kind, severity, message, sides, "group")


def _compare_items(
    both: Sequence[tuple[Members, Members]],
    gone: Sequence[Members],
    come: Sequence[Members],
    pairs: Sequence[Aligned],
) -> Iterator[TrialChange]:
    """Yield criteria that moved to another group; not those of a group that is reported as a
    whole.
    """
    old_homes = {before.group.id: number for number, (before, _) in enumerate(both)}
    new_homes = {after.group.id: number for number, (_, after) in enumerate(both)}
    removed = {members.group.id for members in gone}
    added = {members.group.id for members in come}
    for pair in pairs:
        if not pair.old or not pair.new:
            continue
        was = pair.old[0].item.group
        now = pair.new[0].item.group
        if was in removed or now in added:
            continue
        old_home = old_homes.get(was)
        new_home = new_homes.get(now)
        if old_home == new_home:
            continue
        moves = []
        if old_home is not None:
            moves.append(f"out of {describe(both[old_home][0].group)}")
        if new_home is not None:
            moves.append(f"into {describe(both[new_home][1].group)}")
        message = f"moved {', '.join(moves)}"
        yield make_change("criterion", ChangeKind.MOVED, _MAJOR, message, pair, "quote")


def _state(version: TrialExtraction, members: Members) -> StatedValue:
    """Describe a group by its introducing line, or else by its criteria."""
    eligibility = version.eligibility
    number = eligibility.groups.index(members.group)
    evidence = list(eligibility.evidence_for(f"groups[{number}]"))
    if not evidence:
        for criterion in members.criteria:
            evidence += criterion.evidence_for("quote")
    return StatedValue(
        path=f"eligibility.groups[{number}]",
        value=describe(members.group),
        citations=tuple(proof.cite() for proof in evidence),
    )

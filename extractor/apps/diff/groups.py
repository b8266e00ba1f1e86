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
    """Yield changed groups of criteria: groups with another rule, groups of one version alone, and
    criteria that moved to another group.

    A rule that changed with the words of its introducing line is reported there, in
    ``introductions``, and not again. A group whose criteria have no counterparts is not reported:
    its criteria are added or removed themselves. Extractions by earlier versions have no groups,
    and nothing is compared. ``pairs`` are the criteria of both versions.
    """
    if "groups" not in old.eligibility.model_fields_set:
        return
    if "groups" not in new.eligibility.model_fields_set:
        return
    lines = _list_lines(introductions)
    # the sides of a pair, as list_members counts them: 0 is the old one
    old_members = list_members(old, pairs, 0)
    new_members = list_members(new, pairs, 1)
    both, removed, added = match_groups(old_members, new_members)
    for before, after in both:
        was = before.group
        now = after.group
        # "any" -> "all" in the introducing line is told as a change of that line
        if str(was) == str(now) or _is_told(now, lines):
            continue
        message = f"now {now} instead of {was}"
        if now.lead_in:
            message += f": {show_line(now.lead_in)}"
        sides = (_state(old, before), _state(new, after))
        yield make_change(
            "criterion", ChangeKind.CHANGED, _MAJOR, message, sides, "group"
        )
    for members in removed:
        if not members.counterparts or _is_told(members.group, lines):
            continue
        stated = _state(old, members)
        yield _make_one_sided(members, ChangeKind.REMOVED, (stated, None))
    for members in added:
        if not members.counterparts or _is_told(members.group, lines):
            continue
        stated = _state(new, members)
        yield _make_one_sided(members, ChangeKind.ADDED, (None, stated))
    yield from _compare_items(both, removed, added, pairs)


def _list_lines(introductions: Sequence[TrialChange]) -> list[str]:
    """Return both sides of the changed introducing lines, folded."""
    lines = []
    for change in introductions:
        for side in (change.old, change.new):
            if side is None:
                continue
            lines.append(fold_text(str(side.value)))
    return lines


def _is_told(group: CriterionGroup, lines: Sequence[str]) -> bool:
    """Return whether the line that introduces a group is in one of the changed ``lines``, which are
    folded. A group without such a line is not told.
    """
    if not group.lead_in:
        return False
    folded = fold_text(group.lead_in)
    return any(folded in line for line in lines)


def _make_one_sided(
    members: Members, kind: ChangeKind, sides: tuple[Stated, Stated]
) -> TrialChange:
    """Return the change that only one version groups some criteria. It is minor if the rule of the
    group is that of its whole list, so that the group changes nothing.
    """
    group = members.group
    severity = _MAJOR
    if group.rule is _OF_LIST[members.criteria[0].kind]:
        severity = _MINOR
    message = f"group of criteria {kind.value}: {describe(group)}"
    return make_change("criterion", kind, severity, message, sides, "group")


def _compare_items(
    both: Sequence[tuple[Members, Members]],
    removed: Sequence[Members],
    added: Sequence[Members],
    pairs: Sequence[Aligned],
) -> Iterator[TrialChange]:
    """Yield criteria that moved to another group, or out of all. A criterion of a group that is
    reported as a whole, because only one version has it, is left out.

    Args:
        both: The groups of both versions, in pairs.
        removed: The groups of the old version alone.
        added: The groups of the new version alone.
        pairs: The criteria of both versions.
    """
    # the position in ``both``, by the id of a group in its version
    old_homes: dict[str | None, int] = {}
    new_homes: dict[str | None, int] = {}
    for position, (before, after) in enumerate(both):
        old_homes[before.group.id] = position
        new_homes[after.group.id] = position
    removed_ids = {members.group.id for members in removed}
    added_ids = {members.group.id for members in added}
    for pair in pairs:
        if not pair.old or not pair.new:
            continue
        was = pair.old[0].item.group
        now = pair.new[0].item.group
        # the whole group is told
        if was in removed_ids or now in added_ids:
            continue
        old_home = old_homes.get(was)
        new_home = new_homes.get(now)
        if old_home == new_home:
            continue
        moves = []
        if old_home is not None:
            before, _ = both[old_home]
            moves.append(f"out of {describe(before.group)}")
        if new_home is not None:
            _, after = both[new_home]
            moves.append(f"into {describe(after.group)}")
        message = f"moved {', '.join(moves)}"
        yield make_change("criterion", ChangeKind.MOVED, _MAJOR, message, pair, "quote")


def _state(version: TrialExtraction, members: Members) -> StatedValue:
    """Return a group as one side of a change, with the quote of its introducing line, or if it has
    none with those of its criteria.
    """
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

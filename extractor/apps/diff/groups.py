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
    lines: Sequence[TrialChange],
) -> Iterator[TrialChange]:
    """Yield changed groups of criteria.

    A rule that changed with the words of its introducing line is reported there, in ``lines``.
    Extractions by earlier versions have no groups.
    """
    if not all("groups" in one.eligibility.model_fields_set for one in (old, new)):
        return
    told = [
        fold_text(str(side.value))
        for change in lines
        for side in (change.old, change.new)
        if side
    ]

    def is_told(group: CriterionGroup) -> bool:
        return bool(group.lead_in) and any(
            fold_text(group.lead_in or "") in words for words in told
        )

    both, gone, come = match_groups(
        *(list_members(one, pairs, side) for side, one in enumerate((old, new)))
    )
    for one, other in both:
        was = one.group
        now = other.group
        if str(was) != str(now) and not is_told(now):
            message = f"now {now} instead of {was}" + (
                f": {show_line(now.lead_in)}" if now.lead_in else ""
            )
            sides = _state(old, one), _state(new, other)
            yield make_change(
                "criterion", ChangeKind.CHANGED, _MAJOR, message, sides, "group"
            )
    for side, kind, groups in (
        (0, ChangeKind.REMOVED, gone),
        (1, ChangeKind.ADDED, come),
    ):
        version = new if side else old
        for one in groups:
            # else its criteria are added or removed themselves
            if one.counterparts and not is_told(one.group):
                stated = _state(version, one)
                one_side: tuple[Stated, Stated] = (
                    (None, stated) if side else (stated, None)
                )
                rated = (
                    _MINOR
                    if one.group.rule is _OF_LIST[one.criteria[0].kind]
                    else _MAJOR
                )
                message = f"group of criteria {kind.value}: {describe(one.group)}"
                yield make_change("criterion", kind, rated, message, one_side, "group")
    yield from _compare_items(both, gone, come, pairs)


def _compare_items(
    both: Sequence[tuple[Members, Members]],
    gone: Sequence[Members],
    come: Sequence[Members],
    pairs: Sequence[Aligned],
) -> Iterator[TrialChange]:
    """Yield criteria that moved to another group; not those of a group that is reported as a
    whole.
    """
    homes = {one.group.id: number for number, (one, _) in enumerate(both)}
    other_homes = {other.group.id: number for number, (_, other) in enumerate(both)}
    whole = {one.group.id for one in gone}, {one.group.id for one in come}
    for pair in pairs:
        if not pair.old or not pair.new:
            continue
        was = pair.old[0].item.group
        now = pair.new[0].item.group
        if was in whole[0] or now in whole[1] or homes.get(was) == other_homes.get(now):
            continue
        said = [
            f"{words} {describe(groups[place].group)}"
            for words, place, groups in (
                ("out of", homes.get(was), [one for one, _ in both]),
                ("into", other_homes.get(now), [other for _, other in both]),
            )
            if place is not None
        ]
        yield make_change(
            "criterion",
            ChangeKind.MOVED,
            _MAJOR,
            f"moved {', '.join(said)}",
            pair,
            "quote",
        )


def _state(version: TrialExtraction, one: Members) -> StatedValue:
    """Describe a group by its introducing line, or else by its criteria."""
    people = version.eligibility
    place = people.groups.index(one.group)
    proof = people.evidence_for(f"groups[{place}]") or [
        each for criterion in one.criteria for each in criterion.evidence_for("quote")
    ]
    cited = tuple(each.cite() for each in proof)
    return StatedValue(
        path=f"eligibility.groups[{place}]", value=describe(one.group), citations=cited
    )

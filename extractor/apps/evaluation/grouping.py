"""Describe groups of criteria by their members, so that groups can be compared like other
values.
"""

from collections import defaultdict
from functools import lru_cache
from typing import NamedTuple

from extractor.apps.evaluation.text import fold_quote
from extractor.schemas import TrialExtraction


class DescribedGroup(NamedTuple):
    """A group. ``members`` contains the quotes of its criteria, one per line, and ``parent``
    contains the members of its parent group.
    """

    members: str
    rule: str
    parent: str


def describe_groups(extraction: TrialExtraction) -> TrialExtraction:
    """Return an extraction in which groups are described by their members, and criteria refer to a
    group by its members.
    """
    people = extraction.eligibility
    members = defaultdict[str | None, str](str)
    around = people.list_around()
    # two annotators number their groups differently, so the members stand for a group
    for criterion in people.criteria:
        for group in around[criterion.group]:
            members[group.id] += fold_quote(criterion.quote) + "\n"
    criteria = tuple(
        criterion.model_copy(update={"group": members.get(criterion.group)})
        for criterion in people.criteria
    )
    groups = tuple(
        DescribedGroup(
            members.get(group.id, ""), str(group), members.get(group.parent, "")
        )
        for group in people.groups
    )
    # the copies are not validated, so they may contain groups of another type
    return extraction.model_copy(
        update={
            "eligibility": people.model_copy(
                update={"criteria": criteria, "groups": groups}
            )
        }
    )


@lru_cache(maxsize=1024)
def share_members(first: str | DescribedGroup, second: str | DescribedGroup) -> bool:
    r"""Return whether the members of ``first`` that match a member of ``second`` are more than half
    as many as the members of the larger group. A group is given as a ``DescribedGroup``, or only as
    its members, one per line. A part of a criterion matches the whole criterion, because the extent
    of criteria is scored separately. Since several parts may match one criterion, the order of the
    groups may matter.

    >>> share_members("fever\ncough", "cough\nno fever"), share_members("a\nb", "b")
    (True, False)
    """
    members = _list_quotes(first)
    others = _list_quotes(second)
    shared = sum(
        any(quote in other or other in quote for other in others) for quote in members
    )
    return 2 * shared > max(len(members), len(others))


def _list_quotes(group: str | DescribedGroup) -> list[str]:
    """Return the quotes of a group's members."""
    if isinstance(group, DescribedGroup):
        group = group.members
    return group.splitlines()

"""Find the criteria that are alternatives: those in a group whose rule differs from that of
their list.
"""

from collections.abc import Collection

from extractor.schemas import CriterionGroup, CriterionKind, Eligibility, GroupRule

_RULES = {
    CriterionKind.INCLUSION: GroupRule.ALL,
    CriterionKind.EXCLUSION: GroupRule.ANY,
}
"""How the criteria of a list belong together: inclusions hold all, and one exclusion is enough."""


def find_alternatives(
    eligibility: Eligibility, unsure: Collection[str] = ()
) -> list[tuple[CriterionGroup, ...]]:
    """Return for each criterion the groups in which it is one of several, innermost first; none if
    it decides alone.

    A group whose id is ``unsure`` counts, whatever its rule.

    >>> one = {
    ...     "kind": "inclusion",
    ...     "section": "eligibility",
    ...     "quote": "asthma",
    ...     "group": "g2",
    ... }
    >>> groups = [
    ...     {"id": "g1", "rule": "any"},
    ...     {"id": "g2", "rule": "all", "parent": "g1"},
    ... ]
    >>> said = Eligibility.model_validate(
    ...     {"groups": groups, "criteria": [one, one | {"group": None}]}
    ... )
    >>> [[group.id for group in around] for around in find_alternatives(said)]
    [['g2', 'g1'], []]
    """
    alternatives: list[tuple[CriterionGroup, ...]] = []
    for criterion in eligibility.criteria:
        groups = list(eligibility.list_around(criterion.group))
        # An outermost group whose rule is that of the list says nothing of its own.
        while groups:
            outermost = groups[-1]
            if outermost.id in unsure or outermost.rule is not _RULES[criterion.kind]:
                break
            groups.pop()
        alternatives.append(tuple(groups))
    return alternatives

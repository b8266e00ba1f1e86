"""How a fact came to the agent of a statement: by its place, as the sure ones among annotated regimens show."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from extractor.text.book import rule

from .clauses import describes_other
from .marks import Fact
from .sections import DosingSection
from .statements import Statement

_BESIDE_REACH = 12
"""The most tokens between an agent, or its amount, and a fact beside it."""
_OTHER_ACT_REACH = 3
"""How many tokens after a fact can name another act: "weekly blood samples"."""


class Link(StrEnum):
    """The place of a fact, as seen from its agent: its own words, its clause, its section, or any other words.

    ``RIVALS``: the agent's part of the clause has several values of the field. The names are cases of ``measured``.
    """

    BESIDE = "beside"
    CLAUSE = "in clause"
    RIVALS = "rivals"
    SECTION = "in section"
    ELSEWHERE = "elsewhere"


def list_near(statement: Statement, name: str) -> set[Any]:
    """The values of a field in the part of the clause about the agent."""
    return {mark.value for mark in getattr(statement.clause.marks.inside(*statement.reach), name)}


def find_link(statement: Statement, name: str, fact: Fact, sections: Mapping[str, DosingSection]) -> Link:
    """The link of a fact of a statement; ``name`` is the kind of finding."""
    clause = statement.clause
    if not statement.holds(fact):
        own = fact.section in {statement.section, statement.agent.section}
        return Link.SECTION if own and _is_of_giving(sections[fact.section], fact) else Link.ELSEWHERE
    anchors = [one for one in statement.amounts if one is not fact and statement.holds(one)]
    # The amount of the clause may be that of another agent, and with it all that the clause says.
    if any(one.confidence < 1 for one in anchors):
        return Link.ELSEWHERE
    if len(list_near(statement, name)) > 1:
        return Link.RIVALS
    anchors += [one for one in clause.named if one.value.key == statement.agent.key]
    if not anchors or not statement.reach[0] <= fact.first < statement.reach[1]:
        return Link.BESIDE if clause.about_topic and not anchors else Link.CLAUSE
    gaps = [(min(one.end, fact.end), max(one.first, fact.first)) for one in anchors]
    first, end = min(gaps, key=lambda gap: gap[1] - gap[0])
    if rule("other_act").search(clause.tokens, first, min(clause.end, max(end, fact.end + _OTHER_ACT_REACH))):
        return Link.ELSEWHERE
    others = any(first <= one.first < end and one.value.key != statement.agent.key for one in clause.named)
    return Link.CLAUSE if others or end - first > _BESIDE_REACH else Link.BESIDE


def _is_of_giving(section: DosingSection, fact: Fact) -> bool:
    """Whether the clause of a fact is about what participants are given."""
    place = next((one for one in section.clauses if one[0] <= fact.first < one[1]), section.title)
    return not (rule("other_act").search(section.tokens, *place) or describes_other(section.tokens, *place))

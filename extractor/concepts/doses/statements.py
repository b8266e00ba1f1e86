"""Statements: read what each clause says about how an agent is given."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from extractor.concepts.doses.agents import Agent, Agents, Mention
from extractor.concepts.doses.marks import (
    Mark,
    Place,
    drop_inside,
    list_beginning,
    within,
)
from extractor.concepts.doses.pairs import (
    Anchor,
    Owner,
    describe_link,
    describe_nobody,
    describe_owner,
    find_crossing,
    may_share,
    rank_owners,
    weigh_link,
)
from extractor.concepts.doses.sections import DoseText
from extractor.language.book import rule

_LINKED = {
    "route": 0.5,
    "frequency": 0.6,
    "cycle": 0.4,
    "duration": 0.45,
    "days": 0.5,
    "timing": 0.5,
}
"""The minimum probability, by field, of a link between a mark and an anchor."""
_NOBODY = 0.6
"""An amount is left unassigned if the probability that it belongs to no agent is at least this
value.
"""
_OF_ALL = 0.7
"""The probability that a cycle or duration applies to all agents of the section."""
_MOST_OWNERS = 12
"""Maximum number of agents from earlier clauses to which a mark may belong."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A mark with the probability that it belongs to its agent, and the section that contains it.
    ``is_shared`` means that another agent or amount is between the mark and the agent.
    """

    mark: Mark
    sure: float
    text: DoseText
    is_shared: bool = False


@dataclass(eq=False, slots=True)
class Statement:
    """A clause's statement about an agent, with the linked marks by field. ``rivals`` is the number
    of agents that the clause names.
    """

    agent: Agent
    text: DoseText
    clause: Place
    owner: Owner
    sure: float
    facts: dict[str, list[Linked]] = field(default_factory=dict)
    rivals: int = 1

    def links(self, name: str) -> list[Linked]:
        return self.facts.get(name, [])

    @property
    def amounts(self) -> list[Linked]:
        return self.links("amounts")

    def find_words(self) -> Place:
        """Return the tokens that cover the agent's name and its marks. Shared marks are included
        only if all marks are shared.
        """
        links: list[Linked] = []
        for of_field in self.facts.values():
            links += [link for link in of_field if link.text is self.text]
        direct = [link for link in links if not link.is_shared]
        places = [link.mark.place for link in direct or links] or [self.clause]
        if self.owner.how == "named":
            places.append(self.owner.place)
        return min(places)[0], max(end for _, end in places)


def read_clauses(text: DoseText, agents: Agents) -> list[Statement]:
    """Return the statements in a section, clause by clause. A cycle or a duration in a clause
    without agents or amounts applies to all earlier statements: "Treatment repeats every 21 days
    for up to 6 courses". The results of a published trial do not state doses.
    """
    statements: list[Statement] = []
    is_result = False
    for clause, mentions, owners in list_clauses(text, agents):
        heading = rule("part_heading").starts(text.tokens, clause[0])
        if heading:
            is_result = heading.has("results")
        marks = within(text.marks, *clause)
        if not marks or is_result or is_aside(text, clause):
            continue
        fields = {mark.field for mark in marks}
        is_of_all = not mentions and "cycle" in fields and "amounts" not in fields
        if statements and is_of_all:
            _add_to_all(statements, marks, text)
            continue
        anchors = list(find_anchors(text, clause, marks, owners, mentions))
        rivals = len({mention.agent.key for mention in mentions})
        for anchor in anchors:
            facts = _link(text, marks, anchor, anchors)
            if facts:
                owner = anchor.owner
                statements.append(
                    Statement(
                        owner.agent, text, clause, owner, anchor.sure, facts, rivals
                    )
                )
    return statements


def _add_to_all(
    statements: Iterable[Statement], marks: Iterable[Mark], text: DoseText
) -> None:
    """Add any cycle or duration found among the marks to each statement that lacks one."""
    for mark in marks:
        if mark.field in ("cycle", "duration"):
            link = Linked(mark, _OF_ALL, text, is_shared=True)
            for statement in statements:
                statement.facts.setdefault(mark.field, [link])


class Clause(NamedTuple):
    """A clause with the agents that it names, and the agents to which its marks may belong. The
    latter also include the topic of the section and the most recent agents from earlier clauses.
    """

    place: Place
    mentions: list[Mention]
    owners: list[Owner]


def list_clauses(text: DoseText, agents: Agents) -> Iterator[Clause]:
    """Yield the clauses of a section with the possible owners of their marks."""
    moments = [mark for mark in text.marks if mark.field == "timing"]
    # as in "36 hours after examplumab", which does not give a dose
    mentions = drop_inside(agents.find(text), moments)
    topics = [Owner(agent, "topic", text.title) for agent in agents.list_topics(text)]
    seen: list[Mention] = []
    for clause in text.clauses:
        named_here = [*list_beginning(mentions, *clause)]
        earlier = [
            Owner(mention.agent, "earlier", mention.place) for mention in seen[::-1]
        ]
        unnamed: dict[str, Owner] = {}
        for owner in [*topics, *earlier]:
            unnamed.setdefault(owner.agent.key, owner)
        owners_here = [
            Owner(mention.agent, "named", mention.place) for mention in named_here
        ]
        yield Clause(clause, named_here, [*owners_here, *unnamed.values()])
        seen = [*seen, *named_here][-_MOST_OWNERS:]


def is_aside(text: DoseText, clause: Place) -> bool:
    """Return whether a clause describes visits, aims or observation rather than treatment."""
    tokens = text.tokens
    if rule("aim").occurs(tokens, *clause):
        return True
    is_observed = any(
        rule(name).occurs(tokens, *clause) for name in ("follow_up", "observed")
    )
    return is_observed and not rule("gives").occurs(tokens, *clause)


def describe_candidates(
    text: DoseText,
    clause: Place,
    mark: Mark,
    owners: Iterable[Owner],
    mentions: Sequence[Mention],
) -> list[list[str]]:
    """Return the signs for each possible owner of an amount, followed by the signs that the amount
    has no owner.
    """
    signs = [
        list(describe_owner(text, mark, owner, mentions, clause)) for owner in owners
    ]
    return [*signs, list(describe_nobody(text, mark, mentions, clause))]


def find_anchors(
    text: DoseText,
    clause: Place,
    marks: Sequence[Mark],
    owners: Sequence[Owner],
    mentions: Sequence[Mention],
) -> Iterator[Anchor]:
    """Yield an anchor for each amount in a clause, with its most likely agent, and an anchor for
    each agent that the clause describes as given without an amount.
    """
    with_amount: set[str] = set()
    for mark in marks:
        if mark.field != "amounts":
            continue
        able = [owner for owner in owners if not _is_alternative(text, mark, owner)]
        ranks = rank_owners(describe_candidates(text, clause, mark, able, mentions))
        best = max(range(len(able)), key=ranks.__getitem__, default=0)
        # the last rank is that of no owner; it is 1 if there are no owners
        if ranks[-1] < _NOBODY:
            owner = able[best]
            with_amount.add(owner.agent.key)
            yield Anchor(owner, mark, clause, ranks[best])
    if any(mark.field in _LINKED for mark in marks):
        for owner in list_bare(owners, with_amount):
            yield Anchor(owner, None, clause)


def _is_alternative(text: DoseText, mark: Mark, owner: Owner) -> bool:
    """Return whether an agent is the placebo that is compared with an amount: "5 mg daily or
    placebo". Such an amount is never the placebo's.
    """
    first = owner.place[0]
    if not owner.agent.is_placebo or owner.how != "named" or first < mark.end:
        return False
    return rule("other_choice").ends(text.tokens, first, mark.end) is not None


def list_bare(owners: Sequence[Owner], with_amount: Set[str]) -> list[Owner]:
    """Return the agents that a clause may describe as given without an amount: the agents that it
    names or, if it does not contain agents or amounts, the topic of the section and the agents
    from earlier clauses.
    """
    named_owners = [owner for owner in owners if owner.how == "named"]
    unnamed_owners = [] if with_amount else owners
    bare: dict[str, Owner] = {}
    for owner in named_owners or unnamed_owners:
        if owner.agent.key not in with_amount:
            bare.setdefault(owner.agent.key, owner)
    return list(bare.values())


def _link(
    text: DoseText, marks: Sequence[Mark], anchor: Anchor, anchors: Sequence[Anchor]
) -> dict[str, list[Linked]]:
    """Return the links of the marks that belong to an anchor, by field."""
    facts: dict[str, list[Linked]] = {}
    if anchor.amount:
        facts["amounts"] = [Linked(anchor.amount, anchor.sure, text)]
    for mark in marks:
        if mark.field == "amounts" or not may_share(text, mark, anchor, anchors):
            continue
        sure = weigh_link(list(describe_link(text, mark, anchor, anchors)))
        if sure >= _LINKED[mark.field]:
            is_shared = find_crossing(mark, anchor, anchors) != "none"
            link = Linked(mark, sure, text, is_shared)
            facts.setdefault(mark.field, []).append(link)
    return facts

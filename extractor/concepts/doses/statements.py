"""Statements: what one clause says of how one agent is given."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field

from extractor.concepts.doses.agents import Agent, Agents, Mention
from extractor.concepts.doses.marks import Mark, Place, within
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

_GIVES = frozenset({"frequency", "route", "duration", "days", "cycle", "timing"})
_LINKED = {
    "route": 0.5,
    "frequency": 0.6,
    "cycle": 0.5,
    "duration": 0.45,
    "days": 0.5,
    "timing": 0.5,
}
"""The least probability with which a mark of a field belongs to an anchor."""
_MOST_OWNERS = 12
_OPENING_REACH = 6
"""The most tokens of marks between a mark and the agent before which it stands."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A mark with the probability that it belongs to its agent, and the section where it stands.

    ``is_shared``: another agent or amount stands between them.
    """

    mark: Mark
    sure: float
    text: DoseText
    is_shared: bool = False


@dataclass(eq=False, slots=True)
class Statement:
    """What a clause says of one agent: its marks by field. ``rivals`` counts the agents that the
    clause names.
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
        """Return the tokens of the agent's name and of its own marks."""
        links = [link for of_field in self.facts.values() for link in of_field]
        here = [link for link in links if link.text is self.text]
        own = [link.mark.place for link in here if not link.is_shared]
        places = own or [link.mark.place for link in here] or [self.clause]
        mention = self.owner.mention
        if mention and self.owner.how == "named":
            places.append(mention.place)
        return min(first for first, _ in places), max(end for _, end in places)


def read_clauses(text: DoseText, agents: Agents) -> Iterator[Statement]:
    """Yield the statements of a section, clause by clause."""
    mentions = agents.find(text)
    seen: list[Mention] = []
    read: list[Statement] = []
    for clause in text.clauses:
        here = [one for one in mentions if clause[0] <= one.first < clause[1]]
        marks = within(text.marks, *clause)
        here = drop_timed(here, marks)
        if marks and not is_aside(text, clause):
            if not here:
                marks = list(_spread(text, marks, read))
            owners = list_owners(text, agents, here, seen)
            anchors = list(find_anchors(text, clause, marks, owners, here))
            read += _link(text, clause, marks, anchors, here)
        seen = [*seen, *here][-_MOST_OWNERS:]
    yield from read


def _spread(
    text: DoseText, marks: Sequence[Mark], read: Sequence[Statement]
) -> Iterator[Mark]:
    """Give the cycle and the length in a clause without agents to the statements before it in the
    section: "Treatment repeats every 21 days for up to 6 courses". Yield the other marks.
    """
    fields = {mark.field for mark in marks}
    is_of_all = "cycle" in fields and "amounts" not in fields and len(read) > 0
    for mark in marks:
        if not is_of_all or mark.field not in ("cycle", "duration"):
            if not (is_of_all and mark.field == "frequency"):
                yield mark
            continue
        for statement in read:
            if mark.field not in statement.facts:
                statement.facts[mark.field] = [Linked(mark, 0.7, text, is_shared=True)]


def drop_timed(mentions: Iterable[Mention], marks: Iterable[Mark]) -> list[Mention]:
    """Return the mentions outside of moments, which name no agent of the clause: "36 hours after
    examplumab".
    """
    taken: set[int] = set()
    for mark in marks:
        if mark.field == "timing":
            taken.update(range(mark.first, mark.end))
    return [one for one in mentions if one.first not in taken]


def is_aside(text: DoseText, clause: Place) -> bool:
    """Return whether a clause is about visits, aims or observation, and gives nothing."""
    tokens = text.tokens
    if rule("aim").search(tokens, *clause):
        return True
    for name in ("follow_up", "observed"):
        if rule(name).search(tokens, *clause):
            return rule("gives").search(tokens, *clause) is None
    return False


def list_owners(
    text: DoseText, agents: Agents, here: Sequence[Mention], seen: Sequence[Mention]
) -> list[Owner]:
    """Return the agents that marks of a clause may belong to: those that it names, the last ones
    that earlier clauses name, and the topic of the section.
    """
    owners = [Owner(one.agent, "named", one.place, one) for one in here]
    keys: set[str] = set()
    for topic in agents.list_topics(text):
        if topic.key not in keys:
            keys.add(topic.key)
            owners.append(Owner(topic, "topic", text.title))
    for one in reversed(seen):
        if one.agent.key not in keys:
            keys.add(one.agent.key)
            owners.append(Owner(one.agent, "earlier", one.place, one))
    return owners


def describe_candidates(
    text: DoseText,
    clause: Place,
    mark: Mark,
    owners: Iterable[Owner],
    here: Sequence[Mention],
) -> list[list[str]]:
    """Return the signs of each owner of an amount, and of nobody as the last one."""
    signs = [list(describe_owner(text, mark, owner, here, clause)) for owner in owners]
    return [*signs, list(describe_nobody(text, mark, here, clause))]


def find_anchors(
    text: DoseText,
    clause: Place,
    marks: Sequence[Mark],
    owners: Sequence[Owner],
    here: Sequence[Mention],
) -> Iterator[Anchor]:
    """Yield an anchor for each amount of a clause with its likeliest agent, and one for each agent
    of the clause without an amount. Without any, the topic is one.
    """
    with_amount: set[str] = set()
    for mark in marks:
        if mark.field != "amounts" or not owners:
            continue
        ranks = rank_owners(describe_candidates(text, clause, mark, owners, here))
        best = max(range(len(ranks)), key=ranks.__getitem__)
        if best < len(owners):
            owner = owners[best]
            with_amount.add(owner.agent.key)
            yield Anchor(owner, mark, clause, ranks[best])
    if not _GIVES.intersection(mark.field for mark in marks):
        return
    for owner in list_bare(owners, with_amount):
        yield Anchor(owner, None, clause)


def list_bare(owners: Sequence[Owner], with_amount: Set[str]) -> Iterator[Owner]:
    """Yield the agents that a clause may give without an amount: those that it names, and if it
    names none, the topic of the section and the agents of earlier clauses.
    """
    keys = set(with_amount)
    named = [owner for owner in owners if owner.how == "named"]
    others = [] if with_amount else owners
    for owner in named or others:
        if owner.agent.key not in keys:
            keys.add(owner.agent.key)
            yield owner


def _link(
    text: DoseText,
    clause: Place,
    marks: Sequence[Mark],
    anchors: Sequence[Anchor],
    here: Sequence[Mention],
) -> Iterator[Statement]:
    """Yield a statement for each anchor with the marks that belong to it."""
    for anchor in anchors:
        facts: dict[str, list[Linked]] = {}
        if anchor.amount:
            facts["amounts"] = [Linked(anchor.amount, anchor.sure, text)]
        for mark in marks:
            crossing = find_crossing(mark, anchor, anchors)
            if mark.field == "amounts" or not may_share(
                text, mark, anchor, anchors, marks
            ):
                continue
            sure = weigh_link(list(describe_link(text, mark, anchor, anchors)))
            if sure >= _LINKED[mark.field]:
                is_shared = crossing != "none" or _opens_other(text, mark, anchor, here)
                link = Linked(mark, sure, text, is_shared)
                facts.setdefault(mark.field, []).append(link)
        if not facts:
            continue
        rivals = len({one.agent.key for one in here})
        yield Statement(
            anchor.agent, text, clause, anchor.owner, anchor.sure, facts, rivals
        )
        placebo = _find_placebo(text, anchor, anchors, here)
        if placebo:
            owner = Owner(placebo.agent, "named", placebo.place, placebo)
            yield Statement(
                placebo.agent, text, clause, owner, anchor.sure, facts, rivals
            )


def _opens_other(
    text: DoseText, mark: Mark, anchor: Anchor, here: Sequence[Mention]
) -> bool:
    """Return whether a mark behind an anchor stands directly before another agent: "5 mg with
    weekly examplumab".
    """
    if mark.first < anchor.place[1]:
        return False
    own = within(text.marks, mark.end, mark.end + _OPENING_REACH)
    starts = {mark.end, *(one.end for one in own)}
    return any(one.first in starts and one.agent is not anchor.agent for one in here)


def _find_placebo(
    text: DoseText,
    anchor: Anchor,
    anchors: Sequence[Anchor],
    here: Sequence[Mention],
) -> Mention | None:
    """Return the placebo that is given in the same way as an agent: "examplumab or placebo"."""
    mention = anchor.owner.mention
    if mention is None or anchor.agent.is_placebo or anchor.owner.how != "named":
        return None
    for other in here:
        if not other.agent.is_placebo:
            continue
        one, two = sorted([mention.place, other.place])
        if rule("or_placebo").covers(text.tokens, one[1], two[0]):
            has_amount = any(a.amount and a.agent is other.agent for a in anchors)
            return None if has_amount else other
    return None

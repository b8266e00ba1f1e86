"""Signs for the two fitted scorers: ``dose_pairs`` assigns amounts to agents, and ``dose_links``
assigns other marks to agents and their amounts.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from extractor.concepts.doses.agents import Agent, Mention
from extractor.concepts.doses.amounts import is_portion
from extractor.concepts.doses.marks import Mark, Place, within
from extractor.concepts.doses.sections import DoseText
from extractor.evidence.scoring import load_scorer
from extractor.language.book import rule, word_set
from extractor.language.lexer import Tokens, keep

NOBODY = "nobody"
_STEPS = (0, 1, 2, 3, 5, 8, 12, 20, 40)
"""The shortest distance, in tokens, for each distance sign."""
_CLAUSE_RULES = ("aim", "other_dose", "follow_up", "observed", "gives", "earlier_study")
_WHEN = ("frequency", "days")
"""Fields that are equivalent in a list: a member with days does not take another member's
frequency.
"""
_JOINTS = {"after": "dose_of", "before": "dosed_at"}
"""The rule for the words between an amount and its agent, by the agent's position."""
_CONNECTIONS = word_set(
    ", ; . ( ) + : \n and or with of then plus for followed versus each per"
) | {"\n"}
"""Words and punctuation that connect a mark and its agent, or separate them."""


@dataclass(frozen=True, slots=True)
class Owner:
    """An agent to which a mark may belong. ``how`` is "named" if the clause names it, "earlier" if
    an earlier clause names it, or "topic" if it is the topic of the section. ``place`` covers the
    tokens of its name or of the topic.
    """

    agent: Agent
    how: str
    place: Place


@dataclass(frozen=True, slots=True)
class Anchor:
    """An agent in a clause, with or without one of its amounts, to which other marks can belong."""

    owner: Owner
    amount: Mark | None
    clause: Place
    sure: float = 1.0

    @property
    def agent(self) -> Agent:
        return self.owner.agent

    @property
    def place(self) -> Place:
        return self.amount.place if self.amount else self.owner.place


def describe_owner(
    text: DoseText, mark: Mark, owner: Owner, mentions: Sequence[Mention], clause: Place
) -> Iterator[str]:
    """Yield the evidence for and against assigning an amount to an agent."""
    agent = owner.agent
    how = owner.how
    other_keys = {mention.agent.key for mention in mentions} - {agent.key}
    yield f"{how} in {text.kind}"
    yield f"{how} registered {agent.is_registered}"
    yield f"{how}, {_count(other_keys)} others"
    yield f"kind {agent.kind}"
    if text.name in agent.sections:
        yield "of this intervention"
    if agent.is_placebo:
        yield f"placebo, portion {is_portion(mark)}"
    if how != "named":
        return
    side = _name_side(owner.place, mark.place)
    gap = find_gap(owner.place, mark.place)
    amounts = [near for near in within(text.marks, *clause) if near.field == "amounts"]
    # "A 5 mg, B 10 mg" or "5 mg A, 10 mg B": all members of a list have the same order
    agents_first = any(mention.end <= amounts[0].first for mention in mentions)
    agents_between = _inside((mention.place for mention in mentions), gap)
    amounts_between = _inside((near.place for near in amounts), gap)
    yield from _describe_gap(text.tokens, side, gap)
    yield f"{side}, agents first {agents_first}, agents {_count(agents_between)}"
    yield f"{side}, agents first {agents_first}, amounts {_count(amounts_between)}"
    if rule(_JOINTS[side]).covers(text.tokens, *gap):
        yield _JOINTS[side]


def describe_nobody(
    text: DoseText, mark: Mark, mentions: Sequence[Mention], clause: Place
) -> Iterator[str]:
    """Yield the evidence that an amount is not a dose of any agent."""
    fields = {near.field for near in within(text.marks, *clause)}
    yield NOBODY
    yield f"{NOBODY} in {text.kind}"
    yield f"{NOBODY}, unit {mark.value[0].unit}"
    yield f"{NOBODY}, {_count(mentions)} named"
    yield f"{NOBODY}, frequency {'frequency' in fields}"
    for name in _CLAUSE_RULES:
        if rule(name).occurs(text.tokens, *clause):
            yield f"{NOBODY}, {name}"


def describe_link(
    text: DoseText, mark: Mark, anchor: Anchor, anchors: Sequence[Anchor]
) -> Iterator[str]:
    """Yield the evidence for and against assigning a mark to an anchor. Each sign is yielded
    twice: once as is, and once prefixed with the field of the mark.
    """
    for sign in _list_link_signs(text, mark, anchor, anchors):
        yield sign
        yield f"{mark.field}: {sign}"


def _list_link_signs(
    text: DoseText, mark: Mark, anchor: Anchor, anchors: Sequence[Anchor]
) -> Iterator[str]:
    """Yield the signs for a mark and an anchor, without the field of the mark."""
    how = anchor.owner.how
    side = _name_side(anchor.place, mark.place)
    crossing = find_crossing(mark, anchor, anchors)
    order = _name_order(mark, anchors)
    rival = _name_rival(text, mark, anchor)
    nearest = min(_distance(mark.place, near.place) for near in anchors)
    yield "link"
    yield f"sure {round(mark.confidence, 1)}"
    yield f"in {text.kind}"
    yield f"{how}, amount {anchor.amount is not None}"
    yield f"anchors {_count(anchors)}"
    yield f"nearest {_distance(mark.place, anchor.place) == nearest}"
    yield f"{how}, {side}, crossing {crossing}"
    yield f"{side}, {order}, crossing {crossing}, rival {rival}"
    yield f"{side}, rival {rival}"
    yield from _describe_gap(text.tokens, side, find_gap(mark.place, anchor.place))
    for name in _CLAUSE_RULES:
        if rule(name).occurs(text.tokens, *anchor.clause):
            yield f"clause {name}"


def _name_order(mark: Mark, anchors: Sequence[Anchor]) -> str:
    """Return "last" if a mark follows all anchors of a clause, "first" if it precedes the names of
    all their agents, and "inner" otherwise: in "5 mg IV A", "IV" follows the amount and precedes
    the name.
    """
    if mark.first >= max(anchor.place[1] for anchor in anchors):
        return "last"
    is_first = mark.end <= min(anchor.owner.place[0] for anchor in anchors)
    return "first" if is_first else "inner"


def _name_rival(text: DoseText, mark: Mark, anchor: Anchor) -> str:
    """Return the position of other marks of the same field: the sides on which marks are nearer to
    the anchor ("before", "after", or both), "farther" if no mark is nearer, or "none" if there are
    no other marks.
    """
    distance = _distance(mark.place, anchor.place)
    rivals = [
        rival
        for rival in within(text.marks, *anchor.clause)
        if rival.field == mark.field and rival is not mark
    ]
    nearer = {
        _name_side(anchor.place, rival.place)
        for rival in rivals
        if _distance(rival.place, anchor.place) < distance
    }
    if nearer:
        return " and ".join(sorted(nearer))
    return "farther" if rivals else "none"


def find_crossing(mark: Mark, anchor: Anchor, anchors: Sequence[Anchor]) -> str:
    """Return "agents" if another agent is between a mark and an anchor, "amounts" if only another
    amount is, and "none" otherwise.
    """
    gap = find_gap(mark.place, anchor.place)
    between = [
        crossed
        for crossed in anchors
        if crossed is not anchor and _inside([crossed.place], gap)
    ]
    if any(crossed.agent is not anchor.agent for crossed in between):
        return "agents"
    return "amounts" if between else "none"


def may_share(
    text: DoseText, mark: Mark, anchor: Anchor, anchors: Sequence[Anchor]
) -> bool:
    """Return whether a mark can apply to an anchor across other anchors. It can if it begins a list
    or follows list members that do not have a mark of the same field: in "intravenous A 5 mg and B
    10 mg daily", both the route and the frequency can apply to both agents.
    """
    if _is_of_item_before(text, mark, anchor, anchors):
        return False
    if find_crossing(mark, anchor, anchors) == "none":
        return True
    kinds = _WHEN if mark.field in _WHEN else (mark.field,)
    rivals = [
        rival
        for rival in within(text.marks, *anchor.clause)
        if rival.field in kinds and rival is not mark
    ]
    if anchor.place[1] <= mark.first:
        gap = find_gap(anchor.place, mark.place)
        return not _inside((rival.place for rival in rivals), gap)
    is_first = _name_order(mark, anchors) == "first"
    is_marked = any(find_crossing(rival, anchor, anchors) == "none" for rival in rivals)
    return is_first and not is_marked


def _is_of_item_before(
    text: DoseText, mark: Mark, anchor: Anchor, anchors: Sequence[Anchor]
) -> bool:
    """Return whether a mark belongs to the agent before an anchor's agent, as in "A 5 mg IV (d
    1-5), B 10 mg". A mark directly before the name, as in "and oral B", may belong to either agent.
    """
    place = anchor.owner.place
    is_before = anchor.owner.how == "named" and mark.end <= place[0] <= anchor.place[0]
    if not is_before or _name_order(mark, anchors) == "first":
        return False
    gap = text.tokens.codes[mark.end : place[0]]
    is_directly_before = len(gap) <= 2 and set(gap).isdisjoint(",;()\n.+")
    return not is_directly_before


def rank_owners(candidates: Sequence[Sequence[str]]) -> list[float]:
    """Return the probability of each candidate, given that exactly one of them is correct."""
    return load_scorer("dose_pairs").rank(candidates)


def weigh_link(signs: Sequence[str]) -> float:
    """Return the probability that a mark belongs to an anchor."""
    score = float(load_scorer("dose_links").score([signs])[0, 0])
    return 1 / (1 + math.exp(-score))


def find_gap(place: Place, other_place: Place) -> Place:
    """Return the range of tokens between two places; an empty range if they adjoin or overlap."""
    if place[1] <= other_place[0]:
        return place[1], other_place[0]
    return other_place[1], max(other_place[1], place[0])


def _distance(place: Place, other_place: Place) -> int:
    first, end = find_gap(place, other_place)
    return end - first


def _name_side(anchor: Place, mark: Place) -> str:
    """Return "before" or "after", the position of an anchor relative to a mark."""
    return "before" if anchor[1] <= mark[0] else "after"


def _inside(places: Iterable[Place], gap: Place) -> set[Place]:
    return {place for place in places if gap[0] <= place[0] and place[1] <= gap[1]}


def _count(things: Sequence[object] | set[str] | set[Place]) -> str:
    return str(len(things)) if len(things) < 3 else "many"


def _describe_gap(tokens: Tokens, side: str, gap: Place) -> Iterator[str]:
    """Yield signs for the tokens between a mark and its agent: the distance, punctuation,
    connecting words and unexplained words.
    """
    distance = _STEPS[bisect_right(_STEPS, gap[1] - gap[0]) - 1]
    words = [word.lower() for word in tokens.words[slice(*gap)]]
    yield f"{side} {distance}"
    yield f"{side}, unexplained {count_unexplained(tokens, *gap)}"
    for word in sorted(_CONNECTIONS.intersection(words)):
        yield f"{side}, {word!r} between"
    if words.count("(") != words.count(")"):
        yield f"{side}, bracket between"


def count_unexplained(tokens: Tokens, first: int, end: int) -> str:
    """Return the number of words in a range that are unrelated to a dose: "0", "1", "2" or
    "many".
    """
    unexplained = _list_unexplained(tokens)
    low = bisect_left(unexplained, first)
    return _count(unexplained[low : bisect_left(unexplained, end)])


@keep
def _list_unexplained(tokens: Tokens) -> list[int]:
    """Return the words of a text that are unrelated to a dose."""
    about = rule("word_about_dose")
    return [
        at
        for at, word in enumerate(tokens.words)
        if word.isalpha() and about.starts(tokens, at) is None
    ]

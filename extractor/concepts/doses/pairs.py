"""Pairs of an agent and a mark: what speaks for their belonging together, and the fitted scorer.

``weights/dose_pairs.toml`` has a weight for each sign; ``python -m benchmarks.training.dose_pairs``
fits it.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from extractor.concepts.doses.agents import Agent, Mention
from extractor.concepts.doses.amounts import is_portion
from extractor.concepts.doses.marks import Mark, Place, within
from extractor.concepts.doses.sections import DoseText
from extractor.evidence.scoring import load_scorer
from extractor.language.book import rule
from extractor.language.lexer import Tokens

NOBODY = "nobody"
_STEPS = (0, 1, 2, 3, 5, 8, 12, 20, 40)
"""Distances in tokens from which on another sign counts."""
_OF_CLAUSE = ("aim", "other_dose", "follow_up", "observed", "gives", "earlier_study")
_WHEN = ("frequency", "days")
_JOINTS = {
    "after": ("dose_of", "dose of agent"),
    "before": ("dosed_at", "agent dosed at"),
}
"""The rule for the words between an amount and its agent, and the name of its sign."""
_PLACES = {"i": "intervention", "a": "arm", "d": "description", "b": "description"}


@dataclass(frozen=True, slots=True)
class Owner:
    """An agent that a mark may belong to, and how it is near: named in the clause, named in an
    earlier one, or the topic of the section. ``place`` are the tokens that say so.
    """

    agent: Agent
    how: str
    place: Place
    mention: Mention | None = None


@dataclass(frozen=True, slots=True)
class Anchor:
    """An agent with one of its amounts, or without an amount, in a clause: what other marks belong
    to.
    """

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
    """Yield what speaks for and against an amount being that of an agent."""
    how = owner.how
    yield how
    yield f"{how} in {_name_place(text)}"
    agent = owner.agent
    yield f"registered {agent.is_registered}"
    yield f"{how} registered {agent.is_registered}"
    if text.name in agent.sections:
        yield "of this intervention"
    if agent.is_placebo:
        yield f"placebo {how}"
        yield f"placebo, portion {is_portion(mark)}"
    if owner.mention and owner.mention.is_new:
        yield "new"
    if agent.kind in ("class", "procedure", "physical"):
        yield f"kind {agent.kind}"
    if how == "named":
        yield from _describe_named(text, mark, owner, mentions, clause)
    else:
        yield f"{how}, {_count(len({m.agent.key for m in mentions}))} named"


def _describe_named(
    text: DoseText, mark: Mark, owner: Owner, mentions: Sequence[Mention], clause: Place
) -> Iterator[str]:
    """Yield what speaks for and against an amount being that of an agent that its clause names."""
    agent = owner.agent
    side = "before" if owner.place[1] <= mark.first else "after"
    first, end = find_gap(owner.place, mark.place)
    yield side
    yield f"{side} {_measure(end - first)}"
    yield from _describe_between(text.tokens, side, first, end)
    between = [other for other in mentions if first <= other.first and other.end <= end]
    others = [other for other in between if other.agent.key != agent.key]
    yield f"{side}, agents between {_count(len(others))}"
    amounts = [
        other for other in within(text.marks, first, end) if other.field == "amounts"
    ]
    yield f"{side}, amounts between {_count(len(amounts))}"
    nearer = [
        other
        for other in mentions
        if other.agent.key != agent.key and other.first >= clause[0]
    ]
    yield f"{side}, {_count(len({one.agent.key for one in nearer}))} others"
    opening = _name_opening(text, mark, mentions, clause)
    yield f"{side}, {opening}, agents {_count(len(others))}"
    yield f"{side}, {opening}, amounts {_count(len(amounts))}"
    joint, sign = _JOINTS[side]
    if rule(joint).covers(text.tokens, first, end):
        yield sign


def _name_opening(
    text: DoseText, mark: Mark, mentions: Sequence[Mention], clause: Place
) -> str:
    """Return whether a clause names an agent before its first amount: lists go on as they begin."""
    amounts = [one for one in within(text.marks, *clause) if one.field == "amounts"]
    first = amounts[0].first if amounts else mark.first
    if any(one.end <= first for one in mentions):
        return "agents first"
    return "amounts first"


def describe_nobody(
    text: DoseText, mark: Mark, mentions: Sequence[Mention], clause: Place
) -> Iterator[str]:
    """Yield what speaks for an amount being no dose of any agent."""
    yield NOBODY
    yield f"{NOBODY} in {_name_place(text)}"
    for name in _OF_CLAUSE:
        if rule(name).search(text.tokens, *clause):
            yield f"{NOBODY}, {name}"
        if rule(name).ends(text.tokens, mark.first):
            yield f"{NOBODY}, behind {name}"
    [level, *_] = mark.value
    yield f"{NOBODY}, unit {level.unit}"
    yield f"{NOBODY}, {_count(len(mentions))} named"
    if mark.confidence < 0.9:
        yield f"{NOBODY}, doubtful"
    fields = {other.field for other in within(text.marks, *clause)}
    yield f"{NOBODY}, frequency {'frequency' in fields}"
    yield f"{NOBODY}, route {'route' in fields}"


def describe_link(
    text: DoseText, mark: Mark, anchor: Anchor, anchors: Sequence[Anchor]
) -> Iterator[str]:
    """Yield what speaks for and against a mark being said of an anchor; each sign also for the
    field of the mark.
    """
    for sign in _list_link_signs(text, mark, anchor, anchors):
        yield sign
        yield f"{mark.field}: {sign}"


def _list_link_signs(
    text: DoseText, mark: Mark, anchor: Anchor, anchors: Sequence[Anchor]
) -> Iterator[str]:
    yield "link"
    yield f"sure {round(mark.confidence, 1)}"
    yield f"{anchor.owner.how}, amount {anchor.amount is not None}"
    yield f"in {_name_place(text)}"
    side = "before" if mark.end <= anchor.place[0] else "after"
    first, end = find_gap(mark.place, anchor.place)
    yield f"{side} {_measure(end - first)}"
    yield from _describe_between(text.tokens, side, first, end)
    amounts = _list_amounts_in(anchors, (first, end))
    yield f"{side}, amounts between {_count(len(amounts))}"
    agents = _list_agents_in(anchors, (first, end)) - {anchor.agent.key}
    yield f"{side}, agents between {_count(len(agents))}"
    yield f"anchors {_count(len(anchors))}"
    crossing = "none"
    if agents:
        crossing = "agents"
    elif amounts:
        crossing = "amounts"
    yield f"{anchor.owner.how}, {side}, crossing {crossing}"
    yield from _describe_order(text, mark, anchor, anchors, crossing)
    for name in ("aim", "follow_up", "observed", "gives", "other_dose"):
        if rule(name).search(text.tokens, *anchor.clause):
            yield f"clause {name}"


def _list_amounts_in(anchors: Sequence[Anchor], place: Place) -> set[Place]:
    """Return the places of the amounts of anchors within a place."""
    amounts = [anchor.amount.place for anchor in anchors if anchor.amount]
    return {one for one in amounts if _is_inside(one, place)}


def _list_agents_in(anchors: Sequence[Anchor], place: Place) -> set[str]:
    """Return the keys of the agents of anchors that are named within a place."""
    return {one.agent.key for one in anchors if _is_inside(one.owner.place, place)}


def _is_inside(one: Place, other: Place) -> bool:
    return other[0] <= one[0] and one[1] <= other[1]


def _name_order(mark: Mark, anchors: Sequence[Anchor]) -> str:
    """Return whether a mark stands behind all anchors of a clause, before them, or among them."""
    if mark.first >= max(one.place[1] for one in anchors):
        return "last"
    if mark.end <= min(one.owner.place[0] for one in anchors):
        return "first"
    return "inner"


def _describe_order(
    text: DoseText,
    mark: Mark,
    anchor: Anchor,
    anchors: Sequence[Anchor],
    crossing: str,
) -> Iterator[str]:
    """Yield where a mark stands among the anchors and the other marks of its field."""
    side = "before" if mark.end <= anchor.place[0] else "after"
    distance = _distance(mark.place, anchor.place)
    rivals = [
        other
        for other in within(text.marks, *anchor.clause)
        if other.field == mark.field and other is not mark
    ]
    yield f"rivals {_count(len(rivals))}"
    nearer: set[str] = set()
    for other in rivals:
        if _distance(other.place, anchor.place) < distance:
            other_side = "before" if other.end <= anchor.place[0] else "after"
            nearer.add(other_side)
            yield f"{side}, rival nearer {other_side}"
    nearest = min(anchors, key=lambda one: _distance(mark.place, one.place))
    is_nearest = _distance(mark.place, nearest.place) == distance
    yield f"nearest {is_nearest}"
    order = _name_order(mark, anchors)
    yield order
    before = [one for one in anchors if one.place[1] <= mark.first]
    last = max(before, key=lambda one: one.place, default=None)
    is_of_last = last is not None and last.place == anchor.place
    has_same_agent = last is not None and last.agent is anchor.agent
    yield f"{side}, {order}, crossing {crossing}, rival {bool(nearer)}"
    yield f"{side}, {order}, behind its anchor {is_of_last}, agent {has_same_agent}"
    yield f"{side}, {order}, rival {sorted(nearer)}, of anchor {is_of_last}"


def find_crossing(mark: Mark, anchor: Anchor, anchors: Sequence[Anchor]) -> str:
    """Return whether another agent, or another amount, stands between a mark and an anchor."""
    first, end = find_gap(mark.place, anchor.place)
    crossing = "none"
    for other in anchors:
        place = other.place
        is_between = first <= place[0] and place[1] <= end and other is not anchor
        if not is_between:
            continue
        if other.agent is not anchor.agent:
            return "agents"
        crossing = "amounts"
    return crossing


def _is_of_item_before(
    text: DoseText, mark: Mark, anchor: Anchor, anchors: Sequence[Anchor]
) -> bool:
    """Return whether a mark stands before the name of an anchor's agent, and behind another agent:
    "A 5 mg IV (d 1-5), B 10 mg". Directly before the name it may be of both: "and oral B".
    """
    mention = anchor.owner.mention
    if mention is None or mark.end > mention.first or anchor.place[0] < mention.first:
        return False
    is_behind_other = any(
        one.agent is not anchor.agent and one.owner.place[1] <= mark.first
        for one in anchors
    )
    if not is_behind_other:
        return False
    between = text.tokens.codes[mark.end : mention.first]
    return len(between) > 2 or bool(set(between) & set(",;()\n.+"))


def may_share(
    text: DoseText,
    mark: Mark,
    anchor: Anchor,
    anchors: Sequence[Anchor],
    marks: Sequence[Mark],
) -> bool:
    """Return whether a mark may be said of an anchor across others: at the beginning of a list, or
    behind some of its members, if none of these has such a mark of its own.
    """
    if _is_of_item_before(text, mark, anchor, anchors):
        return False
    if find_crossing(mark, anchor, anchors) == "none":
        return True
    kinds = _WHEN if mark.field in _WHEN else (mark.field,)
    others = [one for one in marks if one.field in kinds and one is not mark]
    if anchor.place[1] <= mark.first:
        return not any(
            anchor.place[1] <= one.first and one.end <= mark.first for one in others
        )
    if mark.end > min(one.place[0] for one in anchors):
        return False
    distance = _distance(mark.place, anchor.place)
    return not any(
        _distance(one.place, anchor.place) < distance
        and find_crossing(one, anchor, anchors) == "none"
        for one in others
    )


def rank_owners(candidates: Sequence[Sequence[str]]) -> list[float]:
    """Return the probability of each candidate, of which one is right."""
    return load_scorer("dose_pairs").rank(candidates)


def weigh_link(signs: Sequence[str]) -> float:
    """Return the probability that a mark belongs to an anchor."""
    score = float(load_scorer("dose_links").score([signs])[0, 0])
    return 1 / (1 + math.exp(-score))


def _name_place(text: DoseText) -> str:
    return _PLACES.get(text.name[0], "title")


def find_gap(one: Place, other: Place) -> Place:
    """Return the tokens between two places."""
    if one[1] <= other[0]:
        return one[1], other[0]
    return other[1], max(other[1], one[0])


def _distance(one: Place, other: Place) -> int:
    first, end = find_gap(one, other)
    return end - first


def _measure(distance: int) -> str:
    return str(_STEPS[bisect_right(_STEPS, max(distance, 0)) - 1])


def _count(number: int) -> str:
    return str(number) if number < 3 else "many"


def _describe_between(tokens: Tokens, side: str, first: int, end: int) -> Iterator[str]:
    """Yield what stands between two places: signs, joints, and words that explain nothing."""
    codes = tokens.codes[first:end]
    words = [word.lower() for word in tokens.words[first:end]]
    for sign in (",", ";", ".", "(", ")", "+", ":", "\n"):
        if sign in codes:
            yield f"{side}, '{sign}' between"
    for word in (
        "and",
        "or",
        "with",
        "of",
        "then",
        "plus",
        "for",
        "followed",
        "versus",
    ):
        if word in words:
            yield f"{side}, {word} between"
    if codes.count("(") != codes.count(")"):
        yield f"{side}, bracket between"
    yield f"{side}, unexplained {count_unexplained(tokens, first, end)}"


def count_unexplained(tokens: Tokens, first: int, end: int) -> str:
    """Return how many words of a place say nothing about a dose: "0", "1", "2" or "many"."""
    about = rule("word_about_dose")
    words = tokens.words[first:end]
    unexplained = sum(
        word.isalpha() and about.starts(tokens, at) is None
        for at, word in enumerate(words, first)
    )
    return _count(unexplained)

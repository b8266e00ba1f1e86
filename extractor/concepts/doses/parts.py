"""The parts of a clause: each agent with the amounts that are its own, and its range of the clause.

An amount belongs to the agent directly behind it ("5 mg of A"), else to the nearest agent before
it, else to the topic of the clause.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from extractor.concepts.doses.agents import Agent, Mention, is_joint, is_substance
from extractor.concepts.doses.amounts import UNSURE, AmountMark
from extractor.concepts.doses.clauses import Clause
from extractor.concepts.doses.marks import Mark, Place
from extractor.concepts.doses.names import unify_name
from extractor.concepts.doses.new_names import INTRODUCED, find_name_behind
from extractor.language.book import rule
from extractor.language.numbers import read_number
from extractor.schemas import Amount

NOBODY = Agent("", "", "", 0, 0)
"""Stands for agents that no vocabulary knows and the record does not register."""
_SHORT_WORD = 4
"""The most letters of a word that is no name of an agent."""
_TOTAL_OF_FRACTIONS = 5
"""A dose of radiation that is so many times the smallest one is the total of its fractions."""
_OF_TOPIC = 0.8
_ONLY_TOPIC = 0.7
"""Confidence in the link of the topic to an amount, and to a clause without amounts."""


@dataclass(slots=True)
class Part:
    """What a clause says of one agent: its amounts, and the range with its other marks.

    ``first:end`` holds the agent's name and amounts, ``linked`` is the confidence in the agent.
    """

    agent: Agent
    linked: float
    first: int
    end: int
    mention: Mention | None = None
    amounts: list[AmountMark] = field(default_factory=list)
    reach: Place = (0, 0)


def list_parts(clause: Clause) -> list[Part]:
    """Return the parts of a clause in reading order, one for each agent. A part of an unknown agent
    keeps its words from the others. A clause that names nobody and has no amount, but other marks,
    is one part about its topic.
    """
    parts = _join_same(_assign_amounts(clause))
    if not parts and clause.topic is not None and clause.marks.places():
        parts = [Part(clause.topic, _ONLY_TOPIC, clause.first, clause.end)]
    for part in parts:
        part.amounts = _drop_totals(part.amounts)
        if not part.amounts:
            continue
        part.first = min(part.first, *(amount.first for amount in part.amounts))
        # a part of the topic has no name to include
        own_end = part.end if part.mention else 0
        part.end = max(own_end, *(amount.end for amount in part.amounts))
    parts.sort(key=lambda part: part.first)
    _set_reaches(clause, parts)
    return parts


def _drop_totals(amounts: list[AmountMark]) -> list[AmountMark]:
    """Return the doses of radiation per fraction, without the total of all fractions. Amounts of
    anything else are returned as they are.
    """
    units = {level.unit for amount in amounts for level in amount.value}
    if units != {"Gy"}:
        return amounts
    largest_fraction = _TOTAL_OF_FRACTIONS * min(_size(amount) for amount in amounts)
    return [amount for amount in amounts if _size(amount) <= largest_fraction]


def _size(amount: AmountMark) -> float:
    """Return the number of the first level of an amount, at its upper end."""
    return amount.value[0].high or 0


def _assign_amounts(clause: Clause) -> list[Part]:
    """Return a part for each name, with the amounts that are its own, and for the topic and unknown
    agents that have an amount. Steps by which a dose changes ("increased by 5 mg") are no amount
    of anybody.
    """
    parts: list[Part] = []
    for mention in clause.named:
        agent = mention.value
        parts.append(
            Part(agent, mention.confidence, mention.first, mention.end, mention)
        )
    named = tuple(parts)
    topic: Part | None = None
    if clause.topic is not None:
        topic = Part(clause.topic, _OF_TOPIC, clause.first, clause.first)
    for amount in clause.marks.amounts:
        # "10 mg once daily; the dose is increased weekly by 5 mg": the step is no dose
        if rule("dose_change").ends(clause.tokens, amount.first):
            continue
        # "ezetimibe and simvastatin 10/20 mg once daily"
        if _split_pair(clause, amount, named):
            continue
        owner = _find_owner(clause, amount, named, topic)
        if owner is None:
            owner = _introduce(clause, amount)
            parts.append(owner)
        elif owner is topic and not owner.amounts:
            owner.first = amount.first
            owner.end = amount.end
            parts.append(owner)
        is_sure = _is_plain(clause, amount, owner)
        owner.amounts.append(amount if is_sure else replace(amount, confidence=UNSURE))
    _share_with_placebo(clause, named)
    return sorted(parts, key=lambda part: part.first)


def _introduce(clause: Clause, amount: AmountMark) -> Part:
    """Return a part for the amount of an agent that no vocabulary knows: of a new agent if its name
    stands behind the amount ("5 mg of fictizide"), else of ``NOBODY``.
    """
    named = _find_new_name(clause, amount)
    if named is None:
        # the word before the amount may be the name
        return Part(NOBODY, 0, max(clause.first, amount.first - 1), amount.end)
    first, end = named
    key = unify_name(clause.tokens.read(first, end))
    agent = Agent(key, "drug", amount.section, first, end)
    mention = Mark(agent, first, end, INTRODUCED)
    return Part(agent, INTRODUCED, first, end, mention)


def _find_new_name(clause: Clause, amount: AmountMark) -> Place | None:
    """Return the tokens of a name directly behind an amount that no vocabulary knows, or None."""
    return find_name_behind(clause.tokens, amount, clause.end, clause.explained)


def _share_with_placebo(clause: Clause, named: Sequence[Part]) -> None:
    """Give an agent and its placebo the amount that stands before or behind both: "5 mg of A or
    placebo", "A or placebo 5 mg". Whether the placebo has that amount is not quite sure.
    """
    for first, second in pairwise(named):
        is_first_placebo = first.agent.kind == "placebo"
        is_second_placebo = second.agent.kind == "placebo"
        if is_first_placebo == is_second_placebo:
            continue
        if not is_joint("or_placebo", clause.tokens, first.end, second.first):
            continue
        # "5 mg examplumab versus a placebo once daily"
        if first.amounts and not second.amounts:
            before = [mark for mark in first.amounts if mark.end <= first.first]
            second.amounts += _doubt(before)
        # "Examplumab/placebo 5 mg IV every 4 weeks"
        elif second.amounts and not first.amounts:
            behind = [mark for mark in second.amounts if mark.first >= second.end]
            first.amounts += _doubt(behind)


def _doubt(amounts: Iterable[AmountMark]) -> list[AmountMark]:
    """Return amounts that may not be the agent's."""
    return [replace(amount, confidence=UNSURE) for amount in amounts]


def _split_pair(clause: Clause, amount: AmountMark, named: Sequence[Part]) -> bool:
    """Give the strengths of a fixed combination to its two agents ("A + B 10/40 mg"), and return
    whether the amount is such a pair. The two must stand directly before it.
    """
    tokens = clause.tokens
    strengths = rule("strength_of_pair").starts(tokens, amount.first, amount.end)
    if strengths is None or len(amount.value) > 2:
        return False
    before = [part for part in named if part.end <= amount.first]
    if len(before) < 2:
        return False
    first, second = before[-2:]
    if second.end != amount.first:
        return False
    if not is_joint("pair_joint", tokens, first.end, second.first):
        return False
    unit = amount.value[0].unit
    for part, name in ((first, "low"), (second, "high")):
        strength = read_number(strengths.read(name) or "")
        level = Amount(low=strength, high=strength, unit=unit)
        part.amounts.append(replace(amount, value=(level,)))
    return True


def _join_same(parts: Iterable[Part]) -> list[Part]:
    """Return one part for each agent: its first one, with the amounts of all and the first mention.
    Unknown agents stay apart.
    """
    joined: dict[str, Part] = {}
    for part in parts:
        # the key of an unknown agent is empty
        key = part.agent.key or str(part.first)
        same = joined.setdefault(key, part)
        if same is not part:
            same.amounts += part.amounts
            same.mention = same.mention or part.mention
    return list(joined.values())


def _set_reaches(clause: Clause, parts: Sequence[Part]) -> None:
    """Set the reach of each part: it ends at the last break before the next part ("A 5 mg, B 3
    mg") that is not inside a mark, or where there is none, at that part itself.
    """
    marked = clause.marks.places()
    start = clause.first
    for part, following in pairwise(parts):
        border = following.first
        behind = min(part.end, border)
        for joint in rule("agent_break").find(clause.tokens, behind, border):
            is_in_mark = any(first < joint.first < end for first, end in marked)
            if not is_in_mark:
                border = joint.first
        opening = _find_timed_opening(clause, behind, border)
        if opening is not None:
            border = opening
        part.reach = (start, border)
        start = border
    if parts:
        parts[-1].reach = (start, clause.end)


def _find_timed_opening(clause: Clause, first: int, following: int) -> int | None:
    """Return the token at which the words about the agent at ``following`` begin, if these are
    "with" and its frequency: "60 Gy in 30 fractions with weekly A". None if they are not.
    """
    for joint in rule("with_agent").find(clause.tokens, first, following):
        timed = clause.marks.inside(joint.end, following).frequency
        # "Metformin 500 mg twice daily with weekly semaglutide 1 mg"
        if timed and clause.speaks_of_dosing(joint.end, following):
            return joint.first
    return None


def _find_owner(
    clause: Clause, amount: AmountMark, named: Sequence[Part], topic: Part | None
) -> Part | None:
    """Return the part to which an amount belongs; None if that of an unknown agent, or of nobody.

    It is the agent behind the amount ("5 mg of A") or the nearest one before it, else the topic,
    else an agent that only words of dosing part from the amount before it.
    """
    owner = _find_before(clause, amount, named)
    behind = [part for part in named if part.first >= amount.end]
    after = behind[0] if behind else None
    if after and _stands_before(clause, amount, owner, after):
        owner = after
    # "Placebo once daily plus fictizide 1000 mg daily": the dose is that of fictizide
    if _is_of_unknown(clause, amount, owner):
        return None
    # an unknown agent gets an amount that would be the topic's, or the second of its owner
    is_loose = topic is not None
    if owner is not None:
        is_loose = bool(owner.amounts)
    # "20 ug daily and 300 mg of calcium"
    if is_loose and _is_beside_unknown(clause, amount):
        return None
    if owner or topic:
        return owner or topic
    if after and clause.speaks_of_dosing(amount.end, after.first):
        return after
    return None


def _find_before(
    clause: Clause, amount: AmountMark, named: Sequence[Part]
) -> Part | None:
    """Return the nearest part named before an amount, or None. B in "A (with B) 5 mg" stands
    aside.
    """
    for part in reversed(named):
        if part.end > amount.first:
            continue
        between = clause.tokens.codes[part.end : amount.first]
        if between.count(")") <= between.count("("):
            return part
    return None


def _stands_before(
    clause: Clause, amount: AmountMark, before: Part | None, after: Part
) -> bool:
    """Return whether an amount is that of the agent behind it, and not of the one before it: "5 mg
    of A", but not "A at a dose of 5 mg, B".
    """
    tokens = clause.tokens
    if not is_joint("dose_of", tokens, amount.end, after.first):
        return False
    if before is None:
        return True
    return not is_joint("dosed_at", tokens, before.end, amount.first)


def _is_of_unknown(clause: Clause, amount: AmountMark, owner: Part | None) -> bool:
    """Return whether the words beside an amount name an agent that no vocabulary knows. ``owner``
    is the agent that would have the amount otherwise.
    """
    tokens = clause.tokens
    if owner is not None and owner.agent.kind == "placebo":
        # "placebo plus fictizide 5 mg"
        unknown = rule("unknown_beside").ends(tokens, amount.first, owner.end)
        if unknown:
            return True
    # "5 mg of A": the words behind the amount are the owner's name
    is_behind = owner is not None and owner.first > amount.first
    if clause.about_topic or is_behind:
        return False
    # "5 mg of fictizide"
    return rule("other_agent").starts(tokens, amount.end) is not None


def _is_beside_unknown(clause: Clause, amount: AmountMark) -> bool:
    """Return whether the word before an amount may be the name of an unknown agent ("fictizide 5
    mg"), or the next member of a list is one: "and 5 mg fictizide".
    """
    place = amount.first - 1
    if place < clause.first:
        return False
    if rule("member_joint").covers(clause.tokens, place, amount.first):
        return _find_new_name(clause, amount) is not None
    word = clause.tokens.words[place]
    if not word.isalpha() or len(word) <= _SHORT_WORD:
        return False
    return not clause.speaks_of_dosing(place, amount.first)


def _is_plain(clause: Clause, amount: AmountMark, part: Part) -> bool:
    """Return whether an amount is surely that of a part's agent: the agent is a substance, only
    words of dosing stand between the two, and one directly after the amount.

    Any other word may be another agent, a maker, or a part of the body. A clause without an agent
    is that of its topic from its start, if that is the only one.
    """
    if not is_substance(part.agent):
        return False
    if not part.mention and not clause.has_one_topic:
        return False
    first = part.end if part.mention else clause.first
    end = amount.first
    if first > end:  # "5 mg of A"
        first = amount.end
        end = part.first
    if not clause.speaks_of_dosing(first, end):
        return False
    # the word behind the amount may also be the agent's own name
    is_name_behind = part.mention is not None and part.first == amount.end
    if is_name_behind:
        return True
    behind = min(amount.end + 1, clause.end)
    return clause.speaks_of_dosing(amount.end, behind)

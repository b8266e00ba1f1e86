"""Link the marks of each clause to the nearest agent, or to the agent that its section is about."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import chain
from operator import itemgetter

from extractor.concepts.doses.agents import Agent, Agents, Mention
from extractor.concepts.doses.amounts import is_portion
from extractor.concepts.doses.marks import (
    PART,
    STEP,
    Mark,
    Place,
    Step,
    drop_inside,
    list_beginning,
    within,
)
from extractor.concepts.doses.names import find_substance
from extractor.concepts.doses.rhythms import find_moments
from extractor.concepts.doses.sections import DoseText
from extractor.evidence.drafts import Span
from extractor.language.book import rule, word_set
from extractor.language.lexer import Tokens
from extractor.language.patterns import RuleMatch
from extractor.schemas import Frequency

OF_ALL = ("cycle", "duration")
"""Fields that apply to all agents of a section if a clause states them alone."""
_UNDOSED = ("radiation", "procedure")
"""Kinds of agents that a later clause with a dose is seldom about."""
_ALIKE = (("frequency", "days"), ("duration", STEP))
"""Fields that are equivalent in a list: a member with days does not take another member's
frequency.
"""
_OF_ONE = ("maximum", "as_needed")
"""Fields that the members of a list do not share."""
_TIMES = ("frequency", "days", "duration", PART, STEP)
"""Fields that tell one step from another."""
_BARE_REACH = 4
"""Maximum number of tokens between the word that begins a step and its rhythm or route."""
_CALLED_BEFORE = 6
_CALLED_BEHIND = 3
"""Maximum number of tokens between a dose and the word that says what it is for."""
_LATER_BEHIND = 8
"""Maximum number of tokens between a dose and words behind it that make it a later step."""
_INNER = ("days", "timing")
"""Fields that apply to the members of a list before them even if a member follows."""
_JOINTS = word_set("and or then plus with + , / by")
"""The words before a mark that belongs to the name behind it: "A 5 mg and oral B"."""
_APART = word_set("; . \n + plus followed") | {"\n"}
"""The words between two parts of a clause that are about different agents."""
_JOINING = word_set("and plus with + then followed ;")
_PHASES = word_set("then followed")
"""The words between a mark and the next agent that begin another part of the treatment."""
_APART_WORDS = 2
_FAR_WORDS = 8
"""Numbers of words without a dose between a mark and its agent that make a link doubtful."""
_CLEAR = 0.85
"""The lowest confidence of a mark whose words have one meaning."""
_MOST_DOUBTS = 2
"""Maximum number of reasons to doubt a link."""
_UNDOUBTED = 0.97
"""The probability of a link without doubt."""
_DOUBTED = 0.75
"""The factor of each doubt in the probability of a link."""
_SEVERAL = ("of one of several agents",)
"""The doubt about an amount in a section about several agents."""
_IN_DESCRIPTION = "in a description"
BEFORE_NAME = "before another name"
"""The doubt that a mark belongs to a name behind it that is none of the record's agents."""
IN_WORDS = "words read with doubt"
"""The doubt that the words of a mark may mean something else."""
NOT_OF_OWNER = frozenset({_IN_DESCRIPTION, IN_WORDS})
"""The doubts about a value that say nothing about its agent."""
SHARED = "shared"
"""The doubt that another agent or amount is nearer to a mark."""


class Naming(StrEnum):
    """How a text names the agent of a mark."""

    NAMED = "named"
    """The clause of the mark names it."""
    EARLIER = "earlier"
    """An earlier clause names it."""
    TOPIC = "topic"
    """It is the topic of the section."""
    REPEATED = "repeated"
    """A section that repeats its name states the mark."""


@dataclass(frozen=True, slots=True)
class Owner:
    """An agent to which a mark may belong. ``place`` covers the tokens of its name or of the
    topic.
    """

    agent: Agent
    how: Naming
    place: Place

    @property
    def is_named(self) -> bool:
        """Whether the clause of the mark names it."""
        return self.how is Naming.NAMED


@dataclass(frozen=True, slots=True)
class Linked:
    """A mark that belongs to an agent, the section that contains it, and the reasons to doubt that,
    which are features of ``confidence/table.toml``.
    """

    mark: Mark
    text: DoseText
    doubts: tuple[str, ...] = ()

    @property
    def is_shared(self) -> bool:
        """Whether another agent or amount is nearer to the mark."""
        return SHARED in self.doubts

    @property
    def probability(self) -> float:
        """The probability that the mark is read correctly and belongs to the agent."""
        return self.mark.confidence * _UNDOUBTED * _DOUBTED ** len(self.doubts)

    @property
    def clause(self) -> tuple[str, Place]:
        """The clause that contains the mark, with the name of its section."""
        return self.text.name, self.text.find_clause(self.mark.first)

    @property
    def span(self) -> Span:
        """The characters of the mark."""
        return self.text.span(*self.mark.place)


@dataclass(eq=False, slots=True)
class Statement:
    """What a clause says about an agent, with the linked marks by field. ``place`` is that of the
    amount or, without one, of the agent's name. ``rivals`` is the number of agents that the clause
    names. ``step`` is set if it is one of several steps; one that is bare has no amount of its own,
    and its place is that of the word that begins it. ``daytime`` counts the amounts of a day that
    differ, "10 mg in the morning and 5 mg in the evening".
    """

    owner: Owner
    text: DoseText
    clause: Place
    place: Place
    rivals: int = 1
    facts: dict[str, list[Linked]] = field(default_factory=dict)
    step: Step | None = None
    is_bare_step: bool = False
    daytime: int = 0

    @property
    def agent(self) -> Agent:
        return self.owner.agent

    @property
    def amounts(self) -> list[Linked]:
        return self.links("amounts")

    def links(self, name: str) -> list[Linked]:
        return self.facts.get(name, [])

    def add(self, link: Linked) -> None:
        self.facts.setdefault(link.mark.field, []).append(link)

    def find_words(self) -> Place:
        """Return the tokens that cover the agent's name and its marks. Shared marks are included
        only if all marks are shared.
        """
        shared: list[Place] = []
        direct: list[Place] = []
        for link in chain.from_iterable(self.facts.values()):
            if link.text is not self.text:
                continue
            if link.is_shared:
                shared.append(link.mark.place)
            else:
                direct.append(link.mark.place)
        places = direct or shared
        if not places:
            places = [self.clause]
        is_later_step = self.step is not None and self.step.number > 1
        # "then 200 mg every 4 weeks", without the words of the step before it
        if self.owner.is_named and not is_later_step:
            places.append(self.owner.place)
        return min(places)[0], max(end for _, end in places)


def read_clauses(text: DoseText, agents: Agents) -> list[Statement]:
    """Return the statements in a section, clause by clause. A cycle or a duration in a clause
    without agents or amounts applies to all earlier statements: "Treatment repeats every 21 days
    for up to 6 courses". The results of a published trial do not state doses.
    """
    statements: list[Statement] = []
    is_result = False
    for clause, named, unnamed in _list_clauses(text, agents):
        heading = rule("part_heading").starts(text.tokens, clause[0])
        if heading:
            is_result = heading.has("results")
        if is_result:
            continue
        is_of_nobody = not (named or unnamed or statements)
        if is_of_nobody:
            continue
        marks = within(text.marks, *clause)
        if not marks:
            continue
        if is_aside(text, clause):
            continue
        fields = {mark.field for mark in marks}
        is_of_all = "cycle" in fields and "amounts" not in fields
        if statements and is_of_all and not named:
            _add_to_all(statements, marks, text)
            continue
        statements += _read_clause(text, clause, marks, named, unnamed)
    return statements


def _list_clauses(
    text: DoseText, agents: Agents
) -> Iterator[tuple[Place, Sequence[Mention], Sequence[Owner]]]:
    """Yield the clauses of a section with the agents that each names, and those that it may be
    about without naming them: the topic of the section, or the agents named last.
    """
    mentions = agents.find(text)
    if mentions:
        # as in "36 hours after examplumab", which does not give a dose
        mentions = drop_inside(mentions, find_moments(text.tokens))
    topics = [
        Owner(agent, Naming.TOPIC, text.title) for agent in agents.list_topics(text)
    ]
    is_about_topics = len(topics) == 1
    if topics and text.is_intervention:
        is_about_topics = True
    unnamed: Sequence[Owner] = topics
    for clause in text.clauses:
        named = list_beginning(mentions, *clause)
        yield clause, named, unnamed
        if is_about_topics:
            continue
        dosed = [near for near in named if near.agent.kind not in _UNDOSED]
        # a clause that names no agent goes on about those named last
        if dosed:
            unnamed = _list_owners(dosed, Naming.EARLIER)


def _list_owners(mentions: Iterable[Mention], how: Naming) -> list[Owner]:
    """Return the agents of the mentions, each once."""
    owners: dict[str, Owner] = {}
    for near in mentions:
        owners.setdefault(near.agent.key, Owner(near.agent, how, near.place))
    return list(owners.values())


def _add_to_all(
    statements: Iterable[Statement], marks: Iterable[Mark], text: DoseText
) -> None:
    """Add any cycle or duration found among the marks to each statement that lacks one."""
    for mark in marks:
        if mark.field in OF_ALL:
            for statement in statements:
                link = Linked(mark, text, (SHARED,))
                statement.facts.setdefault(mark.field, [link])


def is_aside(text: DoseText, clause: Place) -> bool:
    """Return whether a clause describes visits, aims or observation rather than treatment."""
    tokens = text.tokens
    if rule("aim").occurs(tokens, *clause):
        return True
    is_observed = any(
        rule(name).occurs(tokens, *clause) for name in ("follow_up", "observed")
    )
    if not is_observed:
        return False
    return not rule("gives").occurs(tokens, *clause)


def _read_clause(
    text: DoseText,
    clause: Place,
    marks: Sequence[Mark],
    named: Sequence[Mention],
    unnamed: Sequence[Owner],
) -> Iterator[Statement]:
    """Yield the statements of a clause: one for each amount, and one for each agent that it
    describes as given without an amount.
    """
    amounts = [mark for mark in marks if mark.field == "amounts"]
    statements = list(_state_amounts(text, clause, amounts, named, unnamed))
    rivals = len({near.agent.key for near in named})
    with_amount = {statement.agent.key for statement in statements}
    bare: Sequence[Owner] = _list_owners(named, Naming.NAMED)
    if not bare and not amounts:
        bare = unnamed
    for owner in bare:
        if owner.agent.key in with_amount:
            continue
        place = (clause[0], clause[0])
        if owner.is_named:
            place = owner.place
        statements.append(Statement(owner, text, clause, place, rivals))
    statements.sort(key=_find_place)
    statements += list(_list_bare_steps(marks, statements, named))
    statements.sort(key=_find_place)
    if statements:
        _link_all(marks, statements)
    for statement in statements:
        if statement.facts:
            yield statement


def _find_place(statement: Statement) -> Place:
    return statement.place


def _list_bare_steps(
    marks: Sequence[Mark], statements: Sequence[Statement], named: Sequence[Mention]
) -> Iterator[Statement]:
    """Yield the steps of a clause without amounts of their own, behind a word that begins a step:
    "weekly for 4 weeks, then monthly", "IV for 3 days, followed by oral ...". If only the rhythm
    changes, the amount goes on.
    """
    for number, statement in enumerate(statements):
        if not statement.amounts:
            continue
        first = statement.place[1]
        end = statement.clause[1]
        if number + 1 < len(statements):
            end = statements[number + 1].place[0]
        for before, joint in _list_joints(statement.text.tokens, first, end):
            # "on day 0, then every 4 weeks" is one rhythm
            earlier = {
                mark.field
                for mark in within(marks, before, joint.first)
                if mark.field != "days" or len(mark.value) > 1
            }
            if earlier.isdisjoint(_TIMES):
                continue
            mark = _find_begun(marks, joint, end)
            if mark is None or _is_of_other_dose(statement, marks, named, joint, mark):
                break
            facts: dict[str, list[Linked]] = {}
            goes_on = mark.field == "frequency"
            if goes_on:
                facts["amounts"] = [
                    replace(link, doubts=(*link.doubts, SHARED))
                    for link in statement.amounts
                ]
            yield replace(
                statement,
                place=(joint.first, joint.end),
                facts=facts,
                is_bare_step=True,
            )


def _list_joints(
    tokens: Tokens, first: int, end: int
) -> Iterator[tuple[int, RuleMatch]]:
    """Yield the words that begin a step without an amount of its own, each with the index of the
    token behind the words before it.
    """
    while first < end:
        joint = rule("bare_step").search(tokens, first, end)
        if joint is None:
            return
        yield first, joint
        first = joint.end


def _find_begun(marks: Sequence[Mark], joint: RuleMatch, end: int) -> Mark | None:
    """Return the rhythm or the route that begins a step directly behind its word, if any."""
    reach = min(end, joint.end + _BARE_REACH)
    for mark in list_beginning(marks, joint.end, reach):
        if mark.field in ("frequency", "route"):
            return mark
    return None


def _is_of_other_dose(
    statement: Statement,
    marks: Sequence[Mark],
    named: Sequence[Mention],
    joint: RuleMatch,
    mark: Mark,
) -> bool:
    """Return whether what begins at a mark is another agent's, or has an amount of its own:
    "followed by oral B", "followed by oral A 5 mg".
    """
    reach = mark.end + _BARE_REACH
    for mention in list_beginning(named, joint.end, reach):
        if mention.agent.key != statement.agent.key:
            return True
    follows = list_beginning(marks, mark.end, reach)
    return any(near.field == "amounts" for near in follows)


def has_choice(before: Statement, after: Statement) -> bool:
    """Return whether the words between two doses say that they are those of several groups."""
    tokens = before.text.tokens
    first, end = before.place[1], after.place[0]
    # "7.5 mg or placebo for 3 months, then 15 mg or placebo"
    other_arm = rule("or_placebo").starts(tokens, first)
    if other_arm:
        first = min(other_arm.end, end)
    if rule("no_step_between").occurs(tokens, first, end):
        return True
    # "until it works or 12 weeks have passed, then 10 mg": what is chosen ends before the next step
    choices = rule("or_of_doses").find(tokens, first, end)
    return any(not rule("step_joint").occurs(tokens, near.end, end) for near in choices)


def is_called(statement: Statement, name: str, after: int = 0) -> bool:
    """Return whether the words directly around a dose, from the token ``after`` on, call it so: "a
    loading dose of 600 mg".
    """
    start = max(statement.clause[0], min(after, statement.place[0]))
    first = max(start, statement.place[0] - _CALLED_BEFORE)
    end = min(statement.clause[1], statement.place[1] + _CALLED_BEHIND)
    return rule(name).occurs(statement.text.tokens, first, end)


def _are_steps(one: Statement, other: Statement) -> bool:
    """Return whether two statements of a clause are steps of one treatment."""
    if one.agent.key != other.agent.key:
        return False
    before, after = sorted((one, other), key=lambda statement: statement.place)
    if after.is_bare_step:
        return True
    if before.place[1] > after.place[0] or has_choice(before, after):
        return False
    tokens = before.text.tokens
    is_joined = rule("step_joint").occurs(tokens, before.place[1], after.place[0])
    return is_joined or is_maintenance_of(before, after) or is_later_step(after)


def is_maintenance_of(before: Statement, after: Statement) -> bool:
    """Return whether the words directly before a dose make it the maintenance of the dose before
    it: "20 mg/kg once; maintenance 5 mg/kg every 8 hours".
    """
    tokens = before.text.tokens
    if rule("maintenance_before").ends(tokens, before.place[0]):
        return False
    return rule("maintenance_before").ends(tokens, after.place[0]) is not None


def is_later_step(statement: Statement) -> bool:
    """Return whether words behind a dose say that another step precedes it: "thereafter"."""
    first = statement.place[1]
    end = min(statement.clause[1], first + _LATER_BEHIND)
    return rule("step_behind").occurs(statement.text.tokens, first, end)


def _state_amounts(
    text: DoseText,
    clause: Place,
    amounts: Sequence[Mark],
    named: Sequence[Mention],
    unnamed: Sequence[Owner],
) -> Iterator[Statement]:
    """Yield a statement for each amount of a clause. An amount is omitted if its agent cannot be
    found, or is an unknown one behind it: in "300 mg nettle 10 mg sage", 10 mg is not nettle's.
    """
    rivals = len({near.agent.key for near in named})
    is_about_first = len(unnamed) == 1
    if unnamed and unnamed[0].how is Naming.TOPIC:
        is_about_first = True
    for mark in amounts:
        owner = _find_owner(text, mark, amounts, named)
        # of several agents that were named earlier, none is known to be meant
        if owner is None and is_about_first:
            owner = unnamed[0]
        if owner is None:
            continue
        is_ahead = owner.place >= mark.place
        if is_ahead and _is_behind_other(text, mark.first, owner.agent):
            continue
        doubts = list(_list_owner_doubts(owner, mark, text, amounts, rivals))
        # of several agents that were named earlier, only the last one is near
        if owner in unnamed[:-1]:
            doubts += _SEVERAL
        statement = Statement(owner, text, clause, mark.place, rivals)
        is_other = _is_before_name(statement, mark)
        if is_other and _has_amount_before(text, owner, mark, amounts):
            continue
        statement.add(Linked(mark, text, tuple(doubts)))
        yield statement


def _is_behind_other(text: DoseText, at: int, agent: Agent) -> bool:
    """Return whether an amount stands directly behind a drug that is not its agent:
    10 mg in "prochlorperazine 10 mg plus A 50 mg", "calcium carbonate 500 mg".
    """
    tokens = text.tokens
    last = bisect_right(text.drugs, at, key=itemgetter(1)) - 1
    if last < 0 or tokens.read(text.drugs[last][1], at).strip():
        return False
    drug = tokens.read(*text.drugs[last])
    return find_substance(drug) != find_substance(agent.name)


def _find_owner(
    text: DoseText, mark: Mark, amounts: Sequence[Mark], named: Sequence[Mention]
) -> Owner | None:
    """Return the named agent that an amount belongs to: the one directly before it, the one
    directly after it ("5 mg of A"), the nearest one in the same part of the clause, or the nearest
    one. In a list that begins with a name, it is rather the last one before it; in one that begins
    with an amount ("5 mg A 8 mg B"), the next one. An amount before "or placebo" is never the
    placebo's.
    """
    tokens = text.tokens
    is_name_first = any(near.end <= amounts[0].first for near in named)
    able = [near for near in named if not _is_alternative(tokens, mark, near)]
    if not is_name_first:
        able.reverse()

    def measure(near: Mention) -> tuple[bool, bool, int]:
        first, end = find_gap(near.place, mark.place)
        if _is_beside(tokens, near.place, mark.place):
            return False, False, end - first
        is_apart = not _APART.isdisjoint(tokens.words[first:end])
        is_behind = near.first >= mark.end
        return is_apart, is_behind == is_name_first, end - first

    best = min(able, key=measure, default=None)
    if best:
        return Owner(best.agent, Naming.NAMED, best.place)
    return None


def _is_alternative(tokens: Tokens, mark: Mark, near: Mention) -> bool:
    """Return whether an agent is the placebo that is compared with an amount: "5 mg or placebo"."""
    if not near.agent.is_placebo:
        return False
    # "7.5 mg or placebo, then 15 mg or placebo"
    if rule("or_placebo").starts(tokens, mark.end):
        return True
    return rule("other_choice").ends(tokens, near.first, mark.end) is not None


def _link_all(marks: Sequence[Mark], statements: Sequence[Statement]) -> None:
    """Link the marks other than amounts to the statements of their clause. A mark behind or before
    a list also applies to the nearest members without such a mark.
    """
    for mark in marks:
        if mark.field == "amounts":
            continue
        is_only = sum(near.field == mark.field for near in marks) == 1
        nearest, *members = _choose_receivers(mark, statements, is_only=is_only)
        _add(nearest, mark)
        if mark.field in _OF_ONE:
            continue
        alike: tuple[str, ...] = (mark.field,)
        for fields in _ALIKE:
            if mark.field in fields:
                alike = fields
        for statement in members:
            if not statement.facts.keys().isdisjoint(alike):
                break
            if _is_single(statement, mark):
                continue
            if _is_manner_of_one(statement, mark, marks):
                continue
            if _is_of_step(statement, nearest, mark):
                continue
            place = statement.place
            # "A 5 mg or placebo, once daily": what stands behind a choice is of all of it
            if _is_choice(statement, nearest):
                place = nearest.place
            _add(statement, mark, SHARED, place=place)


def _is_of_step(statement: Statement, nearest: Statement, mark: Mark) -> bool:
    """Return whether a mark is of one step alone: its length, its days, and the rhythm of what
    follows a loading dose.
    """
    if mark.field not in (*_TIMES, "timing", "cycle"):
        return False
    if not _are_steps(statement, nearest):
        return False
    # "a load of 8 mg, then 6 mg every 3 weeks, 17 times"
    if mark.field == "cycle":
        return is_called(statement, "loading_word")
    if mark.field != "frequency":
        return True
    # "a single dose of 8 mg, then 6 mg"
    if mark.value is Frequency.ONCE:
        return True
    if nearest.is_bare_step:
        return True
    if is_called(statement, "loading_word"):
        return True
    # "600 mg, then 300 mg every 4 weeks", but "600 mg then 300 mg, oral, daily"
    tokens = nearest.text.tokens
    is_of_both = "," in tokens.words[nearest.place[1] : mark.first]
    return not is_of_both and not _is_smaller(statement, nearest)


def _is_smaller(statement: Statement, other: Statement) -> bool:
    """Return whether a dose is no larger than another one, as the first step of a rise is."""
    if not statement.amounts or not other.amounts:
        return True
    level = statement.amounts[0].mark.value[0]
    other_level = other.amounts[0].mark.value[0]
    if level.unit != other_level.unit:
        return True
    return (level.low or 0) <= (other_level.low or 0)


def _is_choice(statement: Statement, other: Statement) -> bool:
    """Return whether a sentence of an abstract names an agent as the other choice beside one: "A
    (5 mg) or placebo".
    """
    if not statement.text.is_prose:
        return False
    if not statement.owner.is_named or not other.owner.is_named:
        return False
    first, end = find_gap(statement.owner.place, other.owner.place)
    return rule("other_choice").ends(statement.text.tokens, end, first) is not None


def _is_single(statement: Statement, mark: Mark) -> bool:
    """Return whether a mark is a duration, which a single dose does not have, "a loading dose of
    600 mg, then 75 mg daily for 12 months".
    """
    links = statement.links("frequency")
    is_single = any(link.mark.value is Frequency.ONCE for link in links)
    return is_single and mark.field == "duration"


def _is_manner_of_one(statement: Statement, mark: Mark, marks: Sequence[Mark]) -> bool:
    """Return whether a continuous infusion is not that of a member of the list before it, which has
    a route of its own or a rhythm behind the infusion: "A 85 mg/m2 IV and B 2400 mg/m2 as a
    continuous infusion, every 2 weeks".
    """
    if mark.value is not Frequency.CONTINUOUS:
        return False
    if statement.links("route"):
        return True
    return any(near.field == "frequency" and near.first > mark.first for near in marks)


def _choose_receivers(
    mark: Mark, statements: Sequence[Statement], *, is_only: bool
) -> Sequence[Statement]:
    """Return the statement that a mark belongs to, followed by the members of a list that may share
    it, the nearest first.

    A mark belongs to the statement before it, or to the first one if none is before it. A mark
    directly before a name, as in "and oral A", or before a colon belongs to what follows. The
    members of a list share a mark before the list if it is the only one of its field
    (``is_only``), and a mark behind the list, or behind its first part: "A 4 mg and B 8 mg daily,
    then C 2 mg".
    """
    before = [near for near in statements if near.place[0] < mark.first]
    after = statements[len(before) :]
    if not before:
        if is_only:
            return after
        return after[:1]
    nearest_first = before[::-1]
    if not after:
        return nearest_first
    text = before[0].text
    words = text.tokens.words
    next_name = min(after[0].owner.place, after[0].place)[0]
    is_joint = words[mark.first - 1].lower() in _JOINTS
    # "... and group B received oral B"
    if text.is_prose and rule("giving_verb").ends(text.tokens, mark.first):
        is_joint = True
    if is_joint and mark.end == next_name:
        return after[:1]
    between = words[mark.end : next_name]
    # "a single infusion of A", but not "on days 1 and 8 of A"
    if between == ["of"] and mark.field == "frequency":
        return after[:1]
    is_before_colon = words[mark.end : mark.end + 1] == [":"]
    if is_before_colon:
        return after[:1]
    if mark.field in _INNER:
        return nearest_first
    is_phase_end = not _PHASES.isdisjoint(between)
    if is_phase_end:
        return nearest_first
    return nearest_first[:1]


def _add(
    statement: Statement, mark: Mark, *known: str, place: Place | None = None
) -> None:
    """Add a mark to a statement unless there are too many reasons to doubt the link. ``place`` is
    the place from which the mark is reached, by default that of the statement.
    """
    text = statement.text
    gap = find_gap(place or statement.place, mark.place)
    unexplained = count_unexplained(text, *gap)
    is_bare = not statement.owner.is_named and not statement.amounts
    doubts = {
        "apart from its agent": unexplained >= _APART_WORDS,
        "far from its agent": unexplained >= _FAR_WORDS,
        "without a name or an amount": is_bare,
        _IN_DESCRIPTION: not text.is_group,
        IN_WORDS: mark.confidence < _CLEAR,
    }
    found = [*known, *(name for name, is_true in doubts.items() if is_true)]
    if len(found) > _MOST_DOUBTS:
        return
    between = {word.lower() for word in text.tokens.words[slice(*gap)]}
    if not between.isdisjoint(_JOINING):
        found.append("joined to its agent")
    if _is_before_name(statement, mark):
        found.append(BEFORE_NAME)
    statement.add(Linked(mark, text, tuple(found)))


def _is_before_name(statement: Statement, mark: Mark) -> bool:
    """Return whether a name that is not that of the statement's agent seems to follow a mark."""
    name = find_next_name(statement.text, mark)
    if name is None:
        return False
    first, end = statement.owner.place
    return not statement.owner.is_named or end <= name.first or name.end <= first


def find_next_name(text: DoseText, mark: Mark) -> RuleMatch | None:
    """Return what seems to be a name behind a mark and the marks and forms that follow it: "a
    subcutaneous injection of fictizide".
    """
    near = within(text.marks, *text.find_clause(mark.first))
    ends = {other.first: other.end for other in near}
    at = mark.end
    while at in ends or rule("form_of_giving").starts(text.tokens, at):
        at = ends.get(at, at + 1)
    return rule("other_name").starts(text.tokens, at)


def _is_beside(tokens: Tokens, name: Place, amount: Place) -> bool:
    """Return whether only such words as "of" are between an amount and a name."""
    joint = "dosed_at" if name < amount else "dose_of"
    first, end = find_gap(name, amount)
    if first == end:
        return True
    return rule(joint).covers(tokens, first, end) is not None


def find_gap(place: Place, other_place: Place) -> Place:
    """Return the range of tokens between two places; an empty range if they adjoin or overlap."""
    if place[1] <= other_place[0]:
        return place[1], other_place[0]
    return other_place[1], max(other_place[1], place[0])


def _list_owner_doubts(
    owner: Owner, mark: Mark, text: DoseText, amounts: Sequence[Mark], rivals: int
) -> Iterator[str]:
    """Yield the reasons to doubt that an amount belongs to an agent."""
    if "procedure" in (owner.agent.kind, text.type):
        yield "of what takes no dose"
    if rule("other_dose").occurs(text.tokens, *text.find_clause(mark.first)):
        yield "beside a dose of something else"
    if owner.how is Naming.EARLIER:
        yield "of an agent named earlier"
    if not owner.is_named:
        return
    if rivals > 1 and not _is_beside(text.tokens, owner.place, mark.place):
        yield "not beside its agent"
    gap = find_gap(owner.place, mark.place)
    if within(amounts, *gap) or _has_amount_before(text, owner, mark, amounts):
        yield "behind another amount"
    if count_unexplained(text, *gap) >= _APART_WORDS:
        yield "apart from its agent"


def _has_amount_before(
    text: DoseText, owner: Owner, mark: Mark, amounts: Sequence[Mark]
) -> bool:
    """Return whether an agent before an amount has another amount of substance before its name, as
    nettle in "300 mg nettle 10 mg sage" and not A in "2 tablets of A 10 mg".
    """
    if mark.first < owner.place[1]:
        return False
    return any(
        near.end <= owner.place[0]
        and not is_portion(near)
        and _is_beside(text.tokens, owner.place, near.place)
        for near in amounts
    )


def count_unexplained(text: DoseText, first: int, end: int) -> int:
    """Return the number of words in a range that are unrelated to a dose."""
    unexplained = text.unexplained
    return bisect_left(unexplained, end) - bisect_left(unexplained, first)


def follows_unknown(text: DoseText, place: Place, agent: Agent) -> bool:
    """Return whether the word directly before the last amount at or before ``place``, in its
    clause, is another listed drug, or unrelated to a dose, as the name of an unknown agent is: "A
    75 mg daily; ASA 100 mg". An unknown word before the only amount of a text may be another name
    of its agent.
    """
    clause = text.find_clause(place[0])
    near = within(text.marks, *clause)
    first = clause[0]
    for mark in near:
        if mark.field == "amounts" and mark.place <= place:
            first = max(first, mark.first)
    if first == clause[0]:
        return False
    if any(mark.end == first for mark in near):
        return False
    if _is_behind_other(text, first, agent):
        return True
    if len(text.amounts) == 1:
        return False
    return count_unexplained(text, first - 1, first) == 1

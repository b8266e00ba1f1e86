"""Cut a section into the pieces that are read one by one: sentences, the steps of a regimen, and
alternatives with a rhythm of their own.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from extractor.concepts.doses.agents import Mention
from extractor.concepts.doses.clauses import is_aside
from extractor.concepts.doses.marks import Fact, Place, within
from extractor.concepts.doses.rhythms import read_rate
from extractor.concepts.doses.sections import DosingSection, Findings
from extractor.language.book import rule
from extractor.language.lexer import Tokens


class Piece(NamedTuple):
    """A half-open range of tokens. ``is_step``: it continues the piece before it ("then ..."),
    ``is_cut``: it stands in one sentence with it.
    """

    first: int
    end: int
    is_step: bool = False
    is_cut: bool = False


def cut_section(section: DosingSection, mentions: Sequence[Mention]) -> Iterator[Piece]:
    """Yield the title of a section and the pieces of its body, in reading order: sentences, cut
    before steps ("then ...") and between alternatives with a rhythm of their own. Sentences of a
    description count only if they may state a dose. ``mentions`` are the agents that the section
    names.

    >>> from extractor.language.passage import read_section
    >>> text = "5 mg daily, then 10 mg weekly. The trial is large."
    >>> section = DosingSection(read_section("arms[0]", text), (0, 0), (0, 13))
    >>> [section.raw(piece.first, piece.end) for piece in cut_section(section, ())]
    ['5 mg daily,', '10 mg weekly.', 'The trial is large']
    """
    if section.title[1] > section.title[0]:
        yield Piece(*section.title)
    for sentence in section.clauses:
        if not section.is_group and not _may_state_dosing(section, sentence):
            continue
        is_later = False
        for step in _cut_steps(section, sentence, mentions):
            first_part, *parts = _cut_alternatives(section, step, mentions)
            yield Piece(*first_part, is_step=is_later, is_cut=is_later)
            for part in parts:
                yield Piece(*part, is_cut=True)
            is_later = True


def _may_state_dosing(section: DosingSection, sentence: Place) -> bool:
    """Return whether a sentence has an amount, or another mark and no other subject than doses,
    such as aims or visits.
    """
    marks = section.marks.inside(*sentence)
    if marks.amounts:
        return True
    if not marks.places():
        return False
    return not is_aside(section.tokens, *sentence)


def _cut_steps(
    section: DosingSection, sentence: Place, mentions: Sequence[Mention]
) -> Iterator[Place]:
    """Yield the steps of a sentence, as tokens: it is cut at words such as "then" if what stands
    before and all that stands behind give something. Words about who takes part, at its beginning,
    are left out.
    """
    tokens = section.tokens
    first, end = sentence
    # "Patients on insulin receive 5 mg"
    described = rule("described_people").starts(tokens, first, end)
    start = described.end if described else first
    for joint in sorted(_list_step_joints(section, (start, end), mentions)):
        joint_first, joint_end = joint
        before = section.marks.inside(start, joint_first)
        after = section.marks.inside(joint_end, end)
        if start <= joint_first and _both_give(before, after):
            yield start, joint_first
            start = joint_end
    yield start, end


def _list_step_joints(
    section: DosingSection, sentence: Place, mentions: Sequence[Mention]
) -> Iterator[Place]:
    """Yield the tokens between two steps: words such as "then", or, where such a word closes a
    step, the sign before this step ("10 mg for 2 weeks, 5 mg afterward").
    """
    tokens = section.tokens
    first, end = sentence
    closed_at: set[int] = set()
    for word in rule("trailing_sequel").find(tokens, first, end):
        if not _closes(section, word.end, end):
            continue
        closed_at.add(word.first)
        joint = _find_joint_before(section, (first, word.first), mentions)
        if joint:
            yield joint
    for opening in rule("next_step").find(tokens, first, end):
        if opening.first not in closed_at:
            yield opening.first, opening.end


def _closes(section: DosingSection, end: int, sentence_end: int) -> bool:
    """Return whether a step ends at token ``end``: with its sentence, at a sign, or before
    "and".
    """
    if end >= sentence_end:
        return True
    return rule("step_end").starts(section.tokens, end, sentence_end) is not None


def _find_joint_before(
    section: DosingSection, reach: Place, mentions: Sequence[Mention]
) -> Place | None:
    """Return the tokens of the sign or word between the last two amounts of ``reach``, or None.
    None also if an agent is named from the first of the two on: then the second is another
    agent's.
    """
    amounts = within(section.marks.amounts, *reach)
    if len(amounts) < 2:
        return None
    before, step = amounts[-2:]
    if within(mentions, before.end, reach[1]):
        return None
    joints = list(rule("agent_break").find(section.tokens, before.end, step.first))
    if not joints:
        return None
    return joints[-1].first, joints[-1].end


def _both_give(before: Findings, after: Findings) -> bool:
    """Return whether the marks on both sides of "then" each state a dose, each a time of giving, or
    different routes.
    """
    if before.amounts and after.amounts:
        return True
    has_routes = bool(before.route and after.route)
    # "IV on days 1-3 and then orally on days 4-14"
    if has_routes and before.route[-1].value != after.route[0].value:
        return True
    is_timed_before = bool(before.frequency or before.days)
    is_timed_after = bool(after.frequency or after.days)
    return is_timed_before and is_timed_after


def _cut_alternatives(
    section: DosingSection, step: Place, mentions: Sequence[Mention]
) -> Iterator[Place]:
    """Yield the parts of a step with different times of giving that each name the same agent, or
    that each state an amount; the whole step if it has no such parts.

    "A every 2 weeks and A every 4 weeks", "300 mg every 2 weeks or 600 mg every 4 weeks".
    """
    tokens = section.tokens
    marks = section.marks.inside(*step)
    timed: list[Fact] = [*marks.frequency, *marks.days]
    for amount in marks.amounts:
        # "5 mg/day"
        rate = read_rate(tokens, amount)
        if rate is not None:
            timed.append(rate)
    timed.sort(key=attrgetter("first"))
    start, end = step
    gaps: list[Place] = []
    if len(timed) > 1:
        named = within(mentions, *step)
        gaps += _between_names(named, marks.frequency)
        gaps += _between_amounts(tokens, marks.amounts, timed, named)
    for gap in sorted(gaps):
        breaks = list(rule("agent_break").find(tokens, *gap))
        if breaks:
            yield start, breaks[-1].first
            start = breaks[-1].end
    yield start, end


def _between_names(
    named: Sequence[Mention], frequencies: Sequence[Fact]
) -> Iterator[Place]:
    """Yield the tokens between two mentions of one agent with different frequencies: "A every 2
    weeks and A every 4 weeks".
    """
    for mention, following in pairwise(named):
        gap = (mention.end, following.first)
        is_same = mention.value.key == following.value.key
        # "Examplumab every 2 weeks subcutaneously and Examplumab every 4 weeks subcutaneously"
        if is_same and _find_change(frequencies, gap, following.end):
            yield gap


def _between_amounts(
    tokens: Tokens,
    amounts: Sequence[Fact],
    timed: Sequence[Fact],
    named: Sequence[Mention],
) -> Iterator[Place]:
    """Yield the tokens between two amounts with different times, and no agent between these: "300
    mg every 2 weeks or 600 mg every 4 weeks". ``timed`` are the marks of times, also the rates of
    amounts, ``named`` the agents.
    """
    for amount, following in pairwise(amounts):
        # the rate of an amount stands within it
        change = _find_change(timed, (amount.first, following.first), following.first)
        if change is None:
            continue
        before, after = change
        if any(before.end <= mention.first < after.first for mention in named):
            continue
        is_rate = after.first == following.first
        if not is_rate or _speaks_of_dosing(tokens, before.end, following.first):
            yield before.end, following.first


def _speaks_of_dosing(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether all words in a range are about a dose, so that none names another agent."""
    about_dose = rule("word_about_dose")
    for at in range(first, end):
        if not tokens.words[at][0].isalpha():
            continue
        if about_dose.covers(tokens, at, at + 1) is None:
            return False
    return True


def _find_change(
    timed: Sequence[Fact], between: Place, behind: int
) -> tuple[Fact, Fact] | None:
    """Return the last time of giving between two tokens and the first one from token ``behind`` on,
    if they differ; else None.
    """
    before = within(timed, *between)
    after = [mark for mark in timed if mark.first >= behind]
    if not before or not after:
        return None
    if before[-1].value == after[0].value:
        return None
    return before[-1], after[0]

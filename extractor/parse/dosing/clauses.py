"""Clauses: parts of a section about one regimen, and whether they state what participants are given."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from extractor.text.book import rule
from extractor.text.lexer import Tokens

from .agents import Mention
from .marks import Fact, Place, within
from .sections import DosingSection, Findings

Piece = tuple[int, int, bool]
"""A half-open clause, and whether it continues the one before ("then ...")."""


def list_clauses(section: DosingSection, mentions: Sequence[Mention]) -> list[Piece]:
    """The title of a section and the clauses of its body, split at steps of a regimen ("then ...")."""
    tokens, marks = section.tokens, section.marks
    pieces: list[Piece] = [(*section.title, False)] if section.title[1] > section.title[0] else []
    starts = sorted(first for first, _ in marks.places())
    for first, end in section.clauses:
        if not section.is_group and bisect_left(starts, first) == bisect_left(starts, end):
            continue
        stated = marks.inside(first, end)
        if not section.is_group and not stated.amounts and (not stated.places() or is_aside(tokens, first, end)):
            continue
        described = rule("described_people").starts(tokens, first, end)
        position, is_step = described.end if described else first, False
        for step in rule("next_step").find(tokens, first, end):
            if _both_give(marks.inside(position, step.first), marks.inside(step.end, end)):
                pieces.append((position, step.first, is_step))
                position, is_step = step.end, True
        cut = _cut_regimens(tokens, (position, end), stated, mentions)
        pieces += [(*place, is_step and number == 0) for number, place in enumerate(cut)]
    return pieces


def is_aside(tokens: Tokens, first: int, end: int) -> bool:
    """Whether a clause is about aims, tests or follow-up, so that its days and intervals belong to no dose.

    >>> tokens = read_text("Patients are followed every 3 months. Patients receive 5 mg every 3 weeks.")
    >>> is_aside(tokens, 0, 7), is_aside(tokens, 7, 15)
    (True, False)
    """
    if rule("aim").starts(tokens, first, end):
        return True
    if rule("gives").search(tokens, first, end):
        return False
    if rule("follow_up").search(tokens, first, end):
        return True
    return bool(rule("observed").search(tokens, first, end)) and not rule("treats").search(tokens, first, end)


def describes_other(tokens: Tokens, first: int, end: int) -> bool:
    """Whether a clause states doses of tests or other trials, or limits: "The approved dose is 5 mg."."""
    return rule("other_dose").search(tokens, first, end) is not None


def _both_give(before: Findings, after: Findings) -> bool:
    """Whether both sides of "then" state a dose, a route or a frequency."""
    if before.amounts and after.amounts:
        return True
    if before.route and after.route and before.route[-1].value != after.route[0].value:
        return True
    return bool((before.frequency or before.days) and (after.frequency or after.days))


def _cut_regimens(tokens: Tokens, clause: Place, stated: Findings, mentions: Sequence[Mention]) -> list[Place]:
    """Parts with different frequencies that each name the same agent, or that each state an amount.

    "A every 2 weeks and A every 4 weeks", "300 mg every 2 weeks or 600 mg every 4 weeks".
    """
    timed = sorted([*stated.frequency, *stated.days], key=lambda mark: mark.first)
    if len(timed) < 2:
        return [clause]
    gaps = [
        (one.end, other.first)
        for one, other in pairwise(within(mentions, *clause))
        if one.value.key == other.value.key and _differ(stated.frequency, (one.end, other.first), other.end)
    ]
    for amount, following in pairwise(within(stated.amounts, *clause)):
        differing = _differ(timed, (amount.end, following.first), following.end)
        if differing and not any(differing[0].end <= m.first < differing[1].first for m in mentions):
            gaps.append((differing[0].end, following.first))
    pieces, (position, end) = [], clause
    for gap in sorted(gaps):
        for found in list(rule("agent_break").find(tokens, *gap))[-1:]:
            pieces.append((position, found.first))
            position = found.end
    return [*pieces, (position, end)]


def _differ(stated: Sequence[Fact], between: Place, behind: int) -> tuple[Fact, Fact] | None:
    """The last time of giving between two places and the first one after the second, if they differ."""
    before, after = within(stated, *between), [m for m in stated if m.first >= behind]
    return (before[-1], after[0]) if before and after and before[-1].value != after[0].value else None

"""Clauses: spans of a passage that speak of one way of giving, and whether they tell what participants are given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from extractor.text.book import rule
from extractor.text.lexer import Tokens
from extractor.text.patterns import Found

from .agents import Agent
from .findings import Findings
from .marks import Mark, within
from .passages import Passage

__all__ = ["Piece", "find_breaks", "has_rule", "is_aside", "list_clauses", "tells_elsewhere"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A clause of a passage, half-open; ``is_step`` if it goes on with what the one before says ("then ...")."""

    start: int
    end: int
    is_step: bool = False


def has_rule(name: str, tokens: Tokens, start: int, end: int) -> bool:
    """Whether a rule finds something in ``text[start:end]``."""
    return rule(name).search(tokens, tokens.at(start), tokens.before(end)) is not None


def find_breaks(tokens: Tokens, start: int, end: int) -> Iterable[Found]:
    """Where the words about one agent can end in ``text[start:end]``, and those about the next begin."""
    return rule("agent_break").find(tokens, tokens.at(start), tokens.before(end))


def list_clauses(passage: Passage, marks: Findings, mentions: Sequence[Mark[Agent]]) -> list[Piece]:
    """The title of a passage and the clauses of its body, steps of a regimen ("then ...") apart."""
    tokens = passage.tokens
    pieces = [Piece(*passage.title)] if passage.title[1] > passage.title[0] else []
    for start, end in passage.clauses:
        stated = marks.inside(start, end)
        if not passage.is_group and not stated.amounts and (not stated.spans() or is_aside(tokens, start, end)):
            continue
        position, is_step = start, False
        for step in rule("next_step").find(tokens, tokens.at(start), tokens.before(end)):
            first, last = step.span
            if _are_ways(marks.inside(position, first), marks.inside(last, end)):
                pieces.append(Piece(position, first, is_step))
                position, is_step = last, True
        cut = [(position, end)]
        if len(stated.frequency) > 1:
            cut = [
                part
                for place in _cut_repeated(tokens, position, end, marks.inside(position, end), mentions)
                for part in _cut_regimens(tokens, *place, marks.inside(*place), mentions)
            ]
        pieces += [Piece(*place, is_step and number == 0) for number, place in enumerate(cut)]
    return pieces


def is_aside(tokens: Tokens, start: int, end: int) -> bool:
    """Whether a clause speaks of aims, tests or follow-up, so that its days and intervals are those of no giving.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("Patients are followed every 3 months. Patients receive 5 mg every 3 weeks.")
    >>> is_aside(tokens, 0, 37), is_aside(tokens, 38, 74)
    (True, False)
    """
    if rule("aim").starts(tokens, tokens.at(start), tokens.before(end)):
        return True
    if has_rule("gives", tokens, start, end):
        return False
    if has_rule("follow_up", tokens, start, end):
        return True
    return has_rule("observed", tokens, start, end) and not has_rule("treats", tokens, start, end)


def tells_elsewhere(tokens: Tokens, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` tells of doses of tests, of other trials, or of limits.

    >>> from extractor.text.book import read_text
    >>> tells_elsewhere(read_text("The approved dose is 5 mg."), 0, 26)
    True
    """
    return has_rule("told_elsewhere", tokens, start, end)


def _are_ways(before: Findings, after: Findings) -> bool:
    """Whether both sides of "then" state a way of giving: a dose, a route, or how often."""
    if before.amounts and after.amounts:
        return True
    if before.route and after.route and before.route[-1].value != after.route[0].value:
        return True
    return bool((before.frequency or before.days) and (after.frequency or after.days))


def _cut_repeated(
    tokens: Tokens, start: int, end: int, marks: Findings, mentions: Sequence[Mark[Agent]]
) -> list[tuple[int, int]]:
    """Parts that each name one agent and how often it is given: "A every 2 weeks and A every 4 weeks"."""
    named = within(mentions, start, end) if len(marks.frequency) > 1 else ()
    pieces, position = [], start
    for one, other in pairwise(named):
        before = [m.value for m in marks.frequency if one.end <= m.start and m.end <= other.start]
        behind = [m.value for m in marks.frequency if m.start >= other.end]
        if one.value.key != other.value.key or not before or not behind or before[-1] == behind[0]:
            continue
        for found in list(find_breaks(tokens, one.end, other.start))[-1:]:
            pieces.append((position, found.span[0]))
            position = found.span[1]
    return [*pieces, (position, end)]


def _cut_regimens(
    tokens: Tokens, start: int, end: int, marks: Findings, mentions: Sequence[Mark[Agent]]
) -> list[tuple[int, int]]:
    """Parts with an amount and a frequency each: "300 mg every 2 weeks or 600 mg every 4 weeks"."""
    pieces, position = [], start
    for amount, following in pairwise(marks.amounts):
        first = [m for m in marks.frequency if amount.end <= m.start and m.end <= following.start]
        second = [m for m in marks.frequency if m.start >= following.end]
        if not first or not second or first[-1].value == second[0].value:
            continue
        if any(amount.end <= m.start < second[0].start for m in mentions):
            continue
        for found in list(find_breaks(tokens, first[-1].end, following.start))[-1:]:
            pieces.append((position, found.span[0]))
            position = found.span[1]
    return [*pieces, (position, end)]

"""Clauses: spans of a passage that speak of one way of giving, and whether they state what participants are given."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import NamedTuple

from extractor.parse.parsed import Chunk
from extractor.schemas import Amount, Frequency
from extractor.text.book import rule
from extractor.text.lexer import Tokens
from extractor.text.patterns import Found

from .agents import Agent, Lexicon
from .days import count_days
from .facts import Clause, Findings, Statement
from .marks import Mark, within
from .passages import Passage, RecordText

Piece = tuple[int, int, bool]
"""A clause, half open, and whether it goes on with what the one before says ("then ...")."""


def has_rule(name: str, tokens: Tokens, start: int, end: int) -> bool:
    """Whether a rule finds something in ``text[start:end]``."""
    return rule(name).search(tokens, tokens.at(start), tokens.before(end)) is not None


def find_breaks(tokens: Tokens, start: int, end: int) -> Iterable[Found]:
    """Where the words about one agent can end in ``text[start:end]``, and those about the next begin."""
    return rule("agent_break").find(tokens, tokens.at(start), tokens.before(end))


def list_clauses(passage: Passage, marks: Findings, mentions: Sequence[Mark[Agent]]) -> list[Piece]:
    """The title of a passage and the clauses of its body, steps of a regimen ("then ...") apart."""
    tokens = passage.tokens
    pieces: list[Piece] = [(*passage.title, False)] if passage.title[1] > passage.title[0] else []
    for start, end in passage.clauses:
        stated = marks.inside(start, end)
        if not passage.is_group and not stated.amounts and (not stated.spans() or is_aside(tokens, start, end)):
            continue
        position, is_step = start, False
        for step in rule("next_step").find(tokens, tokens.at(start), tokens.before(end)):
            first, last = step.span
            if _both_give(marks.inside(position, first), marks.inside(last, end)):
                pieces.append((position, first, is_step))
                position, is_step = last, True
        cut = [(position, end)]
        if len(stated.frequency) > 1:
            cut = [
                part
                for place in _cut_repeated(tokens, position, end, marks.inside(position, end), mentions)
                for part in _cut_regimens(tokens, *place, marks.inside(*place), mentions)
            ]
        pieces += [(*place, is_step and number == 0) for number, place in enumerate(cut)]
    return pieces


def is_aside(tokens: Tokens, start: int, end: int) -> bool:
    """Whether a clause speaks of aims, tests or follow-up, so that its days and intervals are those of no giving.

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


def describes_other(tokens: Tokens, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` gives doses of tests, of other trials, or of limits.

    >>> describes_other(read_text("The approved dose is 5 mg."), 0, 26)
    True
    """
    return has_rule("other_dose", tokens, start, end)


def _both_give(before: Findings, after: Findings) -> bool:
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
    gaps = [
        (one.end, other.start)
        for one, other in pairwise(within(mentions, start, end) if len(marks.frequency) > 1 else ())
        if one.value.key == other.value.key and _differ(marks, (one.end, other.start), other.end)
    ]
    return _cut_at(tokens, start, end, gaps)


def _cut_regimens(
    tokens: Tokens, start: int, end: int, marks: Findings, mentions: Sequence[Mark[Agent]]
) -> list[tuple[int, int]]:
    """Parts with an amount and a frequency each: "300 mg every 2 weeks or 600 mg every 4 weeks"."""
    gaps = []
    for amount, following in pairwise(marks.amounts):
        differing = _differ(marks, (amount.end, following.start), following.end)
        if differing and not any(amount.end <= m.start < differing[1].start for m in mentions):
            gaps.append((differing[0].end, following.start))
    return _cut_at(tokens, start, end, gaps)


def _differ(marks: Findings, between: tuple[int, int], behind: int) -> tuple[Mark[Frequency], Mark[Frequency]] | None:
    """The last frequency between two places and the first behind the second, if they differ."""
    first = [m for m in marks.frequency if between[0] <= m.start and m.end <= between[1]]
    second = [m for m in marks.frequency if m.start >= behind]
    return (first[-1], second[0]) if first and second and first[-1].value != second[0].value else None


def _cut_at(tokens: Tokens, start: int, end: int, gaps: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts between the last breaks in some gaps."""
    pieces, position = [], start
    for gap in gaps:
        for found in list(find_breaks(tokens, *gap))[-1:]:
            pieces.append((position, found.span[0]))
            position = found.span[1]
    return [*pieces, (position, end)]


class _Arm(NamedTuple):
    """What is said of one arm: ``start:end`` of a section's text."""

    name: str
    section: str
    start: int
    end: int

    def holds(self, statement: Statement) -> bool:
        return statement.section == self.section and self.start <= statement.start < self.end


def resolve_references(
    passages: Sequence[Passage], findings: Mapping[str, Findings], statements: Sequence[Statement]
) -> tuple[Statement, ...]:
    """The statements, and one for each of another arm's that a clause gives again in other cycles.

    Such a clause reads "R-CHOP as in arm I. Treatment repeats every 14 days.". A clause that names agents speaks of
    these, else it speaks of all that the other arm gets.
    """
    if not any(rule("as_in_group").search(passage.tokens) for passage in passages):
        return tuple(statements)
    arms = []
    for passage in passages:
        headings = list(rule("group_heading").find(passage.tokens))
        borders = [*(heading.span[0] for heading in headings), len(passage.text)]
        for heading, place in zip(headings, pairwise(borders), strict=True):
            arms.append(_Arm((heading.read("group") or "").lower(), passage.section, *place))
    repeated = (
        again
        for passage in passages
        for place in passage.clauses
        for again in _repeat(passage, findings[passage.section], place, arms, statements)
    )
    return (*statements, *repeated)


def _repeat(
    passage: Passage,
    findings: Findings,
    place: tuple[int, int],
    arms: Sequence[_Arm],
    statements: Sequence[Statement],
) -> Iterator[Statement]:
    (start, end), tokens = place, passage.tokens
    reference = rule("as_in_group").search(tokens, tokens.at(start), tokens.before(end))
    here = next((arm for arm in arms if arm.section == passage.section and arm.start <= start < arm.end), None)
    cycles = [mark for mark in findings.inside(start, here.end if here else end).cycle if mark.value is not None]
    if not reference or not cycles:
        return
    name = (reference.read("group") or "").lower()
    last = next((stop for first, stop in passage.clauses if first <= cycles[0].start < stop), cycles[0].end)
    marks = findings.inside(start, last)
    clause = Clause(tokens, start, last, marks, (), None, loyal=False)
    known = {s.agent.key for s in statements if here and here.holds(s) and s.start >= reference.span[1]}
    for other in (s for arm in arms if arm.name == name and arm is not here for s in statements if arm.holds(s)):
        if other.agent.key in known or other.cycle is None:
            continue
        if count_days(other.cycle.value) != count_days(cycles[0].value):
            known.add(other.agent.key)
            yield replace(
                other, section=passage.section, start=start, end=last, mention=None, clause=clause, reach=(start, last),
                cycle=cycles[0], length=next(iter(marks.length), None),
            )  # fmt: skip


def find_candidates(
    statements: Sequence[Statement],
    passages: Sequence[Passage],
    findings: Mapping[str, Findings],
    source: RecordText,
    lexicon: Lexicon,
    numbers: Iterator[int],
) -> tuple[Chunk, ...]:
    """Clauses with the sign of a dose, or of giving and its way or time, of which no statement speaks.

    ``statements`` are those that became regimens or parts of them. A clause whose amounts all stand in them is none,
    and a clause without an amount counts only if it names nobody of whom they speak.
    """
    levels = frozenset(level for statement in statements for level in statement.levels)
    keys = frozenset(statement.agent.key for statement in statements)
    places: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for statement in statements:
        places[statement.section].append((statement.clause.start, statement.clause.end))
    chunks = []
    for passage in passages:
        read = sorted(places[passage.section])
        furthest = list(accumulate((end for _, end in read), max, initial=0))
        marks = findings[passage.section]
        mentions = lexicon.find(passage.tokens, passage.section)
        for start, end in [passage.title, *passage.clauses]:
            if start >= end or furthest[bisect_left(read, (end,))] > start:
                continue
            named = {mention.value.key for mention in within(mentions, start, end)}
            follows = passage.is_group and not named and bool(read) and read[0][0] < start
            other = named.isdisjoint(keys) and not follows  # a clause that names nobody goes on with the one before
            stated = marks.inside(start, end)
            if _has_dose(passage, start, end, stated, levels) or (
                other and _is_giving(passage, start, end, stated, named=bool(named))
            ):
                chunks.append(source.chunk(next(numbers), passage.section, start, end))
    return tuple(chunks)


def _has_dose(passage: Passage, start: int, end: int, stated: Findings, known: frozenset[Amount]) -> bool:
    if stated.amounts:
        new = any(level not in known for amount in stated.amounts for level in amount.value)
        return new and (passage.is_group or _is_given(passage, start, end))
    return passage.is_group and has_rule("number_of_doses", passage.tokens, start, end)


def _is_giving(passage: Passage, start: int, end: int, stated: Findings, *, named: bool) -> bool:
    """Whether a clause without a dose says how or when something is given."""
    timed = bool(stated.frequency or stated.days or stated.length)
    if (start, end) == passage.title or not (stated.route or timed):
        return False
    if not (named or passage.is_group or (stated.route and timed)):
        return False
    return _is_given(passage, start, end) and not is_aside(passage.tokens, start, end)


def _is_given(passage: Passage, start: int, end: int) -> bool:
    gives = has_rule("giving_verb", passage.tokens, start, end) or has_rule("dose_word", passage.tokens, start, end)
    return gives and not describes_other(passage.tokens, start, end)

"""Clauses: spans of a passage that speak of one way of giving, and whether they tell what participants are given."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from extractor.parse.parsed import Chunk
from extractor.schemas import Amount
from extractor.text.book import rule
from extractor.text.lexer import Tokens
from extractor.text.patterns import Found

from .agents import Agent, Lexicon
from .days import count_days
from .facts import Clause, Findings, Statement
from .marks import Mark, within
from .passages import Passage, RecordText


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


@dataclass(frozen=True, slots=True)
class _Part:
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

    A clause that names agents speaks of these, else it speaks of all that the other arm gets.
    """
    if not any(rule("as_in_group").search(passage.tokens) for passage in passages):
        return tuple(statements)
    parts = [part for passage in passages for part in _list_parts(passage)]
    repeated = (
        again
        for passage in passages
        for place in passage.clauses
        for again in _repeat(passage, findings[passage.section], place, parts, statements)
    )
    return (*statements, *repeated)


def _list_parts(passage: Passage) -> Iterator[_Part]:
    """The arms of which a passage tells: an arm's own passage, or the parts of a description that headings open."""
    headings = list(rule("group_heading").find(passage.tokens))
    borders = [heading.span[0] for heading in headings]
    for heading, (start, end) in zip(headings, pairwise([*borders, len(passage.text)]), strict=True):
        yield _Part((heading.read("group") or "").lower(), passage.section, start, end)


def _repeat(
    passage: Passage,
    findings: Findings,
    place: tuple[int, int],
    parts: Sequence[_Part],
    statements: Sequence[Statement],
) -> Iterator[Statement]:
    (start, end), tokens = place, passage.tokens
    reference = rule("as_in_group").search(tokens, tokens.at(start), tokens.before(end))
    if not reference:
        return
    name = (reference.read("group") or "").lower()
    here = next((s for s in parts if s.section == passage.section and s.start <= start < s.end), None)
    there = [s for s in parts if s.name == name and s is not here]
    own = [s for s in statements if here and here.holds(s)]
    cycles = [mark for mark in findings.inside(start, here.end if here else end).cycle if mark.value is not None]
    if not cycles:
        return
    last = next((stop for first, stop in passage.clauses if first <= cycles[0].start < stop), cycles[0].end)
    cycle, marks = cycles[0], findings.inside(start, last)
    length = marks.length[0] if marks.length else None
    clause = Clause(tokens, start, last, marks, (), None, loyal=False)
    told: set[str] = {s.agent.key for s in own if s.start >= reference.span[1]}
    for part in there:
        for other in (s for s in statements if part.holds(s)):
            if other.agent.key in told or other.cycle is None:
                continue
            if count_days(other.cycle.value) == count_days(cycle.value):
                continue
            told.add(other.agent.key)
            yield replace(
                other, section=passage.section, start=start, end=last, mention=None, clause=clause, reach=(start, last),
                cycle=cycle, length=length,
            )  # fmt: skip


def find_candidates(
    statements: Iterable[Statement],
    passages: Sequence[Passage],
    findings: Mapping[str, Findings],
    source: RecordText,
    lexicon: Lexicon,
    numbers: Iterator[int],
) -> tuple[Chunk, ...]:
    """Clauses with the sign of a dose, or of giving and its way or time, of which no statement tells.

    ``statements`` are those that became regimens or parts of them. A clause whose amounts all stand in them is none,
    and a clause without an amount counts only if it names nobody of whom they tell.
    """
    told = list(statements)
    levels = frozenset(level for statement in told for level in statement.levels)
    keys = frozenset(statement.agent.key for statement in told)
    places: dict[str, list[tuple[int, int]]] = {}
    for statement in told:
        places.setdefault(statement.section, []).append((statement.clause.start, statement.clause.end))
    chunks = []
    for passage in passages:
        read = sorted(places.get(passage.section, ()))
        furthest = list(accumulate((end for _, end in read), max, initial=0))
        marks = findings[passage.section]
        mentions = lexicon.find(passage.tokens, passage.section)
        for start, end in [passage.title, *passage.clauses]:
            if start >= end or furthest[bisect_left(read, (end,))] > start:
                continue
            named = {mention.value.key for mention in within(mentions, start, end)}
            follows = passage.is_group and not named and bool(read) and read[0][0] < start
            other = named.isdisjoint(keys) and not follows  # a clause that names nobody goes on with the one before
            if _has_dose(passage, start, end, marks, levels) or (
                other and _is_giving(passage, start, end, marks, named=bool(named))
            ):
                chunks.append(source.chunk(next(numbers), passage.section, start, end))
    return tuple(chunks)


def _has_dose(passage: Passage, start: int, end: int, marks: Findings, known: frozenset[Amount]) -> bool:
    if amounts := within(marks.amounts, start, end):
        new = any(level not in known for amount in amounts for level in amount.value)
        return new and (passage.is_group or _is_given(passage, start, end))
    return passage.is_group and has_rule("number_of_doses", passage.tokens, start, end)


def _is_giving(passage: Passage, start: int, end: int, marks: Findings, *, named: bool) -> bool:
    """Whether a clause without a dose tells how or when something is given."""
    if (start, end) == passage.title:
        return False
    stated = marks.inside(start, end)
    timed = bool(stated.frequency or stated.days or stated.length)
    if not (stated.route or timed) or not (named or passage.is_group or (stated.route and timed)):
        return False
    return _is_given(passage, start, end) and not is_aside(passage.tokens, start, end)


def _is_given(passage: Passage, start: int, end: int) -> bool:
    gives = has_rule("giving_verb", passage.tokens, start, end) or has_rule("dose_word", passage.tokens, start, end)
    return gives and not tells_elsewhere(passage.tokens, start, end)

"""Statements of dosing: what each clause of a passage says of each agent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from extractor.parse.requirements import Guarded

from .agents import GENERAL, PROCEDURES, Agent, Lexicon
from .clauses import list_clauses
from .facts import FIELDS, Fact, Statement
from .findings import Findings, find_all
from .gathering import choose_mark, gather_marks
from .linking import Clause, Unit, link_amounts
from .marks import Mark, drop_touching, within
from .passages import Passage
from .steps import append_statements
from .ways import add_placebos, part_routes

__all__ = ["read_passage"]

_REACH, _FURTHEST = 20_000, 200
"""How many characters, and statements, back a clause that names no agent can speak of."""
_CYCLES = Guarded(r"\b(?:cycle|course)s?\b")


def read_passage(passage: Passage, lexicon: Lexicon, default: Agent | None) -> tuple[Statement, ...]:
    """Statements of a passage in reading order; ``default`` is the agent where a clause names none."""
    marks = find_all(passage.tokens)
    own = default if passage.is_intervention else lexicon.only
    known = drop_touching(lexicon.find(passage.tokens, passage.section), [*marks.amounts, *marks.moment])
    mentions = tuple(_identify(mention, own) for mention in known)
    statements: list[Statement] = []
    topic, seen = default, 0
    cyclic = bool(_CYCLES.search(passage.text))
    for piece in list_clauses(passage, marks, mentions):
        start, end = piece.start, piece.end
        if not passage.is_group and "\n" in passage.text[seen:start]:
            topic = default  # another paragraph
        seen = start
        inside = marks.inside(start, end)
        named = _prefer_known(inside, within(mentions, start, end))
        goes_on = piece.is_step and bool(statements) and not named
        if statements and not named and not inside.amounts and not goes_on:
            _spread(passage, statements, inside, start)
            continue
        speaker = statements[-1].agent if goes_on else topic
        clause = Clause(passage.text, start, end, inside, named, speaker, loyal=passage.is_intervention)
        described = _describe(passage, clause, cyclic=cyclic)
        statements = append_statements(statements, described, is_step=piece.is_step)
        if named and not passage.is_intervention:
            topic = named[-1].value
    return tuple(statements)


def _prefer_known(marks: Findings, named: Sequence[Mark[Agent]]) -> Sequence[Mark[Agent]]:
    """The agents of a clause; what is only introduced counts alone, or where something is said before the next one."""
    if all(mention.confidence < GENERAL for mention in named):
        return named
    spans = marks.spans()
    nexts = [*(mention.start for mention in named[1:]), 0]
    return tuple(
        mention
        for mention, following in zip(named, nexts, strict=True)
        if mention.confidence >= GENERAL or any(mention.end <= first and last <= following for first, last in spans)
    )


def _identify(mention: Mark[Agent], own: Agent | None) -> Mark[Agent]:
    """What is introduced where only one agent is spoken of is that agent, by another name."""
    if own is None or mention.value.kind != "introduced":
        return mention
    return replace(mention, value=own)


def _describe(passage: Passage, clause: Clause, *, cyclic: bool) -> list[Statement]:
    units = link_amounts(clause)
    statements = []
    for place, unit in enumerate(units):
        own = clause.marks.inside(*unit.territory)
        fields = gather_marks(clause, units, place, own)
        dated = bool(own.moment) and unit.agent.kind in PROCEDURES
        if not (unit.amounts or dated or _states_giving(own) or (unit.named and fields and place + 1 < len(units))):
            continue
        facts: dict[str, Any] = {name: Fact(mark, passage.section) for name, mark in fields.items()}
        amounts = tuple(Fact(amount, passage.section) for amount in unit.amounts)
        told = {"route", "frequency", "days", "length", *(["moment"] if dated else [])}
        if not amounts and not facts.keys() & told:
            continue
        if unit.agent.kind == "class" and not amounts and not facts.keys() & {"frequency", "days"}:
            continue  # "inhaled corticosteroids" names a route only to say which they are
        start, end = _span(clause, unit, own)
        statement = Statement(
            unit.agent,
            passage.section,
            start,
            end,
            unit.linked,
            unit.mention,
            cyclic,
            clause,
            unit.territory,
            amounts=amounts,
            **facts,
        )
        statements += part_routes(statement, own.route)
    return add_placebos(statements, units)


def _states_giving(own: Findings) -> bool:
    return bool(own.route or own.frequency or own.days or own.length)


def _span(clause: Clause, unit: Unit, own: Findings) -> tuple[int, int]:
    """The shortest stretch with the amount and all that is said of its giving."""
    marks = [mark for name in FIELDS if (mark := choose_mark(getattr(own, name), name))]
    spans = [(mark.start, mark.end) for mark in [*unit.amounts, *marks]]
    if not unit.amounts and unit.named:
        spans.append((unit.start, unit.end))
    spans = spans or [(clause.start, clause.end)]
    return min(start for start, _ in spans), max(end for _, end in spans)


def _spread(passage: Passage, statements: list[Statement], marks: Findings, start: int) -> None:
    """A clause that names no agent holds for its paragraph so far, or for all before it if it opens one."""
    if not marks.spans():
        return
    several = any(statement.agent.key != statements[0].agent.key for statement in statements)
    shared = ("cycle", "length", "route") if passage.is_group else ("cycle", "length")
    chosen = {name: choose_mark(getattr(marks, name), name) for name in (shared if several else FIELDS)}
    facts: dict[str, Any] = {name: Fact(mark, passage.section) for name, mark in chosen.items() if mark}
    paragraph = passage.text.rfind("\n", max(0, start - _REACH), start)
    if statements[-1].clause.start <= paragraph:
        paragraph = -1
    for place in range(len(statements) - 1, max(-1, len(statements) - 1 - _FURTHEST), -1):
        statement = statements[place]
        if statement.start <= paragraph:
            break
        if changes := {name: fact for name, fact in facts.items() if getattr(statement, name) is None}:
            statements[place] = replace(statement, **changes)

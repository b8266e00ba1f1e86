"""How sure each field of a regimen is: shares of right values among labelled arms and interventions, held-out ones too.

What a share depends on is named in each function; a field that is left empty is a value as well. ``python -m
benchmarks.reliability`` measures whether the shares hold.
"""

import re
from collections.abc import Iterable

from extractor.parse.vocabulary import load_vocabulary
from extractor.schemas import Amount, Frequency, Route

from .agents import GENERAL
from .facts import Fact, Statement
from .names import is_vague, name_key
from .passages import Passage

__all__ = [
    "trust_agent",
    "trust_amounts",
    "trust_cycle",
    "trust_frequency",
    "trust_length",
    "trust_route",
    "trust_timing",
]

_NAMES = load_vocabulary("agents")
_PLAIN_ROUTES = frozenset({Route.INTRAVENOUS, Route.ORAL, Route.SUBCUTANEOUS, Route.SUBLINGUAL})
_PLAIN_UNITS = frozenset({"mg", "mg/kg", "mg/m2", "cells/kg", "Gy"})
_DOSE_LIKE = re.compile(
    r"\d\s?(?:mg|mcg|[uµμ]g|g|ml|iu|units?|cells|tablets?|capsules?|puffs?|drops?|gy|%)", re.IGNORECASE
)
_TIMES = re.compile(r"daily|week|day|once|twice|single|every|month|hour|dose", re.IGNORECASE)
_CYCLES = re.compile(r"cycle|course", re.IGNORECASE)
_SPANS = re.compile(r"\b(?:week|month|year|cycle|course|day)s?\b", re.IGNORECASE)
_MOMENTS = re.compile(r"\b(?:day|before|after|prior|during|week)s?\b", re.IGNORECASE)


def trust_agent(statement: Statement, named_in: Passage | None) -> float:
    """By whether the agent is the whole name of an intervention, known elsewhere, and named in the clause.

    ``named_in`` is the passage in which the agent's own name stands.
    """
    agent, mention = statement.agent, statement.mention
    name = named_in.text[agent.start : agent.end] if named_in else ""
    whole = named_in is not None and named_in.is_intervention and name_key(_read_title(named_in)) == agent.key
    same = mention is not None and name_key(statement.clause.text[mention.start : mention.end]) == agent.key
    known = _NAMES.first(name) is not None
    if mention is not None and not same:
        return 0.62
    if is_vague(agent.key):
        return (0.93 if known else 0.5) if whole else 0.6 if same else 0.5
    if whole:
        return (0.97 if known and statement.linked == 1 else 0.94) if same else 0.93
    if same:
        return 0.9 if known or statement.linked <= GENERAL else 0.78
    return 0.7


def _read_title(passage: Passage) -> str:
    return passage.text[slice(*passage.title)]


def trust_amounts(statement: Statement, levels: tuple[Amount, ...], passages: Iterable[Passage]) -> float:
    """By how many doses there are, and whether others stand near; of none, by whether anything looks like a dose.

    ``passages`` are those in which a dose could stand: the statement's own one, and the descriptions.
    """
    near = statement.clause.marks.inside(*statement.reach).amounts
    if not levels:
        if any(_DOSE_LIKE.search(passage.text) for passage in passages):
            return 0.66
        clause = statement.clause
        return 0.94 if any(map(str.isdigit, clause.text[clause.start : clause.end])) else 0.98
    if len(levels) > 1:
        return 0.85 if len(statement.amounts) == 1 else 0.6
    return 0.98 if len(near) <= 1 and levels[0].unit in _PLAIN_UNITS else 0.9


def trust_route(statement: Statement) -> float:
    """By whether the clause names one route, and which."""
    if statement.route is None:
        return 0.88
    clause = statement.clause
    if not _stands_in_clause(statement.route, statement):
        return 0.96
    if len({mark.value for mark in clause.marks.route}) > 1:
        return 0.9
    return 0.98 if statement.route.value in _PLAIN_ROUTES else 0.92


def trust_frequency(statement: Statement, value: Frequency | None, passage: Passage) -> float:
    """By whether words or days say it, and whether they agree."""
    if value is None:
        return 0.55 if statement.days or _TIMES.search(passage.text) else 0.84
    fact = statement.frequency or statement.days
    if fact is None or not _stands_in_clause(fact, statement):
        return 0.73
    if statement.frequency is None:
        return {Frequency.ONCE: 0.7, Frequency.OTHER: 0.5}.get(value, 0.94)
    several = len({mark.value for mark in statement.clause.marks.inside(*statement.reach).frequency}) > 1
    if several:
        return 0.72
    return 0.85 if value is Frequency.ONCE else 0.94


def trust_cycle(statement: Statement, *, stated: bool, passage: Passage) -> float:
    """By where it stands; of none, by whether the passage speaks of cycles."""
    if not stated or statement.cycle is None:
        return 0.57 if _CYCLES.search(passage.text) else 0.99
    return 0.97 if _stands_in_clause(statement.cycle, statement) else 0.94


def trust_length(statement: Statement, *, stated: bool, passage: Passage) -> float:
    """By where it stands; of none, by whether the passage speaks of any time."""
    if not stated or statement.length is None:
        return 0.9 if _SPANS.search(passage.text) else 0.98
    return 0.86 if _stands_in_clause(statement.length, statement) else 0.7


def trust_timing(statement: Statement, fact: Fact | None, passage: Passage) -> float:
    """By whether days or a moment in words are named; of none, by whether the passage speaks of any."""
    if fact is None:
        return 0.86 if _MOMENTS.search(passage.text) else 0.93
    return 0.78 if fact is statement.days else 0.54


def _stands_in_clause(fact: Fact, statement: Statement) -> bool:
    clause = statement.clause
    return fact.section == statement.section and clause.start <= fact.mark.start < clause.end

"""How sure each field of a regimen is: shares of right values among labelled arms and interventions, held-out ones too.

What a share depends on is named in each function; a field that is left empty is a value as well. ``python -m
benchmarks.reliability`` measures whether the shares hold.
"""

import re
from functools import lru_cache

from extractor.parse.vocabulary import load_vocabulary
from extractor.schemas import Amount, Frequency, Route, TimeUnit

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
_SPAN = r"(?:week|month|year|cycle|course|day)s?\b"
_SPANS = re.compile(rf"\b{_SPAN}", re.IGNORECASE)
_COUNTED_SPANS = re.compile(
    rf"(?:\d|\b(?:an?|one|two|three|four|five|six|twelve))[\s)-]*(?:{_SPAN}|doses?\b)", re.IGNORECASE
)
_TREATED_SPANS = re.compile(
    rf"\b(?:for|over|up to|during|until|through|total of|x)\b[^.;]{{0,25}}?{_SPAN}", re.IGNORECASE
)
_MOMENTS = re.compile(
    r"\b(?:days? ?-?\d|D-?\d|before|after|prior|during|morning|evening|until|following|start\w*|begin\w*|bedtime|"
    r"night|meals?|food|visits?|within|(?:week|month)s? \d|apart|interval|throughout)",
    re.IGNORECASE,
)
_MOMENTS_AT_ALL = re.compile(
    r"\b(?:days?|before|after|prior|during|morning|evening|until|following|start\w*|begin\w*|bedtime|night|meals?|"
    r"food|D-?\d+|visits?|within|(?:week|month)s? \d+|when|once|apart|interval|minutes|hours|throughout|then)\b",
    re.IGNORECASE,
)


def trust_agent(statement: Statement, named_in: Passage | None) -> float:
    """By whether the agent is the whole name of an intervention, known elsewhere, and named in the clause with a dose.

    ``named_in`` is the passage in which the agent's own name stands.
    """
    agent, mention = statement.agent, statement.mention
    name = named_in.text[agent.start : agent.end] if named_in else ""
    whole = named_in is not None and named_in.is_intervention and name_key(_read_title(named_in)) == agent.key
    same = mention is not None and name_key(statement.clause.text[mention.start : mention.end]) == agent.key
    known = _NAMES.first(name) is not None
    if mention is not None and not same:
        return 0.61
    if is_vague(agent.key):
        return (0.93 if known else 0.5) if whole else 0.6 if same else 0.5
    if whole and same and known and statement.linked == 1:
        return 0.97 if statement.amounts else 0.94
    if whole:
        return 0.92 if same else 0.89
    return 0.8 if same else 0.66


def _read_title(passage: Passage) -> str:
    return passage.text[slice(*passage.title)]


def trust_amounts(statement: Statement, levels: tuple[Amount, ...], described: str) -> float:
    """By how many doses there are, and whether others stand near; of none, by whether anything looks like a dose.

    A dose could stand in the statement's own passage, and in what is ``described`` outside of arms and interventions.
    """
    near = statement.clause.marks.inside(*statement.reach).amounts
    own = statement.clause.text
    if not levels:
        if _tells(_DOSE_LIKE, own) or _tells(_DOSE_LIKE, described):
            return 0.63
        clause = statement.clause
        return 0.96 if any(map(str.isdigit, clause.text[clause.start : clause.end])) else 0.97
    if len(levels) > 1:
        return 0.9 if len(statement.amounts) == 1 else 0.63
    if len(near) <= 1 and levels[0].unit in _PLAIN_UNITS:
        return 0.97
    alone = len({mark.value for mark in statement.clause.marks.amounts}) == 1
    return 0.97 if alone else 0.8


def trust_route(statement: Statement) -> float:
    """By whether the clause names one route, and which."""
    if statement.route is None:
        return 0.84
    clause = statement.clause
    if not _stands_in_clause(statement.route, statement):
        return 0.96
    if len({mark.value for mark in clause.marks.route}) > 1:
        return 0.94
    return 0.98 if statement.route.value in _PLAIN_ROUTES else 0.94


def trust_frequency(statement: Statement, value: Frequency | None, passage: Passage, *, few: bool) -> float:
    """By whether words or days say it, and how often; ``few`` holds where the record has two codes at most."""
    if value is None:
        return 0.59 if statement.days or _tells(_TIMES, passage.text) else 0.86
    fact = statement.frequency or statement.days
    if fact is None or not _stands_in_clause(fact, statement):
        return 0.8
    if statement.frequency is None:
        return {Frequency.ONCE: 0.85, Frequency.OTHER: 0.8}.get(value, 0.94)
    codes = {mark.value for mark in statement.clause.marks.inside(*statement.reach).frequency}
    if len(codes) > 1:
        return 0.82
    if value is Frequency.ONCE:
        return 0.87
    alone = len(codes) == 1 and not statement.days and statement.cycle is None
    told_once = sum(one.frequency is not None for one in statement.told_by or (statement,)) == 1
    return 0.97 if (few and alone) or (told_once and not statement.days) else 0.94


def trust_cycle(statement: Statement, whole: str, *, stated: bool) -> float:
    """By where it stands; of none, by whether its passage, or another one of the record, speaks of cycles."""
    if stated and statement.cycle is not None:
        return 0.98 if _stands_in_clause(statement.cycle, statement) else 0.9
    if _tells(_CYCLES, statement.clause.text):
        return 0.57
    return 0.94 if _tells(_CYCLES, whole) else 0.99


def trust_length(length: Fact | None, statement: Statement, whole: str) -> float:
    """By where it stands, and its unit; of none, by whether a text counts any time.

    ``length`` is what is given as the length, ``whole`` the text of all passages of the record.
    """
    if length is not None and length.value is not None:
        if not _stands_in_clause(length, statement):
            return 0.75
        return 0.8 if length.value.unit is TimeUnit.DAY else 0.91
    own = statement.clause.text
    if not _tells(_COUNTED_SPANS, whole):
        return 0.98
    if not _tells(_SPANS, own):
        return 0.93
    return 0.84 if _tells(_TREATED_SPANS, own) else 0.91


def trust_timing(statement: Statement, fact: Fact | None, whole: str) -> float:
    """By whether days or a moment in words are named; of none, by whether a text speaks of any."""
    if fact is not None:
        if fact is not statement.days:
            return 0.56
        return 0.75 if statement.frequency else 0.86
    if not _tells(_MOMENTS_AT_ALL, whole):
        return 0.99
    if _tells(_MOMENTS, statement.clause.text):
        return 0.7
    return 0.83 if _tells(_MOMENTS, whole) else 0.9


def _stands_in_clause(fact: Fact, statement: Statement) -> bool:
    clause = statement.clause
    return fact.section == statement.section and clause.start <= fact.mark.start < clause.end


@lru_cache(maxsize=32)
def _tells(expression: re.Pattern[str], text: str) -> bool:
    """Whether a text holds the expression: asked for each regimen of a record, answered once."""
    return expression.search(text) is not None

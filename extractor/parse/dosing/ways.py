"""Alternatives within one clause: two routes ("IV or orally") and the placebo beside a drug ("EX-12 or placebo")."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from extractor.schemas import Route

from .facts import Fact, Statement
from .linking import Unit
from .marks import Mark

__all__ = ["add_placebos", "part_routes"]

_OR = re.compile(r"\)?,?\s(?:and/)?or\s(?:by\s|via\s|as\s|an?\s|\(){0,2}", re.IGNORECASE)
_OR_PLACEBO = re.compile(
    r"\s?(?:\([^()]{0,40}\)\s?)?(?:/|\b(?:and/)?or\b)\s?(?:(?:an?|the|matching|matched|corresponding)\s){0,2}",
    re.IGNORECASE,
)


def part_routes(statement: Statement, routes: Sequence[Mark[Route]]) -> list[Statement]:
    """One statement for each of the routes that "or" joins; else the statement as it is.

    ``routes`` are those in the part of the clause that speaks of the statement's agent, in reading order.
    """
    text = statement.clause.text
    joined: dict[Route, Mark[Route]] = {}
    for one, other in pairwise(routes):
        if one.value != other.value and _OR.fullmatch(text, one.end, other.start):
            joined.setdefault(one.value, one)
            joined.setdefault(other.value, other)
    if not joined or statement.route is None or statement.route.value not in joined:
        return [statement]
    return [replace(statement, route=Fact(mark, statement.section)) for mark in joined.values()]


def add_placebos(statements: Sequence[Statement], units: Iterable[Unit]) -> list[Statement]:
    """The statements, and one for each placebo that is named as the alternative of an agent and has none of its own.

    A placebo is given as the agent is; the dose is that of the agent alone.
    """
    known = {statement.agent.key for statement in statements}
    added = []
    for one, other in pairwise(units):
        placebo, agent = (one, other) if one.agent.kind == "placebo" else (other, one)
        if placebo.agent.kind != "placebo" or placebo.agent.key in known or not (one.mention and other.mention):
            continue
        beside = next((s for s in statements if s.agent.key == agent.agent.key), None)
        if beside and _OR_PLACEBO.fullmatch(beside.clause.text, one.mention.end, other.mention.start):
            added.append(
                replace(beside, agent=placebo.agent, mention=placebo.mention, linked=placebo.linked, amounts=())
            )
    return [*statements, *added]

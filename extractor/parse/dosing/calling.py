"""How the agent of a regimen is called: as the text around the dose names it, or as it is registered."""

import re

from extractor.parse.parsed import Span

from .aliases import is_short_form
from .facts import Statement
from .introduced import find_substance
from .names import is_vague, name_key, omit_salt, reach_salt
from .passages import RecordText

__all__ = ["find_name", "is_shorter"]

_CODE = re.compile(r"[A-Z]{2,}[\w-]*\d[\w-]*")


def find_name(statement: Statement, source: RecordText) -> Span:
    """Where the agent is named: in the clause, except where an intervention's own name is the fuller one."""
    agent, mention = statement.agent, statement.mention
    text = source.passages[statement.section].text
    if agent.kind != "placebo" and is_vague(agent.key) and (substance := _find_substance(statement)):
        return source.span(statement.section, *substance)
    if mention is None:
        return _find_own_name(statement, source)
    called = text[mention.start : mention.end]
    own = source.passages[agent.section].text[agent.start : agent.end] if agent.section in source.passages else ""
    if is_shorter(called, own):
        return source.span(statement.section, mention.start, mention.end)
    if _is_fuller(own, called, statement):
        return _find_own_name(statement, source)
    return source.span(statement.section, mention.start, reach_salt(text, mention.end))


def is_shorter(called: str, name: str) -> bool:
    """Whether a text calls by its bare name what is registered with words of its kind before: a code, a placebo.

    >>> is_shorter("EX9283", "kinase inhibitor EX9283"), is_shorter("placebo", "Saline Placebo")
    (True, True)
    >>> is_shorter("vincristine", "liposomal vincristine")
    False
    """
    behind = name.casefold().endswith(f" {called.casefold()}")
    return behind and (called.casefold() == "placebo" or _CODE.fullmatch(called) is not None)


def _is_fuller(own: str, called: str, statement: Statement) -> bool:
    """Whether the registered name says more than the one in the clause: of a placebo, of an abbreviation, or nearby."""
    agent = statement.agent
    if agent.kind == "placebo" and own:
        return True
    if name_key(called) == agent.key:
        return False
    if own and is_short_form(called):
        return True
    return agent.section == statement.section and not is_vague(agent.key)


def _find_substance(statement: Statement) -> tuple[int, int] | None:
    """What "oral immunotherapy" and the like are done with, where the dose says so: "300 mg of oat flour"."""
    own = (fact.mark for fact in statement.amounts if fact.section == statement.section)
    return next((place for mark in own if (place := find_substance(statement.clause.text, mark.end))), None)


def _find_own_name(statement: Statement, source: RecordText) -> Span:
    """Where the agent's own name stands, in an intervention mostly."""
    agent = statement.agent
    if agent.section not in source.passages:
        return source.span(agent.section, agent.start, agent.end)
    name = source.passages[agent.section].text[agent.start : agent.end]
    kept = omit_salt(name, (passage.text for passage in source.passages.values()))
    return source.span(agent.section, agent.start, agent.start + kept)

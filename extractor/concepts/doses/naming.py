"""How a regimen names its agent: by the words of its clause, or by the record's own name for it."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from extractor.concepts.doses.agents import Agent
from extractor.concepts.doses.clauses import Statement
from extractor.concepts.doses.names import (
    count_name,
    find_general,
    is_code,
    is_salt,
    is_vague,
    name_key,
    unify_name,
)
from extractor.concepts.doses.sections import DosingSection
from extractor.language.lexer import lex

_LONGEST_ABBREVIATION = 5
"""The most letters of a name in capitals that is no full name: "DLI"."""


class Name(NamedTuple):
    """The section and the tokens that name an agent."""

    section: DosingSection
    first: int
    end: int


def find_name(statement: Statement, sections: Mapping[str, DosingSection]) -> Name:
    """Return the words that name the agent: in its clause, unless the registered name says
    more.
    """
    agent = statement.agent
    mention = statement.mention
    if mention is None or agent.kind == "placebo":
        return _find_own_name(agent, sections)
    section = sections[statement.section]
    tokens = section.tokens
    short = tokens.read(mention.first, mention.end)
    if name_key(short) != agent.key:
        is_renamed = unify_name(short) != name_key(short)
        is_nearby = agent.section == statement.section and not is_vague(agent.key)
        # not only a word of its kind, such as "NK cells"
        is_whole = mention.confidence == 1
        if is_renamed or is_nearby or (is_whole and _is_usual(agent, short, sections)):
            return _find_own_name(agent, sections)
    end = mention.end
    while is_salt(tokens, end):
        end += 1
    return Name(section, mention.first, end)


def _is_usual(agent: Agent, other: str, sections: Mapping[str, DosingSection]) -> bool:
    """Return whether a record uses the agent's own name as often as another one, such as a code or
    a brand.

    It is not used for a known substance, or if it is a code, an abbreviation, or does not say what
    is given.
    """
    if agent.section not in sections:  # a model found the name
        return False
    tokens = sections[agent.section].tokens
    own = tokens.read(agent.first, agent.end)
    if is_vague(own) or is_code(tokens, agent.first, agent.end):
        return False
    if own.isupper() and len(own) <= _LONGEST_ABBREVIATION:
        return False
    if find_general(lex(other)) and not find_general(lex(own)):
        return False
    return _count(own, sections) >= _count(other, sections)


def _count(name: str, sections: Mapping[str, DosingSection]) -> int:
    """Return how often a record uses a name."""
    return sum(
        count_name(name, section.tokens, section.aliases)
        for section in sections.values()
    )


def _find_own_name(agent: Agent, sections: Mapping[str, DosingSection]) -> Name:
    """Return the agent's own name, usually in an intervention, without its salt if the record
    also omits it.
    """
    section = sections[agent.section]
    bare = agent.end
    while bare - agent.first > 1 and is_salt(section.tokens, bare - 1):
        bare -= 1
    if bare < agent.end:
        name = section.tokens.read(agent.first, bare)
        if _is_named(name, sections.values()):
            return Name(section, agent.first, bare)
    return Name(section, agent.first, agent.end)


def _is_named(name: str, sections: Collection[DosingSection]) -> bool:
    """Return whether the record has this name without a salt after it."""
    words = [word.lower() for word in lex(name).words]
    for section in sections:
        folded = [word.lower() for word in section.tokens.words]
        for end in range(len(words), len(folded) + 1):
            if folded[end - len(words) : end] != words:
                continue
            if not is_salt(section.tokens, end):
                return True
    return False

"""Choose the name of a statement's agent, and how sure it is: by the case of its evidence."""

from collections.abc import Collection, Mapping, Sequence

from extractor.concepts.doses.agents import Agent, Mention, is_substance
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
from extractor.concepts.doses.new_names import INTRODUCED
from extractor.concepts.doses.sections import DosingSection
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.language.lexer import Tokens, lex

_MOST_WORDS = 2
"""The most words of a name whose extent is sure."""
_SUBSTANCES = frozenset(
    {
        "drug",
        "biological",
        "dietary_supplement",
        "genetic",
        "radiation",
        "combination_product",
        "",
    }
)
"""Registered types of what has a dose; registries without types name drugs alone."""
_LONGEST_ABBREVIATION = 5
"""The most letters of a name in capitals that is no full name: "DLI"."""
_JOINS = frozenset({"and", "plus", "+", "&"})
"""Between two agents that are registered under one name."""


def find_name(
    statement: Statement, sections: Mapping[str, DosingSection]
) -> tuple[DosingSection, int, int]:
    """Return the section and tokens that name the agent.

    These are its mention in the clause, with a salt behind it. The agent's own name, usually that
    of an intervention, is taken instead for a placebo, for an agent that the clause does not name,
    and where the clause has another name that gives way to the own one (``_gives_way``), such as
    an abbreviation.
    """
    agent = statement.agent
    mention = statement.mention
    if mention is None or agent.kind == "placebo":
        return _find_own_name(statement, sections)
    section = sections[statement.section]
    tokens = section.tokens
    short = tokens.read(mention.first, mention.end)
    if name_key(short) != agent.key and _gives_way(statement, mention, short, sections):
        return _find_own_name(statement, sections)
    end = mention.end
    while is_salt(tokens, end):
        end += 1
    return section, mention.first, end


def _gives_way(
    statement: Statement,
    mention: Mention,
    short: str,
    sections: Mapping[str, DosingSection],
) -> bool:
    """Return whether another name of an agent in a clause (``mention``, written ``short``) gives
    way to the agent's own name: an abbreviation of the vocabulary, any other name if the own one
    stands in the same section and is not vague, a misspelling, and a registered name that the
    record uses no more often.
    """
    agent = statement.agent
    # an abbreviation of the vocabulary, such as "TBI"
    if unify_name(short) != name_key(short):
        return True
    if agent.section == statement.section and not is_vague(agent.key):
        return True
    # "Allopurinal" is found by its likeness to the agent's own name
    if mention.confidence <= INTRODUCED:
        return True
    # not only a word of its kind, such as "NK cells"
    is_registered = mention.confidence == 1
    return is_registered and _is_usual(agent, short, sections)


def _is_usual(agent: Agent, other: str, sections: Mapping[str, DosingSection]) -> bool:
    """Return whether a record uses the agent's own name as often as another one, such as a code or
    a brand.

    The own name never counts as usual if it is a code or an abbreviation, does not say what is
    given, or is unknown where the other one is a known substance.
    """
    # a model found the name
    if agent.section not in sections:
        return False
    tokens = sections[agent.section].tokens
    own = tokens.read(agent.first, agent.end)
    is_abbreviation = own.isupper() and len(own) <= _LONGEST_ABBREVIATION
    if is_abbreviation or is_code(tokens, agent.first, agent.end):
        return False
    # "oral immunotherapy"
    if is_vague(own):
        return False
    if find_general(lex(other)) and not find_general(lex(own)):
        return False
    return _count(own, sections) >= _count(other, sections)


def _count(name: str, sections: Mapping[str, DosingSection]) -> int:
    """Return how often a record has a name, outside of the fields of other names."""
    return sum(
        count_name(name, section.tokens, section.aliases)
        for section in sections.values()
    )


def _find_own_name(
    statement: Statement, sections: Mapping[str, DosingSection]
) -> tuple[DosingSection, int, int]:
    """Return the section and tokens of the agent's own name, usually in an intervention; without
    its salt ("fludarabine phosphate") if the record also writes it without.
    """
    agent = statement.agent
    section = sections[agent.section]
    bare_end = agent.end
    while bare_end - agent.first > 1 and is_salt(section.tokens, bare_end - 1):
        bare_end -= 1
    if bare_end == agent.end:
        return section, agent.first, agent.end
    bare = section.tokens.read(agent.first, bare_end)
    is_named = _is_named(bare, sections.values())
    return section, agent.first, bare_end if is_named else agent.end


def _is_named(name: str, sections: Collection[DosingSection]) -> bool:
    """Return whether the record has this name somewhere without a salt behind it, whatever its
    case.
    """
    words = [word.lower() for word in lex(name).words]
    for section in sections:
        tokens = section.tokens
        folded = [word.lower() for word in tokens.words]
        for end in range(len(words), len(folded) + 1):
            if folded[end - len(words) : end] != words:
                continue
            if not is_salt(tokens, end):
                return True
    return False


def trust_name(cases: Sequence[str]) -> float:
    """Return the confidence of an agent from the cases of its name."""
    return min(measured("agent", case) for case in cases)


def list_name_cases(
    statement: Statement,
    section: DosingSection,
    place: Sequence[int],
    sections: Mapping[str, DosingSection],
) -> list[str]:
    """Return the cases of an agent: that of its name's source, and those in which its place in the
    clause or the extent of its name is in doubt.
    """
    cases = [name_source(statement, section, place, sections)]
    doubt = find_doubt(statement, sections)
    if doubt:
        cases.append(doubt)
    if _may_be_longer(section, place):
        cases.append("extent in doubt")
    return cases


def _may_be_longer(section: DosingSection, place: Sequence[int]) -> bool:
    """Return whether a name may be longer or shorter: it has many words or that of a form, or an
    unexplained word follows: "pegol" behind "Examplumab" may be its part.
    """
    tokens = section.tokens
    first, end = place
    words = [at for at in range(first, end) if tokens.words[at].isalpha()]
    if len(words) > _MOST_WORDS:
        return True
    if any(_is_form(tokens, at) for at in words):
        return True
    if end >= len(tokens) or tokens.joined(end):
        return False
    if not tokens.words[end].isalpha() or _is_form(tokens, end):
        return False
    return rule("word_about_dose").covers(tokens, end, end + 1) is None


def name_source(
    statement: Statement,
    section: DosingSection,
    place: Sequence[int],
    sections: Mapping[str, DosingSection],
) -> str:
    """Return the case of an agent's source: where its name is registered, and how it looks."""
    agent = statement.agent
    own = sections[agent.section]
    if statement.mention is not None and statement.mention.confidence < 1:
        return "vocabulary alone"
    if not own.is_intervention:
        return "label of an arm"
    is_whole = (agent.first, agent.end) == own.title
    extent = "registered" if is_whole else "part of a registered name"
    return f"{extent}, {_name_look(agent, section, place)}"


def _name_look(agent: Agent, section: DosingSection, place: Sequence[int]) -> str:
    """Return what a name looks like: a code, one word that is known or not, or several words."""
    first, end = place
    if is_code(section.tokens, first, end):
        return "a code"
    if len(section.tokens.read(first, end).split()) > 1:
        return "several words"
    if agent.kind == "placebo":
        return "placebo"
    known = bool(find_general(section.tokens, first, end))
    return "a known word" if known else "another word"


def find_doubt(
    statement: Statement, sections: Mapping[str, DosingSection]
) -> str | None:
    """Return the case of a doubt about an agent: what it is, or where its name is missing; None if
    nothing is doubtful.
    """
    section = sections[statement.section]
    is_introduced = statement.mention is not None and statement.linked <= INTRODUCED
    if is_introduced or not _is_sure_substance(statement, sections):
        return "other treatment"
    if not section.is_group:
        return "in a description"
    if statement.mention is None and statement.clause.first > section.body[0]:
        return "topic of a later clause"
    return None


def _is_sure_substance(
    statement: Statement, sections: Mapping[str, DosingSection]
) -> bool:
    """Return whether a statement is surely about one substance: by the registered type or the
    vocabulary, with a name that states nothing else. Placebos are substances.
    """
    agent = statement.agent
    section = sections[agent.section]
    is_placebo = agent.kind == "placebo"
    if agent.kind == "class":
        return False
    # "oral immunotherapy"
    if not is_placebo and is_vague(agent.key):
        return False
    if _says_more_than_a_name(section, agent):
        return False
    # a dose may be that of only one of several agents
    if statement.mention is None and not statement.clause.has_one_topic:
        return False
    if is_placebo:
        return True
    if not is_substance(agent):
        return False
    if section.is_intervention and section.type in _SUBSTANCES:
        return True
    general = find_general(section.tokens, agent.first, agent.end)
    kinds = {kind for kind, *_ in general}
    return "drug" in kinds or "cells" in kinds


def _says_more_than_a_name(section: DosingSection, agent: Agent) -> bool:
    """Return whether a name has a dose, a time, another act or several agents in it."""
    first = agent.first
    end = agent.end
    words = {word.lower() for word in section.tokens.words[first:end]}
    if not _JOINS.isdisjoint(words):
        return True
    # "Glucose monitor" is used, and not given
    if rule("other_act").search(section.tokens, first, end):
        return True
    stated = section.marks.inside(first, end)
    return bool(stated.amounts or stated.frequency or stated.length)


def _is_form(tokens: Tokens, at: int) -> bool:
    """Return whether a word is that of a form or a route: "eye drops", "nasal"."""
    forms = ("kind_of_drug", "form_of_giving", "routes")
    return any(rule(name).covers(tokens, at, at + 1) for name in forms)

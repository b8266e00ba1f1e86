"""How the agent of a regimen is called: as the text around the dose names it, or as it is registered."""

from extractor.parse.parsed import Span
from extractor.text.lexer import lex

from .aliases import is_short_form
from .facts import Statement
from .mentions import find_substance
from .names import is_code, is_salt, is_vague, name_key, span_of
from .passages import RecordText

__all__ = ["find_name", "is_shorter"]


def find_name(statement: Statement, source: RecordText) -> Span:
    """Where the agent is named: in the clause, except where an intervention's own name is the fuller one."""
    agent, mention = statement.agent, statement.mention
    tokens = source.passages[statement.section].tokens
    if agent.kind != "placebo" and is_vague(agent.key) and (substance := _find_substance(statement, source)):
        return source.span(statement.section, *substance)
    if mention is None:
        return _find_own_name(statement, source)
    called = tokens.text[mention.start : mention.end]
    own = source.passages[agent.section].text[agent.start : agent.end] if agent.section in source.passages else ""
    if is_shorter(called, own):
        return source.span(statement.section, mention.start, mention.end)
    if _is_fuller(own, called, statement):
        return _find_own_name(statement, source)
    end = tokens.before(mention.end)
    while is_salt(tokens, end):
        end += 1
    return source.span(statement.section, *span_of(tokens, (tokens.at(mention.start), end)))


def is_shorter(called: str, name: str) -> bool:
    """Whether a text calls by its bare name what is registered with words of its kind before: a code, a placebo.

    >>> is_shorter("EX9283", "kinase inhibitor EX9283"), is_shorter("placebo", "Saline Placebo")
    (True, True)
    >>> is_shorter("vincristine", "liposomal vincristine")
    False
    """
    if not name.casefold().endswith(f" {called.casefold()}"):
        return False
    tokens = lex(called)
    return called.casefold() == "placebo" or is_code(tokens, 0, len(tokens))


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


def _find_substance(statement: Statement, source: RecordText) -> tuple[int, int] | None:
    """What "oral immunotherapy" and the like are done with, where the dose says so: "300 mg of oat flour"."""
    tokens = source.passages[statement.section].tokens
    own = (fact.mark for fact in statement.amounts if fact.section == statement.section)
    found = next((place for mark in own if (place := find_substance(tokens, tokens.at(mark.end)))), None)
    return span_of(tokens, found) if found else None


def _find_own_name(statement: Statement, source: RecordText) -> Span:
    """Where the agent's own name stands, in an intervention mostly; without its salt if the record leaves it out."""
    agent = statement.agent
    end = agent.end
    if agent.section in source.passages:
        tokens = source.passages[agent.section].tokens
        first, last = tokens.at(agent.start), tokens.before(agent.end)
        bare = last
        while bare - first > 1 and is_salt(tokens, bare - 1):
            bare -= 1
        if bare < last and _is_called(tokens.read(first, bare), source):
            end = tokens.ends[bare - 1]
    return source.span(agent.section, agent.start, end)


def _is_called(name: str, source: RecordText) -> bool:
    """Whether the record calls an agent so, without a salt behind the name."""
    words = [word.lower() for word in lex(name).words]
    for passage in source.passages.values():
        tokens = passage.tokens
        folded = [word.lower() for word in tokens.words]
        for at in range(len(folded) - len(words) + 1):
            if (
                folded[at] == words[0]
                and folded[at : at + len(words)] == words
                and not is_salt(tokens, at + len(words))
            ):
                return True
    return False

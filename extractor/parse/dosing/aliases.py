"""Shorter names by which texts call the agents whose full names are known."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from extractor.text.book import find_terms, terms_of
from extractor.text.lexer import Tokens, is_abbreviation, lex

from .names import find_general, is_code, name_key

__all__ = ["is_short_form", "list_codes", "list_cores", "list_short_forms", "unify_name"]

T = TypeVar("T")
"""What a name stands for."""

_SHORT = {
    term if is_abbreviation(term) else term.lower(): entry.value
    for entry in terms_of("agent_abbreviations")
    for term in entry.terms
}
_SHORTEST, _LONGEST = 3, 8
"""Letters of initials."""


def unify_name(name: str) -> str:
    """The key under which an agent is known by its short form as well.

    >>> unify_name("TBI"), unify_name("Examplumab")
    ('total body irradiation', 'examplumab')
    """
    return _SHORT.get(name) or _SHORT.get(name.lower()) or name_key(name)


def is_short_form(name: str) -> bool:
    """Whether texts say ``name`` for short, or by another name, for an agent.

    >>> is_short_form("MTX"), is_short_form("methotrexate")
    (True, False)
    """
    return unify_name(name) != name_key(name)


def list_codes(names: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """The codes at the end of longer names.

    >>> list(list_codes([("kinase inhibitor EX9283", 1), ("examplumab", 2)]))
    [('EX9283', 1)]
    """
    for name, agent in names:
        last = name.split()[-1] if " " in name else ""
        tokens = lex(last)
        if last and is_code(tokens, 0, len(tokens)) and sum(map(str.isdigit, last)) > 1:
            yield last, agent


def list_cores(names: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """The drugs after which longer names are made.

    >>> list(list_cores([("liposomal vincristine", 1), ("cisplatin and etoposide", 2)]))
    [('vincristine', 1)]
    """
    for name, agent in names:
        tokens = lex(name_key(name))
        found = find_general(tokens) if len(tokens) > 1 else []
        if len(found) == 1 and found[0][1] > 0 and found[0][2] == len(tokens):
            yield tokens.read(*found[0][1:]), agent


def list_short_forms(names: Sequence[tuple[str, T]], texts: Sequence[Tokens]) -> Iterator[tuple[str, T]]:
    """The abbreviations and the initials of names that the texts use.

    >>> list(list_short_forms([("umbilical cord blood", 1)], [lex("UCB on day 0")]))
    [('UCB', 1)]
    """
    entries = {term.entry.value: term.entry for tokens in texts for term in find_terms(tokens, "agent_abbreviations")}
    for value, entry in entries.items():
        yield from ((short, agent) for name, agent in names if name_key(name).endswith(value) for short in entry.terms)
    capitals = {
        word for tokens in texts for word in tokens.words if word.isupper() and _SHORTEST <= len(word) <= _LONGEST
    }
    for name, agent in names:
        initials = "".join(word[0] for word in lex(name).words if word[0].isalpha()).upper()
        tails = (initials[at:] for at in range(max(0, len(initials) - _LONGEST), len(initials) - _SHORTEST + 1))
        yield from ((tail, agent) for tail in tails if tail in capitals)

"""Shorter names by which texts call the agents whose full names are known."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from extractor.parse.vocabulary import load_vocabulary

from .names import name_key

__all__ = ["is_short_form", "list_codes", "list_cores", "list_short_forms", "unify_name"]

T = TypeVar("T")
"""What a name stands for."""

_NAMES = load_vocabulary("agents")
_ABBREVIATIONS = load_vocabulary("agent_abbreviations")
_LONGEST_INITIALS = 8
_CAPITALS = re.compile(rf"\b[A-Z]{{3,{_LONGEST_INITIALS}}}\b")
_LETTERS = re.compile(r"[A-Za-z]+")
_CODE = re.compile(r"(?<=\s)[A-Z]{1,5}-?\d[\d.]+[A-Z]?$")


def unify_name(name: str) -> str:
    """The key under which an agent is known by its short form as well.

    >>> unify_name("TBI"), unify_name("Examplumab")
    ('total body irradiation', 'examplumab')
    """
    found = _ABBREVIATIONS.first(name)
    return found.value if found and found.end - found.start == len(name) else name_key(name)


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
        if " " in name and (code := _CODE.search(name)):
            yield code[0], agent


def list_cores(names: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T]]:
    """The drugs after which longer names are made.

    >>> list(list_cores([("liposomal vincristine", 1), ("cisplatin and etoposide", 2)]))
    [('vincristine', 1)]
    """
    for name, agent in names:
        key = name_key(name)
        found = list(_NAMES.find(key)) if " " in key else []
        if len(found) == 1 and found[0].start > 0 and found[0].end == len(key):
            yield key[found[0].start :], agent


def list_short_forms(names: Sequence[tuple[str, T]], texts: Iterable[str]) -> Iterator[tuple[str, T]]:
    """The abbreviations and the initials of names that the texts use.

    >>> list(list_short_forms([("umbilical cord blood", 1)], ["UCB on day 0"]))
    [('UCB', 1)]
    """
    texts = list(texts)
    entries = dict.fromkeys((match.value, match.entry.terms) for text in texts for match in _ABBREVIATIONS.find(text))
    for value, terms in entries:
        yield from ((short, agent) for name, agent in names if name_key(name).endswith(value) for short in terms)
    capitals = {found for text in texts for found in _CAPITALS.findall(text)}
    for name, agent in names:
        initials = "".join(word[0] for word in _LETTERS.findall(name)).upper()
        tails = (initials[at:] for at in range(max(0, len(initials) - _LONGEST_INITIALS), len(initials) - 2))
        yield from ((tail, agent) for tail in tails if tail in capitals)

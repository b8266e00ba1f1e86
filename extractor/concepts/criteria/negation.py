"""Find whether a criterion says that something must be absent, and in which words."""

from typing import NamedTuple

from extractor.language.book import rule
from extractor.language.lexer import Tokens

_BEHIND = ("denied_behind", "free_behind")
"""Rules of a name with what denies it behind it: "Fever: none", "seizure-free"."""


class Negation(NamedTuple):
    """``tokens.words[first:end]`` negates a statement. ``leads``: it stands in front of what is
    denied.
    """

    first: int
    end: int
    leads: bool


def find_negation(tokens: Tokens, first: int, end: int) -> Negation | None:
    """Return the words that negate the statement ``tokens.words[first:end]``; None if it is not
    negated.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Brain metastases: absent")
    >>> find_negation(tokens, 0, len(tokens))
    Negation(first=0, end=4, leads=False)
    """
    found = rule("negated_statement").starts(tokens, first, end)
    if found:
        return Negation(found.first, found.end, leads=True)
    found = next(
        filter(None, (rule(name).starts(tokens, first, end) for name in _BEHIND)), None
    )
    if found:
        return Negation(found.first, found.end, leads=False)
    found = rule("ruled_out").search(tokens, first, end)
    if found is None or rule("opens_clause").search(tokens, first, found.first):
        return None
    return Negation(first, found.end, leads=False)

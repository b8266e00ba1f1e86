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

    Words in front of the statement count first, then words behind its name, then a statement that
    something was ruled out, unless a clause such as "unless ..." begins before those words.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Brain metastases: absent")
    >>> find_negation(tokens, 0, len(tokens))
    Negation(first=0, end=4, leads=False)
    """
    # "No history of stroke", "Patients must not be pregnant"
    in_front = rule("negated_statement").starts(tokens, first, end)
    if in_front:
        return Negation(in_front.first, in_front.end, leads=True)
    # as in "Pregnancy: no", "Seizure-free for 2 years"
    for rule_name in _BEHIND:
        behind = rule(rule_name).starts(tokens, first, end)
        if behind:
            return Negation(behind.first, behind.end, leads=False)
    # as in "Stroke has been ruled out"
    ruled_out = rule("ruled_out").search(tokens, first, end)
    if ruled_out is None:
        return None
    if rule("opens_clause").search(tokens, first, ruled_out.first):
        return None
    return Negation(first, ruled_out.end, leads=False)

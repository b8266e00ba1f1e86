"""Determine whether a criterion states that something must be absent, and which words state
this.
"""

from typing import NamedTuple

from extractor.language.book import rule
from extractor.language.lexer import Tokens

_BEHIND = ("denied_behind", "free_behind", "absent_behind", "ruled_out_behind")
"""Rules for a negation after a name: "Fever: none", "seizure-free", "Fever is absent", "Fever has
been ruled out". Add new rules of this kind here.
"""
_BEHIND_ITS_NAME = "negated behind its name"


class Negation(NamedTuple):
    """The tokens ``first:end``, which negate a statement. ``case`` determines the confidence; its
    values are listed under ``negated`` in ``evidence/weights/measured.toml``.
    """

    first: int
    end: int
    case: str


def find_negation(tokens: Tokens, first: int, end: int) -> Negation | None:
    """Return the words that negate the statement in the tokens ``first:end``; None if it is not
    negated. Words at its beginning ("No fever") take precedence over words after a name ("Fever:
    none"); the search for the latter stops at a clause such as "unless ...".

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Brain metastases: absent")
    >>> find_negation(tokens, 0, len(tokens))
    Negation(first=0, end=4, case='negated behind its name')
    """
    # "No history of stroke", "Patients must not be pregnant"
    in_front = rule("negated_statement").starts(tokens, first, end)
    if in_front:
        return Negation(in_front.first, in_front.end, "negated")
    # as in "Pregnancy: no", "Seizure-free for 2 years", "Pain is absent", "Stroke is ruled out"
    for rule_name in _BEHIND:
        denial = rule(rule_name).starts(tokens, first, end)
        if denial:
            is_of_someone = rule("someone_absent").starts(tokens, first, end)
            case = "someone is absent" if is_of_someone else _BEHIND_ITS_NAME
            return Negation(denial.first, denial.end, case)
    return None


def name_case_of_no_negation(tokens: Tokens, first: int, end: int) -> str:
    """Return the case of a statement that is not negated. The case is doubtful if later words
    state that something is absent, as in "Patients in whom asthma is absent".

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Patients in whom asthma is absent")
    >>> name_case_of_no_negation(tokens, 0, len(tokens))
    'something else is absent'
    """
    if rule("denied_in_part").search(tokens, first, end):
        return "something else is absent"
    return "not negated"

"""Doubt a limit by its words alone: a name of more than a quantity, denials, other people, a number
that is a year. Each doubt is a sign; the fit weighs it.
"""

from collections.abc import Iterator

from extractor.language.book import read_text, rule
from extractor.language.lexer import Tokens
from extractor.schemas import Constraint

_IN_NAME = (
    "name_of_people",
    "name_with_verb",
    "name_with_break",
    "name_with_number",
    "name_with_or",
    "name_behind_relation",
)
"""Rules for the words that name a quantity, and signs where one matches."""
_IN_LINE = ("denied_twice", "other_people")
"""The same for the words of a line."""
_REACH = 24
"""How many tokens before a name may explain it."""
_LONG_NAME = 6
_LONG_LINE = 70
"""From how many tokens on a name or a line is long."""
_YEARS = range(1900, 2100)


def list_doubts(tokens: Tokens, constraint: Constraint, first: int) -> Iterator[str]:
    """Yield the signs of doubt of a limit in a line. ``first`` is the token at which the limit or
    its name begins, whichever is first.

    >>> text = "Be regular smokers (> 10 cigarettes per day)"
    >>> limit = Constraint(quantity="Be regular smokers", comparator=">", value=10)
    >>> list(list_doubts(read_text(text), limit, 0))
    ['name of people', 'name with verb']
    """
    name = read_text(constraint.quantity)
    matching = [doubt for doubt in _IN_NAME if rule(doubt).occurs(name)]
    matching += [doubt for doubt in _IN_LINE if rule(doubt).occurs(tokens)]
    if rule("explained_before").ends(tokens, first, first - _REACH):
        matching.append("explained_before")
    for doubt in matching:
        yield doubt.replace("_", " ")
    if len(name) >= _LONG_NAME:
        yield "a long name"
    if len(tokens) >= _LONG_LINE:
        yield "a long line"
    if constraint.unit is None and constraint.value in _YEARS:
        yield "a calendar year"
    if constraint.unit and rule("rate_over_time").occurs(read_text(constraint.unit)):
        yield "rate over time"

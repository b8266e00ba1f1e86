"""Lengths of time that are limits themselves: ages, life expectancy, gestation, intervals of the heart.

All other lengths of time say when something happened, and are windows.
"""

from extractor.text.book import read_text, rule
from extractor.text.lexer import Tokens

from .limits import Limit

__all__ = ["is_age", "is_lifetime", "names_persons"]

_NEAR = 14
"""How many tokens in front of a limit are looked at."""
_ADDED = frozenset(",;:-()")


def is_age(tokens: Tokens, limit: Limit) -> bool:
    """Whether a limit bounds an age.

    >>> from extractor.text.book import read_text
    >>> from .limits import find_limits
    >>> tokens = read_text("Smokers aged 18 to 65 years who smoked for at least 10 years")
    >>> [is_age(tokens, limit) for limit in find_limits(tokens, None)]
    [True, False]
    """
    if (limit.unit and not limit.time_unit) or limit.time_unit in ("hour", "minute"):
        return False
    first, end, floor = limit.first, limit.end, max(0, limit.first - _NEAR)
    if rule("within_front").ends(tokens, first, floor):
        return False
    if rule("old").search(tokens, first, end) or rule("old_behind").starts(tokens, end):
        return True
    related = rule("relation_behind").starts(tokens, end)
    if rule("aged_in_front").ends(tokens, first, floor) or rule("aged_in_front").search(tokens, first, end):
        return limit.value_high is not None or not related
    if limit.time_unit is None or related or rule("course_in_front").ends(tokens, first, floor):
        return False
    alone = _ADDED.issuperset(tokens.codes[:first]) and _ADDED.issuperset(tokens.codes[end:].strip("."))
    in_years = limit.time_unit == "year" and (limit.value_high is not None or alone)
    return in_years or rule("persons_in_front").ends(tokens, first, floor) is not None


def names_persons(tokens: Tokens, limit: Limit) -> bool:
    """Whether the persons who are so old stand in front of a length of time ("infants between 6 and 36 months")."""
    found = rule("persons_in_front").ends(tokens, limit.first, max(0, limit.first - 8))
    return found is not None and "with" not in tokens.words[max(0, limit.first - 3) : limit.first]


def is_lifetime(tokens: Tokens, limit: Limit, topic: str = "") -> bool:
    """Whether a length of time is itself what is limited: life expectancy, gestational age, a QT interval.

    ``topic`` is the heading of a line that begins with the limit.
    """
    first = limit.first
    if rule("within_front").ends(tokens, first, max(0, first - _NEAR)):
        return False
    heading = read_text(topic) if topic and not first else None
    if heading and rule("lifetime_in_front").ends(heading, len(heading)):
        return True
    named = rule("lifetime_in_front").ends(tokens, first, max(0, first - _NEAR))
    return named is not None or rule("pregnant_behind").starts(tokens, limit.end) is not None

"""Lengths of time that are limits themselves: ages, life expectancy, gestation, intervals of the heart.

All other lengths of time say when something happened, and are windows.
"""

import re

from extractor.parse.requirements import Guarded

from .alternatives import any_of
from .limit import Limit

__all__ = ["AGE_WORD", "is_age", "is_lifetime", "names_persons"]

AGE_WORD = re.compile(r"\b(?:ages?|aged)\b", re.IGNORECASE)
"""The word by which a text names an age."""

_OLD = r"\b(?:of\s+age|years?\s+old|old|older|younger|in\s+age|of\s+life|elder)\b"
_IS_OLD = re.compile(_OLD, re.IGNORECASE)
_OLD_BEHIND = re.compile(rf"\W*(?:(?:and|or)\s+)?(?:{_OLD})", re.IGNORECASE)
_PERSONS = any_of(
    """
    adults? child(?:ren)? infants? newborns? neonates? males? females? men women boys girls patients? subjects?
    participants? people persons? individuals? volunteers? mothers toddlers? teenagers? adolescents?
    """
)
_LINKS = any_of("and between over from of who are must be is with either sex gender to the or ages?")
_PERSONS_IN_FRONT = re.compile(rf"\b{_PERSONS}\W+(?:{_LINKS}\W+)*$", re.IGNORECASE)
_COURSE = any_of(
    """
    history onset duration since symptoms? smok\\w+ stable treated treatment for within last past previous during in
    every least until prior over_the
    """
)
_COURSE_IN_FRONT = re.compile(rf"\b{_COURSE}\b[^,;.]{{0,30}}$", re.IGNORECASE)
_AGE_IN_FRONT = Guarded(
    r"\b(?:ages?|aged)\b(?:(?!\b(?:for|within|last|past|previous|during|since|history)\b)[^.;]){0,40}$"
)
_RELATIONS = any_of("before prior preceding ago after following post since from apart history duration \\w+_history")
_RELATION_BEHIND = re.compile(rf"\W*{_RELATIONS}\b", re.IGNORECASE)
_WITHIN = Guarded(
    r"\b(?:within|in|during|throughout|over)\s+(?:the\s+)?(?:(?:last|past|first|previous|preceding|prior|next)\s+)+$"
    r"|\b(?:within|during)\s+(?:the\s+)?$"
)
_LIFETIME = any_of(
    """
    life[\\s-]*expect\\w* life\\s?span expected estimated predicted anticipated projected survival survive surviv\\w+
    born birth delivered
    at_term full[\\s-]?term QT\\w* QRS PR_interval gestation\\w* EGA prognosis menstrual_cycles?
    """
)
_LIFETIME_IN_FRONT = re.compile(rf"\b{_LIFETIME}\b[^.;]{{0,70}}$", re.IGNORECASE)
_PREGNANT_BEHIND = re.compile(r"\W*(?:of\s+)?(?:gestation|pregnan)", re.IGNORECASE)


def is_age(text: str, limit: Limit) -> bool:
    """Whether a limit bounds an age.

    >>> from .limits import find_limits
    >>> text = "Smokers aged 18 to 65 years who smoked for 10 years"
    >>> [is_age(text, limit) for limit in find_limits(text, None)]
    [True, False]
    """
    if (limit.unit and not limit.time_unit) or limit.time_unit in ("hour", "minute"):
        return False
    before, own, after = _around(text, limit)
    if _WITHIN.search(before):
        return False
    if _IS_OLD.search(own) or _OLD_BEHIND.match(after):
        return True
    if _AGE_IN_FRONT.search(before) or AGE_WORD.search(own):
        return limit.value_high is not None or not _RELATION_BEHIND.match(after)
    if limit.time_unit is None or _COURSE_IN_FRONT.search(before) or _RELATION_BEHIND.match(after):
        return False
    alone = not before.strip(" ,;:-(") and not after.strip(" ,;.)(")
    in_years = limit.time_unit == "year" and (limit.value_high is not None or alone)
    return in_years or bool(_PERSONS_IN_FRONT.search(before))


def names_persons(text: str, limit: Limit) -> bool:
    """Whether the persons who are so old stand in front of a length of time ("infants between 6 and 36 months")."""
    found = _PERSONS_IN_FRONT.search(text, max(0, limit.start - 40), limit.start)
    return bool(found) and " with " not in text[max(0, limit.start - 12) : limit.start]


def is_lifetime(text: str, limit: Limit, topic: str = "") -> bool:
    """Whether a length of time is itself what is limited: life expectancy, gestational age, a QT interval.

    ``topic`` is the heading of a line that begins with the limit.
    """
    before, _, after = _around(text, limit)
    if _WITHIN.search(before):
        return False
    front = before if before.strip() else f"{topic} "
    return bool(_LIFETIME_IN_FRONT.search(front) or _PREGNANT_BEHIND.match(after))


def _around(text: str, limit: Limit) -> tuple[str, str, str]:
    before = text[max(0, limit.start - 70) : limit.start]
    return before, text[limit.start : limit.end], text[limit.end : limit.end + 25]

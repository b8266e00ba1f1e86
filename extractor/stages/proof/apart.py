"""Tell words that belong to another limit of their line: a condition of its neighbour does not prove a limit.

Two limits on one quantity, to the same side, never hold for the same people. So the words that follow the second one
are not those of the first: "24-28 weeks for singletons, 26-30 weeks for twins".
"""

from collections.abc import Sequence

from extractor.schemas import Comparator
from extractor.text.lexer import Range, Tokens
from extractor.text.mentions.bounds import LOWER, UPPER, Limit
from extractor.text.quantity_names import names_quantity

_JOINTS = frozenset({"or", "and", "but"})
_MARKS = frozenset(",;(.:)")
_ENDS = frozenset(";.")


def is_of_another(tokens: Tokens, words: Range, own: Limit, limits: Sequence[Limit]) -> bool:
    """Return whether words belong to another limit of a line, or stand in an unrelated clause.

    >>> from extractor.text.book import read_text
    >>> from extractor.text.mentions.constraints import find_limits
    >>> tokens = read_text("HbA1c over 9 % on tablets or over 10 % on insulin")
    >>> limits = find_limits(tokens, None)
    >>> [is_of_another(tokens, (12, 14), one, limits) for one in limits]
    [True, False]
    """
    first, end = words
    before = [one for one in limits if one.first < first]
    behind = [one for one in limits if one.first >= end]  # a limit among the words is a part of them
    if own in before:
        return _is_said_later(tokens, words, own, before[before.index(own) + 1 :], behind)
    return own in behind and _is_said_earlier(tokens, words, own, before, behind[: behind.index(own)])


def _is_said_later(tokens: Tokens, words: Range, own: Limit, between: Sequence[Limit], behind: Sequence[Limit]) -> bool:
    """Return whether words behind a limit are those of a limit in between, or of the one behind them."""
    first, end = words
    leads = bool(behind) and not _parts(tokens, end, _start(behind[0]))
    if any(_exclude(tokens, own, one) for one in between):
        return True
    if _parts(tokens, own.end, first, _ENDS):  # "albumin > 28 g/L; TSH < 4 mIU/L, not if on thyroxine"
        return leads or any(not _parts(tokens, one.end, first, _ENDS) for one in between)
    return leads and not between and _parts(tokens, own.end, first)


def _is_said_earlier(
    tokens: Tokens, words: Range, own: Limit, before: Sequence[Limit], between: Sequence[Limit]
) -> bool:
    """Return whether words in front of a limit are those of a limit in between, or of the one before them."""
    first, end = words
    if any(_exclude(tokens, own, one) for one in between):
        return True
    if tokens.codes[end : end + 1] in (":", "-"):  # "Part C: ..." goes on
        return False
    follows = bool(before) and not _parts(tokens, before[-1].end, first)
    is_apart = _parts(tokens, end, _start(own))
    return _parts(tokens, end, own.first, _ENDS) or (follows and not between and is_apart)


def _start(limit: Limit) -> int:
    return min(limit.first, limit.quantity[0]) if limit.quantity else limit.first


def _parts(tokens: Tokens, first: int, end: int, marks: frozenset[str] = _MARKS) -> bool:
    """Return whether a mark or, if any mark counts, a joint stands between two places: "if treated, > 180 mmHg"."""
    is_joined = marks is _MARKS and any(word.lower() in _JOINTS for word in tokens.words[first:end])
    return is_joined or not marks.isdisjoint(tokens.codes[first:end])


def _exclude(tokens: Tokens, one: Limit, other: Limit) -> bool:
    """Return whether two limits never hold for the same people: other numbers for one side of one quantity."""
    named = [tokens.read(*each.quantity).lower() if each.quantity else "" for each in (one, other)]
    same = named[0] == named[1] or not all(names_quantity(name, surely=True) for name in named)
    units = {tokens.read(*each.unit).lower().partition("(")[0].strip() for each in (one, other) if each.unit}
    numbers = (one.value, one.value_high) != (other.value, other.value_high)
    return same and numbers and len(units) < 2 and not _list_sides(one).isdisjoint(_list_sides(other))


def _list_sides(limit: Limit) -> set[bool]:
    """Return the sides that a limit bounds: True for the lower one."""
    whole = limit.comparator in (Comparator.BETWEEN, Comparator.EQUAL)
    return {side for side, signs in ((True, LOWER), (False, UPPER)) if whole or limit.comparator in signs}

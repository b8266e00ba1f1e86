"""Amounts that only explain another one: the strength of a counted piece, the volume of a weighed dose, a total."""

import re
from collections.abc import Iterable

from extractor.schemas import Amount

from .marks import Mark
from .units import COUNTED

__all__ = ["AmountMark", "drop_explaining"]

AmountMark = Mark[tuple[Amount, ...]]

_VOLUMES = frozenset({"mL", "uL"})
_REACH = 60
"""How many characters apart one amount can explain another."""

_CONDITION = re.compile(r"\s?(?:if|for|in)\b")
_CLAUSE_END = re.compile(r"[;\n]")
_OF_PIECE = re.compile(r"\s?(?:\w+\s){0,2}?(?:of|x)\s(?:the\s)?|\s?[x,]\s?", re.IGNORECASE)
_PIECE = re.compile(r"\s?(?:oral\s)?(?:tab(?:let)?|cap(?:sule)?)s?\s?,?\s?", re.IGNORECASE)
_OPENING = re.compile(r"\s?\(\s?")
_CLOSING = re.compile(r"\s?\),?\s?")
_INTO_FRACTIONS = re.compile(
    r"[\s,]*(?:\w+\s){0,3}?(?:in|over|as)\s[\w~-]+\s(?:once\s)?(?:daily\s)?(?:fractions|fx)\b"
    r"[\s,(]*(?:of|at|with|x)?\s?",
    re.IGNORECASE,
)


def drop_explaining(text: str, amounts: Iterable[AmountMark]) -> tuple[AmountMark, ...]:
    """The amounts, which are in reading order, without those that only explain a neighbour.

    >>> from .amounts import find_amounts
    >>> for text in ("3 capsules (500 mg each)", "0.5 mL (20 ug)", "30 Gy in 15 fractions of 2 Gy"):
    ...     [(a.high, a.unit) for m in drop_explaining(text, find_amounts(text)) for a in m.value]
    [(3, 'capsule')]
    [(20, 'ug')]
    [(2, 'Gy')]
    """
    kept: list[AmountMark] = []
    for amount in amounts:
        between = text[kept[-1].end : amount.start] if kept else ""
        if not kept or len(between) >= _REACH:
            kept.append(amount)
        elif _first_explains(text, kept[-1], between, amount):
            kept[-1] = amount
        elif not (_is_strength(kept[-1], between, amount) or _is_bracketed(text, between, amount)):
            kept.append(amount)
    return tuple(kept)


def _first_explains(text: str, first: AmountMark, between: str, second: AmountMark) -> bool:
    """Whether a volume, a total of radiation or the strength in brackets gives way to the dose behind it."""
    one, other = _unit(first), _unit(second)
    if one in _VOLUMES:
        return other not in _VOLUMES and _OPENING.fullmatch(between) is not None
    if one == other == "Gy":
        return _INTO_FRACTIONS.fullmatch(between) is not None
    return (
        other in COUNTED
        and _CLOSING.fullmatch(between) is not None
        and text[max(0, first.start - 1) : first.start] == "("
    )


def _is_strength(first: AmountMark, between: str, second: AmountMark) -> bool:
    """Whether the second is that of one counted piece ("2 puffs of 80 ug"), or counts one piece ("5 mg tab, 1 tab")."""
    one, other = _unit(first), _unit(second)
    if one in COUNTED:
        return other not in COUNTED and _OF_PIECE.fullmatch(between) is not None
    return other in COUNTED and second.value[0].high == 1 and _PIECE.fullmatch(between) is not None


def _is_bracketed(text: str, between: str, amount: AmountMark) -> bool:
    if between.count("(") <= between.count(")") or _CLAUSE_END.search(between):
        return False
    return not _CONDITION.match(text, amount.end) and " or " not in between


def _unit(amount: AmountMark) -> str:
    return amount.value[0].unit

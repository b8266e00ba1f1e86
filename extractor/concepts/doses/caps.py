"""Find the most that may be given beside a dose: "(maximum 2 mg per dose, 10 mg a day)"."""

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from extractor.concepts.doses.marks import Mark, Place, list_beginning
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.quantities import WrittenQuantity, find_quantity_lists
from extractor.schemas import Maximum, MaximumPer

_PER = {
    "cap_per_day": MaximumPer.DAY,
    "cap_per_dose": MaximumPer.DOSE,
    "cap_per_week": MaximumPer.WEEK,
    "cap_per_cycle": MaximumPer.CYCLE,
    "cap_per_total": MaximumPer.TOTAL,
}
"""The rules for the words behind a maximum, and what it is then of."""
_RATE = "/day"
_WEAK = "up to"
_PLAIN = 0.9
_IMPLIED = 0.6
"""The confidences of a maximum with and without words for what it is of."""
_REACH = 16
"""Maximum number of tokens between a dose or a rise and the words before a maximum."""


class _Per(NamedTuple):
    """What a maximum is of, the token behind the words for it, and whether there are any."""

    per: MaximumPer
    end: int
    is_stated: bool


def find_maxima(tokens: Tokens, amounts: Sequence[Mark]) -> list[Mark]:
    """Return the maxima in a text from left to right. ``amounts`` are the amounts in the text,
    without which a maximum is itself a dose: "up to 40 mg daily".

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("5 mg/kg, not to exceed 300 mg per dose")
    >>> from extractor.concepts.doses.amounts import find_amounts
    >>> [str(mark.value) for mark in find_maxima(tokens, find_amounts(tokens))]
    ['300 mg per dose']
    """
    found: list[Mark] = []
    for level in _list_levels(tokens):
        number = level.high or level.low
        unit = level.unit.dose
        if number is None or not unit:
            continue
        words = _find_words(tokens, level)
        if words is None:
            previous = found[-1] if found else None
            words = _find_next(tokens, level, previous)
        if words is None or not _limits_dose(tokens, words, level, amounts):
            continue
        per = _read_per(tokens, level, words[0])
        of = per.per
        if not per.is_stated and _is_daily(words[0], amounts):
            of = MaximumPer.DAY
        value = Maximum(value=number, unit=unit.removesuffix(_RATE), per=of)
        confidence = _PLAIN if per.is_stated else _IMPLIED
        end = max(words[1], per.end)
        found.append(Mark("maximum", value, words[0], end, confidence))
    return found


def _list_levels(tokens: Tokens) -> Sequence[WrittenQuantity]:
    """Return the quantities of a text, and those behind "up to" that end no range, because the
    number before them has another unit: "5 mg/kg up to 200 mg".
    """
    levels = list(chain.from_iterable(find_quantity_lists(tokens)))
    read = frozenset(at for level in levels for at in range(level.first, level.end))
    for words in rule("up_to_number").find(tokens):
        if words.end - 1 in read:
            continue
        rest = find_quantity_lists(tokens, read)
        unread = [one for one in chain.from_iterable(rest) if one.first not in read]
        return sorted((*levels, *unread), key=attrgetter("first"))
    return levels


def _find_words(tokens: Tokens, level: WrittenQuantity) -> Place | None:
    """Return the tokens from the words that call a quantity a maximum to the quantity, or to the
    words behind it: "maximum 300 mg", "300 mg at most".
    """
    before = rule("maximum_words").ends(tokens, level.first)
    if before:
        return before.first, level.end
    behind = rule("maximum_behind").starts(tokens, level.end)
    if behind:
        return level.first, behind.end
    return None


def _find_next(
    tokens: Tokens, level: WrittenQuantity, previous: Mark | None
) -> Place | None:
    """Return the tokens of a quantity that goes on a maximum: "maximum 2 mg per dose, 10 mg a day".
    The first of them need not say what it is of, but this one does.
    """
    if previous is None:
        return None
    if not rule("maximum_goes_on").covers(tokens, previous.end, level.first):
        return None
    if not _read_per(tokens, level, level.first).is_stated:
        return None
    return level.first, level.end


def _limits_dose(
    tokens: Tokens, words: Place, level: WrittenQuantity, amounts: Sequence[Mark]
) -> bool:
    """Return whether a maximum limits a dose that the text states beside it."""
    first = words[0]
    # "doubled weekly up to a maximum of 25 mg": the target of a titration
    if rule("rising").occurs(tokens, max(0, first - _REACH), first):
        return False
    if first < level.first and _is_weak(tokens, first, level.first):
        end = _read_per(tokens, level, first).end
        is_of_hours = rule("hours_word").search(tokens, level.end, end) is not None
        return is_of_hours or _caps_dose(first, level, amounts)
    return any(mark.end <= level.first or level.end <= mark.first for mark in amounts)


def _read_per(tokens: Tokens, level: WrittenQuantity, first: int) -> _Per:
    """Return what a maximum is of. ``first`` is the first token of the words before it."""
    if (level.unit.dose or "").endswith(_RATE):
        return _Per(MaximumPer.DAY, level.end, is_stated=True)
    for name, per in _PER.items():
        behind = rule(name).starts(tokens, level.end)
        if behind:
            return _Per(per, behind.end, is_stated=True)
        # the unit may have taken the words
        if rule(name).ends(tokens, level.end, level.first):
            return _Per(per, level.end, is_stated=True)
    if rule("daily_dose_before").ends(tokens, first):
        return _Per(MaximumPer.DAY, level.end, is_stated=True)
    for name in ("daily_maximum", "cap_per_week", "cap_per_total"):
        if rule(name).search(tokens, first, level.first):
            return _Per(_PER.get(name, MaximumPer.DAY), level.end, is_stated=True)
    return _Per(MaximumPer.DOSE, level.end, is_stated=False)


def _is_weak(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether the words before a number are only "up to", which may begin a dose."""
    return tokens.read(first, end).strip(" (,").lower() == _WEAK


def _is_daily(first: int, amounts: Sequence[Mark]) -> bool:
    """Return whether the dose before the words of a maximum is that of a day: "20 mg/day"."""
    near = list_beginning(amounts, max(0, first - _REACH), first)
    return bool(near) and near[-1].value[-1].unit.endswith(_RATE)


def _caps_dose(first: int, level: WrittenQuantity, amounts: Sequence[Mark]) -> bool:
    """Return whether "up to" limits the dose before it: "5 mg/kg (up to 300 mg)"."""
    near = list_beginning(amounts, max(0, first - _REACH), first)
    if not near:
        return False
    dose = near[-1].value[-1].unit
    if dose == level.unit.dose or near[-1].value[-1].low is None:
        return False
    return "/" in dose.removesuffix(_RATE)

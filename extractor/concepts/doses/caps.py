"""Find the most that may be given beside a dose: "(maximum 2 mg per dose, 10 mg a day)"."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from extractor.concepts.doses.marks import Mark, list_beginning
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
    for level in chain.from_iterable(find_quantity_lists(tokens)):
        number = level.high or level.low
        if number is None or not level.unit.dose:
            continue
        before = rule("maximum_words").ends(tokens, level.first)
        goes_on = bool(found) and rule("maximum_goes_on").covers(
            tokens, found[-1].end, level.first
        )
        per = _read_per(tokens, level, before.first if before else level.first)
        is_next = bool(goes_on) and per.is_stated
        if before is None and not is_next:
            continue
        # "doubled weekly up to a maximum of 25 mg": the target of a titration
        if before and rule("rise_word").occurs(
            tokens, max(0, before.first - _REACH), before.first
        ):
            continue
        if before and _is_weak(tokens, before.first, level.first):
            of_hours = rule("hours_word").search(tokens, level.end, per.end)
            if not of_hours and not _caps_dose(before.first, level, amounts):
                continue
        elif not amounts or amounts[0].first >= level.first:
            continue
        unit = level.unit.dose.removesuffix(_RATE)
        value = Maximum(value=number, unit=unit, per=per.per)
        first = before.first if before else level.first
        confidence = _PLAIN if per.is_stated else _IMPLIED
        found.append(Mark("maximum", value, first, per.end, confidence))
    return found


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
    for name in ("daily_maximum", "cap_per_week", "cap_per_total"):
        if rule(name).search(tokens, first, level.first):
            return _Per(_PER.get(name, MaximumPer.DAY), level.end, is_stated=True)
    return _Per(MaximumPer.DOSE, level.end, is_stated=False)


def _is_weak(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether the words before a number are only "up to", which may begin a dose."""
    return tokens.read(first, end).strip(" (,").lower() == _WEAK


def _caps_dose(first: int, level: WrittenQuantity, amounts: Sequence[Mark]) -> bool:
    """Return whether "up to" limits the dose before it: "5 mg/kg (up to 300 mg)"."""
    near = list_beginning(amounts, max(0, first - _REACH), first)
    if not near:
        return False
    dose = near[-1].value[-1].unit
    if dose == level.unit.dose or near[-1].value[-1].low is None:
        return False
    return "/" in dose.removesuffix(_RATE)

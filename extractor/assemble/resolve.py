"""One value from two annotators: the rules and a model."""

import re
from dataclasses import replace
from typing import Any

from extractor.parse.drafts import Reading
from extractor.schemas import (
    AbsenceReason,
    Age,
    Amount,
    Constraint,
    Frequency,
    Instrument,
    Origin,
    Period,
    Route,
    Support,
    Task,
    TimePoint,
    TimeWindow,
    ValueKind,
    list_fields,
)
from extractor.text.aliases import name_instrument, trim_event

from .policy import AGREE, name_situation, share_right

_FIELDS = [info for task in Task for info in list_fields(task)]
BELIEVED = 0.35
"""A value below this confidence is left out. It is less than one half because a list counts as right only as a whole,
and most of its values may be right where one is wrong.
"""
LEFT_OPEN = 0.8
"""The highest confidence of a model's number, or of a fact of its regimen, that the words leave open, if the rules do
not read the same."""
_NUMBERS = (Age, Amount, Constraint, Frequency, Period, Route, TimePoint, TimeWindow)
_OF_EVERY_ITEM = tuple(f.type for f in _FIELDS if f.kind is ValueKind.CHOICE and (f.required or f.metadata.decided))
"""Closed sets in which every item has its right word. The best word is given, however doubtful."""


def resolve(rule: Reading[Any], model: Reading[Any] | None, gap: AbsenceReason, field: str) -> Reading[Any]:
    """Choose between the rules' reading and the model's supported answer.

    Whoever has read the whole speaks for the whole: a model's answer stands, and what the rules read says how probable
    it is. Without an answer the rules' reading stands, if it is probable or a word of a closed set that every item
    needs.

    Args:
        rule: What the rules read.
        model: The model's supported answer; None without one.
        gap: Why there is no answer.
        field: The field, such as ``dosing.route``.

    >>> resolve(Reading("oral", 0.7), Reading("oral", 0.9), AbsenceReason.NOT_ASKED, "dosing.route").origin.value
    'both'
    >>> resolve(Reading("oral", 0.99), Reading("rectal", 0.9), AbsenceReason.NOT_ASKED, "dosing.route").value
    'rectal'
    >>> resolve(Reading("oral", 0.2), None, AbsenceReason.NOT_ASKED, "dosing.route").gap.value
    'not_asked'
    """
    if model is None:
        if rule.confidence < BELIEVED and not isinstance(rule.value, _OF_EVERY_ITEM):
            return Reading(None, 0.0, gap=gap)
        return replace(rule, confidence=round(rule.confidence, 4), origin=Origin.RULE)
    if not rule.is_open and agree(rule.value, model.value):
        same = rule.value == model.value or isinstance(rule.value, Instrument)  # the rules give the usual short form
        sure = max(share_right(field, AGREE), rule.confidence)
        return replace(rule if same else model, confidence=round(sure, 4), origin=Origin.BOTH)
    most = LEFT_OPEN if _is_left_open(model) else 1.0
    sure = min(most, share_right(field, name_situation(rule)))
    return replace(model, confidence=round(sure, 4), origin=Origin.MODEL)


def _is_left_open(reading: Reading[Any]) -> bool:
    """Whether the words leave a number of a reading open: they do not contradict it, and do not say it either."""
    are_numbers = any(isinstance(value, _NUMBERS) for value in reading.list_values())
    return are_numbers and Support.INFERRED in reading.list_supports()


_BRACKETS = re.compile(r"\([^()]*\)")


def agree(one: object, other: object) -> bool:
    """Whether two annotators give the same value. Quotes may differ in an article or an explanation in brackets, limits
    in the words for what is limited, instruments in which of their names is used.

    >>> agree(("the date of infusion", "death"), ("infusion", "Death (any cause)"))
    True
    """
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(agree, one, other))
    if isinstance(one, Constraint) and isinstance(other, Constraint):
        return all(getattr(one, name) == getattr(other, name) for name in ("comparator", "value", "value_high"))
    if isinstance(one, Instrument) and isinstance(other, Instrument):
        return name_instrument(one.name, one.version) == name_instrument(other.name, other.version)
    if type(one) is str and type(other) is str:
        return _normalize(one) == _normalize(other)
    return one == other


def _normalize(quote: str) -> str:
    plain = " ".join(_BRACKETS.sub(" ", quote).lower().split())
    start, end = trim_event(plain)
    return plain[start:end].strip(" .,;")

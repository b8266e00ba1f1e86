"""One value from two annotators: the rules and a model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from extractor.parse.drafts import Chunk, Draft, Reading
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
    Usage,
    ValueKind,
    list_fields,
)
from extractor.text.aliases import name_instrument, trim_event

from .policy import AGREE, name_situation, share_right

_EMPTY: Mapping[int, Any] = MappingProxyType({})
_FIELDS = [info for task in Task for info in list_fields(task)]
_SPLIT = frozenset(info.name for info in _FIELDS if info.metadata.question == "split")
_ANSWERED_BY = {"split": _SPLIT, "regimens": frozenset({"agent"})}
"""The fields that answer a question, where they are not the field of that name."""


@dataclass(frozen=True)
class ModelResult:
    """What a model was asked about a record, and which of its answers the text supports.

    Attributes:
        asked: The fields that were asked, by number of the chunk.
        answers: The answers by number of the chunk; a chunk with several regimens has several.
        dropped: Why answers could not be read at all.
        usage: Calls and tokens.
        reread: The chunks whose regimens the model was asked to list in full.
        unasked: The fields that were not asked because the budget was spent, by number of the chunk.
    """

    asked: Mapping[int, frozenset[str]] = field(default_factory=lambda: _EMPTY)
    answers: Mapping[int, tuple[Draft, ...]] = field(default_factory=lambda: _EMPTY)
    dropped: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    reread: Mapping[int, Chunk] = field(default_factory=lambda: _EMPTY)
    unasked: Mapping[int, frozenset[str]] = field(default_factory=lambda: _EMPTY)

    def complete(self, draft: Draft) -> Draft:
        """The draft of the rules with what the model said of it."""
        answers = self.answers.get(draft.number, ())
        model = {name: reading for answer in reversed(answers) for name, reading in answer.model.items()}
        refused = tuple(one for answer in answers for one in answer.refused)
        own = dict(draft.own)
        for answer in answers:
            own |= {name: (*own.get(name, ()), *values) for name, values in answer.own.items()}
        return replace(draft, model=model, refused=refused, own=own)

    def reading(self, chunk: int, name: str) -> Reading[Any] | None:
        """The supported answer for a field of the chunk's item, or None."""
        return next((a.model[name] for a in self.answers.get(chunk, ()) if name in a.model), None)

    def gap(self, chunk: int, name: str, question: str | None = None) -> AbsenceReason:
        """Why there is no supported answer for a field; ``question`` is the name under which it was asked."""
        if (question or name) in self.unasked.get(chunk, frozenset()):
            return AbsenceReason.BUDGET_EXHAUSTED
        if (question or name) not in self.asked.get(chunk, frozenset()):
            return AbsenceReason.NOT_ASKED
        return AbsenceReason.UNSUPPORTED_ANSWER if self.rejected(chunk, name) else AbsenceReason.MODEL_REFUSED

    @property
    def lists_regimens(self) -> bool:
        """Whether a model gave a list of the record's regimens, be it empty."""
        return any(number in self.answers for number in self.reread)

    def list_regimens(self) -> tuple[Draft, ...]:
        """The model's regimens."""
        listed = (answer for number in self.reread for answer in self.answers.get(number, ()))
        return tuple(answer for answer in listed if {"agent", "quote"} & answer.model.keys())

    def rejected(self, chunk: int, name: str | None = None) -> bool:
        """Whether a value for that field of the chunk, or for any field, was kept out."""
        return any(name in (None, one.field) for answer in self.answers.get(chunk, ()) for one in answer.refused)

    def is_open(self, chunk: int) -> bool:
        """Whether something that was asked about a chunk has no supported answer."""
        if (stands := self.reading(chunk, "stands")) and stands.value is False:
            return False  # a line without criterion or regimen has no fields to read
        read = self._fields_read(chunk)
        return not self.answers.get(chunk) or not all(
            _ANSWERED_BY.get(name, {name}) <= read for name in self.asked[chunk]
        )

    def is_unanswered(self, chunk: int) -> bool:
        """Whether nothing that was asked about a chunk has a supported answer."""
        return self.is_open(chunk) and not self._fields_read(chunk)

    def _fields_read(self, chunk: int) -> set[str]:
        return {name for answer in self.answers.get(chunk, ()) for name in answer.model}


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

"""One value from two annotators: the rules and a model."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeVar

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

from .policy import FieldPolicy, ModelClass, Policy, load_policy

T_co = TypeVar("T_co", covariant=True)
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
        policy: The policy of the class of models that answered.
        reread: The chunks whose regimens the model was asked to list in full.
        unasked: The fields that were not asked because the budget was spent, by number of the chunk.
    """

    asked: Mapping[int, frozenset[str]] = field(default_factory=lambda: _EMPTY)
    answers: Mapping[int, tuple[Draft, ...]] = field(default_factory=lambda: _EMPTY)
    dropped: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    policy: Policy = field(default_factory=lambda: load_policy(ModelClass.CAPABLE))
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
        """Whether a model that is trusted gave a list of the record's regimens, be it empty."""
        return self.policy.prior.trusts_model and any(number in self.answers for number in self.reread)

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


def resolve(
    rule: Reading[T_co], model: Reading[T_co] | None, gap: AbsenceReason, policy: FieldPolicy
) -> Reading[T_co | None]:
    """Choose between the rules' reading and the model's supported answer.

    The answer of a model that ``policy`` trusts stands. One that is not trusted takes no certain value away by its
    silence, and where it differs, ``policy`` says who is more probably right. An improbable value is left out: as
    ambiguous, or as contradictory if the two were read in different sections. Never left out are the answer of a
    trusted model, a word of a closed set that every item needs, and one of two quotes that overlap.

    Args:
        rule: What the rules read.
        model: The model's supported answer; None without one.
        gap: Why there is no answer.
        policy: How often rules and models are right about this field.

    >>> from extractor.assemble.policy import ModelClass, load_policy
    >>> policy = load_policy(ModelClass.CAPABLE).prior
    >>> resolve(Reading("oral", 0.7), Reading("oral", 0.9), AbsenceReason.NOT_ASKED, policy).origin.value
    'both'
    >>> resolve(Reading("oral", 0.99), Reading("rectal", 0.9), AbsenceReason.NOT_ASKED, policy).value
    'rectal'
    >>> resolve(Reading("oral", 0.2), None, AbsenceReason.NOT_ASKED, policy).gap.value
    'not_asked'
    """
    trusted = model is not None and policy.trusts_model
    most = LEFT_OPEN if model is not None and _is_left_open(model) else 1.0
    if model is None:
        chosen = _choose(rule, Origin.RULE, rule.confidence)
    elif rule.is_open:
        chosen = _choose(model, Origin.MODEL, min(most, policy.alone))
    elif agree(rule.value, model.value):
        same = rule.value == model.value or isinstance(rule.value, Instrument)  # the rules give the usual short form
        words = model if trusted and not same else rule
        chosen = _choose(words, Origin.BOTH, max(policy.agree, rule.confidence))
    elif not trusted and rule.certain and rule.value and model.value in (None, ()):
        chosen = _choose(rule, Origin.RULE, rule.confidence)
    else:
        ours, theirs = policy.when_they_differ(rule.confidence, silent=rule.value is None or rule.value == ())
        chosen = _choose(model, Origin.MODEL, min(most, theirs))
        if not trusted and theirs <= ours:  # a reading of the rules never becomes more probable by being contradicted
            chosen = _choose(rule, Origin.RULE, min(ours, rule.confidence))
    same_place = model is not None and type(rule.value) is type(model.value) is str and _overlap(rule, model)
    if trusted or chosen.confidence >= BELIEVED or isinstance(chosen.value, _OF_EVERY_ITEM) or same_place:
        return chosen
    if model is not None:
        sections = [{span.section for span in reading.spans} for reading in (rule, model)]
        apart = all(sections) and sections[0].isdisjoint(sections[1])
        gap = AbsenceReason.CONTRADICTORY if apart else AbsenceReason.AMBIGUOUS
    return Reading(None, 0.0, gap=gap)


def _choose(reading: Reading[T_co], origin: Origin, confidence: float) -> Reading[T_co | None]:
    return replace(reading, confidence=round(confidence, 4), origin=origin)


def _is_left_open(reading: Reading[Any]) -> bool:
    """Whether the words leave a number of a reading open: they do not contradict it, and do not say it either."""
    are_numbers = any(isinstance(value, _NUMBERS) for value in reading.list_values())
    return are_numbers and Support.INFERRED in reading.list_supports()


def _overlap(rule: Reading[T_co], model: Reading[T_co]) -> bool:
    return any(ours.overlaps(theirs) for ours in rule.spans for theirs in model.spans)


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

"""One value from two annotators: the rules and the model."""

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from extractor.parse.parsed import Reading, Span
from extractor.schemas import AbsenceReason, Category, Concept, CriterionKind, EndpointCategory, Origin, Role, TimeKind

from .policy import FieldPolicy

__all__ = ["BELIEVED", "Settled", "agree", "settle"]

T_co = TypeVar("T_co", covariant=True)

_BRACKETS = re.compile(r"\([^()]*\)")
_OPENING = re.compile(
    r"^(?:(?:the|an?|(?:first )?(?:date|day|time|moment|assessment|documentation|occurrence) (?:of|when|that)) )+"
)

BELIEVED = 0.35
"""A value below this confidence is left out. It is less than one half because a list counts as right only as a whole,
and most of its values may be right where one is wrong.
"""
_OF_EVERY_ITEM = (CriterionKind, Category, Role, Concept, EndpointCategory, TimeKind)
"""Closed sets of which one word is right for every item: the best is given, however doubtful."""


@dataclass(frozen=True, slots=True)
class Settled(Generic[T_co]):
    """The value that stands in the extraction. ``gap`` says why nobody gave one; then there is no confidence."""

    value: T_co | None
    confidence: float
    origin: Origin
    spans: tuple[Span, ...] = ()
    gap: AbsenceReason | None = None


def settle(rule: Reading[T_co], model: Reading[T_co] | None, gap: AbsenceReason, policy: FieldPolicy) -> Settled[T_co]:
    """Choose between the rules' reading and the model's supported answer.

    Where both say the same (quotes may differ in an article or an explanation in brackets), each confirms the
    other, in the rule's words. Where they differ, ``policy`` says who is likelier right; a value that is too unlikely
    is left out, as ambiguous, or as contradictory if the two read it in different sections. No reading of the rules is
    likelier for being contradicted, and a word of a closed set that every item needs is never left out. Quotes that
    overlap differ in their extent alone: the likelier one stands. ``gap`` is why there is no answer.

    >>> from extractor.assemble.policy import ModelClass, load_policy
    >>> policy = load_policy(ModelClass.CAPABLE).prior
    >>> settle(Reading("oral", 0.7), Reading("oral", 0.9), AbsenceReason.NOT_ASKED, policy).origin.value
    'both'
    >>> settle(Reading("oral", 0.2), None, AbsenceReason.NOT_ASKED, policy).gap.value
    'not_asked'
    """
    if model is None:
        chosen = _settled(rule, Origin.RULE, rule.confidence)
    elif rule.is_open:
        chosen = _settled(model, Origin.MODEL, policy.alone)
    elif agree(rule.value, model.value) or _is_finer(rule, model):
        chosen = _settled(rule, Origin.BOTH, max(policy.agree, rule.confidence))
    else:
        silent = rule.value is None or rule.value == ()
        ours, theirs = policy.when_they_differ(rule.confidence, silent=silent)
        contradicted = _settled(rule, Origin.RULE, min(ours, rule.confidence))
        chosen = _settled(model, Origin.MODEL, theirs) if theirs > ours else contradicted
    if (
        chosen.confidence >= BELIEVED
        or isinstance(chosen.value, _OF_EVERY_ITEM)
        or (model is not None and _overlap(rule, model))
    ):
        return chosen
    return Settled(None, 0.0, Origin.RULE, gap=gap if model is None else _name_doubt(rule, model))


def _is_finer(rule: Reading[T_co], model: Reading[T_co]) -> bool:
    """Whether both quote the same places, where the model ran together what the rules hold apart."""
    if not isinstance(rule.value, tuple) or not isinstance(model.value, tuple) or len(model.spans) >= len(rule.spans):
        return False
    if not all(type(quote) is str for quote in (*rule.value, *model.value)):
        return False
    within = all(any(theirs.contains(ours) for theirs in model.spans) for ours in rule.spans)
    return within and all(any(theirs.contains(ours) for ours in rule.spans) for theirs in model.spans)


def _overlap(rule: Reading[T_co], model: Reading[T_co]) -> bool:
    """Whether both quote the same place, one more of it than the other."""
    if type(rule.value) is not str or type(model.value) is not str:
        return False
    return any(ours.overlaps(theirs) for ours in rule.spans for theirs in model.spans)


def _name_doubt(rule: Reading[T_co], model: Reading[T_co]) -> AbsenceReason:
    """Why no reading is believed though there is an answer."""
    places = [{span.section for span in reading.spans} for reading in (rule, model)]
    apart = all(places) and not places[0] & places[1]
    return AbsenceReason.CONTRADICTORY if apart else AbsenceReason.AMBIGUOUS


def agree(one: object, other: object) -> bool:
    """Whether two annotators say the same."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(agree, one, other))
    if type(one) is str and type(other) is str:
        return _essence(one) == _essence(other)
    return one == other


def _essence(quote: str) -> str:
    """What a quote says, whatever its annotator cut off or kept at its ends."""
    return _OPENING.sub("", " ".join(_BRACKETS.sub(" ", quote).lower().split())).strip(" .,;")


def _settled(reading: Reading[T_co], origin: Origin, confidence: float) -> Settled[T_co]:
    return Settled(reading.value, round(confidence, 4), origin, reading.spans)

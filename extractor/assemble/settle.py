"""One value from two annotators: the rules and the model."""

import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from extractor.parse.parsed import Reading, Span
from extractor.schemas import AbsenceReason, Origin, Support

__all__ = ["BELIEVED", "Settled", "settle"]

T_co = TypeVar("T_co", covariant=True)

_BRACKETS = re.compile(r"\([^()]*\)")
_OPENING = re.compile(
    r"^(?:(?:the|an?|(?:first )?(?:date|day|time|moment|assessment|documentation|occurrence) (?:of|when|that)) )+"
)

BELIEVED = 0.5
"""A reading below this confidence is likelier wrong than right, and is left out."""


@dataclass(frozen=True, slots=True)
class Settled(Generic[T_co]):
    """The value that stands in the extraction. ``gap`` says why nobody gave one; then there is no confidence."""

    value: T_co | None
    confidence: float
    origin: Origin
    spans: tuple[Span, ...] = ()
    support: Support = Support.LITERAL
    gap: AbsenceReason | None = None


def settle(rule: Reading[T_co], model: Reading[T_co] | None, gap: AbsenceReason) -> Settled[T_co]:
    """Choose between the rules' reading and the model's supported answer.

    A certain rule stands. Where both say the same (quotes may differ in an article or an explanation in
    brackets), each confirms the other, in the rule's words. Otherwise the model
    decides, and without it a rule that is likelier right than wrong. ``gap`` is why there is no answer.

    >>> settle(Reading("oral", 0.7), Reading("oral", 0.9), AbsenceReason.NOT_ASKED).origin.value
    'both'
    >>> settle(Reading("oral", 0.4), None, AbsenceReason.NOT_ASKED).gap.value
    'not_asked'
    """
    if model is not None and not rule.is_open and _agree(rule.value, model.value):
        doubt = (1 - rule.confidence) * (1 - model.confidence)
        return _settled(rule, Origin.BOTH, 1 - doubt)
    if rule.certain or (model is None and rule.confidence >= BELIEVED):
        return _settled(rule, Origin.RULE, rule.confidence)
    if model is not None:
        return _settled(model, Origin.MODEL, model.confidence)
    return Settled(None, 0.0, Origin.RULE, gap=gap)


def _agree(one: object, other: object) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_agree, one, other))
    if type(one) is str and type(other) is str:
        return _essence(one) == _essence(other)
    return one == other


def _essence(quote: str) -> str:
    """What a quote says, whatever its annotator cut off or kept at its ends."""
    return _OPENING.sub("", " ".join(_BRACKETS.sub(" ", quote).lower().split())).strip(" .,;")


def _settled(reading: Reading[T_co], origin: Origin, confidence: float) -> Settled[T_co]:
    return Settled(reading.value, round(confidence, 4), origin, reading.spans, reading.support)

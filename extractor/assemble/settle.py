"""One value from two annotators: the rules and the model."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from extractor.parse.parsed import Reading, Span
from extractor.schemas import AbsenceReason, Origin, Support

__all__ = ["BELIEVED", "Settled", "settle"]

T_co = TypeVar("T_co", covariant=True)

BELIEVED = 0.5
"""A reading below this confidence is likelier wrong than right, and is left out."""


@dataclass(frozen=True, slots=True)
class Settled(Generic[T_co]):
    """The value that stands in the extraction. ``gap`` says why nobody gave one."""

    value: T_co | None
    confidence: float
    origin: Origin
    spans: tuple[Span, ...] = ()
    support: Support = Support.LITERAL
    gap: AbsenceReason | None = None


def settle(rule: Reading[T_co], model: Reading[T_co] | None, gap: AbsenceReason) -> Settled[T_co]:
    """Choose between the rules' reading and the model's supported answer.

    A certain rule stands. Where both say the same, each confirms the other. Otherwise the model
    decides, and without it a rule that is likelier right than wrong. ``gap`` is why there is no answer.

    >>> settle(Reading("oral", 0.7), Reading("oral", 0.9), AbsenceReason.NOT_ASKED).origin.value
    'both'
    >>> settle(Reading("oral", 0.4), None, AbsenceReason.NOT_ASKED).gap.value
    'not_asked'
    """
    if model is not None and not rule.is_open and rule.value == model.value:
        doubt = (1 - rule.confidence) * (1 - model.confidence)
        return _settled(rule, Origin.BOTH, 1 - doubt)
    if rule.certain or (model is None and rule.confidence >= BELIEVED):
        return _settled(rule, Origin.RULE, rule.confidence)
    if model is not None:
        return _settled(model, Origin.MODEL, model.confidence)
    return Settled(None, 1 - rule.confidence, Origin.RULE, gap=gap)


def _settled(reading: Reading[T_co], origin: Origin, confidence: float) -> Settled[T_co]:
    return Settled(reading.value, round(confidence, 4), origin, reading.spans, reading.support)

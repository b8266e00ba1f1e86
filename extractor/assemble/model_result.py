"""What was asked about a record, and what of the answers the text supports."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from extractor.ground.check import GroundedAnswer
from extractor.parse.parsed import Chunk, Reading, Span
from extractor.schemas import AbsenceReason, Usage

from .policy import ModelClass, Policy, load_policy

__all__ = ["ModelResult"]

_ASKED_AS = {"split": ("measure", "description", "time_frame"), "regimens": ("agent",)}
_NOTHING: Mapping[int, Any] = MappingProxyType({})


@dataclass(frozen=True)
class ModelResult:
    """The model's part in one record.

    ``asked`` maps a chunk's number to the fields that were asked, ``answers`` to what came back (several
    for a chunk that holds several regimens). ``dropped`` tells of answers that could not be read at all;
    ``policy`` is that of the class of models that answered; ``stretches`` are the chunks of which all regimens were
    asked. ``unasked`` are fields, by chunk, that would have been asked if the run's budget had not been spent.
    """

    asked: Mapping[int, frozenset[str]] = field(default_factory=lambda: _NOTHING)
    answers: Mapping[int, tuple[GroundedAnswer, ...]] = field(default_factory=lambda: _NOTHING)
    dropped: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    policy: Policy = field(default_factory=lambda: load_policy(ModelClass.CAPABLE))
    stretches: Mapping[int, Chunk] = field(default_factory=lambda: _NOTHING)
    unasked: Mapping[int, frozenset[str]] = field(default_factory=lambda: _NOTHING)

    def reading(self, chunk: int, name: str) -> Reading[Any] | None:
        """The supported answer for a field of the chunk's item, or None."""
        answers = self.answers.get(chunk)
        return next((a.readings[name] for a in answers if name in a.readings), None) if answers else None

    def only(self, chunk: int, answer: GroundedAnswer) -> "ModelResult":
        """The same result as it concerns one of the chunk's answers."""
        return replace(self, answers={chunk: (answer,)})

    def without(self, chunk: int) -> "ModelResult":
        """The same result as if the chunk had got no answer."""
        return replace(self, answers={number: found for number, found in self.answers.items() if number != chunk})

    def stretch_around(self, span: Span) -> Chunk | None:
        """The stretch in which a span lies, if its regimens were to be asked."""
        return next((chunk for chunk in self.stretches.values() if chunk.span.contains(span)), None)

    def gap(self, chunk: int, name: str, question: str | None = None) -> AbsenceReason:
        """Why there is no supported answer for a field; ``question`` is the name under which it was asked."""
        if (question or name) in self.unasked.get(chunk, frozenset()):
            return AbsenceReason.BUDGET_EXHAUSTED
        if (question or name) not in self.asked.get(chunk, frozenset()):
            return AbsenceReason.NOT_ASKED
        if self.rejected(chunk, name):
            return AbsenceReason.UNSUPPORTED_ANSWER
        return AbsenceReason.MODEL_REFUSED

    def rejected(self, chunk: int, name: str | None = None) -> bool:
        """Whether a value for that field of the chunk, or for any, was kept out."""
        return any(name in (None, r.field) for a in self.answers.get(chunk, ()) for r in a.rejections)

    def is_open(self, chunk: int) -> bool:
        """Whether something that was asked about a chunk has no supported answer."""
        answers = self.answers.get(chunk, ())
        if (stands := self.reading(chunk, "stands")) and stands.value is False:
            return False  # what is no criterion, or no regimen, has no fields to read
        read = {name for answer in answers for name in answer.readings}
        wanted = {part for name in self.asked[chunk] for part in _ASKED_AS.get(name, (name,))}
        return not answers or not wanted <= read

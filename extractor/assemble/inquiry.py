"""What was asked about a record, and what of the answers the text supports."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from extractor.ground.check import GroundedAnswer
from extractor.parse.parsed import Reading
from extractor.schemas import AbsenceReason, Usage

__all__ = ["Inquiry"]

_NOTHING: Mapping[int, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Inquiry:
    """The model's part in one record.

    ``asked`` maps a chunk's number to the fields that were asked, ``answers`` to what came back (several
    for a chunk that holds several regimens). ``unanswered`` says why a chunk has no answer.
    """

    asked: Mapping[int, frozenset[str]] = field(default_factory=lambda: _NOTHING)
    answers: Mapping[int, tuple[GroundedAnswer, ...]] = field(default_factory=lambda: _NOTHING)
    unanswered: Mapping[int, AbsenceReason] = field(default_factory=lambda: _NOTHING)
    usage: Usage = field(default_factory=Usage)

    def reading(self, chunk: int, name: str) -> Reading[Any] | None:
        """The supported answer for a field of the chunk's item, or None."""
        return next((a.readings[name] for a in self.answers.get(chunk, ()) if name in a.readings), None)

    def only(self, chunk: int, answer: GroundedAnswer) -> "Inquiry":
        """The same inquiry as it concerns one of the chunk's answers."""
        return replace(self, answers={chunk: (answer,)})

    def gap(self, chunk: int, name: str, question: str | None = None) -> AbsenceReason:
        """Why there is no supported answer for a field; ``question`` is the name under which it was asked."""
        if (question or name) not in self.asked.get(chunk, frozenset()):
            return AbsenceReason.NOT_ASKED
        if any(r.field == name for a in self.answers.get(chunk, ()) for r in a.rejections):
            return AbsenceReason.UNSUPPORTED_ANSWER
        return self.unanswered.get(chunk, AbsenceReason.MODEL_REFUSED)

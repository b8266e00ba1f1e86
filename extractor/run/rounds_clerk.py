"""The part of an extraction with a model that a worker does: all but the asking."""

from dataclasses import dataclass

from extractor.llm.dialogue import QuestionBatch, Replies
from extractor.options import ExtractionOptions
from extractor.pipeline import Extraction, extract
from extractor.schemas import TrialRecord

from .extracted import ExtractedLine
from .tally import to_line

__all__ = ["Begin", "Forget", "Message", "Proceed", "RoundsClerk", "Turn", "Unknown"]


@dataclass(frozen=True, slots=True)
class Begin:
    """Extract a record, which comes as JSON; ``number`` is its own."""

    number: int
    record: bytes


@dataclass(frozen=True, slots=True)
class Proceed:
    """Go on with what a model replied to the round that was told last."""

    number: int
    replies: Replies


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop a record: its questions cannot be put."""

    number: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer to what is about no record here: another process began it."""


Message = Begin | Proceed | Forget
Turn = QuestionBatch | ExtractedLine | Unknown
"""What is to be asked next, or the line of the record."""


class RoundsClerk:
    """Answers each message with the next turn of its record."""

    def __init__(self, options: ExtractionOptions) -> None:
        self._options = options
        self._open: dict[int, Extraction] = {}

    def __call__(self, message: Message) -> Turn:
        match message:
            case Begin(number, record):
                read = TrialRecord.model_validate_json(record)
                return self._go_on(number, extract(read, self._options), None)
            case Proceed(number, replies) if number in self._open:
                return self._go_on(number, self._open.pop(number), replies)
            case _:
                self._open.pop(message.number, None)
                return Unknown()

    def _go_on(self, number: int, extraction: Extraction, replies: Replies | None) -> Turn:
        try:
            asked = next(extraction) if replies is None else extraction.send(replies)
        except StopIteration as end:
            return to_line(end.value)
        self._open[number] = extraction
        return asked

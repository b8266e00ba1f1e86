"""What training is made of: questions of the product about one trial, and the items that answer them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from extractor.ask.call import Question
from extractor.schemas import TrialRecord

__all__ = ["Answered", "TrialItems"]


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, and what a perfect model would write in answer: one item, for regimens one each, or none.

    ``kind`` names the source of the labels, to weigh and count by.
    """

    kind: str
    question: Question
    items: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class TrialItems:
    """Everything that is known to be right about one trial."""

    record: TrialRecord
    answered: tuple[Answered, ...]

"""What a model says of the structure of a record: where its items stand. The rules read the record
again by it.
"""

from typing import NamedTuple

from extractor.concepts.criteria.structure import AnsweredLine
from extractor.evidence.drafts import Span
from extractor.schemas import CriterionKind, Rank


class QuotedCriterion(NamedTuple):
    """A criterion that a model quotes from running text.

    Attributes:
        span: Its words.
        kind: The list that the model names; None if it names none.
    """

    span: Span
    kind: CriterionKind | None = None


class QuotedEndpoint(NamedTuple):
    """An endpoint that a model quotes from running text.

    Attributes:
        span: Its words.
        rank: Its rank.
        time_frame: The words for its time; None if the model names none.
        is_rank_proven: Whether the text calls it so.
    """

    span: Span
    rank: Rank = Rank.OTHER
    time_frame: Span | None = None
    is_rank_proven: bool = True


class Structure(NamedTuple):
    """What an answer says of where the items of a record stand.

    Attributes:
        lines: The lines of the eligibility section.
        criteria: The criteria of running text.
        endpoints: The endpoints of running text.
    """

    lines: tuple[AnsweredLine, ...] = ()
    criteria: tuple[QuotedCriterion, ...] = ()
    endpoints: tuple[QuotedEndpoint, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the answer says nothing."""
        return not any(self)


NO_STRUCTURE = Structure()
"""The structure of an answer that says nothing, or of no answer."""

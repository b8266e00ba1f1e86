"""A line in a list of criteria, with the list it belongs to, the lines above it, and the doubts
about it.
"""

from dataclasses import dataclass

from extractor.evidence.drafts import StructureDoubt
from extractor.language.book import rule
from extractor.language.passage import Passage
from extractor.schemas import CriterionKind, Origin


@dataclass(frozen=True, slots=True)
class CriterionEntry:
    """A line that is a criterion or introduces criteria.

    Attributes:
        passage: The words of the line.
        kind: The kind of its list; None if no heading states it.
        is_criterion: Whether it is a criterion; otherwise, it only introduces the criteria below
            it, or is a sentence that is only suspected of being a criterion.
        listed: Whether it is in a list rather than in running text.
        parent: The line that introduces it.
        heading: The general heading above it.
        case: How a sentence of running text states a criterion (``confidence/table.toml``); empty
            for an entry in a list.
        parent_states: Whether the line that introduces it is also a criterion.
        has_doubtful_parent: Whether the introducing line is on the same level, in which case it
            might not be the parent.
        parent_opens_list: Whether the line that introduces it is the heading of its list.
        is_list_doubted: Whether ``kind`` is doubtful.
        borders: The probability that the entry is one whole item, if its boundaries are doubtful:
            1 if only another fact makes them so. None if they are not doubtful.
        origin: Whether rules, a model or both decided its words, its list and the line above it.
    """

    passage: Passage
    kind: CriterionKind | None
    is_criterion: bool = True
    listed: bool = True
    parent: Passage | None = None
    heading: Passage | None = None
    case: str = ""
    parent_states: bool = False
    has_doubtful_parent: bool = False
    parent_opens_list: bool = False
    is_list_doubted: bool = False
    borders: float | None = None
    origin: Origin = Origin.RULE

    @property
    def sense(self) -> CriterionKind:
        """The kind of its list or, without a heading, the kind that its own words indicate."""
        if self.kind:
            return self.kind
        passage = self.passage
        place = (passage.tokens, passage.first, passage.end)
        refuses = rule("refusal").occurs(*place)
        if refuses or rule("reads_like_exclusion").starts(*place):
            return CriterionKind.EXCLUSION
        return CriterionKind.INCLUSION


@dataclass(frozen=True, slots=True)
class Lists:
    """The entries of a text, with the doubts about its structure."""

    entries: tuple[CriterionEntry, ...]
    doubts: tuple[StructureDoubt, ...] = ()

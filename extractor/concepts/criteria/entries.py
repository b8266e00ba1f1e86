"""Entries of an outline: criteria, lines that introduce criteria, remarks and doubtful
sentences.
"""

from dataclasses import dataclass
from enum import StrEnum

from extractor.language.book import rule
from extractor.language.passage import Passage
from extractor.schemas import CriterionKind


class LineRole(StrEnum):
    """The role of an entry: a criterion, a line that introduces criteria, a remark, or a
    doubtful sentence.
    """

    CRITERION = "criterion"
    PARENT = "parent"
    REMARK = "remark"
    SUSPECT = "suspect"


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A line of the list of ``kind``, if known, or a sentence of running text. ``passage`` stands
    alone.

    ``listed`` is true for list items, false for prose. ``heading`` is the nearest heading above,
    ``parent`` the line that introduces the entry; it is ``doubtful`` if other items stand between
    them. ``confidence`` is that of the role of a sentence of running text. ``kind_at_most`` and
    ``quote_at_most`` say how sure the list of the entry, and its borders, can be where the
    structure of the text is in doubt. ``parent_states``: the parent is a criterion itself, so that
    its limits are its own.
    """

    passage: Passage
    kind: CriterionKind | None
    role: LineRole = LineRole.CRITERION
    listed: bool = True
    parent: Passage | None = None
    heading: Passage | None = None
    confidence: float | None = None
    doubtful: bool = False
    parent_states: bool = False
    kind_at_most: float = 1.0
    quote_at_most: float = 1.0

    @property
    def sense(self) -> CriterionKind:
        """The list of the entry. Without a list, its words decide."""
        refused = rule("refusal").search(self.passage.tokens) if not self.kind else None
        return self.kind or (CriterionKind.EXCLUSION if refused else CriterionKind.INCLUSION)

"""Criteria in the form that the readers of a whole record need."""

from collections.abc import Sequence
from dataclasses import dataclass

from extractor.language.passage import Passage
from extractor.measures import Limit
from extractor.schemas import Category, CriterionKind


@dataclass(frozen=True, slots=True)
class StatedCriterion:
    """A criterion with the details that the readers of a whole record need. Its passage contains
    only the criterion. ``donor`` is true if it is about donors. ``heading`` is the line above it.
    """

    passage: Passage
    kind: CriterionKind
    category: Category
    limits: Sequence[Limit] = ()
    donor: bool = False
    heading: str = ""

"""Who may take part: ages, sex, healthy volunteers and criteria (guideline, part 1)."""

from pydantic import Field

from .base import FrozenModel, Number
from .evidence import Item
from .vocabulary import Category, Comparator, CriterionKind, Sex, TimeUnit

__all__ = ["Age", "Constraint", "Criterion", "Eligibility", "TimeWindow"]


class Age(FrozenModel):
    """An age limit as the free text states it."""

    value: Number
    unit: TimeUnit


class Constraint(FrozenModel):
    """One numeric or graded limit. "ECOG 0-2" is ECOG, between, 0, 2."""

    quantity: str = Field(description="What is limited, in the words of the text.")
    comparator: Comparator
    value: Number
    value_high: Number | None = Field(default=None, description="Upper bound of 'between', else null.")
    unit: str | None = Field(default=None, description="As written; null for counts and grades.")


class TimeWindow(FrozenModel):
    """A time limit. "within 4 weeks before enrollment" is <=, 4, week."""

    quote: str
    comparator: Comparator
    value: Number
    unit: TimeUnit


class CriterionAnnotation(FrozenModel):
    """One condition that decides who may take part, as an annotator writes it."""

    kind: CriterionKind
    section: str
    lead_in: str | None = Field(default=None, description="Quote of the line that introduces the item.")
    quote: str
    category: Category | None = None
    constraints: tuple[Constraint, ...] = ()
    time_window: TimeWindow | None = None


class Criterion(Item, CriterionAnnotation):
    """One condition that decides who may take part, with its provenance."""


class EligibilityAnnotation(FrozenModel):
    """Everything the record says of who may take part, as an annotator writes it."""

    minimum_age: Age | None = None
    maximum_age: Age | None = None
    sex: Sex | None = None
    healthy_volunteers: bool | None = None
    criteria: tuple[Criterion, ...] = ()


class Eligibility(Item, EligibilityAnnotation):
    """Everything the record says of who may take part, with its provenance."""

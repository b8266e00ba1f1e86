"""Who may take part: ages, sex, healthy volunteers and criteria (guideline, part 1)."""

from typing import Annotated

from pydantic import Field

from .base import Comparison, EvidenceKind, FieldMetadata, FrozenModel, Number
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

    kind: Annotated[CriterionKind, FieldMetadata(Comparison.POLARITY, question="kind")]
    section: Annotated[str, FieldMetadata(Comparison.PLACE, EvidenceKind.NONE)]
    lead_in: Annotated[str | None, FieldMetadata(Comparison.TEXT, label="introductory line", weight=0.5)] = Field(
        default=None, description="Quote of the line that introduces the item."
    )
    quote: Annotated[str, FieldMetadata(Comparison.TEXT, EvidenceKind.ITEM, question="stands", weight=0.5)]
    category: Annotated[
        Category | None, FieldMetadata(Comparison.CHOICE, question="category", weight=0.5, decided=True)
    ] = None
    constraints: Annotated[
        tuple[Constraint, ...], FieldMetadata(Comparison.LIMIT, question="constraints", family="limit")
    ] = ()
    time_window: Annotated[
        TimeWindow | None, FieldMetadata(Comparison.WINDOW, question="time_window", family="window")
    ] = None
    negated: Annotated[bool | None, FieldMetadata(Comparison.POLARITY, in_gold=False)] = Field(
        default=None, description="Whether the statement is negated, as in 'no history of stroke'."
    )


class Criterion(Item, CriterionAnnotation):
    """One condition that decides who may take part, with its provenance."""


class EligibilityAnnotation(FrozenModel):
    """Everything the record says of who may take part, as an annotator writes it."""

    minimum_age: Annotated[Age | None, FieldMetadata(Comparison.TIME, family="age")] = None
    maximum_age: Annotated[Age | None, FieldMetadata(Comparison.TIME, family="age")] = None
    sex: Annotated[Sex | None, FieldMetadata(Comparison.CHOICE)] = None
    healthy_volunteers: Annotated[bool | None, FieldMetadata(Comparison.POLARITY)] = None
    criteria: tuple[Criterion, ...] = ()


class Eligibility(Item, EligibilityAnnotation):
    """Everything the record says of who may take part, with its provenance."""

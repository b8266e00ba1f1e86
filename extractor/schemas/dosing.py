"""What participants are given (guideline, part 2)."""

from typing import Annotated

from pydantic import Field

from .base import Comparison, EvidenceKind, FieldMetadata, FrozenModel, Number
from .evidence import Item
from .vocabulary import Frequency, Role, Route, TimeUnit

__all__ = ["Amount", "Period", "Regimen"]


class Amount(FrozenModel):
    """One dose level. A range has low < high; an "up to" dose has no low."""

    low: Number | None
    high: Number | None
    unit: str = Field(description="Plain token: mg, mg/m2, ug/kg, cells/kg, IU, Gy, tablet, ...")


class Period(FrozenModel):
    """A length of time stated as a number, such as a 21-day cycle."""

    value: Number
    unit: TimeUnit


class RegimenAnnotation(FrozenModel):
    """One agent and one way of giving it, as an annotator writes it."""

    agent: Annotated[str, FieldMetadata(Comparison.TEXT, question="agent")]
    role: Annotated[Role | None, FieldMetadata(Comparison.CHOICE, question="role", weight=0.5, decided=True)] = None
    section: Annotated[str, FieldMetadata(Comparison.PLACE, EvidenceKind.NONE, weight=0.25)]
    quote: Annotated[str, FieldMetadata(Comparison.TEXT, EvidenceKind.ITEM, question="regimens", weight=0.25)]
    amounts: Annotated[tuple[Amount, ...], FieldMetadata(Comparison.AMOUNT, question="amounts", family="amount")] = ()
    route: Annotated[Route | None, FieldMetadata(Comparison.CHOICE, question="route")] = None
    frequency: Annotated[Frequency | None, FieldMetadata(Comparison.FREQUENCY, question="frequency")] = None
    cycle: Annotated[Period | None, FieldMetadata(Comparison.TIME, question="cycle", family="cycle")] = None
    duration: Annotated[Period | None, FieldMetadata(Comparison.TIME, question="duration", family="duration")] = None
    timing: Annotated[str | None, FieldMetadata(Comparison.TEXT, question="timing", family="timing", weight=0.5)] = (
        Field(default=None, description="Quote of the days or moments of giving.")
    )


class Regimen(Item, RegimenAnnotation):
    """One agent and one way of giving it, with its provenance."""

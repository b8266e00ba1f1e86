"""What is measured, when and how (guideline, part 3)."""

from typing import Annotated

from pydantic import Field

from .base import Comparison, EvidenceKind, FieldMetadata, FrozenModel, Number
from .evidence import Item
from .vocabulary import Concept, EndpointCategory, Rank, TimeKind, TimeUnit

__all__ = ["Endpoint", "Instrument", "TimePoint"]


class TimePoint(FrozenModel):
    """A numeric moment or limit."""

    value: Number
    unit: TimeUnit


class Instrument(FrozenModel):
    """A named grading system, guideline, scale or set of criteria."""

    name: str
    version: str | None = None


class EndpointAnnotation(FrozenModel):
    """One registered outcome, as an annotator writes it."""

    rank: Annotated[Rank, FieldMetadata(Comparison.PLACE, EvidenceKind.NONE)]
    index: Annotated[int, FieldMetadata(Comparison.PAIRING, EvidenceKind.NONE, weight=0.5)] = Field(
        ge=0, description="Position within the rank."
    )
    measure: Annotated[str | None, FieldMetadata(Comparison.TEXT, question="split", weight=0.5)] = None
    description: Annotated[str | None, FieldMetadata(Comparison.TEXT, question="split", weight=0.25)] = None
    time_frame: Annotated[str | None, FieldMetadata(Comparison.TEXT, question="split", weight=0.5)] = None
    concept: Annotated[Concept | None, FieldMetadata(Comparison.CHOICE, question="concept", decided=True)] = None
    category: Annotated[
        EndpointCategory | None, FieldMetadata(Comparison.CHOICE, question="category", weight=0.5, decided=True)
    ] = None
    time_points: Annotated[
        tuple[TimePoint, ...], FieldMetadata(Comparison.TIME, question="time_points", family="time_point")
    ] = ()
    time_kind: Annotated[
        TimeKind | None,
        FieldMetadata(Comparison.CHOICE, question="time_kind", label="kind of time", weight=0.5, decided=True),
    ] = None
    instrument: Annotated[
        Instrument | None, FieldMetadata(Comparison.NAME, question="instrument", family="instrument", weight=0.5)
    ] = None
    start_event: Annotated[
        str | None, FieldMetadata(Comparison.TEXT, question="start_event", family="event", weight=0.5)
    ] = None
    end_events: Annotated[
        tuple[str, ...], FieldMetadata(Comparison.TEXT, question="end_events", family="event", weight=0.5)
    ] = ()
    censored: Annotated[
        bool | None, FieldMetadata(Comparison.POLARITY, question="censored", weight=0.25, decided=True)
    ] = None
    specimens: Annotated[
        tuple[str, ...], FieldMetadata(Comparison.TEXT, question="specimens", family="specimen", weight=0.25)
    ] = ()
    methods: Annotated[
        tuple[str, ...], FieldMetadata(Comparison.TEXT, question="methods", family="method", weight=0.25)
    ] = ()


class Endpoint(Item, EndpointAnnotation):
    """One registered outcome, with its provenance."""

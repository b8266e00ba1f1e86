"""What is measured, when and how (guideline, part 3)."""

from pydantic import Field

from .base import FrozenModel, Number
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

    rank: Rank
    index: int = Field(ge=0, description="Position within the rank.")
    measure: str | None = None
    description: str | None = None
    time_frame: str | None = None
    concept: Concept | None = None
    category: EndpointCategory | None = None
    time_points: tuple[TimePoint, ...] = ()
    time_kind: TimeKind | None = None
    instrument: Instrument | None = None
    start_event: str | None = None
    end_events: tuple[str, ...] = ()
    censored: bool | None = None
    specimens: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


class Endpoint(Item, EndpointAnnotation):
    """One registered outcome, with its provenance."""

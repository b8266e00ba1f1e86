"""What participants are given (guideline, part 2)."""

from pydantic import Field

from .base import FrozenModel, Number
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

    agent: str
    role: Role | None = None
    section: str
    quote: str
    amounts: tuple[Amount, ...] = ()
    route: Route | None = None
    frequency: Frequency | None = None
    cycle: Period | None = None
    duration: Period | None = None
    timing: str | None = Field(default=None, description="Quote of the days or moments of giving.")


class Regimen(Item, RegimenAnnotation):
    """One agent and one way of giving it, with its provenance."""

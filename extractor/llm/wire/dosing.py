"""What a model writes about a regimen: the open fields of a known one, or all of one that it found."""

from collections.abc import Collection
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from extractor.llm.requests import Question
from extractor.schemas import Amount, Frequency, Period, Role, Route

from .base import WireItem
from .forms import read_amount, read_period
from .words import Words, Written

__all__ = ["RegimenItem"]

ROLES = {role.value: role for role in Role}
ROUTES = {route.value: route for route in Route}
FREQUENCIES = {frequency.value: frequency for frequency in Frequency}

_KNOWN = ("agent", "role", "amounts", "route", "frequency", "cycle", "duration", "timing")


class RegimenItem(WireItem):
    """A regimen. Several items may bear the number of a line that was asked for its regimens."""

    allowance: ClassVar = {
        "agent": 15,
        "role": 8,
        "amounts": 50,
        "route": 8,
        "frequency": 8,
        "cycle": 8,
        "duration": 8,
        "timing": 40,
        "regimens": 250,
    }
    always: ClassVar = frozenset({"role"})

    quote: Annotated[str, StringConstraints(max_length=260)] | None = None
    agent: Annotated[str, StringConstraints(max_length=80)] | None = None
    role: Annotated[Role, Words(ROLES)] | None = None
    amounts: tuple[Annotated[Amount, Written(read_amount, 60)], ...] = Field((), alias="dose", max_length=8)
    route: Annotated[Route, Words(ROUTES)] | None = None
    frequency: Annotated[Frequency, Words(FREQUENCIES)] | None = Field(None, alias="freq")
    cycle: Annotated[Period, Written(read_period, 20)] | None = None
    duration: Annotated[Period, Written(read_period, 20)] | None = Field(None, alias="for")
    timing: Annotated[str, StringConstraints(max_length=240)] | None = Field(None, alias="when")

    @classmethod
    def expand(cls, fields: Collection[str]) -> frozenset[str]:
        """A question for regimens is answered by a quote and all fields."""
        return frozenset(("quote", *_KNOWN)) if "regimens" in fields else frozenset(fields)

    @classmethod
    def covers(cls, field: str) -> tuple[str, ...]:
        """A question for regimens needs the definitions of all fields."""
        return ("regimens", *_KNOWN) if field == "regimens" else (field,)

    def read(self, question: Question) -> dict[str, Any]:
        """The answer; a regimen that was found stands, and has a quote."""
        if "regimens" not in question.fields:
            return super().read(question)
        return {"stands": True} | {name: getattr(self, name) for name in ("quote", *_KNOWN) if self._answers(name)}

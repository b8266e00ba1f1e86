"""The result for one record."""

from typing import Any

from pydantic import Field

from .base import FrozenModel
from .dosing import Regimen
from .eligibility import Criterion, Eligibility
from .endpoints import Endpoint
from .evidence import Absence, Coverage, Finding, Usage
from .record import Source

__all__ = ["TrialExtraction"]


class TrialExtraction(FrozenModel):
    """Eligibility, dosing and endpoints of one trial record, with the proof of every value.

    Gold annotations are the same shape without provenance, so both read and write through this model.
    """

    record_id: str
    eligibility: Eligibility
    dosing: tuple[Regimen, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    source: Source | None = None
    absences: tuple[Absence, ...] = Field(default=(), description="Why each empty field is empty.")
    findings: tuple[Finding, ...] = ()
    coverage: Coverage | None = None
    usage: Usage | None = None

    def to_gold(self) -> dict[str, Any]:
        """The extraction with the guideline's keys alone, as gold files are written."""
        people, criteria, dosing, endpoints = (
            dict.fromkeys(set(model.model_fields).difference(model.list_gold_fields()), True)
            for model in (Eligibility, Criterion, Regimen, Endpoint)
        )
        return self.model_dump(
            mode="json",
            exclude={
                **dict.fromkeys(("source", "absences", "findings", "coverage", "usage"), True),
                "eligibility": {**people, "criteria": {"__all__": criteria}},
                "dosing": {"__all__": dosing},
                "endpoints": {"__all__": endpoints},
            },
        )

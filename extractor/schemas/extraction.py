"""The result for one record."""

from typing import Any

from pydantic import Field

from .base import FrozenModel
from .dosing import Regimen
from .eligibility import Eligibility
from .endpoints import Endpoint
from .evidence import Absence, Coverage, Finding, Item, Usage
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
        items = dict.fromkeys(Item.model_fields, True)
        return self.model_dump(
            mode="json",
            exclude={
                "source": True,
                "absences": True,
                "findings": True,
                "coverage": True,
                "usage": True,
                "eligibility": {**items, "criteria": {"__all__": items}},
                "dosing": {"__all__": items},
                "endpoints": {"__all__": items},
            },
        )

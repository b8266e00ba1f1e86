"""What a model writes about a criterion."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from extractor.llm.requests import Question
from extractor.schemas import Category, Constraint, CriterionKind

from .base import WireItem
from .forms import read_limit
from .words import Words, Written

__all__ = ["CriterionItem"]

KINDS = {"in": CriterionKind.INCLUSION, "ex": CriterionKind.EXCLUSION}
_SHORT = {
    Category.PRIOR_THERAPY: "prior",
    Category.CONCOMITANT_THERAPY: "during",
    Category.ORGAN_FUNCTION: "organ",
    Category.PERFORMANCE_STATUS: "performance",
    Category.LIFE_EXPECTANCY: "expectancy",
    Category.CONSENT_COMPLIANCE: "consent",
}
CATEGORIES = {_SHORT.get(category, category.value): category for category in Category}


class CriterionItem(WireItem):
    """A criterion, or a sentence that may be one."""

    allowance: ClassVar = {"stands": 5, "kind": 5, "category": 8, "constraints": 90, "time_window": 30}
    always: ClassVar = frozenset({"stands", "kind", "category"})

    stands: bool | None = Field(None, alias="ok")
    kind: Annotated[CriterionKind, Words(KINDS)] | None = Field(None, alias="list")
    category: Annotated[Category, Words(CATEGORIES)] | None = Field(None, alias="cat")
    constraints: tuple[Annotated[Constraint, Written(read_limit, 120)], ...] = Field((), alias="limits", max_length=10)
    time_window: Annotated[str, StringConstraints(max_length=120)] | None = Field(None, alias="window")

    def read(self, question: Question) -> dict[str, Any]:
        """The answer; of a sentence that is no criterion nothing more is believed."""
        if self.stands is False:
            return {"stands": False}
        return super().read(question)

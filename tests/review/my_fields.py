"""Fields of the user's own, as the command reads them."""

from typing import Literal

from pydantic import BaseModel, Field

from extractor.schemas import Period, Quantity

PATTERN = r"ejection fraction (?P<value>(below|above|at least) \d+ %)"
EXAMPLE = {"text": "ejection fraction below 30 %", "value": "< 30 %"}


class EjectionFraction(
    BaseModel, json_schema_extra={"of": "criterion", "examples": [EXAMPLE]}
):
    """The limit of the ejection fraction."""

    value: Quantity = Field(json_schema_extra={"pattern": PATTERN})


class NamedTest(BaseModel, json_schema_extra={"of": "criterion", "many": True}):
    """The test as named."""

    value: str


class LeadInPhase(BaseModel):
    """The phase before treatment; a washout leaves off drugs."""

    kind: Literal["washout", "screening"]
    lasts: Period | None = None
    drugs: list[str] = []
    fixed: bool | None = None

"""Fields of the user's own, as the command reads them."""

from typing import Literal

from pydantic import BaseModel, Field

from extractor.schemas import Period, Quantity


class EjectionFraction(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "examples": [{"text": "ejection fraction below 30 %", "value": "< 30 %"}],
    },
):
    """The limit of the ejection fraction."""

    value: Quantity = Field(
        json_schema_extra={
            "pattern": "ejection fraction value=( ( below | above | at least ) # % )"
        }
    )


class NamedTest(BaseModel, json_schema_extra={"of": "criterion", "many": True}):
    """The test as named."""

    value: str


class LeadInPhase(BaseModel):
    """The phase before treatment."""

    kind: Literal["washout", "screening"] = Field(
        description="washout: drugs are left off."
    )
    lasts: Period | None = None
    drugs: list[str] = []
    fixed: bool | None = None

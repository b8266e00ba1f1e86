"""Fields of the user's own, as the command reads them."""

from pydantic import BaseModel, Field


class LeastWeight(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "examples": [{"text": "weight over 40", "value": 40}],
    },
):
    """The least weight."""

    value: float = Field(json_schema_extra={"pattern": "weight over value=( # )"})


class Platelets(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "many": True,
        "examples": [
            {"text": "platelets over 40", "value": {"count": 40, "said": "platelets"}}
        ],
    },
):
    """The least platelets."""

    count: int = Field(
        json_schema_extra={"pattern": "said=( platelets ) over count=( # )"}
    )
    said: str | None = None


class Sites(
    BaseModel, json_schema_extra={"examples": [{"text": "12 sites", "value": 12}]}
):
    """How many sites take part."""

    value: int = Field(json_schema_extra={"pattern": "value=( # ) sites"})

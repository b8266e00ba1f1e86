"""Fields of the user's own, as the command reads them."""

from pydantic import BaseModel, Field

WEIGHT = {"of": "criterion", "examples": [{"text": "weight over 40", "value": 40}]}
SITES = {"examples": [{"text": "12 sites", "value": 12}]}


class LeastWeight(BaseModel, json_schema_extra=WEIGHT):
    """The least weight."""

    value: float = Field(json_schema_extra={"pattern": "weight over value=( # )"})


class Sites(BaseModel, json_schema_extra=SITES):
    """How many sites take part."""

    value: int = Field(json_schema_extra={"pattern": "value=( # ) sites"})

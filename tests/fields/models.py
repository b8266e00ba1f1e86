"""Fields as a user writes them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from extractor.schemas import Period, Quantity


class BrainMetastases(BaseModel, json_schema_extra={"mentions": ["brain", "CNS"]}):
    """May participants with brain metastases take part?"""  # noqa: D400 - a question

    status: Literal["allowed", "allowed_if_treated", "excluded"] = Field(
        description="What holds for them."
    )
    stable_for: Period | None = Field(
        None, description="How long they must have been stable."
    )


class Assay(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "mentions": ["HER2", "PD-L1"],
        "examples": [
            {"text": "HER2 3+ by Examplassay", "value": {"name": "Examplassay"}},
            {"text": "HER2 negative"},
        ],
    },
):
    """The test by which the marker is measured, as named."""

    name: str


class EjectionFraction(
    BaseModel,
    json_schema_extra={
        "of": "criterion",
        "mentions": ["ejection"],
        "examples": [
            {"text": "ejection fraction below 30 %", "value": {"limit": "< 30 %"}}
        ],
    },
):
    """The limit of the ejection fraction."""

    limit: Quantity = Field(
        json_schema_extra={
            "pattern": r"ejection fraction (?P<limit>(below|above|at least) \d+ %)"
        }
    )


class WithFood(BaseModel, json_schema_extra={"of": "regimen"}):
    """Whether it is taken with food."""

    taken: bool


FIELDS = (BrainMetastases, Assay, EjectionFraction, WithFood)


def make(
    value: Any = str, default: Any = ..., /, doc: str = "Something.", **extra: Any
) -> type[BaseModel]:
    """The model of a field ``own`` with one attribute ``value``, and these keys."""
    config = ConfigDict(json_schema_extra=extra)
    return create_model("Own", __doc__=doc, __config__=config, value=(value, default))

"""``extractor schema``: JSON Schema of the output."""

import json
from typing import Annotated, Literal

import typer

__all__ = ["schema"]


def schema(
    task: Annotated[
        Literal["eligibility", "dosing", "endpoints", "record"] | None,
        typer.Argument(
            help="One part of the extraction, or the record that is read. All of the extraction if left out."
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of an extraction, or of one part of it."""
    from pydantic import BaseModel

    from extractor.schemas import Eligibility, Endpoint, Regimen, TrialExtraction, TrialRecord

    models: dict[str, type[BaseModel]] = {
        "eligibility": Eligibility,
        "dosing": Regimen,
        "endpoints": Endpoint,
        "record": TrialRecord,
    }
    model = models[task] if task else TrialExtraction
    typer.echo(json.dumps(model.model_json_schema(mode="serialization"), indent=2))

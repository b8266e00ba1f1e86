"""``extractor schema``: the JSON Schema of an extraction."""

import json
from typing import Annotated, Literal

import typer
from pydantic import BaseModel

from extractor import schemas


def schema(
    task: Annotated[
        Literal["eligibility", "dosing", "endpoints", "record"] | None,
        typer.Argument(
            metavar="TASK", help="A part of the extraction, or the input record."
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of an extraction, or of one part of it.

    Example: extractor schema dosing
    """
    parts: dict[str | None, type[BaseModel]] = {
        None: schemas.TrialExtraction,
        "eligibility": schemas.Eligibility,
        "dosing": schemas.Regimen,
        "endpoints": schemas.Endpoint,
        "record": schemas.TrialRecord,
    }
    print(json.dumps(parts[task].model_json_schema(mode="serialization"), indent=2))

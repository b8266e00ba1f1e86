"""``extractor schema``: the JSON Schema of an extraction."""

import json
from typing import Annotated, Literal

import typer

from extractor.apps.cli.options import FieldsOption


def schema(
    task: Annotated[
        Literal["eligibility", "dosing", "endpoints", "record"] | None,
        typer.Argument(metavar="TASK", help="A part, or the input record."),
    ] = None,
    fields: FieldsOption = None,
) -> None:
    """Print the JSON Schema of an extraction, or of one part of it.

    Example: extractor schema dosing
    """
    from pydantic import BaseModel

    from extractor import schemas
    from extractor.concepts.own.declaration import describe_extraction
    from extractor.options import read_own_fields

    parts: dict[str | None, type[BaseModel]] = {
        None: schemas.TrialExtraction,
        "eligibility": schemas.Eligibility,
        "dosing": schemas.Regimen,
        "endpoints": schemas.Endpoint,
        "record": schemas.TrialRecord,
    }
    if fields and task:
        raise ValueError("--fields belong to the whole extraction; leave out TASK")
    if fields:
        described = describe_extraction(read_own_fields(fields))
    else:
        described = parts[task].model_json_schema(mode="serialization")
    print(json.dumps(described, indent=2))

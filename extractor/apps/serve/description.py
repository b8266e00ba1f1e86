"""The OpenAPI document's texts and responses that cannot be derived from the types of the
operations.
"""

from importlib.resources import files

from extractor.apps.serve.problems import PROBLEM_TYPE, Problem
from extractor.apps.serve.requests import BODY_TYPES
from extractor.face import Patient

Responses = dict[int | str, dict[str, object]]
JSON_LINES = "application/x-ndjson"
DESCRIPTION = """\
Extracts eligibility, dosing and endpoints from clinical-trial registry records. Every value comes \
with the text that supports it, and every gap with a reason. Send one record for an immediate \
answer, or a file of many records as a job. Every error is returned as problem details (RFC 9457) \
with a remedy.
"""
_RECORD = files("extractor.apps.serve") / "assets" / "record.txt"


def describe_response(description: str, *media_types: str) -> Responses:
    """Return the OpenAPI documentation for a response that consists of text or bytes."""
    content: dict[str, object] = {media_type: {} for media_type in media_types}
    return {200: {"description": description, "content": content}}


def _describe_body() -> dict[str, object]:
    """Return the OpenAPI documentation for the body of an extraction or job request."""
    schema = {"type": "string", "format": "binary", "minLength": 1}
    content: dict[str, object] = {kind: {"schema": schema} for kind in BODY_TYPES}
    content["text/plain"] = {"schema": schema, "example": _RECORD.read_text("utf-8")}
    return {"requestBody": {"required": True, "content": content}}


BODY = _describe_body()
_ROWS = {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}
_PATIENT: dict[str, object] = {
    "patient": Patient.model_json_schema(),
    "min_confidence": {"type": "number", "minimum": 0, "maximum": 1},
    "synonyms": _ROWS,
    "classes": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
    },
}


def _describe_patient(
    required: list[str], more: dict[str, object]
) -> dict[str, object]:
    """Return the OpenAPI documentation for a body with a patient."""
    schema = {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": {**_PATIENT, **more},
    }
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


MATCH_BODY = _describe_patient(
    ["patient", "extractions"],
    {"extractions": {"type": "array", "items": {"type": "object"}}},
)
"""The OpenAPI documentation for the body of a match request."""
PATIENT_BODY = _describe_patient(["patient"], {})
"""The OpenAPI documentation for the body of a request to match a job."""
PROBLEMS: Responses = {
    "default": {
        "description": "A problem. All types are listed in docs/reference/service.md.",
        "content": {PROBLEM_TYPE: {"schema": Problem.model_json_schema()}},
    }
}

"""What OpenAPI says of answers: problems with an example each, and examples of the others."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .bodies import BODY_TYPES
from .examples import EXAMPLE_RECORD, EXAMPLE_RECORDS
from .problems import (
    NO_KEY,
    NO_SPACE,
    PROBLEM_TYPE,
    TOO_LARGE,
    TOO_OFTEN,
    TOO_SLOW_SENDING,
    WRONG_PARAMETER,
    WRONG_TYPE,
    Problem,
    ProblemKind,
)

__all__ = ["DESCRIPTION", "KEPT", "SENT", "answers", "describe_body", "describe_service", "problems"]

DESCRIPTION = """\
Clinical-trial registry records in; eligibility, dosing and endpoints out, every value with the characters that support
it and every gap with its reason. One record is answered at once, a file of many is a job. Every error is a problem
(RFC 9457) that says what to do about it.
"""
_ID = "urn:uuid:6f0c1c9e-6a0e-4d0c-9d4e-0a4b1f6f7c11"
_COMMON = (NO_KEY, TOO_OFTEN, WRONG_PARAMETER)
SENT = (TOO_LARGE, WRONG_TYPE, TOO_SLOW_SENDING)
KEPT = (NO_SPACE,)
_Responses = dict[int | str, dict[str, Any]]


def problems(*kinds: ProblemKind) -> _Responses:
    """The problems that an operation may answer with, beside those of every one."""
    by_status: dict[int, list[ProblemKind]] = defaultdict(list)
    for kind in (*_COMMON, *kinds):
        by_status[kind.status].append(kind)
    return {status: _describe(same) for status, same in sorted(by_status.items())}


def answers(description: str, examples: Mapping[str, Any], schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A good answer, with an example for each media type."""
    shape = {"type": "string"} if schema is None else dict(schema)
    content = {kind: {"schema": shape, "example": example} for kind, example in examples.items()}
    return {"description": description, "content": content}


def describe_body(*, several: bool) -> dict[str, Any]:
    """The body of an operation that takes records."""
    schema = {"type": "string", "format": "binary", "minLength": 1}
    content: dict[str, Any] = {kind: {"schema": schema} for kind in BODY_TYPES}
    content["text/plain"]["example"] = EXAMPLE_RECORD
    if several:
        content["application/x-ndjson"]["example"] = EXAMPLE_RECORDS
    what = "Records of any format that is read, also many, in gzip or in zip." if several else "One record."
    return {"requestBody": {"required": True, "description": what, "content": content}}


def describe_service(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the service."""
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
        schemas = described["components"]["schemas"]
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs")
        schemas["Problem"] = problem
        app.openapi_schema = described
    return app.openapi_schema


def _describe(same: list[ProblemKind]) -> dict[str, Any]:
    shown = {
        kind.name: {
            "value": {"type": kind.type, "title": kind.title, "status": kind.status, "detail": "...", "instance": _ID}
        }
        for kind in same
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": shown}
    return {"description": "; ".join(kind.title for kind in same), "content": {PROBLEM_TYPE: content}}

"""The OpenAPI document: FastAPI's description of the routes, with examples and problems from the assets."""

import json
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .problems import PROBLEM_TYPE, PROBLEMS, Problem, problem_type

_ASSETS = files("extractor.serve") / "assets"
EXAMPLE_RECORD = (_ASSETS / "record.txt").read_text("utf-8")
"""An invented record. A test sends it, and compares the response with the example."""
BODY_TYPES = (
    *("application/json", "application/x-ndjson", "application/xml", "text/xml", "text/csv", "text/plain"),
    *("application/gzip", "application/zip", "application/octet-stream"),
)
_DESCRIPTION = """\
Extracts eligibility, dosing and endpoints from clinical-trial registry records. Every value has the text that supports
it, and every gap its reason. Send one record for an immediate answer, or a file of many as a job. Every error is a
problem (RFC 9457) that says what to do.
"""
_INSTANCE = "urn:uuid:6f0c1c9e-6a0e-4d0c-9d4e-0a4b1f6f7c11"
_WITH_KEY = ("no-key", "rate-limit", "wrong-parameter")


def describe_service(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the service, built once."""
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes)
        for name, facts in tomllib.loads((_ASSETS / "operations.toml").read_text("utf-8")).items():
            method, path = name.split()
            _complete(described["paths"][path][method.lower()], facts)
        schemas = described["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            del schemas[unused]
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs")
        schemas["Problem"] = problem
        app.openapi_schema = described
    return app.openapi_schema


def _complete(operation: dict[str, Any], facts: Mapping[str, Any]) -> None:
    """Add facts from the assets to FastAPI's description of an operation."""
    operation["summary"] = facts["summary"]
    if body := facts.get("body"):
        content = {kind: {"schema": {"type": "string", "format": "binary", "minLength": 1}} for kind in BODY_TYPES}
        for kind, example in body["examples"].items():
            content[kind]["example"] = _load(example)
        operation["requestBody"] = {"required": True, "description": body["description"], "content": content}
    derived, operation["responses"] = operation["responses"], {}
    for status, answer in facts["answers"].items():
        operation["responses"][status] = shown = {"description": answer["description"]}
        for kind, example in answer.get("examples", {}).items():
            found = derived.get(status, {}).get("content", {}).get(kind, {}).get("schema")
            schema = answer.get("schema") or found or {"type": "string"}
            more = {"schema": schema | {"format": "binary"}} if "binary" in example else {"example": _load(example)}
            shown.setdefault("content", {})[kind] = {"schema": schema} | more
    kinds = [*_WITH_KEY, *facts["problems"]] if "problems" in facts else facts.get("problems_without_key", ())
    for kind in sorted(kinds, key=lambda kind: PROBLEMS[kind][0]):
        _add_problem(operation["responses"], kind)


def _load(example: Any) -> Any:
    """Load the value of an example."""
    if isinstance(example, list):
        return [_load(part) for part in example]
    if isinstance(example, dict) and (name := example.get("file") or example.get("line")):
        text = (_ASSETS / name).read_text("utf-8")
        value = json.loads(text) if name.endswith(".json") else text
        return value if "file" in example else json.dumps(value) + "\n"
    return example


def _add_problem(responses: dict[str, Any], kind: str) -> None:
    """Add a problem, with an example, to the responses of an operation."""
    status, title = PROBLEMS[kind]
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
    shown = responses.setdefault(str(status), {"description": "", "content": {PROBLEM_TYPE: content}})
    shown["description"] += "; " * bool(shown["description"]) + title
    example = {"type": problem_type(kind), "title": title, "status": status, "detail": "...", "instance": _INSTANCE}
    shown["content"][PROBLEM_TYPE]["examples"][kind] = {"value": example}

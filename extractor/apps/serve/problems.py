"""Render every error as problem details (RFC 9457), with the place of the error and a remedy."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import Response

from extractor.errors import (
    DiskFull,
    EngineError,
    MissingExtra,
    ModelError,
    RecordError,
    RecordTooLarge,
    RecordTooSlow,
    UnexpectedError,
    as_extractor_error,
)

PROBLEM_TYPE = "application/problem+json"
KINDS: dict[str, tuple[int, str, str]] = tomllib.loads(
    (files("extractor.apps.serve") / "assets" / "problems.toml").read_text("utf-8")
)
"""Each kind of problem with its HTTP status, its title and its remedy."""
_KINDS_OF_RECORDS = {RecordTooLarge: "unreadable", RecordTooSlow: "took-too-long"}


class Problem(BaseModel):
    """Problem details as in RFC 9457, with the place of the error and a remedy."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """The kind of problem; docs/reference/service.md lists all."""
    title: str
    status: int
    detail: str
    instance: str
    """The request's id, as in the header X-Request-ID."""
    place: str | None = None
    """The place in the body."""
    remedy: str


@dataclass(eq=False)
class ProblemError(Exception):
    """A request is refused with a problem. ``retry_s`` is the number of seconds after which to try
    again.
    """

    kind: str
    detail: str
    place: str | None = None
    remedy: str | None = None
    retry_s: int | None = None
    headers: Mapping[str, str] | None = None


KNOWN = (
    DiskFull,
    EngineError,
    HTTPException,
    MissingExtra,
    ModelError,
    ProblemError,
    RecordError,
    RequestValidationError,
)
"""Errors that are not failures of the service."""


def describe_unexpected(error: BaseException) -> str:
    """Return an error's class and the line that raised it, without its text, which may quote a
    record.
    """
    error = as_extractor_error(error)
    if not isinstance(error, UnexpectedError):
        return type(error).__name__
    place = f" at {error.frames[0]}" if error.frames else ""
    return f"an unexpected {error.kind}{place}"


def render_problem(error: Exception, request_id: str) -> Response:
    """Return the response for any error.

    An unexpected error shows only its class and place. Invalid parameters are named, but their
    values are not repeated.

    >>> json.loads(render_problem(KeyError("a word of the record"), "0").body)["detail"]
    'an unexpected KeyError'
    """
    if isinstance(error, HTTPException):
        # The framework's own errors have a status only: RFC 9457 has this type for them.
        refusal = ProblemError("", error.detail, headers=error.headers)
        type_ = "about:blank"
        status = error.status_code
        title = HTTPStatus(status).phrase
        remedy = "compare the address and the method with GET /openapi.json"
    else:
        refusal = _find_problem(error)
        type_ = f"urn:trial-extractor:problem:{refusal.kind}"
        status, title, remedy = KINDS[refusal.kind]
    problem = Problem(
        type=type_,
        title=title,
        status=status,
        detail=refusal.detail,
        instance=f"urn:uuid:{request_id}",
        place=refusal.place,
        remedy=refusal.remedy or remedy,
    )
    headers = dict(refusal.headers or {})
    if refusal.retry_s:
        headers["retry-after"] = str(refusal.retry_s)
    # in ASCII, since words of a request may have lone surrogates
    content = json.dumps(problem.model_dump(exclude_none=True))
    return Response(content, status, headers, PROBLEM_TYPE)


def _find_problem(error: Exception) -> ProblemError:
    """Return the problem of an error that is not the framework's own."""
    match error:
        case ProblemError():
            return error
        case RequestValidationError():
            # anybody may send what they like, so a long name is cut
            flaws = [
                f"{flaw['loc'][1]!s:.100}: {flaw['msg']}" for flaw in error.errors()
            ]
            return ProblemError("wrong-parameter", "; ".join(flaws))
        case RecordError():
            # Of the others, the executor raises it for a record that kills its process.
            kind = _KINDS_OF_RECORDS.get(type(error), "internal")
            return ProblemError(kind, error.problem, remedy=error.remedy)
        case EngineError():
            detail = f"the worker processes cannot start: {error}"
            remedy = "see the service's standard error"
            return ProblemError("not-ready", detail, retry_s=5, remedy=remedy)
        case DiskFull():
            return ProblemError("no-space", "the service's disk is full")
        case MissingExtra():
            return ProblemError("not-installed", str(error))
        case ModelError():
            detail = "the model cannot be used at the moment"
            return ProblemError("model-away", detail, retry_s=30)
        case _:
            return ProblemError("internal", describe_unexpected(error))

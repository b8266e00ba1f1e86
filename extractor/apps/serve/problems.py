"""Render every error as problem details (RFC 9457), with the error's location and a remedy."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

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
from extractor.face import read_toml

PROBLEM_TYPE = "application/problem+json"
KINDS: dict[str, tuple[int, str, str]] = read_toml(__package__, "assets/problems.toml")
"""The HTTP status, title and remedy of each problem type."""
_UNKNOWN = "Extra inputs are not permitted"
"""Pydantic's message for an unknown parameter."""


class Problem(BaseModel):
    """Problem details as defined in RFC 9457, with the error's location and a remedy."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """The problem type. All types are listed in docs/reference/service.md."""
    title: str
    status: int
    detail: str
    instance: str
    """The request's id, as in the X-Request-ID header."""
    place: str | None = None
    """The location of the error in the request."""
    remedy: str


@dataclass(eq=False)
class ProblemError(Exception):
    """Raised to reject a request and respond with a problem. ``retry_s`` is the number of seconds
    to wait before trying again.
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
"""Errors that do not indicate a failure of the service."""


def describe_unexpected(error: BaseException) -> str:
    """Return an error's class and, for an unexpected error, the line that raised the error. The
    error's text is omitted because it may quote a record.
    """
    error = as_extractor_error(error)
    if not isinstance(error, UnexpectedError):
        return type(error).__name__
    place = ""
    if error.frames:
        place = f" at {error.frames[0]}"
    return f"an unexpected {error.kind}{place}"


def render_problem(error: Exception, request_id: str) -> Response:
    """Return the response for any error.

    For an unexpected error, only the class and the location are shown. The names of invalid
    parameters are shown, but their values are not.

    >>> json.loads(render_problem(KeyError("a word of the record"), "0").body)["detail"]
    'an unexpected KeyError'
    """
    if isinstance(error, HTTPException):
        # FastAPI's own errors only have a status; RFC 9457 defines "about:blank" for them.
        rejection = ProblemError("", error.detail, headers=error.headers)
        type_ = "about:blank"
        status = error.status_code
        title = HTTPStatus(status).phrase
        remedy = "check the path and the method against GET /openapi.json"
    else:
        rejection = _find_problem(error)
        type_ = f"urn:trial-extractor:problem:{rejection.kind}"
        status, title, remedy = KINDS[rejection.kind]
    problem = Problem(
        type=type_,
        title=title,
        status=status,
        detail=rejection.detail,
        instance=f"urn:uuid:{request_id}",
        place=rejection.place,
        remedy=rejection.remedy or remedy,
    )
    headers = dict(rejection.headers or {})
    if rejection.retry_s:
        headers["retry-after"] = str(rejection.retry_s)
    # as ASCII, because words from a request may contain lone surrogates
    content = json.dumps(problem.model_dump(exclude_none=True))
    return Response(content, status, headers, PROBLEM_TYPE)


def _find_problem(error: Exception) -> ProblemError:
    """Return the problem for an error that FastAPI did not raise itself."""
    match error:
        case ProblemError():
            return error
        case RequestValidationError():
            # parameter names come from the client, so long names are truncated
            flaws = [
                f"{flaw['loc'][1]!s:.100}: {flaw['msg']}" for flaw in error.errors()
            ]
            return ProblemError(
                "wrong-parameter",
                "; ".join(flaws).replace(_UNKNOWN, "there is no such parameter"),
                place="query parameters",
            )
        case RecordError():
            if isinstance(error, RecordTooSlow):
                return ProblemError("took-too-long", error.problem)
            # any other record error is from the executor: the record's process was killed
            kind = "internal"
            if isinstance(error, RecordTooLarge):
                kind = "unreadable"
            return ProblemError(kind, error.problem, remedy=error.remedy)
        case EngineError():
            return ProblemError(
                "not-ready",
                f"the worker processes cannot start: {error}",
                remedy="see the service's standard error",
                retry_s=5,
            )
        case DiskFull():
            return ProblemError("no-space", "the service's disk is full")
        case MissingExtra():
            return ProblemError("not-installed", str(error))
        case ModelError():
            return ProblemError(
                "model-away", "the model cannot be used at the moment", retry_s=30
            )
        case _:
            return ProblemError("internal", describe_unexpected(error))

"""Render errors as problem details (RFC 9457), with the place of the error and a remedy."""

import json
import tomllib
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from math import ceil
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from extractor.errors import ModelError, UnexpectedError, as_extractor_error

PROBLEM_TYPE = "application/problem+json"


class WrongParameter(BaseModel):
    """An invalid parameter."""

    name: str
    detail: str


class Problem(BaseModel):
    """Problem details as in RFC 9457, with the place of the error and a remedy."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(
        description="The kind of problem; docs/how-to/serve.md lists all."
    )
    title: str
    status: int
    detail: str
    instance: str = Field(
        description="The request's id, as in the header X-Request-ID."
    )
    place: str | None = Field(default=None, description="The place in the body.")
    remedy: str | None = None
    errors: tuple[WrongParameter, ...] | None = None


PROBLEMS: dict[str, tuple[int, str]] = tomllib.loads(
    (files("extractor.apps.serve") / "assets" / "problems.toml").read_text("utf-8")
)
"""Each kind of problem with its HTTP status and its title."""


def problem_type(kind: str) -> str:
    """Return the URI of a kind of problem."""
    return f"urn:trial-extractor:problem:{kind}"


class ProblemError(Exception):
    """A request is refused with a problem as response.

    ``retry_s`` is the number of seconds after which to try again, ``headers`` are additional
    headers, ``more`` are further members of the ``Problem``: ``place``, ``remedy``, ``errors``.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        retry_s: float | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.more = more
        self.headers = {name.lower(): value for name, value in (headers or {}).items()}
        if retry_s is not None:
            self.headers["retry-after"] = str(max(1, ceil(retry_s)))


def describe_unexpected(error: BaseException) -> str:
    """Return an error's class and the line that raised it, without its text, which may quote a
    record.
    """
    error = as_extractor_error(error)
    if not isinstance(error, UnexpectedError):
        return type(error).__name__
    return f"an unexpected {error.kind}" + (
        f" at {error.frames[0]}" if error.frames else ""
    )


def render_problem(error: Exception, request_id: str) -> Response:
    """Return the response for any error.

    An unexpected error shows only its class and place, because its text may quote a record. Invalid
    parameters are named, but their values are not repeated.

    >>> json.loads(render_problem(KeyError("a word of the record"), "0").body)["detail"]
    'an unexpected KeyError'
    """
    match error:
        case HTTPException():  # the framework's own errors, with a status only
            status = error.status_code
            title = HTTPStatus(error.status_code).phrase
            kind = "about:blank"
            refusal = ProblemError(
                kind, _DETAILS.get(status, error.detail), headers=error.headers
            )
        case ProblemError():
            refusal = error
        case RequestValidationError():
            wrong = tuple(
                WrongParameter(name=str(one["loc"][-1]), detail=one["msg"])
                for one in error.errors()
            )
            named = "; ".join(
                f"{parameter.name}: {parameter.detail}" for parameter in wrong
            )
            refusal = ProblemError("wrong-parameter", named, errors=wrong)
        case ModelError():
            refusal = ProblemError(
                "model-away", "the model cannot be used at the moment", retry_s=30
            )
        case _:
            refusal = ProblemError(
                "internal", describe_unexpected(error), remedy="please report it"
            )
    if not isinstance(error, HTTPException):
        status, title = PROBLEMS[refusal.kind]
        kind = problem_type(refusal.kind)
    instance = f"urn:uuid:{request_id}"
    detail = refusal.detail
    problem = Problem(
        type=kind,
        title=title,
        status=status,
        detail=detail,
        instance=instance,
        **refusal.more,
    )
    content = json.dumps(
        problem.model_dump(exclude_none=True), ensure_ascii=False
    ).encode("utf-8", "backslashreplace")
    return Response(content, status, refusal.headers, PROBLEM_TYPE)


_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not support that method.",
}

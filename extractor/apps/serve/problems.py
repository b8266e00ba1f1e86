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
        description="The kind of problem; docs/reference/service.md lists all."
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
        self.headers: dict[str, str] = {}
        for name, value in (headers or {}).items():
            self.headers[name.lower()] = value
        if retry_s is not None:
            # HTTP has whole seconds here, and 0 would mean at once.
            self.headers["retry-after"] = str(max(1, ceil(retry_s)))


def describe_unexpected(error: BaseException) -> str:
    """Return an error's class and the line that raised it, without its text, which may quote a
    record.
    """
    error = as_extractor_error(error)
    if not isinstance(error, UnexpectedError):
        return type(error).__name__
    described = f"an unexpected {error.kind}"
    if error.frames:
        described += f" at {error.frames[0]}"
    return described


def render_problem(error: Exception, request_id: str) -> Response:
    """Return the response for any error.

    An unexpected error shows only its class and place, because its text may quote a record. Invalid
    parameters are named, but their values are not repeated.

    >>> json.loads(render_problem(KeyError("a word of the record"), "0").body)["detail"]
    'an unexpected KeyError'
    """
    if isinstance(error, HTTPException):
        # The framework's own errors have a status only: RFC 9457 has this type for them.
        type_ = "about:blank"
        status = error.status_code
        title = HTTPStatus(status).phrase
        detail = _DETAILS.get(status, error.detail)
        refusal = ProblemError(type_, detail, headers=error.headers)
    else:
        refusal = _find_problem(error)
        type_ = problem_type(refusal.kind)
        status, title = PROBLEMS[refusal.kind]
    problem = Problem(
        type=type_,
        title=title,
        status=status,
        detail=refusal.detail,
        instance=f"urn:uuid:{request_id}",
        **refusal.more,
    )
    text = json.dumps(problem.model_dump(exclude_none=True), ensure_ascii=False)
    # Words of a request may have lone surrogates, which UTF-8 cannot write.
    content = text.encode("utf-8", "backslashreplace")
    return Response(content, status, refusal.headers, PROBLEM_TYPE)


_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not support that method.",
}


def _find_problem(error: Exception) -> ProblemError:
    """Return the problem of an error that is not the framework's own."""
    match error:
        case ProblemError():
            return error
        case RequestValidationError():
            wrong = []
            for flaw in error.errors():
                name = str(flaw["loc"][-1])
                wrong.append(WrongParameter(name=name, detail=flaw["msg"]))
            detail = "; ".join(f"{flaw.name}: {flaw.detail}" for flaw in wrong)
            return ProblemError("wrong-parameter", detail, errors=tuple(wrong))
        case ModelError():
            detail = "the model cannot be used at the moment"
            return ProblemError("model-away", detail, retry_s=30)
        case _:
            detail = describe_unexpected(error)
            return ProblemError("internal", detail, remedy="please report it")

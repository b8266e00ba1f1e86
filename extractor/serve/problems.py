"""Errors as problem details (RFC 9457): what is wrong, where, and what to do about it."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from .messages import Trouble, TroubleKind

__all__ = [
    "ALL_KINDS",
    "BROKEN",
    "MODEL_AWAY",
    "NOT_FINISHED",
    "NOT_INSTALLED",
    "NOT_READY",
    "NOT_YOURS",
    "NO_KEY",
    "NO_MONEY",
    "NO_SPACE",
    "NO_SUCH_JOB",
    "PROBLEM_TYPE",
    "PROCESS_DIED",
    "QUEUE_FULL",
    "TOOK_TOO_LONG",
    "TOO_LARGE",
    "TOO_MANY",
    "TOO_OFTEN",
    "TOO_SLOW_SENDING",
    "UNREADABLE",
    "WRONG_PARAMETER",
    "WRONG_TYPE",
    "Problem",
    "ProblemKind",
    "Refusal",
    "WrongParameter",
    "describe_wrong",
    "refuse_later",
    "refuse_trouble",
    "render_problem",
    "render_status",
]

PROBLEM_TYPE = "application/problem+json"
_PREFIX = "urn:trial-extractor:problem:"


class WrongParameter(BaseModel):
    """A parameter that was not understood."""

    name: str
    detail: str


class Problem(BaseModel):
    """Problem details as RFC 9457 has them, with the place of the error and a remedy."""

    model_config = ConfigDict(extra="forbid")

    type: str = Field(description="What kind of problem; docs/serve.md lists all.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="The request's id, as in the header X-Request-ID.")
    place: str | None = Field(default=None, description="Where in the body.")
    remedy: str | None = None
    errors: tuple[WrongParameter, ...] | None = None


class ProblemKind:
    """A kind of problem: a name, a status, a title."""

    def __init__(self, name: str, status: HTTPStatus, title: str) -> None:
        self.name, self.status, self.title = name, int(status), title

    @property
    def type(self) -> str:
        """The URI that names it."""
        return _PREFIX + self.name


NO_KEY = ProblemKind("no-key", HTTPStatus.UNAUTHORIZED, "A valid key is needed")
NOT_YOURS = ProblemKind("not-allowed", HTTPStatus.FORBIDDEN, "This is for the operator")
NO_MONEY = ProblemKind("spending-limit", HTTPStatus.PAYMENT_REQUIRED, "The spending limit is reached")
NO_SUCH_JOB = ProblemKind("no-such-job", HTTPStatus.NOT_FOUND, "There is no such job")
NOT_FINISHED = ProblemKind("not-finished", HTTPStatus.CONFLICT, "The job is not in a state for that")
TOO_SLOW_SENDING = ProblemKind("upload-too-slow", HTTPStatus.REQUEST_TIMEOUT, "The body did not come")
TOO_LARGE = ProblemKind("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large")
WRONG_TYPE = ProblemKind("wrong-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "That type of body is not taken")
UNREADABLE = ProblemKind("unreadable", HTTPStatus.UNPROCESSABLE_ENTITY, "The body is no trial record")
WRONG_PARAMETER = ProblemKind("wrong-parameter", HTTPStatus.UNPROCESSABLE_ENTITY, "A parameter is wrong")
TOO_OFTEN = ProblemKind("rate-limit", HTTPStatus.TOO_MANY_REQUESTS, "Too many requests in a minute")
TOO_MANY = ProblemKind("too-many-at-once", HTTPStatus.TOO_MANY_REQUESTS, "Too much at once")
QUEUE_FULL = ProblemKind("queue-full", HTTPStatus.TOO_MANY_REQUESTS, "The service is busy")
BROKEN = ProblemKind("internal", HTTPStatus.INTERNAL_SERVER_ERROR, "An error of the service")
NOT_INSTALLED = ProblemKind("not-installed", HTTPStatus.NOT_IMPLEMENTED, "The service lacks an extra for that")
MODEL_AWAY = ProblemKind("model-away", HTTPStatus.SERVICE_UNAVAILABLE, "The model does not answer")
NOT_READY = ProblemKind("not-ready", HTTPStatus.SERVICE_UNAVAILABLE, "The service is not ready")
PROCESS_DIED = ProblemKind("process-died", HTTPStatus.SERVICE_UNAVAILABLE, "The extracting process died")
TOOK_TOO_LONG = ProblemKind("took-too-long", HTTPStatus.GATEWAY_TIMEOUT, "The extraction took too long")
NO_SPACE = ProblemKind("no-space", HTTPStatus.INSUFFICIENT_STORAGE, "The service has no space left")

ALL_KINDS = tuple(value for value in list(vars().values()) if isinstance(value, ProblemKind))


class Refusal(Exception):
    """A request that is answered with a problem; ``more`` are members of it beyond the common ones."""

    def __init__(
        self, kind: ProblemKind, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.headers, self.more = kind, detail, dict(headers or {}), more


def refuse_later(kind: ProblemKind, detail: str, seconds: float) -> Refusal:
    """A refusal that says when to come again."""
    return Refusal(kind, detail, headers={"retry-after": str(max(1, round(seconds + 0.499)))})


_TROUBLES = {
    TroubleKind.UNREADABLE: UNREADABLE,
    TroubleKind.MODEL: MODEL_AWAY,
    TroubleKind.DIED: BROKEN,
    TroubleKind.DIED_WITH_OTHERS: PROCESS_DIED,
    TroubleKind.NOT_STARTED: NOT_READY,
    TroubleKind.FAILED: BROKEN,
}


_RETRY_S = {MODEL_AWAY: "30", NOT_READY: "5", PROCESS_DIED: "1"}


def refuse_trouble(trouble: Trouble) -> Refusal:
    """The refusal of a body that could not be extracted."""
    kind = _TROUBLES[trouble.kind]
    headers = {"retry-after": _RETRY_S[kind]} if kind in _RETRY_S else None
    return Refusal(kind, trouble.detail, headers=headers, place=trouble.place, remedy=trouble.remedy)


def render_problem(refusal: Refusal, request_id: str) -> Response:
    """The answer that a refusal becomes."""
    return _render(refusal.kind.type, refusal.kind.title, refusal.kind.status, refusal, request_id)


def render_status(status: int, detail: str, request_id: str, headers: Mapping[str, str]) -> Response:
    """The answer for a status of HTTP that means no more than it says, such as 405."""
    kind = ProblemKind("", HTTPStatus(status), HTTPStatus(status).phrase)
    return _render("about:blank", kind.title, status, Refusal(kind, detail, headers=headers), request_id)


def describe_wrong(errors: Sequence[Mapping[str, Any]]) -> Refusal:
    """The refusal of parameters that pydantic did not understand. What was sent is not repeated."""
    wrong = tuple(WrongParameter(name=str(error["loc"][-1]), detail=error["msg"]) for error in errors)
    named = "; ".join(f"{parameter.name}: {parameter.detail}" for parameter in wrong)
    return Refusal(WRONG_PARAMETER, named, errors=wrong)


def _render(type_: str, title: str, status: int, refusal: Refusal, request_id: str) -> Response:
    problem = Problem(
        type=type_, title=title, status=status, detail=refusal.detail, instance=f"urn:uuid:{request_id}", **refusal.more
    )
    content = json.dumps(problem.model_dump(exclude_none=True), ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(content, status, refusal.headers, PROBLEM_TYPE)

"""What holds for every request: an id, a problem for whatever went wrong, headers, and a line of figures."""

from time import monotonic
from uuid import uuid4

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extractor.events import Event, tell

from .messages import describe_unexpected, find_place
from .metrics import Metrics
from .problems import BROKEN, Refusal, describe_wrong, render_problem, render_status

__all__ = ["Guard", "answer_http_error", "answer_refusal", "answer_wrong"]

_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class Guard:
    """Stands before the application. Nothing of a request but its method, its route and its length is told to logs."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        request_id = state["request_id"] = str(uuid4())
        since, status = monotonic(), 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                known = {name.lower() for name, _ in message["headers"]}
                added = _HEADERS | {"x-request-id": request_id}
                extra = [(name.encode(), value.encode()) for name, value in added.items()]
                message["headers"] = [*message["headers"], *(pair for pair in extra if pair[0] not in known)]
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        except ClientDisconnect:
            status = status or 499
        except Exception as error:  # noqa: BLE001 - told as a problem, without its text, which may be that of a record
            place = find_place(error) or "unknown"
            tell(Event.REQUEST_FAILED, request=request_id, error=type(error).__name__, place=place)
            if status:
                raise ConnectionError("an answer was broken off") from None  # its text may be that of a record
            refusal = Refusal(BROKEN, f"an unexpected {describe_unexpected(error)}", remedy="please report it")
            await render_problem(refusal, request_id)(scope, receive, send_guarded)
        finally:
            self._note(scope, status, monotonic() - since)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "none")
        state = scope["state"]
        self._metrics.note_request(method, route, status, seconds)
        facts = {"request": state["request_id"], "caller": state.get("caller"), "method": method, "route": route}
        tell(Event.REQUEST_ENDED, **facts, status=status, seconds=round(seconds, 4))


async def answer_refusal(request: Request, error: Exception) -> Response:
    """A refusal as a problem."""
    assert isinstance(error, Refusal)
    return render_problem(error, request.state.request_id)


async def answer_wrong(request: Request, error: Exception) -> Response:
    """Parameters that were not understood, as a problem."""
    assert isinstance(error, RequestValidationError)
    return render_problem(describe_wrong(error.errors()), request.state.request_id)


async def answer_http_error(request: Request, error: Exception) -> Response:
    """What the framework refuses, as a problem."""
    assert isinstance(error, HTTPException)
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if error.status_code == 405:
        headers["allow"] = ", ".join(_list_methods(request))
    return render_status(error.status_code, _DETAILS.get(error.status_code, error.detail), _id_of(request), headers)


_DETAILS = {404: "There is nothing at this address.", 405: "This address does not take that method."}


def _id_of(request: Request) -> str:
    return str(request.state.request_id)


def _list_methods(request: Request) -> list[str]:
    """All methods that some route takes at this address."""
    routes: list[Route] = request.app.state.routes
    fitting = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in fitting for method in route.methods or ()})

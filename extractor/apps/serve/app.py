"""Build the web application and its OpenAPI document, and run its server."""

import asyncio
import json
import socket
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from filelock import FileLock, Timeout
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extractor.apps.serve.callers import CallerBook, SharedMeter, count_spent
from extractor.apps.serve.drain import LOCK
from extractor.apps.serve.playground import playground
from extractor.apps.serve.problems import (
    PROBLEM_TYPE,
    PROBLEMS,
    Problem,
    ProblemError,
    problem_type,
    render_problem,
)
from extractor.apps.serve.requests import BODY_TYPES
from extractor.apps.serve.routes import routers
from extractor.apps.serve.service import Service
from extractor.apps.serve.settings import ServiceSettings
from extractor.errors import ModelError, StoreError, as_extractor_error
from extractor.model.events import Event, tell
from extractor.run.setup import Setup

_LOCK_TIMEOUT_S = 5.0
_SHUTDOWN_TIMEOUT_S = 20
"""So long requests under way may go on at a stop. On a busy machine the last words of a stream of
events took more than 5 seconds.
"""
_MAX_CONNECTIONS = 2000
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_ASSETS = files("extractor.apps.serve") / "assets"
_DESCRIPTION = """\
Extracts eligibility, dosing and endpoints from clinical-trial registry records. Every value \
has the text that supports
it, and every gap its reason. Send one record for an immediate answer, or a file of many as a job. \
Every error is a
problem (RFC 9457) that says what to do.
"""
_INSTANCE = "urn:uuid:6f0c1c9e-6a0e-4d0c-9d4e-0a4b1f6f7c11"
_WITH_KEY = ("no-key", "rate-limit", "wrong-parameter")
_PROBES = frozenset({"/healthz", "/readyz"})
_TO_MONITORS = frozenset({200, 503})
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class _Server(uvicorn.Server):
    """Stops the service at the first signal, while requests under way may still end; ends at
    once at the second.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal: the server asks its requests to end, or ends at once."""
        is_second_signal = self.should_exit
        if is_second_signal:
            self.force_exit = True
        else:
            self._stop_service()
        super().handle_exit(sig, frame)

    def _stop_service(self) -> None:
        """Stop the service, unless it has not started yet."""
        service: Service | None = getattr(self.config.app.state, "service", None)  # type: ignore[union-attr]
        if service:
            # A signal interrupts the loop anywhere; the loop itself may stop the service safely.
            service.loop.call_soon_threadsafe(service.stop)


def build_app(settings: ServiceSettings) -> FastAPI:
    """Build the application. Its service opens at the start and closes at the stop of the
    server.
    """

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        """Keep the service open as long as the server runs."""
        async with Service.open(settings) as service:
            app.state.service = service
            yield

    app = FastAPI(
        title="Extractor",
        version=version("trial-extractor"),
        lifespan=live,
        middleware=[Middleware(_Envelope)],
        exception_handlers=dict.fromkeys(
            (ProblemError, ModelError, RequestValidationError, HTTPException),
            _answer_error,
        ),
        redirect_slashes=False,
        # The framework's pages load scripts from other hosts. This program's page is in routes.
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    if settings.options.playground:
        # Before the others: of two routes for "/", the first one answers.
        app.include_router(playground)
    for router in routers:
        app.include_router(router)
    app.openapi = lambda: describe_service(app)  # type: ignore[method-assign]
    return app


async def _answer_error(request: Request, error: Exception) -> Response:
    return render_problem(error, request.state.request_id)


class _Envelope:
    """Gives every request an id, a response to unexpected errors, common headers and an event.

    The log has only the method, route and caller of a request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and tell its event however it ends.

        An unexpected error becomes a problem with status 500, and an event of its own. If the
        response had begun, it is too late for another one: the connection is closed.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        request_id = str(uuid4())
        state["request_id"] = request_id
        since = monotonic()
        spent = count_spent()
        # 0 until the response begins
        status = 0

        async def send_guarded(message: Message) -> None:
            """Send a message, note the status, and add the common headers that it lacks."""
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in (*_HEADERS.items(), ("x-request-id", request_id)):
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        except ClientDisconnect:
            # No standard status says that the caller went away; nginx logs this number.
            status = status or 499
        except Exception as error:  # noqa: BLE001 - the response leaves out its text, which may quote a record
            _tell_failure(error, request_id)
            has_answered = status > 0
            if has_answered:
                raise ConnectionError("a response was interrupted") from None
            await render_problem(error, request_id)(scope, receive, send_guarded)
        finally:
            seconds = monotonic() - since
            # A caller may send any word as a method, and the log shows none of its words.
            method = scope["method"]
            if method not in _METHODS:
                method = "other"
            facts = {
                "request": request_id,
                "caller": state.get("caller"),
                "method": method,
                "route": getattr(scope.get("route"), "path", "none"),
                "status": status,
                "seconds": round(seconds, 4),
            }
            # Monitors ask each few seconds, and see the answer themselves.
            is_quiet = facts["route"] in _PROBES and status in _TO_MONITORS
            if not is_quiet:
                tell(Event.REQUEST_ENDED, **facts, **spent.facts)


def _tell_failure(error: Exception, request_id: str) -> None:
    """Tell the event of an unexpected error: its class and the line that raised it, not its text,
    which may quote a record.
    """
    failure = as_extractor_error(error)
    kind = getattr(failure, "kind", type(failure).__name__)
    frames = getattr(failure, "frames", ())
    place = frames[0] if frames else "unknown"
    tell(Event.REQUEST_FAILED, request=request_id, error=kind, place=place)


def describe_service(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the service, built once: FastAPI's description with the facts
    of ``operations.toml``, and with problems in place of FastAPI's own errors.
    """
    if app.openapi_schema is not None:
        return app.openapi_schema
    described = get_openapi(
        title=app.title,
        version=app.version,
        description=_DESCRIPTION,
        routes=app.routes,
    )
    operations = tomllib.loads((_ASSETS / "operations.toml").read_text("utf-8"))
    for name, facts in operations.items():
        # "POST /v1/jobs"
        method, path = name.split()
        _complete(described["paths"][path][method.lower()], facts)
    schemas = described["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        del schemas[unused]
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs")
    schemas["Problem"] = problem
    app.openapi_schema = described
    return described


def _complete(operation: dict[str, Any], facts: Mapping[str, Any]) -> None:
    """Add facts from ``operations.toml`` to FastAPI's description of an operation: its summary,
    its body, its answers, and its problems by status. An operation with ``problems`` needs a key,
    which may be refused, too.
    """
    operation["summary"] = facts["summary"]
    if "body" in facts:
        operation["requestBody"] = _describe_body(facts["body"])
    derived = operation["responses"]
    responses = {}
    for status, answer in facts["answers"].items():
        derived_content = derived.get(status, {}).get("content", {})
        responses[status] = _describe_answer(answer, derived_content)
    if "problems" in facts:
        kinds = [*_WITH_KEY, *facts["problems"]]
    else:
        kinds = facts.get("problems_without_key", ())
    for kind in sorted(kinds, key=_status_of):
        _add_problem(responses, kind)
    operation["responses"] = responses


def _describe_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the body of a request in all media types, with the examples of some."""
    content: dict[str, Any] = {}
    for media_type in BODY_TYPES:
        schema = {"type": "string", "format": "binary", "minLength": 1}
        content[media_type] = {"schema": schema}
    for media_type, example in body["examples"].items():
        content[media_type]["example"] = _load(example)
    return {"required": True, "description": body["description"], "content": content}


def _describe_answer(
    answer: Mapping[str, Any], derived: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe an answer, with an example for each media type.

    ``derived`` is the content that FastAPI derives from the types, by media type.
    """
    described: dict[str, Any] = {"description": answer["description"]}
    content = {}
    for media_type, example in answer.get("examples", {}).items():
        derived_schema = derived.get(media_type, {}).get("schema")
        schema = answer.get("schema") or derived_schema or {"type": "string"}
        # Parquet cannot be shown as text
        if "binary" in example:
            content[media_type] = {"schema": schema | {"format": "binary"}}
        else:
            content[media_type] = {"schema": schema, "example": _load(example)}
    if content:
        described["content"] = content
    return described


def _status_of(problem_kind: str) -> int:
    """Return the HTTP status of a kind of problem."""
    status, _ = PROBLEMS[problem_kind]
    return status


def _load(example: Any) -> Any:
    """Return the value of an example: itself, a file of the assets (``file``), or a file as a line
    of JSON lines (``line``). A list has the value of each member.
    """
    if isinstance(example, list):
        return [_load(part) for part in example]
    if not isinstance(example, dict):
        return example
    if "file" in example:
        return _read_asset(example["file"])
    if "line" in example:
        return json.dumps(_read_asset(example["line"])) + "\n"
    return example


def _read_asset(name: str) -> Any:
    """Return the value of a JSON file, or the text of another file."""
    text = (_ASSETS / name).read_text("utf-8")
    if name.endswith(".json"):
        return json.loads(text)
    return text


def _add_problem(responses: dict[str, Any], kind: str) -> None:
    """Add a problem, with an example, to the responses of an operation. Several problems may have
    one status, which OpenAPI describes once: with all their titles.
    """
    status, title = PROBLEMS[kind]
    if str(status) not in responses:
        content = {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
        responses[str(status)] = {
            "description": "",
            "content": {PROBLEM_TYPE: content},
        }
    shown = responses[str(status)]
    if shown["description"]:
        shown["description"] += "; "
    shown["description"] += title
    example = {
        "type": problem_type(kind),
        "title": title,
        "status": status,
        "detail": "...",
        "instance": _INSTANCE,
    }
    shown["content"][PROBLEM_TYPE]["examples"][kind] = {"value": example}


def serve_service(
    settings: ServiceSettings, host: str, port: int, report: Callable[[str], None]
) -> None:
    """Serve on an address until stopped. ``port`` 0 selects a free port. ``report`` gets the URL
    before serving begins.

    Raises ``StoreError`` for an address or a root that cannot be used, ``MissingKey`` for a model
    without its key.
    """
    with _lock_root(settings.root), _listen(host, port) as listening:
        asyncio.run(_check_parts(settings))
        # The server's log of requests would contain addresses; events are logged instead.
        config = uvicorn.Config(
            build_app(settings),
            http="h11",
            access_log=False,
            log_level="warning",
            lifespan="on",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_S,
            limit_concurrency=_MAX_CONNECTIONS,
        )
        _, bound_port, *_ = listening.getsockname()
        # An IPv6 address stands in brackets, or its colons would look like that of the port.
        shown_host = f"[{host}]" if ":" in host else host
        report(f"http://{shown_host}:{bound_port}")
        _Server(config).run(sockets=[listening])


async def _check_parts(settings: ServiceSettings) -> None:
    """Open and close what the service needs: the server would report a failed start without a
    remedy.
    """
    with (
        closing(CallerBook(settings.root)) as book,
        closing(SharedMeter(settings.root, settings.pricing, None, book)),
    ):
        async with Setup(settings.model).open():
            pass


@contextmanager
def _lock_root(root: Path) -> Iterator[None]:
    """Lock a root, which is made if it is missing, against other services inside the block. Raises
    ``StoreError`` if another process uses it, or if it cannot be made.
    """
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(root / LOCK, timeout=_LOCK_TIMEOUT_S):
            yield
    except Timeout:
        raise StoreError(
            f"{root}: another process uses it; wait for its end, or choose another --root"
        ) from None
    except OSError as error:
        raise StoreError(
            f"{error.filename or root}: {error.strerror}; choose another --root"
        ) from error


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises ``StoreError`` for an address that cannot be used."""
    try:
        family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(
            (host, port), family=family, backlog=_MAX_CONNECTIONS
        )
    except OSError as error:
        raise StoreError(
            f"{host}, port {port}: {error.strerror}; choose another --host or --port"
        ) from error
    # Accepted connections inherit it. Without it, the second packet of a response waits.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening

"""Build the web application, and run its server."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from uuid import uuid4

import uvicorn
from fastapi import FastAPI
from filelock import FileLock, Timeout
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extractor.apps.serve.description import DESCRIPTION
from extractor.apps.serve.drain import LOCK
from extractor.apps.serve.money import Account, account
from extractor.apps.serve.playground import playground
from extractor.apps.serve.problems import (
    KNOWN,
    ProblemError,
    describe_unexpected,
    render_problem,
)
from extractor.apps.serve.requests import count_unrouted
from extractor.apps.serve.routes import router
from extractor.apps.serve.service import Service
from extractor.apps.serve.settings import ServiceSettings
from extractor.errors import StoreError
from extractor.face import Event, tell

_LOCK_TIMEOUT_S = 5.0
_SHUTDOWN_TIMEOUT_S = 20
"""The number of seconds that running requests are given to finish when the service stops. On a
busy machine, an event stream can take more than 5 seconds to close.
"""
_MAX_CONNECTIONS = 2000
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_USUAL = frozenset({200, 503})


def build_app(service: Service) -> FastAPI:
    """Build the web application for a service that has been opened."""
    app = FastAPI(
        title="Extractor",
        version=version("trial-extractor"),
        description=DESCRIPTION,
        middleware=[Middleware(_Envelope)],
        exception_handlers=dict.fromkeys(KNOWN, _answer_error),
        redirect_slashes=False,
        # FastAPI's own pages load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.include_router(router)
    if service.settings.options.playground:
        app.include_router(playground)
    return app


async def _answer_error(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        try:
            await count_unrouted(request)
        except ProblemError as rejection:
            error = rejection
    return render_problem(error, request.state.request_id)


class _Envelope:
    """Middleware that gives every request an id, an account, common headers and an event, and
    responds to unexpected errors. The event identifies the request only by its method, route and
    caller.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and emit its event whether or not the request succeeds.

        An unexpected error results in a problem response with status 500 and in a separate event.
        If the response has already started, uvicorn closes the connection instead.
        """
        request_id = str(uuid4())
        payer = Account()
        account.set(payer)
        state: dict[str, object] = scope.setdefault("state", {})
        state["request_id"] = request_id
        since = monotonic()
        status = 0  # until the response begins

        async def send_guarded(message: Message) -> None:
            """Send a message, record the status, and add missing common headers."""
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
            # HTTP has no status for a client that disconnects; nginx logs 499
            status = status or 499
        except Exception as error:  # noqa: BLE001 - the response leaves out its text, which may quote a record
            tell(
                Event.REQUEST_FAILED,
                request=request_id,
                error=describe_unexpected(error),
            )
            if not status:
                respond = render_problem(error, request_id)
                await respond(scope, receive, send_guarded)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            seconds = monotonic() - since
            service: Service = scope["app"].state.service
            service.metrics.count(scope["method"], route, status, seconds)
            # probes are polled every few seconds, and the poller sees the response
            if route not in _PROBES or status not in _USUAL:
                tell(
                    Event.REQUEST_ENDED,
                    request=request_id,
                    caller=payer.caller or None,
                    method=scope["method"],
                    route=route,
                    status=status,
                    seconds=round(seconds, 4),
                    **(payer.facts if payer.usage.calls else {}),
                )


class _Server(uvicorn.Server):
    """A server that leaves signal handling to ``_serve``."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do not install any signal handlers."""
        yield


def serve_service(
    settings: ServiceSettings, host: str, port: int, report: Callable[[str], None]
) -> None:
    """Serve on an address until a signal stops the service. ``port`` 0 selects a free port.
    ``report`` is called with the URL when the service is ready.

    Raises ``StoreError`` if the address cannot be used, and any error raised by ``Service.open``.
    """
    with _lock_root(settings.root), _listen(host, port) as listening:
        _, bound_port, *_ = listening.getsockname()
        # An IPv6 address is put in brackets to separate its colons from the port's.
        shown_host = host
        if ":" in host:
            shown_host = f"[{host}]"
        url = f"http://{shown_host}:{bound_port}"
        asyncio.run(_serve(settings, listening, lambda: report(url)))


async def _serve(
    settings: ServiceSettings, listening: socket.socket, report: Callable[[], None]
) -> None:
    """Serve until a signal arrives, then let running requests finish. A second signal makes the
    process exit immediately.
    """
    async with Service.open(settings) as service:
        config = uvicorn.Config(
            build_app(service),
            http="h11",
            # An access log would contain addresses; events are logged instead.
            access_log=False,
            log_level="warning",
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_S,
            limit_concurrency=_MAX_CONNECTIONS,
        )
        server = _Server(config)

        def stop() -> None:
            # on the second signal, should_exit is already set
            server.force_exit = server.should_exit
            server.should_exit = True
            service.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        report()
        await server.serve([listening])


@contextmanager
def _lock_root(root: Path) -> Iterator[None]:
    """Lock a root, which must exist, against other services until the block ends. Raises
    ``StoreError`` if another process is using it.
    """
    try:
        with FileLock(root / LOCK, timeout=_LOCK_TIMEOUT_S):
            yield
    except Timeout:
        raise StoreError(
            f"{root}: another process is using it; wait until it exits, or choose another --root"
        ) from None


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises ``StoreError`` if the address cannot be used."""
    try:
        family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server(
            (host, port), family=family, backlog=_MAX_CONNECTIONS
        )
    except OSError as error:
        raise StoreError(
            f"{host}, port {port}: {error.strerror}; choose another --host or --port"
        ) from error
    # Accepted connections inherit this option. Without it, the second packet of a response is
    # delayed.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening

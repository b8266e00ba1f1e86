"""Serve until stopped."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

from extractor.errors import StoreError

from .app import build_app
from .hold import hold
from .settings import ServiceSettings

__all__ = ["serve_service"]

_PATIENCE_S = 5.0
_TO_ANSWER_S = 20
_MOST_CONNECTIONS = 2000


def serve_service(settings: ServiceSettings, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve on an address; ``port`` 0 takes a free one. ``say`` is told the URL once a client may come.

    Raises ``StoreError`` for an address, or a root, that cannot be used.
    """
    with _open_root(settings.root), _listen(host, port) as listening:
        # No log of requests: events tell what may be told. Addresses of proxies are nobody's business here.
        app = build_app(settings)
        config = uvicorn.Config(
            app,
            access_log=False,
            log_level="warning",
            lifespan="on",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_TO_ANSWER_S,
            limit_concurrency=_MOST_CONNECTIONS,
        )
        shown = f"[{host}]" if ":" in host else host
        say(f"http://{shown}:{listening.getsockname()[1]}")
        _Server(config, app).run(sockets=[listening])


@contextmanager
def _open_root(root: Path) -> Iterator[None]:
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with hold(root, _PATIENCE_S):
            yield
    except OSError as error:
        raise StoreError(f"{error.filename or root}: {error.strerror}; choose another --root") from error


class _Server(uvicorn.Server):
    """Tells the service of a signal at once: streams of events end, jobs begin to stop, while answers are finished."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        service = getattr(self._app.state, "service", None)
        if service:
            asyncio.get_running_loop().call_soon_threadsafe(service.runner.begin_closing)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise StoreError(f"{host}: {error.strerror}; choose another --host") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_MOST_CONNECTIONS)
    except OSError as error:
        listening.close()
        raise StoreError(f"{host}, port {port}: {error.strerror}; choose another --host or --port") from error
    return listening

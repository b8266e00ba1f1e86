"""HTTP connections that end by themselves if their other side does nothing."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_PATIENCE_S = 60.0


class WatchedConnection(H11Protocol):
    """Ends a connection that brings no new request, or takes nothing of its response, for ``_PATIENCE_S`` or longer.

    The server itself ends connections only between two requests. Those that are silent, send a request's head bit by
    bit, or go on with a body that was refused would all count among the most that it accepts.
    """

    _next: asyncio.TimerHandle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._next.cancel()
        super().connection_lost(exc)

    def _watch(self, before: tuple[Any, int] | None = None) -> None:
        now = self.cycle, self.transport.get_write_buffer_size()
        is_idle = self.cycle is None or self.cycle.response_complete or self.flow.write_paused
        if is_idle and now == before:
            self.transport.abort()
        else:
            self._next = self.loop.call_later(_PATIENCE_S, self._watch, now)

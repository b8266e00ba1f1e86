"""A connection to itself for each request under way."""

from collections.abc import AsyncIterator, Callable

import httpx2

__all__ = ["LaneTransport"]


class LaneTransport(httpx2.AsyncBaseTransport):
    """Sends each request through a transport that has no other under way, made with ``make`` when all are busy.

    A pool looks at all of its connections at each request and at each reply, which at 64 requests at once takes longer
    than to send one; here none is looked at for another's sake. The one that was used last goes first, so that
    those that are too many fall idle and are closed by the server.
    """

    def __init__(self, make: Callable[[], httpx2.AsyncBaseTransport]) -> None:
        self._make = make
        self._lanes = [make()]  # the first takes long, and no request shall wait for it whose turn has come
        self._idle = [*self._lanes]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        lane = self._idle.pop() if self._idle else self._open()
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            self._idle.append(lane)
            raise
        if response.is_closed:  # a whole one
            self._idle.append(lane)
            return response
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Returning(response.stream, lambda: self._idle.append(lane))
        return response

    async def aclose(self) -> None:
        for lane in self._lanes:
            await lane.aclose()

    def _open(self) -> httpx2.AsyncBaseTransport:
        lane = self._make()
        self._lanes.append(lane)
        return lane


class _Returning(httpx2.AsyncByteStream):
    """A reply's body. ``done`` is called once, when it is closed."""

    def __init__(self, body: httpx2.AsyncByteStream, done: Callable[[], None]) -> None:
        self._body, self._done = body, done
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            yield part

    async def aclose(self) -> None:
        try:
            await self._body.aclose()
        finally:
            if not self._closed:
                self._closed = True
                self._done()

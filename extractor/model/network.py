"""The connection to a server that the user names by its address, which need not be well-meaning."""

import httpx2
import openai

from extractor.masking import mask, mask_known
from extractor.model.completions import GarbledReply

_LONGEST_REPLY = 16 * 1024**2
"""Bytes of a reply; no answer has more."""
_BODY_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})


def open_connection(*, direct: bool) -> httpx2.AsyncClient:
    """Open a client that follows no redirects, and reads bounded replies without keys, which some
    servers repeat.

    ``direct`` ignores proxy settings, as for a server on this machine.
    """
    transport = _GuardedTransport(direct=direct)
    return openai.DefaultAsyncHttpxClient(transport=transport, follow_redirects=False)


class _GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends requests through a client of its own, and hands on bounded replies without keys."""

    def __init__(self, *, direct: bool) -> None:
        # A client, because a transport would ignore proxy settings. One that ignores them would
        # ignore certificates.
        self._inner = httpx2.AsyncClient(
            timeout=None,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
            trust_env=not direct,
            verify=httpx2.create_ssl_context(),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, and read the whole reply, with keys masked in its headers and its body.

        The headers that describe how the body was packed are left out: it is unpacked here. Raises
        ``GarbledReply`` if it is too long or packed wrongly.
        """
        response = await self._inner.send(request, stream=True)
        content = bytearray()
        try:
            async for part in response.aiter_bytes():
                content += part
                if len(content) > _LONGEST_REPLY:
                    raise GarbledReply(f"more than {_LONGEST_REPLY:,} bytes")
        except httpx2.DecodingError as error:
            raise GarbledReply(f"packed wrongly ({error})") from None
        finally:
            await response.aclose()
        headers = [
            (name, mask(value))
            for name, value in response.headers.items()
            if name not in _BODY_HEADERS
        ]
        # bytes that are no UTF-8 stay as they are
        text = mask_known(content.decode("utf-8", "surrogateescape"))
        body = text.encode("utf-8", "surrogateescape")
        status = response.status_code
        return httpx2.Response(status, headers=headers, content=body, request=request)

    async def aclose(self) -> None:
        await self._inner.aclose()

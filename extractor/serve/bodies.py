"""The bodies of requests: records of any format, as they are, bounded while they come."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from fastapi import Request

from .problems import NO_SPACE, TOO_LARGE, TOO_SLOW_SENDING, WRONG_TYPE, Refusal

__all__ = ["BODY_TYPES", "read_body", "save_body"]

BODY_TYPES = (
    "application/json",
    "application/x-ndjson",
    "application/xml",
    "text/xml",
    "text/csv",
    "text/plain",
    "application/gzip",
    "application/zip",
    "application/octet-stream",
)
_SILENCE_S = 60.0
_BLOCK_BYTES = 1_000_000


async def read_body(request: Request, most_bytes: int) -> bytes:
    """The whole body. Raises ``Refusal`` for another type, and for more bytes before they are read."""
    blocks = [block async for block in _stream(request, most_bytes)]
    return b"".join(blocks)


async def save_body(request: Request, path: Path, most_bytes: int) -> int:
    """Write the body to a file, which is there when it is whole and on the disk; its size. Raises ``Refusal``, also
    where there is no space left.
    """
    coming = path.with_name(f".{path.name}.coming")
    size, kept = 0, b""
    try:
        with coming.open("wb") as file:
            async with aclosing(_stream(request, most_bytes)) as blocks:
                async for block in blocks:
                    size, kept = size + len(block), kept + block
                    if len(kept) >= _BLOCK_BYTES:
                        await asyncio.to_thread(file.write, kept)
                        kept = b""
            file.write(kept)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
    except OSError as error:
        raise Refusal(NO_SPACE, f"the upload cannot be kept: {error.strerror}") from error
    coming.replace(path)
    return size


async def _stream(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    _check_type(request)
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > most_bytes:
        raise _too_large(most_bytes)
    size = 0
    async with aclosing(request.stream()) as stream:
        while True:
            try:
                async with asyncio.timeout(_SILENCE_S):
                    block = await anext(stream, None)
            except TimeoutError:
                raise Refusal(TOO_SLOW_SENDING, f"nothing came for {_SILENCE_S:.0f} seconds") from None
            if block is None:
                return
            size += len(block)
            if size > most_bytes:
                raise _too_large(most_bytes)
            yield block


def _too_large(most_bytes: int) -> Refusal:
    remedy = "send fewer records at once, or one to POST /v1/extractions and many to POST /v1/jobs; gzip helps"
    return Refusal(TOO_LARGE, f"at most {most_bytes:,} bytes are taken", headers={"connection": "close"}, remedy=remedy)


def _check_type(request: Request) -> None:
    """Formats are told by content, but forms are none: ``curl -d`` drops line breaks, and multipart adds some."""
    kind = request.headers.get("content-type", BODY_TYPES[-1]).partition(";")[0].strip().lower()
    if kind not in BODY_TYPES:
        remedy = "send the file itself, as with: curl --data-binary @FILE -H 'Content-Type: application/octet-stream'"
        raise Refusal(
            WRONG_TYPE, f"taken are {', '.join(BODY_TYPES)}", headers={"accept-post": _ACCEPTED}, remedy=remedy
        )
    coding = request.headers.get("content-encoding", "identity").lower()
    if coding not in {"identity", "gzip"}:
        raise Refusal(WRONG_TYPE, "this content encoding is not taken", remedy="send it as it is, or in gzip")


_ACCEPTED = ", ".join(BODY_TYPES)

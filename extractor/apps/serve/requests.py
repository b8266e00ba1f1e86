"""Read the parts of a request: the caller, the options, and the body, whose size is limited
while it arrives.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import StringConstraints

from extractor.apps.serve.callers import OPERATOR, Caller
from extractor.apps.serve.problems import ProblemError, WrongParameter
from extractor.apps.serve.service import Service
from extractor.options import Choice, ExtractionOptions

BODY_TYPES = (
    *(
        "application/json",
        "application/x-ndjson",
        "application/xml",
        "text/xml",
        "text/csv",
        "text/plain",
    ),
    *("application/pdf", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    *("application/gzip", "application/zip", "application/octet-stream"),
)
_READ_TIMEOUT_S = 60.0
_SLOWEST = 10_000
"""Bytes per second that a body must have on the whole, after the first ``_READ_TIMEOUT_S``."""
_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="EXTRACTOR_TOKEN, or a key of `serve keys add`.",
)


async def _find_service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceOfRequest = Annotated[Service, Depends(_find_service)]


async def _find_caller(
    request: Request,
    service: ServiceOfRequest,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> Caller:
    """Return the caller of a request. Raises ``ProblemError`` for a wrong key, too many requests,
    and unknown parameters.
    """
    caller = None
    if given:
        key, token = (
            text.encode("utf-8", "surrogatepass")
            for text in (given.credentials, service.settings.token)
        )
        is_operator = secrets.compare_digest(key, token)
        caller = Caller(OPERATOR, OPERATOR) if is_operator else service.book.find(given.credentials)
        if caller is None:
            await service.rates.count_wrong_key(request.client.host if request.client else "")
    if caller is None:
        why = "this key is not valid" if given else "send a key as Authorization: Bearer KEY"
        raise ProblemError("no-key", why, headers={"www-authenticate": "Bearer"})
    request.state.caller = caller.name
    await service.rates.count_request(caller)
    own = request.scope["route"].dependant
    known = {parameter.alias for one in (own, *own.dependencies) for parameter in one.query_params}
    # otherwise a misspelt one would be ignored
    if unknown := sorted(set(request.query_params) - known):
        choice = f"choose from {', '.join(sorted(known))}" if known else "this operation has none"
        wrong = tuple(WrongParameter(name=name[:100], detail=choice) for name in unknown[:10])
        raise ProblemError("wrong-parameter", f"there is no such parameter; {choice}", errors=wrong)
    return caller


CallerOfRequest = Annotated[Caller, Depends(_find_caller)]


_FILE_NAME = "Name of the file. A record without an id of its own is named after it."
_NAME = Query(description=_FILE_NAME, pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
NameQuery = Annotated[str, _NAME]
OptionalNameQuery = Annotated[str | None, _NAME]
_RECORD_ID = "The record's id, if its text has no NCT number."
_ID = Header(
    alias="X-Record-Id",
    description=_RECORD_ID,
    pattern="^[A-Za-z0-9][A-Za-z0-9_-]*$",
    max_length=100,
)
RecordIdHeader = Annotated[str | None, _ID]
JobIdPath = Annotated[
    str,
    Path(description="The id from POST /v1/jobs.", examples=["0f1e2d3c4b5a69788796a5b4c3d2e1f0"]),
]


def _query(name: str) -> Any:
    """Return the parameter of an option. Without it, the setting of the service holds."""
    return Query(
        description=f"{Choice.model_fields[name].description} The service's own if left out.",
        max_length=200,
    )


async def _read_options(
    service: ServiceOfRequest,
    effort: Annotated[str | None, _query("effort")] = None,
    tasks: Annotated[str | None, _query("tasks")] = None,
    min_confidence: Annotated[str | None, _query("min_confidence")] = None,
    fields: Annotated[
        list[Annotated[str, StringConstraints(pattern="^[a-z0-9_,]*$", max_length=2000)]] | None,
        Query(
            description="Of the service's own fields, those to extract, by commas or repeated; "
            "all if left out.",
            max_length=200,
        ),
    ] = None,
) -> ExtractionOptions:
    own = service.settings.options
    given = {"effort": effort, "tasks": tasks, "min_confidence": min_confidence}
    chosen = {name: getattr(own, name) if value is None else value for name, value in given.items()}
    names = [name for given in fields or () for name in given.split(",") if name]
    known = [field.name for field in own.fields]
    if unknown := [name for name in names if name not in known]:
        choice = f"choose from {', '.join(known)}" if known else "the service has none"
        raise ProblemError("wrong-parameter", f"{unknown[0]}: no such field; {choice}")
    kept = (
        own.fields
        if fields is None
        else tuple(field for field in own.fields if field.name in names)
    )
    try:
        return ExtractionOptions.read(chosen).model_copy(update={"fields": kept})
    except ValueError as error:
        name, _, detail = str(error).partition(": ")
        raise ProblemError(
            "wrong-parameter", str(error), errors=(WrongParameter(name=name, detail=detail),)
        ) from None


OptionsOfRequest = Annotated[ExtractionOptions, Depends(_read_options)]


async def read_body(request: Request, most_bytes: int) -> bytes:
    """Read the whole body. Raises ``ProblemError`` for an unsupported type or a larger body,
    before reading it.
    """
    return b"".join([block async for block in _stream(request, most_bytes)])


async def save_body(request: Request, path: FilePath, most_bytes: int) -> int:
    """Write the body to a file and return its size in bytes. The file appears once it is complete
    and synced.

    Raises ``ProblemError`` as ``read_body`` does, and if there is no space left.
    """
    coming = path.with_name(f".{path.name}.coming")
    size = 0
    try:
        with coming.open("wb") as file:
            async with aclosing(_stream(request, most_bytes)) as blocks:
                async for block in blocks:
                    size += file.write(block)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
    except OSError as error:
        raise ProblemError("no-space", f"the upload cannot be stored: {error.strerror}") from error
    coming.replace(path)
    return size


async def _stream(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    _check_type(request)
    remedy = "send fewer records at once, or use POST /v1/jobs for many; gzip helps"
    too_large = ProblemError("too-large", f"the limit is {most_bytes:,} bytes", remedy=remedy)
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise too_large
    size = 0
    now = asyncio.get_running_loop().time
    begun = now()
    async with aclosing(request.stream()) as stream:
        while True:
            try:
                async with asyncio.timeout_at(
                    min(now(), begun + size / _SLOWEST) + _READ_TIMEOUT_S
                ):
                    block = await anext(stream, None)
            except TimeoutError:
                detail = (
                    f"no data for {_READ_TIMEOUT_S:.0f} seconds, or less than {_SLOWEST:,} "
                    "bytes a second"
                )
                raise ProblemError("upload-too-slow", detail) from None
            if block is None:
                return
            size += len(block)
            if size > most_bytes:
                raise too_large
            yield block


def _check_type(request: Request) -> None:
    """Refuse unsupported types, such as forms: ``curl -d`` drops line breaks, multipart adds
    some.
    """
    kind = request.headers.get("content-type", BODY_TYPES[-1]).partition(";")[0].strip().lower()
    if kind not in BODY_TYPES:
        remedy = (
            "send the file itself, as with: curl --data-binary @FILE -H 'Content-Type: "
            "application/octet-stream'"
        )
        taken = ", ".join(BODY_TYPES)
        raise ProblemError(
            "wrong-type",
            f"supported types are {taken}",
            headers={"accept-post": taken},
            remedy=remedy,
        )
    if request.headers.get("content-encoding", "identity").lower() not in {"identity", "gzip"}:
        raise ProblemError(
            "wrong-type",
            "this content encoding is not supported",
            remedy="send it uncompressed, or in gzip",
        )

"""Read the parts of a request: the caller, the options, and the body, whose size is limited
while it arrives.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field

from extractor.apps.serve.callers import OPERATOR, Caller, spend_as
from extractor.apps.serve.problems import ProblemError, WrongParameter
from extractor.apps.serve.service import Service
from extractor.concepts.own.declaration import CustomField, explain_unread
from extractor.concepts.own.json_schema import MOST_CHARACTERS
from extractor.options import Choice, ExtractionOptions

BODY_TYPES = (
    "application/json",
    "application/x-ndjson",
    "application/xml",
    "text/xml",
    "text/csv",
    "text/plain",
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/gzip",
    "application/zip",
    "application/octet-stream",
)
"""Media types of a body. The last one, of any bytes, holds for a body that does not say its type;
the format is detected from the content.
"""
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
    authorization: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> Caller:
    """Return the caller of a request, and count the request. Raises ``ProblemError`` for a missing
    or wrong key, too many requests, and unknown parameters.
    """
    if authorization is None:
        raise _refuse_key("send a key as Authorization: Bearer KEY")
    caller = _identify(service, authorization.credentials)
    if caller is None:
        raise _refuse_key("this key is not valid")
    request.state.caller = caller.id
    spend_as(caller.id)
    await service.rates.count_request(caller)
    _check_parameters(request)
    return caller


def _refuse_key(why: str) -> ProblemError:
    """Make the problem of a missing or wrong key. Its header says how a key is sent."""
    return ProblemError("no-key", why, headers={"www-authenticate": "Bearer"})


def _identify(service: Service, key: str) -> Caller | None:
    """Return the holder of a key, None if nobody has it."""
    token = service.settings.token.encode("utf-8", "surrogatepass")
    # It takes the same time for every key: == would reveal how many characters are right.
    if secrets.compare_digest(key.encode("utf-8", "surrogatepass"), token):
        return Caller(OPERATOR, OPERATOR)
    return service.book.find(key)


def _check_parameters(request: Request) -> None:
    """Raise ``ProblemError`` for parameters that the operation does not have: a misspelt one would
    be ignored otherwise. The answer names what can be chosen.
    """
    operation = request.scope["route"].dependant
    names = set()
    for dependant in (operation, *operation.dependencies):
        for parameter in dependant.query_params:
            names.add(parameter.alias)
    unknown = sorted(set(request.query_params) - names)
    if not unknown:
        return
    if names:
        choice = f"choose from {', '.join(sorted(names))}"
    else:
        choice = "this operation has none"
    # The answer repeats ten names at most, and no long one: anybody may send what they like.
    wrong = [WrongParameter(name=name[:100], detail=choice) for name in unknown[:10]]
    problem = f"there is no such parameter; {choice}"
    raise ProblemError("wrong-parameter", problem, errors=tuple(wrong))


CallerOfRequest = Annotated[Caller, Depends(_find_caller)]


_FILE_NAME = "Name of the file. A record without an id of its own is named after it."
_NAME = Query(
    description=_FILE_NAME, pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100
)
NameQuery = Annotated[str, _NAME]
OptionalNameQuery = Annotated[str | None, _NAME]
JobIdPath = Annotated[
    str,
    Path(
        description="The id from POST /v1/jobs.",
        examples=["0f1e2d3c4b5a69788796a5b4c3d2e1f0"],
    ),
]


def _query(name: str) -> Any:
    """Return the parameter of an option. Without it, the setting of the service holds."""
    return Query(
        description=f"{Choice.model_fields[name].description} The service's own if left out.",
        max_length=200,
    )


_MOST_SCHEMAS = 5
_SCHEMA = Query(
    description="The JSON Schema of a field of your own, as pydantic's `model_json_schema()` "
    "writes it: the title names it, the description says what it is. Repeatable. It needs a model; "
    "docs/reference/service.md says what of a schema is read.",
    max_length=_MOST_SCHEMAS,
    examples=[
        '{"title": "PriorLines", "description": "Prior lines of therapy that are allowed.", '
        '"type": "object", "properties": {"lines": {"type": "integer"}}}'
    ],
)


async def _read_options(
    service: ServiceOfRequest,
    effort: Annotated[str | None, _query("effort")] = None,
    tasks: Annotated[str | None, _query("tasks")] = None,
    min_confidence: Annotated[str | None, _query("min_confidence")] = None,
    fields: Annotated[
        str | None,
        Query(
            description="Of the service's own fields, those to extract, by commas; all if left "
            "out.",
            pattern="^[a-z0-9_,]*$",
            max_length=2000,
        ),
    ] = None,
    schema: Annotated[
        list[Annotated[str, Field(max_length=MOST_CHARACTERS)]] | None, _SCHEMA
    ] = None,
) -> ExtractionOptions:
    """Return the options of a request; the service's own hold for what it does not say. Raises
    ``ProblemError`` for an invalid value.
    """
    own = service.settings.options
    chosen: dict[str, Any] = {
        "effort": own.effort,
        "tasks": own.tasks,
        "min_confidence": own.min_confidence,
    }
    stated = {"effort": effort, "tasks": tasks, "min_confidence": min_confidence}
    for name, value in stated.items():
        if value is None:
            continue
        chosen[name] = value
    chosen_fields = own.fields
    if fields is not None:
        chosen_fields = _choose_fields(own.fields, fields.split(","))
    try:
        options = ExtractionOptions.read(chosen)
    except ValueError as error:
        name, _, detail = str(error).partition(": ")
        wrong = (WrongParameter(name=name, detail=detail),)
        raise ProblemError("wrong-parameter", str(error), errors=wrong) from None
    if schema:
        asks = options.asks and service.settings.model is not None
        brought = await _read_schemas(service, schema, asks=asks)
        chosen_fields = (*chosen_fields, *brought)
    return options.model_copy(update={"fields": chosen_fields})


async def _read_schemas(
    service: Service, schemas: Sequence[str], *, asks: bool
) -> tuple[CustomField, ...]:
    """Return the fields that a request brings. Raises ``ProblemError`` for a wrong schema, a name
    of the service's own fields, and fields that nothing would read: without a model that is asked
    (``asks``), only rules read.
    """
    brought = await service.read_fields(schemas)
    own = {field.name for field in service.settings.options.fields}
    for field in brought:
        if field.name in own:
            detail = (
                f"schema: the service has a field {field.name} of its own; rename yours"
            )
            raise ProblemError("wrong-parameter", detail)
    if asks:
        return brought
    unread = explain_unread(brought)
    if unread:
        # What it advises after the semicolon is not for the callers of a service.
        problem, _, _ = unread.partition("; ")
        raise ProblemError(
            "wrong-parameter",
            f"schema: {problem}",
            remedy="request an effort other than none, of a service with a model "
            "(`extractor serve --model`)",
        )
    return brought


def _choose_fields(
    own: Sequence[CustomField], names: Sequence[str]
) -> tuple[CustomField, ...]:
    """Return the service's own fields with these names; an empty name is none. Raises
    ``ProblemError`` for a name that no field has.
    """
    own_names = [field.name for field in own]
    for name in names:
        # "fields=" requests no field at all
        is_empty = not name
        if is_empty or name in own_names:
            continue
        choice = "the service has none"
        if own_names:
            choice = f"choose from {', '.join(own_names)}"
        raise ProblemError("wrong-parameter", f"{name}: no such field; {choice}")
    return tuple(field for field in own if field.name in names)


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
    # A job whose upload has this name only was cut off: it is discarded at the next start.
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
        raise ProblemError(
            "no-space", f"the upload cannot be stored: {error.strerror}"
        ) from error
    coming.replace(path)
    return size


async def _stream(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    """Yield the body in blocks. Raises ``ProblemError`` for an unsupported type, and for a body
    that is too large: before it is sent if its length is announced, else as soon as it is.
    """
    _check_type(request)
    remedy = "send fewer records at once, or use POST /v1/jobs for many; gzip helps"
    too_large = ProblemError(
        "too-large", f"the limit is {most_bytes:,} bytes", remedy=remedy
    )
    # Of a body in chunks, nobody knows the length before.
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise too_large
    size = 0
    async with aclosing(request.stream()) as blocks:
        async for block in blocks:
            size += len(block)
            if size > most_bytes:
                raise too_large
            yield block


def _check_type(request: Request) -> None:
    """Raise ``ProblemError`` for unsupported media types, such as forms (``curl -d`` drops line
    breaks, multipart adds some), and for other encodings than gzip.
    """
    content_type = request.headers.get("content-type", BODY_TYPES[-1])
    media_type, _, _ = content_type.partition(";")
    if media_type.strip().lower() not in BODY_TYPES:
        remedy = (
            "send the file itself, as with: curl --data-binary @FILE -H 'Content-Type: "
            "application/octet-stream'"
        )
        supported = ", ".join(BODY_TYPES)
        raise ProblemError(
            "wrong-type",
            f"supported types are {supported}",
            headers={"accept-post": supported},
            remedy=remedy,
        )
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in {"identity", "gzip"}:
        raise ProblemError(
            "wrong-type",
            "this content encoding is not supported",
            remedy="send it uncompressed, or in gzip",
        )

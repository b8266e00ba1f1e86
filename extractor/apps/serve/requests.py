"""Read the parts of a request: its caller, its options, and its body. The size of the body is
checked while the body is being received.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from extractor.apps.serve.keys import OPERATOR
from extractor.apps.serve.money import account
from extractor.apps.serve.problems import ProblemError
from extractor.apps.serve.service import Service
from extractor.apps.serve.settings import ServiceOptions
from extractor.face import ExtractionOptions, read_columns
from extractor.schemas import Task
from extractor.schemas.vocabulary import Effort

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
"""The media types supported for a request body. The last type is assumed if there is no
Content-Type header. The format is always detected from the content.
"""
_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="EXTRACTOR_TOKEN, or a key created with `serve keys add`.",
)


async def _find_service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceOfRequest = Annotated[Service, Depends(_find_service)]


def _identify(
    service: Service, authorization: HTTPAuthorizationCredentials | None
) -> str | None:
    """Return the caller of a request, and count the request towards the limit of the caller, or
    return None if the key is missing or wrong. Raises ``ProblemError`` if the caller has sent too
    many requests.
    """
    key = ""
    if authorization:
        key = authorization.credentials
    # compare_digest takes the same time for every key, whereas == would reveal matching characters
    sent = key.encode("utf-8", "surrogatepass")
    is_token = secrets.compare_digest(sent, service.settings.token.encode())
    caller = OPERATOR if is_token else service.keys.find(key)
    if caller is not None:
        account.get().caller = caller
        service.limit.check(caller)
    return caller


async def _find_caller(
    service: ServiceOfRequest,
    authorization: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> str:
    """Return the caller of a request. Raises ``ProblemError`` if the key is missing or wrong, or if
    the caller has sent too many requests.
    """
    caller = _identify(service, authorization)
    if caller is None:
        raise ProblemError(
            "no-key",
            "the key is unknown, revoked or expired"
            if authorization
            else "the header is missing, or does not have the form: Bearer KEY",
            place="Authorization header",
            headers={"www-authenticate": "Bearer"},
        )
    return caller


async def count_unrouted(request: Request) -> None:
    """Count a request that no operation answers, because its path or method is unknown. Raises
    ``ProblemError`` if the caller has sent too many requests.
    """
    _identify(request.app.state.service, await _BEARER(request))


CallerOfRequest = Annotated[str, Depends(_find_caller)]


class _Parameters(BaseModel):
    """Parameters of an operation. Unknown parameters are rejected, so that misspellings are
    reported.
    """

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class ExtractionParameters(_Parameters):
    """Parameters that select the values to extract from a body. The service's options are used as
    defaults for missing parameters.
    """

    effort: Effort | None = None
    """Whether a model reads the record: none (rules only) or full (the whole record, once)."""
    # "tasks=dosing,endpoints" and "tasks=dosing&tasks=endpoints" mean the same
    tasks: Annotated[
        frozenset[Task] | None,
        BeforeValidator(lambda names: names and ",".join(names).split(",")),
    ] = None
    """One or more of eligibility, dosing and endpoints, separated by commas."""
    min_confidence: Annotated[float | None, Field(ge=0, le=1)] = None
    """Omit values below this confidence."""
    name: Annotated[
        str | None,
        Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100),
    ] = None
    """Name of the file. If a record has no id, an id is derived from this name."""
    columns: Annotated[
        dict[str, str], BeforeValidator(read_columns, json_schema_input_type=str)
    ] = {}
    """Your names of the columns of a table, keyed by those of Extractor: id=trial,title=name."""

    def choose(self, defaults: ServiceOptions) -> ExtractionOptions:
        """Return the options of the request, with the service's options as ``defaults``."""
        names = {"effort", "tasks", "min_confidence"}
        requested = self.model_dump(include=names, exclude_none=True)
        options = ExtractionOptions(**defaults.model_dump(include=names) | requested)
        return options.model_copy(update={"fields": defaults.fields})


class ResultForm(_Parameters):
    """The format of the results."""

    format: Literal["jsonl", "csv", "parquet"] = "jsonl"
    """The file format: JSON lines (of extractions or of table rows), CSV, or Parquet."""
    table: str | None = None
    """The table to return. For CSV and Parquet, the default is the ``records`` table."""


ParametersOfRequest = Annotated[ExtractionParameters, Query()]
FormOfRequest = Annotated[ResultForm, Query()]


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the whole body. Raises ``ProblemError`` if the body's type is not supported or if the
    body is too large; where possible, the error is raised before the body is received.
    """
    return b"".join([block async for block in _stream(request, max_bytes)])


async def save_body(request: Request, path: Path, max_bytes: int) -> int:
    """Write the body to a file, sync it to disk, and return its size in bytes. Raises
    ``ProblemError`` like ``read_body``, and also if the file cannot be written.
    """
    try:
        with path.open("wb") as file:
            async for block in _stream(request, max_bytes):
                file.write(block)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
            return file.tell()
    except OSError as error:
        raise ProblemError(
            "no-space", f"the upload cannot be stored: {error.strerror}"
        ) from error


async def _stream(request: Request, max_bytes: int) -> AsyncIterator[bytes]:
    """Yield the body in blocks. Raises ``ProblemError`` like ``read_body``."""
    _check_type(request)
    too_large = ProblemError(
        "too-large",
        f"the limit is {max_bytes:,} bytes",
        remedy="send fewer records at once, compress the body with gzip, or use POST /v1/jobs",
    )
    # a chunked body has no Content-Length header
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise too_large
    size = 0
    async for block in request.stream():
        size += len(block)
        if size > max_bytes:
            raise too_large
        yield block


def _check_type(request: Request) -> None:
    """Raise ``ProblemError`` for unsupported media types, such as those of forms, because forms
    alter the record: ``curl -d`` removes line breaks, and multipart encoding adds line breaks.
    """
    content_type = request.headers.get("content-type", BODY_TYPES[-1])
    media_type, _, _ = content_type.partition(";")
    if media_type.strip().lower() not in BODY_TYPES:
        raise ProblemError(
            "wrong-type",
            f"supported types are {', '.join(BODY_TYPES)}",
            remedy="send the file itself, as with: curl --data-binary @FILE -H 'Content-Type: "
            "application/octet-stream'",
        )

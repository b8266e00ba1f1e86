"""Answer requests: extractions, jobs and their results, health, and the pages at ``/`` and
``/docs``.
"""

import asyncio
import json
import shutil
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import suppress
from hashlib import sha256
from importlib.util import find_spec
from io import SEEK_CUR
from pathlib import Path as FilePath
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import ClientDisconnect

from extractor.apps.export import (
    Destination,
    Format,
    choose_tables,
    export_run,
    list_tables,
)
from extractor.apps.pages import render_page
from extractor.apps.serve.drain import check_open
from extractor.apps.serve.job import EVENTS, RUN, Job, JobState
from extractor.apps.serve.jobs import ACTIVE
from extractor.apps.serve.problems import ProblemError
from extractor.apps.serve.requests import (
    CallerOfRequest,
    JobIdPath,
    NameQuery,
    OptionalNameQuery,
    OptionsOfRequest,
    ServiceOfRequest,
    read_body,
    save_body,
)
from extractor.apps.serve.service import Service
from extractor.options import ExtractionOptions
from extractor.run.manifest import MANIFEST, read_manifest, restore_fields
from extractor.schemas import TrialExtraction, TrialRecord

_JSON_LINES = "application/x-ndjson"
_MEDIA_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.PARQUET: "application/vnd.apache.parquet",
}
_TABLES = f"^({'|'.join(table.name for table in list_tables())}|custom_[a-z]\\w*)$"
"""The last are those of own fields."""
_POLL_S = 0.2
_KEEP_ALIVE_S = 15
"""After so many seconds each, a stream of events gets a comment, so that no proxy takes it for
dead.
"""
_LAST_EVENTS_S = 10.0
"""So long a stream of events may take to end by itself at a stop. Without it, the library that
sends the stream cuts it off as soon as it sees the stop, and the caller gets a broken response.
"""
_exporting = asyncio.Semaphore(1)

extractions = APIRouter(tags=["extractions"])
jobs = APIRouter(prefix="/v1/jobs", tags=["jobs"])
health = APIRouter(tags=["health"])
pages = APIRouter(include_in_schema=False)
routers = (extractions, jobs, health, pages)


@extractions.post(
    "/v1/extractions",
    response_class=Response,
    responses={200: {"model": TrialExtraction}},
)
async def extract(
    request: Request,
    _: CallerOfRequest,
    service: ServiceOfRequest,
    options: OptionsOfRequest,
    name: OptionalNameQuery = None,
) -> Response:
    """The body is one record in any supported format: a study of the registry's API as JSON, its
    legacy XML, its CSV with one row, a text (also as `{"text": "..."}`), a PDF or a Word file;
    plain, in gzip or in zip. The format is detected from the content.

    The extraction's id is the record's NCT number, or the `record_id` of a text in JSON,
    else the stem of `name`, else `text-` and the first eight digits of the body's SHA-256.
    """
    return await extract_body(request, service, options, name)


async def extract_body(
    request: Request,
    service: Service,
    options: ExtractionOptions,
    name: str | None = None,
    render: Callable[[TrialRecord, bytes], bytes] | None = None,
) -> Response:
    """Extract the record in a body, and answer with the extraction, or with what ``render``
    makes of both. Without a ``name``, a record that has no id is named after the body's digest. If
    the caller goes away, the work ends.
    """
    service.meter.check(options.effort)
    body = await read_body(request, service.settings.options.max_bytes)
    if not name:
        name = f"text-{sha256(body).hexdigest()[:8]}"
    extracting = service.extract(name, body, options, render)
    line = await while_connected(request, extracting)
    return Response(line, media_type="application/json")


async def while_connected(request: Request, work: Coroutine[Any, Any, bytes]) -> bytes:
    """Return the result of ``work``. If the caller goes away before, cancel it and raise
    ``ClientDisconnect``.
    """
    working = asyncio.create_task(work)
    # The body has been read: the only message that may still come says that the caller has left.
    leaving = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


@jobs.post("", status_code=202)
async def submit_job(
    request: Request,
    response: Response,
    caller: CallerOfRequest,
    service: ServiceOfRequest,
    options: OptionsOfRequest,
    name: NameQuery = "records",
) -> Job:
    """The body is a file in any format that `extractor run` reads, written to disk as it arrives.
    The job is accepted once the upload is complete, and continues after a restart of the service.
    """
    check_open(service.settings.root)
    service.meter.check(options.effort)
    job_id, upload = service.runner.prepare(caller.id)
    most_bytes = service.settings.options.max_upload_bytes
    try:
        size = await save_body(request, upload / name, most_bytes)
    # also a caller that goes away, which cancels this
    except BaseException:
        shutil.rmtree(upload.parent, ignore_errors=True)
        raise
    job = service.runner.submit(caller.id, job_id, name, size, options)
    response.headers["location"] = f"/v1/jobs/{job_id}"
    return job


@jobs.get("")
async def list_jobs(
    caller: CallerOfRequest,
    service: ServiceOfRequest,
    limit: Annotated[
        int, Query(ge=1, le=1000, description="Maximum number of jobs.")
    ] = 100,
) -> list[Job]:
    """The caller's own jobs, or those of all for the operator. They are kept until they are
    deleted, or for as long as the service is set to.
    """
    return service.runner.list_jobs(caller.id)[:limit]


async def _find_job(
    job_id: JobIdPath, caller: CallerOfRequest, service: ServiceOfRequest
) -> Job:
    """Find the caller's job, or any for the operator. Refuse another caller's job like an
    unknown id.
    """
    job = service.runner.find(caller.id, job_id)
    if job is None:
        raise ProblemError("no-such-job", "you have no job with this id")
    return job


JobOfRequest = Annotated[Job, Depends(_find_job)]


async def _find_ended_job(job: JobOfRequest) -> Job:
    """Return the job of a request. Raises ``ProblemError`` while it waits or runs."""
    if job.state in ACTIVE:
        remedy = f"wait for its end: GET /v1/jobs/{job.id}/events"
        raise ProblemError(
            "not-finished", f"the job is {job.state.value}", retry_s=5, remedy=remedy
        )
    return job


EndedJob = Annotated[Job, Depends(_find_ended_job)]


@jobs.get("/{job_id}")
async def show_job(job: JobOfRequest) -> Job:
    """The state of a job and its counts so far."""
    return job


@jobs.post("/{job_id}/cancel")
async def cancel_job(
    job: JobOfRequest, caller: CallerOfRequest, service: ServiceOfRequest
) -> Job:
    """The records in progress are finished, and all results are kept."""
    if job.state not in ACTIVE:
        raise ProblemError(
            "not-finished",
            f"the job is {job.state.value}",
            remedy="there is nothing to cancel",
        )
    return service.runner.cancel(job.id, caller.id)


@jobs.post("/{job_id}/resume")
async def resume_job(
    job: JobOfRequest,
    caller: CallerOfRequest,
    service: ServiceOfRequest,
    *,
    fresh: Annotated[
        bool,
        Query(
            description="Whether the job starts over: its results are deleted, and all calls are "
            "paid again. After an update of the service, a job with a model needs it."
        ),
    ] = False,
) -> Job:
    """A paused, cancelled or failed job continues where it stopped. Answered calls are not paid
    again, unless it starts over.
    """
    check_open(service.settings.root)
    # what runs, and what is complete
    if job.state in ACTIVE | {JobState.DONE}:
        raise ProblemError(
            "not-finished",
            f"the job is {job.state.value}",
            remedy="there is nothing to resume",
        )
    if job.asks:
        service.meter.check(job.effort, job.caller)
    if not service.book.is_valid(job.caller):
        raise ProblemError(
            "not-finished",
            "the key of the job's caller is not valid",
            remedy="renew the caller's key",
        )
    if fresh:
        return await service.runner.start_over(job.id, caller.id)
    return service.runner.resume(job.id, caller.id)


@jobs.delete("/{job_id}", status_code=204)
async def delete_job(
    job: JobOfRequest, caller: CallerOfRequest, service: ServiceOfRequest
) -> None:
    """The job ends at once. Its upload and results are deleted."""
    await service.runner.delete(job.id, caller.id)


@jobs.get("/{job_id}/events", response_class=Response)
async def follow(
    request: Request,
    job: JobOfRequest,
    caller: CallerOfRequest,
    service: ServiceOfRequest,
) -> Response:
    """Server-sent events until the job ends. With Last-Event-ID, they continue after that event."""
    events = service.runner.path(job.id) / EVENTS
    start = _find_start(events, request.headers.get("last-event-id", ""))
    has_ended = job.state not in ACTIVE
    has_all_events = start > 0 and start == events.stat().st_size
    if has_ended and has_all_events:
        # tells a browser not to reconnect
        return Response(status_code=204)
    return EventSourceResponse(
        _follow(service, caller.id, job.id, events, start),
        sep="\n",
        ping=_KEEP_ALIVE_S,
        shutdown_grace_period=_LAST_EVENTS_S,
    )


def _find_start(events: FilePath, last_id: str) -> int:
    """Return the byte after the event with that id, 0 for an unknown id. An event's id is the
    byte where it ends, in decimal digits.
    """
    # no file has an offset of more than 18 digits
    if not last_id.isdecimal() or len(last_id) > 18:
        return 0
    start = int(last_id)
    with events.open("rb") as file:
        file.seek(max(start - 1, 0))
        ends_event = file.read(1) == b"\n"
    return start if ends_event else 0


async def _follow(
    service: Service, caller: str, job_id: str, events: FilePath, start: int
) -> AsyncIterator[ServerSentEvent]:
    """Yield the job, its events after the byte ``start`` with their ids, and the job again at its
    end.

    Ends at once if the caller's key is no longer valid, and at a stop of the service.
    """
    first = service.runner.find(caller, job_id)
    if first:
        yield _render("job", first.model_dump(mode="json"))
    with events.open("rb") as file:
        file.seek(start)
        while not service.is_stopping:
            # The job is read before the events, which are complete if it has ended.
            job = service.runner.find(caller, job_id)
            # it was deleted
            if job is None:
                return
            for line in _read_lines(file):
                if not service.book.is_valid(caller):
                    return
                # a line may be incomplete because the service was killed
                with suppress(ValueError):
                    event: dict[str, Any] = json.loads(line)
                    event_id = str(file.tell())
                    yield _render(event.pop("event"), event, event_id)
            if not service.book.is_valid(caller):
                return
            if job.state not in ACTIVE:
                yield _render("job", job.model_dump(mode="json"))
                return
            await asyncio.sleep(_POLL_S)


def _read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a growing file. A last line that is still being written stays unread."""
    line = file.readline()
    while line.endswith(b"\n"):
        yield line
        line = file.readline()
    file.seek(-len(line), SEEK_CUR)


def _render(
    name: str, data: dict[str, Any], event_id: str | None = None
) -> ServerSentEvent:
    """Return a server-sent event with its data as JSON."""
    return ServerSentEvent(
        json.dumps(data, ensure_ascii=False), event=name, id=event_id, sep="\n"
    )


@jobs.get("/{job_id}/results", response_class=Response)
async def send_results(
    job: EndedJob,
    service: ServiceOfRequest,
    format_: Annotated[
        Literal["jsonl", "csv", "parquet"],
        Query(alias="format", description="JSON lines, or a table in CSV or Parquet."),
    ] = "jsonl",
    table: Annotated[
        str | None,
        Query(
            description="The table, for csv and parquet: records if left out.",
            json_schema_extra={"pattern": _TABLES},
        ),
    ] = None,
) -> Response:
    """All results of a job that is done, or the finished ones of a cancelled, paused or failed
    job.
    """
    folder = service.runner.path(job.id)
    results = folder / RUN / "extractions.jsonl"
    if not results.is_file():
        raise ProblemError(
            "not-finished", f"the job is {job.state.value} and has no result"
        )
    headers = {"x-job-state": job.state.value}
    if format_ == "jsonl" and table is not None:
        problem = "table: JSON lines have all of each record; add format=csv or parquet"
        raise ProblemError("wrong-parameter", problem)
    if format_ == "jsonl":
        return FileResponse(results, media_type=_JSON_LINES, headers=headers)
    kind = Format(format_)
    name = "records" if table is None else table
    path = await _make_table(folder, name, kind, results.stat().st_mtime_ns)
    return FileResponse(
        path, media_type=_MEDIA_TYPES[kind], headers=headers, filename=path.name
    )


async def _make_table(
    folder: FilePath, table: str, kind: Format, version: int
) -> FilePath:
    """Return the file of a table, made at its first request. One export runs at a time: it uses
    much memory.

    ``version`` is the time of the results: a job that goes on gets new tables. Raises
    ``ProblemError`` for Parquet without duckdb, and for a table that the run does not have.
    """
    if kind is Format.PARQUET and find_spec("duckdb") is None:
        remedy = (
            "request csv or jsonl, or ask the operator to install the extra `export`"
        )
        raise ProblemError("not-installed", "Parquet needs duckdb", remedy=remedy)
    manifest = read_manifest(folder / RUN / MANIFEST)
    fields = restore_fields(manifest.settings) if manifest else ()
    try:
        chosen = choose_tables((), [table], fields)
    except ValueError as error:
        raise ProblemError("wrong-parameter", str(error)) from None
    path = folder / "tables" / str(version) / f"{table}.{kind}"
    async with _exporting:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            to = Destination(path, kind)
            await asyncio.to_thread(export_run, folder / RUN, to, chosen, fields=fields)
    return path


@jobs.get("/{job_id}/failures", response_class=Response)
async def show_failures(job: EndedJob, service: ServiceOfRequest) -> Response:
    """JSON lines; empty if no record failed."""
    path = service.runner.path(job.id) / RUN / "failures.jsonl"
    if path.is_file():
        return FileResponse(path, media_type=_JSON_LINES)
    return Response(b"", media_type=_JSON_LINES)


@health.get("/healthz")
async def show_health() -> dict[str, str]:
    """Always ok while the service runs. Needs no key."""
    return {"status": "ok"}


@health.get("/readyz")
async def show_readiness(service: ServiceOfRequest) -> dict[str, str]:
    """Ready from the start of all worker processes until the service stops. Needs no key."""
    service.check_ready()
    return {"status": "ok"}


@pages.get("/")
async def show_index(request: Request) -> dict[str, Any]:
    """The service's name and version, and links to its pages."""
    links = {
        "docs": "/docs",
        "openapi": "/openapi.json",
        "health": "/healthz",
        "ready": "/readyz",
    }
    return {"name": request.app.title, "version": request.app.version, "links": links}


@pages.get("/docs")
async def show_docs(request: Request, service: ServiceOfRequest) -> Response:
    """The OpenAPI document as a page that loads nothing. Its forms send requests to this service
    alone.
    """
    values = {
        "described": request.app.openapi(),
        "playground": service.settings.options.playground,
    }
    return send_page("docs.html", values, scripts=("try.js",))


def send_page(
    template: str,
    values: Mapping[str, Any],
    *,
    styles: Sequence[str] = (),
    scripts: Sequence[str],
) -> Response:
    """Render a page that may send requests to this service alone. It states its own policy, but
    for frames.
    """
    page = render_page(
        "extractor.apps.serve",
        values,
        styles=styles,
        scripts=scripts,
        asks=True,
        template=template,
    )
    return HTMLResponse(
        page, headers={"content-security-policy": "frame-ancestors 'none'"}
    )

"""The service's operations: extractions, jobs and their results, and health."""

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse
from sse_starlette import EventSourceResponse
from starlette.requests import ClientDisconnect

from extractor.apps.export import (
    Destination,
    Format,
    Table,
    choose_tables,
    export_run,
)
from extractor.apps.serve.description import (
    BODY,
    JSON_LINES,
    MATCH_BODY,
    PATIENT_BODY,
    PROBLEMS,
    describe_response,
)
from extractor.apps.serve.events import EVENTS
from extractor.apps.serve.following import follow_to_end
from extractor.apps.serve.job import ACTIVE, RUN, UPLOAD, Job, JobState
from extractor.apps.serve.matching import match_posted, match_run
from extractor.apps.serve.problems import ProblemError
from extractor.apps.serve.reading import PostedRecord
from extractor.apps.serve.requests import (
    CallerOfRequest,
    ExtractionParameters,
    FormOfRequest,
    ParametersOfRequest,
    ServiceOfRequest,
    read_body,
    save_body,
)
from extractor.apps.serve.service import Render, Service
from extractor.face import (
    EXTRACTIONS,
    FAILURES,
    MANIFEST,
    JoinedRuns,
    name_text,
    read_manifest,
    restore_fields,
)
from extractor.schemas import TrialExtraction

_MEDIA_TYPES = {
    Format.JSONL: JSON_LINES,
    Format.CSV: "text/csv",
    Format.PARQUET: "application/vnd.apache.parquet",
}
_exporting = asyncio.Semaphore(1)

router = APIRouter(responses=PROBLEMS)


@router.post(
    "/v1/extractions",
    response_class=Response,
    responses={200: {"model": TrialExtraction}},
    openapi_extra=BODY,
)
async def extract(
    request: Request,
    caller: CallerOfRequest,
    service: ServiceOfRequest,
    parameters: ParametersOfRequest,
) -> Response:
    """The body is one record in any supported format: a study from the registry's API as JSON, the
    registry's legacy XML, the registry's CSV with a single row, a text (also as `{"text": "..."}`),
    a PDF or a Word file; it may be uncompressed, compressed with gzip, or in a zip archive. The
    format is detected from the content.

    The extraction's id is the record's NCT number or, for a text sent as JSON, its `record_id`. If
    neither exists, the id is the stem of `name`; without `name`, it is `text-` followed by the
    first eight digits of the body's SHA-256.
    """
    return await extract_body(request, caller, service, parameters)


async def extract_body(
    request: Request,
    caller: str,
    service: Service,
    parameters: ExtractionParameters,
    render: Render | None = None,
) -> Response:
    """Extract the record in a body, and return the extraction, or the result of ``render``. If the
    caller disconnects, the work is cancelled.
    """
    options = parameters.choose(service.settings.options)
    service.money.check(options.effort, caller)
    body = await read_body(request, service.settings.options.max_bytes)
    name = parameters.name or name_text(body)
    posted = PostedRecord(name, body, parameters.columns)
    work = service.extract(posted, options, caller, render)
    return await while_connected(request, work)


@router.post("/v1/match", response_class=Response, openapi_extra=MATCH_BODY)
async def match(
    request: Request, _: CallerOfRequest, service: ServiceOfRequest
) -> Response:
    """The answer for a patient and each trial: `excluded`, `open` or `no_reason_against`, what
    would decide it, and a verdict on each criterion with its words. The patient's data are neither
    stored nor logged.
    """
    body = await read_body(request, service.settings.options.max_bytes)
    return await while_connected(request, service.match(match_posted, body))


async def while_connected(
    request: Request, work: Coroutine[object, object, Response]
) -> Response:
    """Return the result of ``work``. If the caller disconnects first, cancel ``work`` and raise
    ``ClientDisconnect``.
    """
    task = asyncio.create_task(work)
    # the body has been read, so the only message that can still arrive is the disconnection
    disconnecting = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({task, disconnecting}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        disconnecting.cancel()


@router.post("/v1/jobs", status_code=202, openapi_extra=BODY)
async def submit_job(
    request: Request,
    caller: CallerOfRequest,
    service: ServiceOfRequest,
    parameters: ParametersOfRequest,
) -> Job:
    """The body is a file in any format that `extractor run` reads. It is written to disk as it
    arrives. The job is accepted once the upload is complete, and continues after a restart of the
    service.
    """
    service.check_open()
    options = parameters.choose(service.settings.options)
    service.money.check(options.effort, caller)
    # the checks above come before the upload, which may take long
    name = parameters.name or "records"
    max_bytes = service.settings.options.max_upload_bytes
    with service.jobs.receiving() as folder:
        size = await save_body(request, folder / UPLOAD / name, max_bytes)
        return service.jobs.submit(
            caller, folder, name, size, options, parameters.columns
        )


@router.get("/v1/jobs")
async def list_jobs(caller: CallerOfRequest, service: ServiceOfRequest) -> list[Job]:
    """The caller's jobs, newest first. The operator sees the jobs of all callers."""
    return service.jobs.list_jobs(caller)


async def _find_job(
    job_id: str, caller: CallerOfRequest, service: ServiceOfRequest
) -> Job:
    """Return the caller's job; the operator may access any job. Requests for other callers' jobs
    are rejected in the same way as requests with unknown ids.
    """
    job = service.jobs.find(caller, job_id)
    if job is None:
        raise ProblemError("no-such-job", "you have no job with this id")
    return job


JobOfRequest = Annotated[Job, Depends(_find_job)]


def _reject_state(job: Job, remedy: str) -> ProblemError:
    """Return the problem for an operation that the job's state does not allow."""
    return ProblemError("not-finished", f"the job is {job.state.value}", remedy=remedy)


def _find_run(service: Service, job: Job) -> Path:
    """Return the folder of a job's run. Raises ``ProblemError`` while the job is waiting or
    running.
    """
    if job.state in ACTIVE:
        raise _reject_state(job, f"wait until it ends: GET /v1/jobs/{job.id}/events")
    return service.jobs.folder(job) / RUN


def _send_lines(path: Path) -> Response:
    """Send a file of JSON lines, or an empty response if the file does not exist."""
    if path.is_file():
        return FileResponse(path, media_type=JSON_LINES)
    return Response(b"", media_type=JSON_LINES)


@router.get("/v1/jobs/{job_id}")
async def show_job(job: JobOfRequest) -> Job:
    """The job's state and its counts so far."""
    return job


@router.post("/v1/jobs/{job_id}/cancel")
async def cancel_job(
    job: JobOfRequest, caller: CallerOfRequest, service: ServiceOfRequest
) -> Job:
    """The job ends once the records in progress are finished, and all its results are kept. A job
    that has already ended is not changed.
    """
    return service.jobs.cancel(job.id, caller)


@router.post("/v1/jobs/{job_id}/resume")
async def resume_job(
    job: JobOfRequest, caller: CallerOfRequest, service: ServiceOfRequest
) -> Job:
    """Resumes a paused, cancelled or failed job from where it stopped. Answered calls are not paid
    for again.
    """
    service.check_open()
    if job.state in ACTIVE | {JobState.DONE}:
        raise _reject_state(job, "there is nothing to resume")
    # the operator may resume the job of another caller
    if not service.keys.is_valid(job.caller):
        raise _reject_state(
            job,
            "the key of the job's caller has been revoked or has expired; ask the operator to "
            "renew it",
        )
    service.money.check(job.effort, job.caller)
    return service.jobs.resume(job.id, caller)


@router.delete("/v1/jobs/{job_id}", status_code=204)
async def delete_job(
    job: JobOfRequest, caller: CallerOfRequest, service: ServiceOfRequest
) -> None:
    """The job ends immediately, and its upload and results are deleted."""
    await service.jobs.delete(job.id, caller)


@router.get(
    "/v1/jobs/{job_id}/events",
    response_class=Response,
    responses=describe_response(
        "The events listed in docs/reference/cli.md, each with an id. The job's state is sent "
        "before the first event and after the last one.",
        "text/event-stream",
    ),
)
async def follow_job(
    request: Request,
    job: JobOfRequest,
    caller: CallerOfRequest,
    service: ServiceOfRequest,
) -> Response:
    """Server-sent events until the job ends. Last-Event-ID resumes the stream after the event with
    that id.
    """
    events = follow_to_end(
        service.jobs.folder(job) / EVENTS,
        request.headers.get("last-event-id", ""),
        lambda: service.jobs.find(caller, job.id),
        lambda: not service.is_stopping and service.keys.is_valid(caller),
    )
    return EventSourceResponse(events, sep="\n")


@router.get(
    "/v1/jobs/{job_id}/results",
    response_class=Response,
    responses=describe_response(
        "One line per record in the order of the upload, or the rows of a table.",
        *_MEDIA_TYPES.values(),
    ),
)
async def send_results(
    job: JobOfRequest, service: ServiceOfRequest, form: FormOfRequest
) -> Response:
    """All results of a finished job, or the results so far of a cancelled, paused or failed job."""
    run = _find_run(service, job)
    if form.format == "jsonl" and not form.table:
        return _send_lines(run / EXTRACTIONS)
    if not (run / EXTRACTIONS).is_file():
        raise _reject_state(job, "it has no results; see /failures for the reasons")
    kind = Format(form.format)
    path = await _make_table(run, form.table or "records", kind)
    return FileResponse(path, media_type=_MEDIA_TYPES[kind], filename=path.name)


def _export(run: Path, to: Destination, tables: Sequence[Table]) -> None:
    export_run(JoinedRuns([run]), to, tables)


async def _make_table(run: Path, name: str, kind: Format) -> Path:
    """Return the path of a table's file, which is created on the first request. Only one export
    runs at a time, because an export uses a lot of memory. Raises ``ProblemError`` if the table
    does not exist.
    """
    manifest = read_manifest(run / MANIFEST)
    fields = restore_fields(manifest.settings) if manifest else ()
    try:
        tables = choose_tables((), [name], fields)
    except ValueError as error:
        raise ProblemError("wrong-parameter", f"table: {error}") from None
    # a resumed job has newer results, so its tables are created again
    version = (run / EXTRACTIONS).stat().st_mtime_ns
    path = run.with_name("tables") / str(version) / f"{name}.{kind}"
    async with _exporting:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            await asyncio.to_thread(_export, run, Destination(path, kind), tables)
    return path


@router.post(
    "/v1/jobs/{job_id}/match", response_class=Response, openapi_extra=PATIENT_BODY
)
async def match_job(
    request: Request, job: JobOfRequest, service: ServiceOfRequest
) -> Response:
    """The answers for a patient and each trial of a finished job, or of the results so far. The
    trials that exclude the patient are last. The patient's data are neither stored nor logged.
    """
    run = _find_run(service, job)
    if not (run / EXTRACTIONS).is_file():
        raise _reject_state(job, "it has no results; see /failures for the reasons")
    body = await read_body(request, service.settings.options.max_bytes)
    return await while_connected(request, service.match(match_run, body, run))


@router.get(
    "/v1/jobs/{job_id}/failures",
    response_class=Response,
    responses=describe_response("One line per failed record.", JSON_LINES),
)
async def show_failures(job: JobOfRequest, service: ServiceOfRequest) -> Response:
    """One line of JSON for each record that has failed since the job was last started, with the
    record's id, location, error and message. The response is empty if no record failed.
    """
    return _send_lines(_find_run(service, job) / FAILURES)


@router.get(
    "/metrics",
    response_class=Response,
    responses=describe_response("Metrics in Prometheus's format.", "text/plain"),
)
async def show_metrics(_: CallerOfRequest, service: ServiceOfRequest) -> Response:
    """Requests, jobs, queue length, tokens and dollars of the whole service since its start."""
    return service.metrics.respond()


@router.get("/healthz")
async def show_health() -> dict[str, str]:
    """Always ok while the service is running. No key is required."""
    return {"status": "ok"}


@router.get("/readyz")
async def show_readiness(service: ServiceOfRequest) -> dict[str, str]:
    """Ok unless the service is stopping, cannot start its workers, or cannot write to its folder.
    No key is required.
    """
    service.check_ready()
    service.check_store()
    return {"status": "ok"}

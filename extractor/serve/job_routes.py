"""``/v1/jobs``: files of many records, extracted in the background."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from .access import CallerOfRequest, ServiceOfRequest
from .bodies import save_body
from .callers import Caller
from .documented import KEPT, SENT, answers, describe_body, problems
from .examples import EXAMPLE_EVENT, EXAMPLE_ID, EXAMPLE_JOB
from .extraction_routes import NameQuery, OptionsOfRequest, check_money, smallest
from .jobs import ACTIVE, EVENTS, Job, JobFolders, JobState, now
from .problems import (
    NO_MONEY,
    NO_SUCH_JOB,
    NOT_FINISHED,
    NOT_READY,
    TOO_MANY,
    Refusal,
    refuse_later,
)
from .service import Service
from .stream import find_start, follow_job

__all__ = ["JobId", "check_ended", "find_job", "router"]

JobId = Annotated[str, Path(description="The id that POST /v1/jobs gave.", examples=[EXAMPLE_ID])]
_ONE = answers("The job.", {"application/json": EXAMPLE_JOB}, {"$ref": "#/components/schemas/Job"})

router = APIRouter(tags=["jobs"])


@router.post(
    "/v1/jobs",
    status_code=202,
    summary="Extract a file of records",
    openapi_extra=describe_body(several=True),
    responses={202: _ONE, **problems(*SENT, *KEPT, NO_MONEY, TOO_MANY, NOT_READY)},
)
async def submit_job(
    request: Request,
    response: Response,
    caller: CallerOfRequest,
    service: ServiceOfRequest,
    options: OptionsOfRequest,
    name: NameQuery = "records",
) -> Job:
    """The body is a file as `extractor run` takes them, written to the disk while it comes. The job is taken when it is
    there as a whole; it goes on after a restart of the service.
    """
    check_money(service, caller, options.assist)
    _check_room(service, caller)
    job_id = JobFolders.make_id()
    with service.gate.admit(caller, "uploads"):
        folder = service.folders.prepare(caller.name, job_id)
        try:
            most = smallest(service.settings.bounds.max_upload_bytes, caller.limits.max_bytes)
            size = await save_body(request, folder / name, most)
            _check_room(service, caller)
        except BaseException:
            shutil.rmtree(folder.parent, ignore_errors=True)
            raise
    service.metrics.uploaded.inc(size)
    job = Job(
        id=job_id,
        state=JobState.QUEUED,
        name=name,
        bytes=size,
        tasks=tuple(sorted(options.tasks)),
        assist=options.assist,
        min_confidence=options.min_confidence,
        created=now(),
    )
    service.runner.submit(caller.name, job)
    response.headers["location"] = f"/v1/jobs/{job_id}"
    return job


@router.get(
    "/v1/jobs",
    summary="List jobs",
    responses={
        200: answers(
            "The caller's jobs, the newest first.",
            {"application/json": [EXAMPLE_JOB]},
            {"type": "array", "items": {"$ref": "#/components/schemas/Job"}},
        ),
        **problems(),
    },
)
async def list_jobs(
    caller: CallerOfRequest,
    service: ServiceOfRequest,
    limit: Annotated[int, Query(ge=1, le=1000, description="So many at most.")] = 100,
) -> list[Job]:
    """Jobs are kept until they are deleted."""
    return service.runner.list_jobs(caller.name)[:limit]


@router.get("/v1/jobs/{job_id}", summary="Look at a job", responses={200: _ONE, **problems(NO_SUCH_JOB)})
async def show_job(job_id: JobId, caller: CallerOfRequest, service: ServiceOfRequest) -> Job:
    """What it has done so far."""
    return find_job(service, caller, job_id)


@router.post(
    "/v1/jobs/{job_id}/cancel", summary="Cancel a job", responses={200: _ONE, **problems(NO_SUCH_JOB, NOT_FINISHED)}
)
async def cancel_job(job_id: JobId, caller: CallerOfRequest, service: ServiceOfRequest) -> Job:
    """The records under way are finished, and what is finished is kept."""
    job = find_job(service, caller, job_id)
    if job.state not in ACTIVE:
        raise Refusal(NOT_FINISHED, f"the job is {job.state.value}", remedy="there is nothing to cancel")
    return service.runner.cancel(job_id)


@router.post(
    "/v1/jobs/{job_id}/resume",
    summary="Go on with a job",
    responses={200: _ONE, **problems(NO_SUCH_JOB, NOT_FINISHED, NO_MONEY)},
)
async def resume_job(job_id: JobId, caller: CallerOfRequest, service: ServiceOfRequest) -> Job:
    """A paused, cancelled or failed job goes on where it stopped. Nothing answered is paid again."""
    job = find_job(service, caller, job_id)
    if job.state in ACTIVE | {JobState.DONE}:
        raise Refusal(NOT_FINISHED, f"the job is {job.state.value}", remedy="there is nothing to resume")
    check_money(service, caller, job.assist)
    return service.runner.resume(job_id)


@router.delete(
    "/v1/jobs/{job_id}",
    status_code=204,
    summary="Delete a job",
    responses={204: {"description": "It is gone."}, **problems(NO_SUCH_JOB)},
)
async def delete_job(job_id: JobId, caller: CallerOfRequest, service: ServiceOfRequest) -> None:
    """The job is ended at once; its upload and its results are removed."""
    find_job(service, caller, job_id)
    await service.runner.delete(job_id)


@router.get(
    "/v1/jobs/{job_id}/events",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses={
        200: answers(
            "Events of docs/logs.md, each with an id, and the job itself at first and at last.",
            {"text/event-stream": EXAMPLE_EVENT},
            {"description": "Of each event the id, its name, and its facts as JSON."},
        ),
        204: {"description": "The job has ended, and all its events were sent."},
        **problems(NO_SUCH_JOB, TOO_MANY),
    },
)
async def follow(request: Request, job_id: JobId, caller: CallerOfRequest, service: ServiceOfRequest) -> Response:
    """Server-sent events until the job has ended. With Last-Event-ID they go on after that one."""
    job = find_job(service, caller, job_id)
    events = service.folders.path(caller.name, job_id) / EVENTS
    start = find_start(events, request.headers.get("last-event-id"))
    if start and job.state not in ACTIVE and start == events.stat().st_size:
        return Response(status_code=204)  # the word for a browser not to come again
    stream = follow_job(service.runner, caller.name, job_id, events, start)
    return _Admitted(service.gate.admit(caller, "event streams"), stream)


class _Admitted(StreamingResponse):
    """Server-sent events, counted while they are sent; one that is not admitted is refused before it begins."""

    def __init__(self, admission: AbstractContextManager[None], stream: AsyncIterator[bytes]) -> None:
        super().__init__(stream, media_type="text/event-stream", headers={"x-accel-buffering": "no"})
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._admission:
            await super().__call__(scope, receive, send)


def find_job(service: Service, caller: Caller, job_id: str) -> Job:
    """A caller's job. Raises ``Refusal`` if there is none, or it is another's, which is not told apart."""
    job = service.runner.find(caller.name, job_id)
    if job is None:
        raise Refusal(NO_SUCH_JOB, "you have no job of this id")
    return job


def check_ended(job: Job) -> None:
    """Raise ``Refusal`` for a job that is not at its end."""
    if job.state in ACTIVE:
        remedy = f"wait for its end: GET /v1/jobs/{job.id}/events"
        raise Refusal(NOT_FINISHED, f"the job is {job.state.value}", headers={"retry-after": "5"}, remedy=remedy)


def _check_room(service: Service, caller: Caller) -> None:
    if service.runner.is_closing:
        raise refuse_later(NOT_READY, "the service is stopping", 10.0)
    most = caller.limits.max_jobs
    if most is not None and len(service.runner.list_jobs(caller.name)) >= most:
        refusal = refuse_later(TOO_MANY, f"{most} jobs may be kept", 60.0)
        refusal.more["remedy"] = "delete one that has ended"
        raise refusal

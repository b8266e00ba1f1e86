"""``/v1/jobs/{id}/results`` and ``/failures``: what a job has made."""

import asyncio
import json
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse

from extractor.export import Destination, Format, export_run, list_tables

from .access import CallerOfRequest, ServiceOfRequest
from .documented import answers, problems
from .examples import EXAMPLE_EXTRACTION
from .job_routes import JobId, check_ended, find_job
from .jobs import RUN, TABLES
from .problems import NO_SUCH_JOB, NOT_FINISHED, NOT_INSTALLED, WRONG_PARAMETER, Refusal, WrongParameter

__all__ = ["router"]

_JSON_LINES, _PARQUET = "application/x-ndjson", "application/vnd.apache.parquet"
_NAMES = tuple(table.name for table in list_tables())
_exporting = asyncio.Semaphore(1)

router = APIRouter(tags=["jobs"])


class ResultFormat(StrEnum):
    """How results are sent: as extractions, or as one of their tables."""

    JSONL = "jsonl"
    PARQUET = "parquet"


@router.get(
    "/v1/jobs/{job_id}/results",
    summary="Get the results",
    response_class=FileResponse,
    responses={
        200: {
            "description": "A line for each record, in the order of the upload; or the rows of a table.",
            "content": {
                _JSON_LINES: {"schema": {"type": "string"}, "example": json.dumps(EXAMPLE_EXTRACTION) + "\n"},
                _PARQUET: {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **problems(NO_SUCH_JOB, NOT_FINISHED, NOT_INSTALLED),
    },
)
async def send_results(
    job_id: JobId,
    caller: CallerOfRequest,
    service: ServiceOfRequest,
    format_: Annotated[ResultFormat, Query(alias="format", description="JSON lines, or a table.")] = ResultFormat.JSONL,
    table: Annotated[
        str, Query(description="Which table, for parquet.", json_schema_extra={"enum": list(_NAMES)})
    ] = "records",
) -> Response:
    """All of a job that is done; of one that was cancelled, paused or failed, what it had finished."""
    job = find_job(service, caller, job_id)
    if table not in _NAMES:
        wrong = (WrongParameter(name="table", detail=f"choose from {', '.join(_NAMES)}"),)
        raise Refusal(WRONG_PARAMETER, f"table: there is none of that name; {wrong[0].detail}", errors=wrong)
    check_ended(job)
    folder = service.folders.path(caller.name, job_id)
    results = folder / RUN / "extractions.jsonl"
    if not results.is_file():
        raise Refusal(NOT_FINISHED, f"the job {job.state.value} before it had any result")
    headers = {"x-job-state": job.state.value}
    if format_ is ResultFormat.JSONL:
        return FileResponse(results, media_type=_JSON_LINES, headers=headers)
    path = await _make_table(folder, table, results.stat().st_mtime_ns)
    return FileResponse(path, media_type=_PARQUET, headers=headers, filename=path.name)


async def _make_table(folder: Path, table: str, version: int) -> Path:
    """The file of a table, made when it is first asked for. One export at a time: it takes a core and memory."""
    if find_spec("duckdb") is None:
        raise Refusal(NOT_INSTALLED, "Parquet needs duckdb", remedy="ask for jsonl, or the operator for `export`")
    path = folder / TABLES / str(version) / f"{table}.parquet"
    async with _exporting:
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            chosen = [known for known in list_tables() if known.name == table]
            await asyncio.to_thread(export_run, folder / RUN, Destination(path, Format.PARQUET), chosen)
    return path


@router.get(
    "/v1/jobs/{job_id}/failures",
    summary="What could not be extracted",
    response_class=FileResponse,
    responses={
        200: answers(
            "A line for each record that failed in the last start: its id, its place, the error, a message.",
            {
                "application/x-ndjson": '{"record_id": null, "path": "records", "place": "line 3", '
                '"error": "RecordError", "message": "..."}\n'
            },
        ),
        **problems(NO_SUCH_JOB, NOT_FINISHED),
    },
)
async def show_failures(job_id: JobId, caller: CallerOfRequest, service: ServiceOfRequest) -> Response:
    """JSON lines; none if all went well."""
    job = find_job(service, caller, job_id)
    check_ended(job)
    path = service.folders.path(caller.name, job_id) / RUN / "failures.jsonl"
    if not path.is_file():
        return Response(b"", media_type="application/x-ndjson")
    return FileResponse(path, media_type="application/x-ndjson")

"""``POST /v1/extractions``: one record, answered at once."""

from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from extractor.options import Assist, ExtractionOptions
from extractor.schemas import Task, TrialExtraction

from .access import CallerOfRequest, ServiceOfRequest
from .bodies import read_body
from .callers import Caller
from .documented import SENT, describe_body, problems
from .examples import EXAMPLE_EXTRACTION
from .extractions import QueueFull, TooSlow
from .messages import Trouble, Wish
from .problems import (
    BROKEN,
    MODEL_AWAY,
    NO_MONEY,
    NOT_READY,
    PROCESS_DIED,
    QUEUE_FULL,
    TOO_MANY,
    TOOK_TOO_LONG,
    UNREADABLE,
    WRONG_PARAMETER,
    Refusal,
    WrongParameter,
    refuse_later,
    refuse_trouble,
)
from .service import Service

__all__ = ["NameQuery", "OptionsOfRequest", "check_money", "router", "smallest"]

_ALL_TASKS = ",".join(Task)
_TASK = "|".join(Task)
TasksQuery = Annotated[
    str, Query(description="Which parts, parted by commas.", pattern=f"^({_TASK})(,({_TASK}))*$", max_length=200)
]
AssistQuery = Annotated[
    Assist, Query(description="Ask the service's model what the rules left open, everything, or nothing.")
]
MinConfidenceQuery = Annotated[
    float,
    Query(ge=0, le=1, allow_inf_nan=False, description="Leave out values that are less sure, and say so."),
]


async def _read_options(
    assist: AssistQuery = Assist.AUTO, tasks: TasksQuery = _ALL_TASKS, min_confidence: MinConfidenceQuery = 0.0
) -> ExtractionOptions:
    """The options of a query, which has the tasks in any order. Raises ``Refusal`` for one that is named twice."""
    named = tasks.split(",")
    if len(set(named)) < len(named):
        wrong = (WrongParameter(name="tasks", detail="a task is named twice"),)
        raise Refusal(WRONG_PARAMETER, "tasks: a task is named twice", errors=wrong)
    return ExtractionOptions(named, assist, min_confidence)


OptionsOfRequest = Annotated[ExtractionOptions, Depends(_read_options)]
_NAME = Query(
    description="Name of the file; a record without an id of its own is named after it.",
    pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$",
    max_length=100,
)
NameQuery = Annotated[str, _NAME]
OptionalNameQuery = Annotated[str | None, _NAME]
_REFUSED = (UNREADABLE, NO_MONEY, TOO_MANY, QUEUE_FULL)
_FAILED = (BROKEN, MODEL_AWAY, NOT_READY, PROCESS_DIED, TOOK_TOO_LONG)

_ID = "^[A-Za-z0-9][A-Za-z0-9_-]*$"
RecordIdHeader = Annotated[
    str | None,
    Header(
        alias="X-Record-Id",
        description="The record's id, where its text has no NCT number of its own.",
        pattern=_ID,
        max_length=100,
    ),
]

router = APIRouter()


@router.post(
    "/v1/extractions",
    tags=["extractions"],
    summary="Extract one record",
    openapi_extra=describe_body(several=False),
    response_class=Response,
    responses={
        200: {
            "model": TrialExtraction,
            "description": "The extraction.",
            "content": {"application/json": {"example": EXAMPLE_EXTRACTION}},
        },
        **problems(
            *SENT,
            UNREADABLE,
            NO_MONEY,
            TOO_MANY,
            QUEUE_FULL,
            BROKEN,
            MODEL_AWAY,
            NOT_READY,
            PROCESS_DIED,
            TOOK_TOO_LONG,
        ),
    },
)
async def extract(
    request: Request,
    caller: CallerOfRequest,
    service: ServiceOfRequest,
    options: OptionsOfRequest,
    name: OptionalNameQuery = None,
    record_id: RecordIdHeader = None,
) -> Response:
    """The body is one record in any format that is read: a study of the registry's API as JSON, its legacy XML, its CSV
    with one row, or flattened text; plain, in gzip or in zip. The format is told by the content.

    The extraction's id is the record's NCT number; without one `X-Record-Id`, else the stem of `name`, else `text-` and
    eight digits that the body's SHA-256 begins with.
    """
    check_money(service, caller, options.assist)
    with service.gate.admit(caller, "extractions"):
        body = await read_body(request, smallest(service.settings.bounds.max_bytes, caller.limits.max_bytes))
        named = record_id or name or f"text-{sha256(body).hexdigest()[:8]}"
        result = await _fulfil(service, Wish(0, caller.name, named, body, options))
    if isinstance(result, Trouble):
        raise refuse_trouble(result)
    return Response(result, media_type="application/json")


async def _fulfil(service: Service, wish: Wish) -> bytes | Trouble:
    try:
        return await service.extractions.extract(wish)
    except QueueFull:
        raise refuse_later(QUEUE_FULL, "as many extractions are under way as the service takes", 1.0) from None
    except TooSlow:
        seconds = service.settings.bounds.timeout_s
        remedy = "send it as a job, which may take its time"
        raise Refusal(TOOK_TOO_LONG, f"it took longer than {seconds:g} seconds", remedy=remedy) from None


def check_money(service: Service, caller: Caller, assist: Assist) -> None:
    """Raise ``Refusal`` where the model would be asked, and the caller has no money left for it."""
    if assist is not Assist.NEVER and service.settings.model and service.purse.is_empty(caller):
        remedy = "wait for the next month, let the operator raise the limit, or use assist=never"
        raise Refusal(NO_MONEY, "the caller's limit for this month is reached", remedy=remedy)


def smallest(limit: int, own: int | None) -> int:
    """The service's limit, or the caller's own if that is less."""
    return limit if own is None else min(limit, own)

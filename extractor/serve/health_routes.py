"""Whether the service lives, is ready, and what it has done: for those who run it."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from .access import OperatorOfRequest, ServiceOfRequest
from .documented import answers, problems
from .problems import NOT_READY, NOT_YOURS, Refusal

__all__ = ["router"]

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """That all is well."""

    status: str = "ok"


_WELL = answers("All is well.", {"application/json": {"status": "ok"}}, {"$ref": "#/components/schemas/Health"})


@router.get("/healthz", summary="Whether the service lives", responses={200: _WELL})
async def tell_health() -> Health:
    """Answered as long as the service answers anything. Needs no key."""
    return Health()


_SEE_LOG = "the service's standard error says more"
_READY = problems(NOT_READY)


@router.get("/readyz", summary="Whether the service is ready", responses={200: _WELL, 503: _READY[503]})
async def tell_readiness(service: ServiceOfRequest) -> Health:
    """Ready when all processes that extract have started, and until the service stops. Needs no key."""
    if service.runner.is_closing:
        raise Refusal(NOT_READY, "the service is stopping")
    if trouble := service.extractions.trouble:
        headers = {"retry-after": "5"}
        raise Refusal(NOT_READY, f"processes that extract cannot start ({trouble})", headers=headers, remedy=_SEE_LOG)
    if not service.extractions.is_ready:
        raise Refusal(NOT_READY, "processes that extract are starting", headers={"retry-after": "1"})
    return Health()


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        200: answers("Prometheus' text format.", {"text/plain": 'extractor_jobs{state="done"} 3.0\n'}),
        **problems(NOT_YOURS),
    },
)
async def tell_metrics(_: OperatorOfRequest, service: ServiceOfRequest) -> Response:
    """For the operator alone: they tell of all callers together."""
    return Response(service.metrics.render(), media_type=CONTENT_TYPE_LATEST)

"""The service as a web application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from . import extraction_routes, health_routes, index_routes, job_routes, result_routes
from .documented import describe_service
from .guard import Guard, answer_http_error, answer_refusal, answer_wrong
from .metrics import Metrics
from .problems import Refusal
from .service import Service
from .settings import ServiceSettings

__all__ = ["build_app"]


def build_app(settings: ServiceSettings) -> FastAPI:
    """The application; its parts are opened when it starts and closed when it stops."""
    metrics = Metrics()

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        async with Service.open(settings, metrics) as service:
            app.state.service = service
            yield

    told: dict[Any, Any] = {
        Refusal: answer_refusal,
        RequestValidationError: answer_wrong,
        HTTPException: answer_http_error,
    }
    app = FastAPI(
        title="Extractor",
        version=version("trial-extractor"),
        lifespan=live,
        middleware=[Middleware(Guard, metrics=metrics)],
        exception_handlers=told,
        redirect_slashes=False,
        # Their pages load scripts from elsewhere; ours is in index_routes.
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    routers = [part.router for part in (extraction_routes, job_routes, result_routes, health_routes, index_routes)]
    for router in routers:
        app.include_router(router)
    app.state.routes = [route for router in routers for route in router.routes]
    app.openapi = lambda: describe_service(app)  # type: ignore[method-assign]
    return app

"""``/`` and ``/docs``: what this service is, for whoever opens its address. They need no key and no network."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from extractor.pages import read_assets, read_shared_script, render_page, state_policy

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/")
async def show_index(request: Request) -> dict[str, Any]:
    """The service's name and version, and where to look next."""
    links = {"docs": "/docs", "openapi": "/openapi.json", "health": "/healthz", "ready": "/readyz"}
    return {"name": request.app.title, "version": request.app.version, "links": links}


@router.get("/docs")
async def show_docs(request: Request) -> HTMLResponse:
    """The OpenAPI document as a page that loads nothing."""
    described = request.app.openapi()
    values = {"info": described["info"], "operations": list(_list_operations(described))}
    page = render_page("extractor.serve", values, styles=(), scripts=())
    policy = state_policy(read_assets("extractor.pages", "base.css"), read_shared_script())
    return HTMLResponse(page, headers={"content-security-policy": f"{policy}; frame-ancestors 'none'"})


def _list_operations(described: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield {
                "method": method.upper(),
                "path": path,
                "summary": operation["summary"],
                "description": operation.get("description", ""),
                "parameters": operation.get("parameters", []),
                "body": operation.get("requestBody"),
                "answers": operation["responses"],
            }

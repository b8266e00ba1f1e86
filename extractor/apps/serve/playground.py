"""The page to try the service: a text or a file, and what is extracted of it beside it."""

from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from extractor.apps.pages import escape_json
from extractor.apps.report.record import list_meanings
from extractor.apps.serve.reading import show_extraction
from extractor.apps.serve.requests import (
    CallerOfRequest,
    OptionalNameQuery,
    OptionsOfRequest,
    ServiceOfRequest,
)
from extractor.apps.serve.routes import extract_body, send_page, show_index

_SCRIPTS = ("viewer.js", "browse.js", "cards.js", "playground.js")
_EXAMPLE = files("extractor.apps.serve") / "assets" / "synopsis.txt"

playground = APIRouter(include_in_schema=False)


@playground.get("/")
async def show_playground(request: Request, service: ServiceOfRequest) -> Response:
    """The page for browsers; the index for other clients."""
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse(await show_index(request), headers={"vary": "accept"})
    values = {
        "meanings": escape_json(list_meanings()),
        "example": _EXAMPLE.read_text("utf-8"),
        "model": service.settings.model,
        "effort": service.settings.options.effort,
    }
    return send_page(
        "playground.html",
        values,
        styles=("viewer.css", "playground.css"),
        scripts=_SCRIPTS,
    )


@playground.post("/playground")
async def try_text(
    request: Request,
    _: CallerOfRequest,
    service: ServiceOfRequest,
    options: OptionsOfRequest,
    name: OptionalNameQuery = None,
) -> Response:
    """Extract the text or file in the body as ``POST /v1/extractions`` does, and answer with
    what the viewer shows.
    """
    return await extract_body(request, service, options, name, render=show_extraction)

"""A page where users can enter a text and see its extraction in the report viewer."""

import json
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from extractor.apps.pages import escape_json, render_page
from extractor.apps.report.record import RunRecord, list_term_meanings, show_record
from extractor.apps.serve.requests import (
    CallerOfRequest,
    ParametersOfRequest,
    ServiceOfRequest,
)
from extractor.apps.serve.routes import extract_body
from extractor.face import TextState
from extractor.schemas import TrialExtraction, TrialRecord

_EXAMPLE = files("extractor.apps.serve") / "assets" / "synopsis.txt"

playground = APIRouter(include_in_schema=False)


@playground.get("/")
async def show_playground(service: ServiceOfRequest) -> Response:
    """Return the playground page."""
    page = render_page(
        "extractor.apps.serve",
        {
            "meanings": escape_json(list_term_meanings()),
            "example": _EXAMPLE.read_text("utf-8"),
            "model": service.settings.model,
            "effort": service.settings.options.effort,
        },
        styles=("viewer.css", "playground.css"),
        scripts=("viewer.js", "browse.js", "cards.js", "playground.js"),
        asks=True,
        template="playground.html",
    )
    # the page contains its own policy, which cannot restrict frames
    return HTMLResponse(
        page, headers={"content-security-policy": "frame-ancestors 'none'"}
    )


@playground.post("/playground")
async def try_text(
    request: Request,
    caller: CallerOfRequest,
    service: ServiceOfRequest,
    parameters: ParametersOfRequest,
) -> Response:
    """Extract the text or file in the body, as ``POST /v1/extractions`` does, and return the data
    for the viewer.
    """
    return await extract_body(request, caller, service, parameters, show_extraction)


def show_extraction(record: TrialRecord, line: bytes) -> bytes:
    """Return the extraction in ``line``, together with the data for the viewer, as JSON. Texts are
    shown as they were sent.
    """
    extraction = TrialExtraction.model_validate_json(line)
    shown = show_record(RunRecord(extraction, record, TextState.SAME), as_given=True)
    return json.dumps({"shown": shown, "extraction": json.loads(line)}).encode()

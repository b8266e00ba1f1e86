"""A page to try a text, which shows its extraction in the report viewer."""

import json
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from extractor.apps.pages import escape_json, render_page
from extractor.apps.report.record import RunRecord, list_meanings, show_record
from extractor.apps.serve.requests import (
    AskedOfRequest,
    CallerOfRequest,
    ServiceOfRequest,
)
from extractor.apps.serve.routes import extract_body
from extractor.run.finished import TextState
from extractor.schemas import TrialExtraction, TrialRecord

_EXAMPLE = files("extractor.apps.serve") / "assets" / "synopsis.txt"

playground = APIRouter(include_in_schema=False)


@playground.get("/")
async def show_playground(service: ServiceOfRequest) -> Response:
    """The page."""
    page = render_page(
        "extractor.apps.serve",
        {
            "meanings": escape_json(list_meanings()),
            "example": _EXAMPLE.read_text("utf-8"),
            "model": service.settings.model,
            "effort": service.settings.options.effort,
        },
        styles=("viewer.css", "playground.css"),
        scripts=("viewer.js", "browse.js", "cards.js", "playground.js"),
        asks=True,
        template="playground.html",
    )
    # the page has a policy of its own, but for frames
    headers = {"content-security-policy": "frame-ancestors 'none'"}
    return HTMLResponse(page, headers=headers)


@playground.post("/playground")
async def try_text(
    request: Request,
    caller: CallerOfRequest,
    service: ServiceOfRequest,
    asked: AskedOfRequest,
) -> Response:
    """Extract the text or file in the body as ``POST /v1/extractions`` does, and answer with
    what the viewer shows.
    """
    return await extract_body(request, caller, service, asked, show_extraction)


def show_extraction(record: TrialRecord, line: bytes) -> bytes:
    """Return an extraction, given as a line of JSON, with what the viewer shows of it. Texts are
    shown as they were given.
    """
    extraction = TrialExtraction.model_validate_json(line)
    shown = show_record(RunRecord(extraction, record, TextState.SAME), as_given=True)
    return json.dumps({"shown": shown, "extraction": json.loads(line)}).encode()

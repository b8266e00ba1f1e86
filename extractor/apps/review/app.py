"""The local web application for the review."""

import json
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from extractor.apps.pages import escape_json, render_page
from extractor.apps.review.adjudication import Adjudication
from extractor.apps.review.guard import PageGuard
from extractor.apps.review.guideline import render_guideline
from extractor.apps.review.journal import open_journal
from extractor.apps.review.queue import RunRecords
from extractor.apps.review.review import (
    Correction,
    Review,
    ReviewSelection,
    Stale,
    Unfinished,
)
from extractor.errors import ExtractorError, GoldError, StoreError
from extractor.schemas.base import JsonObject, find_fault

_HOST = "127.0.0.1"
_MAX_BYTES = 1_000_000
_TOO_DEEP = "The JSON is nested too deeply; a change has only a few levels."
_SCRIPTS = ("server.js", "queue.js", "form.js", "card.js", "record.js")


class ReviewServer(NamedTuple):
    """A review on a listening socket. Its ``address`` can be used only once."""

    address: str
    records: RunRecords
    server: uvicorn.Server
    listening: socket.socket

    def serve(self) -> None:
        """Answer requests until ``stop`` is called or Ctrl-C is pressed."""
        self.server.run(sockets=[self.listening])

    def stop(self) -> None:
        """Make ``serve`` return. This method may be called from another thread."""
        self.server.should_exit = True


@contextmanager
def open_review(
    run: Path,
    gold: Path,
    *,
    port: int = 0,
    inputs: Sequence[Path] = (),
    annotators: tuple[Path, Path] | None = None,
) -> Iterator[ReviewServer]:
    """Open the review of a run on this machine; ``port`` 0 uses any free port. With two
    ``annotators``, the differences between their gold annotations are reviewed.

    Gold files are written to ``gold``, and journals to ``gold/.review``. Raises ``StoreError`` if
    the run, the folder or the port cannot be used, and ``GoldError`` if the gold cannot be read or
    contains none of the run's records.
    """
    records = RunRecords(run, inputs)
    if not records.doubts:
        raise StoreError(
            f"{run}: has no results to review; for the reasons, see its failures.jsonl or "
            "`extractor report`"
        )
    doubts = records.doubts
    adjudication = None
    if annotators:
        adjudication = Adjudication(*annotators, records.fields)
        doubts = adjudication.list_doubts(doubts)
        if not doubts:
            names = " and ".join(map(str, annotators))
            raise GoldError(f"{names}: have no gold for any record of {run}")
    with open_journal(gold) as journal, closing(socket.socket()) as listening:
        review = Review(records, gold, journal, doubts, adjudication)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((_HOST, port))
            listening.listen()  # browsers can connect from now on, but wait for a response
        except OSError as error:
            raise StoreError(
                f"port {port}: {error.strerror}; choose another --port"
            ) from error
        token = secrets.token_urlsafe(32)
        _, bound_port = listening.getsockname()
        labels = {"gold": str(gold), "annotators": adjudication and adjudication.names}
        app = _build_app(review, token, bound_port, labels)
        # an access log would contain the token, which is in the first request
        config = uvicorn.Config(
            app,
            access_log=False,
            log_level="warning",
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
        )
        address = f"http://{_HOST}:{bound_port}/?token={token}"
        yield ReviewServer(address, records, uvicorn.Server(config), listening)


def _build_app(review: Review, token: str, port: int, labels: JsonObject) -> Starlette:
    """Build the web application with its guard. Handlers are coroutines, so that each change is
    complete before the next change starts.
    """
    # lists, because JSON objects do not guarantee an order
    forms = [
        {
            "group": group,
            "noun": form.noun,
            "of": form.of,
            "fields": list(form.fields.items()),
        }
        for group, form in review.forms.items()
    ]
    page = render_page(
        __package__,
        {**labels, "forms": escape_json(forms)},
        styles=["review.css"],
        scripts=_SCRIPTS,
        asks=True,
    )
    guideline = render_guideline()

    def act(action: Callable[[str, Any], Any]) -> Callable[[Request], Any]:
        """Return a handler that performs an action on a record and responds with the changed
        record.
        """

        async def handle(request: Request) -> Response:
            name = request.query_params.get("id", "")
            item = action(name, await _read_body(request))
            return JSONResponse(review.describe(name) | {"item": item})

        return handle

    async def show(_: Request) -> Response:
        return HTMLResponse(page)

    async def show_guideline(_: Request) -> Response:
        return HTMLResponse(guideline)

    async def queue(_: Request) -> Response:
        return JSONResponse(review.list_queue())

    async def record(request: Request) -> Response:
        return JSONResponse(review.describe(request.query_params.get("id", "")))

    async def words(request: Request) -> Response:
        query = dict(request.query_params)
        name = query.pop("id", "")
        text = review.read_words(name, ReviewSelection.model_validate(query))
        return JSONResponse({"text": text})

    routes = [
        Route("/", show),
        Route("/guideline", show_guideline),
        Route("/api/queue", queue),
        Route("/api/record", record),
        Route("/api/words", words),
        Route(
            "/api/change",
            act(
                lambda name, body: review.change(name, Correction.model_validate(body))
            ),
            methods=["POST"],
        ),
        Route("/api/undo", act(lambda name, _: review.undo(name)), methods=["POST"]),
        Route(
            "/api/finish",
            act(
                lambda name, body: review.finish(name, anyway=body == {"anyway": True})
            ),
            methods=["POST"],
        ),
    ]
    rejections = (
        ExtractorError,
        ValueError,
        OSError,
        Stale,
        Unfinished,
        RecursionError,
    )
    return Starlette(
        routes=routes,
        middleware=[Middleware(PageGuard, token=token, port=port)],
        exception_handlers=dict.fromkeys(rejections, _reject),
    )


async def _read_body(request: Request) -> object:
    if request.headers.get("content-type") != "application/json":
        raise HTTPException(415, "JSON is expected.")
    body = b""
    async for block in request.stream():
        body += block
        if len(body) > _MAX_BYTES:
            raise HTTPException(413, "The request is too large.")
    return json.loads(body)


async def _reject(_: Request, error: Exception) -> Response:
    """Return the response to a rejected request."""
    message = str(error)
    status = 422
    if isinstance(error, Stale):
        status = 409
    elif isinstance(error, RecursionError):
        message = _TOO_DEEP
    elif isinstance(error, ValidationError):
        message = ": ".join(find_fault(error))
    may_finish = isinstance(error, Unfinished) and error.may_finish
    return JSONResponse({"message": message, "may_finish": may_finish}, status)

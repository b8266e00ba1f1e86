"""The review as a local web application: a guard, a JSON API, and the files of its page."""

import json
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from mimetypes import guess_type
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import uvicorn
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route
from starlette.types import ASGIApp

from extractor.apps.pages import read_assets, read_shared_script, render_template
from extractor.apps.pages.view import Json
from extractor.apps.review.adjudication import Adjudication
from extractor.apps.review.changes import (
    Change,
    Conflict,
    Finish,
    Review,
    StillRed,
)
from extractor.apps.review.draft import ReviewItem
from extractor.apps.review.forms import describe_form
from extractor.apps.review.guideline import open_guideline
from extractor.apps.review.journal import Journal
from extractor.apps.review.queue import RunRecords
from extractor.errors import ExtractorError, GoldError, StoreError

_T = TypeVar("_T")
_HOST = "127.0.0.1"
_MAX_BYTES = 1_000_000
_TOO_DEEP = "The JSON has too many levels; a change has only a few."
_CHANGE: TypeAdapter[Change] = TypeAdapter(Change)
_SCRIPTS = (
    "server.js",
    "dialogs.js",
    "queue.js",
    "card.js",
    "form.js",
    "selection.js",
    "record.js",
    "start.js",
)
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
        "'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class ReviewServer(NamedTuple):
    """A review on a listening socket. Its ``address`` works once."""

    address: str
    records: RunRecords
    server: uvicorn.Server
    listening: socket.socket

    def serve(self) -> None:
        """Answer requests until ``stop`` is called or Ctrl-C comes."""
        self.server.run(sockets=[self.listening])

    def stop(self) -> None:
        """End ``serve``. May be called from another thread."""
        self.server.should_exit = True


@contextmanager
def open_review(
    run: Path,
    gold: Path,
    *,
    reviewer: str,
    port: int = 0,
    inputs: Sequence[Path] = (),
    annotators: tuple[Path, Path] | None = None,
) -> Iterator[ReviewServer]:
    """Open the review of a run on the loopback interface; ``port`` 0 takes a free one. With the
    golds of two ``annotators``, their differences are reviewed.

    Gold files go into ``gold``, drafts and history into ``gold/.review``. Raises ``StoreError``
    if the run, the folder or the port cannot be used, and ``GoldError`` for gold that cannot be
    read, or has none of the run's records.
    """
    records = RunRecords(run, inputs)
    if not records.doubts:
        raise StoreError(
            f"{run}: has no results to review; its failures.jsonl and `extractor report` say why"
        )
    adjudication = None
    if annotators:
        adjudication = Adjudication(*annotators, records.fields)
        records.doubts = adjudication.list_doubts(records.doubts)
        if not records.doubts:
            names = " and ".join(map(str, annotators))
            raise GoldError(f"{names}: have gold of none of the records of {run}")
    folder = gold / ".review"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{gold}: cannot be written ({error.strerror}); choose another --gold"
        ) from error
    with (
        closing(Journal(folder / "journal.sqlite")) as journal,
        closing(socket.socket()) as listening,
    ):
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((_HOST, port))
            listening.listen()  # a browser can connect from now on, and waits for its answer
        except OSError as error:
            raise StoreError(
                f"port {port}: {error.strerror}; choose another --port"
            ) from error
        token = secrets.token_urlsafe(32)
        port = listening.getsockname()[1]
        app = _build_app(
            Review(records, gold, journal, reviewer, adjudication), token, port
        )
        # No access log: the first request contains the token.
        options: dict[str, Any] = {
            "access_log": False,
            "log_level": "warning",
            "lifespan": "off",
            "ws": "none",
        }
        server = uvicorn.Server(
            uvicorn.Config(app, server_header=False, proxy_headers=False, **options)
        )
        yield ReviewServer(
            f"http://{_HOST}:{port}/?token={token}", records, server, listening
        )


def _build_app(review: Review, token: str, port: int) -> Starlette:
    """Build the guarded application. Handlers are coroutines: the database belongs to the event
    loop's thread.
    """
    reads: dict[str, Callable[[QueryParams], Any]] = {
        "form": lambda _: _describe_forms(review),
        "queue": lambda _: review.list_queue(),
        "find": lambda query: {
            "record": review.find(query.get("id", ""), query.get("direction", ""))
        },
        "record": lambda query: review.describe(query.get("id", "")),
        "version": lambda query: review.describe_version(query.get("id", "")),
        "history": lambda query: review.list_history(query.get("id", "")),
    }
    actions: dict[str, Callable[[str, Any], str | None]] = {
        "change": lambda name, body: review.change(name, _CHANGE.validate_python(body)),
        "undo": lambda name, _: review.step(name, "undo"),
        "redo": lambda name, _: review.step(name, "redo"),
        "finish": lambda name, body: review.finish(
            name, anyway=Finish.model_validate(body).anyway
        ),
    }

    assets = {
        "index.html": render_template("index.html", {}, __package__),
        "page.css": read_assets("extractor.apps.pages", "base.css")
        + read_assets(__package__, "review.css"),
        "page.js": read_shared_script() + read_assets(__package__, *_SCRIPTS),
    }

    def choose(known: Mapping[str, _T], request: Request) -> _T:
        name = request.path_params.get("name", "index.html")
        if name not in known:
            raise HTTPException(404)
        return known[name]

    async def read(request: Request) -> Response:
        return JSONResponse(choose(reads, request)(request.query_params))

    async def act(request: Request) -> Response:
        """Act on a record, and answer with the updated record and the item concerned."""
        action = choose(actions, request)
        name = request.query_params.get("id", "")
        item = action(name, await _read_body(request))
        return JSONResponse(review.describe(name) | {"acted": item})

    async def serve_file(request: Request) -> Response:
        media_type = guess_type(request.path_params.get("name", "index.html"))[0]
        return Response(choose(assets, request), media_type=media_type)

    async def serve_guideline(_: Request) -> Response:
        return HTMLResponse(open_guideline().page)

    routes = [
        Route("/", serve_file),
        Route("/assets/{name}", serve_file),
        Route("/guideline", serve_guideline),
        Route("/api/{name}", read),
        Route("/api/{name}", act, methods=["POST"]),
    ]
    handlers: dict[Any, Any] = dict.fromkeys(
        (ExtractorError, ValueError, OSError), _answer_error
    )
    handlers[RecursionError] = _answer_deep
    guard = Middleware(_PageGuard, token=token, port=port)
    return Starlette(routes=routes, middleware=[guard], exception_handlers=handlers)


async def _read_body(request: Request) -> Any:
    if request.headers.get("content-type") != "application/json":
        raise HTTPException(415, "JSON is expected.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BYTES:
            raise HTTPException(413, "The request is too large.")
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


async def _answer_error(_: Request, error: Exception) -> Response:
    """Answer a refused request with its message; a conflict also with what others did."""
    message = str(error)
    if isinstance(error, Conflict):
        theirs = _describe_theirs(error.item)
        answer = {"message": message, "theirs": theirs, "rows": error.rows}
        return JSONResponse(answer, 409)
    if isinstance(error, StillRed):
        return JSONResponse({"message": message, "may_finish": True}, 422)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        message = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return JSONResponse({"message": message}, 422)


def _describe_theirs(item: ReviewItem | None) -> dict[str, Any] | None:
    """Return an item as another reviewer left it; None if it is gone."""
    if item is None:
        return None
    return {
        "path": item.path,
        **item.content(),
        "by": item.reviewer,
        "version": item.version,
    }


async def _answer_deep(_: Request, __: Exception) -> Response:
    return JSONResponse({"message": _TOO_DEEP}, 422)


class _PageGuard(BaseHTTPMiddleware):
    """Refuses requests that are not for this address, not from its own page, or without the
    cookie.

    The token opens the review once; after that the browser uses a cookie. The check of ``Host``
    prevents DNS rebinding; the checks of ``Origin`` and ``Sec-Fetch-Site`` prevent cross-site
    request forgery (CSRF).
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        super().__init__(app)
        self._token = token
        self._session = secrets.token_urlsafe(32)
        self._is_used = False
        self._hosts = ([f"127.0.0.1:{port}"], [f"localhost:{port}"])
        # Browsers share cookies between ports, so each review needs its own cookie name.
        self._cookie = f"extractor_review_{port}"

    async def dispatch(
        self, request: Request, call_next: RequestResponseEndpoint
    ) -> Response:
        """Refuse a request, or pass it on."""
        response = self._check(request) or await call_next(request)
        response.headers.update(_HEADERS)
        return response

    def _check(self, request: Request) -> Response | None:
        """Return the answer to a request that is not passed on: a refusal, or the redirection of
        the printed address. None passes it on.
        """
        hosts = [host.lower() for host in request.headers.getlist("host")]
        if hosts not in self._hosts:
            return PlainTextResponse("This is not the address of the review.\n", 421)
        if _is_from_elsewhere(request):
            refusal = (
                "Requests from other pages are refused. Copy the address into the address "
                "bar.\n"
            )
            return PlainTextResponse(refusal, 403)
        token = request.query_params.get("token")
        has_cookie = _is_same(request.cookies.get(self._cookie, ""), self._session)
        is_opening = request.method == "GET" and request.url.path == "/"
        if token and is_opening:
            return self._open(token, has_cookie=has_cookie)
        if has_cookie:
            return None
        return PlainTextResponse(
            "Open the address that extractor review printed.\n", 401
        )

    def _open(self, token: str, *, has_cookie: bool) -> Response:
        """Answer the printed address: the first time with a cookie and the address without its
        token, later with a refusal; with the cookie, always with the latter address.
        """
        response = RedirectResponse("/", 303)
        if has_cookie:
            return response
        if self._is_used or not _is_same(token, self._token):
            refusal = (
                "This address was already used. Start the review again for a new one.\n"
            )
            return PlainTextResponse(refusal, 403)
        self._is_used = True
        response.set_cookie(
            self._cookie, self._session, httponly=True, samesite="strict", path="/"
        )
        return response


def _describe_forms(review: Review) -> Json:
    """Return the forms, with the place of each field in the guideline."""
    anchors = open_guideline().anchors
    described = describe_form(review.fields)
    for group, fields in described.items():
        for field in fields:
            field["guideline"] = anchors.get(f"{group}.{field['name']}")
    return described


def _is_from_elsewhere(request: Request) -> bool:
    """Return whether another page sent a request: its site is another, its origin is another, or
    it would change something and names neither an origin nor the same site.
    """
    own = f"http://{request.headers['host'].lower()}"
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    # "none" is an address that the user typed or opened.
    if site not in {None, "same-origin", "none"}:
        return True
    if origin:
        return origin.lower() != own
    changes_something = request.method not in {"GET", "HEAD"}
    return changes_something and site != "same-origin"


def _is_same(given: str, secret: str) -> bool:
    """Return whether two texts are equal, in a time that says nothing of where they differ."""
    return secrets.compare_digest(given.encode(), secret.encode())

"""The review as a web application on this machine: a guard, JSON in and out, and the files of its page."""

import json
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from http.cookies import CookieError, SimpleCookie
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from extractor.errors import ExtractorError, StoreError
from extractor.pages import read_assets, read_shared_script

from .changes import Change, Conflict, Review
from .draft import ActionKind
from .journal import Journal
from .page import describe_form
from .queue import Direction, RunRecords

_HOST = "127.0.0.1"
_JOURNAL = ".review"
_SHARED = ("base.css", "values.js")
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_MOST_BYTES = 1_000_000
_ROWS = 50
_CHANGE: TypeAdapter[Change] = TypeAdapter(Change)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class ReviewServer:
    """A review that accepts connections and answers them once ``serve`` runs. Its ``address`` works once."""

    def __init__(self, review: Review, records: RunRecords, listening: socket.socket) -> None:
        token, port = secrets.token_urlsafe(32), listening.getsockname()[1]
        self.address = f"http://{_HOST}:{port}/?token={token}"
        self.records, self._listening = records, listening
        config = uvicorn.Config(
            _build_app(review, token, port),
            access_log=False,  # the first request has the token in it
            log_level="warning",
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)

    def serve(self) -> None:
        """Answer requests until ``stop`` is called, or Ctrl-C comes."""
        self._server.run(sockets=[self._listening])

    def stop(self) -> None:
        """Let ``serve`` end; may be called from another thread."""
        self._server.should_exit = True


@contextmanager
def open_review(
    run: Path, gold: Path, *, reviewer: str, port: int = 0, inputs: Sequence[Path] = ()
) -> Iterator[ReviewServer]:
    """Open a run's review on the loopback interface alone; ``port`` 0 takes a free one.

    Gold goes into ``gold``, drafts and history into a folder ``.review`` in it. Raises ``StoreError`` for a run, a
    folder or a port that cannot be used.
    """
    records = RunRecords(run, inputs)
    folder = gold / _JOURNAL
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{gold}: cannot be written ({error.strerror}); choose another --gold") from error
    with closing(Journal(folder / "journal.sqlite")) as journal, closing(socket.socket()) as listening:
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((_HOST, port))
            listening.listen()  # from now on a browser may connect: it waits until it is answered
        except OSError as error:
            raise StoreError(f"port {port}: {error.strerror}; choose another --port") from error
        yield ReviewServer(Review(records, gold, journal, reviewer), records, listening)


def _build_app(review: Review, token: str, port: int) -> Starlette:
    """The application, behind its guard. All of it runs on one thread, one request after the other."""

    async def queue(request: Request) -> Response:
        query = request.query_params
        start, count = (max(0, int(query.get(name, known))) for name, known in (("start", 0), ("count", _ROWS)))
        unfinished = query.get("unfinished") == "true"
        return JSONResponse(review.list_queue(query.get("words", ""), unfinished=unfinished, start=start, count=count))

    async def find(request: Request) -> Response:
        direction = Direction(request.query_params.get("direction", ""))
        return JSONResponse({"record": review.find(_name(request), direction)})

    async def change(request: Request) -> Response:
        wanted = _CHANGE.validate_python(await _read_body(request))
        return act(lambda name: review.change(name, wanted))(request)

    def read(describe: Callable[[str], Any]) -> Callable[[Request], Response]:
        return lambda request: JSONResponse(describe(_name(request)))

    def act(action: Callable[[str], str | None]) -> Callable[[Request], Response]:
        """The record after an action, and the item that it was about."""

        def answer(request: Request) -> Response:
            item = action(_name(request))
            return JSONResponse(review.describe(_name(request)) | {"acted": item})

        return answer

    reads: dict[str, Callable[[str], Any]] = {
        "form": lambda _: describe_form(),
        "record": review.describe,
        "version": review.describe_version,
        "history": review.list_history,
    }
    actions: dict[str, Callable[[str], str | None]] = {
        "undo": lambda name: review.step(name, ActionKind.UNDO),
        "redo": lambda name: review.step(name, ActionKind.REDO),
        "finish": review.finish,
    }
    routes = [
        Route("/", lambda _: _serve_file("index.html")),
        Route("/assets/{name}", lambda request: _serve_file(request.path_params["name"])),
        Route("/api/queue", queue),
        Route("/api/find", find),
        Route("/api/change", change, methods=["POST"]),
        *(Route(f"/api/{name}", _on_loop(read(describe))) for name, describe in reads.items()),
        *(Route(f"/api/{name}", _on_loop(act(action)), methods=["POST"]) for name, action in actions.items()),
    ]
    handlers: dict[Any, Any] = dict.fromkeys((Conflict, ExtractorError, ValueError, OSError), _answer_error)
    return Starlette(
        routes=routes, middleware=[Middleware(_Guard, token=token, port=port)], exception_handlers=handlers
    )


def _on_loop(answer: Callable[[Request], Response]) -> Callable[[Request], Any]:
    """A handler that runs on the event loop's thread, which the database belongs to."""

    async def handle(request: Request) -> Response:
        return answer(request)

    return handle


def _name(request: Request) -> str:
    return request.query_params.get("id", "")


async def _read_body(request: Request) -> Any:
    if request.headers.get("content-type") != "application/json":
        raise HTTPException(415, "JSON is expected.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise HTTPException(413, "The request is too large.")
    return json.loads(body)


async def _answer_error(_: Request, error: Exception) -> Response:
    if isinstance(error, Conflict):
        item = error.item
        theirs = item and {"id": item.id, **item.content(), "by": item.reviewer, "version": item.version}
        return JSONResponse({"message": str(error), "theirs": theirs}, 409)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return JSONResponse({"message": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}, 422)
    return JSONResponse({"message": str(error)}, 422)


def _serve_file(name: str) -> Response:
    """A file of the page, and no other file."""
    package = "extractor.pages" if name in _SHARED else __package__
    names = {file.name for file in (files(package) / "assets").iterdir()}
    ending = name[name.rfind(".") :]
    if name not in names or ending not in _TYPES:
        return PlainTextResponse("There is no such file.\n", 404)
    content = read_shared_script() if name == "values.js" else read_assets(package, name)
    return Response(content, media_type=_TYPES[ending])


class _Guard:
    """Lets a request through if it is for this address, of this address, and has the cookie.

    The token opens the review once; the browser then has a cookie in its place. ``Host`` is checked, since a foreign
    name may be made to lead here (DNS rebinding); ``Origin`` and ``Sec-Fetch-Site``, since a foreign page may send
    requests here (CSRF).
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app, self._token, self._is_used = app, token, False
        self._session = secrets.token_urlsafe(32)
        self._hosts = ([f"127.0.0.1:{port}"], [f"localhost:{port}"])
        # Cookies know no ports: another review on this machine has another name.
        self._cookie = f"extractor_review_{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            await send(message)

        await (self._check(scope) or self._app)(scope, receive, send_guarded)

    def _check(self, scope: Scope) -> Response | None:
        """The answer in place of the review's, None if the request is let through."""
        headers = Headers(scope=scope)
        if [host.lower() for host in headers.getlist("host")] not in self._hosts:
            return PlainTextResponse("This is no address of the review.\n", 421)
        if _is_foreign(scope["method"], headers):
            refusal = "Requests of other pages are refused. Copy the address into the address bar.\n"
            return PlainTextResponse(refusal, 403)
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token")
        has_cookie = self._has_cookie(headers)
        if not given or scope["method"] != "GET" or scope["path"] != "/":
            refusal = "Open the address that extractor review printed.\n"
            return None if has_cookie else PlainTextResponse(refusal, 401)
        response = RedirectResponse("/", 303)
        if not has_cookie:
            if self._is_used or not secrets.compare_digest(given[0].encode(), self._token.encode()):
                refusal = "This address was used already. Start the review again for a new one.\n"
                return PlainTextResponse(refusal, 403)
            self._is_used = True
            response.set_cookie(self._cookie, self._session, httponly=True, samesite="strict", path="/")
        return response

    def _has_cookie(self, headers: Headers) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return False
        return cookie is not None and secrets.compare_digest(cookie.value.encode(), self._session.encode())


def _is_foreign(method: str, headers: Headers) -> bool:
    """Whether another page sends the request."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site not in {None, "same-origin", "none"}:
        return True
    if origin is not None and origin.lower() != f"http://{headers['host'].lower()}":
        return True
    return method not in {"GET", "HEAD"} and origin is None and site != "same-origin"

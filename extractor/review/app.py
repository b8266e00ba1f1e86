"""The review as a web application: JSON in and out, and the files of its page."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from extractor.errors import ExtractorError
from extractor.pages import read_assets, read_shared_script

from .changes import Change, Overtaken
from .desk import ReviewDesk
from .form import describe_form
from .guard import Guard, Token
from .items import Json
from .journal import ActionKind
from .queue import Way

__all__ = ["build_app"]

_SHARED = ("base.css", "values.js")
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_MOST_BYTES = 1_000_000
_ROWS = 50
_CHANGE: TypeAdapter[Change] = TypeAdapter(Change)


def build_app(desk: ReviewDesk, token: Token, port: int) -> Starlette:
    """The application, behind its guard."""
    api = _Api(desk)
    routes = [
        Route("/", _serve_page),
        Route("/assets/{name}", _serve_asset),
        Route("/api/form", api.form),
        Route("/api/queue", api.queue),
        Route("/api/find", api.find),
        Route("/api/record", api.record),
        Route("/api/version", api.version),
        Route("/api/history", api.history),
        Route("/api/change", api.change, methods=["POST"]),
        Route("/api/undo", api.undo, methods=["POST"]),
        Route("/api/redo", api.redo, methods=["POST"]),
        Route("/api/finish", api.finish, methods=["POST"]),
    ]
    told: dict[Any, Any] = {Overtaken: _tell_overtaken, ExtractorError: _tell, ValueError: _tell, OSError: _tell}
    return Starlette(routes=routes, middleware=[Middleware(Guard, token=token, port=port)], exception_handlers=told)


class _Api:
    """What the page asks for. All of it runs on one thread, one request after the other."""

    def __init__(self, desk: ReviewDesk) -> None:
        self._desk = desk

    async def form(self, _: Request) -> Response:
        return JSONResponse(describe_form())

    async def queue(self, request: Request) -> Response:
        asked = request.query_params
        start, count = (int(asked.get(name, known)) for name, known in (("start", 0), ("count", _ROWS)))
        words, unfinished = asked.get("words", ""), asked.get("unfinished") == "true"
        page = self._desk.list_queue(words, unfinished=unfinished, start=max(0, start), count=max(0, count))
        return JSONResponse(page)

    async def find(self, request: Request) -> Response:
        way = Way(request.query_params.get("way", ""))
        return JSONResponse({"record": self._desk.find(_name(request), way)})

    async def record(self, request: Request) -> Response:
        return JSONResponse(self._desk.describe(_name(request)))

    async def version(self, request: Request) -> Response:
        return JSONResponse(self._desk.describe_version(_name(request)))

    async def history(self, request: Request) -> Response:
        return JSONResponse(self._desk.list_history(_name(request)))

    async def change(self, request: Request) -> Response:
        change = _CHANGE.validate_python(await _read_body(request))
        return self._answer(request, lambda name: self._desk.change(name, change))

    async def undo(self, request: Request) -> Response:
        return self._answer(request, lambda name: self._desk.step(name, ActionKind.UNDO))

    async def redo(self, request: Request) -> Response:
        return self._answer(request, lambda name: self._desk.step(name, ActionKind.REDO))

    async def finish(self, request: Request) -> Response:
        return self._answer(request, self._desk.finish)

    def _answer(self, request: Request, act: Callable[[str], str | None]) -> Response:
        """The record after an action, and which item that was about."""
        name = _name(request)
        item = act(name)
        return JSONResponse(self._desk.describe(name) | {"acted": item})


def _name(request: Request) -> str:
    return request.query_params.get("id", "")


async def _read_body(request: Request) -> Json:
    if request.headers.get("content-type") != "application/json":
        raise HTTPException(415, "JSON is expected.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise HTTPException(413, "The request is too large.")
    read: Json = json.loads(body)
    return read


async def _tell(_: Request, error: Exception) -> Response:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return JSONResponse({"message": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}, 422)
    return JSONResponse({"message": str(error)}, 422)


async def _tell_overtaken(_: Request, error: Exception) -> Response:
    item = error.item if isinstance(error, Overtaken) else None
    theirs = None if item is None else {"id": item.id, **item.content(), "by": item.reviewer, "version": item.version}
    return JSONResponse({"message": str(error), "theirs": theirs}, 409)


async def _serve_page(_: Request) -> Response:
    return _serve("index.html")


async def _serve_asset(request: Request) -> Response:
    return _serve(request.path_params["name"])


def _serve(name: str) -> Response:
    """A file of the page; there are no others than those that lie there."""
    package = "extractor.pages" if name in _SHARED else __package__
    names = {file.name for file in (files(package) / "assets").iterdir()}
    ending = name[name.rfind(".") :]
    if name not in names or ending not in _TYPES:
        return PlainTextResponse("There is no such file.\n", 404)
    content = read_shared_script() if name == "values.js" else read_assets(package, name)
    return Response(content, media_type=_TYPES[ending])

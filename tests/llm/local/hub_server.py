"""A model hub on loopback, with the real hub's routes for files."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from extractor.llm.local.models import HubSource, LocalModel
from tests.loopback import QuietHandler, run_server

CHUNK_BYTES = 1 << 16
REPO, REVISION, FILE = "someone/tiny-GGUF", "0123456789abcdef0123456789abcdef01234567", "tiny.gguf"


@dataclass
class HubState:
    """The hub's content, its faults, and the requests to it."""

    content: bytes
    etag: str = ""
    cut_after: int | None = None  # the connection breaks after that many bytes of each reply
    ignores_range: bool = False
    store_url: str = ""  # the store of the bytes; the hub redirects to the same path there
    tokens: set[str | None] = field(default_factory=set)
    requests: list[tuple[str, str | None]] = field(default_factory=list)  # method, Range
    bytes_served: int = 0
    url: str = ""

    def count(self, method: str) -> int:
        return sum(asked == method for asked, _ in self.requests)


@contextmanager
def run_hub(content: bytes) -> Iterator[HubState]:
    state = HubState(content, etag=hashlib.sha256(content).hexdigest())

    class Handler(_HubHandler):
        hub = state

    with run_server(Handler) as state.url:
        yield state


def tiny_model(content: bytes, *sources: object) -> LocalModel:
    """A catalogue entry for ``content``, by default from the hub above."""
    return LocalModel(
        name="tiny",
        about="bytes for a test",
        licence="Apache-2.0",
        file=FILE,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        context=512,
        sources=sources or (HubSource(REPO, REVISION, FILE),),
    )


class _HubHandler(QuietHandler, BaseHTTPRequestHandler):
    hub: HubState

    def do_HEAD(self) -> None:
        self.hub.requests.append(("HEAD", None))
        if self._found() and not self._redirected():
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.hub.content)))
            self._send_tags()

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.hub.requests.append(("GET", asked))
        if not self._found() or self._redirected():
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and not self.hub.ignores_range else 0
        body = self.hub.content[start:]
        self.send_response(206 if start else 200)
        if start:
            end, size = len(self.hub.content) - 1, len(self.hub.content)
            self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        self.send_header("Content-Length", str(len(body)))
        self._send_tags()
        self._send_body(body)

    def _send_body(self, body: bytes) -> None:
        sent = body[: self.hub.cut_after]
        self.hub.bytes_served += len(sent)
        self.wfile.write(sent)
        self.close_connection = True

    def _redirected(self) -> bool:
        if self.hub.store_url:
            self.send_response(302)
            self.send_header("Location", self.hub.store_url + self.path)
            self.send_header("Content-Length", "0")
            self._send_tags()
        return bool(self.hub.store_url)

    def _found(self) -> bool:
        self.hub.tokens.add(self.headers.get("Authorization"))
        if self.path == f"/{REPO}/resolve/{REVISION}/{FILE}":
            return True
        self.send_response(404)
        self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def _send_tags(self) -> None:
        self.send_header("ETag", f'"{self.hub.etag}"')
        self.send_header("X-Linked-Etag", f'"{self.hub.etag}"')
        self.send_header("X-Linked-Size", str(len(self.hub.content)))
        self.send_header("X-Repo-Commit", REVISION)
        self.end_headers()

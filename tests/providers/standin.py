"""What the stand-ins for providers share: outcomes, and the server on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.loopback import QuietHandler, run_server

PROMPT = 7000
PREFIX = 6000
OUTPUT = 200
THOUGHT = 64
"""Tokens of each request, of its part that a cache takes, of an answer, and of the thinking in
it.
"""


@dataclass(frozen=True)
class Outcome:
    """What becomes of a request; each stand-in says it in its provider's form.

    ``kind`` is "answer"; "said", an answer as text where a tool was to be called; "cut" at the
    output limit; "refused", "filtered", "overloaded"; "charged", an error that states the tokens of a
    good answer; or "limited", which asks to come back after so many ``seconds``.
    """

    kind: str
    text: str = ""
    seconds: float = 0.0


def answer(*items: dict[str, Any]) -> Outcome:
    return Outcome("answer", json.dumps({"items": items}))


GOOD = answer({"n": 1, "ok": True})


@dataclass
class Reply:
    """An HTTP response, whose body is JSON or text."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class StandIn:
    """A provider on loopback.

    ``script`` holds the outcomes of the first requests, ``otherwise`` is that of the rest. ``refuses`` are parameters that the model does not take. ``requests`` are the
    bodies, ``headers`` the headers. ``billed`` counts the answers that cost something.

    Each provider has ``handle(path, body)``, the response to any request;
    ``render(outcome, request)``, that to a question; and ``find_fault(request)``, the error if it
    breaks the provider's rules.
    """

    script: list[Outcome] = field(default_factory=list)
    otherwise: Outcome = GOOD
    refuses: frozenset[str] = frozenset()
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    billed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, request: dict[str, Any]) -> Reply:
        """The response to a question."""
        if fault := self.find_fault(request):
            return fault
        outcome = self.script.pop(0) if self.script else self.otherwise
        if outcome.kind == "charged":
            good = self.render(GOOD, request).body
            usage = {name: good[name] for name in good if name.startswith("usage")}
            # beside the error, which is all that some SDKs pass on
            error = {"code": 500, "message": "internal error", "status": "INTERNAL"}
            return Reply({"error": error, **usage}, 500)
        reply = self.render(outcome, request)
        self.billed += reply.status == 200
        return reply

    @property
    def cached(self) -> int:
        """The prompt's tokens that the cache serves: it holds the prefix once a request was
        answered.
        """
        return PREFIX if self.billed else 0


@contextmanager
def serving(standin: StandIn) -> Iterator[StandIn]:
    """Run a stand-in until the block ends."""

    class Handler(QuietHandler, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with standin.lock:
                standin.headers.append(headers)
                reply = standin.handle(self.path.partition("?")[0], body)
            text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            content = text.encode()
            self.send_response(reply.status)
            sent = {"Content-Type": "application/json", **reply.headers}
            for name, value in (sent | {"Content-Length": str(len(content))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    with run_server(Handler) as url:
        standin.url = url
        yield standin

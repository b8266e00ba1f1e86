"""A provider on loopback: chat, files and batches, as much of them as a client sees, with
faults.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.stand_ins import answer_request

from .loopback import QuietHandler, run_server

_FILE = re.compile(
    rb'name="file"; filename="([^"]+)"\r\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--', re.DOTALL
)

Answer = Callable[[dict[str, Any]], tuple[int, dict[str, Any]] | None]
"""What a request of a batch gets: a status and a body, or None if the batch expires first."""


def answer_well(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """An answer to each request."""
    return 200, answer_request(body)


@dataclass
class Provider:
    """What the provider holds, and what it was asked. ``faults`` are statuses for the next requests
    of a route, such as ``POST /batches``, alone or with a body. After a request has been carried out,
    0 breaks the connection, and a negative number is the status with its sign. ``asked`` are the
    routes of all requests.

    A batch ends with the status ``ends`` at the first look after ``looks`` looks. ``spoils`` change the next downloads, which then come without a length. ``room`` is the number
    of requests that may wait at once; a batch beyond it fails. ``gone`` are files and batches that
    were deleted. ``page`` is the number of batches that a list shows at once, and ``later`` the
    number of batches that others make after each batch. The list of batches shows what
    ``lists`` makes of each one; None hides it. ``shows`` changes the reply about one batch.
    """

    url: str = ""
    answer: Answer = answer_well
    ends: str = "completed"
    looks: int = 1
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, list[Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    spoils: list[Callable[[bytes], bytes]] = field(default_factory=list)
    room: int | None = None
    page: int = 100
    gone: set[str] = field(default_factory=set)
    later: int = 0
    lists: Callable[[dict[str, Any]], dict[str, Any] | None] = dict
    shows: Callable[[dict[str, Any]], dict[str, Any]] = dict
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """All lines that ever were in a batch, in the order of batches."""
        return [
            json.loads(line)
            for b in self.batches.values()
            for line in self.files[b["input_file_id"]].splitlines()
        ]

    def add_file(self, content: bytes) -> dict[str, Any]:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        made = {"id": name, "object": "file", "bytes": len(content), "created_at": 1}
        return {**made, "filename": "f", "purpose": "batch"}

    def add_batch(self, wanted: dict[str, Any]) -> dict[str, Any]:
        name = f"batch-{len(self.batches)}"
        made = {"id": name, "object": "batch", "status": "validating", "created_at": 1}
        self.batches[name] = {**made, **wanted, "looked": 0}
        for number in range(self.later):
            other = {**made, "id": f"{name}{number}", "input_file_id": "file-0"}
            self.batches[other["id"]] = {**other, "looked": 0}
        return self.batches[name]

    def look(self, name: str) -> dict[str, Any]:
        """The batch; it has ended once it was looked at so often."""
        batch = self.batches[name]
        batch["looked"] += 1
        has_ended = "output_file_id" in batch
        room = self.room
        if room is not None and not has_ended and self._count_waiting(batch) > room:
            _fail(batch, "token_limit_exceeded", _ENQUEUED)
        if batch["status"] == "failed":
            return batch
        if batch["looked"] <= self.looks:
            batch["status"] = "in_progress"
        elif not has_ended:
            self._end(batch)
        return batch

    def _end(self, batch: dict[str, Any]) -> None:
        """Answer the requests of a batch, and store its files of outputs and of errors."""
        outputs = []
        errors = []
        # a batch that fails as a whole answers nothing
        lines = self.files[batch["input_file_id"]].splitlines()
        for line in lines if self.ends != "failed" else ():
            request = json.loads(line)
            row: dict[str, Any] = {"id": "r", "custom_id": request["custom_id"]}
            answer = self.answer(request["body"])
            if answer is None:
                late = {
                    "code": "batch_expired",
                    "message": "it was not reached in time",
                }
                errors.append(json.dumps(row | {"response": None, "error": late}))
                continue
            status, body = answer
            response = {"status_code": status, "request_id": "q", "body": body}
            rows = outputs if status == 200 else errors
            rows.append(json.dumps(row | {"response": response, "error": None}))
        counts = {"completed": len(outputs), "failed": len(errors)}
        batch["request_counts"] = {"total": sum(counts.values()), **counts}
        batch["status"] = self.ends
        for name, rows in (("output", outputs), ("error", errors)):
            content = "\n".join(rows).encode()
            batch[f"{name}_file_id"] = self.add_file(content)["id"] if rows else None
        if self.ends == "failed":
            _fail(batch, "invalid_json_line", "line 1 is no JSON")

    def _count_waiting(self, last: dict[str, Any]) -> int:
        """The requests of the batches that wait, up to this one."""
        count = 0
        for batch in self.batches.values():
            if "output_file_id" not in batch and batch["status"] != "failed":
                count += len(self.files[batch["input_file_id"]].splitlines())
            if batch is last:
                break
        return count


_ENQUEUED = (
    "Enqueued token limit reached for m in organization org-1. Please try again later."
)


def _fail(batch: dict[str, Any], code: str, message: str) -> None:
    batch["status"] = "failed"
    batch["errors"] = {"object": "list", "data": [{"code": code, "message": message}]}


class _Handler(QuietHandler, BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        self.serve("GET", b"")

    def do_POST(self) -> None:
        self.serve("POST", self.rfile.read(int(self.headers["Content-Length"])))

    def serve(self, method: str, body: bytes) -> None:
        path = self.path.partition("?")[0].removeprefix("/v1")
        route = f"{method} {re.sub(r'/(file|batch)-[0-9]+', '', path)}"
        provider = self.provider
        with provider.lock:
            provider.asked.append(route)
            faults = provider.faults.get(route)
            fault = faults.pop(0) if faults else None
            if fault is None and provider.gone.intersection(path.split("/")):
                fault = 404, {"error": {"message": f"No such object: {path}"}}
            is_late = isinstance(fault, int) and fault <= 0
            if fault and not is_late:
                default = {"error": {"message": "a fault"}}
                status, reply = fault if isinstance(fault, tuple) else (fault, default)
                self.write(status, json.dumps(reply).encode())
                return
            is_download = path.endswith("/content")
            if is_download:
                content = provider.files[path.split("/")[2]]
            else:
                content = json.dumps(self.result(method, path, body)).encode()
            if is_late:
                self.close_connection = True
                if fault:
                    self.write(-fault, b"{}")
                return
            spoil = provider.spoils.pop(0) if is_download and provider.spoils else None
        # a spoiled body has no length, and ends with the connection
        self.close_connection = self.close_connection or spoil is not None
        self.write(200, spoil(content) if spoil else content)

    def result(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        if method == "POST" and path == "/files":
            found = _FILE.search(body)
            assert found, body[:500]
            return self.provider.add_file(found[2])
        if method == "POST" and path == "/batches":
            return self.provider.add_batch(json.loads(body))
        if path == "/chat/completions":
            answered = self.provider.answer(json.loads(body))
            assert answered, "a live request does not expire"
            return answered[1]
        if path == "/batches":
            batches = reversed(self.provider.batches.values())
            rows = [*filter(None, map(self.provider.lists, batches))]
            after = parse_qs(urlsplit(self.path).query).get("after")
            start = 0
            if after:
                start = [row["id"] for row in rows].index(after[0]) + 1
            shown = rows[start : start + self.provider.page]
            ends = {"has_more": len(rows) > start + len(shown), "last_id": None}
            return {"object": "list", "data": shown, **ends}
        return self.provider.shows(self.provider.look(path.split("/")[2]))

    def write(self, status: int, content: bytes) -> None:
        """Write a body. If the connection closes, the body has no length and ends there."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if not self.close_connection:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serve_provider(**settings: Any) -> Iterator[Provider]:
    """The provider, until the block ends."""
    provider = Provider(**settings)
    with run_server(type("Handler", (_Handler,), {"provider": provider})) as url:
        provider.url = f"{url}/v1"
        yield provider

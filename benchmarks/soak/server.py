"""A chat server on loopback that answers every question at once or after a while, always the same, and keeps count.

Its answers keep the schema and say little; some are broken the first time, some always, some are refused. Which, is
decided by the request alone.
"""

import hashlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["CountingServer", "answer_request", "serve_counting"]

_LINE = re.compile(r"^\[(\d+)\|([^|\]]*)[^\]]*\]", re.MULTILINE)


@dataclass
class CountingServer:
    """Where the server is, and how often each request came, by a digest of its body."""

    url: str
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def calls(self) -> int:
        """All requests."""
        return self.asked.total()

    @property
    def repeated(self) -> int:
        """Requests that had come before."""
        return self.calls - len(self.asked)


def answer_request(request: dict[str, Any]) -> dict[str, Any]:
    """A chat completion that depends on the request alone.

    >>> request = {"model": "m", "messages": [{"role": "user", "content": "[3|cat] Adults"}]}
    >>> answer_request(request)["choices"][0]["message"]["content"]
    '{"items": [{"n": 3}]}'
    """
    messages = request["messages"]
    lot = int(hashlib.sha256(messages[1 if len(messages) > 1 else 0]["content"].encode()).hexdigest(), 16) % 20
    message: dict[str, Any] = {"role": "assistant", "content": _answer(request)}
    if lot == 0:
        message = {"role": "assistant", "content": None, "refusal": "I would rather not."}
    elif lot == 1 or (lot < 6 and len(messages) == 2):
        message["content"] = '{"items": [{"n": 987654}]}'
    tokens = sum(len(str(part.get("content"))) for part in messages) // 4
    return {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 0,
        "model": request.get("model"),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": tokens, "completion_tokens": 7, "total_tokens": tokens + 7},
    }


def _answer(request: dict[str, Any]) -> str:
    """An item for each line that wants one, with the first word of each closed set, and true where that can be said."""
    lines = next(message["content"] for message in request["messages"] if message["role"] == "user")
    known = _known_values(request)
    items = []
    for number, keys in _LINE.findall(lines):
        asked = keys.split()
        if "regimens" not in asked and "agent" not in asked:
            items.append({"n": int(number)} | {key: known[key] for key in asked if key in known})
    return json.dumps({"items": items})


def _known_values(request: dict[str, Any]) -> dict[str, Any]:
    schema = request.get("response_format", {}).get("json_schema", {}).get("schema", {})
    properties = schema.get("properties", {}).get("items", {}).get("items", {}).get("properties", {})
    words = {key: value["enum"][0] for key, value in properties.items() if "enum" in value}
    return words | {key: True for key, value in properties.items() if value.get("type") == "boolean"}


@contextmanager
def serve_counting(latency: float = 0.0) -> Iterator[CountingServer]:
    """The server, until the block ends. It answers ``latency`` seconds after a request has come."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet for headers and body, or the client waits for the second one

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                server.asked[hashlib.sha256(body).hexdigest()] += 1
            time.sleep(latency)
            reply = json.dumps(answer_request(json.loads(body))).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that was killed takes no answer."""

    listening = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    server = CountingServer(f"http://127.0.0.1:{listening.server_address[1]}/v1")
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()

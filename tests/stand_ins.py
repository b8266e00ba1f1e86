"""Stand-ins for tests and benchmarks: a chat server on loopback, and synthetic records.

``serve_counting`` counts requests, and its answers depend only on the request: they follow the
schema with little content; some are broken the first time, some always, some are refusals.
"""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.asked import describe_heading, list_asked
from tests.loopback import QuietHandler, run_server

_RECORD = Path(__file__).parent / "records" / "study.json"
_PLACES = ("home", "work", "the beach", "the clinic", "the gym", "sea", "altitude")
_TOKENS = 7
"""The tokens of each answer."""


@dataclass
class CountingServer:
    """The server's address, the count of each request, by a digest of its body, and the tokens of
    all answers.

    An answer counts as soon as its request has come, whether or not anybody still waits for it.
    """

    url: str
    asked: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)

    @property
    def calls(self) -> int:
        """All requests."""
        return self.asked.total()

    @property
    def repeated(self) -> int:
        """The number of repeated requests."""
        return self.calls - len(self.asked)


def answer_request(request: dict[str, Any]) -> dict[str, Any]:
    """Return a chat completion that depends only on the request.

    >>> request = {
    ...     "model": "m",
    ...     "messages": [{"role": "user", "content": "[3|outcome] Pain"}],
    ... }
    >>> answer_request(request)["choices"][0]["message"]["content"]
    '{"items": [{"n": 3}]}'
    """
    messages = request["messages"]
    # the question follows the guideline, if there is one
    question = messages[1 if len(messages) > 1 else 0]["content"]
    # of 20 questions, one is refused, one is always answered badly, and four are at first, that is,
    # unless the request also has the bad answer
    lot = int(hashlib.sha256(question.encode()).hexdigest(), 16) % 20
    message: dict[str, Any] = {"role": "assistant", "content": list_items(request)}
    if lot == 0:
        message |= {"content": None, "refusal": "I would rather not."}
    elif lot == 1 or (lot < 6 and len(messages) == 2):
        message["content"] = '{"items": [{"n": 987654}]}'
    tokens = sum(len(str(part.get("content"))) for part in messages) // 4
    return {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 0,
        "model": request.get("model"),
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": tokens,
            "completion_tokens": _TOKENS,
            "total_tokens": tokens + _TOKENS,
        },
    }


def list_items(request: dict[str, Any]) -> str:
    """Return an item for each line that needs one, with the first word of each closed set, and
    true for booleans.
    """
    users = [one["content"] for one in request["messages"] if one["role"] == "user"]
    known = _list_values(request)
    items = []
    for line in list_asked(users[0]):
        if line.needs_item:
            values = {key: known[key] for key in known if key in line.keys}
            if line.is_heading:
                values |= describe_heading(line.text)
            items.append({"n": line.number} | values)
    return json.dumps({"items": items})


def _list_values(request: dict[str, Any]) -> dict[str, Any]:
    part = request.get("response_format", {}).get("json_schema", {}).get("schema", {})
    for key in ("properties", "items", "items", "properties"):
        part = part.get(key, {})
    values: dict[str, Any] = {}
    for key, value in part.items():
        if "enum" in value:
            values[key] = value["enum"][0]
        if value.get("type") == "boolean":
            values[key] = True
    return values


@contextmanager
def serve_counting(latency: float = 0.0) -> Iterator[CountingServer]:
    """Run the server during the block. It answers ``latency`` seconds after each request."""
    lock = threading.Lock()

    class Handler(QuietHandler, BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            if len(body := self.rfile.read(length)) < length:
                self.close_connection = True  # the client was killed while it sent
                return
            answer = answer_request(json.loads(body))
            with lock:
                server.asked[hashlib.sha256(body).hexdigest()] += 1
                server.tokens.update(answer["usage"])
            time.sleep(latency)
            reply = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

    with run_server(Handler) as url:
        server = CountingServer(f"{url}/v1")
        yield server


def write_distinct_records(path: Path, count: int) -> None:
    """Write ``count`` records that differ in id and title."""
    record = json.loads(_RECORD.read_text("utf-8"))
    known = record["protocolSection"]["identificationModule"]
    title = known["briefTitle"]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            known |= {
                "nctId": f"NCT{number:08d}",
                "briefTitle": f"{title}, part {number}",
            }
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def write_open_records(path: Path, count: int) -> None:
    """Write ``count`` small records, each with one outcome of a kind that the rules do not know."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            measure = f"Number of nights at {_PLACES[number % len(_PLACES)]} in period {number}"
            study = {
                "identificationModule": {
                    "nctId": f"NCT{number:08d}",
                    "briefTitle": f"Study {number} of a new device",
                },
                "descriptionModule": {
                    "briefSummary": f"Participants of site {number} wear the device."
                },
                "outcomesModule": {
                    "primaryOutcomes": [{"measure": measure, "timeFrame": "12 weeks"}]
                },
            }
            file.write(json.dumps({"protocolSection": study}) + "\n")

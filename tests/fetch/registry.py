"""A registry on loopback that speaks the paging, the errors and the limits of the
ClinicalTrials.gov API, version 2.

A plan maps the number of a request, from 0, to a ``Fault``.
"""

import gzip
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from tests.loopback import QuietHandler, run_server

_KNOWN = re.compile(r"(query|filter)\.\w+|pageSize|pageToken|countTotal")


def make_study(number, condition="Asthma", **identity):
    """A study with this NCT number and condition."""
    title = f"Wheeze study {number} – ≥ 18 years"
    named = {"nctId": f"NCT{number:08}", "briefTitle": title, **identity}
    modules = {"identificationModule": named}
    modules["conditionsModule"] = {"conditions": [condition]}
    return {"protocolSection": modules}


@dataclass(frozen=True)
class Fault:
    """The reply to a request in place of the right one; only the share ``sent`` of it arrives."""

    status: int = 200
    body: bytes | None = None
    headers: dict = field(default_factory=dict)
    sent: float = 1.0


@dataclass
class LocalRegistry:
    """What the server knows and what it was asked."""

    studies: list
    plan: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    url: str = ""
    counted: int | None = None
    most_per_page: int = 1000

    def answer(self, path):
        """The status and the body for a request."""
        asked = dict(parse_qsl(urlsplit(path).query))
        self.asked.append(asked)
        for name in asked:
            if not _KNOWN.fullmatch(name):
                return 400, f"`{name}` is unknown parameter".encode()
        matching = [study for study in self.studies if _matches(study, asked)]
        start = int(asked.get("pageToken", 0))
        end = start + min(int(asked.get("pageSize", 10)), self.most_per_page)
        page = {"studies": matching[start:end]}
        if "countTotal" in asked and start == 0:
            page["totalCount"] = self.counted or len(matching)
        if end < len(matching):
            page["nextPageToken"] = str(end)
        return 200, json.dumps(page).encode()


def _matches(study, asked):
    section = study["protocolSection"]
    if "filter.ids" in asked:
        named = section["identificationModule"]
        ids = {named["nctId"], *named.get("nctIdAliases", ())}
        return not ids.isdisjoint(asked["filter.ids"].split(","))
    condition = section["conditionsModule"]["conditions"][0]
    return asked.get("query.cond", "").lower() in condition.lower()


@contextmanager
def serve_registry(*studies, **options):
    """A registry with these studies, until the block ends. Replies are packed."""
    registry = LocalRegistry(list(studies), **options)

    class Handler(QuietHandler, BaseHTTPRequestHandler):
        def do_GET(self):
            fault = registry.plan.get(len(registry.asked), Fault())
            status, body = registry.answer(self.path)
            headers = {"Content-Encoding": "gzip"}
            if fault == Fault():
                body = gzip.compress(body)
            else:
                status = fault.status
                body = body if fault.body is None else fault.body
                # What is cut off must not leave a connection.
                headers = {"Connection": "close", **fault.headers}
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: int(len(body) * fault.sent)])

    with run_server(Handler) as address:
        registry.url = f"{address}/api/v2"
        yield registry

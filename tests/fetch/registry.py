"""A registry on loopback that speaks the paging, the errors and the limits of the
ClinicalTrials.gov API, version 2.

A plan maps the number of a request, from 0, to a ``Fault``. Page tokens are valid for the data they
were given out for: a new ``version`` makes them invalid, as the registry's daily update does.
"""

import gzip
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from tests.loopback import QuietHandler, run_server

_KNOWN = re.compile(r"(query|filter)\.\w+|pageSize|pageToken|countTotal|fields|sort")


def make_study(number, condition="Asthma", **identity):
    """A study with this NCT number and condition."""
    title = f"Wheeze study {number} – ≥ 18 years"
    named = {"nctId": f"NCT{number:08}", "briefTitle": title, **identity}
    outcomes = [{"measure": "Overall survival", "timeFrame": "2 years"}]
    return {
        "protocolSection": {
            "identificationModule": named,
            "conditionsModule": {"conditions": [condition]},
            "outcomesModule": {"primaryOutcomes": outcomes},
        }
    }


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
    version: int = 1
    counted: int | None = None
    most_per_page: int = 1000

    def answer(self, path):
        """The status and the body for a request."""
        parts = urlsplit(path)
        asked = dict(parse_qsl(parts.query))
        self.asked.append(asked)
        if parts.path != "/api/v2/studies":
            return 404, b"Not found"
        for name in asked:
            if not _KNOWN.fullmatch(name):
                return 400, f"`{name}` is unknown parameter".encode()
        version, _, start = asked.get("pageToken", f"v{self.version}-0").partition("-")
        if version != f"v{self.version}":
            return 400, b"Parameter `pageToken` has incorrect format"
        matching = [study for study in self.studies if _matches(study, asked)]
        end = int(start) + min(int(asked.get("pageSize", 10)), self.most_per_page)
        page = {"studies": matching[int(start) : end]}
        if "countTotal" in asked and start == "0":
            page["totalCount"] = self.counted or len(matching)
        if end < len(matching):
            page["nextPageToken"] = f"{version}-{end}"
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
            fault = registry.plan.get(len(registry.asked))
            status, body = registry.answer(self.path)
            headers = {"Content-Encoding": "gzip"}
            if fault:
                status = fault.status
                body = body if fault.body is None else fault.body
                # What is cut off must not leave a connection.
                headers = {"Connection": "close", **fault.headers}
            else:
                body = gzip.compress(body)
            self.send_response(status)
            headers = {"Content-Length": str(len(body)), **headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: int(len(body) * fault.sent)] if fault else body)

    with run_server(Handler) as address:
        registry.url = f"{address}/api/v2"
        yield registry

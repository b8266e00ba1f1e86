"""A registry on loopback that speaks the paging, the errors and the limits of the
ClinicalTrials.gov API, version 2.

A plan maps the number of a request, from 0, to a ``Fault``. Page tokens are valid for the data they
were given out for: ``update`` makes them invalid, as the registry's daily update does.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

from tests.loopback import QuietHandler, run_server

_KNOWN = re.compile(r"(query|filter)\.\w+|pageSize|pageToken|countTotal|fields|sort")


def make_study(number: int, condition: str = "Asthma", **identity: object) -> dict:
    """A study with this NCT number and condition."""
    nct_id = f"NCT{number:08}"
    return {
        "protocolSection": {
            "identificationModule": {
                "nctId": nct_id,
                "briefTitle": f"Wheeze study {number} – ≥ 18 years",
                **identity,
            },
            "conditionsModule": {"conditions": [condition]},
            "outcomesModule": {
                "primaryOutcomes": [
                    {"measure": "Overall survival", "timeFrame": "2 years"}
                ]
            },
        }
    }


@dataclass(frozen=True)
class Fault:
    """The reply to one request, in place of the right one. ``sent`` is the share of the body
    that arrives.
    """

    status: int = 200
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: float = 1.0


@dataclass
class LocalRegistry:
    """What the server knows and what it was asked."""

    studies: list[dict]
    plan: dict[int, Fault] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""
    version: int = 1
    counted: int | None = None

    def update(self) -> None:
        """The daily update: page tokens of before are no longer accepted."""
        self.version += 1

    def answer(self, path: str) -> tuple[int, bytes]:
        """The status and the body for a request."""
        parts = urlsplit(path)
        parameters = dict(parse_qsl(parts.query))
        self.asked.append(parameters)
        if parts.path != "/api/v2/studies":
            return 404, b"Not found"
        for name in parameters:
            if not _KNOWN.fullmatch(name):
                return 400, f"`{name}` is unknown parameter".encode()
        return self._search(parameters)

    def _search(self, parameters: dict[str, str]) -> tuple[int, bytes]:
        matching = [study for study in self.studies if _matches(study, parameters)]
        size = min(int(parameters.get("pageSize", 10)), 1000)
        start = 0
        token = parameters.get("pageToken")
        if token:
            version, _, position = token.partition("-")
            if version != f"v{self.version}":
                return 400, b"Parameter `pageToken` has incorrect format"
            start = int(position)
        end = start + size
        page: dict = {"studies": matching[start:end]}
        if parameters.get("countTotal") == "true" and not token:
            total = len(matching) if self.counted is None else self.counted
            page["totalCount"] = total
        if end < len(matching):
            page["nextPageToken"] = f"v{self.version}-{end}"
        return 200, json.dumps(page).encode()


def _matches(study: dict, parameters: dict[str, str]) -> bool:
    section = study["protocolSection"]
    wanted_ids = parameters.get("filter.ids")
    if wanted_ids:
        identity = section["identificationModule"]
        ids = {identity["nctId"], *identity.get("nctIdAliases", ())}
        return not ids.isdisjoint(wanted_ids.split(","))
    condition = section["conditionsModule"]["conditions"][0]
    return parameters.get("query.cond", "").lower() in condition.lower()


@contextmanager
def serve_registry(*studies: dict, **options: object) -> Iterator[LocalRegistry]:
    """A registry with these studies, until the block ends. Replies are packed if the client
    accepts it.
    """
    registry = LocalRegistry(list(studies), **options)

    class Handler(QuietHandler, BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = len(registry.asked)
            status, body = registry.answer(self.path)
            fault = registry.plan.get(number)
            if fault:
                status = fault.status
                body = body if fault.body is None else fault.body
            headers = {
                "Content-Type": "application/json" if status == 200 else "text/plain"
            }
            if fault:
                # what is cut off must not leave a connection
                headers |= {"Connection": "close", **fault.headers}
            elif "gzip" in self.headers.get("Accept-Encoding", ""):
                headers["Content-Encoding"] = "gzip"
                body = gzip.compress(body)
            headers = {"Content-Length": str(len(body)), **headers}
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            sent = int(len(body) * fault.sent) if fault else len(body)
            self.wfile.write(body[:sent])

    with run_server(Handler) as address:
        registry.url = f"{address}/api/v2"
        yield registry

"""A request with one record returns its extraction; any other returns a problem with a remedy."""

import asyncio
import gzip
import io
import json
import socket
import zipfile
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from starlette.requests import ClientDisconnect

from extractor import Extractor, errors, read_records
from extractor.apps.serve.jobs import Jobs
from extractor.apps.serve.routes import while_connected
from tests.tables import read_cases

from .running import TOKEN, check_problem, many, one, wait_until

CASES = read_cases(__file__)
FLAT = b"A Study of Fictucel\nAn invented summary.\nPseudolymphoma\nDRUG: Fictucel\nSurvival\n"


def pack(*bodies):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, body in enumerate(bodies):
            archive.writestr(f"{number}.json", body)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "options"),
    [("flat.txt", {}), ("study.xml", {"min_confidence": 0.9, "tasks": "dosing"})],
)
def test_the_answer_is_that_of_the_library(served, name, options):
    path = Path("tests/records", name)
    body = path.read_bytes()
    query = {"effort": "none", "name": name, **options}
    answer = served.client.extract(body, "text/plain", **query)
    assert answer.status_code == 200, answer.text
    extractor = Extractor(effort="none", **options)
    expected = extractor.extract(next(read_records(path))).model_dump(mode="json")
    expected["source"]["path"] = name
    assert answer.json() == expected


TABLE = b'trial,name,who\nX-1,Fictumab,"Adults, aged 18"\n'
NOTE = json.dumps({"text": "Age 18 years or older", "section": "eligibility"}).encode()


@pytest.mark.parametrize(
    ("body", "query", "record_id"),
    [
        (FLAT, {}, "text-"),
        (FLAT, {"name": "mine.txt"}, "mine"),
        (one(7), {"name": "mine.txt"}, "NCT00000007"),
        (pack(one(7)), {}, "NCT00000007"),
        (NOTE, {}, "text-"),
        (NOTE.replace(b"}", b', "record_id": "note"}'), {}, "note"),
        (TABLE, {"columns": "id=trial,eligibility=who"}, "X-1"),
    ],
)
def test_the_format_is_read_from_the_content_and_the_id_from_record_or_name(
    served, body, query, record_id
):
    kind = "application/octet-stream"
    answer = served.client.extract(body, kind, effort="none", **query)
    assert answer.json()["record_id"].startswith(record_id)


@pytest.mark.parametrize("effort", [None, "none", "full"])
def test_the_effort_decides_how_much_the_model_is_asked(served, effort):
    body = one(words="Adults aged 18 to 65 years.")
    query = {} if effort is None else {"effort": effort}
    usage = served.client.extract(body, **query).json()["usage"]
    assert bool(usage["calls"]) == (effort != "none")
    assert usage["prompt_tokens"] == 100 * usage["calls"]


HALF_RECORD = (
    r'{"record_id": "\ud800", "source": {"path": "a", "format": "made"},'
    r' "sections": [{"name": "eligibility", "text": "Adults"}]}'
)
BAD_BODIES = {
    "empty": b"",
    "half a pair in a key": b'{"text": "Adults", "\\ud800": "A"}',
    "half a pair in an id": b'{"text": "Adults", "record_id": "\\ud800"}',
    "half a pair in a text": b'{"text": "Adults \\ud800"}',
    "half a pair in a title": b'{"text": "Adults", "title": "\\ud800"}',
    "half a pair in a study": one().replace(b"invented", b"\\ud800"),
    "half a pair in a record": HALF_RECORD.encode(),
    "a file of this machine": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
    b"<clinical_study><brief_title>&b;</brief_title></clinical_study>",
    "a bomb": gzip.compress(b"x" * 150_000_000, 9),
    "too long a text": gzip.compress(one(1, "word " * 250_000)),
    "two records": many(2),
    "own names of columns": TABLE,
}
"""How a body of each kind is answered; `tests/read` has the formats' own attacks."""


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
@pytest.mark.parametrize("path", ["/v1/extractions", "/playground"])
def test_a_body_that_is_no_record_is_a_problem(served, path, body):
    answer = served.client.post(path, content=body, params={"effort": "none"})
    problem = check_problem(answer, 422, "unreadable")
    assert problem["remedy"]
    assert "/tmp" not in json.dumps(problem)  # no path of the service's machine
    assert "passwd" not in json.dumps(problem)


@pytest.mark.parametrize(("name", "value"), CASES["a_wrong_parameter"])
@pytest.mark.parametrize("path", ["/v1/extractions", "/v1/jobs"])
def test_a_wrong_or_unknown_parameter_is_named(served, path, name, value):
    answer = served.client.post(path, content=FLAT, params={name: value})
    problem = check_problem(answer, 422, "wrong-parameter")
    assert problem["detail"].startswith(f"{name}: ")


@pytest.mark.parametrize(("request_", "status", "problem"), CASES["an_error"])
def test_every_error_protects_browsers(served, request_, status, problem):
    headers = {"content-type": "multipart/form-data"}
    answer = served.client.request(*request_.split(), headers=headers)
    check_problem(answer, status, problem)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "access-control-allow-origin" not in answer.headers


CHUNK = b"%x\r\n" % 80_000 + b" " * 80_000 + b"\r\n"


@pytest.mark.parametrize("path", ["/v1/extractions", "/v1/jobs"])
@pytest.mark.parametrize(
    ("header", "body"),
    [("Content-Length: 1000000000000", b""), ("Transfer-Encoding: chunked", CHUNK)],
)
def test_too_large_a_body_is_refused_before_it_is_read(served, path, header, body):
    address = ("127.0.0.1", urlsplit(served.url).port)
    key = f"Authorization: Bearer {TOKEN}"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{key}\r\n{header}"
    with socket.create_connection(address, timeout=120) as line:
        line.sendall(head.encode() + b"\r\n\r\n")
        line.sendall(body * (5 if path == "/v1/extractions" else 40))
        answer = line.recv(100)
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.slow
@pytest.mark.parametrize("error", ["Unforeseen", "kill"])
def test_a_failing_record_is_its_own_problem_without_its_text(failing, error):
    body = one(50, f"It fails by {error}.")
    problem = check_problem(
        failing.client.extract(body, effort="none"), 500, "internal"
    )
    place = f"an unexpected {error} at failing/__init__.py:"
    assert ("died" if error == "kill" else place) in problem["detail"]
    assert failing.client.extract(one(), effort="none").status_code == 200
    failed = str(failing.list_events("request_failed"))
    assert error == "kill" or place in failed


@pytest.mark.parametrize(
    ("error", "status", "kind", "retry_s"), CASES["an_error_inside"]
)
def test_an_error_inside_is_a_problem(
    served, monkeypatch, error, status, kind, retry_s
):
    def fail(*_):
        kind_of_error = getattr(errors, error, KeyError)
        raise kind_of_error.__new__(kind_of_error, "a word of the record")

    monkeypatch.setattr(Jobs, "list_jobs", fail)
    answer = served.client.get("/v1/jobs")
    problem = check_problem(answer, status, kind)
    assert answer.headers.get("retry-after") == retry_s
    if kind == "internal":
        assert problem["detail"].startswith("an unexpected KeyError at ")
        wait_until(lambda: problem["detail"] in served.log.read_text("utf-8"))


def test_requests_are_logged_without_their_content(served):
    request_id = served.client.extract(one(), effort="full").headers["x-request-id"]
    # an answer is logged after it is sent
    while request_id not in served.log.read_text("utf-8"):
        served.client.get("/healthz")
    events = served.list_events("request_ended")
    (event,) = [event for event in events if event["request"] == request_id]
    calls = event.pop("calls")
    assert calls > 0
    assert event.pop("seconds") >= 0
    del event["time"]
    tokens = {"prompt_tokens": 100, "cached_tokens": 80, "output_tokens": 50}
    assert event == {
        "event": "request_ended",
        "request": request_id,
        "caller": "operator",
        "method": "POST",
        "route": "/v1/extractions",
        "status": 200,
        "usd": pytest.approx(110e-6 * calls),
        **{name: count * calls for name, count in tokens.items()},
    }
    assert "/healthz" not in {event["route"] for event in events}
    with served.client_of(None) as nobody:
        for probe in ("/healthz", "/readyz"):
            assert nobody.get(probe).json() == {"status": "ok"}


async def test_work_ends_whose_caller_goes_away():
    begun = asyncio.Event()
    ended = asyncio.Event()

    async def work():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(ClientDisconnect):
        await while_connected(SimpleNamespace(receive=begun.wait), work())
    await ended.wait()

"""A request with one record returns its extraction; any other returns a problem with a remedy."""

import gzip
import io
import json
import zipfile
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from extractor import Extractor, read_records

from .running import NOBODYS, TOKEN, WORD, check_problem, many, one, post, study

SINGLE = [
    Path("tests/records/flat.txt"),
    Path("tests/records/study.json"),
    Path("tests/records/study.xml"),
]
FLAT = (
    b"A Study of Fictucel\nAn invented summary.\nPseudolymphoma\nDRUG: Fictucel\nSurvival, at "
    b"2 years\n"
)


def packed_in_zip(*bodies):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, body in enumerate(bodies):
            archive.writestr(f"{number}.json", body)
    return packed.getvalue()


@pytest.mark.parametrize("options", [{}, {"min_confidence": 0.9}], ids=str)
@pytest.mark.parametrize("path", SINGLE, ids=lambda path: path.suffix)
def test_the_answer_is_that_of_the_library(served, path, options):
    answer = post(
        served.client,
        path.read_bytes(),
        "text/plain",
        effort="none",
        name=path.name,
        **options,
    )
    assert answer.status_code == 200, answer.text
    expected = (
        Extractor(effort="none", **options)
        .extract(next(read_records(path)))
        .model_dump(mode="json")
    )
    assert answer.json() == expected | {
        "source": expected["source"] | {"path": path.name}
    }


def test_a_text_in_json_is_extracted(served):
    given = {
        "text": "Inclusion criteria:\n- HbA1c of at least 7.5 %",
        "title": f"A trial in {WORD}",
        "record_id": "note",
    }
    answer = post(served.client, json.dumps(given).encode(), effort="none").json()
    assert answer["record_id"] == "note"
    [criterion] = answer["eligibility"]["criteria"]
    assert criterion["constraints"][0]["value"] == 7.5


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ({"text": "Adults", "titel": "A"}, "a key 'titel'"),
        ({"text": 3}, "whose text is no text"),
        ({"text": ""}, "holds no free text"),
    ],
)
def test_a_text_in_json_that_cannot_be_read_is_named(served, given, detail):
    answer = post(served.client, json.dumps(given).encode(), effort="none")
    assert detail in check_problem(answer, 422, "unreadable")["detail"]


def test_packed_bodies_are_unpacked(served):
    for body in (gzip.compress(one(7)), packed_in_zip(one(7))):
        assert (
            post(served.client, body, effort="none").json()["record_id"]
            == "NCT00000007"
        )
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = served.client.post(
        "/v1/extractions?effort=none", content=gzip.compress(one()), headers=headers
    )
    assert answer.json()["record_id"] == "NCT00000001"


@pytest.mark.parametrize(
    ("body", "query", "record_id"),
    [
        (FLAT, {}, "text-9e695a98"),
        (FLAT, {"name": "mine.txt"}, "mine"),
        (FLAT, {"name": "EudraCT-2021_1"}, "EudraCT-2021_1"),
        (one(7), {"name": "mine.txt"}, "NCT00000007"),
    ],
)
def test_the_id_comes_from_the_record_the_name_or_the_text(
    served, body, query, record_id
):
    headers = {"content-type": "application/octet-stream"}
    answer = served.client.post(
        "/v1/extractions",
        content=body,
        params={"effort": "none", **query},
        headers=headers,
    )
    assert answer.json()["record_id"] == record_id


def test_the_model_is_asked_unless_the_effort_is_none(served):
    assert post(served.client, one(), effort="none").json()["usage"]["calls"] == 0
    asked = post(served.client, one(), effort="all").json()
    assert asked["usage"]["calls"] > 0
    assert asked["usage"]["prompt_tokens"] == 100 * asked["usage"]["calls"]
    assert asked["usage"]["cached_tokens"] == 80 * asked["usage"]["calls"]


def test_an_effort_of_the_request_or_else_of_the_service_decides_how_much_is_asked(
    served,
):
    body = one(words="Adults aged 18 to 65 years.")
    own, medium, nothing = (
        post(served.client, body, **asked).json()["usage"]["questions"]
        for asked in ({}, {"effort": "medium"}, {"effort": "none"})
    )
    assert own == medium > nothing == 0


HOSTILE = {
    "empty": b"",
    "broken JSON": b'{"protocolSection": {',
    "a list in lists": b"[" * 100_000,
    "a file of this machine": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><clinical_study><brief_title>&b;'
    b"</brief_title></clinical_study>",
    "a bomb": gzip.compress(b"x" * 150_000_000, 9),
    "a zip in a zip": packed_in_zip(packed_in_zip(one())),
    "too long a text": gzip.compress(json.dumps(study(1, "word " * 250_000)).encode()),
    "two records": many(2),
}
"""How a body of each kind is answered; `tests/read` and `tests/hostile` have the formats' own
attacks.
"""


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_a_problem(served, body):
    problem = check_problem(post(served.client, body, effort="none"), 422, "unreadable")
    assert problem["remedy"]
    assert "/tmp" not in json.dumps(problem)  # no path of the service's machine
    assert "passwd" not in json.dumps(problem)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "image/png"},
        {"content-type": "application/json", "content-encoding": "br"},
    ],
    ids=str,
)
def test_forms_and_unknown_encodings_are_refused(served, headers):
    answer = served.client.post("/v1/extractions", content=one(), headers=headers)
    problem = check_problem(answer, 415, "wrong-type")
    if "content-encoding" not in headers:
        assert "--data-binary" in problem["remedy"]
        assert "application/json" in answer.headers["accept-post"]


WRONG = {
    "effort": ["huge", "0.5", ""],
    "min_confidence": ["1.1", "nan", "surely"],
    "task": ["dosing"],
    "tasks": ["dosing,colour", ""],
    "name": ["../../etc/passwd", ".hidden", "a" * 101, "a\n"],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in WRONG.items() for value in values],
)
def test_a_wrong_parameter_is_named(served, name, value):
    headers = {"content-type": "text/plain"}
    answer = served.client.post(
        "/v1/extractions", content=FLAT, params={name: value}, headers=headers
    )
    problem = check_problem(answer, 422, "wrong-parameter")
    assert [error["name"].lower() for error in problem["errors"]] == [name]
    assert problem["errors"][0]["detail"]


CHUNK = b"%x\r\n" % 80_000 + b" " * 80_000 + b"\r\n"


@pytest.mark.parametrize("path", ["/v1/extractions", "/v1/jobs"])
@pytest.mark.parametrize(
    ("header", "value", "body"),
    [
        ("Content-Length", str(10**12), b""),
        ("Transfer-Encoding", "chunked", CHUNK * 40),
    ],
    ids=["announced", "growing"],
)
def test_too_large_a_body_is_refused_before_it_is_read(
    served, path, header, value, body
):
    connection = HTTPConnection("127.0.0.1", urlsplit(served.url).port, timeout=120)
    connection.putrequest("POST", path)
    for name, text in {
        "Authorization": f"Bearer {TOKEN}",
        "Content-Type": "text/plain",
        header: value,
    }.items():
        connection.putheader(name, text)
    connection.endheaders()
    connection.send(body[: 5 * len(CHUNK)] if path == "/v1/extractions" else body)
    answer = connection.getresponse()
    problem = json.loads(answer.read())
    connection.close()
    assert (answer.status, problem["title"]) == (413, "The body is too large")
    assert problem["remedy"]


def test_a_client_that_sends_too_much_to_its_end_gets_the_answer(served):
    check_problem(post(served.client, b" " * 20_000_000), 413, "too-large")


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("GET", "/nothing", 404, None),
        ("GET", "/v1/jobs/", 404, None),
        ("GET", "/docs/", 404, None),
        ("GET", "/v1/extractions", 405, "POST"),
        ("PUT", "/v1/jobs", 405, "POST"),
        ("POST", f"/v1/jobs/{NOBODYS}", 405, "GET"),
    ],
)
def test_an_unknown_address_or_method_is_a_problem_too(
    served, method, path, status, allowed
):
    answer = served.client.request(method, path)
    check_problem(answer, status)
    assert answer.headers.get("allow") == allowed


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/openapi.json"])
def test_every_answer_has_the_headers_that_protect_browsers(served, path):
    headers = served.client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers


def test_requests_are_logged_without_their_content(served):
    request_id = post(served.client, one(), effort="none").headers["x-request-id"]
    while request_id not in (log := served.log.read_text("utf-8")):
        served.client.get("/healthz")  # an answer is logged after it is sent
    (event,) = (
        event
        for event in map(json.loads, log.splitlines())
        if event.get("request") == request_id
    )
    assert (event["event"], event["caller"], event["route"]) == (
        "request_ended",
        "operator",
        "/v1/extractions",
    )
    assert WORD not in json.dumps(event)

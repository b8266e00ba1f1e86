"""One record in, its extraction out; whatever else comes in, a problem that says what to do."""

import gzip
import io
import json
import zipfile
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from extractor import Extractor, read_records

from .running import TOKEN, WORD, check_problem, many, one, study

SINGLE = [Path("tests/records/flat.txt"), Path("tests/records/study.json"), Path("tests/records/study.xml")]


def post(served, body, kind="application/octet-stream", **query):
    headers = {"content-type": kind} if kind else {}
    return served.client.post("/v1/extractions", content=body, params=query, headers=headers)


def packed_in_zip(*bodies):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, body in enumerate(bodies):
            archive.writestr(f"{number}.json", body)
    return packed.getvalue()


@pytest.mark.parametrize("path", SINGLE, ids=lambda path: path.suffix)
def test_the_answer_is_what_the_library_gives(served, path):
    answer = post(served, path.read_bytes(), assist="never", name=path.name)
    assert answer.status_code == 200, answer.text
    expected = Extractor(assist="never").extract(next(read_records(path))).model_dump(mode="json")
    assert answer.json() == expected | {"source": expected["source"] | {"path": path.name}}


def test_values_that_are_not_sure_enough_are_left_out(served):
    path = Path("tests/records/study.json")
    answer = post(served, path.read_bytes(), assist="never", name=path.name, min_confidence=0.9).json()
    sure = Extractor(assist="never", min_confidence=0.9).extract(next(read_records(path))).model_dump(mode="json")
    assert answer == sure | {"source": answer["source"]}
    assert "low_confidence" in {absence["reason"] for absence in answer["absences"]}


@pytest.mark.parametrize("pack", [gzip.compress, packed_in_zip], ids=["gzip", "zip"])
def test_packed_bodies_are_unpacked(served, pack):
    assert post(served, pack(one(7)), assist="never").json()["record_id"] == "NCT00000007"


def test_gzip_may_be_told_as_the_coding(served):
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = served.client.post("/v1/extractions?assist=never", content=gzip.compress(one()), headers=headers)
    assert answer.json()["record_id"] == "NCT00000001"


FLAT = b"A Study of Fictucel\nAn invented summary.\nPseudolymphoma\nDRUG: Fictucel\nSurvival, at 2 years\n"


@pytest.mark.parametrize(
    ("body", "headers", "query", "record_id"),
    [
        (FLAT, {}, {}, "text-9e695a98"),
        (FLAT, {}, {"name": "mine.txt"}, "mine"),
        (FLAT, {"x-record-id": "EudraCT-2021_1"}, {}, "EudraCT-2021_1"),
        (FLAT, {"x-record-id": "a"}, {"name": "mine.txt"}, "a"),
        (one(7), {"x-record-id": "a"}, {}, "NCT00000007"),
    ],
)
def test_the_id_is_that_of_the_record_or_the_header_or_the_name_or_the_text(served, body, headers, query, record_id):
    headers = {"content-type": "application/octet-stream", **headers}
    answer = served.client.post("/v1/extractions", content=body, params={"assist": "never", **query}, headers=headers)
    assert answer.json()["record_id"] == record_id


@pytest.mark.parametrize("record_id", ["", "../a", "a b", ".a", "a.txt", "a" * 101, "\xe9"])
def test_an_id_that_cannot_be_is_refused(served, record_id):
    headers = {"content-type": "text/plain", "x-record-id": record_id.encode("latin-1")}
    problem = check_problem(
        served.client.post("/v1/extractions", content=FLAT, headers=headers), 422, "wrong-parameter"
    )
    assert [error["name"].lower() for error in problem["errors"]] == ["x-record-id"]


def test_only_what_is_asked_for_is_extracted(served):
    whole = post(served, one(), assist="never", tasks="endpoints,eligibility").json()
    assert whole["eligibility"]["criteria"]
    part = post(served, one(), assist="never", tasks="endpoints").json()
    assert part["endpoints"] == whole["endpoints"]
    assert not part["eligibility"]["criteria"]


def test_the_model_is_asked_unless_it_is_not_to_be(served):
    assert post(served, one(), assist="never").json()["usage"]["calls"] == 0
    asked = post(served, one(), assist="always").json()
    assert asked["usage"]["calls"] > 0
    assert asked["usage"]["prompt_tokens"] == 10 * asked["usage"]["calls"]


HOSTILE = {
    "empty": (b"", "unreadable"),
    "binary": (b"\0\1\2" * 100, "unreadable"),
    "broken JSON": (b'{"protocolSection": {', "unreadable"),
    "JSON of another kind": (b'{"a": 1}', "unreadable"),
    "a list in lists": (b"[" * 100_000, "unreadable"),
    "an object in objects": (b'{"a":' * 50_000, "unreadable"),
    "a long number": (b'{"protocolSection": ' + b"9" * 100_000 + b"}", "unreadable"),
    "laughing entities": (
        b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]><clinical_study>&c;</clinical_study>',
        "unreadable",
    ),
    "a file of this machine": (
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><clinical_study><brief_title>&b;</brief_title>'
        b"</clinical_study>",
        "unreadable",
    ),
    "no gzip": (b"\x1f\x8b" + b"x" * 100, "unreadable"),
    "a bomb": (gzip.compress(b"x" * 150_000_000, 9), "unreadable"),
    "a zip without end": (b"PK\3\4" + b"\xff" * 1000, "unreadable"),
    "a zip in a zip": (packed_in_zip(packed_in_zip(one())), "unreadable"),
    "too long a text": (gzip.compress(json.dumps(study(1, "word " * 250_000)).encode()), "unreadable"),
    "two records": (many(2), "unreadable"),
    "two records in a zip": (packed_in_zip(one(1), one(2)), "unreadable"),
}


@pytest.mark.parametrize(("body", "kind"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_a_problem(served, body, kind):
    problem = check_problem(post(served, body, assist="never"), 422, kind)
    assert problem["remedy"]
    assert "/tmp" not in json.dumps(problem)  # no path of the service's machine
    assert "passwd" not in json.dumps(problem)


def test_the_place_of_an_error_is_told(served):
    problem = check_problem(post(served, b'{"protocolSection": {\n', assist="never"), 422, "unreadable")
    assert problem["place"].startswith("line ")
    assert "broken JSON" in problem["detail"]


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "image/png"])
def test_forms_are_refused_before_they_are_read(served, kind):
    answer = post(served, one(), kind)
    problem = check_problem(answer, 415, "wrong-type")
    assert "--data-binary" in problem["remedy"]
    assert "application/json" in answer.headers["accept-post"]


def test_another_coding_is_refused(served):
    headers = {"content-type": "application/json", "content-encoding": "br"}
    check_problem(served.client.post("/v1/extractions", content=one(), headers=headers), 415, "wrong-type")


@pytest.mark.parametrize(
    "query",
    [
        {"assist": "sometimes"},
        {"min_confidence": "1.1"},
        {"min_confidence": "nan"},
        {"min_confidence": "surely"},
        {"tasks": "dosing,colour"},
        {"tasks": "dosing,dosing"},
        {"tasks": ""},
        {"name": "../../etc/passwd"},
        {"name": ".hidden"},
        {"name": "a" * 101},
        {"name": "a\n"},
        {"task": "dosing"},
    ],
    ids=str,
)
def test_a_wrong_parameter_is_named(served, query):
    problem = check_problem(post(served, one(), **query), 422, "wrong-parameter")
    assert [error["name"] for error in problem["errors"]] == list(query)
    assert problem["errors"][0]["detail"]


def ask_raw(served, path, headers, body=b""):
    """A request whose body need not be as long as is told."""
    connection = HTTPConnection("127.0.0.1", urlsplit(served.url).port, timeout=120)
    connection.putrequest("POST", path)
    for name, value in {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(body)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, content


@pytest.mark.parametrize("path", ["/v1/extractions", "/v1/jobs"])
def test_too_large_a_body_is_refused_before_it_is_read(served, path):
    status, problem = ask_raw(served, path, {"Content-Length": str(10**12)})
    assert (status, problem["title"]) == (413, "The body is too large")


@pytest.mark.parametrize(("path", "blocks"), [("/v1/extractions", 5), ("/v1/jobs", 40)])
def test_a_body_that_grows_too_large_is_refused_on_its_way(served, path, blocks):
    block = b"%x\r\n" % 80_000 + b" " * 80_000 + b"\r\n"
    status, problem = ask_raw(served, path, {"Transfer-Encoding": "chunked"}, block * blocks)
    assert (status, problem["title"]) == (413, "The body is too large")
    assert problem["remedy"]


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("GET", "/nothing", 404, None),
        ("GET", "/v1/jobs/", 404, None),
        ("GET", "/docs/", 404, None),
        ("GET", "/v1/extractions", 405, "POST"),
        ("PUT", "/v1/jobs", 405, "GET, POST"),
        ("POST", "/v1/jobs/0f1e2d3c4b5a69788796a5b4c3d2e1f0", 405, "DELETE, GET"),
    ],
)
def test_what_there_is_not_is_a_problem_too(served, method, path, status, allowed):
    answer = served.client.request(method, path)
    check_problem(answer, status)
    assert answer.headers.get("allow") == allowed


def test_every_answer_tells_browsers_to_keep_their_hands_off(served):
    for path in ("/healthz", "/nothing", "/openapi.json"):
        headers = served.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers


def test_requests_are_logged_without_their_content(served):
    request_id = post(served, one(), assist="never").headers["x-request-id"]
    while not (told := [event for event in served.events() if event.get("request") == request_id]):
        served.client.get("/healthz")  # an answer is logged once it is sent
    (event,) = told
    assert (event["event"], event["caller"], event["route"]) == ("request_ended", "operator", "/v1/extractions")
    assert WORD not in json.dumps(event)

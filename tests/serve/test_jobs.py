"""Files of many records: taken, followed, read, stopped, deleted."""

import io
import json
import socket
import zipfile
from urllib.parse import urlsplit

import duckdb
import pytest

from extractor.options import ExtractionOptions
from extractor.serve.jobs import Job

from .running import TOKEN, check_problem, finish, follow, many, one, results, submit

NOBODYS = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


@pytest.fixture(scope="module")
def done(served):
    """A job of two records and a broken one, done."""
    job = submit(
        served.client, one(2) + b'\n{"protocolSection": {\n' + one(1) + b"\n", name="trials.jsonl", assist="never"
    )
    assert (job["state"], job["extracted"]) == ("queued", 0)
    return finish(served.client, job["id"])


def test_a_job_ends_with_counts(done):
    assert (done["state"], done["extracted"], done["failed"], done["reason"]) == ("done", 2, 1, None)
    assert done["created"] <= done["started"] <= done["ended"]


def test_results_are_in_the_order_of_the_upload(served, done):
    lines = results(served.client, done["id"])
    assert [line["record_id"] for line in lines] == ["NCT00000002", "NCT00000001"]
    assert lines[0]["source"]["path"] == "trials.jsonl"  # not where it lies on the service's machine
    assert served.client.get(f"/v1/jobs/{done['id']}/results").headers["content-type"] == "application/x-ndjson"


def test_a_job_keeps_how_sure_a_value_must_be(served):
    job = submit(served.client, one(1), assist="never", min_confidence=1)
    assert job["min_confidence"] == 1
    assert finish(served.client, job["id"])["min_confidence"] == 1
    (line,) = results(served.client, job["id"])
    assert "low_confidence" in {absence["reason"] for absence in line["absences"]}


def test_a_job_of_an_earlier_version_keeps_all_values(done):
    earlier = {name: value for name, value in done.items() if name != "min_confidence"}
    assert Job.model_validate(earlier).options == ExtractionOptions(assist="never")


def test_failures_are_told_with_their_place(served, done):
    (failure,) = [json.loads(line) for line in served.client.get(f"/v1/jobs/{done['id']}/failures").text.splitlines()]
    assert (failure["path"], failure["place"].split(",")[0]) == ("trials.jsonl", "line 2")


def test_a_table_is_sent_as_parquet(served, done, tmp_path):
    for _ in range(2):  # made, and made before
        answer = served.client.get(f"/v1/jobs/{done['id']}/results", params={"format": "parquet", "table": "endpoints"})
        assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    (tmp_path / "endpoints.parquet").write_bytes(answer.content)
    rows = duckdb.sql(f"SELECT record_id, measure FROM '{tmp_path}/endpoints.parquet' ORDER BY ALL").fetchall()
    assert rows == [("NCT00000001", "Overall survival"), ("NCT00000002", "Overall survival")]


def test_a_table_that_there_is_not_is_named(served, done):
    answer = served.client.get(f"/v1/jobs/{done['id']}/results", params={"format": "parquet", "table": "../job"})
    problem = check_problem(answer, 422, "wrong-parameter")
    assert "criteria" in problem["errors"][0]["detail"]


def test_events_begin_and_end_with_the_job_and_go_on_after_any_of_them(served, done):
    told = follow(served.client, done["id"])
    assert [name for _, name, _ in told][:2] == ["job", "run_started"]
    assert [name for _, name, _ in told][-2:] == ["run_ended", "job"]
    assert [data["record_id"] for _, name, data in told if name == "record_done"] == ["NCT00000002", "NCT00000001"]
    for last in range(1, len(told) - 2):
        rest = follow(served.client, done["id"], told[last][0])
        assert rest == [told[0], *told[last + 1 :]]
    headers = {"last-event-id": told[-2][0]}
    assert served.client.get(f"/v1/jobs/{done['id']}/events", headers=headers).status_code == 204


@pytest.mark.parametrize("last_id", ["5", "99999999", "-1", "x", "9" * 50])
def test_an_event_that_there_was_not_begins_at_the_first(served, done, last_id):
    assert follow(served.client, done["id"], last_id) == follow(served.client, done["id"])


def test_what_has_ended_cannot_be_cancelled_or_resumed(served, done):
    check_problem(served.client.post(f"/v1/jobs/{done['id']}/cancel"), 409, "not-finished")
    check_problem(served.client.post(f"/v1/jobs/{done['id']}/resume"), 409, "not-finished")


def test_jobs_are_listed_newest_first(served, done):
    newer = finish(served.client, submit(served.client, one(3), assist="never")["id"])
    listed = served.client.get("/v1/jobs").json()
    ids = [job["id"] for job in listed]
    assert ids.index(newer["id"]) < ids.index(done["id"])
    assert len(served.client.get("/v1/jobs?limit=1").json()) == 1


def test_the_model_answers_for_jobs_too_and_its_cost_is_counted(served):
    before = figure(served, "extractor_model_calls_total")
    job = finish(served.client, submit(served.client, many(2), assist="always")["id"])
    assert job["usage"]["calls"] > 0
    assert figure(served, "extractor_model_calls_total") - before >= job["usage"]["calls"]


def figure(served, name):
    lines = served.client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_a_cancelled_job_keeps_what_it_has_and_goes_on(served):
    job_id = submit(served.client, many(100), assist="never")["id"]
    check_problem(served.client.get(f"/v1/jobs/{job_id}/results"), 409, "not-finished")
    check_problem(served.client.get(f"/v1/jobs/{job_id}/failures"), 409, "not-finished")
    assert served.client.post(f"/v1/jobs/{job_id}/cancel").status_code == 200
    cancelled = finish(served.client, job_id)
    assert cancelled["state"] == "cancelled"
    assert cancelled["extracted"] < 100
    assert served.client.post(f"/v1/jobs/{job_id}/resume").json()["state"] in {"queued", "running"}
    resumed = finish(served.client, job_id)
    assert (resumed["state"], resumed["extracted"]) == ("done", 100)
    assert [line["record_id"] for line in results(served.client, job_id)] == [f"NCT{n:08d}" for n in range(1, 101)]


def test_a_deleted_job_leaves_nothing(served):
    running = submit(served.client, many(100), assist="never")["id"]
    folder = served.root / "jobs" / "operator" / running
    assert folder.is_dir()
    assert served.client.delete(f"/v1/jobs/{running}").status_code == 204
    check_problem(served.client.get(f"/v1/jobs/{running}"), 404, "no-such-job")
    check_problem(served.client.delete(f"/v1/jobs/{running}"), 404, "no-such-job")
    assert not folder.exists()


def test_a_bomb_among_records_is_a_failure_of_its_own(served):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../outside.json", one(1))
        archive.writestr("bomb.txt", b"x" * 60_000_000)
    job = finish(served.client, submit(served.client, packed.getvalue(), assist="never")["id"])
    assert (job["state"], job["extracted"], job["failed"]) == ("done", 1, 1)
    folder = served.root / "jobs" / "operator" / job["id"]
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["run", "upload"]
    assert not list(served.root.rglob("outside.json"))


def test_an_upload_that_breaks_off_leaves_nothing(served):
    before = set((served.root / "jobs" / "operator").iterdir())
    with socket.create_connection(("127.0.0.1", urlsplit(served.url).port), timeout=120) as line:
        head = f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 1000\r\n"
        line.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + b"{" * 10)
    while set((served.root / "jobs" / "operator").iterdir()) - before:
        served.client.get("/healthz")


@pytest.mark.parametrize("job_id", [NOBODYS, "x", "..", "..%2F..", "%00", "a" * 5000])
def test_another_id_is_no_job(served, job_id):
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/events"), ("GET", "/results"), ("POST", "/cancel")):
        answer = served.client.request(method, f"/v1/jobs/{job_id}{path}")
        assert answer.status_code in {404, 405}, (method, path)
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_word_of_a_torn_event_is_left_out(served, done):
    events = served.root / "jobs" / "operator" / done["id"] / "events.jsonl"
    whole = events.read_bytes()
    first, _, rest = whole.partition(b"\n")
    events.write_bytes(first + b'\n{"time": "2026\n' + rest)
    assert [name for _, name, _ in follow(served.client, done["id"])].count("record_done") == 2
    events.write_bytes(whole)

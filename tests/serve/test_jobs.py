"""Jobs: submission, events, results, cancellation and deletion."""

import csv
import gzip
import io
import json
import socket
import zipfile
from urllib.parse import urlsplit

import duckdb
import pytest

from .running import (
    NOBODYS,
    OPERATIONS,
    TOKEN,
    WORD,
    check_problem,
    failures,
    finish,
    follow,
    ids,
    many,
    one,
    post,
    results,
    submit,
    wait_until,
)


@pytest.fixture(scope="module")
def done(served):
    """A finished job with two records and a broken one."""
    body = one(2) + b'\n{"protocolSection": {\n' + one(1) + b"\n"
    job = submit(
        served.client, body, name="trials.jsonl", effort="none", min_confidence=1
    )
    assert (job["state"], job["extracted"], job["min_confidence"], job["effort"]) == (
        "queued",
        0,
        1,
        "none",
    )
    return finish(served.client, job["id"])


def test_a_job_ends_with_counts_results_and_failures(served, done):
    assert (done["state"], done["extracted"], done["failed"], done["reason"]) == (
        "done",
        2,
        1,
        "1 record failed; /failures says why",
    )
    assert done["created"] <= done["started"] <= done["ended"]
    lines = results(served.client, done["id"])
    assert [line["record_id"] for line in lines] == ["NCT00000002", "NCT00000001"]
    assert (
        lines[0]["source"]["path"] == "trials.jsonl"
    )  # not its place on the service's machine
    assert "low_confidence" in {absence["reason"] for absence in lines[0]["absences"]}
    assert (
        served.client.get(f"/v1/jobs/{done['id']}/results").headers["content-type"]
        == "application/x-ndjson"
    )
    (failure,) = failures(served.client, done["id"])
    assert (failure["path"], failure["place"].split(",")[0]) == (
        "trials.jsonl",
        "line 2",
    )


def test_a_table_is_sent_as_parquet(served, done, tmp_path):
    url = f"/v1/jobs/{done['id']}/results"
    for _ in range(2):  # the second one from the cache
        answer = served.client.get(
            url, params={"format": "parquet", "table": "endpoints"}
        )
        assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    (tmp_path / "endpoints.parquet").write_bytes(answer.content)
    rows = duckdb.sql(
        f"SELECT record_id FROM '{tmp_path}/endpoints.parquet' ORDER BY ALL"
    ).fetchall()
    assert rows == [("NCT00000001",), ("NCT00000002",)]
    answer = served.client.get(url, params={"format": "parquet", "table": "../job"})
    problem = check_problem(answer, 422, "wrong-parameter")
    assert problem["detail"].startswith("../job: no such table")
    assert "criteria" in problem["detail"]


def test_a_table_is_sent_as_csv(served, done):
    url = f"/v1/jobs/{done['id']}/results"
    answer = served.client.get(url, params={"format": "csv", "table": "endpoints"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["record_id"] for row in rows] == ["NCT00000002", "NCT00000001"]


def test_texts_in_json_lines_are_records(served):
    lines = (
        json.dumps({"text": f"Inclusion criteria:\n- {WORD} {number}"})
        for number in "ab"
    )
    body = "\n".join(lines).encode()
    job = finish(
        served.client, submit(served.client, body, name="notes", effort="none")["id"]
    )
    assert (job["state"], job["extracted"], job["failed"]) == ("done", 2, 0)
    found = results(served.client, job["id"])
    assert [len(line["eligibility"]["criteria"]) for line in found] == [1, 1]


def test_events_begin_and_end_with_the_job_and_continue_after_any_of_them(served, done):
    client = served.client
    job = done["id"]

    events = follow(client, job)

    names = [name for _, name, _ in events]
    assert names[:2] == ["job", "run_started"]
    assert names[-2:] == ["run_ended", "job"]
    records = [data["record_id"] for _, name, data in events if name == "record_done"]
    assert records == ["NCT00000002", "NCT00000001"]
    for last in range(1, len(events) - 2):
        missed = [events[0], *events[last + 1 :]]
        assert follow(client, job, events[last][0]) == missed
    headers = {"last-event-id": events[-2][0]}
    ended = client.get(f"/v1/jobs/{job}/events", headers=headers)
    assert ended.status_code == 204
    for unknown in ("5", "99999999", "-1", "x", "9" * 50):
        assert follow(client, job, unknown) == events

    # torn when the service was killed
    path = served.root / "jobs" / "operator" / job / "events.jsonl"
    torn = path.read_bytes().replace(b"\n", b'\n{"time": "2026\n', 1)
    path.write_bytes(torn)

    again = follow(client, job)
    assert [event[1:] for event in again] == [event[1:] for event in events]


def test_a_cancelled_job_keeps_its_results_and_can_be_resumed(served):
    job_id = submit(served.client, many(100), effort="none")["id"]
    check_problem(served.client.get(f"/v1/jobs/{job_id}/results"), 409, "not-finished")
    check_problem(served.client.get(f"/v1/jobs/{job_id}/failures"), 409, "not-finished")
    assert served.client.post(f"/v1/jobs/{job_id}/cancel").status_code == 200
    cancelled = finish(served.client, job_id)
    assert cancelled["state"] == "cancelled"
    assert cancelled["extracted"] < 100
    assert served.client.post(f"/v1/jobs/{job_id}/resume").json()["state"] in {
        "queued",
        "running",
    }
    resumed = finish(served.client, job_id)
    assert (resumed["state"], resumed["extracted"]) == ("done", 100)
    assert [line["record_id"] for line in results(served.client, job_id)] == ids(100)


def test_a_deleted_job_leaves_nothing(served):
    running = submit(served.client, many(100), effort="none")["id"]
    folder = served.root / "jobs" / "operator" / running
    assert folder.is_dir()
    assert served.client.delete(f"/v1/jobs/{running}").status_code == 204
    check_problem(served.client.get(f"/v1/jobs/{running}"), 404, "no-such-job")
    check_problem(served.client.delete(f"/v1/jobs/{running}"), 404, "no-such-job")
    assert not folder.exists()


def zipped(*bodies):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, body in enumerate(bodies):
            archive.writestr(f"{number}.json", body)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("body", "extracted"),
    [
        (one(1)[:-40], 0),
        (many(2) + one(3)[:-40], 2),
        (b"[" + one(1) + b"," + one(2)[:-40], 1),
        (zipped(one(1), one(2))[:-60], 0),
        (zipped(one(1), one(2)[:-40]), 1),
        (gzip.compress(one(1))[:-12], 0),
        (b"", 0),
        (b"{", 0),
    ],
    ids=["json", "lines", "array", "zip", "in zip", "gzip", "empty", "brace"],
)
def test_a_cut_upload_does_not_look_like_a_success(served, body, extracted):
    """Without any result the job failed; else its reason counts what failed."""
    job = finish(served.client, submit(served.client, body, effort="none")["id"])
    assert (job["extracted"], job["failed"]) == (extracted, 1)
    if extracted:
        assert job["state"] == "done"
        assert job["reason"] == "1 record failed; /failures says why"
    else:
        assert job["state"] == "failed"
        assert (
            job["reason"]
            == "nothing was extracted: 1 record failed; /failures says why"
        )
    assert len(failures(served.client, job["id"])) == 1


def test_a_zip_bomb_fails_and_the_other_records_do_not(served):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../outside.json", one(1))
        archive.writestr("bomb.txt", b"x" * 60_000_000)
    job = finish(
        served.client, submit(served.client, packed.getvalue(), effort="none")["id"]
    )
    assert (job["state"], job["extracted"], job["failed"]) == ("done", 1, 1)
    folder = served.root / "jobs" / "operator" / job["id"]
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == [
        "run",
        "upload",
    ]
    assert not list(served.root.rglob("outside.json"))


def test_an_upload_that_breaks_off_leaves_nothing(served):
    jobs = served.root / "jobs" / "operator"
    before = set(jobs.glob("*"))  # there is no folder before the first job
    with socket.create_connection(
        ("127.0.0.1", urlsplit(served.url).port), timeout=120
    ) as line:
        head = (
            "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
            f"{TOKEN}\r\nContent-Length: 1000\r\n"
        )
        line.sendall(
            head.encode() + b"Content-Type: application/json\r\n\r\n" + b"{" * 10
        )
        while not set(jobs.glob("*")) - before:
            assert served.client.get("/healthz").status_code == 200
    while set(jobs.glob("*")) - before:
        assert served.client.get("/healthz").status_code == 200


@pytest.mark.parametrize("job_id", [NOBODYS, "x", "..", "..%2F..", "%00", "a" * 5000])
def test_an_unknown_id_is_no_job(served, job_id):
    for method, path in OPERATIONS[3:10]:
        answer = served.client.request(method, path.format(job_id=job_id))
        assert answer.status_code in {404, 405}, (method, path)
        assert answer.headers["content-type"] == "application/problem+json"


def read_log(served, *events):
    """The service's events of these names."""
    lines = map(json.loads, served.log.read_text("utf-8").splitlines())
    return [line for line in lines if line["event"] in events]


def test_the_log_says_who_ran_what_how_many_records_for_how_much_and_who_deleted_it(
    served,
):
    with served.add_caller("lena") as lena:
        job = submit(lena, many(3) + b'{"protocolSection": {\n', effort="all")
        ended = finish(lena, job["id"])
        assert served.client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    log = [
        line
        for line in read_log(
            served, "job_submitted", "job_changed", "job_ended", "job_deleted"
        )
        if line["job"] == job["id"]
    ]
    assert {line["caller"] for line in log} == {"lena"}
    submitted, running, end, done, deleted = log
    assert (submitted["event"], submitted["bytes"]) == ("job_submitted", job["bytes"])
    assert (submitted["effort"], submitted["model"]) == ("all", "stub")
    assert (running["state"], done["state"]) == ("running", "done")
    assert end["event"] == "job_ended"
    assert (end["state"], end["effort"], end["model"]) == ("done", "all", "stub")
    assert (end["extracted"], end["failed"], end["repeated"]) == (3, 1, 0)
    usage = ended["usage"]
    for name in ("calls", "prompt_tokens", "cached_tokens", "output_tokens"):
        assert end[name] == usage[name] > 0
    assert end["usd"] == pytest.approx(usage["usd"])
    assert end["usd"] > 0
    assert (deleted["event"], deleted["by"]) == ("job_deleted", "operator")
    assert (deleted["extracted"], deleted["failed"]) == (3, 1)


def test_the_log_says_what_an_extraction_cost_and_whom(served):
    with served.add_caller("mira") as mira:
        for effort in ("all", "none"):
            assert post(mira, one(), effort=effort).status_code == 200

    def find_events():
        return [
            line
            for line in read_log(served, "request_ended")
            if (line["caller"], line["route"]) == ("mira", "/v1/extractions")
        ]

    wait_until(lambda: len(find_events()) == 2)
    asked, unasked = find_events()
    assert (asked["calls"], asked["prompt_tokens"], asked["output_tokens"]) == (
        1,
        100,
        50,
    )
    assert asked["usd"] == pytest.approx(20e-6 + 80 * 0.5e-6 + 50e-6)
    assert "calls" not in unasked

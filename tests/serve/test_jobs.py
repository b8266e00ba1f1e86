"""Jobs: submission, events, results, cancellation and deletion."""

import csv
import gzip
import io
import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.failing import RAISED
from tests.llm.stub import serve as serve_stub

from .running import (
    TOKEN,
    WORD,
    check_problem,
    ids,
    many,
    one,
    say_nothing,
    serve_here,
    wait_until,
)
from .test_extractions import pack


@pytest.fixture(scope="module")
def done(served):
    """A finished job with two records and a broken one."""
    body = one(2) + b'\n{"protocolSection": {\n' + one(1) + b"\n"
    query = {"name": "trials.jsonl", "effort": "none", "min_confidence": 1}
    job = served.client.submit(body, **query)
    assert job.items() >= (query | {"extracted": 0, "bytes": len(body)}).items()
    return served.client.finish(job["id"])


def test_a_job_ends_with_counts_results_and_failures(served, done):
    expected = {"state": "done", "extracted": 2, "failed": 1, "repeated": 0}
    assert done.items() >= expected.items()
    assert done["reason"] == "1 record failed; see /failures for the reasons"
    assert done["created"] <= done["started"] <= done["ended"]
    lines = served.client.results(done["id"])
    assert [line["record_id"] for line in lines] == ["NCT00000002", "NCT00000001"]
    # not its place on the service's machine
    assert lines[0]["source"]["path"] == "trials.jsonl"
    assert "low_confidence" in {gap["reason"] for gap in lines[0]["absences"]}
    (failure,) = served.client.results(done["id"], "failures")
    assert (failure["path"], failure["place"][:6]) == ("trials.jsonl", "line 2")
    url = f"/v1/jobs/{done['id']}"
    assert served.client.get(url).json() == done
    assert done in served.client.get("/v1/jobs").json()
    check_problem(served.client.post(f"{url}/resume"), 409, "not-finished")


def test_the_log_has_each_change_of_a_job(served):
    job = served.client.submit(one(), effort="none")
    assert job["name"] == "records"
    job_id = job["id"]
    served.client.finish(job_id)
    assert served.client.results(job_id, "failures") == []
    served.client.delete(f"/v1/jobs/{job_id}")
    lines = served.log.read_text("utf-8").splitlines()
    events = [event for event in map(json.loads, lines) if event.get("job") == job_id]
    for event in events:
        del event["time"], event["job"]
        assert event.pop("seconds", 0) >= 0
        assert event.pop("caller") == "operator"
    asked = {"effort": "none", "model": None}
    counts = {"extracted": 1, "failed": 0}
    changed = {"event": "job_changed", "by": None}
    tokens = dict.fromkeys(("prompt_tokens", "cached_tokens", "output_tokens"), 0)
    assert events == [
        {"event": "job_submitted", **asked, "bytes": len(one())},
        changed | {"state": "running"},
        {"event": "job_ended", "state": "done", **asked, **counts, "repeated": 0}
        | {"calls": 0, "usd": None, **tokens},
        changed | {"state": "done"},
        {"event": "job_deleted", "by": "operator", **counts},
    ]


def test_results_are_sent_as_tables(served, done):
    url = f"/v1/jobs/{done['id']}/results"
    answers = {}
    for form in ("csv", "parquet", "jsonl", "csv"):
        query = {"format": form, "table": "endpoints"}
        answers[form] = served.client.get(url, params=query)
        assert answers[form].status_code == 200, answers[form].text
    assert answers["parquet"].content.startswith(b"PAR1")
    rows = list(csv.DictReader(io.StringIO(answers["csv"].text)))
    lines = [json.loads(line) for line in answers["jsonl"].text.splitlines()]
    for found in (rows, lines):
        assert [row["record_id"] for row in found] == ["NCT00000002", "NCT00000001"]
    answer = served.client.get(url, params={"format": "csv", "table": "../job"})
    problem = check_problem(answer, 422, "wrong-parameter")
    assert "criteria" in problem["detail"]


def test_events_begin_and_end_with_the_job_and_continue_after_any_of_them(served, done):
    events = served.client.follow(done["id"])
    names = [name for _, name, _ in events]
    assert names[:2] == ["job", "run_started"]
    assert names[-2:] == ["run_ended", "job"]
    records = [data["record_id"] for _, name, data in events if name == "record_done"]
    # in the order in which they end
    assert sorted(records) == ["NCT00000001", "NCT00000002"]
    for last in range(1, len(events) - 1):
        missed = [events[0], *events[last + 1 :]]
        assert served.client.follow(done["id"], events[last][0]) == missed
    for unknown in ("-1", "x", ""):
        assert served.client.follow(done["id"], unknown) == events
    for beyond in ("99999999", "9" * 50):
        last = [events[0], events[-1]]
        assert served.client.follow(done["id"], beyond) == last
    # torn when the service was killed
    path = served.root / "jobs" / "operator" / done["id"] / "events.jsonl"
    torn = path.read_bytes().replace(b"\n", b'\n{"time": "2026\n', 1)
    path.write_bytes(torn)
    again = served.client.follow(done["id"])
    assert [event[1:] for event in again] == [event[1:] for event in events]


def test_a_cancelled_job_keeps_its_results_and_can_be_resumed(served):
    job_id = served.client.submit(many(300), effort="none")["id"]
    url = f"/v1/jobs/{job_id}"
    for kind in ("results", "failures"):
        answer = served.client.get(f"{url}/{kind}")
        check_problem(answer, 409, "not-finished")
    check_problem(served.client.post(f"{url}/resume"), 409, "not-finished")
    run = served.root / "jobs" / "operator" / job_id / "run"
    # a run that is cancelled before its first result starts again without its manifest
    wait_until((run / "extractions.jsonl").exists)
    wait_until(lambda: (run / "extractions.jsonl").stat().st_size)
    accepted = served.client.post(f"{url}/cancel")
    assert accepted.status_code == 200
    assert accepted.json()["state"] == "running"
    assert accepted.json()["reason"].startswith("the job is being cancelled")
    cancelled = served.client.finish(job_id)
    assert (cancelled["state"], cancelled["reason"]) == ("cancelled", None)
    assert cancelled["extracted"] < 300
    assert served.client.post(f"{url}/cancel").json() == cancelled
    manifest = run / "run.json"
    kept = manifest.rename(manifest.with_name("kept"))
    served.client.post(f"{url}/resume")
    failed = served.client.finish(job_id)
    assert failed["state"] == "failed"
    # without the path on the service's machine
    assert failed["reason"].startswith("run: has extractions.jsonl but no run.json")
    kept.rename(manifest)
    resumed = served.client.post(f"{url}/resume").json()
    assert resumed["state"] in {"queued", "running"}
    job = served.client.finish(job_id)
    assert (job["state"], job["extracted"]) == ("done", 300)
    assert [line["record_id"] for line in served.client.results(job_id)] == ids(300)
    changes = served.list_events("job_changed")
    by = {e["state"]: e["by"] for e in changes if e["job"] == job_id}
    assert by.items() >= {"cancelled": "operator", "queued": "operator"}.items()


def test_a_job_that_waits_is_cancelled_at_once_and_the_caller_with_fewest_goes_first(
    tmp_path,
):
    """When the second job ends, the operator's first one is still running."""
    with serve_here(tmp_path / "root", "--workers", "1", "--jobs", "2") as service:
        client = service.client
        with service.add_caller("anna") as anna:
            running = [client.submit(many(n), effort="none")["id"] for n in (100, 40)]
            waiting = client.submit(one(), effort="none")["id"]
            hers = anna.submit(one(), effort="none")["id"]
            url = f"/v1/jobs/{waiting}"
            assert client.get(url).json()["state"] == "queued"
            assert client.post(f"{url}/cancel").json()["state"] == "cancelled"
            assert client.results(waiting) == []
            answer = client.get(f"{url}/results", params={"format": "csv"})
            check_problem(answer, 409, "not-finished")
            assert client.post(f"{url}/resume").json()["state"] == "queued"
            anna.finish(hers)
        for job_id in (*running, waiting):
            client.finish(job_id)
        changes = service.list_events("job_changed")
        begun = [one["job"] for one in changes if one["state"] == "running"]
        assert begun == [*running, hers, waiting]
        (started,) = service.list_events("service_started")
        assert started["workers"] == 1
        assert (started["model"], started["jobs"]) == (None, 0)


def test_a_deleted_job_leaves_nothing(served):
    job_id = served.client.submit(many(20), effort="none")["id"]
    url = f"/v1/jobs/{job_id}"
    folder = served.root / "jobs" / "operator" / job_id
    assert folder.is_dir()
    assert served.client.delete(url).status_code == 204
    for method in ("GET", "DELETE"):
        check_problem(served.client.request(method, url), 404, "no-such-job")
    assert not folder.exists()
    assert not list((served.root / "partial").iterdir())
    deleted = [event["job"] for event in served.list_events("job_deleted")]
    assert job_id in deleted


@pytest.mark.parametrize(
    ("body", "extracted"),
    [
        (many(2) + one(3)[:-40], 2),
        (b"[" + one(1) + b"," + one(2)[:-40], 1),
        (pack(one(1), one(2))[:-60], 0),
        (pack(one(1), one(2)[:-40]), 1),
        (pack(one(1), b"x" * 60_000_000), 0),
        (gzip.compress(one(1))[:-12], 0),
        (b"", 0),
    ],
    ids=["lines", "array", "zip", "in zip", "bomb", "gzip", "empty"],
)
def test_a_broken_upload_does_not_look_like_a_success(served, body, extracted):
    job = served.client.finish(served.client.submit(body, effort="none")["id"])
    assert (job["extracted"], job["failed"]) == (extracted, 1)
    reason = "1 record failed; see /failures for the reasons"
    if extracted:
        assert (job["state"], job["reason"]) == ("done", reason)
    else:
        assert job["state"] == "failed"
        assert job["reason"] == f"nothing was extracted: {reason}"
    assert len(served.client.results(job["id"], "failures")) == 1


def test_an_upload_that_breaks_off_leaves_nothing(served):
    partial = served.root / "partial"
    address = ("127.0.0.1", urlsplit(served.url).port)
    head = f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    with socket.create_connection(address, timeout=120) as line:
        line.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode() + b"{" * 10)
        wait_until(lambda: list(partial.glob("*")))
    wait_until(lambda: not list(partial.glob("*")))


def test_a_job_reads_a_table_with_the_names_of_its_caller(served):
    body = b"trial,who\nX-1,Adults\nX-2,Children\n"
    names = {"id": "trial", "eligibility": "who"}
    for query, extracted in (({}, 0), ({"columns": "id=trial,eligibility=who"}, 2)):
        job = served.client.submit(body, effort="none", **query)
        job = served.client.finish(job["id"])
        assert job["extracted"] == extracted
    assert job["columns"] == names
    assert [line["record_id"] for line in served.client.results(job["id"])] == ["X-1", "X-2"]  # fmt: skip


@pytest.mark.slow
def test_a_job_fails_at_failing_records_alone(failing):
    ways = (*RAISED, "kill")
    lost = len(failing.list_events("worker_lost"))
    broken = [one(50 + n, f"It fails by {how}.") for n, how in enumerate(ways)]
    body = b"\n".join([one(1), *broken, one(2)])
    job = failing.client.finish(failing.client.submit(body, effort="full")["id"])
    assert (job["state"], job["extracted"], job["failed"]) == ("done", 2, len(ways))
    assert [line["record_id"] for line in failing.client.results(job["id"])] == ids(2)
    failed = [
        failure["record_id"]
        for failure in failing.client.results(job["id"], "failures")
    ]
    assert sorted(failed) == ids(len(ways), 50)
    # in the service's log, too, where its operator looks
    assert len(failing.list_events("worker_lost")) > lost


def test_a_service_without_a_model_counts_what_it_would_ask(tmp_path):
    body = one(words="Adults aged 18 to 65 years.")
    with serve_here(tmp_path / "root", "--workers", "1") as service:
        client = service.client
        for effort, is_open in (("full", True), ("none", False)):
            single = client.extract(body, effort=effort).json()["usage"]
            job = client.finish(client.submit(body, effort=effort)["id"])
            (line,) = client.results(job["id"])
            assert job["state"] == "done"
            assert line["usage"] == single
            assert (single["calls"], bool(single["open_questions"])) == (0, is_open)
        begun = client.submit(many(120), effort="full")["id"]
        wait_until(lambda: client.get(f"/v1/jobs/{begun}").json()["extracted"])
        client.post(f"/v1/jobs/{begun}/cancel")
        assert client.finish(begun)["state"] == "cancelled"
    # a job that has results without a model asks no later one
    with serve_stub(say_nothing) as stub:
        model = ("--model", f"{stub.url}#stub", "--workers", "1")
        with serve_here(tmp_path / "root", *model) as service:
            assert service.client.post(f"/v1/jobs/{begun}/resume").status_code == 200
            job = service.client.finish(begun)
            assert job["state"] == "failed"
            assert (
                "has changed since the job started; submit the job again"
                in job["reason"]
            )
            assert stub.requests == []
            assert WORD in json.dumps(service.client.results(begun))

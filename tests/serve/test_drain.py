"""Before an update a service takes no new jobs, and ends those that run; afterwards a job whose
rules have changed may start over.
"""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from extractor.apps.serve import drain as draining
from extractor.apps.serve.callers import now
from extractor.apps.serve.drain import check_open, drain, end_drain, is_draining
from extractor.apps.serve.job import JobState
from extractor.apps.serve.problems import ProblemError
from extractor.errors import StoreError
from tests.commands import invoke

from .running import (
    check_problem,
    finish,
    ids,
    many,
    one,
    results,
    submit,
    wait_until,
)
from .test_job_list import open_runner
from .test_job_list import submit as submit_to


def read_events(service):
    return [json.loads(line) for line in service.log.read_text("utf-8").splitlines()]


def test_a_service_is_drained_and_goes_on_when_the_drain_ends(served):
    job_id = submit(served.client, many(100), effort="none")["id"]
    reports = []
    with ThreadPoolExecutor(1) as thread:
        drained = thread.submit(drain, served.root, reports.append)
        wait_until(lambda: is_draining(served.root))
        try:
            body = many(1)
            headers = {"content-type": "application/x-ndjson"}
            refused = served.client.post("/v1/jobs", content=body, headers=headers)
            check_problem(refused, 503, "not-ready")
            assert refused.headers["retry-after"] == "60"
            # single extractions go on
            answer = served.client.post(
                "/v1/extractions",
                content=one(),
                params={"effort": "none"},
                headers={"content-type": "application/json"},
            )
            assert answer.status_code == 200
            states = drained.result(300)
            assert served.client.get(f"/v1/jobs/{job_id}").json()["state"] == "done"
            assert not states[JobState.RUNNING]
            assert set(reports) <= {"1 job under way"}
        finally:
            end_drain(served.root)
    again = submit(served.client, many(1), effort="none")["id"]
    assert finish(served.client, again)["state"] == "done"

    def list_drains():
        events = [e for e in read_events(served) if e["event"] == "drain_changed"]
        return [event["drains"] for event in events]

    wait_until(lambda: list_drains() == [True, False])


def test_a_service_that_does_not_run_is_not_drained(tmp_path):
    with open_runner(tmp_path):
        done = invoke("serve", "drain", "--root", tmp_path)
    assert done.exit_code == 1
    assert "no service runs here" in done.output
    assert not is_draining(tmp_path)


def test_a_drain_that_ends_early_lets_the_service_take_jobs(tmp_path, monkeypatch):
    """As with Ctrl-C, and if the service has started again."""
    monkeypatch.setattr(draining, "_check_served", lambda root: None)
    with monkeypatch.context() as patched:
        patched.setattr(draining.time, "sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            drain(tmp_path, print)
    assert not is_draining(tmp_path)
    monkeypatch.setattr(draining.time, "sleep", lambda _: end_drain(tmp_path))
    with pytest.raises(StoreError, match="has started again"):
        drain(tmp_path, print)


def interrupt(_):
    raise KeyboardInterrupt


def test_the_command_counts_the_jobs_that_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(draining, "_check_served", lambda root: None)
    monkeypatch.setattr(draining, "_WAIT_S", 0)
    with open_runner(tmp_path) as runner:
        for _ in range(2):
            submit_to(runner)
        paused = runner._entries[submit_to(runner)]
        runner._set(paused, state=JobState.PAUSED)
    (tmp_path / "jobs" / "anna" / "torn").mkdir()
    (tmp_path / "jobs" / "anna" / "torn" / "job.json").write_text("{")
    done = invoke("serve", "drain", "--root", tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[1:] == [
        "queued: 2 (begins after the start)",
        "paused: 1 (goes on after the start)",
    ]


def test_before_an_update_only_what_has_begun_goes_on(tmp_path):
    with open_runner(tmp_path) as runner:
        begun = []
        fill = type(runner).fill

        def begin(entry):
            runner._set(entry, state=JobState.RUNNING)
            begun.append(entry.job.id)

        runner._begin = begin
        waits, goes_on = submit_to(runner), submit_to(runner)
        runner._set(runner._entries[goes_on], started=now())
        (tmp_path / "draining").touch()
        with pytest.raises(ProblemError, match="takes no new jobs"):
            check_open(tmp_path)
        fill(runner)
        assert begun == [goes_on]
        runner.start()
        assert not is_draining(tmp_path), "a start takes new jobs"
        check_open(tmp_path)
        fill(runner)
        assert Counter(begun) == {goes_on: 2, waits: 1}


def test_a_job_of_other_rules_starts_over_on_request(served):
    """Its results stay until then, and its caller learns how to go on."""
    job_id = submit(served.client, many(100), effort="medium")["id"]
    url = f"/v1/jobs/{job_id}"
    wait_until(lambda: served.client.get(url).json()["extracted"])
    assert served.client.post(f"{url}/cancel").status_code == 200
    cancelled = finish(served.client, job_id)
    assert cancelled["state"] == "cancelled"
    path = served.root / "jobs" / "operator" / job_id / "run" / "run.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["settings"]["rules"] = "0" * 16
    path.write_text(json.dumps(manifest), "utf-8")

    assert served.client.post(f"{url}/resume").status_code == 200
    failed = finish(served.client, job_id)
    assert failed["state"] == "failed"
    assert "?fresh=true" in failed["reason"]
    assert len(results(served.client, job_id)) == cancelled["extracted"]

    fresh = served.client.post(f"{url}/resume", params={"fresh": True})
    assert fresh.status_code == 200
    job = finish(served.client, job_id)
    assert (job["state"], job["extracted"]) == ("done", 100)
    assert job["usage"]["calls"] >= 100
    assert [line["record_id"] for line in results(served.client, job_id)] == ids(100)
    wait_until(lambda: not list(path.parents[1].glob("run.*")))

"""The start and the end of ``extractor serve``: refused starts, kills, stops, drains, old jobs."""

import asyncio
import json
import shlex
import sqlite3
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx2
import pytest

from extractor.apps.serve import jobs as service_jobs
from extractor.apps.serve import service as service_module
from extractor.apps.serve.drain import is_draining
from extractor.apps.serve.job import JobRun
from extractor.apps.serve.keys import Keys
from extractor.apps.serve.store import open_store
from tests.commands import PATIENCE_S, invoke
from tests.faults.server import serve_faults
from tests.llm.stub import serve as serve_stub
from tests.mounting import UNSHARE, needs_mount
from tests.tables import read_cases

from .running import (
    check_problem,
    ids,
    many,
    one,
    say_nothing,
    serve,
    serve_here,
    wait_until,
)


def start(root, *options, **environment):
    """Run the command, which must end by itself."""
    return invoke("serve", "--port", "0", "--root", root, *options, **environment)


@pytest.mark.parametrize(
    ("options", "token", "code", "message"), read_cases(__file__)["a_wrong_start"]
)
def test_a_wrong_start_is_refused(tmp_path, options, token, code, message):
    done = start(tmp_path / "root", *options, EXTRACTOR_TOKEN=token)
    assert (done.exit_code, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_caller_s_key_does_not_become_the_operator_s(tmp_path):
    with closing(open_store(tmp_path / "root")) as store:
        key = Keys(store).add("anna")
        Keys(store).revoke("anna")
    done = start(tmp_path / "root", EXTRACTOR_TOKEN=key)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "EXTRACTOR_TOKEN is the key of the caller anna" in done.stderr
    assert key not in done.stderr


async def test_a_small_service_from_its_start_to_its_end(tmp_path, capsys):
    """It creates a token, prints its URL, and rejects what is beyond its queue."""
    is_full = threading.Event()

    def say_nothing_when_full(request):
        assert is_full.wait(PATIENCE_S)
        return say_nothing(request)

    options = ("--workers", "1", "--queue", "4", "--concurrency", "2", "--playground")
    root = tmp_path / "root"
    with serve_stub(say_nothing_when_full) as stub:
        model = ("--model", f"{stub.url}#stub")
        with serve_here(root, *model, *options, token="") as service:
            started = capsys.readouterr()
            assert started.out == f"{service.url}\n"
            assert f"created a new service in {root}" in started.err
            assert f"open {service.url} in a browser" in started.err
            command = started.err.partition("the token: ")[2].splitlines()[0]
            shell = ["sh", "-c", f'{command}; printf %s "$EXTRACTOR_TOKEN"']
            token = subprocess.run(shell, capture_output=True, text=True, check=True)
            assert len(token.stdout) == 64
            for path in (root / "token", service.log):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
            # with the token of another service
            assert service.client.get("/v1/jobs").status_code == 401
            url = f"{service.url}/v1/extractions"
            headers = {"authorization": f"Bearer {token.stdout}"}
            limits = httpx2.Limits(max_connections=None)
            async with httpx2.AsyncClient(timeout=300, limits=limits) as sender:

                async def post(body):
                    answer = await sender.post(url, content=body, headers=headers)
                    if answer.status_code != 200:
                        is_full.set()
                    return answer

                posts = [post(one(number + 1)) for number in range(30)]
                answers = await asyncio.gather(*posts)
            refused = [answer for answer in answers if answer.status_code != 200]
            assert 4 <= len(answers) - len(refused) < 30
            for answer in refused:
                check_problem(answer, 429, "queue-full")
                assert answer.headers["retry-after"] == "1"
        ended = capsys.readouterr().err
        assert "stopped" in ended
        assert token.stdout not in ended + service.log.read_text("utf-8")
        (started,) = service.list_events("service_started")
        assert (started["model"], started["workers"]) == ("stub", 1)
        assert service.list_events("service_ended")


@pytest.mark.slow
def test_jobs_go_on_after_a_kill_and_after_a_stop(tmp_path):
    """A job with the model is running, and one without a model waits."""
    root = tmp_path / "root"
    with serve_faults() as faults:
        faults.holds_after = 10
        options = ("--model", f"{faults.url}#stub", "--workers", "1", "--jobs", "1")
        options += ("--concurrency", "4")
        with serve(root, *options) as first:
            asked = first.client.submit(many(20), effort="full")["id"]
            waiting = first.client.submit(many(3), effort="none")["id"]
            wait_for_results(first, asked)
            first.process.kill()
            first.process.wait()
        faults.holds_after = None
        torn = root / "partial" / ("0" * 32)
        (torn / "upload").mkdir(parents=True)
        after_kill = faults.calls
        with serve(root, *options) as second:
            for job_id, count in ((asked, 20), (waiting, 3)):
                job = second.client.finish(job_id)
                assert (job["state"], job["extracted"]) == ("done", count)
                found = [line["record_id"] for line in second.client.results(job_id)]
                assert found == ids(count)
            assert not torn.exists()
            faults.holds_after = faults.calls + 10
            job_id = second.client.submit(many(200, 1000), effort="full")["id"]
            wait_for_results(second, job_id)
            second.process.terminate()
            faults.holds_after = None
            assert second.process.wait(120) == 0
        assert 0 < after_kill < faults.calls
    stopped = json.loads(ask(root, f"SELECT job FROM jobs WHERE id = '{job_id}'"))
    assert stopped["state"] == "queued"
    assert 0 < stopped["extracted"] < 200
    open_calls = "SELECT count(*) FROM calls WHERE answer IS NULL"
    assert ask_run(root, job_id, open_calls) == 0
    # only calls under way at the kill have no answer, and no answered call was repeated
    assert ask_run(root, asked, open_calls) <= 4
    repeated = (
        "SELECT count(*) FROM calls AS later WHERE EXISTS (SELECT 1 FROM calls AS earlier "
        "WHERE earlier.key = later.key AND earlier.id < later.id AND earlier.state = 'answered')"
    )
    assert ask_run(root, asked, repeated) == 0


@pytest.mark.slow
def test_a_cancelled_job_stays_cancelled_after_a_kill(tmp_path):
    """The service is killed before the records in progress have ended."""
    root = tmp_path / "root"
    with serve_faults() as faults:
        faults.holds_after = 2
        options = ("--model", f"{faults.url}#stub", "--workers", "1")
        with serve(root, *options, "--concurrency", "2") as first:
            job_id = first.client.submit(many(3), effort="full")["id"]
            wait_until(lambda: faults.calls > 2)
            cancelled = first.client.post(f"/v1/jobs/{job_id}/cancel").json()
            assert cancelled["state"] == "running"
            first.process.kill()
            first.process.wait()
        faults.holds_after = None
        calls = faults.calls
        with serve_here(root, *options) as second:
            job = second.client.get(f"/v1/jobs/{job_id}").json()
            assert (job["state"], faults.calls) == ("cancelled", calls)
            assert job["ended"]
            assert second.client.post(f"/v1/jobs/{job_id}/resume").status_code == 200
            job = second.client.finish(job_id)
            assert (job["state"], job["extracted"]) == ("done", 3)


@pytest.mark.slow
def test_a_job_counts_the_results_of_a_start_that_was_killed(tmp_path):
    """After the restart, the model answers no call."""
    root = tmp_path / "root"
    with serve_faults() as faults:
        faults.holds_after = 10
        options = ("--model", f"{faults.url}#stub", "--workers", "1")
        options += ("--concurrency", "4")
        with serve(root, *options) as first:
            job_id = first.client.submit(many(20), effort="full")["id"]
            wait_for_results(first, job_id)
            first.process.kill()
            first.process.wait()
        calls = faults.calls
        with serve(root, *options) as second:
            url = f"/v1/jobs/{job_id}"
            assert second.client.get(url).json()["extracted"] >= 5
            wait_until(lambda: faults.calls > calls)
            assert second.client.get(url).json()["extracted"] >= 5
            second.process.kill()
            faults.holds_after = None


def ask(root, sql, file="service.sqlite"):
    """The value of a query to a file of the service."""
    with closing(sqlite3.connect(root / file)) as store:
        return store.execute(sql).fetchone()[0]


def ask_run(root, job_id, sql):
    return ask(root, sql, f"jobs/operator/{job_id}/run/run.sqlite")


def wait_for_results(service, job_id):
    """Wait until some of a job's records are finished, but not all."""
    with service.client.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
        lines = (line for line in answer.iter_lines() if line == "event: record_done")
        for _ in range(5):
            next(lines)
    assert service.client.get(f"/v1/jobs/{job_id}").json()["state"] == "running"


def test_a_stop_begins_no_call_and_ends_although_the_model_never_answers(
    tmp_path, prices, capsys, monkeypatch
):
    """An extraction, a job and a stream of its events are under way. Each call may take 600
    seconds.
    """
    monkeypatch.setattr("extractor.apps.serve.service._STOP_TIMEOUT_S", 0.3)
    root = tmp_path / "root"
    with serve_faults() as faults:
        faults.holds_after = 6
        options = ("--model", f"{faults.url}#stub", *prices)
        options += ("--concurrency", "3", "--timeout", "500", "--workers", "1")
        with ThreadPoolExecutor(1) as thread, serve_here(root, *options) as service:
            job_id = service.client.submit(many(50), effort="full")["id"]
            wait_until(lambda: faults.calls >= 9)
            with service.client.stream("GET", f"/v1/jobs/{job_id}/events") as events:
                lines = events.iter_lines()
                next(lines)
                asked = thread.submit(service.client.extract, one(7), effort="full")
                wait_until(lambda: faults.calls >= 10)
                service.stop()
                assert list(lines), "the stream ends as it should"
                check_problem(asked.result(), 503, "not-ready")
        assert faults.calls == 10
        logged = capsys.readouterr().err
        assert "ERROR" not in logged
        assert "Traceback" not in logged
        faults.holds_after = None
    assert ask_run(root, job_id, "SELECT count(*) FROM requests") == 3
    answered = ask_run(root, job_id, "SELECT sum(dollars) FROM calls")
    assert ask(root, "SELECT sum(dollars) FROM spending") > answered > 0


def test_a_drained_service_ends_its_jobs_and_takes_no_new_ones(tmp_path):
    root = tmp_path / "root"
    with serve_here(root, "--workers", "1", "--jobs", "1") as service:
        service.client.submit(many(60))
        waiting = service.client.submit(many(2))["id"]
        with ThreadPoolExecutor(1) as thread:
            drained = thread.submit(invoke, "serve", "drain", "--root", root)
            wait_until(lambda: is_draining(root))
            refused = service.client.post("/v1/jobs", content=one())
            check_problem(refused, 503, "not-ready")
            assert refused.headers["retry-after"] == "60"
            assert service.client.extract(one()).status_code == 200
            assert "no job is running" in drained.result(300).stdout
        listed = service.client.get("/v1/jobs").json()
        assert [job["state"] for job in listed] == ["queued", "done"]
    assert (
        "no service is running here" in invoke("serve", "drain", "--root", root).output
    )
    with serve_here(root, "--workers", "1") as service:
        assert service.client.finish(waiting)["state"] == "done"
        assert not is_draining(root)


def test_old_jobs_are_deleted_but_not_those_that_wait_for_money(tmp_path):
    root = tmp_path / "root"
    with serve_here(root, "--workers", "1") as service:
        jobs = [service.client.submit(one())["id"] for _ in range(3)]
        for job_id in jobs:
            service.client.finish(job_id)
    old = {"ended": "2026-01-01T00:00:00+00:00"}
    for job_id, changes in ((jobs[0], old), (jobs[1], old | {"state": "paused"})):
        with closing(sqlite3.connect(root / "service.sqlite")) as store:
            sql = "UPDATE jobs SET job = json_patch(job, ?) WHERE id = ?"
            store.execute(sql, (json.dumps(changes), job_id))
            store.commit()
    with serve_here(root, "--workers", "1", "--keep-days", "1") as service:
        wait_until(lambda: service.list_events("job_deleted"))
        service.client.finish(jobs[1])
        left = {job["id"] for job in service.client.get("/v1/jobs").json()}
        assert left == set(jobs[1:])
        assert {path.name for path in (root / "jobs" / "operator").iterdir()} == left


def test_a_job_whose_start_fails_unexpectedly_is_started_again(tmp_path, monkeypatch):
    failures = [KeyError("a variable")]

    def fail_once(*settings):
        if failures:
            raise failures.pop()
        return JobRun(*settings)

    monkeypatch.setattr(service_jobs, "JobRun", fail_once)
    monkeypatch.setattr(service_jobs, "_WATCH_S", 0.05)
    with serve_here(tmp_path / "root", "--workers", "1") as service:
        job = service.client.submit(one())
        assert job["state"] == "queued"
        assert service.client.finish(job["id"])["state"] == "done"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (("--timeout", "1"), "longer than 1 seconds"),
        (("--record-timeout", "0.1"), "longer than 0.1 seconds of processor time"),
    ],
)
def test_too_slow_a_record_is_given_up_and_others_are_served(tmp_path, limit, words):
    criteria = "\n".join(
        f"- HbA1c of at least {n}.5 % and BMI < {n}" for n in range(9000)
    )
    with serve_here(tmp_path / "root", "--workers", "1", *limit) as service:
        slow = service.client.extract(criteria.encode(), "text/plain")
        assert words in check_problem(slow, 504, "took-too-long")["detail"]
        wait_until(lambda: service.client.extract(one()).status_code == 200)


def test_a_service_is_ready_only_while_its_store_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(service_module, "_STORE_CHECK_S", 0.0)
    store = tmp_path / "root" / "service.sqlite"
    moved = store.with_name("moved")
    with serve_here(tmp_path / "root", "--workers", "1") as service:
        assert service.client.get("/readyz").status_code == 200
        store.rename(moved)
        problem = check_problem(service.client.get("/readyz"), 503, "not-ready")
        assert "it was deleted, moved or replaced" in problem["detail"]
        assert str(tmp_path) not in str(problem)
        moved.rename(store)
        assert service.client.get("/readyz").status_code == 200


@needs_mount
@pytest.mark.slow
@pytest.mark.parametrize("words", [["--port", "0"], ["keys", "list"]], ids=" ".join)
def test_a_root_that_cannot_be_written_is_refused_with_a_remedy(words, tmp_path):
    open_store(tmp_path).close()
    root = shlex.quote(str(tmp_path))
    mount = (
        f'mount --bind {root} {root} && mount -o remount,bind,ro {root} && exec "$@"'
    )
    program = (*UNSHARE, "sh", "-c", mount, "sh", sys.executable, "-m", "extractor")
    done = subprocess.run(
        [*program, "serve", *words, "--root", tmp_path],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    said = f"{tmp_path}: the folder cannot be written (it is read-only); change its permiss"
    assert said in done.stderr.decode()


@needs_mount
@pytest.mark.slow
def test_a_full_disk_is_named_to_the_caller_and_the_operator(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    mount = f'mount -t tmpfs -o size=2m tmpfs {shlex.quote(str(root))} && exec "$@"'
    program = (*UNSHARE, "sh", "-c", mount, "sh", sys.executable, "-m", "extractor")
    with serve(root, "--workers", "1", program=program) as service:
        job_id = service.client.submit(many(1500), effort="none")["id"]
        job = service.client.finish(job_id)
        assert job["state"] == "failed"
        assert "the service's disk is full" in job["reason"]
        assert service.client.get("/healthz").status_code == 200
        problem = check_problem(service.client.get("/readyz"), 503, "not-ready")
        assert "No space left on device" in problem["detail"]
    assert "the disk is full" in service.errors
    assert "Traceback" not in service.errors

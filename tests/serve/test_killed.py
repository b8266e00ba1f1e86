"""The service is killed (SIGKILL) and started again; jobs go on, and nothing is paid twice."""

import json
import signal
import sqlite3
from contextlib import closing

from tests.llm.stub import serve as serve_stub

from .running import Answers, check_problem, finish, many, results, serve, submit

COUNT, CONCURRENCY = 20, 4


def test_jobs_go_on_after_a_kill(tmp_path):
    """One test, since its starts are dear. A job with the model is under way, and one by the rules waits."""
    root, answers = tmp_path / "root", Answers()
    with serve_stub(answers) as stub:
        options = ("--model", f"{stub.url}#stub", "--workers", "1", "--jobs", "1", "--concurrency", str(CONCURRENCY))
        with serve(root, *options) as first:
            asked = submit(first.client, many(COUNT), assist="always")["id"]
            waiting = submit(first.client, many(3), assist="never")["id"]
            wait_for_results(first, asked)
            first.process.kill()
            first.process.wait()
        answers.release()
        torn, after_kill = tear_upload(root), len(stub.requests)
        with serve(root, *options) as second:
            ended = [finish(second.client, job_id) for job_id in (asked, waiting)]
            assert [(job["state"], job["extracted"]) for job in ended] == [("done", COUNT), ("done", 3)]
            check_lines(results(second.client, asked), COUNT)
            check_lines(results(second.client, waiting), 3)
            check_problem(second.client.get(f"/v1/jobs/{torn.name}"), 404, "no-such-job")
            assert not torn.exists()
            answers.hold()
            check_stop(second, answers)
        assert 0 < after_kill < len(stub.requests)
        check_calls(root / "jobs" / "operator" / asked / "run" / "run.sqlite")


def check_stop(service, answers):
    """That a stop ends a job in order, which waits for the next start."""
    job_id = submit(service.client, many(10 * COUNT, 1000), assist="always")["id"]
    wait_for_results(service, job_id)
    service.process.send_signal(signal.SIGTERM)
    answers.release()
    assert service.process.wait(120) == -signal.SIGTERM
    folder = service.root / "jobs" / "operator" / job_id
    stopped = json.loads((folder / "job.json").read_text("utf-8"))
    assert stopped["state"] == "queued"
    assert 0 < stopped["extracted"] < 10 * COUNT
    with closing(sqlite3.connect(folder / "run" / "run.sqlite")) as run:
        assert run.execute("SELECT count(*) FROM calls WHERE status IS NULL").fetchone() == (0,)


def check_lines(lines, count):
    """That every record is there once, in the order of the upload."""
    assert [line["record_id"] for line in lines] == [f"NCT{n:08d}" for n in range(1, count + 1)]


def check_calls(store):
    """That what was answered was not asked again: only calls that were on their way at the kill have no answer."""
    with closing(sqlite3.connect(store)) as run:
        (unanswered,) = run.execute("SELECT count(*) FROM calls WHERE status IS NULL").fetchone()
        repeated = run.execute(
            "SELECT count(*) FROM calls AS later WHERE EXISTS (SELECT 1 FROM calls AS earlier JOIN chains"
            " ON chains.id = earlier.chain WHERE earlier.key = later.key AND earlier.id < later.id"
            " AND earlier.status = 200 AND verdict = 'valid')"
        ).fetchone()
    assert repeated == (0,)
    assert unanswered <= CONCURRENCY


def tear_upload(root):
    """An upload that was under way at a kill."""
    torn = root / "jobs" / "operator" / ("0" * 32)
    (torn / "upload").mkdir(parents=True)
    (torn / "upload" / ".records.coming").write_bytes(b"{")
    return torn


def wait_for_results(service, job_id):
    """Until a start of the service has finished some of a job's records, and not all."""
    with service.client.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
        started = done = 0
        for line in answer.iter_lines():
            started += line == "event: run_started"
            done += line == "event: record_done"
            if done >= 5 * started > 0 and job_is_running(service, job_id):
                return
    raise AssertionError("the job ended before it could be stopped")


def job_is_running(service, job_id):
    return service.client.get(f"/v1/jobs/{job_id}").json()["state"] == "running"

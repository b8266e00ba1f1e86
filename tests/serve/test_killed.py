"""The service is killed (SIGKILL) and started again; jobs continue, and nothing is paid twice."""

import json
import signal
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from benchmarks.servers import answer_request
from tests.llm.stub import Scripted
from tests.llm.stub import serve as serve_stub

from .running import check_problem, finish, ids, many, results, serve, submit

pytestmark = pytest.mark.slow

COUNT = 20
CONCURRENCY = 4


class Answers:
    """Valid answers after a tenth of a second. ``block`` allows two dozen more until
    ``release``.
    """

    def __init__(self):
        self._free = threading.Event()
        self.block()

    def __call__(self, request):
        self._left -= 1
        if self._left < 0:
            self._free.wait()
        time.sleep(0.1)
        return Scripted(body=json.dumps(answer_request(request)))

    def block(self):
        self._left = 24
        self._free.clear()

    def release(self):
        self._free.set()


def test_jobs_go_on_after_a_kill_and_after_a_stop(tmp_path):
    """One test, because starts are slow. A job with the model is running, and one without a
    model waits.
    """
    root = tmp_path / "root"
    answers = Answers()
    with serve_stub(answers) as stub:
        options = (
            "--model",
            f"{stub.url}#stub",
            "--workers",
            "1",
            "--jobs",
            "1",
            "--concurrency",
            str(CONCURRENCY),
        )
        with serve(root, *options) as first:
            asked = submit(first.client, many(COUNT), effort="all")["id"]
            waiting = submit(first.client, many(3), effort="none")["id"]
            wait_for_results(first, asked)
            first.process.kill()
            first.process.wait()
        answers.release()
        torn = tear_upload(root)
        after_kill = len(stub.requests)
        with serve(root, *options) as second:
            for job_id, count in ((asked, COUNT), (waiting, 3)):
                job = finish(second.client, job_id)
                assert (job["state"], job["extracted"]) == ("done", count)
                assert [
                    line["record_id"] for line in results(second.client, job_id)
                ] == ids(count)
            check_problem(
                second.client.get(f"/v1/jobs/{torn.name}"), 404, "no-such-job"
            )
            assert not torn.exists()
            answers.block()
            check_stop(second, answers)
        assert 0 < after_kill < len(stub.requests)
        check_calls(root / "jobs" / "operator" / asked / "run" / "run.sqlite")


def check_stop(service, answers):
    """Check that a stop ends a job in order, and that the job waits for the next start."""
    job_id = submit(service.client, many(10 * COUNT, 1000), effort="all")["id"]
    wait_for_results(service, job_id)
    service.process.send_signal(signal.SIGTERM)
    answers.release()
    assert service.process.wait(120) == -signal.SIGTERM
    folder = service.root / "jobs" / "operator" / job_id
    stopped = json.loads((folder / "job.json").read_text("utf-8"))
    assert stopped["state"] == "queued"
    assert 0 < stopped["extracted"] < 10 * COUNT
    with closing(sqlite3.connect(folder / "run" / "run.sqlite")) as run:
        assert run.execute(
            "SELECT count(*) FROM calls WHERE answer IS NULL"
        ).fetchone() == (0,)


def check_calls(store):
    """Check that no answered call was repeated: only calls under way at the kill have no answer."""
    with closing(sqlite3.connect(store)) as run:
        (unanswered,) = run.execute(
            "SELECT count(*) FROM calls WHERE answer IS NULL"
        ).fetchone()
        repeated = run.execute(
            "SELECT count(*) FROM calls AS later WHERE EXISTS (SELECT 1 FROM calls AS earlier"
            " WHERE earlier.key = later.key AND earlier.id < later.id AND earlier.state = "
            "'answered')"
        ).fetchone()
    assert repeated == (0,)
    assert unanswered <= CONCURRENCY


def tear_upload(root):
    """Simulate an upload that a kill interrupted."""
    torn = root / "jobs" / "operator" / ("0" * 32)
    (torn / "upload").mkdir(parents=True)
    (torn / "upload" / ".records.coming").write_bytes(b"{")
    return torn


def wait_for_results(service, job_id):
    """Wait until some of a job's records are finished, but not all."""
    with service.client.stream("GET", f"/v1/jobs/{job_id}/events") as answer:
        done = 0
        for line in answer.iter_lines():
            done += line == "event: record_done"
            if done >= 5:
                break
    assert service.client.get(f"/v1/jobs/{job_id}").json()["state"] == "running"

"""Records with errors and dying processes are reported at once, and the others continue."""

import os
import shlex
import sys

import pytest

from tests.failing import FOLDER, RAISED, path_with_failures
from tests.mounting import UNSHARE, needs_mount

from .running import (
    check_problem,
    failures,
    finish,
    ids,
    many,
    one,
    post,
    results,
    serve,
    submit,
)

pytestmark = pytest.mark.slow


def failing(how, number=50):
    return one(number, f"It fails by {how}.")


@pytest.mark.parametrize("error", RAISED)
def test_an_error_at_one_record_is_its_problem(served, error):
    problem = check_problem(
        post(served.client, failing(error), effort="none"), 500, "internal"
    )
    assert f"an unexpected {error} at failing/__init__.py:" in problem["detail"]


@pytest.mark.parametrize("effort", ["none", "all"])
def test_a_record_that_kills_its_process_is_reported_at_once(served, effort):
    problem = check_problem(
        post(served.client, failing("kill"), effort=effort), 500, "internal"
    )
    assert "the process that extracted it died" in problem["detail"]
    assert post(served.client, one(), effort=effort).status_code == 200


def test_a_body_that_kills_its_reader_ends_a_worker_and_not_the_service(served):
    problem = check_problem(
        post(served.client, one(1, "no reader survives")), 500, "internal"
    )
    assert "the process that extracted it died" in problem["detail"]
    assert post(served.client, one()).status_code == 200


@pytest.mark.parametrize("effort", ["none", "all"])
def test_a_job_fails_at_these_records_alone(served, effort):
    ways = (*RAISED, "kill")
    lost = served.log.read_text("utf-8").count('"worker_lost"')
    bodies = [
        one(1),
        *(failing(how, 50 + number) for number, how in enumerate(ways)),
        one(2),
    ]
    job = finish(
        served.client, submit(served.client, b"\n".join(bodies), effort=effort)["id"]
    )
    assert (job["state"], job["extracted"], job["failed"]) == ("done", 2, len(ways)), (
        job
    )
    assert [line["record_id"] for line in results(served.client, job["id"])] == ids(2)
    assert sorted(
        failure["record_id"] for failure in failures(served.client, job["id"])
    ) == ids(len(ways), 50)
    # in the service's log, too, where its operator looks
    assert served.log.read_text("utf-8").count('"worker_lost"') > lost


STARTUP = f"""
import runpy, sys
from importlib.abc import MetaPathFinder

class Watch(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "extractor.apps.serve.job":
            import extractor.formats as stage
            stage.read_records = break_off(stage.read_records)
        if name == "extractor.concepts.parse" and BROKEN and "spawn_main" in str(sys.orig_argv):
            raise ImportError("half of it is missing")

def break_off(read_records):
    def read(*arguments, **options):
        yield next(read_records(*arguments, **options))
        raise KeyError("a word of the record")
    return read

sys.meta_path.insert(0, Watch())
runpy.run_path({str(FOLDER / "sitecustomize.py")!r})
"""


def serve_with(folder, *options, broken=False):
    """A service that fails after one record of an upload. If ``broken``, its processes cannot
    start.
    """
    (folder / "sitecustomize.py").write_text(f"BROKEN = {broken}{STARTUP}")
    path = os.pathsep.join((str(folder), path_with_failures()))
    return serve(folder / "root", "--workers", "1", *options, PYTHONPATH=path)


def test_too_slow_a_record_is_given_up_and_an_unreadable_upload_fails_with_what_was_read(
    tmp_path,
):
    with serve_with(tmp_path, "--timeout", "2") as service:
        check_problem(post(service.client, failing("sleep")), 504, "took-too-long")
        while (answer := post(service.client, one())).status_code != 200:
            check_problem(answer, 504, "took-too-long")  # until the process is replaced
        job = finish(service.client, submit(service.client, many(2))["id"])
        assert (job["state"], job["extracted"], job["failed"]) == ("failed", 1, 1)
        problem = "the upload could not be read to its end: an unexpected KeyError at "
        assert job["reason"].startswith(problem)


def test_processes_that_cannot_start_are_reported(tmp_path):
    """One of their modules is broken, as after a failed update."""
    with serve_with(tmp_path, broken=True) as service:
        check_problem(post(service.client, one()), 503, "not-ready")
        answer = service.client.get("/readyz")
        assert "worker processes" in check_problem(answer, 503, "not-ready")["detail"]
        assert answer.headers["retry-after"]
        assert service.client.get("/healthz").status_code == 200
        job = finish(service.client, submit(service.client, many(1))["id"])
        assert (job["state"], job["failed"]) == ("failed", 1)
        assert "ImportError" in service.errors


@needs_mount
def test_a_full_disk_is_named_to_the_caller_and_the_operator(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    mount = f'mount -t tmpfs -o size=2m tmpfs {shlex.quote(str(root))} && exec "$@"'
    program = (*UNSHARE, "sh", "-c", mount, "sh", sys.executable, "-m", "extractor")
    with serve(root, "--workers", "1", program=program) as service:
        job = finish(
            service.client, submit(service.client, many(1500), effort="none")["id"]
        )
        assert job["state"] == "failed"
        assert (
            job["reason"]
            == "the service's disk is full; resume the job when its operator has made room"
        )
        assert service.client.get("/healthz").status_code == 200
    assert "None" not in service.errors
    assert "--out" not in service.errors
    assert "Traceback" not in service.errors

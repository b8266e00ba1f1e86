"""Records that the program fails at, and processes that die: each is told at once, and the others go on."""

import json
from contextlib import contextmanager
from unittest.mock import Mock

import pytest

from extractor.llm.client import ClientSettings
from extractor.options import Assist, ExtractionOptions
from extractor.run.budget import Pricing
from extractor.serve import job_process
from extractor.serve.extracting import read_single
from extractor.serve.job_process import JobPlan
from extractor.serve.messages import Ending
from tests.failing import RAISED, path_with_failures
from tests.llm.stub import serve as serve_stub

from .running import check_problem, finish, many, one, results, say_nothing, serve, study, submit


def failing(how, number=50):
    return json.dumps(study(number, f"It fails by {how}.")).encode()


def post(service, body, **query):
    headers = {"content-type": "application/json"}
    return service.client.post("/v1/extractions", content=body, params=query, headers=headers)


@contextmanager
def serve_failing(folder):
    options = ("--workers", "1", "--jobs", "1", "--timeout", "50")
    with (
        serve_stub(say_nothing) as stub,
        serve(folder / "root", "--model", f"{stub.url}#stub", *options, PYTHONPATH=path_with_failures()) as service,
    ):
        yield service
        assert "a word of the record" not in service.errors


@pytest.fixture(scope="module")
def fragile(tmp_path_factory):
    with serve_failing(tmp_path_factory.mktemp("fragile")) as service:
        yield service


@pytest.mark.parametrize("assist", ["never", "always"])
@pytest.mark.parametrize("error", RAISED)
def test_what_one_record_raises_is_its_problem(fragile, error, assist):
    problem = check_problem(post(fragile, failing(error), assist=assist), 500, "internal")
    assert f"an unexpected {error} at sitecustomize.py:" in problem["detail"]
    assert post(fragile, one(), assist=assist).status_code == 200


def test_a_record_that_kills_its_process_is_told_at_once(fragile):
    problem = check_problem(post(fragile, failing("kill"), assist="never"), 500, "internal")
    assert "died (SIGKILL, as for want of memory)" in problem["detail"]
    assert post(fragile, one(), assist="never").status_code == 200


def test_where_others_shared_the_process_a_caller_may_try_again(fragile):
    answer = post(fragile, failing("kill"), assist="always")
    check_problem(answer, 503, "process-died")
    assert answer.headers["retry-after"] == "1"
    assert post(fragile, one(), assist="always").status_code == 200


@pytest.mark.parametrize(("assist", "ways"), [("never", (*RAISED, "kill")), ("always", RAISED)])
def test_a_job_fails_at_these_records_alone(fragile, assist, ways):
    bodies = [one(1), *(failing(how, 50 + number) for number, how in enumerate(ways)), one(2)]
    job = finish(fragile.client, submit(fragile.client, b"\n".join(bodies), assist=assist)["id"])
    assert (job["state"], job["extracted"], job["failed"]) == ("done", 2, len(ways)), job
    assert [line["record_id"] for line in results(fragile.client, job["id"])] == ["NCT00000001", "NCT00000002"]
    lines = fragile.client.get(f"/v1/jobs/{job['id']}/failures").text.splitlines()
    failed = sorted(json.loads(line)["record_id"] for line in lines)
    assert failed == [f"NCT{50 + number:08d}" for number in range(len(ways))]


def test_processes_that_cannot_start_are_told_with_their_cause(tmp_path):
    """A module that they need is broken, as after an update that went wrong."""
    (tmp_path / "sitecustomize.py").write_text(BREAKS_IN_CHILDREN)
    with serve(tmp_path / "root", "--workers", "1", PYTHONPATH=f"{tmp_path}:{path_with_failures()}") as service:
        problem = check_problem(post(service, one()), 503, "not-ready")
        assert "cannot start (ImportError at sitecustomize.py:" in problem["detail"]
        answer = service.client.get("/readyz")
        assert "cannot start (ImportError at sitecustomize.py:" in check_problem(answer, 503, "not-ready")["detail"]
        assert answer.headers["retry-after"]
        assert service.client.get("/healthz").status_code == 200
        job = finish(service.client, submit(service.client, many(1))["id"])
        assert (job["state"], job["failed"]) == ("failed", 0)
        assert "died 3 times (ImportError at sitecustomize.py:" in job["reason"]
        assert service.errors.count("a process that extracts cannot start (ImportError at sitecustomize.py:") == 1


BREAKS_IN_CHILDREN = """
import sys
from importlib.abc import MetaPathFinder

class Broken(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "extractor.read" and "forkserver" in str(sys.orig_argv):
            raise ImportError("half of it is missing")

sys.meta_path.insert(0, Broken())
"""


def test_an_upload_that_cannot_be_read_to_its_end_fails_with_what_was_read(tmp_path, monkeypatch):
    def read_one(*_, **__):
        yield read_single("a.json", one(), 1000)
        raise KeyError("a word of the record")

    monkeypatch.setattr(job_process, "read_records", read_one)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "upload").mkdir()
    line = Mock()
    plan = JobPlan(tmp_path, "anna", ExtractionOptions(assist=Assist.NEVER), Pricing(), ClientSettings(), 1, 1)
    job_process.perform_job(line, plan)
    ended = line.send.call_args.args[0]
    assert (ended.ending, ended.progress.extracted, ended.progress.failed) == (Ending.FAILED, 1, 1)
    assert ended.reason.startswith(
        "the upload could not be read to its end: an unexpected KeyError at test_failures.py:"
    )

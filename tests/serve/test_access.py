"""Keys, their limits, and callers who must not see each other."""

import subprocess
import sys
from contextlib import closing

import pytest

from extractor.serve.callers import CallerBook
from tests.llm.stub import serve as serve_stub

from .running import (
    NOBODYS,
    OPERATIONS,
    PRICES,
    TOKEN,
    check_problem,
    finish,
    many,
    one,
    post,
    results,
    say_nothing,
    serve,
    submit,
)

ON_A_JOB = [(method, path) for method, path in OPERATIONS if "{job_id}" in path]


@pytest.fixture(scope="module")
def anna(served):
    with served.add_caller("anna") as client:
        yield client


@pytest.fixture(scope="module")
def ben(served):
    with served.add_caller("ben") as client:
        yield client


def run_keys(*arguments):
    command = [sys.executable, "-m", "extractor", "serve", "keys", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("path", ["/v1/jobs", f"/v1/jobs/{NOBODYS}/results"])
@pytest.mark.parametrize(
    "given",
    [None, "Bearer x", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer xk_" + "a" * 43, "Bearer \xe9"]
    + [f"{scheme} {TOKEN}".strip() for scheme in ("Basic", "Token", "")],
)
def test_without_a_valid_key_everything_is_refused(anybody, path, given):
    headers = {} if given is None else {"authorization": given.encode("latin-1")}
    answer = anybody.get(path, headers=headers, params={"key": TOKEN, "token": TOKEN})
    check_problem(answer, 401, "no-key")
    assert answer.headers["www-authenticate"] == "Bearer"
    check_problem(anybody.post("/v1/extractions", content=one(), headers=headers), 401, "no-key")


def test_callers_do_not_see_each_other_s_jobs(served, anna, ben):
    job_id = submit(anna, one(), assist="never")["id"]
    finish(anna, job_id)
    assert results(anna, job_id)
    for other in (ben, served.client):
        for method, path in ON_A_JOB:
            problem = check_problem(other.request(method, path.format(job_id=job_id)), 404, "no-such-job")
            nobodys = other.request(method, path.format(job_id=NOBODYS)).json()
            assert problem | {"instance": ""} == nobodys | {"instance": ""}
        assert job_id not in [job["id"] for job in other.get("/v1/jobs").json()]
    assert anna.get(f"/v1/jobs/{job_id}").json()["state"] == "done"


def test_a_revoked_key_is_invalid_at_once(served):
    with served.add_caller("carla") as client:
        assert client.get("/v1/jobs").status_code == 200
        run_keys("revoke", "carla", "--root", str(served.root))
        check_problem(client.get("/v1/jobs"), 401, "no-key")


def test_keys_are_stored_as_hashes_and_listed_without(served):
    root = ("--root", str(served.root))
    key = run_keys("add", "dora", "--requests-per-minute", "50", *root).strip()
    files = [path.read_bytes() for path in served.root.iterdir() if path.is_file()]
    assert any(b"dora" in content for content in files)
    assert not any(key[3:].encode() in content for content in files)
    listed = run_keys("list", *root)
    assert key not in listed
    (line,) = [line.split("\t") for line in listed.splitlines() if line.startswith("dora")]
    assert line[2:] == ["50"]


@pytest.mark.parametrize("name", ["operator", "dora", "Anna", "a/b", "..", "", "a" * 41])
def test_a_name_that_is_taken_or_wrong_is_refused(tmp_path, name):
    with closing(CallerBook(tmp_path)) as book:
        book.add("dora", 600)
        with pytest.raises(ValueError, match=r"choose another|revoke it first"):
            book.add(name, 600)


def test_too_many_requests_in_a_minute_are_refused_with_the_time_to_wait(served):
    with served.add_caller("emil", requests_per_minute=6) as client:
        answers = [client.get("/v1/jobs") for _ in range(3)]
    assert answers[0].status_code == 200
    check_problem(answers[-1], 429, "rate-limit")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10


def test_at_the_limit_of_money_jobs_pause_and_the_rules_go_on(tmp_path):
    """A call of the stub costs 110 millionths of a dollar; what it may cost at most is reserved before it."""
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)
    with serve_stub(say_nothing) as stub:
        options = ("--model", f"{stub.url}#stub", "--prices", str(prices), "--max-usd", "0.02", "--workers", "1")
        with serve(tmp_path / "root", *options) as service:
            job = finish(service.client, submit(service.client, many(120), assist="always")["id"])
            assert (job["state"], "limit" in job["reason"]) == ("paused", True)
            assert 0 < job["usage"]["calls"] * 110e-6 <= 0.02
            for path in ("/v1/extractions", "/v1/jobs", f"/v1/jobs/{job['id']}/resume"):
                problem = check_problem(service.client.post(path, content=one()), 402, "spending-limit")
                assert "assist=never" in problem["remedy"]
            assert post(service.client, one(), assist="never").status_code == 200
        with serve(tmp_path / "root", *options[:-4], "--max-usd", "1", "--workers", "1") as service:
            again = finish(service.client, job["id"])  # the next start goes on
            assert (again["state"], again["extracted"]) == ("done", 120)
            assert again["usage"]["calls"] + job["usage"]["calls"] == 240  # two a record, none twice

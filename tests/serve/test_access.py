"""Keys, their limits, and callers who must not see each other."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from extractor.serve.callers import CallerBook, CallerLimits

from .running import TOKEN, check_problem, finish, many, one, results, submit

BODY = {"content-type": "application/json"}
PATHS = ["/v1/jobs", "/metrics", "/v1/jobs/0f1e2d3c4b5a69788796a5b4c3d2e1f0/results"]


@pytest.fixture(scope="module")
def anna(served):
    with served.client_of(served.add_key("anna")) as client:
        yield client


@pytest.fixture(scope="module")
def ben(served):
    with served.client_of(served.add_key("ben", max_jobs=1, max_bytes=2000)) as client:
        yield client


def run_keys(*arguments):
    command = [sys.executable, "-m", "extractor", "serve", "keys", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", [None, "x", TOKEN + "x", TOKEN[:-1], "xk_" + "a" * 43, "\xe9"])
def test_without_a_valid_key_nothing_is_told(served, path, key):
    headers = {} if key is None else {"authorization": f"Bearer {key}".encode("latin-1")}
    with served.client_of(None) as client:
        answer = client.get(path, headers=headers)
        check_problem(answer, 401, "no-key")
        assert answer.headers["www-authenticate"] == "Bearer"
        answer = client.post("/v1/extractions", content=one(), headers=BODY | headers)
        check_problem(answer, 401, "no-key")


@pytest.mark.parametrize("scheme", ["Basic", "Token", ""])
def test_a_key_in_another_scheme_is_none(served, scheme):
    with served.client_of(None) as client:
        check_problem(client.get("/v1/jobs", headers={"authorization": f"{scheme} {TOKEN}".strip()}), 401, "no-key")
        check_problem(client.get("/v1/jobs", params={"key": TOKEN, "token": TOKEN}), 401, "no-key")


def test_health_needs_no_key(served):
    with served.client_of(None) as client:
        assert client.get("/healthz").json() == client.get("/readyz").json() == {"status": "ok"}


def test_callers_do_not_see_each_other_s_jobs(served, anna, ben):
    job_id = submit(anna, one(), assist="never")["id"]
    finish(anna, job_id)
    assert results(anna, job_id)
    for other in (ben, served.client):
        for method, path in (
            ("GET", ""),
            ("GET", "/events"),
            ("GET", "/results"),
            ("GET", "/failures"),
            ("POST", "/cancel"),
            ("POST", "/resume"),
            ("DELETE", ""),
        ):
            problem = check_problem(other.request(method, f"/v1/jobs/{job_id}{path}"), 404, "no-such-job")
            nobodys = other.request(method, f"/v1/jobs/0f1e2d3c4b5a69788796a5b4c3d2e1f0{path}").json()
            assert problem | {"instance": ""} == nobodys | {"instance": ""}
        assert job_id not in [job["id"] for job in other.get("/v1/jobs").json()]
    assert anna.get(f"/v1/jobs/{job_id}").json()["state"] == "done"


def test_figures_are_for_the_operator(served, anna):
    check_problem(anna.get("/metrics"), 403, "not-allowed")
    figures = served.client.get("/metrics").text
    assert 'extractor_jobs{state="done"}' in figures
    assert "anna" not in figures


def test_a_revoked_key_is_none_at_once(served):
    key = served.add_key("carla")
    with served.client_of(key) as client:
        assert client.get("/v1/jobs").status_code == 200
        run_keys("revoke", "carla", "--root", str(served.root))
        check_problem(client.get("/v1/jobs"), 401, "no-key")


def test_keys_are_kept_as_hashes_and_listed_without(served):
    root = ("--root", str(served.root))
    key = run_keys("add", "dora", "--requests-per-minute", "50", "--max-usd", "2.5", *root).strip()
    files = [path.read_bytes() for path in served.root.iterdir() if path.is_file()]
    assert any(b"dora" in content for content in files)
    assert not any(key.encode() in content or key[3:].encode() in content for content in files)
    listed = run_keys("list", *root)
    assert key not in listed
    (line,) = [line.split("\t") for line in listed.splitlines() if line.startswith("dora")]
    assert line[2:] == ["50", "", "16", "20", "2.5", "0.0000", "0"]


@pytest.mark.parametrize("name", ["operator", "dora", "Anna", "a/b", "..", "", "a" * 41])
def test_a_name_that_cannot_be_had_is_refused(tmp_path, name):
    with closing(CallerBook(tmp_path)) as book:
        book.add("dora", CallerLimits())
        with pytest.raises(ValueError, match=r"choose another|revoke it first"):
            book.add(name, CallerLimits())


def test_too_many_requests_in_a_minute_are_told_when_to_come_again(served):
    with served.client_of(served.add_key("emil", requests_per_minute=12)) as client:
        answers = [client.get("/v1/jobs") for _ in range(6)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    check_problem(answers[-1], 429, "rate-limit")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 6


def test_a_caller_s_own_size_holds(ben):
    check_problem(ben.post("/v1/extractions", content=many(8), headers=BODY), 413, "too-large")
    check_problem(ben.post("/v1/jobs", content=many(8), headers=BODY), 413, "too-large")


def test_no_more_jobs_are_kept_than_a_caller_may(ben):
    job_id = submit(ben, one(), assist="never")["id"]
    problem = check_problem(ben.post("/v1/jobs", content=one(), headers=BODY), 429, "too-many-at-once")
    assert "delete" in problem["remedy"]
    assert ben.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert ben.delete(f"/v1/jobs/{submit(ben, one(), assist='never')['id']}").status_code == 204


def test_no_more_is_done_at_once_than_a_caller_may(served):
    with (
        served.client_of(served.add_key("fritz", max_concurrent=1)) as client,
        ThreadPoolExecutor(12) as pool,
    ):
        posted = [pool.submit(client.post, "/v1/extractions", content=one(), headers=BODY) for _ in range(12)]
        answers = [answer.result() for answer in posted]
    statuses = {answer.status_code for answer in answers}
    assert 200 in statuses
    assert statuses <= {200, 429}
    for answer in answers:
        if answer.status_code == 429:
            check_problem(answer, 429, "too-many-at-once")
            assert answer.headers["retry-after"]


def test_a_caller_without_money_is_helped_by_the_rules_alone(served):
    with served.client_of(served.add_key("greta", max_usd=0.000001)) as client:
        first = client.post("/v1/extractions", params={"assist": "always"}, content=one(), headers=BODY)
        assert first.status_code == 200
        assert first.json()["usage"]["calls"] == 0
        assert first.json()["usage"]["open_questions"] > 0
        for path in ("/v1/extractions", "/v1/jobs"):
            problem = check_problem(client.post(path, content=one(), headers=BODY), 402, "spending-limit")
            assert "assist=never" in problem["remedy"]
        assert client.post("/v1/extractions?assist=never", content=one(), headers=BODY).status_code == 200


def test_a_job_pauses_where_the_money_ends(served):
    """The stub's calls take 15 tokens for a millionth of a dollar each; what a call may take is set aside before it."""
    with served.client_of(served.add_key("hans", max_usd=0.002)) as client:
        job = finish(client, submit(client, many(200), assist="always")["id"])
        assert job["state"] == "paused"
        assert "limit" in job["reason"]
        assert 0 < job["usage"]["calls"] < 200
        with closing(CallerBook(served.root)) as book:
            assert 0 < book.spent("hans").picodollars <= 0.002e12
        check_problem(client.post(f"/v1/jobs/{job['id']}/resume"), 402, "spending-limit")

"""Keys, their limits, and callers who must not see each other."""

import json
import sqlite3
from contextlib import closing
from functools import partial

import pytest

from extractor.apps.serve.callers import CallerBook, SharedMeter, now
from extractor.apps.serve.job import Job
from extractor.apps.serve.problems import ProblemError
from extractor.model.cost.budget import Pricing
from extractor.model.spec import ModelSpec
from extractor.schemas.vocabulary import Effort
from tests.commands import invoke
from tests.faults.server import WELL, Fault, serve_faults
from tests.llm.stub import serve as serve_stub

from .running import (
    NOBODYS,
    OPERATIONS,
    PRICES,
    TOKEN,
    check_problem,
    finish,
    follow,
    many,
    one,
    post,
    results,
    say_nothing,
    serve,
    submit,
    wait_until,
)

pytestmark = pytest.mark.slow

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
    """Run the command in this process, which is another one than the service's."""
    done = invoke("serve", "keys", *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def run_spent(*arguments):
    done = invoke("serve", "spent", *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_what_is_spent_can_be_asked_while_the_service_runs(served):
    assert float(run_spent("--root", str(served.root))) >= 0


@pytest.mark.parametrize("path", ["/v1/jobs", f"/v1/jobs/{NOBODYS}/results"])
@pytest.mark.parametrize(
    "given",
    [
        None,
        "Bearer x",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer xk_" + "a" * 43,
        "Bearer \xe9",
    ]
    + [f"{scheme} {TOKEN}".strip() for scheme in ("Basic", "Token", "")],
)
def test_without_a_valid_key_everything_is_refused(anybody, path, given):
    headers = {} if given is None else {"authorization": given.encode("latin-1")}
    answer = anybody.get(path, headers=headers, params={"key": TOKEN, "token": TOKEN})
    check_problem(answer, 401, "no-key")
    assert answer.headers["www-authenticate"] == "Bearer"
    check_problem(
        anybody.post("/v1/extractions", content=one(), headers=headers), 401, "no-key"
    )


def test_callers_do_not_see_each_other_s_jobs(served, anna, ben):
    job_id = submit(anna, one(), effort="none")["id"]
    finish(anna, job_id)
    assert results(anna, job_id)
    for method, path in ON_A_JOB:
        problem = check_problem(
            ben.request(method, path.format(job_id=job_id)), 404, "no-such-job"
        )
        nobodys = ben.request(method, path.format(job_id=NOBODYS)).json()
        assert problem | {"instance": ""} == nobodys | {"instance": ""}
    assert job_id not in [job["id"] for job in ben.get("/v1/jobs").json()]
    assert anna.get(f"/v1/jobs/{job_id}").json()["state"] == "done"


def test_the_operator_sees_the_jobs_of_all(served, anna):
    job_id = submit(anna, one(), effort="none")["id"]
    finish(served.client, job_id)
    assert results(served.client, job_id) == results(anna, job_id)
    assert {job["id"]: job["caller"] for job in served.client.get("/v1/jobs").json()}[
        job_id
    ] == "anna"
    assert served.client.delete(f"/v1/jobs/{job_id}").status_code == 204


def test_a_revoked_key_is_invalid_at_once_and_who_gets_its_name_sees_nothing_of_its_jobs(
    served,
):
    with served.add_caller("gerda") as client:
        job_id = submit(client, one(), effort="none")["id"]
        finish(client, job_id)
        run_keys("revoke", "gerda", "--root", str(served.root))
        check_problem(client.get("/v1/jobs"), 401, "no-key")
    with served.add_caller("gerda") as client:
        check_problem(client.get(f"/v1/jobs/{job_id}"), 404, "no-such-job")
        assert client.get("/v1/jobs").json() == []
        own = submit(client, one(), effort="none")["id"]
    callers = {job["id"]: job["caller"] for job in served.client.get("/v1/jobs").json()}
    assert (callers[job_id], callers[own]) == ("gerda", "gerda.2")


def test_a_key_expires_and_is_renewed_with_its_jobs(served):
    root = ("--root", str(served.root))
    with served.client_of(
        run_keys("add", "hanna", "--days", "1", *root).strip()
    ) as client:
        job_id = submit(client, one(), effort="none")["id"]
        with closing(sqlite3.connect(served.root / "callers.sqlite")) as book:
            book.execute(
                "UPDATE keys SET expires = '2026-01-01T00:00:00+00:00' WHERE id = 'hanna'"
            )
            book.commit()
        check_problem(client.get("/v1/jobs"), 401, "no-key")
    with (
        closing(CallerBook(served.root)) as book,
        pytest.raises(ValueError, match="this key expires"),
    ):
        book.renew("hanna")
    with served.client_of(
        run_keys("renew", "hanna", "--days", "1", *root).strip()
    ) as client:
        assert client.get(f"/v1/jobs/{job_id}").status_code == 200
    run_keys("revoke", "hanna", *root)


def test_the_id_of_a_folder_of_jobs_is_not_used_again(tmp_path):
    (tmp_path / "jobs" / "ben").mkdir(parents=True)
    with closing(CallerBook(tmp_path)) as book:
        assert book.find(book.add("ben", 60)).id == "ben.2"


def test_a_revoked_key_ends_its_event_stream_and_its_job_at_once(tmp_path):
    """The model's answers wait until the key is revoked, and break the schema, so that they
    would be asked again.
    """
    with serve_faults(
        lambda number: WELL if number < 20 else Fault(content='{"items": [{"n": 7}]}')
    ) as server:
        server.holds_after = 20
        with serve(
            tmp_path / "root", "--model", f"{server.url}#stub", "--concurrency", "2"
        ) as service:
            with service.add_caller("ida") as client:
                job_id = submit(client, many(100), effort="all")["id"]
                with client.stream("GET", f"/v1/jobs/{job_id}/events") as stream:
                    lines = stream.iter_lines()
                    seen = [next(lines)]
                    while server.calls < 22:
                        seen.append(next(lines))
                    run_keys("revoke", "ida", "--root", str(service.root))
                    events = service.root / "jobs" / "ida" / job_id / "events.jsonl"
                    told = len(
                        events.read_text("utf-8").splitlines()
                    )  # no more until the model answers
                    server.holds_after = None
                    seen += lines
                assert sum(line.startswith("id: ") for line in seen) <= told
            job = finish(service.client, job_id)
            assert (job["state"], job["reason"]) == (
                "cancelled",
                "the caller's key was revoked, or has expired",
            )
            assert server.calls == 22, (
                "an answer that broke its schema was asked for again"
            )
            problem = check_problem(
                service.client.post(f"/v1/jobs/{job_id}/resume"), 409, "not-finished"
            )
            assert "renew the caller's key" in problem["remedy"]
            assert service.client.get(f"/v1/jobs/{job_id}").json() == job
            assert len(follow(service.client, job_id)) > told + 2, (
                "the stream ended before the job did"
            )
            assert results(service.client, job_id)


def test_jobs_are_kept_for_as_long_as_is_set(tmp_path):
    """The folders of two jobs that ended, one of them long ago, lie in the root of a service
    that starts.
    """
    ends = {"a" * 32: "2026-01-01T00:00:00+00:00", "b" * 32: now()}
    for job_id, ended in ends.items():
        job = Job(
            id=job_id,
            state="done",
            name="a.json",
            bytes=1,
            created="2026-01-01T00:00:00+00:00",
            ended=ended,
        )
        (folder := tmp_path / "root" / "jobs" / "operator" / job_id).mkdir(parents=True)
        (folder / "job.json").write_text(job.model_dump_json(), "utf-8")
    with serve(tmp_path / "root", "--keep-days", "1") as service:
        wait_until(
            lambda: (
                [job["id"] for job in service.client.get("/v1/jobs").json()]
                == ["b" * 32]
            )
        )
        wait_until(
            lambda: [path.name for path in folder.parent.iterdir()] == ["b" * 32]
        )


def test_keys_are_stored_as_hashes_and_listed_without(served):
    root = ("--root", str(served.root))

    key = run_keys("add", "dora", "--requests-per-minute", "50", *root).strip()
    listed = run_keys("list", *root)

    files = [path.read_bytes() for path in served.root.iterdir() if path.is_file()]
    assert any(b"dora" in content for content in files)
    assert not any(key[3:].encode() in content for content in files)
    assert key not in listed
    (line,) = [line for line in listed.splitlines() if line.startswith("dora")]
    assert line.split("\t")[2:] == ["50", "never", "dora", "none", "0.0000", "valid"]


@pytest.mark.parametrize(
    "name", ["operator", "dora", "Anna", "a/b", "..", "", "a" * 41]
)
def test_a_name_that_is_taken_or_wrong_is_refused(tmp_path, name):
    with closing(CallerBook(tmp_path)) as book:
        book.add("dora", 600)
        with pytest.raises(ValueError, match=r"choose another|revoke it first"):
            book.add(name, 600)


def test_too_many_requests_in_a_minute_are_refused_with_the_time_to_wait(served):
    with served.add_caller("emil", requests_per_minute=3) as client:
        answers = [client.get("/v1/jobs") for _ in range(4)]
    assert [answer.status_code for answer in answers[:3]] == [200] * 3
    check_problem(answers[-1], 429, "rate-limit")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20


def test_the_limit_of_money_holds_through_a_kill(tmp_path):
    """The service is killed while calls are under way: whether they were paid for is never
    known.
    """
    limit = 0.15
    price = {"prompt_tokens": 1e-6, "completion_tokens": 1e-6}
    prices = tmp_path / "prices.toml"
    asked = []
    prices.write_text(PRICES)
    with serve_faults() as server:
        server.judge = lambda body: asked.append(body) or WELL
        options = (
            "--model",
            f"{server.url}#stub",
            "--prices",
            str(prices),
            "--max-usd",
            str(limit),
            "--workers",
            "1",
        )
        server.holds_after = 4
        with serve(tmp_path / "root", *options) as service:
            job_id = submit(service.client, many(2000), effort="all")["id"]
            wait_until(lambda: server.calls > 4)
            service.process.kill()
        server.holds_after = None
        with serve(tmp_path / "root", *options) as service:
            job = finish(service.client, job_id)
            assert (job["state"], job["reason"]) == (
                "paused",
                "the service's limit of money is reached",
            )
    usage = [json.loads(WELL.reply(body))["usage"] for body in asked]
    assert 0 < sum(one[name] * price[name] for one in usage for name in price) <= limit


def test_the_limit_of_a_caller_holds_through_a_kill(tmp_path):
    """As for the limit of all: what is under way at the kill counts in full, for its caller
    alone.
    """
    limit = 0.15
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)
    asked = []
    with serve_faults() as server:
        server.judge = lambda body: asked.append(body) or WELL
        model = ("--model", f"{server.url}#stub", "--prices", str(prices))
        server.holds_after = 4
        with serve(tmp_path / "root", *model, "--workers", "1") as service:
            with service.add_caller("anna", max_usd=limit) as anna:
                job_id = submit(anna, many(2000), effort="all")["id"]
            wait_until(lambda: server.calls > 4)
            service.process.kill()
        server.holds_after = None
        with serve(tmp_path / "root", *model, "--workers", "1") as service:
            job = finish(service.client, job_id)
            assert (job["state"], job["reason"]) == (
                "paused",
                "the caller's limit of money is reached",
            )
            usage = [json.loads(WELL.reply(body))["usage"] for body in asked]
            tokens = ("prompt_tokens", "completion_tokens")
            spent = sum(one[name] * 1e-6 for one in usage for name in tokens)
            assert 0 < spent <= limit
            listed = run_keys("list", "--root", str(service.root)).splitlines()[-1]
            assert 0 < float(listed.split("\t")[6]) <= limit
            assert post(service.client, one(9000), effort="all").status_code == 200


def test_at_its_limit_a_caller_waits_for_a_higher_one_and_others_go_on(tmp_path):
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)
    with serve_stub(partial(say_nothing, tokens=10)) as stub:
        model = ("--model", f"{stub.url}#stub", "--prices", str(prices))
        with (
            serve(tmp_path / "root", *model, "--workers", "1") as service,
            service.add_caller("anna", max_usd=0.01) as anna,
            service.add_caller("ben") as ben,
        ):
            root = ("--root", str(service.root))
            job = finish(anna, submit(anna, many(12), effort="all")["id"])
            assert (job["state"], job["reason"]) == (
                "paused",
                "the caller's limit of money is reached",
            )
            assert 0 < job["usage"]["calls"] * 1100e-6 <= 0.01
            for path in ("/v1/extractions", "/v1/jobs", f"/v1/jobs/{job['id']}/resume"):
                check_problem(anna.post(path, content=one()), 402, "spending-limit")
            assert post(anna, one(), effort="none").status_code == 200
            answer = post(ben, one(), effort="all")
            assert answer.json()["usage"]["calls"] == 1
            run_keys("limit", "anna", "--max-usd", "1", *root)
            assert anna.post(f"/v1/jobs/{job['id']}/resume").status_code == 200
            again = finish(anna, job["id"])
            assert (again["state"], again["extracted"]) == ("done", 12)
            rows = [line.split("\t") for line in run_keys("list", *root).splitlines()]
            spent = {row[0]: row[5:7] for row in rows}
            assert spent["anna"] == ["1", f"{12 * 1100e-6:.4f}"]
            assert spent["ben"] == ["none", "0.0011"]


def test_without_a_price_a_caller_with_a_limit_asks_nothing(tmp_path):
    pricing = Pricing(ModelSpec.parse("http://127.0.0.1:1/v1#unpriced"))
    with (
        closing(CallerBook(tmp_path)) as book,
        closing(SharedMeter(tmp_path, pricing, None, book)) as meter,
    ):
        book.add("anna", 600, max_usd=1)
        book.add("ben", 600)
        with pytest.raises(ProblemError, match="price of the model is unknown"):
            meter.check(Effort.ALL, "anna")
        meter.check(Effort.NONE, "anna")
        meter.check(Effort.ALL, "ben")
        book.limit("anna", None)
        meter.check(Effort.ALL, "anna")


def test_at_the_limit_of_money_jobs_pause_and_the_rules_go_on(tmp_path):
    """A call of the stub costs 1,100 millionths of a dollar; what it may cost at most is
    reserved before it.
    """
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)
    with serve_stub(partial(say_nothing, tokens=10)) as stub:
        options = (
            "--model",
            f"{stub.url}#stub",
            "--prices",
            str(prices),
            "--max-usd",
            "0.01",
            "--workers",
            "1",
        )
        with serve(tmp_path / "root", *options) as service:
            job = finish(
                service.client, submit(service.client, many(12), effort="all")["id"]
            )
            assert (job["state"], "limit" in job["reason"]) == ("paused", True)
            assert 0 < job["usage"]["calls"] * 1100e-6 <= 0.01
            cost = pytest.approx(job["usage"]["calls"] * 1100e-6, abs=1e-4)
            assert job["usage"]["usd"] == cost
            assert float(run_spent("--root", str(service.root))) == cost
            for path in ("/v1/extractions", "/v1/jobs", f"/v1/jobs/{job['id']}/resume"):
                problem = check_problem(
                    service.client.post(path, content=one()), 402, "spending-limit"
                )
                assert "effort=none" in problem["remedy"]
            assert post(service.client, one(), effort="none").status_code == 200
        with serve(
            tmp_path / "root", *options[:-4], "--max-usd", "1", "--workers", "1"
        ) as service:
            again = finish(service.client, job["id"])  # the next start goes on
            assert (again["state"], again["extracted"]) == ("done", 12)
            assert (
                again["usage"]["calls"] + job["usage"]["calls"] == 12
            )  # one a record, none twice


def test_a_refusal_for_money_can_be_rehearsed_with_a_caller_that_may_spend_nothing(
    tmp_path,
):
    """The page tells operators to do so. No request goes to the model."""
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)
    calls = []
    with serve_stub(
        lambda request: calls.append(request) or say_nothing(request)
    ) as stub:
        model = ("--model", f"{stub.url}#stub", "--prices", str(prices))
        with serve(tmp_path / "root", *model, "--workers", "1") as service:
            root = ("--root", str(service.root))
            key = run_keys("add", "rehearsal", "--max-usd", "0", *root).strip()
            with service.client_of(key) as client:
                problem = check_problem(post(client, one()), 402, "spending-limit")
                assert problem["detail"] == "the caller's limit of money is reached"
                assert "effort=none" in problem["remedy"]
                check_problem(
                    client.post("/v1/jobs", content=one()), 402, "spending-limit"
                )
                assert post(client, one(), effort="none").status_code == 200
                assert calls == []
                assert post(service.client, one(), effort="all").status_code == 200
                # the rules' answer would look like the model's
                run_keys("limit", "rehearsal", "--max-usd", "0.00001", *root)
                answer = post(client, one(), effort="all")
                check_problem(answer, 402, "spending-limit")
                run_keys("limit", "rehearsal", "--max-usd", "1", *root)
                assert post(client, one(), effort="all").status_code == 200
            run_keys("revoke", "rehearsal", *root)

"""Keys, their spending limits, and callers who must not see each other."""

import json
import re
import sqlite3
from contextlib import closing
from functools import partial

import pytest

from extractor.apps.serve.keys import Keys
from extractor.apps.serve.store import open_store
from tests.commands import invoke
from tests.faults.server import WELL, Fault, serve_faults
from tests.llm.stub import Scripted
from tests.llm.stub import serve as serve_stub

from .running import (
    NOBODYS,
    TOKEN,
    check_problem,
    many,
    one,
    run_keys,
    say_nothing,
    serve,
    serve_here,
    wait_until,
)

REVOKED = "the caller's key has been revoked or has expired"
SPENT = "the caller's spending limit has been reached"
ON_A_JOB = (
    "GET:,DELETE:,POST:/cancel,POST:/resume,GET:/events,GET:/results,GET:/failures"
)


WRONG = f"|x|Basic {TOKEN}|Bearer {TOKEN}x|Bearer {TOKEN[:-1]}|Bearer xk_a|Bearer \xe9"


@pytest.mark.parametrize("path", ["/v1/jobs", f"/v1/jobs/{NOBODYS}/results"])
@pytest.mark.parametrize("given", WRONG.encode("latin-1").split(b"|"))
def test_without_a_valid_key_everything_is_refused(anybody, path, given):
    headers = {"authorization": given}
    answer = anybody.get(path, headers=headers, params={"key": TOKEN, "token": TOKEN})
    check_problem(answer, 401, "no-key")
    assert answer.headers["www-authenticate"] == "Bearer"
    for other in ("/v1/extractions", "/playground"):
        answer = anybody.post(other, content=one(), headers=headers)
        check_problem(answer, 401, "no-key")


def test_callers_do_not_see_each_other_s_jobs_and_the_operator_sees_all(served):
    with served.add_caller("anna") as anna, served.add_caller("ben") as ben:
        job_id = anna.submit(one(), effort="none")["id"]
        anna.finish(job_id)
        for operation in ON_A_JOB.split(","):
            method, path = operation.split(":")
            answer = ben.request(method, f"/v1/jobs/{job_id}{path}")
            problem = check_problem(answer, 404, "no-such-job")
            nobodys = ben.request(method, f"/v1/jobs/{NOBODYS}{path}").json()
            assert problem | {"instance": ""} == nobodys | {"instance": ""}
        assert ben.get("/v1/jobs").json() == []
        assert [job["id"] for job in anna.get("/v1/jobs").json()] == [job_id]
        assert served.client.results(job_id) == anna.results(job_id)
        jobs = served.client.get("/v1/jobs").json()
        seen = {job["id"]: job["caller"] for job in jobs}
        assert seen[job_id] == "anna"
        assert served.client.delete(f"/v1/jobs/{job_id}").status_code == 204


def test_a_key_is_stored_as_a_hash_expires_is_renewed_and_is_not_given_again(served):
    root = served.root
    key = run_keys(root, "add", "gerda", "--days", "1", "--max-usd", "2").strip()
    with served.client_of(key) as client:
        job_id = client.submit(one(), effort="none")["id"]
        with closing(sqlite3.connect(root / "service.sqlite")) as store:
            dump = "\n".join(store.iterdump())
            sql = "UPDATE callers SET expires = '2026-01-01T00:00:00+00:00' WHERE id = 'gerda'"
            store.execute(sql)
            store.commit()
        check_problem(client.get("/v1/jobs"), 401, "no-key")
    assert "gerda" in dump
    assert key not in dump
    assert (root / "service.sqlite").stat().st_mode & 0o777 == 0o600
    refused = invoke("serve", "keys", "renew", "gerda", "--root", root)
    assert "has an expiry date" in refused.output
    renewed = run_keys(root, "renew", "gerda", "--days", "1").strip()
    with served.client_of(renewed) as client:
        client.finish(job_id)
        run_keys(root, "revoke", "gerda")
        check_problem(client.get("/v1/jobs"), 401, "no-key")
    with served.add_caller("gerda") as client:
        check_problem(client.get(f"/v1/jobs/{job_id}"), 404, "no-such-job")
        assert client.get("/v1/jobs").json() == []
    rows = [line.split("\t") for line in run_keys(root, "list").splitlines()]
    assert rows[0] == ["name", "made", "expires", "id", "max usd", "spent usd", "key"]
    assert [row[3:] for row in rows if row[0] == "gerda"] == [
        ["gerda", "2.0", "0.0000", "revoked"],
        ["gerda.2", "none", "0.0000", "valid"],
    ]


NAMES = ["operator", "-anna", "", "a" * 41, "Anna", "zoë", "anna smith", "../a", "a\n"]


def test_a_name_that_would_be_no_folder_and_a_key_never_valid_are_refused(tmp_path):
    with closing(open_store(tmp_path)) as store:
        keys = Keys(store)
        for name in NAMES:
            with pytest.raises(ValueError, match="must have 1 to 40"):
                keys.add(name)
        key = keys.add("a" * 40, 1)
        for days in (0, -1, float("nan"), 1e9, 1e300):
            for change, name in ((keys.add, "ben"), (keys.renew, "a" * 40)):
                with pytest.raises(
                    ValueError, match="more than 0 and at most 36,500 days"
                ):
                    change(name, days)
        for change, name in ((keys.add, "ben"), (keys.limit, "a" * 40)):
            with pytest.raises(ValueError, match="inf dollars"):
                change(name, max_usd=float("inf"))
        with pytest.raises(ValueError, match="already has a key"):
            keys.add("a" * 40)
        assert keys.find(key) == "a" * 40
        assert len(keys.list_callers()) == 1


def test_an_unknown_caller_is_named_with_the_command_that_lists_the_callers(tmp_path):
    root = tmp_path / "my service"
    run_keys(root, "add", "anna", "--new")
    refused = invoke("serve", "keys", "revoke", "nobody", "--root", root)
    assert refused.exit_code == 2
    assert f"`extractor serve keys list --root '{root}'`" in refused.stderr


COMMANDS = "keys list,keys add a,keys renew a,keys limit a,keys revoke a,spent,drain"


@pytest.mark.parametrize("words", COMMANDS.split(","))
def test_a_mistyped_root_is_refused_and_not_made(tmp_path, words):
    mistyped = tmp_path / "servcie"
    for given in (("--root", str(mistyped)), ()):
        root = {"EXTRACTOR_ROOT": str(mistyped)}
        done = invoke("serve", *words.split(), *given, **root)
        assert (done.exit_code, done.stdout, mistyped.exists()) == (2, "", False)
        assert f"{mistyped}: no service has used this folder" in done.stderr


def test_a_revoked_key_ends_its_event_stream_and_its_job_at_once(tmp_path):
    """The model's answers wait until the key is revoked, and break the schema, so that they
    would be asked again.
    """
    broken = Fault(content='{"items": [{"n": 7}]}')
    with serve_faults(lambda number: WELL if number < 20 else broken) as server:
        server.holds_after = 20
        model = ("--model", f"{server.url}#stub", "--concurrency", "2")
        with serve_here(tmp_path / "root", *model) as service:
            with service.add_caller("max", "--max-usd", "1") as client:
                # without a price nobody knows what it would cost
                answer = client.extract(one(), effort="full")
                check_problem(answer, 402, "spending-limit")
            with service.add_caller("ida") as client:
                job_id = client.submit(many(100), effort="full")["id"]
                url = f"/v1/jobs/{job_id}"
                with client.stream("GET", f"{url}/events") as stream:
                    lines = stream.iter_lines()
                    seen = [next(lines)]
                    while server.calls < 22:
                        seen.append(next(lines))
                    run_keys(service.root, "revoke", "ida")
                    # no more until the model answers
                    log = service.root / "jobs" / "ida" / job_id / "events.jsonl"
                    told = len(log.read_text("utf-8").splitlines())
                    server.holds_after = None
                    seen += lines
                assert sum(line.startswith("id: ") for line in seen) <= told
            job = service.client.finish(job_id)
            assert (job["state"], job["reason"]) == ("cancelled", REVOKED)
            assert server.calls == 22, "a broken answer was asked for again"
            answer = service.client.post(f"{url}/resume")
            problem = check_problem(answer, 409, "not-finished")
            assert "renew it" in problem["remedy"]
            assert service.client.get(url).json() == job
            assert len(service.client.follow(job_id)) > told + 2
            assert service.client.results(job_id)


@pytest.mark.slow
def test_a_callers_limit_admits_no_call_with_an_option_that_may_change_its_price(
    tmp_path, prices
):
    with serve_faults() as server:
        model = ("--model", f"{server.url}#stub", *prices)
        option = ("--model-option", "service_tier=priority")
        with (
            serve_here(tmp_path / "root", *model, *option) as service,
            service.add_caller("max", "--max-usd", "1") as client,
        ):
            check_problem(client.extract(one(), effort="full"), 402, "spending-limit")
        assert server.calls == 0


@pytest.mark.slow
def test_a_callers_limit_holds_through_a_kill(tmp_path, prices):
    """The service is killed while calls are under way: whether they were paid for is never
    known.
    """
    limit = 0.05
    asked = []
    with serve_faults() as server:
        server.judge = lambda body: asked.append(body) or WELL
        options = ["--model", f"{server.url}#stub", *prices, "--workers", "1"]
        server.holds_after = 4
        with serve(tmp_path / "root", *options) as service:
            key = run_keys(service.root, "add", "anna", "--max-usd", limit).strip()
            with service.client_of(key) as anna:
                job_id = anna.submit(many(700), effort="full")["id"]
            wait_until(lambda: server.calls > 4)
            service.process.kill()
        server.holds_after = None
        with (
            serve(tmp_path / "root", *options) as service,
            service.client_of(key) as anna,
        ):
            job = anna.finish(job_id)
            assert (job["state"], job["reason"]) == ("paused", SPENT)
            usage = [json.loads(WELL.reply(body))["usage"] for body in asked]
            tokens = ("prompt_tokens", "completion_tokens")
            spent = sum(one[name] * 1e-6 for one in usage for name in tokens)
            assert 0 < spent <= limit
            listed = run_keys(service.root, "list").splitlines()[-1]
            assert spent <= float(listed.split("\t")[5]) + 0.0001 <= limit + 0.0001
            assert anna.extract(one(9000), effort="full").status_code == 402


def test_a_call_that_cannot_be_stored_uses_no_limit(tmp_path, prices):
    trigger = "BEFORE INSERT ON spending BEGIN SELECT RAISE(ABORT, 'full'); END"
    with serve_stub(partial(say_nothing, tokens=10)) as stub:
        model = ("--model", f"{stub.url}#stub", *prices)
        root = tmp_path / "root"
        with (
            serve_here(root, *model, "--workers", "1", "--timeout", "20") as service,
            service.add_caller("anna", "--max-usd", "0.02") as anna,
        ):
            with closing(open_store(root)) as store:
                store.execute(f"CREATE TRIGGER full {trigger}")
                for _ in range(12):
                    assert anna.extract(one(), effort="full").status_code == 500
                store.execute("DROP TRIGGER full")
            assert anna.extract(one(), effort="full").status_code == 200


def test_at_its_limit_a_caller_waits_and_others_go_on(tmp_path, prices):
    """A call of the stub costs 1,100 millionths of a dollar."""
    with serve_stub(partial(say_nothing, tokens=10)) as stub:
        model = ("--model", f"{stub.url}#stub", *prices)
        with (
            serve_here(tmp_path / "root", *model, "--workers", "1") as service,
            service.add_caller("anna", "--max-usd", "0.015") as anna,
            service.add_caller("ben") as ben,
        ):
            job = anna.finish(anna.submit(many(12), effort="full")["id"])
            assert (job["state"], job["reason"]) == ("paused", SPENT)
            cost = job["usage"]["calls"] * 1100e-6
            assert 0 < cost <= 0.015
            assert job["usage"]["usd"] == pytest.approx(cost, abs=1e-4)
            for path in ("/v1/extractions", "/v1/jobs", f"/v1/jobs/{job['id']}/resume"):
                answer = anna.post(path, content=one())
                problem = check_problem(answer, 402, "spending-limit")
                assert "effort=none" in problem["remedy"]
            assert anna.extract(one(), effort="none").status_code == 200
            assert ben.extract(one(), effort="full").json()["usage"]["calls"] == 1
            run_keys(service.root, "limit", "anna", "--max-usd", "1")
            assert anna.post(f"/v1/jobs/{job['id']}/resume").status_code == 200
            again = anna.finish(job["id"])
            assert (again["state"], again["extracted"]) == ("done", 12)
            # one a record, none twice
            assert again["usage"]["calls"] + job["usage"]["calls"] == 12
            lines = run_keys(service.root, "list").splitlines()
            spent = {row[0]: row[4:6] for row in (line.split("\t") for line in lines)}
            assert spent["anna"] == ["1.0", f"{12 * 1100e-6:.4f}"]
            assert spent["ben"] == ["none", "0.0011"]
            done = invoke("serve", "spent", "--root", service.root)
            assert float(done.stdout) == pytest.approx(13 * 1100e-6, abs=1e-4)
            # the rules' answer would look like the model's
            run_keys(service.root, "limit", "ben", "--max-usd", "0.0012")
            long = one(2, diseases=450)
            answer = ben.extract(long, effort="full")
            check_problem(answer, 402, "spending-limit")
            # enough for the first of two calls, whose maximum exceeds its cost
            most = float(re.search(r"up to \$(.*)\)", answer.json()["detail"])[1])
            run_keys(service.root, "limit", "ben", "--max-usd", 0.0011 + most + 0.0002)
            partly = ben.extract(long, effort="full")
            assert partly.headers["X-Spending-Limit"] == "reached"
            kinds = [finding["kind"] for finding in partly.json()["findings"]]
            assert "limit_reached" in kinds
        # both limits count what was spent before the restart
        run_keys(service.root, "limit", "ben", "--max-usd", "1")
        model += ("--max-usd", "0.0155")
        with serve_here(tmp_path / "root", *model, "--workers", "1") as service:
            job = service.client.finish(
                service.client.submit(many(3), effort="full")["id"]
            )
            reason = "the service's spending limit has been reached"
            assert (job["state"], job["reason"]) == ("paused", reason)
            answer = service.client.extract(one(3), effort="full")
            told = check_problem(answer, 402, "spending-limit")["detail"]
            assert re.fullmatch(
                rf"{reason}: \$0.0154 of \$0.0155 are .* \(up to .*\)", told
            )


def test_what_a_caller_may_have_spent_is_one_value(tmp_path, prices):
    """Also after a reply to another caller that costs more than the maximum of its call."""
    usage = [{"prompt_tokens": 100_000, "completion_tokens": 50_000}, {}]

    def answer(request):
        body = json.loads(say_nothing(request).body)
        return Scripted(body=json.dumps(body | {"usage": usage[0]}))

    with serve_stub(answer) as stub:
        model = ("--model", f"{stub.url}#stub", *prices, "--workers", "1")
        with (
            serve_here(tmp_path / "root", *model) as service,
            service.add_caller("anna") as anna,
            service.add_caller("ben", "--max-usd", "9") as ben,
        ):
            assert anna.extract(one(), effort="full").status_code == 200
            del usage[0]
            assert ben.extract(one(2), effort="full").status_code == 200
            run_keys(service.root, "limit", "ben", "--max-usd", "0.000001")
            answer = ben.extract(one(3), effort="full")
            told = check_problem(answer, 402, "spending-limit")["detail"]
            lines = run_keys(service.root, "list").splitlines()
            spent = {row[0]: row[5] for row in (line.split("\t") for line in lines)}
    assert f"$0.0000 of $0.000001 are spent, and up to ${spent['ben']} by" in told
    assert float(spent["ben"]) > 0.1

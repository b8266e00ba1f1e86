"""Limits of money and tokens, with and without a provider's batches."""

import json
import random
import signal
import sqlite3
import time
from contextlib import closing
from functools import partial

import pytest

from benchmarks.records import write_distinct_records
from benchmarks.servers import answer_request, serve_counting
from tests.commands import invoke, read_lines, start_extractor
from tests.faults.server import WELL, serve_faults
from tests.llm.stub import completion, fault, serve
from tests.provider import answer_well, serve_provider

pytestmark = pytest.mark.slow

RECORDS = 14
PRICES = "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\nbatch = 0.5\n"
POLL = ("--poll", "0.05")


@pytest.fixture
def command(tmp_path):
    write_distinct_records(tmp_path / "records.jsonl", RECORDS)
    (tmp_path / "prices.toml").write_text(PRICES, "utf-8")

    def build(server, *options, prices=True, verb=("run",)):
        known = ("--prices", tmp_path / "prices.toml") if prices else ()
        model = ("--model", f"{server.url}#stub", "--effort", "all")
        return (
            *verb,
            tmp_path / "records.jsonl",
            "--out",
            tmp_path / "out",
            *model,
            *known,
            *options,
        )

    return build


@pytest.fixture
def collect(command):
    return partial(command, verb=("batch", "collect"))


@pytest.fixture
def totals(tmp_path):
    """Reads ``run.json``, and checks it against the sum of the calls in the store."""

    def read(batched=1.0):
        manifest = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
        with closing(sqlite3.connect(tmp_path / "out" / "run.sqlite")) as run:
            sums = "sum(exchanges), sum(prompt_tokens), sum(output_tokens), coalesce(sum(dollars), 0)"
            calls, prompt, output, cost = run.execute(
                f"SELECT {sums} FROM calls"
            ).fetchone()
            tokens = "coalesce(sum(prompt_tokens), 0), coalesce(sum(output_tokens), 0)"
            live = run.execute(
                f"SELECT {tokens} FROM calls WHERE batch IS NULL"
            ).fetchone()
        usage = manifest["usage"]
        assert (usage["calls"], usage["prompt_tokens"], usage["output_tokens"]) == (
            calls,
            prompt,
            output,
        )
        assert manifest["cost"]["usd"] == pytest.approx(cost)
        dollars = (
            prompt * 2
            + output * 10
            - (1 - batched) * ((prompt - live[0]) * 2 + (output - live[1]) * 10)
        ) / 1e6
        assert manifest["cost"]["usd"] == pytest.approx(dollars)
        return manifest

    return read


def test_a_limit_in_money_stops_with_3_and_the_rest_is_asked_on_resume(
    tmp_path, command, totals
):
    with serve_counting() as server:
        stopped = invoke(*command(server, "--max-usd", "0.12"))
        assert stopped.exit_code == 3
        assert "of $0.12 are spent" in stopped.stderr
        assert "go on with: extractor" in stopped.stderr
        first = totals()
        assert 0 < first["cost"]["usd"] <= 0.12
        assert first["records"]["lacking"] > 0
        assert invoke(*command(server, "--max-usd", "0.12")).exit_code == 3
        assert totals()["cost"]["usd"] <= 0.12
        assert invoke(*command(server, "--max-usd", "5")).exit_code == 0
        last = totals()
        assert (
            last["records"]["extracted"]
            == RECORDS
            == len(read_lines(tmp_path / "out" / "extractions.jsonl"))
        )
        assert last["usage"]["calls"] == server.calls
    assert last["records"]["lacking"] < 6  # records with refused or broken answers


def test_a_limit_in_money_holds_through_kills(tmp_path, command, totals):
    """The server holds its answers while the run is killed: whether they were paid for is never
    known.
    """
    limit = 0.3
    asked = []
    with serve_faults() as server:
        server.judge = lambda body: asked.append(body) or WELL
        for _ in range(3):
            before = server.calls
            server.holds_after = server.calls + 1
            with start_extractor(
                *command(server, "--max-usd", limit, "--concurrency", 4)
            ) as running:
                running.wait_for(
                    lambda r=running, before=before: (
                        server.calls >= before + 2 or r.has_ended()
                    )
                )
                if not running.has_ended():
                    running.send_signal(signal.SIGKILL)
                running.wait()
        server.holds_after = None
        stopped = invoke(*command(server, "--max-usd", limit))
        assert stopped.exit_code == 3, stopped.stderr
        manifest = totals()
        usage = [json.loads(WELL.reply(body))["usage"] for body in asked]
        worth = (
            sum(
                2 * one["prompt_tokens"] + 10 * one["completion_tokens"]
                for one in usage
            )
            / 1e6
        )
        cost = manifest["cost"]
        assert (
            worth <= cost["usd"] + cost["usd_without_reply"] <= limit + 0.1
        )  # of one call, at most
        assert cost["calls_without_reply"] + manifest["usage"]["calls"] >= len(asked)
        told = f"calls without a reply: {cost['calls_without_reply']}, which may have cost up to"
        assert f"{told} ${cost['usd_without_reply']:.4f} more" in stopped.stderr
        assert (
            f"and up to ${cost['usd_without_reply']:.4f} by calls without a reply"
            in stopped.stderr
        )
        assert invoke(*command(server, "--max-usd", "5")).exit_code == 0
        assert totals()["records"]["extracted"] == RECORDS


def test_a_limit_in_money_holds_while_no_reply_comes_in_time(command, totals):
    """Each attempt may be paid for, so each needs room of its own."""
    with serve_faults() as server:
        server.holds_after = 0
        stopped = invoke(
            *command(server, "--max-usd", 0.2, "--timeout", 2, "--concurrency", 2)
        )
        server.holds_after = None
    assert stopped.exit_code == 3, stopped.stderr
    cost = totals()["cost"]
    assert (cost["usd"], cost["calls_without_reply"]) == (0, server.calls)
    assert 0.1 < cost["usd_without_reply"] <= 0.2 + 0.1  # of one call, at most


def test_totals_are_the_sum_of_calls_despite_faults(command, totals):
    """Transient faults, refusals, broken answers, and requests that the server never accepts."""
    lots = random.Random(0)
    answers = []

    def answer(request):
        lot = lots.random()
        if lot < 0.15:
            return fault(400, "not this one")
        answers.append(request)
        if lot < 0.25:
            return completion(
                "no JSON at all", usage={"prompt_tokens": 700, "completion_tokens": 3}
            )
        reply = answer_request(request)
        return completion(
            reply["choices"][0]["message"]["content"], usage=reply["usage"]
        )

    with serve(answer) as server:
        for limit in ("0.12", "9"):
            invoke(*command(server, "--max-usd", limit))
            manifest = totals()
            assert manifest["usage"]["calls"] == len(answers)
    extracted = manifest["records"]["extracted"]
    failed = manifest["records"]["failed"]
    assert (
        extracted <= RECORDS <= extracted + failed
    )  # a failed record may have a result without an answer


def test_cached_tokens_are_counted_shown_and_billed_at_their_price(tmp_path):
    (tmp_path / "prices.toml").write_text(PRICES + "cached = 0.25\n", "utf-8")
    usage = {
        "prompt_tokens": 2050,
        "completion_tokens": 25,
        "prompt_tokens_details": {"cached_tokens": 1500},
    }
    out = tmp_path / "out"
    model = ("--prices", tmp_path / "prices.toml", "--effort", "all")
    with serve([completion('{"items": []}', usage=usage)]) as server:
        command = (
            "run",
            "tests/records/study.json",
            "--out",
            out,
            "--model",
            f"{server.url}#stub",
            *model,
        )
        done = invoke(*command, "--log-json", tmp_path / "log.jsonl")
    assert done.exit_code == 0, done.output
    assert "2,050 prompt tokens (1,500 of them cached)" in done.stderr
    dollars = (550 * 2 + 1500 * 0.25 + 25 * 10) / 1e6
    assert f"cost: ${dollars:.4f}\n" in done.stderr
    manifest = json.loads((out / "run.json").read_text("utf-8"))
    assert (manifest["usage"]["cached_tokens"], manifest["cost"]["usd"]) == (
        1500,
        dollars,
    )
    assert read_lines(out / "extractions.jsonl")[0]["usage"]["cached_tokens"] == 1500
    (ended,) = (
        event
        for event in read_lines(tmp_path / "log.jsonl")
        if event["event"] == "run_ended"
    )
    assert (ended["prompt_tokens"], ended["cached_tokens"]) == (2050, 1500)

    def report():
        assert invoke("report", out).exit_code == 0
        return (out / "report.html").read_text("utf-8")

    assert "2,050 prompt (1,500 of them cached)" in report()
    del (
        manifest["usage"]["cached_tokens"],
        manifest["settings"]["effort"],
    )  # as in the manifests of earlier versions
    (out / "run.json").write_text(json.dumps(manifest), "utf-8")
    assert "2,050 prompt, 25 output" in report()


def count_answers(provider):
    """The answers in batches, and those to live calls, which come before the first batch of a
    command.
    """
    return len(provider.requests) + provider.asked.count("POST /chat/completions")


def answer_at_most_half(body):
    """Answer well, but cut the answers to all lines of a record; those to half of them fit."""
    status, reply = answer_well(body)
    if body["messages"][-1]["content"].count("\n[") > 30:
        reply["choices"][0] |= {
            "finish_reason": "length",
            "message": {"role": "assistant", "content": '{"items": ['},
        }
    return status, reply


def test_batches_run_in_rounds_at_their_price(collect, totals):
    with serve_provider(answer=answer_at_most_half) as provider:
        done = invoke(*collect(provider, *POLL))
        assert done.exit_code == 0, done.stderr
        manifest = totals(0.5)
        assert manifest["records"]["extracted"] == RECORDS
        assert manifest["usage"]["calls"] == count_answers(provider)
        assert len(provider.batches) > 1  # later ones ask halves
        assert "batch 1: fetched, 14 of 14 done" in done.stderr


def test_submit_ends_at_once_and_collect_brings_the_results(command, collect, totals):
    submit = partial(command, verb=("batch", "submit"))
    with serve_provider() as provider:
        done = invoke(*submit(provider))
        assert done.exit_code == 0, done.stderr
        assert "batch 1: submitted, 0 of 13 done" in done.stderr
        assert "to collect the answers: extractor batch collect " in done.stderr
        assert len(provider.batches) == 1
        assert invoke(*submit(provider)).exit_code == 0
        assert len(provider.batches) == 1  # nothing is submitted twice
        done = invoke(*collect(provider, *POLL))
        assert done.exit_code == 0, done.stderr
        assert totals(0.5)["records"]["extracted"] == RECORDS
        assert len(provider.batches) == 1


def test_a_limit_applies_to_batches_and_a_higher_one_resumes_the_run(collect, totals):
    with serve_provider() as provider:
        stopped = invoke(*collect(provider, *POLL, "--max-usd", "0.1"))
        assert stopped.exit_code == 3, stopped.stderr
        assert totals(0.5)["cost"]["usd"] <= 0.1
        assert 0 < count_answers(provider) < RECORDS
        assert invoke(*collect(provider, *POLL, "--max-usd", "1")).exit_code == 0
        manifest = totals(0.5)
        assert manifest["records"]["extracted"] == RECORDS
        assert manifest["usage"]["calls"] == count_answers(provider)


def is_good(reply):
    """Whether an answer follows the schema: the next command repeats refused and broken ones."""
    message = reply["choices"][0]["message"]
    return not message.get("refusal") and "987654" not in message["content"]


def test_a_run_that_is_killed_repeatedly_submits_nothing_twice(
    tmp_path, collect, totals
):
    lots = random.Random(3)
    with serve_provider(looks=2) as provider:
        for number in range(4):
            asked = len(provider.asked)
            with start_extractor(*collect(provider, *POLL)) as running:
                running.wait_for(
                    lambda r=running, asked=asked: (
                        len(provider.asked) > asked or r.has_ended()
                    )
                )
                time.sleep(lots.uniform(0, 0.3))
                if not running.has_ended():
                    running.send_signal(signal.SIGKILL if number % 2 else signal.SIGINT)
                    running.wait()
        done = invoke(*collect(provider, *POLL))
        assert done.exit_code == 0, done.stderr
        good = [
            line["custom_id"]
            for line in provider.requests
            if is_good(answer_request(line["body"]))
        ]
        live = provider.asked.count("POST /chat/completions")
        assert len(good) == len(set(good)) >= RECORDS - 6 - live
        assert totals(0.5)["usage"]["calls"] == count_answers(provider)
        assert len(read_lines(tmp_path / "out" / "extractions.jsonl")) == RECORDS
